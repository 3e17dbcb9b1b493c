#include "saltus/analysis/layers.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus {
namespace {

const Cell cell(Mat3{{Vec3{20, 0, 0}, Vec3{5, 18, 0}, Vec3{0, 0, 40}}});

// Free walkers that are handed over wrapped; layers by z. D∥ and the spread along z are set apart.
struct Walk {
  double step_along = 0.3, step_normal = 0.2;
  std::size_t walkers = 400, frames = 400;

  template <typename Take>
  void operator()(const Take& take) const {
    Random random(5, 0);
    std::vector<Vec3> r(walkers);
    for (Vec3& position : r) position = cell.to_cartesian({random.uniform(), random.uniform(), random.uniform()});
    std::vector<float> z(walkers);
    std::vector<Vec3> wrapped(walkers);
    for (std::size_t t = 0; t < frames; ++t) {
      for (std::size_t i = 0; i < walkers; ++i) {
        wrapped[i] = cell.wrap(r[i]);
        z[i] = static_cast<float>(wrapped[i].z);
        r[i] += Vec3{step_along * random.normal(), step_along * random.normal(), step_normal * random.normal()};
      }
      take(DistanceFrame{10.0 * static_cast<double>(t), 40, 360, {0, 0, 1}, cell, z, wrapped});
    }
  }
};

TEST(Layers, DensityOfUniformWalkers) {
  LayerDensity density(35, 45, 5);  // beyond the end of the period
  Walk()([&](const DistanceFrame& frame) { density.add(frame); });
  const auto profile = density.density_per_ang3();
  for (const double value : profile) EXPECT_NEAR(value, 400.0 / (360 * 40), 0.006);
  EXPECT_EQ(density.bin_centre_ang(1), 38);
  const auto blocks = density.blocks(8);
  ASSERT_EQ(blocks.size(), 8u);
  double sum = 0;
  for (const auto& block : blocks) sum += block[2];
  EXPECT_NEAR(sum / 8, profile[2], 0.002);
}

TEST(Layers, LateralDiffusionAndSurvivalOfFreeWalkers) {
  LayerMotion motion({{10, 13}, {38.5, 41.5}}, {1, 4, 16});
  Walk()([&](const DistanceFrame& frame) { motion.add(frame); });
  const auto sums = motion.total();
  for (const LayerMotionSums& layer : sums)
    for (std::size_t k = 0; k < 3; ++k) {
      const double expected = 2 * 0.09 * static_cast<double>(motion.lags()[k]);
      EXPECT_NEAR(layer.mean_square_ang2(k) / expected, 1, 0.04) << k;
    }
  // One step: the fraction that a Gaussian of width s carries over the edges of a layer of width w is s sqrt(2/π)/w.
  for (const LayerMotionSums& layer : sums) EXPECT_NEAR(layer.survival(0), 1 - 0.2 * std::sqrt(2 / std::numbers::pi) / 3, 0.005);
  // Sixteen frames seen one by one: the survival of a free walker that starts anywhere in the layer, the edges moved outwards by 0.5826 s.
  const double half = 1.5 + 0.5825971579 * 0.2, diffusion_times = 0.02 * 16;
  double expected = 0;
  for (int n = 0; n < 400; ++n) {
    const double k = (2 * n + 1) * std::numbers::pi / (2 * half);
    expected += (n % 2 ? -1 : 1) * 4 / std::numbers::pi / (2 * n + 1) * std::sin(k * 1.5) / (k * 1.5) * std::exp(-k * k * diffusion_times);
  }
  for (const LayerMotionSums& layer : sums) EXPECT_NEAR(layer.survival(2), expected, 0.012);
}

TEST(Layers, OnlyThoseThatStayCount) {
  LayerMotion motion({{0, 10}}, {1, 2});
  const auto give = [&](float z0, float z1, double x1) {
    const std::vector<float> z{z0, z1};
    const std::vector<Vec3> r{{0, 0, z0}, {x1, 0, z1}};
    motion.add({0, 40, 360, {0, 0, 1}, cell, z, r});
  };
  give(1, 5, 0);
  give(12, 6, 1);  // the first leaves …
  give(2, 7, 3);   // … and comes back
  const auto sums = motion.total().at(0);
  EXPECT_EQ(sums.started, (std::vector<double>{3, 2}));
  EXPECT_EQ(sums.stayed, (std::vector<double>{2, 1}));
  EXPECT_NEAR(sums.square_ang2[0], 1 + 4, 1e-12);
  EXPECT_NEAR(sums.square_ang2[1], 9, 1e-12);
  EXPECT_EQ(motion.blocks(3).size(), 3u);
  EXPECT_EQ(motion.blocks(3)[1][0].started[0], 2);
}

// Water molecules that turn about z by a fixed angle each frame, one of them in the layer.
TEST(Layers, OrientationOfTurningMolecules) {
  Frame frame;
  frame.cell = cell;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 1, 8, 1, 1}));
  const double turn = 0.1;
  const auto place = [&](double angle) {
    frame.position_ang.clear();
    for (const Vec3 origin : {Vec3{0.1, 0.1, 5}, Vec3{9, 9, 25}}) {
      const double own = origin.z > 10 ? 0 : angle;
      frame.position_ang.push_back(origin);
      for (const double half : {-0.9, 0.9}) frame.position_ang.push_back(cell.wrap(origin + 0.97 * Vec3{std::cos(own + half), std::sin(own + half), 0}));
    }
  };
  place(0);
  SurfaceDistanceSettings settings;
  const std::vector<std::uint32_t> oxygens{0, 3};
  settings.molecules = molecules_of(frame, oxygens, MoleculeRule::bonds);
  for (const AxisRule rule : {AxisRule::bisector, AxisRule::bonds_to_hydrogen}) {
    settings.axes = hydrogen_axes(frame, settings.molecules, rule);
    ASSERT_EQ(settings.axes.size(), rule == AxisRule::bisector ? 2u : 4u);
    LayerOrientation orientation({{0, 10}, {20, 30}}, {1, 5}, settings.axes);
    settings.take = [&](const DistanceFrame& given) { orientation.add(given); };
    SurfaceDistanceAnalysis analysis(frame, settings);
    for (int t = 0; t < 20; ++t) {
      place(turn * t);
      frame.time_fs = t;
      analysis.fold(analysis.map(frame));
    }
    const auto sums = orientation.total();
    const double c = std::cos(5 * turn);
    EXPECT_NEAR(sums[0].first[1] / sums[0].started[1], c, 1e-12);
    EXPECT_NEAR(sums[0].second[1] / sums[0].started[1], 1.5 * c * c - 0.5, 1e-12);
    EXPECT_NEAR(sums[1].first[1] / sums[1].started[1], 1, 1e-12);
    EXPECT_EQ(sums[0].started[1], rule == AxisRule::bisector ? 15 : 30);
    EXPECT_EQ(orientation.blocks(4).size(), 4u);
    place(0);
  }
}

