// What published networks share behind Potential: arithmetic, species, neighbour lists.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "saltus/models/published_model.hpp"
#include "saltus/potentials/network_settings.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// A network in one arithmetic.
struct NetworkEvaluator {
  virtual ~NetworkEvaluator() = default;
  /// One configuration. species  [n] rows of the model's elements
  virtual void evaluate(const std::vector<int>& species, const NeighborList& list, Want want, std::unique_ptr<Scratch>& scratch, Evaluation& result) const = 0;
};

class NetworkPotential : public Potential {
 public:
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return cutoff_ang_; }
  /// In the arithmetic of precision(); energies and virials are summed in float64 always.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

  Dtype precision() const { return precision_; }

 protected:
  /// Throws Error{usage} for another arithmetic than F32 or F64.
  NetworkPotential(const PublishedModel& model, const NetworkSettings& settings);

  std::unique_ptr<const NetworkEvaluator> network_;  ///< set by the family's constructor

 private:
  PotentialInfo info_;
  Dtype precision_ = Dtype::f32;
  double cutoff_ang_ = 0;
};

}  // namespace saltus
