#include "saltus/analysis/velocity_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

using testing_frames::next_of;
using testing_frames::read_frames;

VelocityCorrelation correlation_of(const std::vector<Frame>& frames, const VelocityCorrelationSettings& settings) {
  VelocityCorrelationAnalysis analysis(settings);
  Analysis* const analyses[] = {&analysis};
  run_analyses(next_of(frames), analyses);
  return analysis.finish();
}

std::vector<Frame> noise_frames(std::size_t count, double memory) {
  Random random(11, 0);
  auto atoms = std::make_shared<Atoms>();
  atoms->atomic_number = {3, 14};
  atoms->mass_amu = {7, 28};
  std::vector<Frame> frames(count);
  std::vector<Vec3> velocity(2);
  for (std::size_t k = 0; k < count; ++k) {
    for (Vec3& v : velocity) v = memory * v + Vec3{random.normal(), random.normal(), random.normal()};
    frames[k].atoms = atoms;
    frames[k].position_ang.assign(2, {});
    frames[k].velocity_ang_fs = velocity;
    frames[k].time_fs = 2.0 * static_cast<double>(k);
  }
  return frames;
}

// tests/golden/ase/velocity_correlation: relative to the largest value, 1e-6 for the masses, which ASE gives to fewer digits.
TEST(VelocityCorrelation, OfAse) {
  const std::vector<Frame> frames = read_frames("examples/li15si4/li15si4_900K.extxyz");
  const VelocityCorrelation li = correlation_of(frames, {3, 100, false}), all = correlation_of(frames, {std::nullopt, 100, true});
  const Spectrum spectrum = spectrum_of(all.value_ang2_fs2, all.frame_spacing_fs);
  EXPECT_EQ(li.atoms, 60u);
  std::ifstream file(std::string(SALTUS_SOURCE_DIR) + "/tests/golden/ase/velocity_correlation/expected.txt");
  std::string line;
  std::getline(file, line);
  std::size_t k = 0;
  for (double lag = 0, c = 0, frequency = 0, density = 0; file >> lag >> c >> frequency >> density; ++k) {
    ASSERT_LT(k, li.value_ang2_fs2.size());
    EXPECT_NEAR(li.value_ang2_fs2[k], c, 1e-6 * 3e-4);
    EXPECT_NEAR(spectrum.frequency_per_fs[k] / 2.99792458e-5, frequency, 1e-6 * 8e3);
    EXPECT_NEAR(spectrum.density_fs[k] * 2.99792458e-5, density, 1e-6 * 2e-3);
  }
  EXPECT_EQ(k, 51u);
}

// Enough frames that stretches are joined several times: against the definition, summed directly.
TEST(VelocityCorrelation, DoesNotDependOnHowStretchesAreJoinedOrOnThreads) {
  const std::vector<Frame> frames = noise_frames(3000, 0.5);
  const VelocityCorrelation c = correlation_of(frames, {std::nullopt, 8, true});
  ASSERT_EQ(c.value_ang2_fs2.size(), 5u);
  for (std::size_t lag = 0; lag < 5; ++lag) {
    double sum = 0;
    for (std::size_t k = lag; k < frames.size(); ++k)
      for (std::size_t i = 0; i < 2; ++i)
        sum += (i == 0 ? 7 : 28) * dot(frames[k].velocity_ang_fs[i], frames[k - lag].velocity_ang_fs[i]);
    EXPECT_NEAR(c.value_ang2_fs2[lag], sum / 35 / static_cast<double>(frames.size() - lag), 1e-12);
  }
  EXPECT_EQ(c.block_ang2_fs2.size(), 10u);
  set_thread_count(3);
  EXPECT_EQ(correlation_of(frames, {std::nullopt, 8, true}).value_ang2_fs2, c.value_ang2_fs2);
  set_thread_count(0);
}

// ∫ g dν = 1 by the trapezoid rule, exactly, for any correlation; and a cosine gives a peak at its frequency.
TEST(VelocityCorrelation, SpectrumOfAnOscillator) {
  constexpr double frequency_per_fs = 0.02, spacing_fs = 1;
  std::vector<double> c;
  for (int k = 0; k <= 500; ++k) c.push_back(3 * std::cos(2 * std::numbers::pi * frequency_per_fs * k * spacing_fs));
  const Spectrum s = spectrum_of(c, spacing_fs);
  const double step = s.frequency_per_fs[1];
  double sum = -0.5 * (s.density_fs.front() + s.density_fs.back());
  for (double g : s.density_fs) sum += g;
  EXPECT_NEAR(sum * step, 1, 1e-12);
  const auto peak = std::max_element(s.density_fs.begin(), s.density_fs.end());
  EXPECT_DOUBLE_EQ(s.frequency_per_fs[static_cast<std::size_t>(peak - s.density_fs.begin())], frequency_per_fs);
  EXPECT_THROW(spectrum_of(std::vector<double>{1, 0.5}, 1), Error);
  EXPECT_THROW(spectrum_of(std::vector<double>{0, 0, 0}, 1), Error);
}

TEST(VelocityCorrelation, WhatCannotBeMeantIsRefused) {
  std::vector<Frame> frames = noise_frames(20, 0);
  EXPECT_THROW(correlation_of(frames, {26, 8, false}), Error);
  EXPECT_THROW(correlation_of(frames, {std::nullopt, 0, false}), Error);
  EXPECT_THROW(correlation_of({frames[0], frames[1]}, {std::nullopt, 8, false}), Error);
  frames[10].time_fs += 0.5;
  EXPECT_THROW(correlation_of(frames, {std::nullopt, 8, false}), Error);
  frames[10].velocity_ang_fs.clear();
  EXPECT_THROW(correlation_of(frames, {std::nullopt, 8, false}), Error);
}

}  // namespace
}  // namespace saltus
