#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {
namespace {

// [frame][particle], step standard deviations per axis, noise on every position.
std::vector<Vec3> random_walks(std::int64_t n_frames, std::size_t n_particles, const Vec3& step, double noise,
                               std::uint64_t seed) {
  Random random(seed, 1);
  const auto normal = [&](double width) { return width > 0 ? width * random.normal() : 0.0; };
  std::vector<Vec3> place(n_particles), position;
  for (std::int64_t t = 0; t < n_frames; ++t) {
    for (Vec3& r : place) {
      if (t > 0) r += {normal(step.x), normal(step.y), normal(step.z)};
      position.push_back(r + Vec3{normal(noise), normal(noise), normal(noise)});
    }
  }
  return position;
}

TEST(MeanSquareDisplacement, EqualsTheDefinition) {
  const std::size_t n = 3;
  const std::vector<Vec3> position = random_walks(62, n, {1, 2, 0.5}, 0.1, 5);
  const std::vector<std::int64_t> lags{1, 3, 10, 20};
  const MsdCurve curve = mean_square_displacement(position, n, lags, 3);
  EXPECT_EQ(curve.block_bound, (std::vector<std::int64_t>{0, 20, 40, 61}));
  const auto direct = [&](std::int64_t lag, std::int64_t first, std::int64_t last) {  // frames first … last
    Mat3 sum;
    double windows = 0;
    for (std::int64_t t = first; t + lag <= last; ++t) {
      for (std::size_t p = 0; p < n; ++p) {
        const Vec3 d = position[static_cast<std::size_t>(t + lag) * n + p] - position[static_cast<std::size_t>(t) * n + p];
        sum += outer(d, d);
        windows += 1;
      }
    }
    return scaled(sum, 1 / windows);
  };
  for (std::size_t l = 0; l < lags.size(); ++l) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        const double scale = trace(curve.tensor_ang2[l]);
        EXPECT_NEAR(curve.tensor_ang2[l][i][j], direct(lags[l], 0, 61)[i][j], 1e-13 * scale);
        for (std::size_t b = 0; b < 3; ++b) {
          EXPECT_NEAR(curve.block_tensor_ang2[b][l][i][j],
                      direct(lags[l], curve.block_bound[b], curve.block_bound[b + 1])[i][j], 1e-13 * scale);
        }
      }
    }
  }
}

TEST(MeanSquareDisplacement, IndependentOfThreads) {
  const std::vector<Vec3> position = random_walks(500, 7, {1, 1, 1}, 0, 6);
  const std::vector<std::int64_t> lags = log_spaced_lags(40, 6);
  set_thread_count(1);
  const MsdCurve one = mean_square_displacement(position, 7, lags, 5);
  set_thread_count(0);
  const MsdCurve many = mean_square_displacement(position, 7, lags, 5);
  EXPECT_EQ(one.tensor_ang2, many.tensor_ang2);
  EXPECT_EQ(one.block_tensor_ang2, many.block_tensor_ang2);
}

// Every window counted once, far beyond the frames that are held at once.
TEST(MeanSquareDisplacement, FrameByFrameAsFromTheArray) {
  const std::size_t n = 3;
  const std::vector<Vec3> position = random_walks(3001, n, {1, 0.5, 2}, 0.1, 8);
  for (const std::int64_t longest : {1, 70, 300}) {
    const std::vector<std::int64_t> lags = log_spaced_lags(longest, 6);
    MsdSums sums(n, 3001, lags, 10);
    for (std::size_t t = 0; t < 3001; ++t) sums.add(std::span(position).subspan(t * n, n));
    const MsdCurve curve = sums.curve();
    for (std::size_t l = 0; l < lags.size(); ++l) {
      const auto lag = static_cast<std::size_t>(lags[l]);
      double total = 0;
      for (std::size_t k = 0; k + lag * n < position.size(); ++k) total += norm2(position[k + lag * n] - position[k]);
      // Sums of 1e4 terms in another order.
      const double expected = total / static_cast<double>(position.size() - lag * n);
      EXPECT_NEAR(trace(curve.tensor_ang2[l]), expected, 1e-12 * expected) << longest << " " << lags[l];
    }
  }
  EXPECT_LT(MsdSums::memory_bytes(n, 300), 0.2 * 24 * 3001 * n);
}

TEST(MeanSquareDisplacement, RefusesOtherFramesThanAnnounced) {
  const std::vector<Vec3> frame(2);
  const std::vector<std::int64_t> lags{1, 2};
  MsdSums sums(2, 20, lags, 2);
  EXPECT_THROW(sums.add(std::span(frame).first(1)), Error);
  for (int t = 0; t < 20; ++t) {
    EXPECT_THROW(MsdSums(sums).curve(), Error);
    sums.add(frame);
  }
  EXPECT_NO_THROW(sums.curve());
  EXPECT_THROW(sums.add(frame), Error);
  EXPECT_THROW(MsdSums(0, 20, lags, 2), Error);
}

