#include "saltus/kinetics/haven_ratio.hpp"

#include <cmath>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"

namespace saltus::kinetics {
namespace {

struct Fits {
  DiffusionFit tracer, collective;
};

// n particles whose steps have the correlation rho with each other: D_sigma = D* (1 + (n - 1) rho).
Fits fits_of(std::size_t n, std::int64_t frames, double rho, std::uint64_t seed) {
  Random random(seed, 5);
  const auto normal = [&] { return Vec3{random.normal(), random.normal(), random.normal()}; };
  std::vector<Vec3> place(n), position, together;
  for (std::int64_t t = 0; t < frames; ++t) {
    const Vec3 common = std::sqrt(rho) * normal();
    for (Vec3& r : place) r += common + std::sqrt(1 - rho) * normal();
    position.insert(position.end(), place.begin(), place.end());
    together.push_back(collective_position(place));
  }
  const std::vector<std::int64_t> lags = log_spaced_lags((frames - 1) / 20, 8);
  DiffusionFitSettings settings;
  settings.first_lag_frames = 1;
  return {fit_diffusion(mean_square_displacement(position, n, lags, 10), 1, settings),
          fit_diffusion(mean_square_displacement(together, 1, lags, 10), 1, settings)};
}

TEST(HavenRatio, CollectivePositionOfEqualDisplacements) {
  const std::vector<Vec3> position(4, Vec3{1, -2, 3});
  EXPECT_EQ(collective_position(position), (Vec3{2, -4, 6}));
  EXPECT_EQ(collective_position({}), Vec3{});
}

// Particles that are copies of one: D_sigma = n D*, exactly, whatever the path.
TEST(HavenRatio, OfCopies) {
  const Fits fits = fits_of(9, 801, 1, 2);
  const auto ratio = haven_ratio(fits.tracer, fits.collective);
  ASSERT_TRUE(ratio);
  EXPECT_NEAR(ratio->value, 1.0 / 9, 1e-10);
  EXPECT_NEAR(ratio->high - ratio->low, 0, 1e-10);
}

// 1000 sets: a binomial standard error of 0.7 %.
TEST(HavenRatioSlow, IntervalsCover) {
  for (const double rho : {0.0, 0.3}) {
    const std::size_t n = 8;
    const double truth = 1 / (1 + 7 * rho);
    int held = 0, known = 0;
    double width = 0;
    std::mutex mutex;
    parallel_chunks(1000, 10, [&](std::size_t first, std::size_t last) {
      for (std::size_t k = first; k < last; ++k) {
        const Fits fits = fits_of(n, 801, rho, 40 + k);
        const auto ratio = haven_ratio(fits.tracer, fits.collective);
        const std::lock_guard lock(mutex);
        if (!ratio) continue;
        ++known;
        held += ratio->low <= truth && truth <= ratio->high;
        width += (ratio->high - ratio->low) / ratio->value / 1000;
      }
    });
    EXPECT_EQ(known, 1000);
    EXPECT_GE(held, 930) << rho;
    EXPECT_LE(held, 970) << rho;
    EXPECT_GT(width, 0.1);  // one sample a frame: large though there are eight particles
  }
}

TEST(HavenRatio, NoneWhereNothingMoves) {
  const std::vector<Vec3> still(500);
  const DiffusionFit fit = fit_diffusion(mean_square_displacement(still, 1, log_spaced_lags(20, 8), 10), 1);
  EXPECT_FALSE(haven_ratio(fit, fit));
  const DiffusionFit other = fit_diffusion(mean_square_displacement(still, 1, log_spaced_lags(20, 8), 5), 1);
  EXPECT_THROW(haven_ratio(fit, other), Error);
}

}  // namespace
}  // namespace saltus::kinetics
