#include "saltus/kinetics/arrhenius.hpp"
#include "saltus/kinetics/distributions.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/finite_size.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::kinetics {
namespace {

double arrhenius(double temperature, double energy_ev, double prefactor) {
  return prefactor * std::exp(-energy_ev / (units::boltzmann_ev_per_kelvin * temperature));
}

Estimate within(double value, double relative_error) {
  const double half = normal_95 * relative_error * value;
  return {value, value - half, value + half};
}

TEST(Arrhenius, PointsOnTheLawGiveItBack) {
  std::vector<ArrheniusPoint> points;
  for (const double t : {600.0, 750.0, 900.0, 1200.0}) points.push_back({t, within(arrhenius(t, 0.31, 45), 0.1)});
  const ArrheniusFit fit = fit_arrhenius(points);
  EXPECT_NEAR(fit.activation_energy_ev.value, 0.31, 1e-12);
  EXPECT_NEAR(fit.prefactor.value, 45, 1e-9);
  EXPECT_NEAR(diffusion_at(fit, 300).value, arrhenius(300, 0.31, 45), 1e-12);
  EXPECT_NEAR(fit.line.chi2, 0, 1e-18);
  EXPECT_EQ(fit.line.degrees, 2);
  EXPECT_EQ(fit.lowest_kelvin, 600);
  EXPECT_EQ(fit.highest_kelvin, 1200);
}

// Two points: error of the slope in closed form, sqrt(s1² + s2²)/|x1 − x2|.
TEST(Arrhenius, TwoPointsHaveTheErrorsGiven) {
  const std::vector<ArrheniusPoint> points{{500, within(0.1, 0.05)}, {1000, within(2, 0.12)}};
  const ArrheniusFit fit = fit_arrhenius(points);
  const double k = units::boltzmann_ev_per_kelvin, span = 1 / (k * 500) - 1 / (k * 1000);
  EXPECT_NEAR(fit.activation_energy_ev.value, std::log(20) / span, 1e-13);
  EXPECT_NEAR(fit.activation_energy_ev.high - fit.activation_energy_ev.value, normal_95 * std::hypot(0.05, 0.12) / span, 1e-13);
  EXPECT_EQ(fit.line.degrees, 0);
  EXPECT_FALSE(fit.line.scattered);
  const Estimate there = diffusion_at(fit, 500);
  EXPECT_NEAR(there.value, 0.1, 1e-14);
  EXPECT_NEAR(std::log(there.high / there.value), normal_95 * 0.05, 1e-12);
}

TEST(Arrhenius, ErrorOfTheLogarithmOfBothKindsOfInterval) {
  EXPECT_NEAR(error_of_logarithm(within(3, 0.3)), 0.3, 1e-14);
  const double s = 0.8, z = normal_95;
  EXPECT_NEAR(error_of_logarithm({2, 2 * std::exp(-z * s), 2 * std::exp(z * s)}), s, 1e-14);
  EXPECT_NEAR(error_of_logarithm({1, 0, 1 + z * 0.7}), 0.7, 1e-14);  // cut at zero
}

struct Coverage {
  double energy = 0, energy_68 = 0, prefactor = 0, extrapolated = 0;
};

// D = law · (1 + relative error · normal); 5 temperatures. Binomial standard errors of 4000 sets: 0.34 and 0.74 %.
template <class Interval>
Coverage coverage_of(double relative_error, std::uint64_t seed, Interval interval) {
  const int sets = 4000;
  Random random(seed, 3);
  Coverage held;
  for (int k = 0; k < sets; ++k) {
    std::vector<ArrheniusPoint> points;
    for (const double t : {600.0, 700.0, 850.0, 1000.0, 1200.0})
      points.push_back({t, interval(random, arrhenius(t, 0.31, 45), relative_error * std::sqrt(850 / t))});
    const ArrheniusFit fit = fit_arrhenius(points);
    const auto holds = [](const Estimate& e, double truth) { return e.low <= truth && truth <= e.high ? 1.0 / sets : 0.0; };
    held.energy += holds(fit.activation_energy_ev, 0.31);
    held.prefactor += holds(fit.prefactor, 45);
    held.extrapolated += holds(diffusion_at(fit, 300), arrhenius(300, 0.31, 45));
    held.energy_68 += std::abs(fit.activation_energy_ev.value - 0.31) <= 0.994458 * fit.line.slope_error ? 1.0 / sets : 0.0;
  }
  return held;
}

TEST(Arrhenius, IntervalsCover) {
  const Coverage held = coverage_of(0.06, 11, [](Random& random, double truth, double error) {
    Estimate e = within(truth, error);  // the error is known, the value is drawn
    const double shift = truth * error * random.normal();
    return Estimate{e.value + shift, e.low + shift, e.high + shift};
  });
  for (const double share : {held.energy, held.prefactor, held.extrapolated}) {
    EXPECT_GE(share, 0.93);
    EXPECT_LE(share, 0.97);
  }
  EXPECT_GE(held.energy_68, 0.65);
  EXPECT_LE(held.energy_68, 0.71);
}

// Intervals as an analysis gives them: Student's t over ten blocks, so that the errors, and with them the weights, scatter by a
// quarter. Taking t for normal makes the errors 15 % too wide, the scatter of the weights makes up for a part of it.
TEST(Arrhenius, IntervalsCoverWithErrorsFromTenBlocks) {
  const Coverage held = coverage_of(0.06, 12, [](Random& random, double truth, double error) {
    std::vector<double> block;
    double mean = 0;
    for (int b = 0; b < 10; ++b) {
      block.push_back(truth * (1 + error * std::sqrt(10) * random.normal()));
      mean += block.back() / 10;
    }
    return jackknife_estimate(mean, leave_one_out_means(block));
  });
  for (const double share : {held.energy, held.prefactor, held.extrapolated}) {
    EXPECT_GE(share, 0.93);
    EXPECT_LE(share, 0.98);
  }
}

TEST(Arrhenius, PointsOffTheLineAreSaidAndWidenTheInterval) {
  std::vector<ArrheniusPoint> points;
  for (const double t : {500.0, 700.0, 900.0, 1100.0}) points.push_back({t, within(arrhenius(t, 0.3, 1) + arrhenius(t, 0.9, 3e4), 0.02)});
  const ArrheniusFit fit = fit_arrhenius(points);
  EXPECT_TRUE(fit.line.scattered);
  EXPECT_LT(fit.line.probability, 1e-3);
  double weight = 0, xx = 0;
  for (const auto& p : points) {
    const double w = 1 / (0.02 * 0.02), x = 1 / (units::boltzmann_ev_per_kelvin * p.temperature_kelvin) - fit.line.centre;
    weight += w;
    xx += w * x * x;
  }
  EXPECT_NEAR(fit.line.slope_error, std::sqrt(fit.line.chi2 / 2 / xx), 1e-10);
}

TEST(Arrhenius, RefusesWhatHasNoEnergy) {
  using Points = std::vector<ArrheniusPoint>;
  EXPECT_THROW(fit_arrhenius(Points{}), Error);
  EXPECT_THROW(fit_arrhenius(Points{{500, within(1, 0.1)}}), Error);
  EXPECT_THROW(fit_arrhenius(Points{{500, within(1, 0.1)}, {500, within(2, 0.1)}}), Error);
  EXPECT_THROW(fit_arrhenius(Points{{500, within(1, 0.1)}, {600, {1, 1, 1}}}), Error);
  EXPECT_THROW(fit_arrhenius(Points{{500, within(1, 0.1)}, {600, {-1, -2, 1}}}), Error);
  EXPECT_THROW(fit_arrhenius(Points{{500, within(1, 0.1)}, {-600, within(1, 0.1)}}), Error);
  EXPECT_THROW(fit_arrhenius(Points{{500, within(1, 0.1)}, {600, {1, 0.5, INFINITY}}}), Error);
  const ArrheniusFit fit = fit_arrhenius(Points{{500, within(1, 0.1)}, {600, within(2, 0.1)}});
  EXPECT_THROW(diffusion_at(fit, 0), Error);
}

TEST(FiniteSize, LineInTheInverseSize) {
  std::vector<SizePoint> points;
  for (const double n : {76.0, 608.0, 2052.0}) points.push_back({n, {2 - 30 / n, 2 - 30 / n - 0.05, 2 - 30 / n + 0.05}});
  const SizeFit fit = fit_finite_size(points);
  EXPECT_NEAR(fit.bulk.value, 2, 1e-12);
  EXPECT_NEAR(fit.slope.value, -30, 1e-10);
  EXPECT_TRUE(fit.resolved);
  EXPECT_THROW(fit_finite_size(std::vector<SizePoint>(2, points[0])), Error);
  EXPECT_THROW(fit_finite_size(std::vector<SizePoint>{points[0], {0, points[0].diffusion}}), Error);
  EXPECT_THROW(fit_finite_size(std::vector<SizePoint>{points[0], {100, {1, 1, 1}}}), Error);
}

TEST(FiniteSize, IntervalsCover) {
  const int sets = 4000;
  Random random(5, 4);
  double bulk = 0, resolved = 0;
  for (int k = 0; k < sets; ++k) {
    std::vector<SizePoint> points;
    for (const double n : {76.0, 256.0, 608.0, 2052.0}) {
      const double error = 0.05 * std::sqrt(76 / n), value = 1 + error * random.normal();
      points.push_back({n, {value, value - normal_95 * error, value + normal_95 * error}});
    }
    const SizeFit fit = fit_finite_size(points);
    bulk += fit.bulk.low <= 1 && 1 <= fit.bulk.high ? 1.0 / sets : 0.0;
    resolved += fit.resolved ? 1.0 / sets : 0.0;
  }
  EXPECT_GE(bulk, 0.93);
  EXPECT_LE(bulk, 0.97);
  EXPECT_NEAR(resolved, 0.05, 0.02);  // there is no dependence to be seen
}

}  // namespace
}  // namespace saltus::kinetics
