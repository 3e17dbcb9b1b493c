#include "saltus/kinetics/metastable_sets.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include <Eigen/Dense>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/first_passage.hpp"
#include "saltus/kinetics/stationary_distribution.hpp"

namespace saltus::kinetics {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr double degenerate = 1e-6;

// Rows of X that span the largest simplex, one after the other.
std::vector<Eigen::Index> inner_simplex(const Matrix& x) {
  Matrix y = x;
  std::vector<Eigen::Index> vertex;
  Eigen::Index first = 0;
  y.rightCols(y.cols() - 1).rowwise().norm().maxCoeff(&first);
  vertex.push_back(first);
  const Eigen::RowVectorXd origin = y.row(first);
  y.rowwise() -= origin;
  for (Eigen::Index k = 1; k < x.cols(); ++k) {
    Eigen::Index far = 0;
    const double length = y.rowwise().norm().maxCoeff(&far);
    if (!(length > 0)) throw Error(ErrorKind::numeric, "metastable sets: the eigenvectors do not separate so many sets");
    vertex.push_back(far);
    const Eigen::RowVectorXd direction = y.row(far) / length;
    y -= (y * direction.transpose()) * direction;
  }
  return vertex;
}

// The nearest A that meets all constraints, from its lower right block.
Matrix feasible(const Matrix& x, Matrix a) {
  const Eigen::Index m = a.cols();
  for (Eigen::Index i = 1; i < m; ++i) a(i, 0) = -a.row(i).tail(m - 1).sum();
  const Matrix inner = x.rightCols(m - 1) * a.bottomRows(m - 1);
  for (Eigen::Index k = 0; k < m; ++k) a(0, k) = -inner.col(k).minCoeff();
  return a / a.row(0).sum();
}

// Sum over sets of <chi_k, chi_k> / <chi_k, 1> in pi; m when crisp.
double crispness(const Matrix& a) {
  double sum = 0;
  for (Eigen::Index k = 0; k < a.cols(); ++k) {
    if (!(a(0, k) > 1e-12)) return -1;
    sum += a.col(k).squaredNorm() / a(0, k);
  }
  return sum;
}

// Nelder and Mead's simplex search for a maximum.
Vector search(const std::function<double(const Vector&)>& f, const Vector& start) {
  const Eigen::Index n = start.size();
  std::vector<std::pair<double, Vector>> corner;
  corner.emplace_back(f(start), start);
  for (Eigen::Index k = 0; k < n; ++k) {
    Vector x = start;
    x(k) += x(k) != 0 ? 0.05 * x(k) : 0.01;
    corner.emplace_back(f(x), x);
  }
  const auto by_value = [](const auto& a, const auto& b) { return a.first > b.first; };
  for (int step = 0; step < 2000 * static_cast<int>(n); ++step) {
    std::stable_sort(corner.begin(), corner.end(), by_value);
    if (corner.front().first - corner.back().first <= 1e-12) break;
    Vector centre = Vector::Zero(n);
    for (Eigen::Index k = 0; k < n; ++k) centre += corner[static_cast<std::size_t>(k)].second / static_cast<double>(n);
    auto& worst = corner.back();
    const auto along = [&](double s) {
      const Vector x = centre + s * (worst.second - centre);
      return std::pair(f(x), x);
    };
    auto reflected = along(-1);
    if (reflected.first > corner.front().first) {
      auto expanded = along(-2);
      worst = expanded.first > reflected.first ? expanded : reflected;
    } else if (reflected.first > corner[static_cast<std::size_t>(n) - 1].first) {
      worst = reflected;
    } else {
      auto contracted = reflected.first > worst.first ? along(-0.5) : along(0.5);
      if (contracted.first > std::max(worst.first, reflected.first)) {
        worst = contracted;
      } else {
        for (std::size_t k = 1; k < corner.size(); ++k) {
          corner[k].second = corner[0].second + 0.5 * (corner[k].second - corner[0].second);
          corner[k].first = f(corner[k].second);
        }
      }
    }
  }
  std::stable_sort(corner.begin(), corner.end(), by_value);
  return corner.front().second;
}

MetastableSets finished(Matrix chi, std::span<const double> pi, double crisp) {
  MetastableSets result;
  const Eigen::Index n = chi.rows(), m = chi.cols();
  result.n_sets = static_cast<int>(m);
  result.crispness = crisp;
  Vector population = Vector::Zero(m);
  for (Eigen::Index i = 0; i < n; ++i) {
    chi.row(i) = chi.row(i).cwiseMax(0.0);
    chi.row(i) /= chi.row(i).sum();
    population += pi[static_cast<std::size_t>(i)] * chi.row(i).transpose();
  }
  std::vector<Eigen::Index> order(static_cast<std::size_t>(m));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Eigen::Index a, Eigen::Index b) { return population(a) > population(b); });
  for (const Eigen::Index k : order) result.population.push_back(population(k));
  for (Eigen::Index i = 0; i < n; ++i) {
    int best = 0;
    for (std::size_t k = 0; k < order.size(); ++k) {
      result.membership.push_back(chi(i, order[k]));
      if (chi(i, order[k]) > chi(i, order[static_cast<std::size_t>(best)])) best = static_cast<int>(k);
    }
    result.set_of.push_back(best);
  }
  return result;
}

bool same(double a, double b) { return std::abs(a - b) <= degenerate * std::max(a, b); }

}  // namespace

