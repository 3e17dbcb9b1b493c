// Quantum averages from the log of a path-integral run, with intervals from blocks of time.
//   kinetic energies, spread   means of the rows; so is the volume, where it changes
//   heat capacity              C_V/kB = β² [⟨E_T E_v⟩ − ⟨E_T⟩⟨E_v⟩] + 3N/2, E_T and E_v the total energy with the primitive and the centroid virial
//                              kinetic energy: dE/dT of ⟨E_v⟩, whose own dependence on β at fixed beads is that of its centroid term
//   momentum                   ñ(x) of dynamics/displaced_path.hpp over the three axes, its curvature and its transform (kinetics/momentum_distribution.hpp)
//   isotope m → m'             free energy of the change in excess of the classical −(3/2) kB T ln(m'/m):  −kB T ln ⟨exp(−β ΔE)⟩
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/dynamics/ring_log.hpp"

namespace saltus::runs {

struct RingLog {
  std::vector<std::string> column;
  std::vector<std::vector<double>> row;  ///< NaN where nothing was measured

  /// Throws Error{internal} for a name that is not there.
  std::size_t index_of(const std::string& name) const;
};

std::string ring_log_header(const std::vector<std::string>& columns);
std::string ring_log_line(const std::vector<double>& row);

/// Throws Error{file}, Error{format} with file and line; `columns` must be those of the file.
RingLog read_ring_log(const std::filesystem::path& path, const std::vector<std::string>& columns);

/// Averages over production (steps ≥ 0) with 95 % intervals by a jackknife over 20 blocks of time (fewer where the rows are few); names with
/// the species' as suffix, energies of species per atom. Where neighbouring blocks still go together, a note says so.
///
/// Of the species of settings.momentum too: end_to_end_S_DISPLACEMENT and kinetic_energy_momentum_S, with a note where few measurements make the average
/// or where it is not the centroid virial's.
std::vector<NamedEstimate> ring_estimates(const RingLog& log, const std::vector<RingSpecies>& species, const RingLogSettings& settings,
                                          std::size_t beads, double temperature_kelvin);

/// Momentum of an atom of a species along a direction, averaged over directions; 95 % intervals as above.
struct MomentumDistribution {
  std::string species;
  std::vector<double> displacement_ang;
  std::vector<Estimate> end_to_end;          ///< ñ
  std::vector<double> free_end_to_end;       ///< of a classical particle
  std::vector<double> wave_number_per_ang;   ///< p/ħ; empty where ñ leaves n undetermined
  std::vector<Estimate> density_ang;         ///< n(p/ħ)
  std::vector<double> classical_density_ang;
};
std::vector<MomentumDistribution> momentum_distributions(const RingLog& log, const std::vector<RingSpecies>& species, const RingLogSettings& settings, double temperature_kelvin);

}  // namespace saltus::runs
