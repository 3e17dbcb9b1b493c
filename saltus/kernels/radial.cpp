#include "saltus/kernels/radial.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "saltus/base/error.hpp"
#include "saltus/kernels/hermite.hpp"
#include "saltus/kernels/matrix_product.hpp"

namespace saltus::kernels {

Jet polynomial_cutoff(double r, double cutoff, double order) {
  if (r >= cutoff) return {};
  const Jet x{r / cutoff, 1 / cutoff, 0};
  if (r <= 0) return {1, 0, 0};
  const double p = order;
  return ((-(p + 1) * (p + 2) / 2) * pow(x, p) + (p * (p + 2)) * pow(x, p + 1) + (-p * (p + 1) / 2) * pow(x, p + 2)) + 1;
}

Jet xplor_cutoff(double r, double cutoff, double onset) {
  if (r < onset) return {1, 0, 0};
  if (r >= cutoff) return {};
  const double c2 = cutoff * cutoff, o2 = onset * onset, span = c2 - o2;
  const Jet r2{r * r, 2 * r, 2}, rest = (-1.0 * r2) + c2;
  return (1 / (span * span * span)) * (rest * rest * ((2.0 * r2) + (c2 - 3 * o2)));
}

Jet agnesi(const Agnesi& form, double r, double length) {
  const Jet x{r / length, 1 / length, 0};
  return reciprocal((form.a * (pow(x, form.q) * reciprocal(pow(x, form.q - form.p) + 1))) + 1);
}

std::vector<double> RadialBasis::breaks() const {
  return xplor_onset && *xplor_onset > 0 ? std::vector<double>{*xplor_onset} : std::vector<double>{};
}

Jet RadialBasis::envelope(double r) const {
  return xplor_onset ? xplor_cutoff(r, cutoff, *xplor_onset) : polynomial_cutoff(r, cutoff, order);
}

void RadialBasis::evaluate(double r, double length, std::span<Jet> functions) const {
  const Jet s = transform ? agnesi(*transform, r, length) : Jet{r, 1, 0};
  const Jet front = cutoff_on_basis ? prefactor * (envelope(r) * reciprocal(s)) : prefactor * reciprocal(s);
  for (std::size_t n = 0; n < frequency.size(); ++n) functions[n] = front * sin(frequency[n] * s);
}

namespace {

void check_network(const DenseNetwork& network, std::size_t inputs) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::format, std::string("radial network: ") + what); };
  if (network.width.size() < 2 || network.weight.size() + 1 != network.width.size()) refuse("one matrix between neighbouring widths is needed");
  if (network.width.front() != inputs) refuse("the first width is not the number of basis functions");
  for (std::size_t k = 0; k < network.weight.size(); ++k) {
    if (network.weight[k].size() != network.width[k] * network.width[k + 1]) refuse("a matrix does not fit its widths");
    for (const double w : network.weight[k])
      if (!std::isfinite(w)) refuse("a weight is not finite");
  }
  if (!std::isfinite(network.factor)) refuse("the factor of the activation is not finite");
}

/// φ and its two derivatives, times factor.
Jet activate(DenseActivation activation, double factor, double z) {
  if (activation == DenseActivation::tanh) {
    const double t = std::tanh(z), d = 1 - t * t;
    return {factor * t, factor * d, factor * -2 * t * d};
  }
  const double s = 1 / (1 + std::exp(-z)), d = s * (1 - s);
  return {factor * z * s, factor * (s + z * d), factor * d * (2 + z * (1 - 2 * s))};
}

/// Rows of a network's last layer with derivatives; `layer[k]` are the buffers of three orders.
template <typename T>
void run_network(const DenseNetwork& network, const std::vector<std::vector<T>>& weight, std::size_t rows, int orders,
                 std::vector<T> (&input)[3], T* const (&output)[3], std::size_t output_stride) {
  std::vector<T> next[3];
  for (std::size_t k = 0; k < weight.size(); ++k) {
    const std::size_t in = network.width[k], out = network.width[k + 1];
    const bool last = k + 1 == weight.size();
    for (int o = 0; o < orders; ++o) {
      if (last) {
        multiply(rows, in, out, T(1), input[o].data(), in, weight[k].data(), out, false, output[o], output_stride);
      } else {
        next[o].resize(rows * out);
        multiply(rows, in, out, T(1), input[o].data(), in, weight[k].data(), out, false, next[o].data(), out);
      }
    }
    if (last) break;
    for (std::size_t e = 0; e < rows * out; ++e) {
      const Jet f = activate(network.activation, network.factor, static_cast<double>(next[0][e]));
      if (orders > 2) next[2][e] = static_cast<T>(f.second) * next[1][e] * next[1][e] + static_cast<T>(f.first) * next[2][e];
      if (orders > 1) next[1][e] = static_cast<T>(f.first) * next[1][e];
      next[0][e] = static_cast<T>(f.value);
    }
    for (int o = 0; o < orders; ++o) std::swap(input[o], next[o]);
  }
}

}  // namespace