TEST(MeanSquareDisplacement, RefusesWrongInput) {
  std::vector<Vec3> position(60);
  const std::vector<std::int64_t> lags{1, 2};
  EXPECT_THROW(mean_square_displacement(position, 7, lags, 2), Error);
  EXPECT_THROW(mean_square_displacement(position, 2, std::vector<std::int64_t>{2, 1}, 2), Error);
  EXPECT_THROW(mean_square_displacement(position, 2, std::vector<std::int64_t>{15}, 2), Error);
  EXPECT_NO_THROW(mean_square_displacement(position, 2, std::vector<std::int64_t>{14}, 2));
  position[7].y = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(mean_square_displacement(position, 2, lags, 2), Error);
}

TEST(LogSpacedLags, CoverTheRangeOnce) {
  EXPECT_EQ(log_spaced_lags(10, 3), (std::vector<std::int64_t>{1, 2, 5, 10}));
  EXPECT_EQ(log_spaced_lags(1, 3), (std::vector<std::int64_t>{1}));
  const auto lags = log_spaced_lags(12345, 12);
  for (std::size_t k = 1; k < lags.size(); ++k) EXPECT_LT(lags[k - 1], lags[k]);
  EXPECT_EQ(lags.back(), 12345);
}

TEST(BrownianCovariance, ExactTable) {
  std::vector<std::int64_t> lags;
  for (const double lag : golden_numbers("brownian/brownian_msd_cov_N100_lags.dat")) {
    lags.push_back(static_cast<std::int64_t>(lag));
  }
  const std::vector<double> golden = golden_numbers("brownian/brownian_msd_cov_N100.dat");
  const std::vector<double> found = brownian_msd_covariance(lags, 100, 1);
  ASSERT_EQ(found.size(), golden.size());
  for (std::size_t k = 0; k < golden.size(); ++k) EXPECT_NEAR(found[k], golden[k], 1e-12 * golden[k]);
  EXPECT_NEAR(found.back(), 14930.909090909090, 1e-8);
}

// Noise alone: Var(MSD_i) = 2 sum c² / K² with c = 2 s² (same window), -s² (windows i apart) → (8 K + 4 (K - i)) s⁴ / K².
TEST(BrownianCovariance, NoiseAlone) {
  const std::vector<std::int64_t> lag{3};
  const double k = 18, s2 = 0.25;
  EXPECT_NEAR(brownian_msd_covariance(lag, 20, 0, s2)[0], (8 * k + 4 * (k - 3)) * s2 * s2 / (k * k), 1e-14);
}

TEST(DiffusionFit, LineWithoutScatterIsExact) {
  MsdCurve curve;
  curve.n_frames = 1001;
  curve.n_particles = 2;
  curve.lag_frames = log_spaced_lags(50, 8);
  curve.block_bound = {0, 250, 500, 750, 1000};
  for (const std::int64_t lag : curve.lag_frames) {
    const double t = 2.0 * static_cast<double>(lag);
    curve.tensor_ang2.push_back({{Vec3{0.1 + 2 * 0.3 * t, 2 * 0.05 * t, 0}, Vec3{2 * 0.05 * t, 0.1 + 2 * 0.2 * t, 0},
                                  Vec3{0, 0, 0.1 + 2 * 0.1 * t}}});
  }
  curve.block_tensor_ang2.assign(4, curve.tensor_ang2);
  const DiffusionFit fit = fit_diffusion(curve, 2.0);
  EXPECT_NEAR(fit.diffusion_ang2_fs.value, 0.2, 1e-9);
  EXPECT_NEAR(fit.diffusion_ang2_fs.high - fit.diffusion_ang2_fs.low, 0, 1e-9);
  EXPECT_NEAR(fit.offset_ang2, 0.3, 1e-7);
  EXPECT_NEAR(fit.tensor_ang2_fs[0].x, 0.3, 1e-9);
  EXPECT_NEAR(fit.tensor_ang2_fs[1].y, 0.2, 1e-9);
  EXPECT_NEAR(fit.tensor_ang2_fs[0].y, 0.05, 1e-9);
  EXPECT_NEAR(fit.tensor_ang2_fs[2].z, 0.1, 1e-9);
}

TEST(DiffusionFit, NothingMoves) {
  const std::vector<Vec3> position(2000, Vec3{1, 2, 3});
  const MsdCurve curve = mean_square_displacement(position, 2, log_spaced_lags(50, 8), 10);
  const DiffusionFit fit = fit_diffusion(curve, 1.0);
  EXPECT_EQ(fit.diffusion_ang2_fs.value, 0);
  EXPECT_EQ(fit.diffusion_ang2_fs.high, 0);
}

