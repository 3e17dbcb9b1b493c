// Frames of a trajectory file as an analysis wants them: timed, without the beginning, thinned out. Of ring polymers, the beads of
// a step stay together: it is steps that are counted and timed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/io/frame_notes.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::runs {

struct TrajectoryInput {
  std::filesystem::path path;
  ReadOptions read;          ///< `same_atoms` is always asked for
  double time_step_fs = 0;   ///< time between frames; 0: as the file says
  double skip_fs = 0;        ///< frames earlier than this after the first are left out
  std::size_t every = 1;     ///< one frame in so many
  std::string atoms = {};    ///< selection (analysis/atom_selection.hpp) of those that frames are left with; empty: all
};

class TrajectorySource {
 public:
  /// needs_time: the analysis follows motion, which beads of ring polymers together do not have.
  /// Throws what open_trajectory throws; Error{usage} for such beads.
  TrajectorySource(const TrajectoryInput& input, bool needs_time, const Progress& progress = {});

  /// The first frame that next() gives. Throws Error{usage} when there is none, and what select_atoms throws.
  const Frame& first();
  /// Throws what the reader throws, Error{usage} when time is needed, the file holds none and none is given.
  bool next(Frame& frame);
  /// Frames that next() will still give, once first() has found where they begin. What a growing file gains meanwhile is left out.
  std::size_t left() const;
  /// Beads of a step, that follow one another; 0 where the frames are no beads, or only those of one bead.
  std::size_t beads() const { return beads_; }
  /// What the reader noted of the frames given so far.
  std::vector<std::string> notes() const;

 private:
  bool read(Frame& frame);
  void keep_selected(Frame& frame);

  TrajectoryInput input_;
  bool needs_time_;
  Progress progress_;
  std::unique_ptr<TrajectoryReader> reader_;
  std::optional<Frame> first_;  // read by first(), not yet given by next()
  std::size_t beads_ = 0, frames_per_step_ = 1;
  std::size_t count_ = 0, read_ = 0;
  double first_time_fs_ = 0;
  std::vector<std::uint32_t> selected_;       // by the first frame of the file
  std::shared_ptr<const Atoms> whole_, kept_;  // of a frame as read, and of those selected
  FrameNotes notes_;
  std::vector<std::string> own_notes_;
};

/// Reads all frames once, for all analyses; returns how many, and adds what the reader noted of them to the warnings. Errors name
/// the file. Throws Error{usage} when no frame is left.
std::size_t read_all(TrajectorySource& source, const TrajectoryInput& input, std::span<Analysis* const> analyses,
                     std::vector<std::string>& warnings);

}  // namespace saltus::runs
