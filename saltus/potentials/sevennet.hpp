// SevenNet: an equivariant network of the NequIP type.  E = Σ_i (scale · readout(x_i) + shift_{z_i}).
// References: Park et al., J. Chem. Theory Comput. 20, 4857 (2024); Batzner et al., Nat. Commun. 13, 2453 (2022).
#pragma once

#include "saltus/potentials/network_potential.hpp"

namespace saltus {

class SevenNet final : public NetworkPotential {
 public:
  /// Throws Error{format} when tensors do not fit the architecture, Error{unsupported} for a part it cannot evaluate,
  /// Error{usage} when a modality must be chosen.
  explicit SevenNet(const PublishedModel& model, const NetworkSettings& settings = {});
};

}  // namespace saltus
