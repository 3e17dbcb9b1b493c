#include "saltus/dynamics/ring_gle.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_polymer.hpp"
#include "saltus/kernels/matrix_product.hpp"
#include "saltus/kernels/normals.hpp"

namespace saltus {

namespace {

using Matrix = std::vector<double>;  // square, row major

/// Of the diagonal of C: what published digits and rounding leave, and what is no noise at all.
constexpr double rounding = 1e-13, published = 1e-6;

Matrix product(const Matrix& a, const Matrix& b, std::size_t n) {
  Matrix c(n * n);
  kernels::multiply(n, n, n, 1, a.data(), n, b.data(), n, false, c.data(), n);
  return c;
}

Matrix transposed(const Matrix& a, std::size_t n) {
  Matrix t(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) t[j * n + i] = a[i * n + j];
  return t;
}

/// Largest sum of a row.
double norm(const Matrix& a, std::size_t n) {
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += std::abs(a[i * n + j]);
    largest = std::max(largest, sum);
  }
  return largest;
}

/// exp(−A t): a Taylor series of a part of t so short that 16 terms are exact, squared as often as that part was halved.
Matrix exponential(Matrix a, std::size_t n, double time_fs) {
  const int halvings = std::max(0, std::ilogb(std::max(norm(a, n) * std::abs(time_fs), 1e-300)) + 2);
  for (double& x : a) x *= -std::ldexp(time_fs, -halvings);
  Matrix sum(n * n), term(n * n);
  for (std::size_t i = 0; i < n; ++i) sum[i * n + i] = term[i * n + i] = 1;
  for (int k = 1; k <= 16; ++k) {
    term = product(term, a, n);
    for (std::size_t e = 0; e < n * n; ++e) sum[e] += term[e] /= k;
  }
  for (int k = 0; k < halvings; ++k) sum = product(sum, sum, n);
  return sum;
}

Matrix pair_of(const Matrix& all, std::size_t pair, std::size_t n) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(pair * n * n);
  return {first, first + static_cast<std::ptrdiff_t>(n * n)};
}

/// The mean of C and its transpose.
Matrix covariance_of(const GleMatrices& matrices, std::size_t pair) {
  const std::size_t n = matrices.size;
  const Matrix c = pair_of(matrices.covariance_kelvin, pair, n);
  Matrix mean(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) mean[i * n + j] = 0.5 * (c[i * n + j] + c[j * n + i]);
  return mean;
}

/// S with S Sᵀ = m, by Cholesky's method with pivots, each row in units of the root of its `scale`, the diagonal of C. Empty where m has
/// negative eigenvalues beyond rounding.
Matrix root_of(Matrix m, const Matrix& c, std::size_t n) {
  std::vector<double> scale(n);
  for (std::size_t i = 0; i < n; ++i) scale[i] = std::sqrt(c[i * n + i]);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) m[i * n + j] /= scale[i] * scale[j];
  std::vector<char> done(n);
  Matrix s(n * n);
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = n;
    for (std::size_t i = 0; i < n; ++i)
      if (!done[i] && m[i * n + i] > rounding && (pivot == n || m[i * n + i] > m[pivot * n + pivot])) pivot = i;
    if (pivot == n) break;
    done[pivot] = 1;
    const double root = std::sqrt(m[pivot * n + pivot]);
    s[pivot * n + column] = root;
    for (std::size_t i = 0; i < n; ++i)
      if (!done[i]) s[i * n + column] = m[i * n + pivot] / root;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (!done[i] && !done[j]) m[i * n + j] -= s[i * n + column] * s[j * n + column];
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      if (!done[i] && !done[j] && !(i == j ? m[i * n + j] >= -published : std::abs(m[i * n + j]) <= published)) return {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) s[i * n + j] *= scale[i];
  return s;
}

[[noreturn]] void refuse(const GleMatrices& matrices, std::size_t pair, const std::string& what) {
  throw Error(ErrorKind::usage, fmt::format("generalised Langevin thermostat{}: {}", matrices.pairs() > 1 ? fmt::format(", mode {}", pair) : "", what));
}

