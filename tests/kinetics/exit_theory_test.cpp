// Values: closed forms and quadrature, checked with other code to the digits given; frames by an integral equation (Gauss–Legendre, 200 points).
// Lengths in Å, times in ps here: the functions take any consistent units.
#include <array>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/exit_theory.hpp"

namespace saltus::kinetics {
namespace {

constexpr double d0 = 0.23;
const CoordinateFunction flat = [](double) { return 0.0; };
const CoordinateFunction constant = [](double) { return d0; };

struct Exit {
  double above, time, variance;
};
Exit exit_from(double low, double high, double start, const CoordinateFunction& f, const CoordinateFunction& d, bool low_reflects = false, bool high_reflects = false) {
  ProfileGrid grid = profile_grid(low, high, 20001, f, d);
  grid.low_reflects = low_reflects;
  grid.high_reflects = high_reflects;
  const ExitMoments m = exit_moments(grid);
  const double t = at_start(grid, m.time_fs, start);
  return {at_start(grid, m.above, start), t, at_start(grid, m.time2_fs2, start) - t * t};
}
void expect_relative(double found, double expected, double tolerance) { EXPECT_NEAR(found, expected, tolerance * std::abs(expected)); }

TEST(ExitTheory, QuadratureMeetsExactValues) {
  struct Case {
    const char* what;
    double half;
    CoordinateFunction f, d;
    double above, time, variance;
  };
  const auto harmonic = [](double k) { return [k](double z) { return k * z * z / (2 * d0); }; };
  const Case cases[] = {
      {"free", 1, flat, constant, 0.5, 2.173913, 3.150599},
      {"force 0.5", 1, [](double z) { return -0.5 * z; }, constant, 0.622459, 2.129727, 2.998851},
      {"force 1", 1, [](double z) { return -z; }, constant, 0.731059, 2.009205, 2.604662},
      {"force 2", 1, [](double z) { return -2 * z; }, constant, 0.880797, 1.655639, 1.614461},
      {"linear D", 2, flat, [](double z) { return 0.23 + 0.05 * z; }, 0.6124629, 8.997034, 56.2052},
      {"step of D", 2, flat, [](double z) { return 0.05 + 0.09 * (1 + std::tanh(z / 2.5)); }, 0.620609, 14.775687, 152.0527},
      {"harmonic 0.1", 1, harmonic(0.1), constant, 0.5, 2.341018, 3.759927},
      {"harmonic 0.5", 1, harmonic(0.5), constant, 0.5, 3.255289, 8.089799},
      {"harmonic 1", 1, harmonic(1), constant, 0.5, 5.326988, 24.134259},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const Exit found = exit_from(-c.half, c.half, 0, c.f, c.d);
    expect_relative(found.above, c.above, 1e-5);
    expect_relative(found.time, c.time, 1e-5);
    expect_relative(found.variance, c.variance, 1e-5);
  }
}

TEST(ExitTheory, WallsReflect) {
  const CoordinateFunction falling = [](double z) { return -z; }, rising = [](double z) { return z; };
  expect_relative(exit_from(0, 2, 0, flat, constant, true).time, 8.695652, 1e-5);
  expect_relative(exit_from(0, 2, 0, falling, constant, true).time, 4.936240, 1e-5);
  expect_relative(exit_from(0, 2, 1, flat, constant, true).time, 6.521739, 1e-5);
  expect_relative(exit_from(0, 2, 1, falling, constant, true).time, 3.336765, 1e-5);
  const Exit mirrored = exit_from(-2, 0, -1, rising, constant, false, true);
  expect_relative(mirrored.time, 3.336765, 1e-5);
  EXPECT_EQ(mirrored.above, 0);
  EXPECT_EQ(exit_from(0, 2, 1, flat, constant, true).above, 1);
}

TEST(ExitTheory, TimesBesideAWallGiveDBack) {
  const auto f = [](double z) { return std::cos(2 * z); };
  const auto d = [](double z) { return 0.1 + 0.05 * z; };
  ProfileGrid grid = profile_grid(0, 2, 2001, f, d);
  grid.low_reflects = true;
  const std::vector<double> found = diffusion_from_wall_times(grid, exit_moments(grid).time_fs);
  for (const std::size_t k : {200U, 1000U, 1800U}) expect_relative(found[k], grid.diffusion_ang2_fs[k], 1e-4);
}

TEST(ExitTheory, ClosedForms) {
  for (const auto& [force, above, time] : {std::array{0.5, 0.622459331202, 2.129727}, std::array{1.0, 0.731058578630, 2.009205}, std::array{2.0, 0.880797077978, 1.655639}}) {
    expect_relative(drift_above(1, d0, d0 * force), above, 1e-6);
    expect_relative(drift_exit_fs(1, d0, d0 * force), time, 1e-6);
  }
  expect_relative(drift_exit_fs(1, d0, 0), 1 / (2 * d0), 1e-12);
  expect_relative(drift_exit_fs(1, d0, 1e-5), drift_exit_fs(1, d0, 0), 1e-9);
  const LinearDiffusionExit linear = linear_diffusion_exit(2, d0, 0.05, 0);
  expect_relative(linear.above, 0.6124629, 1e-6);
  expect_relative(linear.time_fs, 8.997034, 1e-6);
  const Exit aside = exit_from(-2, 2, 0.7, flat, [](double z) { return 0.23 + 0.05 * z; });
  expect_relative(linear_diffusion_exit(2, d0, 0.05, 0.7).time_fs, aside.time, 1e-6);
  expect_relative(linear_diffusion_exit(2, d0, 0.05, 0.7).above, aside.above, 1e-6);
  expect_relative(linear_diffusion_exit(2, d0, 0, 0).time_fs, 8.695652, 1e-6);
  for (const auto& [k, time] : {std::pair{0.1, 2.341018}, {0.5, 3.255289}, {1.0, 5.326988}}) expect_relative(harmonic_exit_fs(1, d0, k), time, 1e-6);
  for (const auto& [g, uniform, equilibrium] : {std::array{0.5, 0.9958580, 0.9876229}, std::array{2.0, 0.9391059, 0.8278150}, std::array{5.0, 0.7362808, 0.3980439}}) {
    const double width = 3, scale = width * width / (12 * d0);
    expect_relative(slab_exit_uniform_fs(width, d0, g * d0 / width) / scale, uniform, 1e-6);
    expect_relative(slab_exit_equilibrium_fs(width, d0, g * d0 / width) / scale, equilibrium, 1e-6);
  }
  EXPECT_THROW(linear_diffusion_exit(2, 0.1, 0.05, 0), Error);
}

// L²/(2TD) − 1 is what a formula for constant F makes of a curved one.
TEST(ExitTheory, CurvatureBias) {
  const auto f = [](double z) { return 0.4 * std::cos(2 * std::numbers::pi * z / 5); };
  for (const auto& [half, top, well] : {std::array{1.0, 0.096477, -0.092689}, std::array{0.5, 0.025765, -0.025499}, std::array{0.25, 0.006545, -0.006528}}) {
    EXPECT_NEAR(half * half / (2 * d0 * exit_from(-half, half, 0, f, constant).time) - 1, top, 2e-6);
    EXPECT_NEAR(half * half / (2 * d0 * exit_from(2.5 - half, 2.5 + half, 2.5, f, constant).time) - 1, well, 2e-6);
  }
  EXPECT_NEAR(1 / (2 * d0 * harmonic_exit_fs(1, d0, 0.1)) - 1, -0.071381, 1e-6);
}

TEST(ExitTheory, BadIntervalsAreRefused) {
  ProfileGrid grid = profile_grid(0, 1, 11, flat, constant);
  grid.low_reflects = grid.high_reflects = true;
  EXPECT_THROW(exit_moments(grid), Error);
  EXPECT_THROW(exit_moments(profile_grid(1, 1, 11, flat, constant)), Error);
  EXPECT_THROW(exit_moments(profile_grid(0, 1, 2, flat, constant)), Error);
  EXPECT_THROW(exit_moments(profile_grid(0, 1, 11, flat, flat)), Error);
  EXPECT_THROW(exit_moments(profile_grid(0, 1, 11, [](double) { return NAN; }, constant)), Error);
}

// σ = 1 and dt = 1 with D = 1/2.
TEST(FrameExits, ModelMeetsTheIntegralEquation) {
  const CoordinateFunction half = [](double) { return 0.5; };
  for (const auto& [edge, frames] : {std::pair{1.0, 2.78293}, {1.5, 4.57611}, {2.0, 6.91350}, {3.0, 13.08565}, {5.0, 31.41539}, {8.0, 73.91097}}) {
    const auto cells = static_cast<std::size_t>(32 * edge) + 1;
    const FrameExitModel model = frame_exit_model({0, edge, 0}, flat, half, 1, {}, 0, cells);
    expect_relative(model.time_fs, frames, 6e-4);
    EXPECT_NEAR(model.above, 0.5, 1e-9);
    if (edge >= 2) expect_relative(frame_exit({0, edge, 0}, flat, half, 1).time_fs, frames, edge > 2 ? 1e-4 : 1.1e-3);
    const double wide = widened_half_width_ang(edge, 0.5, 1);
    if (edge >= 2) expect_relative(wide * wide, frames, edge > 2 ? 1e-4 : 1.1e-3);
  }
  for (const auto& [edge, drift, frames, above] : {std::array{2.0, 0.1, 6.769843, 0.626272}, std::array{2.0, 0.3, 5.843342, 0.824615}, std::array{3.0, 0.2, 11.266461, 0.807346},
                                                   std::array{1.0, 0.2, 2.703783, 0.654008}}) {
    const CoordinateFunction force = [drift = drift](double z) { return -2 * drift * z; };
    const FrameExitModel model = frame_exit_model({0, edge, 0}, force, half, 1, {}, 0, static_cast<std::size_t>(32 * edge) + 1);
    expect_relative(model.time_fs, frames, 6e-4);
    expect_relative(model.above, above, 3e-4);
    if (edge >= 3) {
      expect_relative(frame_exit({0, edge, 0}, force, half, 1).time_fs, frames, 5e-3);
      expect_relative(frame_exit({0, edge, 0}, force, half, 1).above, above, 5e-3);
    }
  }
}

// Curved F, varying D, walls and a start bin at the frames of water: the widened edges against the chain.
TEST(FrameExits, WidenedEdgesMeetTheModel) {
  const auto layered = [](double z) { return 0.8 * std::cos(2 * std::numbers::pi * z / 4); };
  const auto step = [](double z) { return 0.05 + 0.09 * (1 + std::tanh(z / 1.5)); };
  for (const double centre : {-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0}) {
    SCOPED_TRACE(centre);
    const ExitWindow window{centre, 1, 0.1};
    for (const auto& d : {CoordinateFunction(constant), CoordinateFunction(step)}) {
      const FrameExitModel model = frame_exit_model(window, layered, d, 0.1);
      const FrameExit found = frame_exit(window, layered, d, 0.1);
      expect_relative(found.time_fs, model.time_fs, 5e-3);
      EXPECT_NEAR(found.above, model.above, 5e-3);
    }
  }
  const CoordinateWalls wall{0.0, {}};
  for (const double centre : {0.0, 0.5, 1.0}) {
    const FrameExitModel model = frame_exit_model({centre, 1, 0.1}, layered, step, 0.1, wall);
    const FrameExit found = frame_exit({centre, 1, 0.1}, layered, step, 0.1, wall);
    expect_relative(found.time_fs, model.time_fs, 5e-3);
    EXPECT_TRUE(found.one_sided);
    EXPECT_EQ(found.above, 1);
    EXPECT_NEAR(model.above, 1, 1e-9);
  }
}

TEST(FrameExits, SurvivalAddsUpToTheMean) {
  const FrameExitModel model = frame_exit_model({0, 1, 0.1}, flat, constant, 0.1, {}, 400);
  double sum = 0, sum2 = 0;
  for (std::size_t k = 0; k < model.survival.size(); ++k) {
    sum += 0.1 * model.survival[k];
    sum2 += 0.01 * static_cast<double>(2 * k + 1) * model.survival[k];
  }
  EXPECT_NEAR(model.survival.front(), 1, 1e-12);
  expect_relative(sum, model.time_fs, 1e-6);
  expect_relative(sum2, model.time2_fs2, 1e-6);
  const auto slowest = std::log(model.survival[200] / model.survival[210]);
  const double wide = widened_half_width_of_side_ang(1, d0, 0.1);
  expect_relative(slowest, std::numbers::pi * std::numbers::pi * d0 / (4 * wide * wide), 2e-3);
}

}  // namespace
}  // namespace saltus::kinetics
