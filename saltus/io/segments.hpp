// A growing trajectory: a folder of H5MD segments 000001.h5md, 000002.h5md, …, each renamed into place when complete.
// Readers join them in order; a segment repeats no frame of the one before, and ends with the last bead of a step where frames
// are beads of ring polymers; other files are passed over. Folders of extXYZ
// segments 000001.extxyz, … are read too.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// The complete segments, in order. Throws Error{file} when `folder` cannot be listed or holds none, Error{format} when
/// one is missing between 1 and the last, or they are of both kinds.
std::vector<std::filesystem::path> segments_of(const std::filesystem::path& folder);

/// Joins the segments that are complete at this moment.
std::unique_ptr<TrajectoryReader> open_segments(const std::filesystem::path& folder, const ReadOptions& options = {});

/// Removes every segment after number `keep` (0: all) and what an interrupted writer left; nothing when there is no folder.
void drop_segments_after(const std::filesystem::path& folder, std::size_t keep);

class SegmentWriter {
 public:
  /// Continues behind segment `keep`, dropping the later ones; 0 starts anew. Makes the folder.
  /// Throws Error{file}; Error{usage} when segment `keep` is not there or the segments are extXYZ.
  explicit SegmentWriter(std::filesystem::path folder, const WriteOptions& options = {}, std::size_t keep = 0);

  void write(const Frame& frame);
  /// Completes the segment under way: on disk under its name when this returns. Without frames since the last call there
  /// is nothing to do. Returns the number of the last complete segment: what a checkpoint keeps as `keep`.
  std::size_t commit_segment();
  std::size_t segments() const { return complete_; }

 private:
  std::filesystem::path folder_;
  WriteOptions options_;
  std::size_t complete_ = 0;
  std::unique_ptr<TrajectoryWriter> current_;
};

}  // namespace saltus
