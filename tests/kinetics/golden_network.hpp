// Golden periodic networks: lines 'from to rate dx dy dz', then pi, D0 and D.
#pragma once

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "saltus/kinetics/jump_network.hpp"
#include "saltus/kinetics/site_network.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {

struct GoldenNetwork {
  JumpNetwork network;
  Mat3 d0, d;
};

inline GoldenNetwork read_golden_network(const std::string& name) {
  GoldenNetwork golden;
  for (const std::string& line : golden_lines("networks/" + name)) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "pi") {
      for (double p = 0; words >> p;) golden.network.pi.push_back(p);
    } else if (first == "D0" || first == "D") {
      Mat3& tensor = first == "D" ? golden.d : golden.d0;
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) words >> tensor[i][j];
      }
    } else {
      NetworkMove move;
      move.from = std::stoi(first);
      words >> move.to >> move.weight >> move.displacement_ang.x >> move.displacement_ang.y >> move.displacement_ang.z;
      golden.network.moves.push_back(move);
    }
  }
  return golden;
}

inline SiteNetwork site_network_of(const JumpNetwork& network, bool with_probabilities) {
  SiteNetwork result;
  result.n_sites = static_cast<int>(network.pi.size());
  if (with_probabilities) result.probability = network.pi;
  for (const NetworkMove& move : network.moves)
    result.jumps.push_back({move.from, move.to, move.weight, move.displacement_ang, {}, {}});
  return result;
}

/// Relative to the largest element.
inline void expect_tensor(const Mat3& found, const Mat3& expected, double tolerance) {
  const double scale = std::max({std::abs(expected[0].x), std::abs(expected[1].y), std::abs(expected[2].z)});
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) EXPECT_NEAR(found[i][j], expected[i][j], tolerance * scale) << i << j;
  }
}

}  // namespace saltus::kinetics
