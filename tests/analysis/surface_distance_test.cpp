#include "saltus/analysis/surface_distance.hpp"

#include <cmath>
#include <functional>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

using testing_frames::next_of;
using Kind = SurfaceDistanceSettings::Kind;

const Mat3 skewed{{Vec3{12, 0, 0}, Vec3{3, 11, 0}, Vec3{-4, 5, 30}}};

std::vector<std::uint32_t> indices(std::uint32_t begin, std::uint32_t end) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = begin; i < end; ++i) found.push_back(i);
  return found;
}

// 24 atoms of a crystal within 4 Å of the plane through z0 (along c*), then 6 argon atoms that wander.
constexpr std::uint32_t crystal = 24, all_atoms = 30;
std::vector<Frame> slab_frames(const Mat3& rows, std::size_t count, double z0_fraction = 0.02) {
  Random random(3, 0);
  const Cell cell(rows);
  Frame frame;
  frame.cell = cell;
  std::vector<std::uint8_t> z(crystal, 14);
  z.resize(all_atoms, 18);
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  for (std::uint32_t i = 0; i < all_atoms; ++i)
    frame.position_ang.push_back(cell.to_cartesian({random.uniform(), random.uniform(), i < crystal ? z0_fraction + 0.13 * random.uniform() : random.uniform()}));
  std::vector<Frame> frames;
  for (std::size_t t = 0; t < count; ++t) {
    frame.time_fs = 10.0 * static_cast<double>(t);
    frames.push_back(frame);
    for (Vec3& r : frame.position_ang) r += Vec3{0.3 * random.normal(), 0.3 * random.normal(), 0.3 * random.normal()};
  }
  return frames;
}

struct Followed {
  std::vector<std::vector<float>> distance;
  std::vector<double> period, area;
};

Followed followed(const std::vector<Frame>& frames, SurfaceDistanceSettings settings) {
  Followed result;
  settings.take = [&](const DistanceFrame& frame) {
    result.distance.emplace_back(frame.distance_ang.begin(), frame.distance_ang.end());
    result.period.push_back(frame.period_ang);
    result.area.push_back(frame.area_ang2);
  };
  SurfaceDistanceAnalysis analysis(frames[0], settings);
  Analysis* const one[] = {&analysis};
  run_analyses(next_of(frames), one);
  EXPECT_EQ(result.distance.size(), frames.size());
  for (const auto& row : result.distance) EXPECT_EQ(row.size(), analysis.coordinates());
  return result;
}

SurfaceDistanceSettings plane_settings(const Frame& first) {
  SurfaceDistanceSettings settings;
  settings.molecules = molecules_of(first, indices(crystal, all_atoms), MoleculeRule::atoms);
  settings.surface = indices(0, crystal);
  return settings;
}

void expect_same(const Followed& a, const Followed& b, double tolerance, double sign = 1) {
  ASSERT_EQ(a.distance.size(), b.distance.size());
  for (std::size_t t = 0; t < a.distance.size(); ++t)
    for (std::size_t k = 0; k < a.distance[t].size(); ++k) {
      double difference = a.distance[t][k] - sign * b.distance[t][k];
      if (a.period[t] > 0) difference -= a.period[t] * std::round(difference / a.period[t]);
      EXPECT_NEAR(difference, 0, tolerance) << t << " " << k;
    }
}

TEST(SurfaceDistance, PlaneInASkewedCellIsTheProjectionOnTheUnitNormal) {
  const auto frames = slab_frames(skewed, 5);
  const Followed found = followed(frames, plane_settings(frames[0]));
  // The normal of a and b is z here; the slab does not straddle the boundary in these frames.
  for (std::size_t t = 0; t < frames.size(); ++t) {
    double centre = 0;
    for (std::uint32_t i = 0; i < crystal; ++i) centre += frames[t].position_ang[i].z / crystal;
    for (std::uint32_t k = 0; k < all_atoms - crystal; ++k) {
      double expected = frames[t].position_ang[crystal + k].z - centre;
      expected -= 30 * std::round(expected / 30);
      EXPECT_NEAR(found.distance[t][k], expected, 1e-5);
    }
    EXPECT_NEAR(found.period[t], 30, 1e-12);
    EXPECT_NEAR(found.area[t], 132, 1e-9);
  }
}

