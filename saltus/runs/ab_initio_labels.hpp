// What makes an ab initio frame a label: its SCF converged, its forces sum to nothing much, its energies and forces are of one
// surface. A frame that fails is left out by name, never silently.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/base/progress.hpp"

namespace saltus::runs {

struct RefusedFrame {
  std::int64_t step = 0;  ///< of MD, or the index of a frame that was to be labelled
  std::string why;
};

struct LabelQuality {
  std::size_t frames = 0;
  std::vector<RefusedFrame> refused;
  double mean_net_force_ev_ang = 0, largest_net_force_ev_ang = 0;  ///< |Σ F|, of all frames with forces
  double force_rms_ev_ang = 0;
  /// Of neighbouring MD steps: root mean square of ΔE + ½ Σ (F + F')·Δr, and that of ΔE; none with fewer than two neighbours.
  /// The first is of third order in the step where energies and forces are of one surface; noise of the SCF shows in it.
  std::optional<double> work_mismatch_ev, energy_change_ev;
};

/// Vector sum of the forces, eV/Å.
double net_force_ev_ang(const Frame& frame);

/// Copies the frames of a CP2K run in a folder to a data set `out`, without those whose SCF did not converge (by step) or whose net force is
/// beyond the limit. No frame left: nothing is written.
LabelQuality harvest_cp2k_dynamics(const std::filesystem::path& folder, const std::map<std::int64_t, bool>& converged, double max_net_force_ev_ang,
                                   const std::filesystem::path& out);

/// As one JSON object, for machines.
std::string quality_json_text(const LabelQuality& quality);

}  // namespace saltus::runs
