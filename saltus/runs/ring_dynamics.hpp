// Path-integral molecular dynamics of atoms in a folder: trajectories of centroids and beads, log, checkpoint, summary. Interrupted anywhere it
// is continued by the same call, and leaves the files that an uninterrupted run leaves.
//
// folder/trajectory/000001.h5md …    the centroids, a segment per checkpoint, production only
// folder/beads/000001.h5md …         all beads: bead 0 … P−1 of a step, one frame after another, with forces and energies if wanted
// folder/log.csv                     dynamics/ring_log.hpp, a row per log stride, equilibration (negative steps) included
// folder/checkpoint                  dynamics/ring_checkpoint.hpp
// folder/summary.json                once finished: what was done, and the averages
// folder/failed.extxyz               the beads of the last configuration, when the run ended with a numeric error
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/base/warning_list.hpp"
#include "saltus/dynamics/ring_loop.hpp"
#include "saltus/potentials/restraint.hpp"
#include "saltus/runs/ring_estimates.hpp"

namespace saltus::runs {

/// All atoms of an element get this mass.
struct ElementMass {
  std::string element;
  double mass_amu = 0;
};

struct RingDynamicsSettings {
  std::uint64_t seed = 0;
  std::size_t beads = 32;
  double temperature_kelvin = 0;
  std::vector<ElementMass> masses;          ///< in place of those of the starting frame
  std::vector<DistanceRestraint> restraints;
  double temperature_limit_factor = 10;     ///< the run fails above this many times the temperature; 0 = no limit, as under a
                                            ///< generalised Langevin thermostat that is not canonical
  std::optional<double> max_extrapolation;  ///< none = reported, but without limit
  std::optional<double> max_force_spread_ev_ang;  ///< of a committee, likewise
  bool trust_stress = false;                ///< the stress of the potential may be used although its file does not say that it was trained on stress
  RingLoopSettings loop;                    ///< its limits and log_pressure are set from the above; without a thermostat on the centroids
                                            ///< (trpmd, cmd, none), equilibration is under pile_l unless it names another
  bool write_velocities = false;            ///< of the centroids
  bool write_forces = false;                ///< of the beads
  bool single_precision = true;             ///< of the trajectories
};

struct RingDynamicsSummary {
  bool finished = false;                 ///< false: stopped on request, continue with the same settings
  bool nothing_to_do = false;            ///< it was finished before
  bool resumed = false;
  std::int64_t resumed_from_step = 0;    ///< where this session began, if resumed
  std::size_t atoms = 0, beads = 0;
  std::string formula;                   ///< with D and T by their masses
  std::int64_t step = 0;                 ///< reached
  double time_fs = 0;
  std::size_t frames = 0, bead_frames = 0;  ///< written so far
  std::vector<NamedEstimate> estimates;  ///< ring_estimates.hpp
  std::vector<MomentumDistribution> momentum;  ///< of the species asked for
  double wall_s = 0;                     ///< in the loop, over all sessions
  double steps_per_s = 0;
  WarningList warnings;                  ///< of the potential, over all sessions
};

/// Throws Error{usage} where momenta are asked for and cannot be measured: under a fourth-order factorisation, matrices that are not canonical, a
/// potential on contracted beads; for displacements that do not ascend and species named twice.
void require_momentum(const RingLoopSettings& loop, std::size_t beads, double temperature_kelvin);

/// Begins, continues, or finds finished the simulation in `folder`.
///
/// start         the starting frame (used to begin, compared when continuing)
/// model_sha256  stands for the potential in the comparison of settings
/// stop          asked after every step; true makes a checkpoint and returns
/// warnings      where the potential's warnings of this session are gathered as they come
/// reference     a cheap potential for all beads and inner steps; `potential` less it acts on loop.contracted_beads (0: all) every whole step,
///               and model_sha256 stands for both
///
/// Throws Error{usage} when the folder's checkpoint was made with other settings (steps may grow) or the folder holds output without a
/// checkpoint; Error{unsupported} for a limit on what the potential does not measure; Error{file} when another process works in the folder;
/// Error{format} for a damaged checkpoint; what run_ring_dynamics throws, the last checkpoint being kept.
RingDynamicsSummary run_atom_ring_dynamics(const RingDynamicsSettings& settings, const Frame& start, const Potential& potential,
                                           const std::string& model_sha256, const std::filesystem::path& folder, const Progress& progress = {},
                                           const std::function<bool()>& stop = {}, const WarningList& warnings = {}, const Potential* reference = nullptr);

/// One JSON object, as in summary.json.
std::string to_json_text(const RingDynamicsSummary& summary);

}  // namespace saltus::runs