TEST(SurfaceDistance, WrappingDriftAndBoundariesMakeNoDifference) {
  for (const Kind kind : {Kind::plane, Kind::sphere, Kind::interface}) {
    const auto frames = slab_frames(skewed, 6);
    auto settings = plane_settings(frames[0]);
    settings.kind = kind;
    settings.interface.level_per_ang3 = 0.01;
    const Followed plain = followed(frames, settings);
    auto moved = frames, turned = frames;
    Random random(11, 0);
    Vec3 drift;
    for (std::size_t t = 0; t < frames.size(); ++t) {
      for (std::size_t i = 0; i < moved[t].size(); ++i) {
        moved[t].position_ang[i] = moved[t].cell.wrap(frames[t].position_ang[i] + drift);
        turned[t].position_ang[i] += turned[t].cell.translation_ang({static_cast<int>(random.uniform() * 5) - 2, static_cast<int>(random.uniform() * 5) - 2, static_cast<int>(random.uniform() * 5) - 2});
      }
      drift += Vec3{1.7, -3.1, 13.0};  // nearly half the period at a time
    }
    expect_same(followed(moved, settings), plain, kind == Kind::interface ? 0.06 : 2e-5);  // the grid of an interface is fixed to the cell
    expect_same(followed(turned, settings), plain, 2e-5);
  }
}

TEST(SurfaceDistance, MirrorTurnsTheSign) {
  const auto frames = slab_frames(skewed, 4);
  auto mirrored = frames;
  Mat3 rows = skewed;
  rows[2].z = -rows[2].z;  // left-handed; the normal follows c
  for (Frame& frame : mirrored) {
    frame.cell = Cell(rows);
    for (Vec3& r : frame.position_ang) r.z = -r.z;
  }
  auto settings = plane_settings(frames[0]);
  const Followed plain = followed(frames, settings);
  expect_same(followed(mirrored, settings), plain, 2e-5);
  settings.normal.direction = Vec3{0, 0, 2};
  expect_same(followed(frames, settings), plain, 2e-5);
  expect_same(followed(mirrored, settings), plain, 2e-5, -1);
}

TEST(SurfaceDistance, ChangingCellGivesTrueDistances) {
  auto frames = slab_frames({{Vec3{10, 0, 0}, Vec3{0, 10, 0}, Vec3{0, 0, 30}}}, 4);
  auto settings = plane_settings(frames[0]);
  // The box grows at its end; the surface and what is near it stay where they are.
  for (Frame& frame : frames) {
    frame.position_ang = frames[0].position_ang;
    for (std::uint32_t k = 0; k < all_atoms - crystal; ++k) frame.position_ang[crystal + k].z = 6 + k;
  }
  for (std::size_t t = 0; t < frames.size(); ++t) frames[t].cell = Cell(Mat3{{Vec3{10, 0, 0}, Vec3{0, 10, 0}, Vec3{0, 0, 30 + 2.0 * static_cast<double>(t)}}});
  const Followed found = followed(frames, settings);
  for (const auto& row : found.distance)
    for (std::size_t k = 0; k < row.size(); ++k) EXPECT_NEAR(row[k], found.distance[0][k], 2e-6);
  EXPECT_EQ(found.period.back(), 36);
  SurfaceDistanceAnalysis analysis(frames[0], settings);
  Analysis* const one[] = {&analysis};
  run_analyses(next_of(frames), one);
  EXPECT_EQ(analysis.shortest_period_ang(), 30);
  ASSERT_EQ(analysis.warnings().size(), 1u);
  EXPECT_NE(analysis.warnings()[0].find("between 30.00 and 36.00 Å"), std::string::npos);
}

TEST(SurfaceDistance, WithoutGroupTheCoordinateItself) {
  const auto frames = slab_frames(skewed, 5);
  auto settings = plane_settings(frames[0]);
  settings.surface.clear();
  const Followed plain = followed(frames, settings);
  for (std::size_t t = 0; t < frames.size(); ++t)
    for (std::uint32_t k = 0; k < all_atoms - crystal; ++k) {
      const double z = frames[t].position_ang[crystal + k].z;
      EXPECT_NEAR(plain.distance[t][k], z - 30 * std::floor(z / 30), 1e-5);
    }
  settings.without_drift = true;
  const Followed still = followed(frames, settings);
  auto moved = frames;
  for (std::size_t t = 0; t < frames.size(); ++t)
    for (Vec3& r : moved[t].position_ang) r = moved[t].cell.wrap(r + static_cast<double>(t) * Vec3{2, 3, 4});
  expect_same(followed(moved, settings), still, 2e-5);
}

