// GRACE models of one and two layers: densities A of neighbours whose elements are embedded, products of them with learned maps of channels between,
// read out by a small network; in two layers what a first expansion says of an atom dresses it as a neighbour in the second.
// The network: docs/models/grace.md. Reference: Bochkarev, Lysogorskiy, Drautz, Phys. Rev. X 14, 021036 (2024).
#pragma once

#include "saltus/kernels/product_tree.hpp"
#include "saltus/models/grace_file.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// In double precision.
class Grace final : public Potential {
 public:
  explicit Grace(GraceModel model);

  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return model_.cutoff_ang; }
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

  const GraceModel& model() const { return model_; }

 private:
  struct Layer {
    kernels::DensityLayout layout;     ///< of the densities
    std::vector<double> knot;          ///< [last+1][2·radial] values, then slopes times the step
    std::vector<double> factor;        ///< [species][radial] of the element of a neighbour
  };
  struct Run;                          ///< one configuration
  void evaluate_configuration(const Atoms& atoms, const NeighborList& list, Want want, Scratch& scratch, Evaluation& result) const;

  GraceModel model_;
  std::vector<Layer> layer_;
  std::vector<std::vector<double>> transposed_;  ///< matrices of each linear map, [count][out][in]
  double step_ang_ = 0;
  std::size_t last_ = 0;               ///< intervals of the tables
  PotentialInfo info_;
};

}  // namespace saltus
