#include "saltus/potentials/ace_basis.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

/// Gauss–Legendre nodes and weights on [−1, 1] by Newton's method on P_n.
void gauss_legendre(int n, std::vector<double>& node, std::vector<double>& weight) {
  node.resize(static_cast<std::size_t>(n));
  weight.resize(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5)), derivative = 0;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double p0 = 1, p1 = x;
      for (int k = 2; k <= n; ++k) {
        const double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;
        p0 = p1;
        p1 = p2;
      }
      derivative = n * (x * p1 - p0) / (x * x - 1);
      const double step = p1 / derivative;
      x -= step;
      if (std::abs(step) < 1e-15) break;
    }
    node[static_cast<std::size_t>(i)] = x;
    weight[static_cast<std::size_t>(i)] = 2 / ((1 - x * x) * derivative * derivative);
  }
}

void check(const AceBasisSettings& s, int species) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::usage, "ACE basis: " + what); };
  if (species < 1) refuse("there must be at least one species");
  if (!(s.cutoff_ang > 0.5 && s.cutoff_ang < 30)) refuse(fmt::format("cutoff_ang = {} is not between 0.5 and 30", s.cutoff_ang));
  if (s.body_order < 2 || s.body_order > 4) refuse(fmt::format("body_order = {} is not 2, 3 or 4", s.body_order));
  if (s.radial_two_body < 1 || s.radial_two_body > kernels::ace_max_radial)
    refuse(fmt::format("radial_two_body = {} is not between 1 and {}", s.radial_two_body, kernels::ace_max_radial));
  for (const int l : {s.l_max_three_body, s.l_max_four_body})
    if (l < 0 || l > kernels::ace_max_l) refuse(fmt::format("l_max = {} is not between 0 and {}", l, kernels::ace_max_l));
  for (const int degree : {s.degree_three_body, s.degree_four_body})
    if (degree < 0 || degree >= kernels::ace_max_radial) refuse(fmt::format("degree = {} is not between 0 and {}", degree, kernels::ace_max_radial - 1));
}

/// Channels with n + l ≤ degree, l ≤ l_max, ascending.
std::vector<AceChannel> channels(int species, int degree, int l_max) {
  std::vector<AceChannel> list;
  for (int s = 0; s < species; ++s)
    for (int n = 0; n <= degree; ++n)
      for (int l = 0; l <= std::min(l_max, degree - n); ++l) list.push_back({s, n, l});
  std::sort(list.begin(), list.end());
  return list;
}

std::vector<AceFunction> enumerate(const AceBasisSettings& s, int species) {
  std::vector<AceFunction> list;
  for (int z = 0; z < species; ++z)
    for (int n = 0; n < s.radial_two_body; ++n) list.push_back({1, {AceChannel{z, n, 0}}});
  if (s.body_order >= 3) {
    const auto all = channels(species, s.degree_three_body, s.l_max_three_body);
    for (std::size_t a = 0; a < all.size(); ++a)
      for (std::size_t b = a; b < all.size(); ++b)
        if (all[a].l == all[b].l && all[a].n + all[b].n + 2 * all[a].l <= s.degree_three_body)
          list.push_back({2, {all[a], all[b]}});
  }
  if (s.body_order >= 4) {
    const auto all = channels(species, s.degree_four_body, s.l_max_four_body);
    for (std::size_t a = 0; a < all.size(); ++a)
      for (std::size_t b = a; b < all.size(); ++b) {
        const int used = all[a].n + all[a].l + all[b].n + all[b].l;
        if (used > s.degree_four_body) continue;
        for (std::size_t c = b; c < all.size(); ++c) {
          const int l1 = all[a].l, l2 = all[b].l, l3 = all[c].l;
          if (used + all[c].n + l3 > s.degree_four_body) continue;
          if (l3 > l1 + l2 || l3 < std::abs(l1 - l2) || (l1 + l2 + l3) % 2) continue;
          list.push_back({3, {all[a], all[b], all[c]}});
          if (list.size() > 20000) throw Error(ErrorKind::usage, "ACE basis: more than 20 000 functions; lower the degrees");
        }
      }
  }
  return list;
}

}  // namespace

