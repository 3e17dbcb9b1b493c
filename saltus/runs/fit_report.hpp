// What a fit found, as JSON: for the report page and for `saltus fit --json`.
#pragma once

#include <string>

#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

const char* name_of(SplitPart part);

/// One JSON document: size of the basis, ridge and its trials, errors of each set and part; with the points of the
/// parity plots (thinned, test blocks) if wanted.
std::string fit_json_text(const AceFit& fit, bool with_parity);

}  // namespace saltus::runs