TEST(SurfaceDistance, SphereByAllImages) {
  const auto frames = slab_frames(skewed, 2);
  auto settings = plane_settings(frames[0]);
  settings.kind = Kind::sphere;
  settings.surface = {2, 7};
  const Followed nearest = followed(frames, settings);
  settings.every_centre = true;
  const Followed each = followed(frames, settings);
  const std::size_t m = all_atoms - crystal;
  for (std::size_t t = 0; t < frames.size(); ++t)
    for (std::size_t k = 0; k < m; ++k) {
      EXPECT_EQ(nearest.distance[t][k], std::min(each.distance[t][k], each.distance[t][m + k]));
      double shortest = 1e9;
      for (int a = -2; a <= 2; ++a)
        for (int b = -2; b <= 2; ++b)
          for (int c = -2; c <= 2; ++c)
            shortest = std::min(shortest, norm(frames[t].position_ang[crystal + k] - frames[t].position_ang[2] + frames[t].cell.translation_ang({a, b, c})));
      EXPECT_NEAR(each.distance[t][k], shortest, 1e-4);
    }
}

TEST(SurfaceDistance, WhatCannotBeMeantIsRefused) {
  const auto frames = slab_frames(skewed, 3);
  const auto message = [&](SurfaceDistanceSettings settings, std::vector<Frame> given) {
    try {
      followed(given, std::move(settings));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  auto settings = plane_settings(frames[0]);
  settings.molecules = {};
  EXPECT_NE(message(settings, frames).find("no molecules"), std::string::npos);
  settings = plane_settings(frames[0]);
  settings.kind = Kind::sphere;
  settings.surface.push_back(25);
  EXPECT_NE(message(settings, frames).find("1 of 6 molecules hold atoms of the group"), std::string::npos);
  settings = plane_settings(frames[0]);
  settings.surface = indices(0, all_atoms);
  auto filled = frames;
  for (std::uint32_t i = 0; i < all_atoms; ++i) filled[0].position_ang[i].z = i;
  EXPECT_NE(message(settings, filled).find("(30 atoms) has no position along the normal: the widest stretches without its atoms are 1.00 and 1.00 Å"), std::string::npos);
  settings = plane_settings(frames[0]);
  settings.normal.direction = Vec3{0.3, 0.2, 1};
  EXPECT_NE(message(settings, frames).find("no normal of a lattice plane"), std::string::npos);
  auto uneven = frames;
  uneven[2].time_fs = 50;
  EXPECT_NE(message(plane_settings(frames[0]), uneven).find("frame 3: 40 fs after the frame before, where frames are 10 fs apart"), std::string::npos);
  auto torn = frames;
  torn[1].position_ang[5].z += 14;
  EXPECT_NE(message(plane_settings(frames[0]), torn).find("frame 2: atom 5 (counted from 0) moves by"), std::string::npos);
  auto broken = frames;
  broken[1].position_ang[5].x = std::nan("");
  EXPECT_NE(message(plane_settings(frames[0]), broken).find("not finite"), std::string::npos);
}

TEST(SurfaceNormal, FromText) {
  EXPECT_EQ(surface_normal_from("b").axis, 1);
  EXPECT_EQ(*surface_normal_from(" 0, 1,-2").direction, (Vec3{0, 1, -2}));
  EXPECT_EQ(*surface_normal_from("y").direction, (Vec3{0, 1, 0}));
  for (const char* bad : {"", "d", "1,2", "1,2,3,4", "0,0,0", "1,2,x", "nan,0,1"}) EXPECT_THROW(surface_normal_from(bad), Error) << bad;
}

TEST(SurfaceNormal, PeriodOfADiagonalPlane) {
  const Cell cell(Mat3{{Vec3{10, 0, 0}, Vec3{0, 10, 0}, Vec3{0, 0, 20}}});
  EXPECT_NEAR(normal_coordinate(cell, {2, Vec3{1, 1, 0}}).period_ang, 10 / std::sqrt(2.0), 1e-9);
  EXPECT_NEAR(normal_coordinate(cell, {2, Vec3{0, 2, 1}}).period_ang, 20 / std::sqrt(5.0), 1e-9);
  EXPECT_EQ(normal_coordinate(Cell(Mat3{{Vec3{10, 0, 0}, Vec3{0, 10, 0}, Vec3{0, 0, 20}}}, {true, true, false}), {2, std::nullopt}).period_ang, 0);
}

// Points on a fine lattice below h(x, y), `spacing` apart.
std::vector<Vec3> liquid_below(const Cell& cell, const std::function<double(double)>& height_of_fraction, double thickness_ang, double spacing_ang) {
  std::vector<Vec3> points;
  const int n = static_cast<int>(std::round(norm(cell.rows_ang()[0]) / spacing_ang)), m = static_cast<int>(std::round(norm(cell.rows_ang()[1]) / spacing_ang));
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j)
      for (double depth = spacing_ang / 2; depth < thickness_ang; depth += spacing_ang) {
        const double u = static_cast<double>(i) / n;
        points.push_back(u * cell.rows_ang()[0] + static_cast<double>(j) / m * cell.rows_ang()[1] + Vec3{0, 0, height_of_fraction(u) - depth});
      }
  return points;
}

TEST(InstantaneousInterface, OfAFlatSlabIsAPlane) {
  const Cell cell(Mat3{{Vec3{15, 0, 0}, Vec3{5, 12, 0}, Vec3{3, -4, 60}}});
  const auto points = liquid_below(cell, [](double) { return 9.0; }, 20, 1);
  for (const bool upper : {true, false}) {
    InterfaceSettings settings;
    settings.upper = upper;
    const InstantaneousInterface surface(cell, points, {}, settings);
    for (const Vec3 r : {Vec3{1, 2, 10}, Vec3{7, -3, 4}, Vec3{30, 40, -70}}) {
      double expected = r.z - (upper ? 9 : -11);
      if (r.z == -70) expected += 60;
      EXPECT_NEAR(surface.distance_ang(r), expected, 0.02);
    }
  }
  const double inside = bulk_density_per_ang3(cell, points, {}, 2.4);
  EXPECT_NEAR(inside, static_cast<double>(points.size()) / (15 * 12 * 20), 0.01);
}

// To first order in A, smearing turns the height A sin(kx) into A exp(−k²ξ²/2) sin(kx).
TEST(InstantaneousInterface, OfASinusoidalSlabFollowsTheHeight) {
  const double length = 40, amplitude = 1.2, width = 2.4, k = 2 * std::numbers::pi / length;
  const Cell cell(Mat3{{Vec3{length, 0, 0}, Vec3{4, 10, 0}, Vec3{0, 0, 80}}});
  const auto points = liquid_below(cell, [&](double u) { return amplitude * std::sin(2 * std::numbers::pi * u); }, 20, 1);
  InterfaceSettings settings;
  settings.width_ang = width;
  const InstantaneousInterface surface(cell, points, {}, settings);
  const double damped = amplitude * std::exp(-k * k * width * width / 2);
  EXPECT_GT(damped, 1.1);
  for (double x = 0.3; x < length; x += 1.7) {
    const double phase = k * x, height = damped * std::sin(phase), slope = damped * k * std::cos(phase);
    EXPECT_NEAR(surface.height_ang({x, 0, 3}), height, 0.03) << x;
    EXPECT_NEAR(surface.distance_ang({x, 0, 3}), (3 - height) / std::sqrt(1 + slope * slope), 0.03) << x;
  }
}

TEST(InstantaneousInterface, HolesAndSettingsAreRefusedWithNumbers) {
  const Cell cell(Mat3{{Vec3{30, 0, 0}, Vec3{0, 30, 0}, Vec3{0, 0, 60}}});
  const std::vector<Vec3> dot{{5, 5, 5}, {6, 5, 5}};
  const auto message = [&](InterfaceSettings settings, const SurfaceNormal& normal) {
    try {
      InstantaneousInterface(cell, dot, normal, settings);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message({}, {}).find("the surface has holes: at "), std::string::npos);
  EXPECT_NE(message({-1, 0, true}, {}).find("must be positive, not -1 Å"), std::string::npos);
  EXPECT_NE(message({2.4, -0.1, true}, {}).find("must be positive, not -0.1 per Å³"), std::string::npos);
  EXPECT_NE(message({0.001, 0, true}, {}).find("grid points"), std::string::npos);
  EXPECT_NE(message({}, {2, Vec3{0, 0, 1}}).find("a, b or c"), std::string::npos);
}

}  // namespace
}  // namespace saltus
