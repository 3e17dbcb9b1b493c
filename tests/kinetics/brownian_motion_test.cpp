#include "saltus/kinetics/brownian_motion.hpp"

#include <cmath>
#include <functional>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/passage_plan.hpp"

namespace saltus::kinetics {
namespace {

constexpr double d0 = 0.23 / units::fs_per_ps;  // Å²/fs
constexpr double edge_shift = 0.5825971579;     // of an absorbing edge seen at frames, in sqrt(2 D dt)

LineProfile::Function constant(double value) {
  return [value](double) { return value; };
}

LineProfile free_line(const LineProfile::Function& d, const LineProfile::Function& f, double reach = 2.5) {
  return {{-reach, reach, LineEnds::free}, d, f};
}

LineProfile layered(LineEnds ends, double length = 10) {
  return {{0, length, ends},
          [length](double z) { return d0 * (1 + 0.4 * std::cos(2 * std::numbers::pi * z / length)); },
          [length](double z) { return 0.8 * std::cos(4 * std::numbers::pi * z / length) + 0.5 * std::sin(2 * std::numbers::pi * z / length); }};
}

// Chi-squared of the positions of independent particles against e^{−F} integrated over 20 bins.
double probability_of_histogram(const BrownianMotion& motion, std::size_t particles, int frames) {
  const LineProfile& profile = motion.profile();
  constexpr int bins = 20;
  std::vector<double> expected(bins), seen(bins);
  double total = 0;
  for (int b = 0; b < bins; ++b)
    for (int k = 0; k < 200; ++k)
      expected[static_cast<std::size_t>(b)] += std::exp(-profile.at(profile.line().low_ang + profile.length_ang() * (b + (k + 0.5) / 200) / bins).free_energy_kt);
  for (const double e : expected) total += e;
  for (std::size_t p = 0; p < particles; ++p) {
    BrownianParticle particle = motion.start(p);
    for (int f = 0; f < frames; ++f) motion.advance(particle);
    EXPECT_GE(particle.z_ang, profile.line().low_ang);
    EXPECT_LE(particle.z_ang, profile.line().high_ang);
    seen[std::min<std::size_t>(bins - 1, static_cast<std::size_t>((particle.z_ang - profile.line().low_ang) / profile.length_ang() * bins))] += 1;
  }
  double chi2 = 0;
  for (std::size_t b = 0; b < bins; ++b) {
    const double e = expected[b] / total * static_cast<double>(particles);
    chi2 += (seen[b] - e) * (seen[b] - e) / e;
  }
  return chi_squared_tail(chi2, bins - 1);
}

TEST(BrownianMotion, EquilibriumIsDrawnAndKept) {
  for (const LineEnds ends : {LineEnds::periodic, LineEnds::walls})
    for (const double velocity_time_fs : {0.0, 50.0}) {
      BrownianSettings settings;
      settings.velocity_time_fs = velocity_time_fs;
      settings.frame_interval_fs = 1000;
      EXPECT_GT(probability_of_histogram({layered(ends), settings}, 20000, 0), 1e-3);
      EXPECT_GT(probability_of_histogram({layered(ends), settings}, 3000, 3), 1e-3) << velocity_time_fs;
      // From elsewhere, given time. Slowest relaxation: about (4 Å/π)²/D = 7 ps.
      settings.start_ang = 2;
      EXPECT_GT(probability_of_histogram({layered(ends, 4), settings}, 1000, 25), 1e-3) << velocity_time_fs;
    }
}

TEST(BrownianMotion, WallsReflectAForceTowardsThem) {
  const LineProfile slit({0, 4, LineEnds::walls}, constant(d0), [](double z) { return -z; });
  BrownianSettings settings;
  settings.frame_interval_fs = 30000;
  settings.start_ang = 1;
  EXPECT_GT(probability_of_histogram({slit, settings}, 5000, 1), 1e-3);
}

TEST(BrownianMotion, FreeParticlesSpreadAs2Dt) {
  const LineProfile ring({0, 5, LineEnds::periodic}, constant(d0), constant(0));
  BrownianSettings settings;
  settings.frame_interval_fs = 2000;
  for (const double velocity_time_fs : {0.0, 20.0, 200.0}) {
    settings.velocity_time_fs = velocity_time_fs;
    const BrownianMotion motion(ring, settings);
    EXPECT_EQ(motion.steps_per_frame(), velocity_time_fs == 0 ? 1 : std::llround(2000 / (0.2 * velocity_time_fs)));
    constexpr int particles = 4000, frames = 5;
    double sum = 0, kinetic = 0;
    for (std::size_t p = 0; p < particles; ++p) {
      BrownianParticle particle = motion.start(p);
      const double begin = motion.position_ang(particle);
      for (int f = 0; f < frames; ++f) motion.advance(particle);
      sum += std::pow(motion.position_ang(particle) - begin, 2);
      kinetic += particle.velocity_ang_fs * particle.velocity_ang_fs;
    }
    // 2D (t − τ (1 − e^{−t/τ})); four standard errors, sqrt(2/n) of a square of a Gaussian.
    const double t = frames * 2000, tau = velocity_time_fs, expected = 2 * d0 * (tau > 0 ? t - tau * (1 - std::exp(-t / tau)) : t);
    EXPECT_NEAR(sum / particles / expected, 1, 4 * std::sqrt(2.0 / particles));
    if (tau > 0) {
      EXPECT_NEAR(kinetic / particles / (d0 / tau), 1, 4 * std::sqrt(2.0 / particles));
    }
  }
}

TEST(BrownianMotion, VelocitiesAreMaxwellianWhateverTheFriction) {
  BrownianSettings settings;
  settings.velocity_time_fs = 60;
  const BrownianMotion motion(layered(LineEnds::periodic), settings);
  double kinetic = 0;
  constexpr int particles = 20000;
  for (std::size_t p = 0; p < particles; ++p) {
    BrownianParticle particle = motion.start(p);
    motion.advance(particle);
    motion.advance(particle);
    kinetic += particle.velocity_ang_fs * particle.velocity_ang_fs;
  }
  EXPECT_NEAR(kinetic / particles / (1.4 * d0 / 60), 1, 4 * std::sqrt(2.0 / particles));
}

struct Exits {
  double time_ps, error_ps, above;
};

// Mean time from 0 to [a, b], edges drawn in by the shift of frames with the D there (none where a particle is reflected).
Exits exits(const LineProfile& profile, double a, double b, int particles, double frame_fs = 4, bool low_edge = true, double start = 0) {
  BrownianSettings settings;
  settings.frame_interval_fs = frame_fs;
  settings.start_ang = start;
  settings.seed = 7;
  const BrownianMotion motion(profile, settings);
  const double low = low_edge ? a + edge_shift * std::sqrt(2 * profile.at(a).diffusion_ang2_fs * frame_fs) : a - 1;
  const double high = b - edge_shift * std::sqrt(2 * profile.at(b).diffusion_ang2_fs * frame_fs);
  double sum = 0, sum2 = 0, above = 0;
  for (int p = 0; p < particles; ++p) {
    BrownianParticle particle = motion.start(static_cast<std::size_t>(p));
    double t = 0;
    while (particle.z_ang > low && particle.z_ang < high) {
      motion.advance(particle);
      t += frame_fs / units::fs_per_ps;
    }
    sum += t;
    sum2 += t * t;
    above += particle.z_ang >= high ? 1 : 0;
  }
  const double n = particles, mean = sum / n;
  return {mean, std::sqrt((sum2 / n - mean * mean) / n), above / n};
}

// Values: closed forms and quadrature of the theory of exit times (Smoluchowski form), D = 0.23 Å²/ps where it is constant. What frames leave beyond the shift
// of the edges is σ²/4L² = 5e-4; steps follow the automatic rule.
TEST(BrownianMotion, MeanExitTimesOfTheory) {
  constexpr int n = 5000;
  const auto expect = [&](const Exits& e, double time_ps, double above) {
    EXPECT_NEAR(e.time_ps, time_ps, 3.5 * e.error_ps + 1e-3 * time_ps);
    EXPECT_NEAR(e.above, above, 3.5 * std::sqrt(above * (1 - above) / n));
    EXPECT_LT(e.error_ps, 0.02 * time_ps);
  };
  expect(exits(free_line(constant(d0), constant(0)), -1, 1, n), 2.173913, 0.5);
  expect(exits(free_line(constant(d0), [](double z) { return -z; }), -1, 1, n), 2.009205, 0.731059);
  expect(exits(free_line(constant(d0), [](double z) { return -2 * z; }), -1, 1, n), 1.655639, 0.880797);
  expect(exits(free_line(constant(d0), [](double z) { return 0.5 / (2 * 0.23) * z * z; }, 1.2), -1, 1, n), 3.255289, 0.5);
  expect(exits(free_line([](double z) { return d0 + 0.05e-3 * z; }, constant(0)), -2, 2, n, 20), 8.997034, 0.6124629);
  expect(exits(free_line([](double z) { return 0.05e-3 + 0.18e-3 * (1 + std::tanh(z / 2.5)) / 2; }, constant(0)), -2, 2, n, 20), 14.775687, 0.620609);
}

TEST(BrownianMotion, MeanExitTimesFromAReflectingWall) {
  const auto slit = [](const LineProfile::Function& f) { return LineProfile({0, 5, LineEnds::walls}, constant(d0), f); };
  const auto check = [](const Exits& e, double time_ps) { EXPECT_NEAR(e.time_ps, time_ps, 3.5 * e.error_ps + 1e-3 * time_ps); };
  check(exits(slit(constant(0)), 0, 2, 4000, 20, false), 8.695652);
  check(exits(slit([](double z) { return -z; }), 0, 2, 4000, 20, false), 4.936240);
  check(exits(slit([](double z) { return -z; }), 0, 2, 4000, 20, false, 1), 3.336765);
}

// T in frames of a free particle seen at frames only, L in sqrt(2 D dt): integral equation.
TEST(BrownianMotion, ExitsSeenAtFrames) {
  BrownianSettings settings;
  settings.start_ang = 0;
  const BrownianMotion motion(free_line(constant(d0), constant(0)), settings);
  const double sigma = std::sqrt(2 * d0 * settings.frame_interval_fs);
  for (const auto& [edge, expected] : {std::pair{1.0, 2.78293}, {2.0, 6.91350}, {3.0, 13.08565}}) {
    double sum = 0, sum2 = 0;
    constexpr int n = 40000;
    for (std::size_t p = 0; p < n; ++p) {
      BrownianParticle particle = motion.start(p);
      double t = 0;
      for (; std::abs(particle.z_ang) < edge * sigma; t += 1) motion.advance(particle);
      sum += t;
      sum2 += t * t;
    }
    const double error = std::sqrt((sum2 / n - std::pow(sum / n, 2)) / n);
    EXPECT_NEAR(sum / n, expected, 3.5 * error) << edge;
    EXPECT_LT(error, 0.006 * expected);
  }
}

TEST(BrownianMotion, FramesDoNotDependOnThreads) {
  BrownianSettings settings;
  const BrownianMotion motion(layered(LineEnds::periodic), settings);
  const int before = thread_count();
  set_thread_count(1);
  const auto one = brownian_frames(motion, 37, 150);
  set_thread_count(3);
  const auto three = brownian_frames(motion, 37, 150);
  set_thread_count(before);
  ASSERT_EQ(one.size(), 37u * 150u);
  EXPECT_EQ(one, three);
  BrownianParticle last = motion.start(36);
  EXPECT_EQ(one[36], static_cast<float>(last.z_ang));
  for (int f = 0; f < 149; ++f) motion.advance(last);
  EXPECT_EQ(one.back(), static_cast<float>(motion.position_ang(last)));
}

TEST(BrownianMotion, ACurveThroughATableRisesAndFallsWithIt) {
  const auto curve = monotone_cubic({0, 1, 2, 4}, {1, 2, 2, 0});
  EXPECT_DOUBLE_EQ(curve(1), 2);
  EXPECT_DOUBLE_EQ(curve(1.5), 2);
  EXPECT_DOUBLE_EQ(curve(4), 0);
  for (double z = 0; z < 1; z += 0.01) EXPECT_LT(curve(z), curve(z + 0.01));
  const auto ring = monotone_cubic({1, 2, 3}, {0, 1, 3}, 5);
  EXPECT_DOUBLE_EQ(ring(6), 0);
  EXPECT_NEAR(ring(0.5), ring(5.5), 1e-14);
  EXPECT_THROW(monotone_cubic({0, 0}, {1, 2}), Error);
  EXPECT_THROW(monotone_cubic({0, 5}, {1, 2}, 5), Error);
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

TEST(BrownianMotion, SaysWhatCannotBeMeant) {
  const Line ring{0, 10, LineEnds::periodic};
  EXPECT_NE(refusal([&] { LineProfile(ring, [](double z) { return d0 * (5 - z); }, constant(0)); }).find("at z = 5 Å, expected above 0"), std::string::npos);
  EXPECT_NE(refusal([&] { LineProfile(ring, constant(d0), [](double z) { return z; }); }).find("at the other"), std::string::npos);
  EXPECT_NE(refusal([&] { LineProfile({3, 3, LineEnds::walls}, constant(d0), constant(0)); }).find("finite length"), std::string::npos);
  BrownianSettings settings;
  settings.step_fs = 200;
  EXPECT_NE(refusal([&] { BrownianMotion(layered(LineEnds::periodic), settings); }).find("at most a frame"), std::string::npos);
  settings.step_fs = 99;
  EXPECT_NE(refusal([&] { BrownianMotion(layered(LineEnds::periodic, 5), settings); }).find("too long"), std::string::npos);
  settings.step_fs = 30;
  EXPECT_EQ(BrownianMotion(layered(LineEnds::periodic, 20), settings).steps_per_frame(), 4);
  settings.step_fs = 0;
  settings.start_ang = 11;
  EXPECT_NE(refusal([&] { BrownianMotion(layered(LineEnds::walls), settings); }).find("outside"), std::string::npos);
  settings.start_ang.reset();
  EXPECT_NE(refusal([&] { BrownianMotion(free_line(constant(d0), constant(0)), settings); }).find("no equilibrium"), std::string::npos);
  settings.velocity_time_fs = 1e-4;
  EXPECT_NE(refusal([&] { BrownianMotion(layered(LineEnds::periodic), settings); }).find("steps of"), std::string::npos);
}

// 20,000 particle · ps per Å: known from long simulations are 1.3 to 1.7 % (half-width 1 Å, frames of 0.1 ps). Here 12,000, scaled.
TEST(PassagePlan, ErrorOfWaterLikeParticles) {
  const LineProfile ring({0, 10, LineEnds::periodic}, constant(d0), constant(0));
  const BrownianMotion motion(ring, BrownianSettings{});
  PassagePlanSettings settings;
  settings.particles = 300;
  settings.frames = 4001;
  const PassagePlan plan = plan_passage(motion, settings);
  ASSERT_EQ(plan.window.size(), 10u);
  EXPECT_DOUBLE_EQ(plan.particles_per_ang, 30);
  EXPECT_DOUBLE_EQ(plan.time_fs, 400000);
  double mean = 0, square = 0;
  for (const PlannedWindow& window : plan.window) {
    ASSERT_TRUE(window.relative_error);
    EXPECT_NEAR(window.diffusion_ang2_fs / d0, 1, 4 * *window.relative_error);
    mean += window.diffusion_ang2_fs / d0 / 10;
    square += std::pow(*window.relative_error, 2) / 10;
  }
  EXPECT_NEAR(mean, 1, 0.025);
  const double error = std::sqrt(square * 12000 / 20000);
  EXPECT_GT(error, 0.012);
  EXPECT_LT(error, 0.019);
  PlannedWindow window = plan.window.front();
  EXPECT_NEAR(window.followed_fs, 6 / (2 * d0), 1e-6);
  window.relative_error = 0.02;
  EXPECT_NEAR(*needed_time_fs(plan, window, 0.01), window.followed_fs + 4 * (400000 - window.followed_fs), 1e-6);
  window.relative_error.reset();
  EXPECT_FALSE(needed_time_fs(plan, window, 0.01));
  settings.frames = 100;
  EXPECT_NE(refusal([&] { plan_passage(motion, settings); }).find("at least"), std::string::npos);
  settings.frames = 4001;
  settings.half_width_ang = 3;
  EXPECT_NE(refusal([&] { plan_passage(motion, settings); }).find("too wide"), std::string::npos);
  settings.particles = 3;
  EXPECT_NE(refusal([&] { plan_passage(motion, settings); }).find("at least 20"), std::string::npos);
}

}  // namespace
}  // namespace saltus::kinetics
