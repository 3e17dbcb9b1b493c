// Molecular dynamics in a folder: trajectory segments, log, checkpoint, summary. Interrupted anywhere it is continued by
// the same call, and leaves the files that an uninterrupted run leaves.
//
// folder/trajectory/000001.h5md …    frames of production, a segment per checkpoint
// folder/log.csv                     a row per log stride, equilibration (negative steps) included
// folder/checkpoint                  dynamics/checkpoint.hpp
// folder/summary.json                once finished
// folder/failed.extxyz               the last configuration, when the run ended with a numeric error
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/base/warning_list.hpp"
#include "saltus/dynamics/checkpoint.hpp"
#include "saltus/dynamics/loop.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::runs {

/// Where a simulation starts: a frame of a file, repeated, with atoms taken out.
struct StartSettings {
  std::filesystem::path file;
  ReadOptions read;
  std::size_t frame = 0;
  Int3 supercell{1, 1, 1};
  std::vector<std::size_t> removed_atoms;  ///< indices from 0, after repeating
  std::size_t vacancies = 0;               ///< atoms taken out at random, after removed_atoms
  std::string vacancy_element;             ///< of these; empty only where vacancies = 0
  std::uint64_t seed = 0;                  ///< of the choice
};

/// Throws as the reader; Error{usage} for a frame, atom or element that is not there, or more vacancies than atoms.
Frame starting_frame(const StartSettings& settings);

struct MolecularDynamicsSettings {
  std::uint64_t seed = 0;
  double temperature_kelvin = 0;         ///< of the initial velocities and of the temperature limit
  bool velocities_from_frame = false;    ///< else drawn from the Maxwell-Boltzmann distribution
  double temperature_limit_factor = 5;   ///< the run fails above this many times the temperature; 0 = no limit
  std::optional<double> max_extrapolation;  ///< none = reported, but without limit
  std::optional<double> max_force_spread_ev_ang;  ///< of a committee, likewise
  bool trust_stress = false;             ///< the stress of the potential may be used although its file does not say that it was trained on stress
  LoopSettings loop;                     ///< its limits and log_pressure are set from the above; without thermostat, equilibration
                                         ///< is under Langevin friction of 0.01/fs unless it names another
  bool write_velocities = false;
  bool write_forces = false;
  bool single_precision = true;          ///< of the trajectory's positions, velocities and forces
};

struct MolecularDynamicsSummary {
  bool finished = false;                 ///< false: stopped on request, continue with the same settings
  bool nothing_to_do = false;            ///< it was finished before
  std::int64_t resumed_from_step = 0;    ///< where this session began, if resumed
  bool resumed = false;
  std::size_t atoms = 0;
  std::string formula;
  std::int64_t step = 0;                 ///< reached
  double time_fs = 0;
  std::size_t frames = 0;                ///< written so far
  std::size_t segments = 0;
  double mean_temperature_kelvin = 0;    ///< over the log rows of production; 0 without rows
  double temperature_deviation_kelvin = 0;  ///< standard deviation of these rows
  std::optional<double> mean_pressure_gpa, mean_volume_ang3;  ///< over these rows, where the pressure was measured
  std::optional<double> volume_deviation_ang3;  ///< standard deviation of these rows, under a barostat
  std::optional<double> cell_acceptance;  ///< part of the barostat's strains that were accepted, equilibration included
  double conserved_drift_mev_per_atom_ps = 0;  ///< slope of the conserved quantity over production
  std::optional<double> max_extrapolation;  ///< largest in the log
  std::optional<double> max_force_spread_ev_ang;  ///< likewise, of a committee
  double wall_s = 0;                     ///< in the loop, over all sessions (work lost by a kill not counted)
  double ns_per_day = 0;                 ///< simulated (equilibration included) over wall_s
  WarningList warnings;                  ///< of the potential, over all sessions
};

/// Begins, continues, or finds finished the simulation in `folder`.
///
/// start         the starting frame (used to begin, compared when continuing)
/// model_sha256  stands for the potential in the comparison of settings
/// stop          asked after every step; true makes a checkpoint and returns
/// warnings      where the potential's warnings of this session are gathered as they come (a remote one's: RemoteContext); they are kept with each
///               checkpoint
///
/// Throws Error{usage} when the folder's checkpoint was made with other settings (steps may grow) or the folder holds
/// output without a checkpoint; Error{unsupported} for a limit on what the potential does not measure;
/// Error{file} when another process works in the folder; Error{format} for a damaged checkpoint; Error{numeric} as
/// run_dynamics, the last checkpoint being kept.
MolecularDynamicsSummary run_molecular_dynamics(const MolecularDynamicsSettings& settings, const Frame& start,
                                                const Potential& potential, const std::string& model_sha256,
                                                const std::filesystem::path& folder, const Progress& progress = {},
                                                const std::function<bool()>& stop = {}, const WarningList& warnings = {});

/// One JSON object, as in summary.json.
std::string to_json_text(const MolecularDynamicsSummary& summary);

/// The rows of a log.csv. Throws Error{file}, Error{format} with file and line.
std::vector<LogRow> read_md_log(const std::filesystem::path& path);

}  // namespace saltus::runs