void RadialFunction::check() const {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::format, std::string("radial functions: ") + what); };
  if (!(basis.cutoff > 0 && basis.cutoff <= 100)) refuse("the cutoff is not between 0 and 100 ang");
  if (basis.xplor_onset && !(*basis.xplor_onset >= 0 && *basis.xplor_onset < basis.cutoff)) refuse("the onset of the cutoff function is not inside the cutoff");
  if (!basis.xplor_onset && !(basis.order >= 2 && basis.order <= 100)) refuse("the order of the polynomial cutoff is not between 2 and 100");
  if (basis.frequency.empty() || basis.frequency.size() > 1000) refuse("1 to 1000 basis functions are possible");
  for (const double c : basis.frequency)
    if (!std::isfinite(c)) refuse("a frequency is not finite");
  if (!std::isfinite(basis.prefactor)) refuse("the prefactor is not finite");
  check_network(network, basis.frequency.size());
  if (density) {
    check_network(*density, basis.frequency.size());
    if (density->width.back() != 1) refuse("a density has one value");
  }
  if (!power.empty() && power.size() != weights()) refuse("one power of the distance for each weight is needed");
  for (const int p : power)
    if (p < 0 || p > 8) refuse("powers of the distance from 0 to 8 are possible");
}

template <typename T>
ExactRadial<T>::ExactRadial(const RadialFunction& function) : function_(function) {
  function_.check();
  for (const auto& w : function_.network.weight) weight_.emplace_back(w.begin(), w.end());
  if (function_.density)
    for (const auto& w : function_.density->weight) density_weight_.emplace_back(w.begin(), w.end());
}

template <typename T>
void ExactRadial<T>::evaluate(std::span<const double> r, std::span<const double> length, T* value, T* first, T* second) const {
  const int orders = second ? 3 : first ? 2 : 1;
  const std::size_t rows = r.size(), n = function_.basis.frequency.size(), stride = function_.outputs(), weights = function_.weights();
  if (rows == 0) return;
  std::vector<Jet> functions(n);
  std::vector<T> input[3];
  for (int o = 0; o < orders; ++o) input[o].resize(rows * n);
  for (std::size_t e = 0; e < rows; ++e) {
    function_.basis.evaluate(r[e], length.empty() ? 1 : length[e], functions);
    for (std::size_t k = 0; k < n; ++k) {
      input[0][e * n + k] = static_cast<T>(functions[k].value);
      if (orders > 1) input[1][e * n + k] = static_cast<T>(functions[k].first);
      if (orders > 2) input[2][e * n + k] = static_cast<T>(functions[k].second);
    }
  }
  T* const output[3] = {value, first, second};
  std::vector<T> density_input[3];
  if (function_.density)
    for (int o = 0; o < orders; ++o) density_input[o] = input[o];
  run_network(function_.network, weight_, rows, orders, input, output, stride);
  const bool outside = !function_.basis.cutoff_on_basis;
  if (outside || !function_.power.empty())
    for (std::size_t e = 0; e < rows; ++e) {
      Jet factor[9];  // by power of the distance
      factor[0] = outside ? function_.basis.envelope(r[e]) : Jet{1, 0, 0};
      for (int p = 1; p <= 8; ++p) factor[p] = factor[p - 1] * Jet{r[e], 1, 0};
      for (std::size_t u = 0; u < weights; ++u) {
        const std::size_t at = e * stride + u;
        const Jet f = factor[function_.power.empty() ? 0 : function_.power[u]];
        const Jet w{static_cast<double>(value[at]), first ? static_cast<double>(first[at]) : 0, second ? static_cast<double>(second[at]) : 0};
        const Jet product = f * w;
        value[at] = static_cast<T>(product.value);
        if (first) first[at] = static_cast<T>(product.first);
        if (second) second[at] = static_cast<T>(product.second);
      }
    }
  if (function_.density) {
    std::vector<T> y[3];
    for (int o = 0; o < orders; ++o) y[o].resize(rows);
    T* const density_output[3] = {y[0].data(), y[1].data(), y[2].data()};
    run_network(*function_.density, density_weight_, rows, orders, density_input, density_output, std::size_t(1));
    for (std::size_t e = 0; e < rows; ++e) {
      const Jet v{static_cast<double>(y[0][e]), orders > 1 ? static_cast<double>(y[1][e]) : 0, orders > 2 ? static_cast<double>(y[2][e]) : 0};
      const Jet square = v * v;
      const double t = std::tanh(square.value), d = 1 - t * t;
      Jet density = chain(square, t, d, -2 * t * d);
      if (outside) density = function_.basis.envelope(r[e]) * density;
      const std::size_t at = e * stride + weights;
      value[at] = static_cast<T>(density.value);
      if (first) first[at] = static_cast<T>(density.first);
      if (second) second[at] = static_cast<T>(density.second);
    }
  }
}

template class ExactRadial<float>;
template class ExactRadial<double>;