// Independent Brownian particles seen with noise: the model interval is exact, so its 68 % must cover 68 %, and the interval
// from blocks 95 %. 1000 sets: binomial standard errors 1.5 % and 0.7 %; the window is fixed, the seeds too.
TEST(DiffusionFit, CoverageForBrownianParticles) {
  const int sets = 1000;
  const double d = 0.5;  // step variance 1 per axis and frame
  std::vector<int> model(sets), blocks(sets);
  std::vector<double> value(sets), effective(sets);
  parallel_chunks(sets, 10, [&](std::size_t first, std::size_t last) {
    for (std::size_t k = first; k < last; ++k) {
      const std::vector<Vec3> position = random_walks(201, 3, {1, 1, 1}, 0.5, 100 + k);
      DiffusionFitSettings settings;
      settings.first_lag_frames = 1;
      const DiffusionFit fit = fit_diffusion(mean_square_displacement(position, 3, log_spaced_lags(10, 8), 10), 1, settings);
      const double half = (fit.model_diffusion_ang2_fs.high - fit.model_diffusion_ang2_fs.low) / 2 / 1.959964;
      model[k] = std::abs(fit.diffusion_ang2_fs.value - d) <= 0.994458 * half;
      blocks[k] = fit.diffusion_ang2_fs.low <= d && d <= fit.diffusion_ang2_fs.high;
      value[k] = fit.diffusion_ang2_fs.value;
      effective[k] = fit.independent_particles;
    }
  });
  double covered = 0, covered_blocks = 0, mean = 0, square = 0;
  for (std::size_t k = 0; k < value.size(); ++k) {
    covered += model[k];
    covered_blocks += blocks[k];
    mean += value[k] / sets;
    square += value[k] * value[k] / sets;
  }
  EXPECT_GE(covered / sets, 0.65);
  EXPECT_LE(covered / sets, 0.71);
  EXPECT_GE(covered_blocks / sets, 0.93);
  EXPECT_LE(covered_blocks / sets, 0.97);
  EXPECT_NEAR(mean, d, 4 * std::sqrt((square - mean * mean) / sets));
  std::nth_element(effective.begin(), effective.begin() + sets / 2, effective.end());
  EXPECT_NEAR(effective[sets / 2], 3, 0.6);  // of three particles
}

// Vibrations of a few frames' memory make the first lags steep. They are no diffusion: three particles still count as three.
TEST(DiffusionFit, VibrationsAreNoIndependentParticles) {
  const int sets = 200;
  const double keep = std::exp(-1 / 5.0), amplitude = 0.4;
  std::vector<double> effective(sets);
  parallel_chunks(sets, 5, [&](std::size_t first, std::size_t last) {
    for (std::size_t k = first; k < last; ++k) {
      std::vector<Vec3> position = random_walks(2001, 3, {0.1, 0.1, 0.1}, 0, 500 + k);
      Random random(900 + k, 2);
      std::vector<Vec3> u(3);
      for (std::size_t i = 0; i < position.size(); ++i) {
        Vec3& x = u[i % 3];
        x = keep * x + amplitude * std::sqrt(1 - keep * keep) * Vec3{random.normal(), random.normal(), random.normal()};
        position[i] += x;
      }
      DiffusionFitSettings settings;
      settings.last_lag_frames = 100;
      const DiffusionFit fit = fit_diffusion(mean_square_displacement(position, 3, log_spaced_lags(100, 8), 10), 1, settings);
      effective[k] = fit.independent_particles;
    }
  });
  std::nth_element(effective.begin(), effective.begin() + sets / 2, effective.end());
  EXPECT_GT(effective[sets / 2], 1.5);
  EXPECT_LT(effective[sets / 2], 6);
}

// Particles that all copy one walk are one carrier: blocks know, the model for independent particles does not.
TEST(DiffusionFit, CopiesOfOneWalkCountOnce) {
  const std::vector<Vec3> walk = random_walks(2001, 1, {1, 1, 1}, 0, 9);
  std::vector<Vec3> copies;
  for (const Vec3& r : walk) copies.insert(copies.end(), 50, r);
  const std::vector<std::int64_t> lags = log_spaced_lags(100, 8);
  const DiffusionFit one = fit_diffusion(mean_square_displacement(walk, 1, lags, 10), 1);
  const DiffusionFit fifty = fit_diffusion(mean_square_displacement(copies, 50, lags, 10), 1);
  EXPECT_NEAR(fifty.diffusion_ang2_fs.low, one.diffusion_ang2_fs.low, 1e-9);
  EXPECT_NEAR(fifty.diffusion_ang2_fs.high, one.diffusion_ang2_fs.high, 1e-9);
  EXPECT_LT(fifty.independent_particles, 3);
  EXPECT_NEAR((fifty.model_diffusion_ang2_fs.high - fifty.model_diffusion_ang2_fs.low) * std::sqrt(50.0),
              one.model_diffusion_ang2_fs.high - one.model_diffusion_ang2_fs.low, 1e-9);
}

}  // namespace
}  // namespace saltus::kinetics