std::vector<double> invariant_coupling(int l1, int l2, int l3) {
  const auto d1 = static_cast<std::size_t>(2 * l1 + 1), d2 = static_cast<std::size_t>(2 * l2 + 1), d3 = static_cast<std::size_t>(2 * l3 + 1);
  std::vector<double> tensor(d1 * d2 * d3, 0.0);
  const int total = l1 + l2 + l3;
  if (total % 2 || l3 > l1 + l2 || l3 < std::abs(l1 - l2)) return tensor;
  // The integral of three real harmonics: the invariant tensor is unique up to a factor, and this one is not zero.
  std::vector<double> node, weight;
  gauss_legendre(total / 2 + 1, node, weight);
  const int angles = total + 1, l_max = std::max({l1, l2, l3});
  std::vector<double> y(static_cast<std::size_t>((l_max + 1) * (l_max + 1)));
  for (std::size_t i = 0; i < node.size(); ++i)
    for (int k = 0; k < angles; ++k) {
      const double sine = std::sqrt(1 - node[i] * node[i]), phi = 2 * std::numbers::pi * (k + 0.3) / angles;
      kernels::real_spherical_harmonics(l_max, sine * std::cos(phi), sine * std::sin(phi), node[i], y);
      for (std::size_t a = 0; a < d1; ++a)
        for (std::size_t b = 0; b < d2; ++b)
          for (std::size_t c = 0; c < d3; ++c)
            tensor[(a * d2 + b) * d3 + c] += weight[i] * y[static_cast<std::size_t>(l1 * l1) + a] *
                                             y[static_cast<std::size_t>(l2 * l2) + b] * y[static_cast<std::size_t>(l3 * l3) + c];
    }
  double square = 0;
  for (const double t : tensor) square += t * t;
  for (double& t : tensor) {
    t /= std::sqrt(square);
    if (std::abs(t) < 1e-12) t = 0;
  }
  return tensor;
}

AceBasis make_ace_basis(const AceBasisSettings& settings, int species) {
  check(settings, species);
  AceBasis basis;
  basis.function = enumerate(settings, species);
  int l_max = 0;
  for (const auto& f : basis.function)
    for (int k = 0; k < f.order; ++k) l_max = std::max(l_max, f.channel[static_cast<std::size_t>(k)].l);
  basis.shape.species = species;
  basis.shape.l_max = l_max;
  basis.shape.radial_count.assign(static_cast<std::size_t>(l_max) + 1, 0);
  for (const auto& f : basis.function)
    for (int k = 0; k < f.order; ++k) {
      const auto& channel = f.channel[static_cast<std::size_t>(k)];
      int& count = basis.shape.radial_count[static_cast<std::size_t>(channel.l)];
      count = std::max(count, channel.n + 1);
    }
  const int features = basis.shape.features();
  const auto index = [&](const AceChannel& c, std::size_t m) {
    return static_cast<std::uint32_t>(c.species * features + basis.shape.offset(c.l) + c.n * (2 * c.l + 1) + static_cast<int>(m));
  };
  std::map<std::array<int, 3>, std::vector<double>> couplings;
  basis.first_term.push_back(0);
  for (const auto& f : basis.function) {
    const auto& c = f.channel;
    if (f.order == 1) {
      basis.term.push_back({{index(c[0], 0), 0, 0}, 1.0});
    } else if (f.order == 2) {
      const auto width = static_cast<std::size_t>(2 * c[0].l + 1);
      for (std::size_t m = 0; m < width; ++m)
        basis.term.push_back({{index(c[0], m), index(c[1], m), 0}, 1 / std::sqrt(static_cast<double>(width))});
    } else {
      auto& tensor = couplings[{c[0].l, c[1].l, c[2].l}];
      if (tensor.empty()) tensor = invariant_coupling(c[0].l, c[1].l, c[2].l);
      std::size_t k = 0;
      std::map<std::array<std::uint32_t, 3>, double> merged;
      for (std::size_t m0 = 0; m0 < static_cast<std::size_t>(2 * c[0].l + 1); ++m0)
        for (std::size_t m1 = 0; m1 < static_cast<std::size_t>(2 * c[1].l + 1); ++m1)
          for (std::size_t m2 = 0; m2 < static_cast<std::size_t>(2 * c[2].l + 1); ++m2, ++k) {
            if (tensor[k] == 0) continue;
            std::array<std::uint32_t, 3> factors{index(c[0], m0), index(c[1], m1), index(c[2], m2)};
            std::sort(factors.begin(), factors.end());
            merged[factors] += tensor[k];
          }
      for (const auto& [factors, coefficient] : merged)
        if (std::abs(coefficient) > 1e-12) basis.term.push_back({factors, coefficient});
    }
    basis.first_term.push_back(static_cast<std::uint32_t>(basis.term.size()));
  }
  return basis;
}

