// A model's own dynamics beside a reference trajectory (AIMD): radial distributions and vibrational spectra, how far they are apart, and
// how far two trajectories of these lengths would be by chance.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "saltus/runs/rdf_report.hpp"
#include "saltus/runs/trajectory_source.hpp"
#include "saltus/runs/velocity_report.hpp"

namespace saltus::runs {

struct AgreementSettings {
  TrajectoryInput reference;
  double temperature_kelvin = 0;   ///< of the thermostat; 0: the mean of the reference, which then needs velocities
  double length_ps = 0;            ///< simulated and compared; 0: as long as the reference
  double equilibration_ps = 0.5;   ///< simulated before
  double largest_ang = 6;          ///< range of the radial distributions
  double longest_lag_fs = 250;     ///< of the velocity correlation behind the spectrum; at most a quarter of the shorter trajectory
  std::uint64_t seed = 1;
};

/// ∫|p − q| / ∫(p + q) of two curves: 0 = the same, 1 = nothing in common. `by_chance` is what the scatter of
/// both trajectories alone makes of it on the mean, from time blocks; none where a trajectory is too short for blocks.
struct Deviation {
  double value = 0;
  std::optional<double> by_chance;
};

struct PairDeviation {
  int first = 0, second = 0;  ///< atomic numbers
  Deviation rdf;              ///< of r² g(r): of how often distances occur
};

struct TrajectoryAgreement {
  double temperature_kelvin = 0, timestep_fs = 0, length_ps = 0, reference_length_ps = 0;
  std::vector<PairDeviation> pairs;
  std::optional<Deviation> spectrum;  ///< none where the reference has no velocities
  std::vector<std::string> warnings;
};

/// A simulation whose frames are spaced as those of the reference.
struct MatchedSimulation {
  Frame start;                         ///< first frame of the reference
  MolecularDynamicsSettings md;
  double spacing_fs = 0, length_ps = 0, reference_length_ps = 0;
  bool velocities = false;             ///< whether the reference has them in all its frames
};

/// From the first frame of the reference under canonical velocity rescaling, with a time step that divides the reference's spacing: at most
/// 0.5 fs with hydrogen, else 2 fs.
/// Throws what readers and analyses throw; Error{usage} when the reference has fewer than ten frames, no times, or no temperature.
MatchedSimulation matched_simulation(const AgreementSettings& settings, const Progress& progress = {});

struct TrajectoryCurves {
  RdfReport rdf;
  std::optional<VelocityReport> vibrations;  ///< mass-weighted; none where the reference has no velocities
};

/// Of the reference, or of a trajectory of that simulation. Throws what readers and analyses throw.
TrajectoryCurves curves_of(const TrajectoryInput& trajectory, const AgreementSettings& settings, const MatchedSimulation& simulation, const Progress& progress = {});

TrajectoryAgreement agreement_between(const MatchedSimulation& simulation, const TrajectoryCurves& reference, const TrajectoryCurves& model);

/// Simulates, in a folder of the system's for temporary files that is removed, and compares.
///
/// Throws what readers, analyses and the simulation throw; Error{usage} as matched_simulation; Interrupted when `stop` says so.
TrajectoryAgreement compare_trajectories(const Potential& potential, const AgreementSettings& settings, const Progress& progress = {}, const Stop& stop = {});

/// Of two curves at the same points, each with 95 % intervals of `blocks` time blocks or without (not numbers).
Deviation deviation_between(const std::vector<Estimate>& p, std::size_t p_blocks, const std::vector<Estimate>& q, std::size_t q_blocks);

}  // namespace saltus::runs
