#include "saltus/io/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

void check_wanted(std::size_t count, std::size_t wanted) {
  if (wanted == 0 || wanted > count)
    throw Error(ErrorKind::usage, fmt::format("cannot take {} of {} frames", wanted, count));
}

enum class Part { train, valid, test, none };

// Moves frames of `from` to none where a frame of `kept` lies within the gap.
void clear_gaps(std::span<const double> time_fs, std::vector<Part>& part, Part from, Part kept, double gap_fs) {
  const std::size_t n = part.size();
  std::vector<bool> near(n, false);
  double last = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    if (part[i] == kept) last = time_fs[i];
    if (part[i] == from && time_fs[i] - last < gap_fs) near[i] = true;
  }
  double next = std::numeric_limits<double>::infinity();
  for (std::size_t i = n; i-- > 0;) {
    if (part[i] == kept) next = time_fs[i];
    if (part[i] == from && next - time_fs[i] < gap_fs) near[i] = true;
  }
  for (std::size_t i = 0; i < n; ++i)
    if (near[i]) part[i] = Part::none;
}

}  // namespace

std::vector<std::size_t> every_kth_frame(std::size_t count, std::size_t every, std::size_t first) {
  if (every == 0) throw Error(ErrorKind::usage, "the distance between frames must be at least 1");
  std::vector<std::size_t> frames;
  for (std::size_t k = first; k < count; k += std::min(every, count - k)) frames.push_back(k);
  return frames;
}

std::vector<std::size_t> evenly_spread_frames(std::size_t count, std::size_t wanted) {
  check_wanted(count, wanted);
  std::vector<std::size_t> frames(wanted);
  const std::size_t step = count / wanted, rest = count % wanted;
  for (std::size_t k = 0; k < wanted; ++k) frames[k] = k * step + k * rest / wanted;
  return frames;
}

std::vector<std::size_t> random_frames(std::size_t count, std::size_t wanted, Random& random) {
  check_wanted(count, wanted);
  std::vector<std::size_t> frames;
  for (std::size_t k = 0; k < count && frames.size() < wanted; ++k)
    if (random.below(count - k) < wanted - frames.size()) frames.push_back(k);
  return frames;
}

Split split_by_blocks(std::span<const double> time_fs, const SplitOptions& options) {
  const auto fraction_ok = [](double f) { return f >= 0 && f < 1; };
  if (!fraction_ok(options.test_fraction) || !fraction_ok(options.valid_fraction) ||
      options.test_fraction + options.valid_fraction >= 1)
    throw Error(ErrorKind::usage, "the fractions for test and validation must be at least 0 and their sum below 1");
  if (!(options.gap_fs >= 0) || options.valid_blocks < 1)
    throw Error(ErrorKind::usage, "the gap must not be negative, and there must be at least one validation block");
  for (std::size_t i = 1; i < time_fs.size(); ++i)
    if (!(time_fs[i] > time_fs[i - 1]))
      throw Error(ErrorKind::usage,
                  fmt::format("the times of the frames must ascend: frame {} has {} fs after {} fs", i + 1, time_fs[i], time_fs[i - 1]));

  const std::size_t n = time_fs.size();
  const auto part_of_n = [n](double fraction) {
    return static_cast<std::size_t>(std::llround(fraction * static_cast<double>(n)));
  };
  const std::size_t tests = part_of_n(options.test_fraction);
  const std::size_t valids = part_of_n(options.valid_fraction);
  const auto blocks = static_cast<std::size_t>(options.valid_blocks);
  if (tests + valids >= n)
    throw Error(ErrorKind::usage, fmt::format("{} frames are too few to split", n));
  const std::size_t head = n - tests;
  std::vector<Part> part(n, Part::train);
  for (std::size_t i = head; i < n; ++i) part[i] = Part::test;
  for (std::size_t b = 0; b < blocks; ++b) {
    // Block b lies in the middle of the b-th of `blocks` equal stretches.
    const std::size_t stretch = head * b / blocks, stretch_end = head * (b + 1) / blocks;
    const std::size_t size = valids * (b + 1) / blocks - valids * b / blocks;
    const std::size_t first = stretch + (stretch_end - stretch - std::min(size, stretch_end - stretch)) / 2;
    for (std::size_t i = first; i < std::min(first + size, stretch_end); ++i) part[i] = Part::valid;
  }
  clear_gaps(time_fs, part, Part::valid, Part::test, options.gap_fs);
  clear_gaps(time_fs, part, Part::train, Part::test, options.gap_fs);
  clear_gaps(time_fs, part, Part::train, Part::valid, options.gap_fs);

  Split split;
  for (std::size_t i = 0; i < n; ++i) {
    if (part[i] == Part::train) split.train.push_back(i);
    if (part[i] == Part::valid) split.valid.push_back(i);
    if (part[i] == Part::test) split.test.push_back(i);
  }
  if (split.train.empty() || (options.valid_fraction > 0 && split.valid.empty()) ||
      (options.test_fraction > 0 && split.test.empty()))
    throw Error(ErrorKind::usage,
                fmt::format("{} frames over {} fs are too few to split with a gap of {} fs; shorten the gap or give more frames", n,
                            n > 0 ? time_fs.back() - time_fs.front() : 0.0, options.gap_fs));
  return split;
}

}  // namespace saltus
