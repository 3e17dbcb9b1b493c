// Several models as one potential: means of their energies, forces and virials, and how far they spread.
//   spread of the energy: standard deviation of the members' energies; of the force on an atom: √(Σ_k |F_k − F̄|² / (K − 1)).
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "saltus/models/safetensors.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

class Committee final : public Potential {
 public:
  /// Throws Error{usage} for fewer than two members, or members that know different elements.
  explicit Committee(std::vector<std::unique_ptr<Potential>> members);

  std::size_t size() const { return members_.size(); }
  const PotentialInfo& info() const override { return info_; }
  /// The longest of the members'.
  double cutoff_ang() const override;
  /// The extrapolation of an atom is the largest among the members that have it.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

 private:
  std::vector<std::unique_ptr<Potential>> members_;
  PotentialInfo info_;
};

/// One file of several: family "committee", the tensors of member k under "k/", its metadata under "k/KEY".
/// Throws Error{usage} for fewer than two members or a committee among them.
TensorFile committee_of(const std::vector<TensorFile>& members);
/// Throws Error{format} when the file holds no committee.
std::vector<TensorFile> members_of(const TensorFile& committee);

}  // namespace saltus