template <typename T>
std::optional<RadialTable<T>> RadialTable<T>::build(const RadialFunction& function, double length, double tolerance, std::size_t byte_limit) {
  const ExactRadial<double> exact(function);
  const double cutoff = function.basis.cutoff;
  const std::size_t n = function.outputs();
  RadialTable table;
  table.outputs_ = n;
  table.begin_ = std::min(0.4, 0.1 * cutoff);
  std::vector<double> ends{table.begin_};
  for (const double b : function.basis.breaks())
    if (b > table.begin_ && b < cutoff) ends.push_back(b);
  ends.push_back(cutoff);

  // Exact rows of value, slope and curvature.
  struct Rows {
    std::vector<double> v, d, c;
  };
  const auto rows_at = [&](const std::vector<double>& r, bool curvature) {
    Rows rows;
    rows.v.resize(r.size() * n);
    rows.d.resize(r.size() * n);
    if (curvature) rows.c.resize(r.size() * n);
    const std::vector<double> lengths(r.size(), length);
    exact.evaluate(r, lengths, rows.v.data(), rows.d.data(), curvature ? rows.c.data() : nullptr);
    return rows;
  };

  double last_value_error = std::numeric_limits<double>::infinity(), last_slope_error = last_value_error;
  for (double step = 0.1;;) {
    std::size_t knots = 0;
    for (std::size_t s = 0; s + 1 < ends.size(); ++s) knots += static_cast<std::size_t>(std::ceil((ends[s + 1] - ends[s]) / step)) + 1;
    if (knots * 3 * n * sizeof(T) > byte_limit) return std::nullopt;
    table.segment_.clear();
    std::vector<double> knot;
    double value_error = 0, slope_error = 0, value_scale = 0, slope_scale = 0;
    for (std::size_t s = 0; s + 1 < ends.size(); ++s) {
      const double begin = ends[s], end = ends[s + 1];
      const auto intervals = static_cast<std::size_t>(std::ceil((end - begin) / step));
      const double h = (end - begin) / static_cast<double>(intervals);
      table.segment_.push_back({begin, h, intervals, knot.size() / (3 * n)});
      // One-sided at both ends: a break belongs to the segment on either side.
      std::vector<double> r(intervals + 1);
      for (std::size_t k = 0; k <= intervals; ++k) r[k] = begin + static_cast<double>(k) * h;
      r.back() = std::nextafter(end, begin);
      const Rows at = rows_at(r, true);
      const std::size_t first = knot.size();
      knot.resize(first + r.size() * 3 * n);
      for (std::size_t k = 0; k < r.size(); ++k)
        for (std::size_t u = 0; u < n; ++u) {
          double* own = knot.data() + first + k * 3 * n;
          own[u] = at.v[k * n + u];
          own[n + u] = h * at.d[k * n + u];
          own[2 * n + u] = h * h * at.c[k * n + u];
          value_scale = std::max(value_scale, std::abs(own[u]));
          slope_scale = std::max(slope_scale, std::abs(at.d[k * n + u]));
        }
      for (const double t : {0.25, 0.5, 0.75}) {
        std::vector<double> between(intervals);
        for (std::size_t k = 0; k < intervals; ++k) between[k] = begin + (static_cast<double>(k) + t) * h;
        const Rows want = rows_at(between, false);
        std::vector<double> value(n), slope(n);
        for (std::size_t k = 0; k < intervals; ++k) {
          hermite(n, knot.data() + first + k * 3 * n, t, h, value.data(), slope.data());
          for (std::size_t u = 0; u < n; ++u) {
            value_error = std::max(value_error, std::abs(value[u] - want.v[k * n + u]));
            slope_error = std::max(slope_error, std::abs(slope[u] - want.d[k * n + u]));
          }
        }
      }
    }
    table.value_error_ = value_scale > 0 ? value_error / value_scale : 0;
    table.slope_error_ = slope_scale > 0 ? slope_error / slope_scale : 0;
    if (!(table.value_error_ <= tolerance && table.slope_error_ <= tolerance)) {
      // Rounding is reached: smaller steps would not help.
      if (!(table.value_error_ < 0.8 * last_value_error || table.slope_error_ < 0.8 * last_slope_error)) return std::nullopt;
      last_value_error = table.value_error_;
      last_slope_error = table.slope_error_;
      // Values converge as step⁶, slopes as step⁵.
      const double shrink = 0.9 * std::min(std::pow(tolerance / table.value_error_, 1.0 / 6), std::pow(tolerance / table.slope_error_, 1.0 / 5));
      step *= std::clamp(shrink, 0.1, 0.8);
      continue;
    }
    table.knot_.assign(knot.begin(), knot.end());
    return table;
  }
}

template <typename T>
void RadialTable<T>::evaluate(double r, T* value, T* slope) const {
  std::size_t s = segment_.size() - 1;
  while (s > 0 && r < segment_[s].begin) --s;
  const Segment& segment = segment_[s];
  const double x = (r - segment.begin) / segment.step;
  const std::size_t k = std::min(static_cast<std::size_t>(std::max(x, 0.0)), segment.intervals - 1);
  hermite(outputs_, knot_.data() + (segment.first_knot + k) * 3 * outputs_, x - static_cast<double>(k), segment.step, value, slope);
}

template class RadialTable<float>;
template class RadialTable<double>;

}  // namespace saltus::kernels
