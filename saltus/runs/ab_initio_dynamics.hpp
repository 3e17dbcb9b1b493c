// Ab initio MD by CP2K as a folder: its input and output as they are, frames.extxyz with the labels that hold, aimd.json with how it
// was made. The same call continues a run that was stopped or killed.
#pragma once

#include <filesystem>
#include <string>

#include "saltus/base/progress.hpp"
#include "saltus/engines/cp2k_settings.hpp"
#include "saltus/runs/ab_initio_labels.hpp"

namespace saltus::runs {

struct AbInitioDynamicsSettings {
  Cp2kSettings method;
  Cp2kDynamicsSettings dynamics;
  std::filesystem::path base_folder;   ///< files of basis sets are taken relative to it
  bool velocities_from_frame = false;  ///< else drawn by CP2K
};

struct AbInitioDynamicsSummary {
  bool finished = false, nothing_to_do = false;
  std::string formula, cp2k_version;
  std::size_t atoms = 0;
  std::int64_t steps = 0;              ///< done
  double seconds_per_step = 0;
  double mean_scf_steps = 0;
  LabelQuality quality;
};

/// Throws Error{usage} when the folder holds another run; what CP2K and its files throw; Error{numeric} when CP2K gives up. What it had
/// written by then is harvested first.
AbInitioDynamicsSummary run_ab_initio_dynamics(const AbInitioDynamicsSettings& settings, const Frame& start, const std::filesystem::path& folder, const Progress& progress,
                                               const Stop& stop);

/// aimd.json, for machines.
std::string to_json_text(const AbInitioDynamicsSummary& summary);

}  // namespace saltus::runs
