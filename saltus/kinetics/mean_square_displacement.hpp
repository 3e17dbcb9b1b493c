// Self mean-square displacement by direct evaluation at chosen lags: no cancellation, any precision of positions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "saltus/kinetics/tensor.hpp"

namespace saltus::kinetics {

struct MsdCurve {
  std::int64_t n_frames = 0;
  std::size_t n_particles = 0;
  std::vector<std::int64_t> lag_frames;   ///< [l] ascending
  std::vector<Mat3> tensor_ang2;          ///< [l] <dx_i dx_j> over all particles and all n_frames - lag windows
  std::vector<std::int64_t> block_bound;  ///< [B + 1] see block_bounds
  std::vector<std::vector<Mat3>> block_tensor_ang2;  ///< [B][l] over the windows that lie within the block
};

/// The curve from frames as they come. Memory is the positions within 5/4 of the longest lag, whatever the number of frames.
class MsdSums {
 public:
  /// n_frames    frames that will be added
  /// lag_frames  ascending, each from 1 to the length of a block
  /// n_blocks    time blocks for the errors, at least 2
  ///
  /// Throws Error{usage} on sizes or lags out of range.
  MsdSums(std::size_t n_particles, std::int64_t n_frames, std::span<const std::int64_t> lag_frames, int n_blocks);

  /// The next frame: unwrapped positions [particle]. Throws Error{usage} on another length or more frames than announced,
  /// Error{numeric} on a non-finite position.
  void add(std::span<const Vec3> position_ang);

  /// Independent of the thread count; of the instruction set but for rounding. Throws Error{usage} when frames are missing.
  MsdCurve curve();

  /// Bytes that this many particles take up to this lag.
  static double memory_bytes(std::size_t n_particles, std::int64_t longest_lag_frames);

 private:
  using Six = std::array<double, 6>;  // xx, yy, zz, xy, xz, yz
  /// The last frames, as long as some lag reaches them, of a few particles together, so that all lags find them in the cache.
  struct Tile {
    std::size_t begin = 0, end = 0;             // particles
    std::array<std::vector<double>, 3> recent;  // x, y, z [frame][particle of the tile]
  };

  void sort_waiting();
  void take_windows();
  void take_windows(const Tile& tile, std::size_t first_lag);

  MsdCurve curve_;
  std::vector<Six> inside_, crossing_;  // [l * blocks + b] sums over windows within a block, and over those that leave it
  std::vector<Tile> tiles_;
  std::vector<Vec3> waiting_;  // [frame][particle] the last frames, not yet in the tiles
  std::int64_t first_recent_ = 0, frames_ = 0, frames_taken_ = 0;
};

/// position_ang  unwrapped, [frame][particle]: position_ang[frame * n_particles + particle]
///
/// As MsdSums does it, and throws what it throws.
MsdCurve mean_square_displacement(std::span<const Vec3> position_ang, std::size_t n_particles,
                                  std::span<const std::int64_t> lag_frames, int n_blocks);

/// About `per_decade` lags in each decade from 1 to max_lag, every small number once, max_lag included.
std::vector<std::int64_t> log_spaced_lags(std::int64_t max_lag, int per_decade);

}  // namespace saltus::kinetics