MetastableSets metastable_sets(const SlowModes& modes, std::span<const double> pi, int n_sets) {
  const auto n = static_cast<Eigen::Index>(pi.size());
  const Eigen::Index m = n_sets;
  if (m < 2 || m > n || m - 1 > static_cast<Eigen::Index>(modes.mu.size())) {
    throw Error(ErrorKind::usage, "metastable sets: between 2 and the number of states, " + std::to_string(n));
  }
  const auto last = static_cast<std::size_t>(m) - 2;
  if (last + 1 < modes.mu.size() && same(modes.mu[last], modes.mu[last + 1])) {
    std::size_t begin = last, end = last + 1;
    while (begin > 0 && same(modes.mu[begin - 1], modes.mu[begin])) --begin;
    while (end + 1 < modes.mu.size() && same(modes.mu[end], modes.mu[end + 1])) ++end;
    std::string possible;
    if (begin > 0) possible = std::to_string(begin + 1) + " or ";
    throw Error(ErrorKind::usage, "metastable sets: " + std::to_string(m) + " would cut a set of equal eigenvalues; take " + possible +
                                      std::to_string(end + 2) + (end + 1 == modes.mu.size() ? " or more" : ""));
  }
  Matrix x(n, m);
  x.col(0).setOnes();
  for (Eigen::Index k = 1; k < m; ++k) {
    for (Eigen::Index i = 0; i < n; ++i) x(i, k) = modes.psi[static_cast<std::size_t>(k) - 1][static_cast<std::size_t>(i)];
  }
  const std::vector<Eigen::Index> vertex = inner_simplex(x);
  Matrix corners(m, m);
  for (Eigen::Index k = 0; k < m; ++k) corners.row(k) = x.row(vertex[static_cast<std::size_t>(k)]);
  Matrix a = feasible(x, corners.fullPivLu().inverse());
  const auto with_block = [&](const Vector& block) {
    Matrix b = a;
    b.bottomRightCorner(m - 1, m - 1) = Eigen::Map<const Matrix>(block.data(), m - 1, m - 1);
    return feasible(x, std::move(b));
  };
  const Matrix start = a.bottomRightCorner(m - 1, m - 1);
  const Vector found = search([&](const Vector& block) { return crispness(with_block(block)); },
                              Eigen::Map<const Vector>(start.data(), start.size()));
  a = with_block(found);
  return finished(x * a, pi, crispness(a) / static_cast<double>(m));
}

MetastableSets metastable_sets(int n_states, std::span<const Transition> transitions, int n_sets) {
  const auto n = static_cast<std::size_t>(n_states);
  // Closed: everything that a state leads to leads back to it.
  std::vector<std::vector<int>> next(n);
  for (const Transition& t : transitions) {
    if (t.probability > 0) next[static_cast<std::size_t>(t.from)].push_back(t.to);
  }
  const auto reached_from = [&](int state) {
    std::vector<char> found(n, 0);
    std::vector<int> open{state};
    found[static_cast<std::size_t>(state)] = 1;
    while (!open.empty()) {
      const int at = open.back();
      open.pop_back();
      for (const int to : next[static_cast<std::size_t>(at)]) {
        if (!found[static_cast<std::size_t>(to)]) {
          found[static_cast<std::size_t>(to)] = 1;
          open.push_back(to);
        }
      }
    }
    return found;
  };
  // Whatever is entered last on the way through unvisited states lies in a closed class.
  int inside = 0;
  std::vector<char> closed = reached_from(0);
  for (int i = 0; i < n_states; ++i) {
    if (!closed[static_cast<std::size_t>(i)] || closed[static_cast<std::size_t>(inside)] == 0) continue;
    const std::vector<char> smaller = reached_from(i);
    if (std::count(smaller.begin(), smaller.end(), 1) < std::count(closed.begin(), closed.end(), 1)) {
      closed = smaller;
      inside = i;
    }
  }
  std::vector<int> place(n, -1);
  int size = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (closed[i]) place[i] = size++;
  }
  for (int i = 0; i < n_states; ++i) {
    const std::vector<char> reached = reached_from(i);
    bool leads = false;
    for (std::size_t j = 0; j < n; ++j) leads = leads || (reached[j] && closed[j]);
    if (!leads) throw Error(ErrorKind::unsupported, "metastable sets: the chain falls into parts that do not lead to each other");
  }
  std::vector<Transition> within;
  std::vector<double> dense(static_cast<std::size_t>(size) * static_cast<std::size_t>(size), 0.0);
  for (const Transition& t : transitions) {
    const int i = place[static_cast<std::size_t>(t.from)], j = place[static_cast<std::size_t>(t.to)];
    if (i < 0 || j < 0) continue;
    within.push_back({i, j, t.probability});
    dense[static_cast<std::size_t>(i) * static_cast<std::size_t>(size) + static_cast<std::size_t>(j)] += t.probability;
  }
  const std::vector<double> pi = stationary_distribution(dense, size);
  const MetastableSets core = metastable_sets(slow_modes(size, within, pi, n_sets), pi, n_sets);
  Matrix chi(n_states, n_sets);
  std::vector<double> all_pi(n, 0.0);
  for (int k = 0; k < n_sets; ++k) {
    std::vector<double> value(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      if (place[i] < 0) continue;
      const auto at = static_cast<std::size_t>(place[i]);
      value[i] = core.membership[at * static_cast<std::size_t>(n_sets) + static_cast<std::size_t>(k)];
      all_pi[i] = pi[at];
    }
    const std::vector<double> extended = harmonic_extension({n_states, transitions, {}, false}, closed, value);
    for (std::size_t i = 0; i < n; ++i) chi(static_cast<Eigen::Index>(i), k) = extended[i];
  }
  return finished(chi, all_pi, core.crispness);
}

}  // namespace saltus::kinetics
