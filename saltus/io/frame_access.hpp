// What readers of binary and column formats share: finding frames by number, and naming the frame in errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// Frames of unequal length, each of which starts where the one before ends.
class SequentialReader : public TrajectoryReader {
 public:
  bool read_next(Frame& frame) final;
  void seek(std::size_t k) final;
  std::size_t count() final;
  const FrameSource& source() const final { return source_; }

 protected:
  struct Place {
    std::uint64_t offset = 0;
    std::uint64_t line = 0;  ///< lines before, in a text file
  };

  explicit SequentialReader(std::string name) : name_(std::move(name)) {}
  /// Reads the frame at `place` and moves `place` behind it; false at the end of the file. Throws without naming file
  /// and frame.
  virtual bool read_at(Place& place, Frame& frame) = 0;
  /// Moves `place` behind the frame there without decoding it; false at the end. Finds the same frames as read_at.
  virtual bool skip_at(Place& place) = 0;
  /// ", line 12" of the last error, or nothing.
  virtual std::string place_within_frame() const { return {}; }

  FrameSource source_;
  std::size_t next_ = 0;  ///< number of the next frame

 private:
  bool advance(Frame* frame);

  std::string name_;
  std::vector<Place> start_{Place{}};  // of the frames known so far, and of the one behind them
  bool all_known_ = false;             // start_.back() is the end
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

/// Throws Error{format} that names the first atom whose vector is not finite. `what`: "position", "velocity", "force".
void require_finite(const std::vector<Vec3>& vectors, const char* what);

}  // namespace saltus
