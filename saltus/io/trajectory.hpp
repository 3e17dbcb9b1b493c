// Trajectories and data sets: readers and writers of frames, one table row per format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

struct ReadOptions {
  std::string energy_key;   ///< name of the energy in the file; empty: by the rule of the format (extxyz.hpp)
  std::string forces_key;   ///< name of the forces in the file; empty: by the rule
  std::filesystem::path topology;           ///< a file that names the atoms of a trajectory that does not; its first frame counts
  std::vector<std::uint8_t> type_elements;  ///< atomic number of atom type 1, 2, …, where a file has types (LAMMPS)
  std::string lammps_units;                 ///< "metal", "real", …; empty: as the file says, else metal
  double time_step_fs = 0;                  ///< of one MD step, where the file counts steps but has no time; 0: not known
  std::optional<std::int32_t> bead;  ///< of ring polymers: only the frames of this one (ring_beads.hpp)
  bool same_atoms = false;  ///< refuse a frame whose atoms differ from those of the first frame read (a trajectory for MD analysis)
};

struct WriteOptions {
  // Digits after the point; none: the shortest text that reads back to the same double.
  std::optional<int> position_decimals, velocity_decimals, force_decimals;
  bool velocities = true;     ///< write them where a frame has them
  bool forces = true;
  bool step_and_time = true;  ///< write step and time_fs
  bool single_precision = true;  ///< of binary formats that have both (H5MD); positions are then wrapped beside their images
};

/// What the last frame read was called in the file.
struct FrameSource {
  std::string columns;                      ///< names of the columns, e.g. "species:S:1:pos:R:3"
  std::vector<std::string> keys;            ///< names given with the frame, in the file's order
  std::string energy, forces, virial, velocities, masses, time, step;  ///< names used; empty: absent
  std::vector<std::string> not_used;        ///< other names that could have meant energy, forces, virial or velocities
  std::vector<std::string> notes;           ///< what a user should know: left out, taken from elsewhere, assumed
};

/// Frames one after another.
class TrajectoryReader {
 public:
  virtual ~TrajectoryReader() = default;
  /// Reads the next frame into `frame`, recycling its memory; false at the end. Frames of equal atoms share one Atoms.
  /// Throws Error{format} with file, frame and line, both counted from 1; after an error only seek() may follow.
  virtual bool read_next(Frame& frame) = 0;
  /// The next frame read is `k`, counted from 0. Throws Error{usage} when there is none; k = count() is the end.
  virtual void seek(std::size_t k) = 0;
  /// Number of frames; the first call may skim through the file. The place of reading stays.
  virtual std::size_t count() = 0;
  /// Of the last frame read.
  virtual const FrameSource& source() const = 0;
};

/// A file of frames that appears whole or not at all.
class TrajectoryWriter {
 public:
  explicit TrajectoryWriter(const WriteOptions& write_options) : options(write_options) {}
  /// Not committed = removed.
  virtual ~TrajectoryWriter() = default;
  /// Throws Error{file} when the disk refuses, Error{usage} for a frame that the format cannot hold.
  virtual void write(const Frame& frame) = 0;
  /// Flushes to disk and renames into place; nothing may be written afterwards. Throws Error{usage} when nothing was written.
  virtual void commit() = 0;

  WriteOptions options;  ///< for the next frame; may be changed between frames
};

/// A row of the table of formats. Where a function is null the format cannot do that.
struct TrajectoryFormat {
  const char* name;
  const char* extensions;   ///< separated by blanks, e.g. ".extxyz .xyz"
  const char* description;  ///< one line
  bool folder;              ///< a folder, not a file
  bool (*recognizes)(std::string_view first_bytes);
  std::unique_ptr<TrajectoryReader> (*open)(const std::filesystem::path& path, const ReadOptions& options);
  std::unique_ptr<TrajectoryWriter> (*create)(const std::filesystem::path& path, const WriteOptions& options);
  bool (*recognizes_folder)(const std::filesystem::path& folder) = nullptr;  ///< a folder that open() takes like a file
};

std::span<const TrajectoryFormat> trajectory_formats();

/// The format of an existing file (by its first bytes, then by its extension) or folder.
/// Throws Error{file} when it cannot be read, Error{format} when it is empty or no format is recognized.
const TrajectoryFormat& trajectory_format_of(const std::filesystem::path& path);

/// Opens a trajectory or data set of any format in the table. Errors as trajectory_format_of.
std::unique_ptr<TrajectoryReader> open_trajectory(const std::filesystem::path& path, const ReadOptions& options = {});

/// Creates a file in the format that its extension names. Throws Error{usage} for an unknown extension, Error{file}.
std::unique_ptr<TrajectoryWriter> create_trajectory(const std::filesystem::path& path, const WriteOptions& options = {});

/// All frames, in memory.
std::vector<Frame> read_frames(const std::filesystem::path& path, const ReadOptions& options = {});

/// Throws Error{format} that says what differs when `atoms` are not the same, in the same order, as `reference`.
void require_same_atoms(const Atoms& reference, const Atoms& atoms);

}  // namespace saltus
