#include "saltus/kinetics/free_energy.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"

namespace saltus::kinetics {
namespace {

// Counts that exp(-V) gives, V in kT, |x| in bins of 0.05.
template <class V>
std::vector<double> expected_counts(const V& potential, double total) {
  std::vector<double> counts(80);
  double sum = 0;
  for (std::size_t b = 0; b < counts.size(); ++b) sum += counts[b] = std::exp(-potential((static_cast<double>(b) + 0.5) * 0.05));
  for (double& c : counts) c *= total / sum;
  return counts;
}

double double_well(double x, double barrier) { return barrier * (x * x - 1) * (x * x - 1); }

TEST(FreeEnergyAtCentre, IsTheBarrierOfADoubleWell) {
  for (const double barrier : {0.3, 1.34, 5.0, 9.0})
    EXPECT_NEAR(*free_energy_at_centre_kt(expected_counts([&](double x) { return double_well(x, barrier); }, 1e6)), barrier, 1e-5);
}

TEST(FreeEnergyAtCentre, IsZeroOfASingleWell) {
  EXPECT_EQ(*free_energy_at_centre_kt(expected_counts([](double x) { return 2 * x * x; }, 1e6)), 0);
  EXPECT_EQ(*free_energy_at_centre_kt(expected_counts([](double x) { return x * x + x * x * x * x; }, 1e6)), 0);
}

TEST(FreeEnergyAtCentre, IsSmoothWhereTwoWellsMeet) {
  // Two Gaussians of width s at ±1: ln P = −(x² + 1)/(2 s²) + ln cosh(x/s²), no polynomial.
  const double s2 = 0.45;
  const auto potential = [&](double x) { return x * x / (2 * s2) - std::log(std::cosh(x / s2)); };
  double lowest = 0;
  for (double x = 0; x < 2; x += 1e-4) lowest = std::min(lowest, potential(x));
  EXPECT_NEAR(*free_energy_at_centre_kt(expected_counts(potential, 1e6)), -lowest, 0.01);
}

TEST(FreeEnergyAtCentre, HasLittleBiasFromNoise) {
  const auto expected = expected_counts([](double x) { return double_well(x, 0.1); }, 4000);
  Random random(1, 1);
  double sum = 0;
  const int repeats = 400;
  for (int k = 0; k < repeats; ++k) {
    std::vector<double> counts = expected;
    for (double& c : counts) c = std::max(0.0, std::round(c + std::sqrt(c) * random.normal()));
    sum += *free_energy_at_centre_kt(counts) / repeats;
  }
  EXPECT_NEAR(sum, 0.1, 0.03);
}

TEST(FreeEnergyAtCentre, NeedsACrossing) {
  EXPECT_FALSE(free_energy_at_centre_kt({}));
  EXPECT_FALSE(free_energy_at_centre_kt(std::vector<double>{0, 0, 0, 5, 9, 20, 30, 20, 9, 5}));
  EXPECT_FALSE(free_energy_at_centre_kt(std::vector<double>{5, 9, 5}));
}

// Counts of x in bins of 0.04 from −2.4.
std::vector<double> counts_of(const std::function<double(double)>& potential, double total) {
  std::vector<double> counts(120);
  double sum = 0;
  for (std::size_t b = 0; b < counts.size(); ++b) sum += counts[b] = std::exp(-potential((static_cast<double>(b) - 59.5) * 0.04));
  for (double& c : counts) c = std::round(c * total / sum);
  return counts;
}

TEST(FreeEnergyAtZero, IsThatOfWellsThatNeedNotBeSymmetric) {
  for (const double tilt : {0.0, 0.4, -1.0, 3.0}) {
    const auto potential = [&](double x) { return double_well(x, 2.5) + tilt * x; };
    double lowest = potential(0);
    for (double x = -2; x < 2; x += 1e-4) lowest = std::min(lowest, potential(x));
    EXPECT_NEAR(*free_energy_at_zero_kt(counts_of(potential, 1e7), 60), potential(0) - lowest, 0.01) << tilt;
  }
  // One well on one side: 0 lies on its flank, where a hundredth of the most is.
  EXPECT_NEAR(*free_energy_at_zero_kt(counts_of([](double x) { return 18.4 * (x - 0.5) * (x - 0.5); }, 1e7), 60), 4.6, 0.01);
  EXPECT_NEAR(*free_energy_at_zero_kt(counts_of([](double x) { return 4 * x * x; }, 1e7), 60), 0, 1e-3);
}

TEST(FreeEnergyAtZero, NeedsVisits) {
  EXPECT_FALSE(free_energy_at_zero_kt({}, 0));
  EXPECT_FALSE(free_energy_at_zero_kt(std::vector<double>(20, 0.0), 10));
  EXPECT_FALSE(free_energy_at_zero_kt(counts_of([](double x) { return 80 * (x - 1) * (x - 1); }, 1e4), 60));
  EXPECT_FALSE(free_energy_at_zero_kt(std::vector<double>{5, 9, 5}, 1));
}

}  // namespace
}  // namespace saltus::kinetics
