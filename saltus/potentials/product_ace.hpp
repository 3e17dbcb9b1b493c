// Cluster expansions that others fitted: the .yace files of LAMMPS' pace style and the Finnis-Sinclair models of GRACE, see models/product_file.hpp.
#pragma once

#include "saltus/kernels/product_tree.hpp"
#include "saltus/models/product_file.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

class ProductAce final : public Potential {
 public:
  /// Throws Error{unsupported} when the products are too many.
  explicit ProductAce(const ProductModel& model);

  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return cutoff_ang_; }
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

  /// Products of densities that are evaluated per atom of a species.
  std::size_t products(std::size_t species) const { return tree_[species].term.size(); }

 private:
  struct Bond {
    double cutoff = 0, step = 0, inner = 0, inner_width = 0, core = 0, decay = 0;
    bool core_inside_inner = false;
    std::size_t last = 0;       ///< intervals
    std::vector<double> knot;   ///< [last+1][2·radial] values, then slopes times the step
  };
  void evaluate_configuration(const Atoms& atoms, const NeighborList& list, Want want, Scratch& scratch, Evaluation& result) const;
  void evaluate_centres(int species, std::span<const std::uint32_t> centre, const NeighborList& list, bool gradient, Scratch& scratch) const;

  std::vector<std::uint8_t> elements_;  ///< as in the file
  std::vector<double> reference_energy_ev_;
  double scale_ = 1, shift_ev_ = 0, cutoff_ang_ = 0;
  std::vector<ProductEmbedding> embedding_;
  std::vector<Bond> bond_;               ///< [species · species]
  kernels::DensityLayout layout_;
  std::size_t channels_ = 1;             ///< densities of each neighbour species, or of all together
  std::vector<kernels::ProductTree> tree_;  ///< [species]
  PotentialInfo info_;
};

}  // namespace saltus
