#include <cmath>
#include <filesystem>
#include <limits>

#include <gtest/gtest.h>

#include "crystals.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/statics/minimizer.hpp"
#include "saltus/statics/relaxation.hpp"

namespace saltus {
namespace {

// A narrow curved valley: sum over points of (1 - x)² + 100 (y - x²)² + z², least at (1, 1, 0).
double valley(std::span<const Vec3> point, std::span<Vec3> gradient) {
  double sum = 0;
  for (std::size_t i = 0; i < point.size(); ++i) {
    const auto [x, y, z] = point[i];
    sum += (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x) + z * z;
    gradient[i] = {-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x), 2 * z};
  }
  return sum;
}

TEST(Minimizer, BothReachTheEndOfACurvedValley) {
  for (const Minimizer method : {Minimizer::lbfgs, Minimizer::fire}) {
    std::vector<Vec3> point{{-1.2, 1, 0.5}, {0, 0, -1}, {1.5, 2, 1}};
    double slope = 0;
    std::size_t calls = 0;
    const Objective objective = [&](std::span<const Vec3> x, std::span<Vec3> g) {
      ++calls;
      const double value = valley(x, g);
      slope = 0;
      for (const Vec3& v : g) slope = std::max(slope, norm(v));
      return value;
    };
    const MinimizerEnd end = minimize(objective, point, {.method = method, .largest_step_ang = 0.2, .max_iterations = 20000}, [&](std::size_t) { return slope < 1e-8; });
    EXPECT_TRUE(end.converged);
    EXPECT_EQ(end.evaluations, calls);
    EXPECT_LT(end.iterations, method == Minimizer::lbfgs ? 200u : 20000u);
    for (const Vec3& v : point) EXPECT_LT(norm(v - Vec3{1, 1, 0}), 1e-7);
  }
}

TEST(Minimizer, StepsAreBoundedAndGivingUpIsSaid) {
  std::vector<Vec3> point{{100, 0, 0}}, last = point;
  double longest = 0;
  const Objective objective = [&](std::span<const Vec3> x, std::span<Vec3> g) {
    longest = std::max(longest, norm(x[0] - last[0]));
    last.assign(x.begin(), x.end());
    g[0] = 2 * x[0];
    return norm2(x[0]);
  };
  const MinimizerEnd end = minimize(objective, point, {.method = Minimizer::lbfgs, .largest_step_ang = 0.25, .max_iterations = 8}, [](std::size_t) { return false; });
  EXPECT_FALSE(end.converged);
  EXPECT_EQ(end.iterations, 8u);
  EXPECT_NEAR(point[0].x, 98, 1e-12);
  EXPECT_LE(longest, 0.25 + 1e-12);
  const auto kind = [](const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  const Objective poisoned = [](std::span<const Vec3>, std::span<Vec3>) { return std::numeric_limits<double>::quiet_NaN(); };
  EXPECT_EQ(kind([&] { minimize(poisoned, point, {}, [](std::size_t) { return false; }); }), ErrorKind::numeric);
  EXPECT_EQ(kind([&] { minimize(objective, point, {.method = Minimizer::lbfgs, .largest_step_ang = 0, .max_iterations = 8}, [](std::size_t) { return false; }); }), ErrorKind::usage);
}

Frame disturbed(Frame frame, const Mat3& strain, double width_ang) {
  Random random(5, 0);
  frame.cell = Cell(frame.cell.rows_ang() * strain, frame.cell.periodic());
  for (Vec3& r : frame.position_ang) r = r * strain + Vec3{width_ang * random.normal(), width_ang * random.normal(), width_ang * random.normal()};
  return frame;
}

// Bound by nearest neighbours, the crystal has 6 epsilon per atom at the minimum of the pair.
TEST(Relaxation, FindsTheCrystalOfNearestNeighbors) {
  const LennardJones potential = test::nearest_neighbor_argon();
  const Frame start = disturbed(repeated(test::fcc_cube(test::nearest_distance_ang()), {2, 2, 2}),
                                Mat3{{Vec3{1.02, 0.01, 0}, Vec3{0.01, 0.97, -0.015}, Vec3{0, -0.015, 1.01}}}, 0.05);
  for (const Minimizer method : {Minimizer::lbfgs, Minimizer::fire}) {
    RelaxationSettings settings;
    settings.cell = CellMotion::full;
    settings.force_tolerance_ev_ang = 1e-7;
    settings.stress_tolerance_ev_ang3 = 1e-9;
    settings.minimizer.method = method;
    settings.minimizer.max_iterations = 5000;
    const Relaxation r = relax(start, potential, settings);
    ASSERT_TRUE(r.converged);
    EXPECT_NEAR(*r.frame.energy_ev, -6 * test::epsilon_ev * 32, 1e-9);
    EXPECT_NEAR(r.frame.cell.volume_ang3() / 32, std::pow(test::nearest_distance_ang(), 3) / std::sqrt(2), 1e-4);
    EXPECT_LE(r.largest_stress_ev_ang3, 1e-9);
    EXPECT_GT(r.first_energy_ev, *r.frame.energy_ev + 0.01);
    // The deformation of the cell is symmetric: nothing turned.
    const Mat3 map = inverse(start.cell.rows_ang()) * r.frame.cell.rows_ang();
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < a; ++b) EXPECT_NEAR(map[a][b], map[b][a], 1e-12);
  }
}

// E/N = 6 phi(r) with phi ~ A/V⁴ - B/V²: pressure in closed form.
TEST(Relaxation, PressureIsThatOfTheEquationOfState) {
  const LennardJones potential = test::nearest_neighbor_argon();
  const Frame start = disturbed(repeated(test::fcc_cube(test::nearest_distance_ang()), {2, 1, 1}), Mat3{{Vec3{0.99, 0, 0}, Vec3{0, 1.01, 0}, Vec3{0, 0, 1.0}}}, 0.02);
  for (const CellMotion motion : {CellMotion::full, CellMotion::anisotropic}) {
    RelaxationSettings settings;
    settings.cell = motion;
    settings.pressure_ev_ang3 = 0.2 / units::gpa_per_ev_ang3;
    settings.force_tolerance_ev_ang = 1e-8;
    settings.stress_tolerance_ev_ang3 = 1e-10;
    const Relaxation r = relax(start, potential, settings);
    ASSERT_TRUE(r.converged);
    const double v = r.frame.cell.volume_ang3() / 8, distance = std::cbrt(std::sqrt(2) * v), s6 = std::pow(test::sigma_ang / distance, 6);
    const double slope_times_r = 4 * test::epsilon_ev * (-12 * s6 * s6 + 6 * s6);
    EXPECT_NEAR(-6 * slope_times_r / (3 * v), settings.pressure_ev_ang3, 1e-9);
    const Mat3 stress = stress_ev_ang3(*r.frame.virial_ev, r.frame.cell);
    for (int a = 0; a < 3; ++a) EXPECT_NEAR(stress[a][a], -settings.pressure_ev_ang3, 1e-9);
  }
  // Hydrostatic motion keeps the shape and so a deviatoric stress, but the mean pressure is right.
  RelaxationSettings settings;
  settings.cell = CellMotion::hydrostatic;
  settings.stress_tolerance_ev_ang3 = 1e-9;
  const Relaxation r = relax(start, potential, settings);
  ASSERT_TRUE(r.converged);
  const Mat3 map = inverse(start.cell.rows_ang()) * r.frame.cell.rows_ang(), stress = stress_ev_ang3(*r.frame.virial_ev, r.frame.cell);
  EXPECT_NEAR(map[0][0], map[1][1], 1e-12);
  EXPECT_NEAR(stress[0][0] + stress[1][1] + stress[2][2], 0, 4e-9);
  EXPECT_GT(std::abs(stress[0][0] - stress[1][1]), 1e-4);
}

TEST(Relaxation, WhatIsNotConvergedSaysSoAndWhatCannotBeMeantIsRefused) {
  const LennardJones potential = test::nearest_neighbor_argon();
  const Frame start = disturbed(test::fcc_cube(test::nearest_distance_ang()), Mat3::identity(), 0.1);
  RelaxationSettings settings;
  settings.minimizer.max_iterations = 2;
  settings.force_tolerance_ev_ang = 1e-9;
  const Relaxation r = relax(start, potential, settings);
  EXPECT_FALSE(r.converged);
  EXPECT_EQ(r.iterations, 2u);
  EXPECT_GT(r.largest_force_ev_ang, 1e-9);
  Frame isolated = start;
  isolated.cell = Cell();
  settings.cell = CellMotion::full;
  EXPECT_THROW(relax(isolated, potential, settings), Error);
  settings.cell = CellMotion::fixed;
  settings.minimizer.max_iterations = 2000;
  const Relaxation cluster = relax(isolated, potential, settings);  // a tetrahedron has six bonds
  EXPECT_TRUE(cluster.converged);
  EXPECT_NEAR(*cluster.frame.energy_ev, -6 * test::epsilon_ev, 1e-9);
  settings.force_tolerance_ev_ang = -1;
  EXPECT_THROW(relax(start, potential, settings), Error);
  EXPECT_THROW(cell_motion_named("free"), Error);
}

}  // namespace
}  // namespace saltus
