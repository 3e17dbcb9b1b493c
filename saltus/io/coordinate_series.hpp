// One coordinate of many particles over time, float32 [frames, particles], as far as a limit in memory and beyond it in a file without a name, or a NumPy array on disk.
//
// Kept so that it can be read by blocks of frames in any order, from the end as first exits want it, with memory that does not grow with the length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace saltus {

class CoordinateSeries {
 public:
  /// memory_limit_bytes: of the coordinates held in memory; what is more goes to a file in `folder` (empty: the system's folder of temporary files), whose space is
  /// free again whatever ends the program. Throws Error{usage} without particles.
  explicit CoordinateSeries(std::size_t particles, std::uint64_t memory_limit_bytes = std::uint64_t{1} << 30, std::filesystem::path folder = {});

  /// A .npy file of shape (frames, particles), or (frames,) for one particle: float32 or float64 of either byte order, C order, in Å. It is read through once. Throws
  /// Error{unsupported} for other shapes and types, Error{format} where it is cut off or a number is not finite, with frame and particle; frames count from 0.
  static CoordinateSeries open_npy(const std::filesystem::path& path);

  CoordinateSeries(CoordinateSeries&& other) noexcept;
  CoordinateSeries& operator=(CoordinateSeries&&) = delete;
  ~CoordinateSeries();

  /// Next frame, [particles] in Å; NaN: the particle is not there in this frame. Throws Error{usage} when the number of particles changes, Error{numeric} for what is
  /// infinite as float32, Error{file} when the disk is full.
  void append(std::span<const double> position_ang);
  void append(std::span<const float> position_ang);
  /// The next frame does not follow from the one before: a gap, or another trajectory.
  void begin_segment();

  std::size_t frames() const { return frames_; }
  std::size_t particles() const { return particles_; }
  /// Ascending, without 0.
  const std::vector<std::size_t>& segment_start() const { return segment_start_; }
  /// Over all frames; of an empty series lowest > highest.
  double lowest_ang() const { return lowest_; }
  double highest_ang() const { return highest_; }
  /// Bytes of the coordinates that lie in the file without a name.
  std::uint64_t bytes_on_disk() const { return bytes_on_disk_; }

  /// Frames first … first + count − 1 as [count * particles]. Threads may read at once, but not while frames are appended. Throws Error{usage} beyond the end, Error{file}.
  void read(std::size_t first, std::size_t count, std::vector<float>& out) const;

 private:
  void append_checked(const float* row);
  void spill();
  float number_at(const char* bytes) const;

  std::size_t particles_ = 0, frames_ = 0, frames_in_memory_ = 0;
  std::uint64_t memory_limit_ = 0, bytes_on_disk_ = 0;
  std::filesystem::path folder_;
  std::string name_;                        // of the file, for messages
  int descriptor_ = -1;
  std::vector<std::vector<float>> chunks_;  // of frames_per_chunk_ frames: the first of the series
  std::size_t frames_per_chunk_ = 1;
  std::vector<float> pending_;              // the last frames, not yet in the file
  std::vector<float> row_;
  std::uint64_t data_at_ = 0;               // of the first number in the file
  std::size_t number_bytes_ = 4;
  bool swap_ = false;                       // the other byte order
  bool segment_begins_ = false;             // with the next frame
  std::vector<std::size_t> segment_start_;
  double lowest_ = std::numeric_limits<double>::infinity(), highest_ = -std::numeric_limits<double>::infinity();
};

}  // namespace saltus
