// MatterSim: M3GNet, a network on pairs with a sum over triples.  E = Σ_i (scale_{z_i} · readout(h_i) + shift_{z_i}).
// References: docs/models/mattersim.md; Yang et al., arXiv:2405.04967 (2024); Chen and Ong, Nat. Comput. Sci. 2, 718 (2022).
#pragma once

#include <cstddef>
#include <vector>

#include "saltus/potentials/network_potential.hpp"

namespace saltus {

class MatterSim final : public NetworkPotential {
 public:
  /// kept_bytes  most memory for values of the forward pass that the gradient needs again; what needs more is computed twice, with the same results
  /// Throws Error{format} when tensors do not fit the architecture, Error{usage} when a head is asked for.
  explicit MatterSim(const PublishedModel& model, const NetworkSettings& settings = {}, std::size_t kept_bytes = std::size_t{1} << 30);

  /// What lies between the layers: h of the atoms before the first and after each layer [layers+1][atoms·units], and at last, of each atom,
  /// the sum of e over its pairs after the last layer [atoms·units].
  struct Features {
    std::vector<std::vector<double>> atoms;
    std::vector<double> pair_sums;
  };
  /// Of the last configuration that this potential evaluated with `workspace`. Throws Error{internal} when there is none.
  static Features features(const Workspace& workspace);
};

}  // namespace saltus