kernels::AcePolynomial expand(const AceBasis& basis, std::span<const double> coefficient) {
  std::map<std::uint32_t, double> linear;
  std::map<std::array<std::uint32_t, 2>, double> quadratic;
  std::map<std::array<std::uint32_t, 3>, double> cubic;
  for (std::size_t f = 0; f < basis.size(); ++f)
    for (std::uint32_t t = basis.first_term[f]; t < basis.first_term[f + 1]; ++t) {
      const auto& term = basis.term[t];
      const double c = coefficient[f] * term.coefficient;
      const auto& i = term.index;
      const int order = basis.function[f].order;
      if (order == 1) linear[i[0]] += c;
      else if (order == 2) quadratic[{i[0], i[1]}] += c;
      else cubic[i] += c;
    }
  kernels::AcePolynomial p;
  for (const auto& [v, c] : linear) {
    p.linear_index.push_back(v);
    p.linear_coefficient.push_back(c);
  }
  const auto add_inner = [&](std::uint32_t v, double c) {
    p.inner_index.push_back(v);
    p.inner_coefficient.push_back(c);
    return static_cast<std::uint32_t>(p.inner_index.size());
  };
  for (const auto& [v, c] : quadratic) {
    const std::uint32_t end = add_inner(v[1], c);
    if (p.outer2.empty() || p.outer2.back().a != v[0]) p.outer2.push_back({v[0], 0, end - 1, end});
    p.outer2.back().end = end;
  }
  for (const auto& [v, c] : cubic) {
    const std::uint32_t end = add_inner(v[2], c);
    if (p.outer3.empty() || p.outer3.back().a != v[0] || p.outer3.back().b != v[1]) p.outer3.push_back({v[0], v[1], end - 1, end});
    p.outer3.back().end = end;
  }
  return p;
}

void evaluate_functions(const AceBasis& basis, std::span<const double> A, std::span<double> value) {
  for (std::size_t f = 0; f < basis.size(); ++f) {
    double sum = 0;
    const int order = basis.function[f].order;
    for (std::uint32_t t = basis.first_term[f]; t < basis.first_term[f + 1]; ++t) {
      const auto& term = basis.term[t];
      double product = term.coefficient * A[term.index[0]];
      if (order > 1) product *= A[term.index[1]];
      if (order > 2) product *= A[term.index[2]];
      sum += product;
    }
    value[f] = sum;
  }
}

double roughness(const AceFunction& function) {
  double sum = 1;
  for (int k = 0; k < function.order; ++k) {
    const auto& c = function.channel[static_cast<std::size_t>(k)];
    sum += c.n * c.n + c.l * c.l;
  }
  return sum;
}

}  // namespace saltus
