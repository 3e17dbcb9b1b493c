#include "saltus/kinetics/residence_time.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "tests/kinetics/walks.hpp"

namespace saltus::kinetics {
namespace {

constexpr float nowhere = std::numeric_limits<float>::quiet_NaN();

// By the definition: presence with short absences filled, within each stretch that can be followed.
std::pair<double, double> by_definition(const Walk& walk, const ResidenceSettings& s, const std::vector<std::size_t>& segments, std::size_t lag) {
  double continuous[2] = {0, 0}, intermittent[2] = {0, 0};
  for (std::size_t p = 0; p < walk.particles; ++p) {
    std::vector<int> in(walk.frames), filled(walk.frames), stretch(walk.frames, -1), segment(walk.frames);
    int number = 0, segment_number = 0;
    for (std::size_t t = 0; t < walk.frames; ++t) {
      if (std::find(segments.begin(), segments.end(), t) != segments.end()) ++number, ++segment_number;
      segment[t] = segment_number;
      const float z = walk.at(t, p);
      if (std::isnan(z)) {
        ++number;
        continue;
      }
      stretch[t] = number;
      double above = z - s.low_ang;
      if (s.period_ang > 0) above -= s.period_ang * std::floor(above / s.period_ang);
      in[t] = filled[t] = above >= 0 && above < s.high_ang - s.low_ang;
    }
    for (std::size_t t = 0; t < walk.frames; ++t)
      for (std::size_t u = t + 2; u < walk.frames && u - t - 1 <= static_cast<std::size_t>(s.gap_frames); ++u)
        if (in[t] && in[u] && stretch[t] == stretch[u] && stretch[t] >= 0)
          for (std::size_t k = t; k < u; ++k) filled[k] = 1;
    for (std::size_t t = 0; t + lag < walk.frames; ++t) {
      if (filled[t] && stretch[t + lag] == stretch[t]) {
        continuous[1] += 1;
        bool stays = true;
        for (std::size_t k = t; k <= t + lag; ++k) stays &= filled[k] == 1;
        continuous[0] += stays;
      }
      if (in[t] && segment[t] == segment[t + lag] && stretch[t + lag] >= 0) {
        intermittent[1] += 1;
        intermittent[0] += in[t + lag];
      }
    }
  }
  return {continuous[0] / continuous[1], intermittent[0] / intermittent[1]};
}

TEST(ResidenceTime, EqualsTheDefinition) {
  Walk walk = random_walk(300, 90, 0.4, 8, 2);
  for (std::size_t t = 50; t < 70; ++t) walk.at(t, 3) = nowhere;
  walk.at(120, 4) = nowhere;
  const std::vector<std::size_t> segments{100, 101};
  for (const std::int64_t gap : {0, 1, 4})
    for (const double period : {0.0, 8.0}) {
      ResidenceSettings settings;
      settings.low_ang = 7;
      settings.high_ang = 9.5;
      settings.period_ang = period;
      settings.frame_interval_fs = 5;
      settings.longest_lag_frames = 60;
      settings.gap_frames = gap;
      settings.points = 12;
      settings.bootstrap = 40;
      const ResidenceCorrelation found = residence_correlation(walk.source(segments), settings);
      EXPECT_EQ(found.time_fs.front(), 0);
      EXPECT_EQ(found.time_fs.back(), 300);
      for (std::size_t k = 0; k < found.time_fs.size(); ++k) {
        const auto [continuous, intermittent] = by_definition(walk, settings, segments, static_cast<std::size_t>(std::lround(found.time_fs[k] / 5)));
        EXPECT_NEAR(found.continuous[k], continuous, 1e-12) << gap << " " << k;
        EXPECT_NEAR(found.intermittent[k], intermittent, 1e-12) << gap << " " << k;
        EXPECT_LE(found.continuous_low[k], found.continuous[k] + 1e-12);
        EXPECT_GE(found.continuous_high[k], found.continuous[k] - 1e-12);
      }
    }
}

// A particle that leaves with chance q per frame, each visit at a place of its own: C(k) = (1 − q)^k, mean 1/q − 1/2 by the trapezoid rule.
TEST(ResidenceTime, ExponentialVisits) {
  const double q = 0.05;
  Walk walk{4000, 200, std::vector<float>(800000)};
  for (std::size_t p = 0; p < walk.particles; ++p) {
    Random random(5, p);
    bool in = random.uniform() < 0.5;
    for (std::size_t t = 0; t < walk.frames; ++t) {
      walk.at(t, p) = in ? 0 : 5;
      if (random.uniform() < q) in = !in;
    }
  }
  ResidenceSettings settings;
  settings.low_ang = -1;
  settings.high_ang = 1;
  settings.frame_interval_fs = 1;
  const ResidenceCorrelation found = residence_correlation(walk.source(), settings);
  for (std::size_t k = 0; k < found.time_fs.size(); ++k) {
    EXPECT_NEAR(found.continuous[k], std::pow(1 - q, found.time_fs[k]), 0.01);
    EXPECT_NEAR(found.intermittent[k], 0.5 + 0.5 * std::pow(1 - 2 * q, found.time_fs[k]), 0.02);
  }
  ASSERT_TRUE(found.residence_time_fs.estimate);
  EXPECT_NEAR(found.residence_time_fs.estimate->value, 1 / q - 0.5, 0.4);
  EXPECT_NEAR(found.mean_particles, 100, 3);
}

TEST(ResidenceTime, Refusals) {
  const Walk walk = random_walk(50, 3, 0.1, 1, 1);
  ResidenceSettings good;
  good.low_ang = 0;
  good.high_ang = 1;
  good.frame_interval_fs = 1;
  const auto expect_refused = [&](const std::string& words, const auto& change) {
    ResidenceSettings settings = good;
    change(settings);
    try {
      residence_correlation(walk.source(), settings);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  };
  expect_refused("region from 2 to 1", [](auto& s) { s.low_ang = 2; });
  expect_refused("fills the period", [](auto& s) { s.period_ang = 1; });
  expect_refused("longest lag of 50", [](auto& s) { s.longest_lag_frames = 50; });
  expect_refused("no particle was ever between 30 and 31", [](auto& s) { s.low_ang = 30, s.high_ang = 31; });
  expect_refused("time between frames", [](auto& s) { s.frame_interval_fs = 0; });
  // Always inside: nothing to integrate.
  good.low_ang = -100;
  good.high_ang = 100;
  const ResidenceCorrelation all = residence_correlation(walk.source(), good);
  EXPECT_FALSE(all.residence_time_fs.estimate);
  EXPECT_EQ(all.residence_time_fs.reason, "100 % are still there at the longest lag; take a longer one");
}

}  // namespace
}  // namespace saltus::kinetics
