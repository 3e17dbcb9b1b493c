#include "saltus/kinetics/exit_counting.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "tests/kinetics/walks.hpp"

namespace saltus::kinetics {
namespace {

constexpr float nowhere = std::numeric_limits<float>::quiet_NaN();

// A walk whose coordinates, and those a few periods away, are exact as float32; wrapped or not.
Walk exact_walk(std::size_t frames, std::size_t particles, double period, bool wrapped) {
  Walk walk{frames, particles, std::vector<float>(frames * particles)};
  for (std::size_t p = 0; p < particles; ++p) {
    Random random(7, p);
    double z = std::floor(period * random.uniform() * 1024) / 1024;
    for (std::size_t t = 0; t < frames; ++t, z += std::floor(0.5 * random.normal() * 1024) / 1024)
      walk.at(t, p) = static_cast<float>(wrapped ? z - period * std::floor(z / period) : z);
  }
  return walk;
}

// By the definition, for the starts of one particle in one window.
ExitSums by_definition(const Walk& walk, std::size_t p, const ExitWindow& w, double period, std::int64_t cut, const std::vector<std::size_t>& segments) {
  ExitSums s;
  const auto x = [&](std::size_t t) {
    const double d = double{walk.at(t, p)} - w.centre_ang;
    return period > 0 ? d - period * std::round(d / period) : d;
  };
  for (std::size_t t = 0; t < walk.frames; ++t) {
    if (!(std::abs(x(t)) < w.start_half_width_ang)) continue;
    std::size_t end = walk.frames;
    for (const std::size_t start : segments)
      if (start > t) end = std::min(end, start);
    if (static_cast<std::int64_t>(end - 1 - t) < cut) continue;
    std::size_t u = t;
    while (u + 1 < end && !std::isnan(walk.at(u + 1, p))) {
      ++u;
      if (std::abs(x(u)) >= w.half_width_ang) break;
    }
    const double time = static_cast<double>(u - t), d = x(u) - x(t);
    if (u > t && std::abs(x(u)) >= w.half_width_ang) {
      s += {1, d > 0 ? 1.0 : 0.0, time, time * time, d, d * d, d * time};
    } else {
      ExitSums late;
      late.censored = 1;
      late.censored_time = time;
      late.censored_time2 = time * time;
      late.censored_displacement_ang = d;
      late.censored_displacement2_ang2 = d * d;
      late.censored_displacement_time_ang = d * time;
      s += late;
    }
  }
  return s;
}

void expect_equal(const ExitSums& a, const ExitSums& b, double tolerance, const std::string& where) {
  EXPECT_EQ(a.exits, b.exits) << where;
  EXPECT_EQ(a.above, b.above) << where;
  EXPECT_EQ(a.time, b.time) << where;
  EXPECT_EQ(a.time2, b.time2) << where;
  EXPECT_EQ(a.censored, b.censored) << where;
  EXPECT_EQ(a.censored_time, b.censored_time) << where;
  EXPECT_EQ(a.censored_time2, b.censored_time2) << where;
  EXPECT_NEAR(a.displacement_ang, b.displacement_ang, tolerance) << where;
  EXPECT_NEAR(a.displacement2_ang2, b.displacement2_ang2, tolerance) << where;
  EXPECT_NEAR(a.displacement_time_ang, b.displacement_time_ang, 100 * tolerance) << where;
  EXPECT_NEAR(a.censored_displacement_ang, b.censored_displacement_ang, tolerance) << where;
  EXPECT_NEAR(a.censored_displacement2_ang2, b.censored_displacement2_ang2, tolerance) << where;
  EXPECT_NEAR(a.censored_displacement_time_ang, b.censored_displacement_time_ang, 100 * tolerance) << where;
}

void expect_same(const ExitData& a, const ExitData& b) {
  ASSERT_EQ(a.window.size(), b.window.size());
  for (std::size_t w = 0; w < a.window.size(); ++w) {
    ASSERT_EQ(a.window[w].unit.size(), b.window[w].unit.size());
    for (std::size_t u = 0; u < a.units(); ++u) expect_equal(a.window[w].unit[u], b.window[w].unit[u], 0, "window " + std::to_string(w) + ", unit " + std::to_string(u));
    EXPECT_EQ(a.window[w].exits_at, b.window[w].exits_at);
    EXPECT_EQ(a.window[w].censored_at, b.window[w].censored_at);
    EXPECT_EQ(a.window[w].steps, b.window[w].steps);
    EXPECT_EQ(a.window[w].step2_ang2, b.window[w].step2_ang2);
    EXPECT_EQ(a.window[w].long_steps, b.window[w].long_steps);
  }
  EXPECT_EQ(a.histogram, b.histogram);
  EXPECT_EQ(a.largest_step_ang, b.largest_step_ang);
}

ExitSettings periodic_settings() {
  ExitSettings settings;
  settings.frame_interval_fs = 100;
  settings.period_ang = 16;
  for (double centre = 0; centre < 16; centre += 0.75)
    for (const double half : {1.0, 1.5, 2.25}) settings.windows.push_back({centre, half, 0.25});
  settings.windows.push_back({15.9, 1.13, 0.3});
  settings.windows.push_back({-0.4, 1.3, 0.3});
  return settings;
}

ExitData in_blocks(const Walk& walk, const ExitSettings& settings, std::size_t block, std::vector<std::size_t> segments = {}) {
  ExitCounter counter(walk.frames, walk.particles, std::move(segments), settings);
  for (std::size_t end = walk.frames; end > 0;) {
    const std::size_t first = end > block ? end - block : 0;
    counter.take(std::span(walk.z).subspan(first * walk.particles, (end - first) * walk.particles));
    end = first;
  }
  return counter.finish();
}

TEST(ExitCounting, EqualsTheDefinitionWithAPeriodSegmentsGapsAndCuts) {
  Walk walk = exact_walk(700, 21, 16, true);
  for (std::size_t t = 100; t < 140; ++t) walk.at(t, 3) = nowhere;
  walk.at(0, 4) = walk.at(699, 5) = walk.at(300, 6) = nowhere;
  for (std::size_t t = 0; t < 700; ++t) walk.at(t, 7) = nowhere;
  ExitSettings settings = periodic_settings();
  for (std::size_t w = 0; w < settings.windows.size(); ++w) settings.cut_frames.push_back(w % 3 == 0 ? 0 : static_cast<std::int64_t>(5 * w));
  const std::vector<std::size_t> segments{1, 256, 257, 500};
  const ExitData data = in_blocks(walk, settings, 300, segments);
  ASSERT_EQ(data.units(), 21u);
  double exits = 0, censored = 0;
  for (std::size_t w = 0; w < settings.windows.size(); ++w)
    for (std::size_t p = 0; p < walk.particles; ++p) {
      const ExitSums expected = by_definition(walk, p, settings.windows[w], 16, settings.cut_frames[w], segments);
      expect_equal(data.window[w].unit[p], expected, 1e-4, "window " + std::to_string(w) + ", particle " + std::to_string(p));
      exits += expected.exits;
      censored += expected.censored;
    }
  EXPECT_GT(exits, 1000);
  EXPECT_GT(censored, 100);
}

TEST(ExitCounting, EqualsTheDefinitionWithoutAPeriod) {
  const Walk walk = exact_walk(900, 5, 16, false);
  ExitSettings settings;
  settings.frame_interval_fs = 1;
  settings.windows = {{8, 1, 0.25}, {8, 3, 0.25}, {9, 1, 0.25}, {40, 1, 0.1}};
  const ExitData data = in_blocks(walk, settings, 128);
  for (std::size_t w = 0; w < settings.windows.size(); ++w)
    for (std::size_t p = 0; p < walk.particles; ++p)
      expect_equal(data.window[w].unit[p], by_definition(walk, p, settings.windows[w], 0, 0, {}), 1e-4, std::to_string(w));
}

TEST(ExitCounting, DistanceOfTheHalfWidthIsOutsideOnBothSides) {
  ExitSettings settings;
  settings.frame_interval_fs = 1;
  settings.windows = {{0, 1, 0.5}};
  for (const float side : {-1.f, 1.f}) {
    const Walk walk{3, 1, {0, side, 0.5f * side}};  // the last frame is no start: |z| < 0.5 fails
    const ExitSums sum = total(count_exits(walk.source(), settings).window[0]);
    EXPECT_EQ(sum.exits, 1);
    EXPECT_EQ(sum.time, 1);
    EXPECT_EQ(sum.above, side > 0);
    EXPECT_EQ(sum.displacement_ang, side);
    EXPECT_EQ(sum.censored, 0);
  }
}

TEST(ExitCounting, ThreadsBlocksAndImagesGiveTheSameBits) {
  const Walk wrapped = exact_walk(1500, 150, 16, true), unwrapped = exact_walk(1500, 150, 16, false);
  ASSERT_NE(wrapped.z, unwrapped.z);
  for (const std::size_t time_blocks : {0, 7}) {
    ExitSettings settings = periodic_settings();
    settings.time_blocks = time_blocks;
    set_thread_count(1);
    const ExitData expected = in_blocks(wrapped, settings, 1500);
    EXPECT_EQ(expected.units(), time_blocks == 0 ? 150u : 7u);
    expect_same(in_blocks(unwrapped, settings, 1500), expected);
    set_thread_count(4);
    expect_same(in_blocks(wrapped, settings, 1500), expected);
    expect_same(in_blocks(unwrapped, settings, 1), expected);
    expect_same(in_blocks(wrapped, settings, 333), expected);
    set_thread_count(0);
  }
}

TEST(ExitCounting, OrderOfParticlesAndUnitsDoNotChangeTheSums) {
  const Walk walk = exact_walk(800, 70, 16, true);
  Walk other = walk;
  for (std::size_t t = 0; t < walk.frames; ++t)
    for (std::size_t p = 0; p < walk.particles; ++p) other.at(t, p) = walk.at(t, (p * 29 + 5) % walk.particles);
  ExitSettings settings = periodic_settings();
  const ExitData expected = count_exits(walk.source(), settings), permuted = count_exits(other.source(), settings);
  settings.most_units = 9;
  const ExitData few = count_exits(other.source(), settings);
  EXPECT_EQ(few.units(), 9u);
  settings.time_blocks = 11;
  const ExitData blocks = count_exits(other.source(), settings);
  for (std::size_t w = 0; w < settings.windows.size(); ++w) {
    for (std::size_t p = 0; p < walk.particles; ++p) expect_equal(permuted.window[w].unit[p], expected.window[w].unit[(p * 29 + 5) % walk.particles], 0, std::to_string(w));
    const ExitSums sum = total(expected.window[w]);
    EXPECT_GT(sum.exits, 0);
    for (const ExitData* data : {&permuted, &few, &blocks}) {
      expect_equal(total(data->window[w]), sum, 0, std::to_string(w));
      EXPECT_EQ(std::accumulate(data->window[w].exits_at.begin(), data->window[w].exits_at.end(), 0.0), sum.exits);
      EXPECT_EQ(std::accumulate(data->window[w].censored_at.begin(), data->window[w].censored_at.end(), 0.0), sum.censored);
      EXPECT_EQ(std::accumulate(data->histogram.begin(), data->histogram.end(), 0.0), 800.0 * 70);
    }
  }
}

TEST(ExitCounting, ShiftAndMirror) {
  const Walk walk = exact_walk(1000, 40, 16, true);
  ExitSettings settings = periodic_settings(), moved = settings, mirrored = settings;
  Walk shifted = walk, mirror = walk;
  for (float& z : shifted.z) z += 5.625f;
  for (float& z : mirror.z) z = -z;
  for (ExitWindow& w : moved.windows) w.centre_ang += 5.625;
  for (ExitWindow& w : mirrored.windows) w.centre_ang = -w.centre_ang;
  const ExitData data = count_exits(walk.source(), settings), there = count_exits(shifted.source(), moved), back = count_exits(mirror.source(), mirrored);
  for (std::size_t w = 0; w < settings.windows.size(); ++w)
    for (std::size_t u = 0; u < data.units(); ++u) {
      const ExitSums& sum = data.window[w].unit[u];
      expect_equal(there.window[w].unit[u], sum, 0, std::to_string(w));
      ExitSums turned = sum;
      turned.above = sum.exits - sum.above;
      turned.displacement_ang *= -1;
      turned.displacement_time_ang *= -1;
      turned.censored_displacement_ang *= -1;
      turned.censored_displacement_time_ang *= -1;
      expect_equal(back.window[w].unit[u], turned, 0, std::to_string(w));
    }
}

TEST(ExitCounting, TimeBinsHoldTheirTimes) {
  std::int64_t previous = -1;
  for (std::int64_t t = 0; t < 100000; t += t < 300 ? 1 : 37) {
    const auto bin = static_cast<std::int64_t>(time_bin(t));
    EXPECT_GE(bin, previous);
    if (t < 64) {
      EXPECT_EQ(bin, t);
    }
    previous = bin;
  }
  const Walk walk{100000, 1, std::vector<float>(100000)};
  ExitSettings settings;
  settings.frame_interval_fs = 1;
  settings.windows = {{0, 1, 0.5}};
  const ExitData data = count_exits(walk.source(), settings);
  const std::size_t bins = data.time_bin_frames.size() - 1;
  for (std::size_t b = 0; b < bins; ++b) {
    EXPECT_EQ(time_bin(data.time_bin_frames[b]), b);
    EXPECT_EQ(time_bin(data.time_bin_frames[b + 1] - 1), b);
    const auto in_range = std::min<std::int64_t>(data.time_bin_frames[b + 1], 100000) - std::min<std::int64_t>(data.time_bin_frames[b], 100000);
    EXPECT_EQ(data.window[0].censored_at[b], in_range);
  }
}

TEST(ExitCounting, HistogramStepsAndParticlesThatAreCounted) {
  const Walk walk{4, 3, {0.05f, 5, 9, 0.15f, 5, 9, 0.25f, 5, 9, 2.75f, 5, 9}};
  ExitSettings settings;
  settings.frame_interval_fs = 1;
  settings.windows = {{0, 1, 0.5}};
  settings.bins = 3;
  settings.histogram_bin_ang = 0.1;
  settings.every_particle = 2;
  const ExitData data = count_exits(walk.source(), settings);
  EXPECT_EQ(data.units(), 2u);
  EXPECT_EQ(data.histogram, (std::vector<float>{1, 1, 1, 0, 0, 0}));
  EXPECT_FLOAT_EQ(static_cast<float>(data.largest_step_ang), 2.5f);
  EXPECT_EQ(data.window[0].steps, 3);
  EXPECT_EQ(data.window[0].long_steps, 1);
  EXPECT_NEAR(data.window[0].step2_ang2, 6.25 + 0.02, 1e-5);
}

TEST(ExitCounting, CutsAreSixTimesTheFreeMeanTime) {
  const double sigma = 0.2;
  const Walk walk = random_walk(4000, 300, sigma, 20, 3);
  ExitSettings settings;
  settings.frame_interval_fs = 100;
  settings.period_ang = 20;
  settings.windows = {{5, 1, 0.1}, {15, 2, 0.1}};
  const ExitData data = count_exits_with_cuts(walk.source(), settings);
  for (const WindowExits& window : data.window) {
    const double half = window.window.half_width_ang;
    EXPECT_NEAR(static_cast<double>(window.cut_frames), 6 * half * half / (sigma * sigma), 0.1 * 6 * half * half / (sigma * sigma));
    const ExitSums sum = total(window);
    EXPECT_LT(sum.censored / (sum.exits + sum.censored), 0.01);
  }
  // Short data: the cut leaves half of them.
  const Walk brief = random_walk(100, 300, sigma, 20, 3);
  EXPECT_EQ(count_exits_with_cuts(brief.source(), settings).window[1].cut_frames, 50);
  EXPECT_EQ(count_exits_with_cuts(brief.source({60}), settings).window[1].cut_frames, 30);
}

TEST(ExitCounting, RefusesWhatCannotBe) {
  const Walk walk = exact_walk(10, 2, 16, true);
  ExitSettings good;
  good.frame_interval_fs = 1;
  good.windows = {{0, 1, 0.1}};
  const auto expect_refused = [&](const std::string& words, const auto& change, std::size_t frames = 10, std::vector<std::size_t> segments = {}) {
    ExitSettings settings = good;
    change(settings);
    try {
      ExitCounter(frames, 2, segments, settings);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  };
  const auto nothing = [](ExitSettings&) {};
  expect_refused("1 frame; at least two", nothing, 1);
  expect_refused("no window", [](auto& s) { s.windows.clear(); });
  expect_refused("start half-width of 1 Å", [](auto& s) { s.windows[0].start_half_width_ang = 1; });
  expect_refused("start half-width of 0 Å", [](auto& s) { s.windows[0].start_half_width_ang = 0; });
  expect_refused("half-width nan", [](auto& s) { s.windows[0].half_width_ang = nowhere; });
  expect_refused("fills the period of 2 Å", [](auto& s) { s.period_ang = 2; });
  expect_refused("time between frames", [](auto& s) { s.frame_interval_fs = 0; });
  expect_refused("11 blocks of time from 10 frames", [](auto& s) { s.time_blocks = 11; });
  expect_refused("a cut per window", [](auto& s) { s.cut_frames = {1, 2}; });
  expect_refused("segments", nothing, 10, {4, 4});
  expect_refused("segments", nothing, 10, {0});
  expect_refused("segments", nothing, 10, {10});
  ExitCounter counter(10, 2, {}, good);
  EXPECT_THROW(counter.take(std::vector<float>(3)), Error);
  EXPECT_THROW(counter.take(std::vector<float>(22)), Error);
  EXPECT_THROW(counter.finish(), Error);
  // Half-width and largest step reach half the period.
  ExitSettings narrow = good;
  narrow.period_ang = 8;
  narrow.windows = {{0, 2, 0.1}};
  const Walk leap{2, 1, {0, 2.5f}};
  try {
    count_exits(leap.source(), narrow);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "exits from windows: a particle moves 2.5 Å between two frames; with the half-width of 2 Å this reaches half the period of 8 Å, so that the side of an "
                               "exit cannot be told: take narrower windows, frames closer in time or a larger cell");
  }
}

}  // namespace
}  // namespace saltus::kinetics
