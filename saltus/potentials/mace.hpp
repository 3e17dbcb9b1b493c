// MACE: equivariant messages and their symmetric products.  E = Σ_i (E0_{z_i} + scale · (Σ_t readout_t(h_i^t) + ZBL_i) + shift).
// References: Batatia et al., NeurIPS 35, 11423 (2022); Batatia et al., arXiv:2401.00096.
#pragma once

#include "saltus/potentials/network_potential.hpp"

namespace saltus {

class Mace final : public NetworkPotential {
 public:
  /// Throws Error{format} when tensors do not fit the architecture, Error{unsupported} for a part it cannot evaluate,
  /// Error{usage} when a head must be chosen.
  explicit Mace(const PublishedModel& model, const NetworkSettings& settings = {});
};

}  // namespace saltus