Matrix noise_of(const GleMatrices& matrices, std::size_t pair, const Matrix& covariance, const Matrix& turn) {
  const std::size_t n = matrices.size;
  Matrix noise = product(product(turn, covariance, n), transposed(turn, n), n);
  for (std::size_t e = 0; e < n * n; ++e) noise[e] = covariance[e] - noise[e];
  Matrix root = root_of(std::move(noise), covariance, n);
  if (root.empty()) refuse(matrices, pair, "A C + C Aᵀ has a negative eigenvalue: no noise makes this C with this A; look at order, units and number of digits");
  return root;
}

void require_pair(const GleMatrices& matrices, std::size_t pair) {
  const std::size_t n = matrices.size;
  const Matrix a = pair_of(matrices.drift_per_fs, pair, n), c = pair_of(matrices.covariance_kelvin, pair, n);
  for (std::size_t i = 0; i < n; ++i)
    if (!(c[i * n + i] > 0)) refuse(matrices, pair, fmt::format("the diagonal of C must be positive; element {} is {} K", i, c[i * n + i]));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!(std::abs(c[i * n + j] - c[j * n + i]) <= published * std::sqrt(c[i * n + i] * c[j * n + j])))
        refuse(matrices, pair, fmt::format("C must be symmetric; elements {},{} and {},{} are {} and {} K", i, j, j, i, c[i * n + j], c[j * n + i]));
  const Matrix covariance = covariance_of(matrices, pair);
  if (root_of(covariance, covariance, n).empty()) refuse(matrices, pair, "C has a negative eigenvalue");
  // Each time is twice the one before, until nothing is left of the start.
  constexpr int doublings = 48;
  const double fastest = norm(a, n);
  Matrix turn = exponential(a, n, fastest > 0 ? 1 / fastest : 1);
  for (int k = 0; k < doublings; ++k) {
    const double left = norm(turn, n);
    if (!(left < 1e100)) break;
    noise_of(matrices, pair, covariance, turn);
    if (left < 1e-8) return;
    turn = product(turn, turn, n);
  }
  refuse(matrices, pair, "A does not damp: all its eigenvalues must have positive real parts");
}

// Columns that one piece of work takes: whole groups of deviates. Depends on the system alone, and so do the results.
std::size_t columns_per_chunk(std::size_t rows) {
  constexpr std::size_t numbers = 16384, group = kernels::normals_per_group;
  return std::max<std::size_t>(1, numbers / rows / group) * group;
}

/// body(mode, first column, columns, deviates/√m in units of √kB [size · columns]) for all modes and columns; moves the counter on.
template <class Body>
void for_deviates(std::size_t size, RingState& state, const Body& body) {
  const std::size_t n = state.freedom(), beads = state.beads();
  const std::uint64_t counters_per_row = kernels::counters_of_normals(n);
  parallel_chunks(n, columns_per_chunk(beads * size), [&](std::size_t first, std::size_t last) {
    const std::size_t columns = last - first;
    std::vector<double> deviate(size * columns), spread(columns);
    for (std::size_t i = 0; i < columns; ++i) spread[i] = std::sqrt(units::boltzmann_ev_per_kelvin / units::ev_per_amu_ang2_fs2 / state.mass_amu[first + i]);
    for (std::size_t k = 0; k < beads; ++k) {
      for (std::size_t row = 0; row < size; ++row) {
        const std::span<double> numbers(deviate.data() + row * columns, columns);
        kernels::fill_normals(state.random.seed, state.random.stream,
                              state.random.counter + (k * size + row) * counters_per_row + kernels::counters_of_normals(first), numbers);
        for (std::size_t i = 0; i < columns; ++i) numbers[i] *= spread[i];
      }
      body(k, first, columns, deviate);
    }
  });
  state.random.counter += beads * size * counters_per_row;
}

/// The velocity of mode k for row 0, then its auxiliary ones.
double* row_of(RingState& state, std::size_t size, std::size_t k, std::size_t row) {
  const std::size_t n = state.freedom();
  return row == 0 ? state.mode_velocity_ang_fs.data() + k * n : state.auxiliary_velocity_ang_fs.data() + (k * (size - 1) + row - 1) * n;
}

