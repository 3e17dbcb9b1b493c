#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kernels/angular.hpp"
#include "saltus/kernels/features.hpp"
#include "saltus/kernels/message.hpp"
#include "saltus/kernels/radial.hpp"
#include "saltus/kernels/matrix_product.hpp"
#include "saltus/kernels/radial_weights.hpp"
#include "saltus/kernels/symmetric_contraction.hpp"

namespace saltus::kernels {
namespace {

struct Direction {
  double unit[3], tangent[2][3];
};

Direction direction(Random& random) {
  Direction d{};
  double r = 0;
  for (double& c : d.unit) {
    c = random.normal();
    r += c * c;
  }
  for (double& c : d.unit) c /= std::sqrt(r);
  tangents_of(d.unit, d.tangent);
  return d;
}

std::vector<double> harmonics(int l_max, const double (&u)[3]) {
  double tangent[2][3] = {};
  std::vector<double> value(static_cast<std::size_t>((l_max + 1) * (l_max + 1)));
  e3nn_harmonics(l_max, u, tangent, value, {});
  return value;
}

TEST(Angular, HarmonicsHaveTheClosedFormsOfE3nn) {
  Random random(1, 0);
  for (int trial = 0; trial < 20; ++trial) {
    const Direction d = direction(random);
    const auto [x, y, z] = d.unit;
    const std::vector<double> Y = harmonics(3, d.unit);
    const double s3 = std::sqrt(3.0), s5 = std::sqrt(5.0), s7 = std::sqrt(7.0);
    const double two[5] = {s3 * x * z, s3 * x * y, y * y - (x * x + z * z) / 2, s3 * y * z, s3 / 2 * (z * z - x * x)};
    const double three[7] = {std::sqrt(5.0 / 6) * (two[0] * z + two[4] * x),     s5 * two[0] * y, std::sqrt(3.0 / 8) * (4 * y * y - x * x - z * z) * x,
                             y * (2 * y * y - 3 * x * x - 3 * z * z) / 2,        std::sqrt(3.0 / 8) * z * (4 * y * y - x * x - z * z),
                             s5 * two[4] * y,                                   std::sqrt(5.0 / 6) * (two[4] * z - two[0] * x)};
    EXPECT_NEAR(Y[0], 1, 1e-14);
    for (std::size_t m = 0; m < 3; ++m) EXPECT_NEAR(Y[1 + m], s3 * d.unit[m], 1e-14);
    for (std::size_t m = 0; m < 5; ++m) EXPECT_NEAR(Y[4 + m], s5 * two[m], 1e-14);
    for (std::size_t m = 0; m < 7; ++m) EXPECT_NEAR(Y[9 + m], s7 * three[m], 1e-14);
    const std::vector<double> all = harmonics(8, d.unit);
    for (int l = 0; l <= 8; ++l) {
      double sum = 0;
      for (int k = l * l; k < (l + 1) * (l + 1); ++k) sum += all[static_cast<std::size_t>(k)] * all[static_cast<std::size_t>(k)];
      EXPECT_NEAR(sum, 2 * l + 1, 1e-12);
    }
  }
}

TEST(Angular, SlopesAreDerivativesAlongTheTangents) {
  Random random(2, 0);
  for (int trial = 0; trial < 5; ++trial) {
    const Direction d = direction(random);
    for (int t = 0; t < 2; ++t) {
      double dot = 0;
      for (int a = 0; a < 3; ++a) dot += d.tangent[t][a] * d.unit[a];
      EXPECT_NEAR(dot, 0, 1e-15);
    }
    std::vector<double> value(81), slope(162);
    e3nn_harmonics(8, d.unit, d.tangent, value, slope);
    const double h = 1e-5;
    for (std::size_t t = 0; t < 2; ++t) {
      double plus[3], minus[3];
      for (std::size_t a = 0; a < 3; ++a) {
        plus[a] = std::cos(h) * d.unit[a] + std::sin(h) * d.tangent[t][a];
        minus[a] = std::cos(h) * d.unit[a] - std::sin(h) * d.tangent[t][a];
      }
      const auto p = harmonics(8, plus), m = harmonics(8, minus);
      for (std::size_t k = 0; k < 81; ++k) EXPECT_NEAR(slope[2 * k + t], (p[k] - m[k]) / (2 * h), 2e-7);  // h² l³ √(2l+1)/6
    }
  }
}

TEST(Angular, CouplingsHaveUnitNormAndKnownEntries) {
  for (int a = 0; a <= 4; ++a)
    for (int b = 0; b <= 4; ++b)
      for (int c = std::abs(a - b); c <= std::min(a + b, 4); ++c) {
        double square = 0;
        for (const double v : real_3j(a, b, c)) square += v * v;
        EXPECT_NEAR(square, 1, 1e-13);
      }
  for (const double v : real_3j(1, 1, 3)) EXPECT_EQ(v, 0);
  const auto entry = [](const std::vector<double>& c, int l2, int l3, int i, int j, int k) {
    return c[static_cast<std::size_t>((i * (2 * l2 + 1) + j) * (2 * l3 + 1) + k)];
  };
  const auto cross = real_3j(1, 1, 1), zero = real_3j(1, 1, 0), d = real_3j(2, 2, 0), two = real_3j(1, 1, 2);
  EXPECT_NEAR(std::sqrt(3.0) * entry(cross, 1, 1, 0, 1, 2), std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(std::sqrt(3.0) * entry(cross, 1, 1, 1, 0, 2), -std::sqrt(0.5), 1e-14);
  for (int m = 0; m < 3; ++m) EXPECT_NEAR(entry(zero, 1, 0, m, m, 0), 1 / std::sqrt(3.0), 1e-14);
  for (int m = 0; m < 5; ++m) EXPECT_NEAR(entry(d, 2, 0, m, m, 0), 1 / std::sqrt(5.0), 1e-14);
  EXPECT_NEAR(std::sqrt(5.0) * entry(two, 1, 2, 0, 2, 0), std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(std::sqrt(5.0) * entry(two, 1, 2, 1, 1, 2), std::sqrt(2.0 / 3), 1e-14);
  EXPECT_NEAR(std::sqrt(5.0) * entry(two, 1, 2, 0, 0, 2), -std::sqrt(1.0 / 6), 1e-14);
}

// Published weights belong to these signs. Source: e3nn 0.4.4, o3.wigner_3j, triples whose first entry that is not zero is negative.
TEST(Angular, CouplingsHaveTheSignsOfE3nn) {
  const std::set<std::array<int, 3>> negative{{1, 1, 2}, {1, 2, 3}, {1, 3, 4}, {2, 1, 2}, {2, 1, 3}, {2, 2, 2}, {2, 3, 2}, {2, 3, 3},
                                              {2, 4, 3}, {2, 4, 4}, {3, 1, 3}, {3, 1, 4}, {3, 2, 3}, {3, 2, 4}, {3, 3, 2}, {3, 4, 2},
                                              {3, 4, 3}, {4, 1, 4}, {4, 2, 4}, {4, 3, 3}, {4, 3, 4}, {4, 4, 2}};
  for (int a = 1; a <= 4; ++a)
    for (int b = 1; b <= 4; ++b)
      for (int c = std::max(1, std::abs(a - b)); c <= std::min(a + b, 4); ++c) {
        const auto w = real_3j(a, b, c);
        const auto first = std::find_if(w.begin(), w.end(), [](double v) { return v != 0; });
        EXPECT_EQ(*first < 0, negative.contains({a, b, c})) << a << b << c;
      }
}

// Products of harmonics of one direction: Σ_ij (l1 l2 l3)_ijk Y_i Y_j = c Y_k with one c for all directions and k; parity-odd ones vanish.
TEST(Angular, CouplingsAreEquivariant) {
  Random random(3, 0);
  for (int a = 0; a <= 4; ++a)
    for (int b = 0; b <= 4; ++b)
      for (int c = std::abs(a - b); c <= std::min(a + b, 4); ++c) {
        const auto w = real_3j(a, b, c);
        double constant = 0;
        for (int trial = 0; trial < 3; ++trial) {
          const auto Y = harmonics(4, direction(random).unit);
          for (int k = 0; k <= 2 * c; ++k) {
            double sum = 0;
            for (int i = 0; i <= 2 * a; ++i)
              for (int j = 0; j <= 2 * b; ++j)
                sum += w[static_cast<std::size_t>((i * (2 * b + 1) + j) * (2 * c + 1) + k)] * Y[static_cast<std::size_t>(a * a + i)] * Y[static_cast<std::size_t>(b * b + j)];
            const double y = Y[static_cast<std::size_t>(c * c + k)];
            if ((a + b + c) % 2) {
              EXPECT_NEAR(sum, 0, 1e-12);
            } else {
              if (constant == 0 && std::abs(y) > 0.3) constant = sum / y;
              if (constant != 0) {
                EXPECT_NEAR(sum, constant * y, 1e-12) << a << b << c;
              }
            }
          }
        }
      }
}

RadialFunction random_radial(std::uint64_t seed, std::vector<std::size_t> widths, bool xplor, bool transform, bool outside, bool density) {
  Random random(seed, 0);
  RadialFunction f;
  f.basis.cutoff = 5;
  f.basis.prefactor = 0.4;
  for (std::size_t n = 1; n <= widths[0]; ++n) f.basis.frequency.push_back(static_cast<double>(n) * 0.63);
  if (xplor) f.basis.xplor_onset = 4.5;
  f.basis.cutoff_on_basis = !outside;
  if (transform) f.basis.transform = Agnesi{1.0805, 0.9183, 4.5791};
  const auto network = [&](const std::vector<std::size_t>& w) {
    DenseNetwork net;
    net.width = w;
    net.factor = 1.679;
    for (std::size_t k = 0; k + 1 < w.size(); ++k) {
      net.weight.emplace_back(w[k] * w[k + 1]);
      for (double& v : net.weight.back()) v = random.normal() / std::sqrt(static_cast<double>(w[k]));
    }
    return net;
  };
  f.network = network(widths);
  if (density) f.density = network({widths[0], 5, 1});
  return f;
}

TEST(Radial, CutoffFunctionsHaveTheirClosedForms) {
  EXPECT_NEAR(polynomial_cutoff(2.5, 5, 5).value, 0.7734375, 1e-15);
  EXPECT_EQ(polynomial_cutoff(0, 5, 5).value, 1);
  const Jet edge = polynomial_cutoff(5 - 1e-9, 5, 5);
  EXPECT_NEAR(edge.value, 0, 1e-14);
  EXPECT_NEAR(edge.first, 0, 1e-14);
  EXPECT_NEAR(edge.second, 0, 1e-7);
  EXPECT_EQ(xplor_cutoff(4.49, 5, 4.5).value, 1);
  EXPECT_NEAR(xplor_cutoff(4.5, 5, 4.5).value, 1, 1e-15);
  EXPECT_NEAR(xplor_cutoff(4.5, 5, 4.5).first, 0, 1e-14);
  EXPECT_NEAR(xplor_cutoff(4.75, 5, 4.5).value, std::pow(25 - 4.75 * 4.75, 2) * (25 + 2 * 4.75 * 4.75 - 60.75) / 107.171875, 1e-15);
  EXPECT_NEAR(xplor_cutoff(5 - 1e-9, 5, 4.5).first, 0, 1e-7);
  const Agnesi form{1.0805, 0.9183, 4.5791};
  EXPECT_NEAR(agnesi(form, 1.4, 1.4).value, 1 / (1 + 1.0805 / 2), 1e-15);
}

TEST(Radial, DerivativesOfTheNetworkAreThoseOfItsValues) {
  int variant = 0;
  for (const bool xplor : {false, true})
    for (const bool transform : {false, true}) {
      ++variant;
      RadialFunction f = random_radial(10 + static_cast<std::uint64_t>(variant), {6, 16, 16, 7}, xplor, transform, variant % 2 == 0, variant > 2);
      if (variant % 2) f.power = {0, 1, 2, 3, 0, 1, 2};
      const ExactRadial<double> exact(f);
      const std::size_t n = f.outputs();
      EXPECT_EQ(n, variant > 2 ? 8u : 7u);
      const double h = 1e-4;
      for (double r = 0.9; r < 4.95; r += 0.173) {
        const std::vector<double> at{r, r + h, r - h}, length(3, 1.3);
        std::vector<double> v(3 * n), d(3 * n), c(3 * n);
        exact.evaluate(at, length, v.data(), d.data(), c.data());
        for (std::size_t u = 0; u < n; ++u) {
          EXPECT_NEAR(d[u], (v[n + u] - v[2 * n + u]) / (2 * h), 1e-5) << variant << " " << r;  // h² f'''/6, f''' up to about 10³
          EXPECT_NEAR(c[u], (d[n + u] - d[2 * n + u]) / (2 * h), 1e-4) << variant << " " << r;
        }
      }
    }
}

TEST(Radial, TablesAgreeWithTheNetworkToTheStatedTolerance) {
  for (const bool xplor : {false, true}) {
    const RadialFunction f = random_radial(20, {8, 32, 32, 21}, xplor, !xplor, false, !xplor);
    const std::size_t n = f.outputs();
    const ExactRadial<double> exact(f);
    const auto narrow = RadialTable<float>::build(f, 1.3, 2e-7, 1 << 26);
    const auto wide = RadialTable<double>::build(f, 1.3, 1e-10, 1 << 26);
    ASSERT_TRUE(narrow && wide);
    EXPECT_LE(narrow->value_error(), 2e-7);
    EXPECT_LE(wide->slope_error(), 1e-10);
    EXPECT_GT(wide->bytes(), 2 * narrow->bytes());
    Random random(21, 0);
    double scale = 0, slope_scale = 0, worst = 0, worst_slope = 0, worst_f = 0, worst_slope_f = 0;
    std::vector<double> v(n), d(n), tv(n), td(n);
    std::vector<float> fv(n), fd(n);
    for (int trial = 0; trial < 3000; ++trial) {
      const double r = wide->begin() + (5 - wide->begin()) * random.uniform(), length = 1.3;
      exact.evaluate({&r, 1}, {&length, 1}, v.data(), d.data(), nullptr);
      wide->evaluate(r, tv.data(), td.data());
      narrow->evaluate(r, fv.data(), fd.data());
      for (std::size_t u = 0; u < n; ++u) {
        scale = std::max(scale, std::abs(v[u]));
        slope_scale = std::max(slope_scale, std::abs(d[u]));
        worst = std::max(worst, std::abs(tv[u] - v[u]));
        worst_slope = std::max(worst_slope, std::abs(td[u] - d[u]));
        worst_f = std::max(worst_f, std::abs(static_cast<double>(fv[u]) - v[u]));
        worst_slope_f = std::max(worst_slope_f, std::abs(static_cast<double>(fd[u]) - d[u]));
      }
    }
    // Quarters are not where the error is largest, but it is flat there: a factor of two is allowed.
    EXPECT_LE(worst, 2e-10 * scale);
    EXPECT_LE(worst_slope, 2e-10 * slope_scale);
    EXPECT_LE(worst_f, 1e-6 * scale);  // and the rounding of float32
    EXPECT_LE(worst_slope_f, 1e-5 * slope_scale);
    EXPECT_FALSE(RadialTable<float>::build(f, 1.3, 1e-30, 1 << 22));
  }
}

TEST(Radial, WeightsTakeTheNetworkBelowTheTable) {
  const RadialFunction f = random_radial(30, {4, 8, 5}, false, false, false, false);
  RadialWeights<double> table(f, {1.0}, false), exact(f, {1.0}, true);
  table.prepare(std::vector<std::uint32_t>{0});
  ASSERT_NE(table.table(0), nullptr);
  EXPECT_EQ(exact.table(0), nullptr);
  const std::vector<double> r{0.1, 0.5, 2.2, 4.99};
  const std::vector<std::uint32_t> kind(4, 0);
  std::vector<double> a(20), b(20), da(20), db(20);
  table.evaluate(r, kind, a.data(), da.data());
  exact.evaluate(r, kind, b.data(), db.data());
  for (std::size_t u = 0; u < 20; ++u) {
    EXPECT_NEAR(a[u], b[u], 1e-8);
    EXPECT_NEAR(da[u], db[u], 1e-7);
  }
  for (std::size_t u = 0; u < 5; ++u) EXPECT_NEAR(a[u], b[u], 1e-15);  // the order of sums may differ
}

TEST(Radial, ImpossibleFunctionsAreRefused) {
  RadialFunction f = random_radial(31, {4, 8, 5}, true, false, false, false);
  f.basis.xplor_onset = 6;
  EXPECT_THROW(ExactRadial<float>{f}, Error);
  f = random_radial(31, {4, 8, 5}, true, false, false, false);
  f.network.weight[1].pop_back();
  EXPECT_THROW(ExactRadial<float>{f}, Error);
  f = random_radial(31, {4, 8, 5}, true, false, false, false);
  f.network.weight[0][0] = std::nan("");
  EXPECT_THROW(ExactRadial<float>{f}, Error);
}

/// A plan with every path up to l = 4 both templated and general kernels see, and channel counts that fill no vector.
MessagePlan random_plan(std::vector<std::size_t> channels, int l_max) {
  MessagePlan plan;
  plan.l_max = l_max;
  std::vector<std::size_t> total(static_cast<std::size_t>(l_max + 1), 0);
  for (int l = 0; l < static_cast<int>(channels.size()); ++l) plan.in.push_back({channels[static_cast<std::size_t>(l)], l});
  for (std::size_t in = 0; in < plan.in.size(); ++in)
    for (int l = 0; l <= l_max; ++l)
      for (int out = std::abs(plan.in[in].l - l); out <= std::min(plan.in[in].l + l, l_max); ++out) {
        auto& channel = total[static_cast<std::size_t>(out)];
        plan.paths.push_back({in, static_cast<std::size_t>(out), l, plan.weights, channel});
        plan.weights += plan.in[in].channels;
        channel += plan.in[in].channels;
      }
  for (int l = 0; l <= l_max; ++l) plan.out.push_back({total[static_cast<std::size_t>(l)], l});
  return plan;
}

template <typename T>
void check_message(double tolerance) {
  const MessagePlan plan = random_plan({37, 18, 5, 3, 2}, 4);
  const Message<T> message(plan);
  Random random(40, 0);
  const Direction d = direction(random);
  std::vector<double> Y(25), tilt(50);
  e3nn_harmonics(4, d.unit, d.tangent, Y, tilt);
  const auto fill = [&](std::size_t n) {
    std::vector<T> v(n);
    for (T& x : v) x = static_cast<T>(random.normal());
    return v;
  };
  std::vector<std::vector<T>> x, out, g, gx;
  for (const auto& b : plan.in) {
    x.push_back(fill(b.size()));
    gx.emplace_back(b.size(), T(0));
  }
  for (const auto& b : plan.out) {
    out.emplace_back(b.size(), T(0));
    g.push_back(fill(b.size()));
  }
  const std::vector<T> w = fill(plan.weights), dw = fill(plan.weights);
  const auto pointers = [](auto& v) {
    std::vector<T*> p;
    for (auto& b : v) p.push_back(b.data());
    return p;
  };
  const auto constant = [](const auto& v) {
    std::vector<const T*> p;
    for (const auto& b : v) p.push_back(b.data());
    return p;
  };
  std::vector<T> scratch(message.scratch()), y(Y.begin(), Y.end()), slope(tilt.begin(), tilt.end());
  const auto xp = constant(x), gp = constant(g);
  const auto op = pointers(out), gxp = pointers(gx);
  message.forward(xp.data(), w.data(), y.data(), op.data(), scratch.data());
  T pair[3];
  message.backward(xp.data(), w.data(), dw.data(), y.data(), slope.data(), gp.data(), gxp.data(), pair, scratch.data());

  // The definition, sum by sum.
  std::vector<std::vector<double>> want, want_gx;
  for (const auto& b : plan.out) want.emplace_back(b.size(), 0.0);
  for (const auto& b : plan.in) want_gx.emplace_back(b.size(), 0.0);
  double sums[3] = {};
  for (const MessagePath& path : plan.paths) {
    const auto &in = plan.in[path.in], &to = plan.out[path.out];
    const auto c3 = real_3j(in.l, path.l_edge, to.l);
    const auto I = static_cast<std::size_t>(2 * in.l + 1), J = static_cast<std::size_t>(2 * path.l_edge + 1), K = static_cast<std::size_t>(2 * to.l + 1);
    const double odd = path.l_edge % 2 ? -1 : 1;
    for (std::size_t i = 0; i < I; ++i)
      for (std::size_t j = 0; j < J; ++j)
        for (std::size_t k = 0; k < K; ++k) {
          const double c = std::sqrt(static_cast<double>(K)) * c3[(i * J + j) * K + k];
          const std::size_t at = static_cast<std::size_t>(path.l_edge * path.l_edge) + j;
          for (std::size_t u = 0; u < in.channels; ++u) {
            const double xv = x[path.in][i * in.channels + u], wv = w[path.first_weight + u];
            const std::size_t o = k * to.channels + path.first_channel + u;
            want[path.out][o] += c * wv * xv * Y[at];
            const double gv = g[path.out][o];
            want_gx[path.in][i * in.channels + u] += odd * c * wv * Y[at] * gv;
            sums[0] += odd * c * static_cast<double>(dw[path.first_weight + u]) * xv * Y[at] * gv;
            for (std::size_t t = 0; t < 2; ++t) sums[1 + t] += odd * c * wv * xv * tilt[2 * at + t] * gv;
          }
        }
  }
  for (std::size_t b = 0; b < want.size(); ++b)
    for (std::size_t k = 0; k < want[b].size(); ++k) ASSERT_NEAR(static_cast<double>(out[b][k]), want[b][k], tolerance);
  for (std::size_t b = 0; b < want_gx.size(); ++b)
    for (std::size_t k = 0; k < want_gx[b].size(); ++k) ASSERT_NEAR(static_cast<double>(gx[b][k]), want_gx[b][k], 10 * tolerance);
  for (std::size_t t = 0; t < 3; ++t) EXPECT_NEAR(static_cast<double>(pair[t]), sums[t], 100 * tolerance);
}

TEST(Message, AgreesWithItsDefinitionInBothPrecisions) {
  check_message<double>(1e-12);
  check_message<float>(2e-5);  // sums of about 50 numbers of size 1 to 10
}

TEST(Message, ImpossiblePathsAreRefused) {
  MessagePlan plan = random_plan({4, 2}, 2);
  plan.paths[0].first_channel += 100;
  EXPECT_THROW(Message<float>{plan}, Error);
  plan = random_plan({4, 2}, 2);
  plan.paths[0].l_edge = 2;
  EXPECT_THROW(Message<float>{plan}, Error);
  plan = random_plan({4, 2}, 2);
  plan.paths[0].in = 7;
  EXPECT_THROW(Message<float>{plan}, Error);
  plan = random_plan({4, 2}, 2);
  plan.paths[0].l_edge = 3;
  EXPECT_THROW(Message<float>{plan}, Error);
}

template <typename T>
void check_contraction(double tolerance) {
  constexpr std::size_t inputs = 4, channels = 19, species = 2, sites = 3;
  Random random(60, 0);
  ContractionPlan plan{inputs, channels, species, {}};
  for (const std::size_t components : {std::size_t(1), std::size_t(3)}) {
    ContractionOutput output{components, {}};
    for (int order = 1; order <= 4; ++order) {
      ContractionTerm term;
      term.order = order;
      term.paths = order == 2 ? 0 : 2;
      std::size_t products = 1;
      for (int k = 0; k < order; ++k) products *= inputs;
      term.coupling.resize(components * products * term.paths);
      for (double& u : term.coupling) u = random.uniform() < 0.3 ? random.normal() : 0;
      term.weight.resize(species * term.paths * channels);
      for (double& w : term.weight) w = random.normal();
      output.terms.push_back(term);
    }
    plan.outputs.push_back(output);
  }
  const SymmetricContraction<T> contraction(plan);
  contraction.prepare(std::vector<int>{1});
  std::vector<std::vector<T>> a(sites * inputs, std::vector<T>(channels)), b(sites * 4, std::vector<T>(channels)), gb = b, ga = a;
  for (auto* rows : {&a, &gb})
    for (auto& row : *rows)
      for (T& v : row) v = static_cast<T>(random.normal());
  const auto pointers = [](auto& rows) {
    std::vector<T*> p;
    for (auto& row : rows) p.push_back(row.data());
    return p;
  };
  const auto ap = pointers(a), bp = pointers(b), gbp = pointers(gb), gap = pointers(ga);
  std::vector<ContractionRows<T>> rows;
  for (std::size_t s = 0; s < sites; ++s) rows.push_back({ap.data() + s * inputs, bp.data() + s * 4, gbp.data() + s * 4, gap.data() + s * inputs});
  std::vector<T> scratch;
  contraction.forward(1, rows, scratch);
  contraction.backward(1, rows, scratch);
  for (std::size_t s = 0; s < sites; ++s)
    for (std::size_t c = 0; c < channels; ++c) {
      std::vector<double> slope(inputs, 0.0);
      std::size_t first = 0;
      for (const ContractionOutput& output : plan.outputs) {
        for (std::size_t o = 0; o < output.components; ++o) {
          double sum = 0;
          for (const ContractionTerm& term : output.terms) {
            std::size_t products = 1;
            for (int k = 0; k < term.order; ++k) products *= inputs;
            for (std::size_t index = 0; index < products; ++index)
              for (std::size_t p = 0; p < term.paths; ++p) {
                const double u = term.coupling[(o * products + index) * term.paths + p] * term.weight[(term.paths + p) * channels + c];
                std::vector<std::size_t> factor;
                for (std::size_t rest = index, k = 0; k < static_cast<std::size_t>(term.order); ++k, rest /= inputs) factor.push_back(rest % inputs);
                double product = u;
                for (const std::size_t i : factor) product *= static_cast<double>(a[s * inputs + i][c]);
                sum += product;
                for (std::size_t skip = 0; skip < factor.size(); ++skip) {
                  double rest = u * static_cast<double>(gb[s * 4 + first + o][c]);
                  for (std::size_t k = 0; k < factor.size(); ++k)
                    if (k != skip) rest *= static_cast<double>(a[s * inputs + factor[k]][c]);
                  slope[factor[skip]] += rest;
                }
              }
          }
          ASSERT_NEAR(static_cast<double>(b[s * 4 + first + o][c]), sum, tolerance * (1 + std::abs(sum)));
        }
        first += output.components;
      }
      for (std::size_t i = 0; i < inputs; ++i) ASSERT_NEAR(static_cast<double>(ga[s * inputs + i][c]), slope[i], tolerance * (10 + std::abs(slope[i])));
    }
}

TEST(SymmetricContraction, AgreesWithItsDefinitionInBothPrecisions) {
  check_contraction<double>(1e-11);
  check_contraction<float>(1e-3);  // hundreds of products that cancel
}

TEST(SymmetricContraction, ImpossiblePlansAreRefused) {
  ContractionPlan plan{3, 4, 1, {{1, {{2, 1, std::vector<double>(9), std::vector<double>(4)}}}}};
  EXPECT_NO_THROW(SymmetricContraction<float>{plan});
  plan.outputs[0].terms[0].coupling.pop_back();
  EXPECT_THROW(SymmetricContraction<float>{plan}, Error);
  plan.outputs[0].terms[0] = {7, 1, {}, {}};
  EXPECT_THROW(SymmetricContraction<float>{plan}, Error);
}

template <typename T>
void check_product(double tolerance) {
  Random random(70, 0);
  for (const std::size_t rows : {0, 1, 5, 6, 7, 17})
    for (const std::size_t columns : {1, 3, 16, 64, 101})
      for (const std::size_t inner : {0, 1, 9})
        for (const bool add : {false, true}) {
          const std::size_t a_stride = inner + 2, b_stride = columns + 1, c_stride = columns + 3;
          std::vector<T> a(rows * a_stride + 1), b(inner * b_stride + 1), c(rows * c_stride + 1);
          for (auto* m : {&a, &b, &c})
            for (T& v : *m) v = static_cast<T>(random.normal());
          const std::vector<T> before = c;
          multiply(rows, inner, columns, T(1.5), a.data(), a_stride, b.data(), b_stride, add, c.data(), c_stride);
          for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < c_stride; ++j) {
              double want = static_cast<double>(before[i * c_stride + j]);
              if (j < columns) {
                if (!add) want = 0;
                for (std::size_t k = 0; k < inner; ++k) want += 1.5 * static_cast<double>(a[i * a_stride + k]) * static_cast<double>(b[k * b_stride + j]);
              }
              ASSERT_NEAR(static_cast<double>(c[i * c_stride + j]), want, tolerance);
            }
        }
}

TEST(MatrixProduct, AgreesWithSumsForAllSizes) {
  check_product<double>(1e-13);
  check_product<float>(1e-5);
}

TEST(Features, LinearMapsAndTheirTransposesAgreeWithSums) {
  const std::vector<FeatureBlock> in_blocks{{3, 0}, {4, 1}}, out_blocks{{5, 1}, {2, 0}, {3, 2}};
  Features<double> in, out, back;
  in.resize(in_blocks, 4);
  out.resize(out_blocks, 3);
  back.resize(in_blocks, 4);
  Random random(50, 0);
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t k = 0; k < 4 * in_blocks[b].size(); ++k) in.row(b, 0)[k] = random.normal();
  LinearMap<double> map;
  for (const std::size_t size : {20, 6}) {
    std::vector<double> weight(size);
    for (double& w : weight) w = random.normal();
    map.add(size == 20 ? 1 : 0, size == 20 ? 0 : 1, weight, size == 20 ? 4 : 3);
  }
  map.bias = {0.5, -2};
  map.bias_block = 1;
  apply(map, in, 1, 4, out, 0, false);
  for (std::size_t s = 0; s < 3; ++s) {
    for (std::size_t m = 0; m < 3; ++m)
      for (std::size_t o = 0; o < 5; ++o) {
        double sum = 0;
        for (std::size_t i = 0; i < 4; ++i) sum += in.row(1, s + 1)[m * 4 + i] * map.terms[0].weight[i * 5 + o];
        EXPECT_NEAR(out.row(0, s)[m * 5 + o], sum, 1e-13);
      }
    for (std::size_t o = 0; o < 2; ++o) {
      double sum = map.bias[o];
      for (std::size_t i = 0; i < 3; ++i) sum += in.row(0, s + 1)[i] * map.terms[1].weight[i * 2 + o];
      EXPECT_NEAR(out.row(1, s)[o], sum, 1e-13);
    }
    for (std::size_t k = 0; k < 15; ++k) EXPECT_EQ(out.row(2, s)[k], 0);
  }
  back.fill_zero(0, 4);
  apply_transposed(map, out, 0, 3, back, 1, 2.0, true);
  for (std::size_t s = 0; s < 3; ++s)
    for (std::size_t m = 0; m < 3; ++m)
      for (std::size_t i = 0; i < 4; ++i) {
        double sum = 0;
        for (std::size_t o = 0; o < 5; ++o) sum += 2 * out.row(0, s)[m * 5 + o] * map.terms[0].weight[i * 5 + o];
        EXPECT_NEAR(back.row(1, s + 1)[m * 4 + i], sum, 1e-12);
      }
}

TEST(Features, ActivationsAndSlopes) {
  std::vector<double> x, value, slope;
  for (double z = -90; z < 90; z += 0.731) x.push_back(z);
  for (const double z : {-1e4, -5000., -800., -300., -105., 105., 300., 800., 5000., 1e4}) x.push_back(z);  // where exp leaves its range
  value.resize(x.size());
  slope.resize(x.size());
  std::vector<float> xf(x.begin(), x.end()), vf(x.size()), sf(x.size());
  activate(Nonlinearity::silu, 1.68, x.size(), x.data(), value.data(), slope.data());
  activate(Nonlinearity::silu, 1.68, x.size(), xf.data(), vf.data(), sf.data());
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double s = 1 / (1 + std::exp(-x[k]));
    EXPECT_NEAR(value[k], 1.68 * x[k] * s, 1e-13 * (1 + std::abs(x[k])));
    EXPECT_NEAR(slope[k], 1.68 * (s + x[k] * s * (1 - s)), 1e-13 * (1 + std::abs(x[k])));
    EXPECT_NEAR(static_cast<double>(vf[k]), value[k], 1e-6 * (1 + std::abs(x[k])));
    EXPECT_NEAR(static_cast<double>(sf[k]), slope[k], 1e-5);
  }
  activate(Nonlinearity::tanh, 2, x.size(), x.data(), value.data(), slope.data());
  for (std::size_t k = 0; k < x.size(); ++k) {
    EXPECT_NEAR(value[k], 2 * std::tanh(x[k]), 1e-14);
    EXPECT_NEAR(slope[k], 2 * (1 - std::pow(std::tanh(x[k]), 2)), 1e-14);
  }
  activate(Nonlinearity::abs, 3, x.size(), x.data(), value.data(), slope.data());
  for (std::size_t k = 0; k < x.size(); ++k) {
    EXPECT_EQ(value[k], 3 * std::abs(x[k]));
    EXPECT_EQ(slope[k], x[k] > 0 ? 3 : -3);
  }
}

}  // namespace
}  // namespace saltus::kernels
