// Van Hove functions and the non-Gaussian parameter of the displacements u of N particles over a lag t:
//   G_s(r, t) = 1/N <sum_i delta(r - u_i)>,  G_d(r, t) = 1/N <sum_{i != j} delta(r - (r_j(t) - r_i(0)))>,
//   alpha_2(t) = 3 <u^4> / (5 <u^2>^2) - 1, zero where displacements are normally distributed.
// Reference: van Hove, Phys. Rev. 95 (1954) 249; Rahman, Phys. Rev. 136 (1964) A405.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "saltus/analysis/rdf.hpp"
#include "saltus/atoms/cell.hpp"

namespace saltus {

struct VanHoveSettings {
  std::vector<std::int64_t> lag_frames;         ///< of the functions, ascending, from 0
  std::vector<std::int64_t> moment_lag_frames;  ///< of alpha_2, ascending, from 1
  double largest_ang = 10;                      ///< rounded up to whole bins
  double bin_ang = 0.1;
  std::optional<Cell> cell;                     ///< for the distinct part; none: there is none
  std::int64_t distinct_windows = 1000;         ///< of each lag at most, spread over the time: their pairs grow with N²
  int blocks = 10;                              ///< of time, by where a window starts
};

/// Sums over windows, [lag][block].
struct VanHoveCounts {
  double bin_ang = 0;
  std::vector<std::vector<std::vector<std::int64_t>>> self;  ///< [lag][block][bin] displacements; one bin more: those beyond
  std::vector<std::vector<std::int64_t>> displacements;      ///< [lag][block] how many in all
  std::vector<std::vector<PairHistogram>> distinct;          ///< [lag][block]; empty without a cell
  std::vector<std::vector<std::array<double, 3>>> moments;   ///< [moment lag][block] number, sum of u², sum of u⁴
};

/// From frames as they come. Memory is the positions within 5/4 of the longest lag.
class VanHoveSums {
 public:
  /// n_frames: frames that will be added. Throws Error{usage} for no particles, lags out of range, fewer frames than blocks,
  /// lengths that are not positive or more than 10⁵ bins.
  VanHoveSums(std::size_t n_particles, std::int64_t n_frames, const VanHoveSettings& settings);

  /// Unwrapped positions [particle]. Throws Error{usage} on another number of particles or more frames than announced,
  /// Error{numeric} on a position that is not finite.
  void add(std::span<const Vec3> position_ang);

  /// Independent of the number of threads. Throws Error{usage} when frames are missing.
  VanHoveCounts counts();

 private:
  void take_windows();
  std::size_t block_of(std::int64_t start, std::int64_t lag) const;

  VanHoveSettings settings_;
  std::size_t n_particles_;
  std::int64_t n_frames_, longest_ = 0;
  VanHoveCounts counts_;
  std::vector<Vec3> recent_;
  std::int64_t first_recent_ = 0, frames_ = 0, frames_taken_ = 0;
};

/// alpha_2 of the three sums of `moments`; 0 where nothing moved.
double non_gaussian_parameter(const std::array<double, 3>& moments);

}  // namespace saltus
