// MACE: equivariant messages and their symmetric products.  E = Σ_i (E0_{z_i} + scale · (Σ_t readout_t(h_i^t) + ZBL_i) + shift).
// References: Batatia et al., NeurIPS 35, 11423 (2022); Batatia et al., arXiv:2401.00096.
#pragma once

#include <memory>

#include "saltus/models/published_model.hpp"
#include "saltus/potentials/network_settings.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

class Mace final : public Potential {
 public:
  /// Throws Error{format} when tensors do not fit the architecture, Error{unsupported} for a part it cannot evaluate,
  /// Error{usage} when a head must be chosen.
  explicit Mace(const PublishedModel& model, const NetworkSettings& settings = {});
  ~Mace() override;

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