TEST(Layers, HydrogenBondsByTheLayerOfTheDonor) {
  MoleculeGroups molecules;
  molecules.first = {0, 1, 2};
  molecules.atom = {0, 3};
  LayerHydrogenBonds lifetimes({{0, 10}, {20, 30}}, {1, 2}, molecules);
  const HydrogenBond low{0, 1, 3, 2.8, 10}, high{3, 4, 0, 2.8, 10};
  const auto give = [&](float z0, std::vector<HydrogenBond> bonds) {
    const std::vector<float> z{z0, 25};
    const std::vector<Vec3> r{{0, 0, z0}, {0, 0, 25}};
    lifetimes.add({0, 40, 360, {0, 0, 1}, cell, z, r, {}, bonds});
  };
  give(5, {low, high});
  give(5, {high});
  give(15, {low, high});  // formed again, its donor outside
  const auto sums = lifetimes.total();
  EXPECT_EQ(sums[0].bonded, (std::vector<double>{1, 1}));
  EXPECT_EQ(sums[0].continuous, (std::vector<double>{0, 0}));
  EXPECT_EQ(sums[0].intermittent, (std::vector<double>{0, 1}));
  EXPECT_EQ(sums[1].bonded, (std::vector<double>{2, 1}));
  EXPECT_EQ(sums[1].continuous, (std::vector<double>{2, 1}));
  EXPECT_EQ(sums[1].intermittent, (std::vector<double>{2, 1}));
}

TEST(Layers, WhatCannotBeMeantIsRefused) {
  EXPECT_THROW(LayerDensity(3, 3, 10), Error);
  EXPECT_THROW(LayerDensity(0, 3, 0), Error);
  EXPECT_THROW(LayerMotion({}, {1}), Error);
  EXPECT_THROW(LayerMotion({{1, 1}}, {1}), Error);
  EXPECT_THROW(LayerMotion({{0, 1}}, {0}), Error);
  EXPECT_THROW(LayerMotion({{0, 1}}, {2, 2}), Error);
  const std::vector<float> z{1};
  const std::vector<Vec3> r{{0, 0, 1}};
  LayerDensity density(0, 3, 3);
  EXPECT_THROW(density.add({0, 0, 0, {0, 0, 1}, cell, z, r}), Error);
  LayerMotion motion({{0, 1}}, {1});
  EXPECT_THROW(motion.add({0, 0, 0, {}, cell, z, r}), Error);
}

}  // namespace
}  // namespace saltus
