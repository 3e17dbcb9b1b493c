// What a simulation says of forces that are not the gradient of an energy.
#pragma once

#include <optional>
#include <string>

#include "saltus/potentials/potential.hpp"

namespace saltus {

/// The warning for such a potential; nothing where forces are the gradient.
std::optional<std::string> conservation_warning(const PotentialInfo& info);

}  // namespace saltus
