// What a fit found, for people.
#pragma once

#include "saltus/training/ace_fit.hpp"

namespace saltus::cli {

/// Settings tried where there were several, size and ridge, errors of each set and part.
void print_fit(const AceFit& fit);

}  // namespace saltus::cli
