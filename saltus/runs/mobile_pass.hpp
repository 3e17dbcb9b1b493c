// One pass over a trajectory file for what is asked of the paths of one species: MSD, collective displacement, van Hove functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/paths.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct MobileSettings {
  int mobile = 0;                ///< atomic number
  std::optional<int> framework;  ///< its mean displacement is subtracted
  int blocks = 10;               ///< time blocks behind the intervals
};

struct MobilePass {
  std::string formula;
  std::size_t frames = 0, atoms = 0, ions = 0;
  double frame_spacing_fs = 0;
  Cell cell;                          ///< mean cell
  bool constant_cell = true;
  StepCheck steps;
  std::vector<std::string> warnings;  ///< of the reader, of long steps, of a framework that is no crystal
};

/// Frames that the source still gives, and half a time block of them: the longest lag, at least 1.
struct LagRange {
  std::int64_t frames = 0, longest = 1;
};
/// Throws Error{usage} for too few frames for the blocks.
LagRange lag_range(TrajectorySource& source, int blocks);

/// Throws Error{unsupported} that says what to do when the positions of so many ions up to this lag do not fit into memory.
void refuse_beyond_memory(std::size_t ions, std::int64_t longest_lag);

/// Gives `take` the unwrapped positions of the ions, the drift of the framework taken out, frame by frame. Throws what readers and
/// PathAnalysis throw.
MobilePass pass_mobile(TrajectorySource& source, const TrajectoryInput& input, const MobileSettings& settings,
                       const std::function<void(std::span<const Vec3>)>& take);

/// Å²/fs → Å²/ps.
Estimate per_ps(const Estimate& per_fs);
/// fs → ps.
Estimate in_ps(const Estimate& fs);

}  // namespace saltus::runs
