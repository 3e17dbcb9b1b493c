#include "saltus/potentials/conservation.hpp"

#include <fmt/format.h>

namespace saltus {

std::optional<std::string> conservation_warning(const PotentialInfo& info) {
  if (info.conservative) return std::nullopt;
  return fmt::format("the forces of this model ({}) are not the gradient of its energy: no time step conserves energy, a thermostat hides it; look at the drift of the conserved quantity", info.kind);
}

}  // namespace saltus
