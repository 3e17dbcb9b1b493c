// Linear atomic cluster expansion:  E = Σ_i ( E0[z_i] + c_{z_i} · B_i ) + pair repulsion.
// Reference: Drautz, Phys. Rev. B 99, 014104 (2019).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "saltus/potentials/ace_basis.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/potentials/repulsion.hpp"

namespace saltus {

struct TensorFile;

/// All that defines a model; what the file holds.
struct AceParameters {
  AceBasisSettings basis;
  std::vector<std::uint8_t> elements;                 ///< atomic numbers, ascending
  std::vector<double> reference_energy_ev;            ///< [species]
  std::vector<kernels::AceRadialPair> radial;         ///< [species·species]
  std::vector<double> repulsion_end_ang;              ///< [species·species]
  std::vector<std::vector<double>> coefficient_ev;    ///< [species][functions]
  /// Cholesky factor (lower, row-major [functions²]) of the covariance of B over the training atoms, per species; may be
  /// empty (then there is no extrapolation measure).
  std::vector<std::vector<double>> covariance_factor;
  std::vector<double> extrapolation_scale;            ///< [species] largest √(Bᵀ Cov⁻¹ B) over the training atoms
  std::map<std::string, std::string> metadata;        ///< provenance: training sets with hashes, settings, errors
};

class AcePotential final : public Potential {
 public:
  /// Throws Error{format} when sizes do not fit together.
  explicit AcePotential(AceParameters parameters);

  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return cutoff_ang_; }
  /// The extrapolation measure of atom i is √(B_iᵀ Cov⁻¹ B_i) over the largest value met in training (1 = edge of the data).
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

  const AceParameters& parameters() const { return parameters_; }
  const AceBasis& basis() const { return basis_; }
  const kernels::AceModel& model() const { return model_; }
  /// Species index of an atomic number. Throws Error{unsupported}.
  int species_of(std::uint8_t atomic_number) const;

 private:
  void evaluate_configuration(const Atoms& atoms, const NeighborList& list, Want want, Scratch& scratch, Evaluation& result) const;
  void extrapolation(const std::vector<int>& species, const NeighborList& list, std::vector<double>& measure) const;

  AceParameters parameters_;
  AceBasis basis_;
  kernels::AceModel model_;
  PotentialInfo info_;
  std::vector<ZblPair> repulsion_;  // [species·species]
  double cutoff_ang_ = 0;
};

/// Default radial functions of a pair: they saturate below `closest_ang`, where the training data on the pair begin.
kernels::AceRadialPair default_radial_pair(double cutoff_ang, double closest_ang);

/// Polynomial radial functions of a pair, which LAMMPS' pace style has too: from 0.9 of `closest_ang` down to 0.6 of it they are
/// switched off, and the repulsion alone acts.
kernels::AceRadialPair polynomial_radial_pair(double cutoff_ang, double closest_ang, int power);

/// Neighbours of atom i from a list, sorted by species and padded for the kernels; `pair` receives, for each neighbour
/// that is not padding, its index in the list (padding: the number of pairs).
void gather_neighbors(const NeighborList& list, std::size_t i, const std::vector<int>& species, int species_count,
                      const std::vector<kernels::AceRadialPair>& radial, kernels::AceNeighbors& neighbors,
                      std::vector<std::uint32_t>& pair);

/// Writes one safetensors file, atomically. Throws Error{file}.
void save_ace(const std::filesystem::path& path, const AceParameters& parameters);
/// Throws Error{file}, Error{format} with the place.
AceParameters load_ace(const std::filesystem::path& path);
AceParameters ace_from(const TensorFile& file);

}  // namespace saltus
