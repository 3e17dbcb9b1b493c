#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/analysis/van_hove.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {
namespace {

Cell cube(double edge) { return Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}}); }

VanHoveCounts counts_of(const std::vector<Vec3>& position, std::size_t n, const VanHoveSettings& settings) {
  VanHoveSums sums(n, static_cast<std::int64_t>(position.size() / n), settings);
  for (std::size_t at = 0; at < position.size(); at += n) sums.add(std::span(position).subspan(at, n));
  return sums.counts();
}

std::vector<Vec3> brownian(std::size_t n, int frames, std::uint64_t seed) {
  Random random(seed, 0);
  std::vector<Vec3> place(n), position;
  for (Vec3& r : place) r = 10 * Vec3{random.uniform(), random.uniform(), random.uniform()};
  for (int t = 0; t < frames; ++t)
    for (Vec3& r : place) {
      position.push_back(r);
      r += 0.3 * Vec3{random.normal(), random.normal(), random.normal()};
    }
  return position;
}

std::array<double, 3> whole(const std::vector<std::array<double, 3>>& blocks) {
  std::array<double, 3> sum{};
  for (const auto& block : blocks)
    for (std::size_t k = 0; k < 3; ++k) sum[k] += block[k];
  return sum;
}

// Brownian particles: displacements over a lag are normal with variance 0.09 lag per axis, their lengths Maxwell's; others are
// anywhere, at the density of the ideal gas with one particle missing (but for its images).
TEST(VanHove, OfBrownianParticles) {
  const std::size_t n = 40;
  VanHoveSettings settings{{1, 10}, {1, 3, 10}, 4, 0.2, cube(10)};
  const VanHoveCounts counts = counts_of(brownian(n, 4001, 3), n, settings);
  for (std::size_t l = 0; l < 2; ++l) {
    const double sigma = 0.3 * std::sqrt(static_cast<double>(settings.lag_frames[l]));
    const auto below = [&](double r) {
      const double x = r / sigma;
      return std::erf(x / std::sqrt(2)) - std::sqrt(2 / std::numbers::pi) * x * std::exp(-x * x / 2);
    };
    double all = 0;
    for (const auto number : counts.displacements[l]) all += static_cast<double>(number);
    EXPECT_EQ(all, static_cast<double>(n) * static_cast<double>(4001 - settings.lag_frames[l]));
    for (std::size_t k = 0; k <= 20; ++k) {
      double found = 0;
      for (const auto& block : counts.self[l]) found += static_cast<double>(block[k]);
      const double r = 0.2 * static_cast<double>(k), share = k < 20 ? below(r + 0.2) - below(r) : 1 - below(4);
      // Windows overlap: as many independent ones as fit beside each other.
      EXPECT_NEAR(found / all, share, 5 * std::sqrt(share * static_cast<double>(settings.lag_frames[l]) / all) + 1e-5) << l << " " << k;
    }
    PairHistogram sum = counts.distinct[l][0];
    for (std::size_t b = 1; b < 10; ++b) {
      for (std::size_t k = 0; k < sum.count.size(); ++k) sum.count[k] += counts.distinct[l][b].count[k];
      sum.frames += counts.distinct[l][b].frames;
      sum.ideal_pairs_per_ang3 += counts.distinct[l][b].ideal_pairs_per_ang3;
      sum.centres += counts.distinct[l][b].centres;
    }
    EXPECT_EQ(sum.frames, l == 0 ? 1000 : 998);
    const Rdf distinct = normalised(sum);
    for (std::size_t k = 10; k < 20; ++k) EXPECT_NEAR(distinct.g[k], 1 - 1.0 / n, 0.06);
  }
  // Variance of alpha_2 of M normal displacements: 8/(5 M) · … ; four standard errors of the independent windows.
  for (std::size_t l = 0; l < 3; ++l) {
    const double windows = 40 * 4000 / static_cast<double>(settings.moment_lag_frames[l]);
    EXPECT_NEAR(non_gaussian_parameter(whole(counts.moments[l])), 0, 6 / std::sqrt(windows)) << l;
  }
}

// Independent jumps of length a along the axes, m of them on average in a lag (Poisson): <u²> = m a², <u⁴> = m a⁴ + 5/3 m² a⁴, so
// that alpha_2 = 3/(5 m).
TEST(VanHove, NonGaussianParameterOfJumps) {
  Random random(8, 0);
  const std::size_t n = 100;
  const double rate = 0.1;
  std::vector<Vec3> place(n), position;
  for (int t = 0; t < 10001; ++t)
    for (Vec3& r : place) {
      position.push_back(r);
      // The number of jumps in a frame is Poisson's: waiting times that do not reach the end of it.
      for (double wait = -std::log(random.uniform()) / rate; wait < 1; wait -= std::log(random.uniform()) / rate) {
        const auto way = random.below(6);
        r[static_cast<int>(way / 2)] += way % 2 == 0 ? 2 : -2;
      }
    }
  VanHoveSettings settings{{10}, {1, 4, 10, 40}, 3, 0.1, std::nullopt};
  const VanHoveCounts counts = counts_of(position, n, settings);
  for (std::size_t l = 0; l < 4; ++l) {
    const double m = rate * static_cast<double>(settings.moment_lag_frames[l]), expected = 3 / (5 * m);
    EXPECT_NEAR(non_gaussian_parameter(whole(counts.moments[l])), expected, 0.02 * expected + 0.03) << l;
  }
  EXPECT_TRUE(counts.distinct.empty());
  // Where no jump was made, or they cancelled, the ion is where it was: exp(-m) I_0(m/3)³ for a mean of m jumps on three axes.
  double stayed = 0, all = 0;
  for (std::size_t b = 0; b < 10; ++b) {
    stayed += static_cast<double>(counts.self[0][b][0]);
    all += static_cast<double>(counts.displacements[0][b]);
  }
  EXPECT_NEAR(stayed / all, std::exp(-1) * std::pow(std::cyl_bessel_i(0, 1.0 / 3), 3), 0.005);
}

