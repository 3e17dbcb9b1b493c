// Which frames to take: equidistant, at random, or in blocks of time for training, validation and test.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "saltus/base/random.hpp"

namespace saltus {

/// Frames first, first + every, … below `count`. Throws Error{usage} for every = 0.
std::vector<std::size_t> every_kth_frame(std::size_t count, std::size_t every, std::size_t first = 0);

/// `wanted` frames spread evenly: frame ⌊k·count/wanted⌋ for k = 0 … wanted − 1. Throws Error{usage} for 0 or more than there are.
std::vector<std::size_t> evenly_spread_frames(std::size_t count, std::size_t wanted);

/// `wanted` different frames at random, each set equally likely, in ascending order. Errors as evenly_spread_frames.
/// Reference: Knuth, The Art of Computer Programming, vol. 2, 3.4.2, algorithm S.
std::vector<std::size_t> random_frames(std::size_t count, std::size_t wanted, Random& random);

struct SplitOptions {
  double test_fraction = 0.20;   ///< of all frames: the last ones
  double valid_fraction = 0.15;  ///< of all frames: blocks spread evenly over what comes before
  int valid_blocks = 2;
  double gap_fs = 50;            ///< least distance in time between frames of different parts
};

struct Split {
  std::vector<std::size_t> train, valid, test;  ///< ascending; frames within the gaps are in none
};

/// Splits a series of frames by blocks of time: neighbouring frames of a trajectory are nearly the same, so a random
/// split would test on what was trained on. Test and validation keep their size; the gap is taken from training frames
/// (and from validation frames near the test block).
///
/// time_fs  [frames], strictly ascending; only differences matter
///
/// Throws Error{usage} for fractions outside [0, 1) or with a sum of 1 or more, times that do not ascend, or when a part
/// that is asked for (training always) comes out empty.
Split split_by_blocks(std::span<const double> time_fs, const SplitOptions& options = {});

}  // namespace saltus