void draw_auxiliary(const GleMatrices& matrices, RingState& state) {
  const std::size_t size = matrices.size, pairs = matrices.pairs();
  state.auxiliary_velocity_ang_fs.assign(state.beads() * (size - 1) * state.freedom(), 0);
  std::vector<Matrix> root;
  for (std::size_t pair = 0; pair < pairs; ++pair) root.push_back(root_of(covariance_of(matrices, pair), covariance_of(matrices, pair), size));
  for_deviates(size, state, [&](std::size_t k, std::size_t first, std::size_t columns, const std::vector<double>& deviate) {
    for (std::size_t row = 1; row < size; ++row)
      kernels::multiply(1, size, columns, 1, root[pairs > 1 ? k : 0].data() + row * size, size, deviate.data(), columns, false, row_of(state, size, k, row) + first, columns);
  });
}

}  // namespace

void require_gle(const GleMatrices& matrices, std::size_t beads) {
  const std::size_t square = matrices.size * matrices.size;
  if (square == 0 || matrices.drift_per_fs.empty() || matrices.drift_per_fs.size() % square != 0 || matrices.covariance_kelvin.size() != matrices.drift_per_fs.size())
    throw Error(ErrorKind::usage, "generalised Langevin thermostat: as many square matrices A as C of one size are needed");
  if (matrices.pairs() != 1 && matrices.pairs() != beads)
    throw Error(ErrorKind::usage, fmt::format("generalised Langevin thermostat: matrices for {} modes, but there are {} beads", matrices.pairs(), beads));
  for (const auto* all : {&matrices.drift_per_fs, &matrices.covariance_kelvin})
    if (!std::all_of(all->begin(), all->end(), [](double x) { return std::isfinite(x); }))
      throw Error(ErrorKind::usage, "generalised Langevin thermostat: the matrices hold what is no finite number");
  for (std::size_t pair = 0; pair < matrices.pairs(); ++pair) require_pair(matrices, pair);
}

GlePropagator gle_propagator(const GleMatrices& matrices, double time_fs) {
  GlePropagator propagator{time_fs, {}, {}};
  for (std::size_t pair = 0; pair < matrices.pairs(); ++pair) {
    const Matrix turn = exponential(pair_of(matrices.drift_per_fs, pair, matrices.size), matrices.size, time_fs);
    const Matrix noise = noise_of(matrices, pair, covariance_of(matrices, pair), turn);
    propagator.turn.insert(propagator.turn.end(), turn.begin(), turn.end());
    propagator.noise_root_kelvin.insert(propagator.noise_root_kelvin.end(), noise.begin(), noise.end());
  }
  return propagator;
}

void propagate(const GleBath& bath, RingState& state, double dt_fs) {
  const std::size_t n = state.freedom(), beads = state.beads(), size = bath.matrices.size, pairs = bath.matrices.pairs();
  if (pairs != 1 && pairs != beads) throw Error(ErrorKind::internal, "ring polymer: a bath of as many modes as there are beads is needed");
  const double time = bath.fraction * dt_fs;
  if (bath.last.turn.empty() || bath.last.time_fs != time) bath.last = gle_propagator(bath.matrices, time);
  if (state.auxiliary_velocity_ang_fs.size() != beads * (size - 1) * n) draw_auxiliary(bath.matrices, state);
  const std::size_t width = columns_per_chunk(beads * size);
  std::vector<double> heat((n + width - 1) / width);
  for_deviates(size, state, [&](std::size_t k, std::size_t first, std::size_t columns, const std::vector<double>& deviate) {
    const std::size_t matrix = pairs > 1 ? k * size * size : 0;
    std::vector<double> before(size * columns), after(size * columns);
    for (std::size_t row = 0; row < size; ++row) std::copy_n(row_of(state, size, k, row) + first, columns, before.data() + row * columns);
    kernels::multiply(size, size, columns, 1, bath.last.turn.data() + matrix, size, before.data(), columns, false, after.data(), columns);
    kernels::multiply(size, size, columns, 1, bath.last.noise_root_kelvin.data() + matrix, size, deviate.data(), columns, true, after.data(), columns);
    double sum = 0;
    for (std::size_t i = 0; i < columns; ++i) sum += 0.5 * state.mass_amu[first + i] * (after[i] - before[i]) * (after[i] + before[i]);
    for (std::size_t row = 0; row < size; ++row) std::copy_n(after.data() + row * columns, columns, row_of(state, size, k, row) + first);
    heat[first / width] += sum;
  });
  double total = 0;
  for (const double part : heat) total += part;
  state.thermostat_ev += total * units::ev_per_amu_ang2_fs2;
}

}  // namespace saltus