// At lag zero the distinct part is the radial distribution function, and at any lag the path from oneself is left out, on
// lattices too where distances lie on the edges of bins.
TEST(VanHove, DistinctPart) {
  const std::size_t n = 30;
  const std::vector<Vec3> position = brownian(n, 200, 5);
  VanHoveSettings settings{{0, 7}, {}, 12, 0.25, cube(10)};  // beyond the cell: images count
  const VanHoveCounts counts = counts_of(position, n, settings);
  PairHistogram direct = counts.distinct[0][0], now = counts.distinct[1][0];
  std::fill(direct.count.begin(), direct.count.end(), 0);
  const std::vector<std::int64_t> empty = direct.count;
  direct.frames = 0;
  PairHistogram crossed = direct;
  std::vector<std::int64_t> distinct(empty), at_zero(empty);
  for (const auto& block : counts.distinct[0])
    for (std::size_t k = 0; k < empty.size(); ++k) at_zero[k] += block.count[k];
  for (const auto& block : counts.distinct[1])
    for (std::size_t k = 0; k < empty.size(); ++k) distinct[k] += block.count[k];
  for (std::size_t t = 0; t < 200; ++t) {
    const auto frame = std::span(position).subspan(t * n, n);
    add_pairs(direct, cube(10), frame, frame);
    if (t + 7 >= 200) continue;
    const auto later = std::span(position).subspan((t + 7) * n, n);
    add_pairs(crossed, cube(10), frame, later);
    for (std::size_t i = 0; i < n; ++i)
      if (const double r = norm(later[i] - frame[i]); r < 12) --crossed.count[static_cast<std::size_t>(r / 0.25)];
  }
  EXPECT_EQ(at_zero, direct.count);
  EXPECT_EQ(distinct, crossed.count);

  std::vector<Vec3> lattice;
  for (int t = 0; t < 20; ++t)  // two ions on a line of sites 2.5 Å apart, one of which goes round the cell
    for (const double x : {2.5 * t, 0.0}) lattice.push_back({x, 0, 0});
  const VanHoveCounts jumps = counts_of(lattice, 2, {{1}, {}, 4.9, 0.25, cube(10), 1000, 2});
  std::int64_t at_25 = 0;
  for (const auto& block : jumps.distinct[0]) at_25 += block.count[10];
  // From x of the walker to the other and back: 19 windows, of which those with |x| = 2.5 at either end count.
  std::int64_t expected = 0;
  for (int t = 0; t < 19; ++t)
    for (const int x : {t % 4, (t + 1) % 4}) expected += x == 1 || x == 3;
  EXPECT_EQ(at_25, expected);
}

TEST(VanHove, IndependentOfThreads) {
  const std::vector<Vec3> position = brownian(11, 700, 6);
  const VanHoveSettings settings{{1, 30}, {1, 5, 60}, 3, 0.1, cube(10)};
  set_thread_count(1);
  const VanHoveCounts one = counts_of(position, 11, settings);
  set_thread_count(0);
  const VanHoveCounts many = counts_of(position, 11, settings);
  EXPECT_EQ(one.self, many.self);
  EXPECT_EQ(one.moments, many.moments);
  for (std::size_t b = 0; b < 10; ++b) EXPECT_EQ(one.distinct[1][b].count, many.distinct[1][b].count);
}

TEST(VanHove, RefusesWrongInput) {
  const std::vector<Vec3> position = brownian(2, 100, 7);
  EXPECT_THROW(counts_of(position, 2, {{1}, {0}, 3, 0.1, std::nullopt}), Error);
  EXPECT_THROW(counts_of(position, 2, {{91}, {1}, 3, 0.1, std::nullopt}), Error);
  EXPECT_NO_THROW(counts_of(position, 2, {{90}, {1}, 3, 0.1, std::nullopt}));
  EXPECT_THROW(counts_of(position, 2, {{2, 1}, {1}, 3, 0.1, std::nullopt}), Error);
  EXPECT_THROW(counts_of(position, 2, {{1}, {1}, 3, 0, std::nullopt}), Error);
  EXPECT_THROW(counts_of(position, 2, {{1}, {1}, 3, 1e-9, std::nullopt}), Error);
  EXPECT_THROW(counts_of(position, 2, {{1}, {1}, 3, 0.1, Cell()}), Error);
  VanHoveSums sums(2, 100, {{1}, {1}, 3, 0.1, std::nullopt});
  EXPECT_THROW(sums.counts(), Error);
  EXPECT_THROW(sums.add(std::span(position).first(1)), Error);
  EXPECT_THROW(sums.add(std::vector<Vec3>{{0, 0, 0}, {0, NAN, 0}}), Error);
}

}  // namespace
}  // namespace saltus
