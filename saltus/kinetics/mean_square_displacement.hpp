// Self mean-square displacement by direct evaluation at chosen lags: no cancellation, any precision of positions.
#pragma once

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

/// position_ang  unwrapped, [frame][particle]: position_ang[frame * n_particles + particle]
/// lag_frames    ascending, each from 1 to the length of a block
/// n_blocks      time blocks for the errors, at least 2
///
/// Independent of the thread count. Throws Error{usage} on sizes or lags out of range, Error{numeric} on a non-finite position.
MsdCurve mean_square_displacement(std::span<const Vec3> position_ang, std::size_t n_particles,
                                  std::span<const std::int64_t> lag_frames, int n_blocks);

/// About `per_decade` lags in each decade from 1 to max_lag, every small number once, max_lag included.
std::vector<std::int64_t> log_spaced_lags(std::int64_t max_lag, int per_decade);

}  // namespace saltus::kinetics
