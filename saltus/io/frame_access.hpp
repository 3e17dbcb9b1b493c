// What readers share: finding frames by number, and naming the frame in errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "saltus/io/lines.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// Where a frame starts.
struct FramePlace {
  std::uint64_t offset = 0;
  std::uint64_t line = 0;  ///< lines before, in a text file
};

FramePlace place_of(const LineReader& lines);
void go_to(LineReader& lines, const FramePlace& place);
/// ", line 12" of the line last read, for errors.
std::string line_place(const LineReader& lines);
/// Notes that the line last read has no end, where it has none: a number at its end may lack digits. For files that may have
/// come from an editor; what only programs write should rather be refused.
void note_open_end(const LineReader& lines, FrameSource& source);

/// Places of frames of unequal length, each of which starts where the one before ends; known as far as the file was gone through.
class FramePlaces {
 public:
  std::size_t next() const { return next_; }  ///< number of the next frame
  const FramePlace& place() const { return start_[next_]; }
  /// The next frame ends at `behind`.
  void pass(const FramePlace& behind) {
    ++next_;
    if (next_ == start_.size()) start_.push_back(behind);
  }
  /// There is no next frame.
  void end() { all_known_ = true; }

  /// Makes `k` the next frame. `skip` goes through the next one, which ends with pass(), true, or end(), false.
  /// Throws Error{usage} when there is none; `name` is that of the file.
  void seek(std::size_t k, const std::string& name, const std::function<bool()>& skip);
  /// Number of frames; the next one stays.
  std::size_t count(const std::function<bool()>& skip);

 private:
  std::vector<FramePlace> start_{FramePlace{}};  // of the frames known so far, and of the one behind them
  bool all_known_ = false;                       // start_.back() is the end
  std::size_t next_ = 0;
};

/// Frames of unequal length.
class SequentialReader : public TrajectoryReader {
 public:
  bool read_next(Frame& frame) final;
  void seek(std::size_t k) final;
  std::size_t count() final;
  const FrameSource& source() const final { return source_; }

 protected:
  using Place = FramePlace;

  explicit SequentialReader(std::string name) : name_(std::move(name)) {}
  /// Reads the frame at `place` and moves `place` behind it; false at the end of the file. Throws without naming file
  /// and frame.
  virtual bool read_at(Place& place, Frame& frame) = 0;
  /// Moves `place` behind the frame there without decoding it; false at the end. Finds the same frames as read_at.
  virtual bool skip_at(Place& place) = 0;
  /// ", line 12" of the last error, or nothing.
  virtual std::string place_within_frame() const { return {}; }
  /// Number of the frame that is read, counted from 0.
  std::size_t frame_number() const { return places_.next(); }

  FrameSource source_;

 private:
  bool advance(Frame* frame);

  std::string name_;
  FramePlaces places_;
};

/// Frames of equal length: where each lies follows from its number.
class NumberedReader : public TrajectoryReader {
 public:
  bool read_next(Frame& frame) final;
  void seek(std::size_t k) final;
  std::size_t count() final;
  const FrameSource& source() const final { return source_; }

 protected:
  explicit NumberedReader(std::string name) : name_(std::move(name)) {}
  /// Reads what stands before the frames. Throws without naming the file.
  virtual void read_header(const ReadOptions& options) = 0;
  /// read_header, the file named in its errors: for the constructors of the formats.
  void open(const ReadOptions& options);
  /// Reads frame `k` of those that are whole. Throws without naming file and frame.
  virtual void read_frame(std::size_t k, Frame& frame) = 0;

  FrameSource source_;
  std::size_t whole_frames_ = 0;
  std::string cut_off_;  ///< what is wrong behind the whole frames; empty when they end the file

 private:
  std::string name_;
  std::size_t next_ = 0;
};

}  // namespace saltus
