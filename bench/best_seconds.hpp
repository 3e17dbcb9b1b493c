// CPU time of a piece of work, for the programs behind the comparisons with peers.
#pragma once

#include <algorithm>
#include <ctime>
#include <limits>

namespace saltus {

/// The best of several rounds, so that what else the machine does matters little.
template <typename Work>
double best_seconds(int rounds, const Work& work) {
  double best = std::numeric_limits<double>::infinity();
  for (int k = 0; k < rounds; ++k) {
    const std::clock_t begin = std::clock();
    work();
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return best;
}

}  // namespace saltus
