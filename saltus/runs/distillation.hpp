// A dear potential into a fast one: configurations sampled by the dear one (the teacher), labelled by it, and a linear atomic cluster
// expansion (the student) fitted to them.
//
// folder/md-800K/               a simulation under the teacher (molecular_dynamics.hpp)
// folder/md-800K.extxyz, …      its frames with the teacher's labels
// folder/rattled.extxyz         displaced atoms in strained cells, labelled too
// folder/sampling.json          what they were made with
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

struct SamplingSettings {
  std::vector<double> temperature_kelvin{300, 600, 900, 1200};  ///< a simulation each
  double timestep_fs = 2;
  double equilibration_ps = 1;
  double sampling_ps = 5;              ///< of each simulation
  std::int64_t frames = 100;           ///< kept of each, evenly spaced
  std::int64_t rattled_frames = 100;
  double rattle_ang = 0.2;             ///< each frame has a standard deviation of its own, evenly between 0 and this, for all atoms
  double strain = 0.03;                ///< each of its six components evenly between −this and this
  double largest_force_ev_ang = 30;    ///< rattled frames with a larger force are left out
  std::uint64_t seed = 0;
};

/// Samples and labels; what is in `folder` from an earlier call with the same settings, start and teacher is taken as it is.
///
/// start           the starting frame of the simulations and of the rattled frames
/// teacher_sha256  stands for the teacher in the comparison of settings
///
/// Returns a set for each temperature and one of rattled frames. Throws Error{usage} when the folder was made with other settings, and
/// what run_molecular_dynamics throws; Error{numeric} when fewer than half of the rattled frames have forces below the limit;
/// Interrupted when `stop` says so.
std::vector<TrainingSet> sample_teacher(const Potential& teacher, const std::string& teacher_sha256, const Frame& start,
                                        const SamplingSettings& settings, const std::filesystem::path& folder,
                                        const Progress& progress = {}, const Stop& stop = {});

/// Says in the student's metadata whose labels it was fitted to.
void name_teacher(AceParameters& student, const std::string& teacher_kind, const std::string& teacher_sha256);

/// Wall time of one evaluation of energy and forces per atom of `frame`, by the threads in use, in µs.
double evaluation_us_per_atom(const Potential& potential, const Frame& frame);

}  // namespace saltus::runs
