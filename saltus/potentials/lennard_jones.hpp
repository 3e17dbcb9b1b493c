// Lennard-Jones with a smooth cutoff, the reference potential of tests and benchmarks:
//   E = sum over pairs of 4 eps [(sigma/r)^12 - (sigma/r)^6] S(r),  S = 1 - 10 x^3 + 15 x^4 - 6 x^5 between the onset
//   and the cutoff. Lorentz-Berthelot mixing: sigma_ij = (sigma_i + sigma_j)/2, eps_ij = sqrt(eps_i eps_j).
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "saltus/models/safetensors.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

struct LennardJonesSpecies {
  std::uint8_t atomic_number = 0;
  double epsilon_ev = 0;
  double sigma_ang = 0;
};

struct LennardJonesParameters {
  std::vector<LennardJonesSpecies> species;
  double onset_ang = 0;   ///< where the switching function leaves one
  double cutoff_ang = 0;  ///< where it reaches zero, with two continuous derivatives
};

class LennardJones final : public Potential {
 public:
  /// Throws Error{usage} when a number is not positive, the onset is not below the cutoff, or a species is given twice.
  explicit LennardJones(LennardJonesParameters parameters);

  const LennardJonesParameters& parameters() const { return parameters_; }
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return parameters_.cutoff_ang; }
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

 private:
  LennardJonesParameters parameters_;
  PotentialInfo info_;
};

/// Liquid and solid argon (Rahman 1964): epsilon = kB·120 K, sigma = 3.4 Å, switched off between 7.0 and 8.5 Å.
LennardJonesParameters lennard_jones_argon();

/// One safetensors file of family "lennard_jones", atomically. Throws Error{file}.
void save_lennard_jones(const std::filesystem::path& path, const LennardJonesParameters& parameters);
/// Throws Error{format} with the place.
LennardJonesParameters lennard_jones_from(const TensorFile& file);

}  // namespace saltus
