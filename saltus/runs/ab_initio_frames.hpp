// Labels on demand: energies, forces (and virials) of given frames by CP2K. Frames are computed in batches, several at once; a
// batch that is done stays done, so that the same call goes on after an interruption.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/engines/cp2k_settings.hpp"
#include "saltus/runs/ab_initio_labels.hpp"

namespace saltus::runs {

struct LabelSettings {
  Cp2kSettings method;
  std::filesystem::path base_folder;
  std::int64_t jobs = 1;        ///< calculations at once, each with the ranks of the method
  std::int64_t batch = 10;      ///< frames of one start of CP2K, each beginning with the orbitals of the one before
  bool check_forces = false;    ///< of the first frame: compared with energies of displaced atoms
};

/// A force component along a random direction of all atoms against the central difference of energies at ± step_ang.
struct ForceCheck {
  double from_forces_ev_ang = 0, from_energies_ev_ang = 0, step_ang = 0;
};

struct LabelSummary {
  bool finished = false;
  std::string cp2k_version;
  double seconds_per_frame = 0;   ///< of one calculation; jobs run beside each other
  LabelQuality quality;
  std::optional<ForceCheck> force_check;
};

/// Labels `frames`; `work` holds the files of CP2K. Those that hold go to `out`, in the order of the frames; velocities do not. A frame whose SCF does not converge is tried once more by itself, from scratch.
/// Throws as run_ab_initio_dynamics.
LabelSummary label_frames(const LabelSettings& settings, const std::vector<Frame>& frames, const std::filesystem::path& work, const std::filesystem::path& out,
                          const Progress& progress, const Stop& stop);

std::string to_json_text(const LabelSummary& summary);

/// One frame at several plane-wave cutoffs.
struct CutoffPoint {
  double cutoff_ry = 0, energy_ev_per_atom = 0, net_force_ev_ang = 0, seconds = 0;
  double force_rms_from_last_ev_ang = 0, energy_from_last_ev_per_atom = 0;  ///< against the highest cutoff
};

/// Ascending by cutoff. Throws as label_frames; Error{numeric} when one does not converge.
std::vector<CutoffPoint> converge_cutoff(const LabelSettings& settings, const Frame& frame, std::vector<double> cutoffs_ry, const std::filesystem::path& work, const Progress& progress,
                                         const Stop& stop);

}  // namespace saltus::runs
