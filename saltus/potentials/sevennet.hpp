// SevenNet: an equivariant network of the NequIP type.  E = Σ_i (scale · readout(x_i) + shift_{z_i}).
// References: Park et al., J. Chem. Theory Comput. 20, 4857 (2024); Batzner et al., Nat. Commun. 13, 2453 (2022).
#pragma once

#include <memory>

#include "saltus/models/published_model.hpp"
#include "saltus/potentials/network_settings.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

class SevenNet final : public Potential {
 public:
  /// Throws Error{format} when tensors do not fit the architecture, Error{unsupported} for a part it cannot evaluate,
  /// Error{usage} when a modality must be chosen.
  explicit SevenNet(const PublishedModel& model, const NetworkSettings& settings = {});
  ~SevenNet() override;

  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return cutoff_ang_; }
  /// In the arithmetic of precision(); energies and virials are summed in float64 always.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

  Dtype precision() const { return precision_; }
  struct Network;

 private:
  std::unique_ptr<const Network> network_;
  PotentialInfo info_;
  Dtype precision_ = Dtype::f32;
  double cutoff_ang_ = 0;
};

}  // namespace saltus
