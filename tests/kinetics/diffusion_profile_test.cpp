// Synthetic Markov data with known answers; bench/first_passage.cpp is the longer study.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/diffusion_profile.hpp"
#include "tests/kinetics/synthetic_exits.hpp"

namespace saltus::kinetics {
namespace {

constexpr double unit = 1e-3;  // Å²/ps in Å²/fs

Synthetic small(const std::string& name, bool periodic, std::function<double(double)> f, std::function<double(double)> d) { return {name, 10, periodic, std::move(f), std::move(d)}; }

const auto no_force = [](double) { return 0.0; };
const auto layers = [](double z) { return 0.8 * std::cos(2 * M_PI * z / 5); };
const auto uniform = [](double) { return 0.23 * unit; };
const auto wave = [](double z) { return unit * (0.16 + 0.06 * std::sin(2 * M_PI * z / 10)); };

ExitData exits(const Synthetic& system, std::size_t particles = 250, std::size_t frames = 2000, const std::vector<double>& half_widths = {1}) {
  return count_exits(system, brownian_paths(system, particles, frames, 100, 7), 100, half_widths);
}

// 12500 particle·ps per Å: a standard error of 2 % for each window. Local formulas are off by up to 20 % on these layers.
TEST(DiffusionProfile, FindsD) {
  for (const Synthetic& system : {small("layers", true, layers, uniform), small("wave", true, no_force, wave), small("both", true, layers, wave), small("slit", false, layers, uniform),
                                  small("slow at walls", false, no_force, [](double z) { return unit * (0.2 - 0.08 * std::exp(-std::min(z, 10 - z) / 2)); })}) {
    SCOPED_TRACE(system.name);
    const DiffusionProfile profile = fit_diffusion_profile(exits(system));
    ASSERT_EQ(profile.points.size(), system.periodic ? 10 : 11);
    EXPECT_TRUE(profile.omitted.empty());
    EXPECT_LT(profile.chi2_per_datum, 2.5);
    EXPECT_EQ(profile.draws, 100);
    double square = 0, mean = 0;
    int covered = 0, covered_f = 0;
    double density = 0;
    for (int k = 0; k < 1000; ++k) density += std::exp(-system.free_energy_kt(0.01 * k + 0.005)) / 1000;
    for (const ProfilePoint& p : profile.points) {
      const double truth = system.diffusion_ang2_fs(p.z_ang), error = p.diffusion_ang2_fs.value / truth - 1, f = system.free_energy_kt(p.z_ang) + std::log(density);
      square += error * error / static_cast<double>(profile.points.size());
      mean += error / static_cast<double>(profile.points.size());
      covered += p.diffusion_ang2_fs.low <= truth && truth <= p.diffusion_ang2_fs.high;
      covered_f += p.free_energy_kt.low <= f && f <= p.free_energy_kt.high;
      EXPECT_LT(std::abs(error), 0.15) << p.z_ang;
      EXPECT_LT(p.diffusion_ang2_fs.high / p.diffusion_ang2_fs.low, 1.5) << p.z_ang;
      EXPECT_NEAR(p.free_energy_kt.value, f, 0.2);
      EXPECT_GE(p.windows_covering, 1);
      EXPECT_LE(p.resolution, 1);
      EXPECT_GE(p.resolution, 0);
      EXPECT_FALSE(p.coarse_frames);
    }
    EXPECT_LT(std::sqrt(square), 0.06);
    EXPECT_LT(std::abs(mean), 0.03);
    EXPECT_GE(covered, 8);
    EXPECT_GE(covered_f, 6);  // neighbours share their error
  }
}

TEST(DiffusionProfile, KnowsWhereFormulasOfOneWindowFail) {
  DiffusionProfileSettings settings;
  settings.bootstrap = 0;
  const DiffusionProfile profile = fit_diffusion_profile(exits(small("layers", true, layers, uniform)), settings);
  for (const ProfilePoint& p : profile.points) {
    const double curvature = std::abs(0.8 * 4 * M_PI * M_PI / 25 * std::cos(2 * M_PI * p.z_ang / 5));
    if (curvature > 0.5) {
      EXPECT_TRUE(p.curved) << p.z_ang;
    }
  }
  EXPECT_EQ(profile.draws, 0);
  EXPECT_EQ(profile.points.front().diffusion_ang2_fs.low, profile.points.front().diffusion_ang2_fs.value);
}

TEST(DiffusionProfile, ResultsDoNotDependOnThreads) {
  const ExitData data = exits(small("both", true, layers, wave), 40, 1000);
  DiffusionProfileSettings settings;
  settings.bootstrap = 10;
  const int threads = thread_count();
  set_thread_count(1);
  const DiffusionProfile one = fit_diffusion_profile(data, settings);
  set_thread_count(3);
  const DiffusionProfile three = fit_diffusion_profile(data, settings);
  set_thread_count(threads);
  for (std::size_t k = 0; k < one.points.size(); ++k) {
    EXPECT_EQ(one.points[k].diffusion_ang2_fs.value, three.points[k].diffusion_ang2_fs.value);
    EXPECT_EQ(one.points[k].diffusion_ang2_fs.high, three.points[k].diffusion_ang2_fs.high);
    EXPECT_EQ(one.points[k].free_energy_kt.low, three.points[k].free_energy_kt.low);
  }
  settings.seed = 2;
  EXPECT_NE(fit_diffusion_profile(data, settings).points.front().diffusion_ang2_fs.high, one.points.front().diffusion_ang2_fs.high);
}

// Mirrored data give the mirrored profile.
TEST(DiffusionProfile, Mirror) {
  const Synthetic system = small("slit", false, [](double z) { return 0.1 * z; }, wave);
  ExitData data = exits(system, 60, 1000);
  DiffusionProfileSettings settings;
  settings.bootstrap = 0;
  const DiffusionProfile forth = fit_diffusion_profile(data, settings);
  for (WindowExits& w : data.window) {
    w.window.centre_ang = 10 - w.window.centre_ang;
    for (ExitSums& s : w.unit) s.above = s.exits - s.above;
  }
  for (std::size_t u = 0; u < data.units(); ++u) std::reverse(data.histogram.begin() + static_cast<std::ptrdiff_t>(u * data.bins), data.histogram.begin() + static_cast<std::ptrdiff_t>((u + 1) * data.bins));
  const DiffusionProfile back = fit_diffusion_profile(data, settings);
  ASSERT_EQ(forth.points.size(), back.points.size());
  for (std::size_t k = 0; k < forth.points.size(); ++k) {
    const ProfilePoint &a = forth.points[k], &b = back.points[back.points.size() - 1 - k];
    EXPECT_NEAR(a.z_ang, 10 - b.z_ang, 1e-9);
    EXPECT_NEAR(a.diffusion_ang2_fs.value, b.diffusion_ang2_fs.value, 2e-3 * a.diffusion_ang2_fs.value);
    EXPECT_NEAR(a.free_energy_kt.value, b.free_energy_kt.value, 1e-9);
  }
}

// Windows over part of a period, across its seam: the gap is not filled in.
TEST(DiffusionProfile, PartOfAPeriod) {
  const Synthetic system = small("wave", true, no_force, wave);
  const ExitData all = exits(system);
  ExitData part = all;
  std::erase_if(part.window, [](const WindowExits& w) { return w.window.centre_ang > 2.5 && w.window.centre_ang < 7.5; });
  DiffusionProfileSettings settings;
  settings.bootstrap = 20;
  const DiffusionProfile profile = fit_diffusion_profile(part, settings);
  ASSERT_EQ(profile.points.size(), 5U);
  EXPECT_FALSE(profile.fitted.periodic_knots);
  for (const ProfilePoint& p : profile.points) {
    EXPECT_TRUE(p.z_ang < 2.5 || p.z_ang > 7.5);
    EXPECT_NEAR(p.diffusion_ang2_fs.value / wave(p.z_ang), 1, 0.12) << p.z_ang;
  }
}

TEST(DiffusionProfile, WhatCannotBeUsedIsSaid) {
  const Synthetic system = small("slit", false, no_force, uniform);
  ExitData data = exits(system, 60, 1000);
  DiffusionProfileSettings settings;
  settings.bootstrap = 0;
  ExitData thin = data;
  for (ExitSums& s : thin.window[5].unit) s = {};
  const DiffusionProfile without = fit_diffusion_profile(thin, settings);
  ASSERT_EQ(without.omitted.size(), 1U);
  EXPECT_EQ(without.omitted[0].window, 5U);
  EXPECT_EQ(without.points.size(), 10U);
  for (const ProfilePoint& p : without.points) EXPECT_GT(std::abs(p.z_ang - 5), 0.5);
  ExitData close = data;
  close.window[1].window.half_width_ang = 0.9;  // its edge lies 0.1 Å before the wall
  EXPECT_EQ(fit_diffusion_profile(close, settings).omitted.size(), 1U);

  EXPECT_THROW(fit_diffusion_profile({}, settings), Error);
  ExitData none = data;
  for (WindowExits& w : none.window)
    for (ExitSums& s : w.unit) s = {};
  EXPECT_THROW(fit_diffusion_profile(none, settings), Error);
  ExitData uneven = data;
  uneven.window[0].unit.pop_back();
  EXPECT_THROW(fit_diffusion_profile(uneven, settings), Error);
  ExitData empty = data;
  std::fill(empty.histogram.begin(), empty.histogram.end(), 0.0F);
  EXPECT_THROW(fit_diffusion_profile(empty, settings), Error);
  settings.knot_spacing_ang = 0;
  EXPECT_THROW(fit_diffusion_profile(data, settings), Error);
}

TEST(DiffusionProfile, TimesAndSidesOfAWindow) {
  WindowExits w;
  w.unit.resize(3);
  w.unit[0] = {.exits = 2, .above = 1, .time = 10};
  w.unit[1] = {.exits = 2, .above = 2, .time = 14, .censored = 1, .censored_time = 4};
  EXPECT_NEAR(mean_exit_time_fs(w, 100)->value, 100 * 28 / 4.0, 1e-12);
  EXPECT_NEAR(mean_exit_time_fs(w, 100)->error, 100 * std::sqrt((16 + 16) * 1.5) / 4, 1e-9);
  EXPECT_NEAR(share_above(w)->value, 0.75, 1e-12);
  w.unit[1].above = 0;
  w.unit[0].above = 0;
  EXPECT_FALSE(share_above(w));
  w.unit[1] = {};
  EXPECT_FALSE(mean_exit_time_fs(w, 100));
}

}  // namespace
}  // namespace saltus::kinetics
