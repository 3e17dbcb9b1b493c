#include "saltus/runs/trajectory_source.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "saltus/analysis/atom_selection.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/ring_beads.hpp"

namespace saltus::runs {

TrajectorySource::TrajectorySource(const TrajectoryInput& input, bool needs_time, const Progress& progress)
    : input_(input), needs_time_(needs_time || input.skip_fs > 0), progress_(progress) {
  if (input.every == 0) throw Error(ErrorKind::usage, "one frame in 0 cannot be meant");
  ReadOptions options = input.read;
  options.same_atoms = true;
  reader_ = open_trajectory(input.path, options);
  count_ = reader_->count();
  if (input.read.bead) {
    if (needs_time) own_notes_.push_back("the frames are those of one bead: they move as the sampling of the ring polymers lets them, which is no dynamics");
    return;
  }
  beads_ = beads_of(*reader_);
  if (beads_ == 0) return;
  if (needs_time)
    throw Error(ErrorKind::usage, fmt::format("{}: these frames are beads of ring polymers, which do not follow one another in time; "
                                              "choose one by --bead, or take the centroids (the folder trajectory/ of the run)",
                                              input.path.string()));
  frames_per_step_ = beads_;
}

const Frame& TrajectorySource::first() {
  Frame frame;
  if (!first_ && read(frame)) first_ = std::move(frame);
  if (!first_) throw Error(ErrorKind::usage, fmt::format("{}: no frame is left", input_.path.string()));
  return *first_;
}

bool TrajectorySource::next(Frame& frame) {
  if (!first_) return read(frame);
  frame = std::move(*first_);
  first_.reset();
  return true;
}

std::size_t TrajectorySource::left() const {
  const std::size_t period = input_.every * frames_per_step_;
  const auto taken_below = [&](std::size_t index) { return index / period * frames_per_step_ + std::min(index % period, frames_per_step_); };
  return taken_below(count_) - taken_below(read_) + (first_ ? 1 : 0);
}

std::vector<std::string> TrajectorySource::notes() const {
  std::vector<std::string> all = notes_.all();
  all.insert(all.end(), own_notes_.begin(), own_notes_.end());
  return all;
}

void TrajectorySource::keep_selected(Frame& frame) {
  if (selected_.empty()) selected_ = select_atoms(input_.atoms, frame);
  if (frame.atoms != whole_) {
    whole_ = frame.atoms;
    kept_ = std::make_shared<const Atoms>(atoms_at(*whole_, selected_));
  }
  keep_only(frame, selected_, kept_);
}

bool TrajectorySource::read(Frame& frame) {
  while (true) {
    const std::size_t period = input_.every * frames_per_step_;
    if (read_ % period >= frames_per_step_) reader_->seek(read_ = std::min(count_, (read_ / period + 1) * period));
    if (read_ >= count_ || !reader_->read_next(frame)) return false;
    const auto index = static_cast<double>(read_++ / frames_per_step_);
    if (input_.time_step_fs > 0)
      frame.time_fs = input_.time_step_fs * index;
    else if (needs_time_ && reader_->source().time.empty())
      throw Error(ErrorKind::usage,
                  fmt::format("{}: frame {} carries no time: the time between frames must be given (--time-step-fs, in a plan time_step_fs)",
                              input_.path.string(), read_));
    if (read_ == 1) first_time_fs_ = frame.time_fs;
    if (!input_.atoms.empty()) keep_selected(frame);
    if (input_.skip_fs > 0 && frame.time_fs - first_time_fs_ < input_.skip_fs) continue;
    notes_.add(reader_->source());
    report_progress(progress_, "trajectory", static_cast<double>(read_), static_cast<double>(count_), "frames");
    return true;
  }
}

std::size_t read_all(TrajectorySource& source, const TrajectoryInput& input, std::span<Analysis* const> analyses,
                     std::vector<std::string>& warnings) {
  std::size_t frames = 0;
  try {
    frames = run_analyses([&](Frame& frame) { return source.next(frame); }, analyses);
  } catch (const Error& error) {
    const std::string place = input.path.string();
    if (std::string(error.what()).rfind(place, 0) == 0) throw;  // the reader has said where
    throw with_place(error, place);
  }
  if (frames == 0) throw Error(ErrorKind::usage, fmt::format("{}: no frame is left", input.path.string()));
  for (const std::string& note : source.notes()) warnings.push_back(note);
  return frames;
}

}  // namespace saltus::runs
