#include "saltus/kinetics/slow_modes.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Spectra/SymEigsSolver.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/laplacian_solver.hpp"

namespace saltus::kinetics {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr int dense_limit = 500;

// x_ij = pi_i T_ij, i < j.
std::vector<WeightedEdge> fluxes(std::span<const Transition> transitions, std::span<const double> pi) {
  std::vector<WeightedEdge> edges;
  for (const Transition& t : transitions) {
    if (t.from < t.to && t.probability > 0) {
      edges.push_back({t.from, t.to, std::max(pi[static_cast<std::size_t>(t.from)] * t.probability, 1e-290)});
    }
  }
  return edges;
}

// The complement of sqrt(pi), the null vector of both operators below, and of modes found so far.
struct Complement {
  Vector root;  // sqrt(pi), of length one
  std::vector<Vector> taken;

  explicit Complement(std::span<const double> pi) : root(static_cast<Eigen::Index>(pi.size())) {
    for (std::size_t i = 0; i < pi.size(); ++i) root(static_cast<Eigen::Index>(i)) = std::sqrt(pi[i]);
  }
  void project(Vector& v) const {
    v -= v.dot(root) * root;
    for (const Vector& other : taken) v -= v.dot(other) * other;
  }
};

// The inverse of Pi^{1/2} (I - T) Pi^{-1/2} on the complement of its null vector sqrt(pi), and that less what `taken` spans.
class Inverse {
 public:
  using Scalar = double;

  Inverse(int n, std::span<const WeightedEdge> edges, std::span<const double> pi) : solver_(n, edges), complement_(pi) {}
  Eigen::Index rows() const { return complement_.root.size(); }
  Eigen::Index cols() const { return complement_.root.size(); }
  void perform_op(const double* in, double* out) const {
    Eigen::Map<Vector>(out, rows()) = apply(Eigen::Map<const Vector>(in, rows()));
  }
  Vector apply(Vector v) const {
    complement_.project(v);
    v = v.cwiseProduct(complement_.root);
    std::vector<double> rhs(v.data(), v.data() + v.size());
    double excess = 0;
    for (const double value : rhs) excess += value;
    for (Eigen::Index i = 0; i < v.size(); ++i) rhs[static_cast<std::size_t>(i)] -= excess * complement_.root(i) * complement_.root(i);
    const LaplacianSolution solution = solver_.solve(rhs, 1e-13);
    converged_ = converged_ && solution.residual < 1e-9;
    v = Eigen::Map<const Vector>(solution.x.data(), v.size()).cwiseProduct(complement_.root);
    complement_.project(v);
    return v;
  }
  void take(const Vector& v) { complement_.taken.push_back(v); }
  bool converged() const { return converged_; }

 private:
  LaplacianSolver solver_;
  Complement complement_;
  mutable bool converged_ = true;
};

// sqrt(pi) T / sqrt(pi) less its first eigenvector and what `taken` spans: cheap to apply, and enough where modes are not far
// slower than the rest.
class Direct {
 public:
  using Scalar = double;

  Direct(int n, std::span<const WeightedEdge> edges, std::span<const double> pi) : complement_(pi), row_(static_cast<std::size_t>(n) + 1, 0) {
    leaving_ = Vector::Zero(n);
    for (const WeightedEdge& edge : edges) {
      ++row_[static_cast<std::size_t>(edge.a) + 1];
      ++row_[static_cast<std::size_t>(edge.b) + 1];
      leaving_(edge.a) += edge.weight / pi[static_cast<std::size_t>(edge.a)];
      leaving_(edge.b) += edge.weight / pi[static_cast<std::size_t>(edge.b)];
    }
    for (std::size_t i = 1; i < row_.size(); ++i) row_[i] += row_[i - 1];
    std::vector<std::size_t> next(row_.begin(), row_.end() - 1);
    entry_.resize(2 * edges.size());
    for (const WeightedEdge& edge : edges) {
      const double value = edge.weight / complement_.root(edge.a) / complement_.root(edge.b);
      entry_[next[static_cast<std::size_t>(edge.a)]++] = {edge.b, value};
      entry_[next[static_cast<std::size_t>(edge.b)]++] = {edge.a, value};
    }
  }
  Eigen::Index rows() const { return complement_.root.size(); }
  Eigen::Index cols() const { return complement_.root.size(); }
  void perform_op(const double* in, double* out) const {
    Eigen::Map<Vector>(out, rows()) = apply(Eigen::Map<const Vector>(in, rows()));
  }
  Vector apply(Vector v) const {
    complement_.project(v);
    Vector result(v.size());
    for (Eigen::Index i = 0; i < v.size(); ++i) {
      double sum = v(i) - leaving_(i) * v(i);
      for (std::size_t m = row_[static_cast<std::size_t>(i)]; m < row_[static_cast<std::size_t>(i) + 1]; ++m) {
        sum += entry_[m].second * v(entry_[m].first);
      }
      result(i) = sum;
    }
    complement_.project(result);
    return result;
  }
  void take(const Vector& v) { complement_.taken.push_back(v); }

 private:
  Complement complement_;
  Vector leaving_;
  std::vector<std::size_t> row_;
  std::vector<std::pair<int, double>> entry_;
};

Matrix all_modes(int n, std::span<const WeightedEdge> edges, std::span<const double> pi, int count) {
  Matrix matrix = Matrix::Zero(n, n);
  for (const WeightedEdge& edge : edges) {
    const double p = pi[static_cast<std::size_t>(edge.a)], q = pi[static_cast<std::size_t>(edge.b)];
    matrix(edge.a, edge.a) += edge.weight / p;
    matrix(edge.b, edge.b) += edge.weight / q;
    matrix(edge.b, edge.a) = matrix(edge.a, edge.b) = -edge.weight / std::sqrt(p) / std::sqrt(q);
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(matrix);
  if (solver.info() != Eigen::Success) throw Error(ErrorKind::numeric, "the eigenvalues of the model did not converge");
  return solver.eigenvectors().middleCols(1, count);
}

// Modes far slower than the rest are lost in its rounding; in the inverse they are the largest.
void sharpen(const Inverse& inverse, Matrix& modes, const std::vector<double>& mu) {
  const auto slow = static_cast<Eigen::Index>(std::count_if(mu.begin(), mu.end(), [](double m) { return m < 1e-5; }));
  if (slow == 0) return;
  Matrix v = modes.leftCols(slow);
  for (int round = 0; round < 3; ++round) {
    for (Eigen::Index k = 0; k < slow; ++k) {
      v.col(k) = inverse.apply(v.col(k));
      for (int again = 0; again < 2; ++again)
        for (Eigen::Index l = 0; l < k; ++l) v.col(k) -= v.col(k).dot(v.col(l)) * v.col(l);
      v.col(k).normalize();
    }
    Matrix inner(slow, slow);
    for (Eigen::Index k = 0; k < slow; ++k) inner.col(k) = v.transpose() * inverse.apply(v.col(k));
    const Eigen::SelfAdjointEigenSolver<Matrix> ritz(0.5 * (inner + inner.transpose()));
    v = v * ritz.eigenvectors().rowwise().reverse();
  }
  modes.leftCols(slow) = v;
}

// Lanczos with one start vector may miss a member of a degenerate set: what was found is taken out and the search repeated
// until nothing slower than the last one wanted is left.
template <typename Operator>
Matrix slowest_modes(Operator& op, int n, int count, int most_restarts, bool& converged) {
  std::vector<std::pair<double, Vector>> found;
  for (int round = 0; round < 10; ++round) {
    const int wanted = round == 0 ? count : std::min(count, 3);
    const int basis = std::min(n - 1, std::max(3 * wanted + 10, 30));
    Spectra::SymEigsSolver<Operator> solver(op, wanted, basis);
    Random random(7, static_cast<std::uint64_t>(round));
    Vector start(n);
    for (double& value : start) value = random.normal();
    start = op.apply(start);
    solver.init(start.data());
    // After the first round a rough search tells whether anything near is left.
    if (round > 0) {
      solver.compute(Spectra::SortRule::LargestAlge, most_restarts, 1e-3);
      if (solver.info() == Spectra::CompInfo::Successful && static_cast<int>(found.size()) >= count &&
          solver.eigenvalues()(0) < found[static_cast<std::size_t>(count) - 1].first * (1 - 2e-3)) {
        break;
      }
      solver.init(start.data());
    }
    solver.compute(Spectra::SortRule::LargestAlge, most_restarts, 1e-11);
    if (solver.info() != Spectra::CompInfo::Successful) {
      converged = false;
      break;
    }
    const Vector values = solver.eigenvalues();
    const Matrix vectors = solver.eigenvectors();
    const double last = static_cast<int>(found.size()) < count ? 0 : found[static_cast<std::size_t>(count) - 1].first;
    bool slower = false;
    for (Eigen::Index k = 0; k < values.size(); ++k) {
      slower = slower || values(k) > last * (1 + 1e-9);
      found.emplace_back(values(k), vectors.col(k));
      op.take(vectors.col(k));
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    if (values.size() == 0 || (round > 0 && !slower) || static_cast<int>(found.size()) + 3 >= n) break;
  }
  Matrix modes(n, std::min<Eigen::Index>(count, static_cast<Eigen::Index>(found.size())));
  for (Eigen::Index k = 0; k < modes.cols(); ++k) modes.col(k) = found[static_cast<std::size_t>(k)].second;
  return modes;
}

std::vector<double> quotients(const Matrix& modes, std::span<const WeightedEdge> edges, std::span<const double> pi) {
  std::vector<double> mu;
  for (Eigen::Index k = 0; k < modes.cols(); ++k) {
    double sum = 0;
    for (const WeightedEdge& edge : edges) {
      const double difference = modes(edge.a, k) / std::sqrt(pi[static_cast<std::size_t>(edge.a)]) -
                                modes(edge.b, k) / std::sqrt(pi[static_cast<std::size_t>(edge.b)]);
      sum += edge.weight * difference * difference;
    }
    mu.push_back(sum / modes.col(k).squaredNorm());
  }
  return mu;
}

}  // namespace

SlowModes slow_modes(int n_states, std::span<const Transition> transitions, std::span<const double> pi, int count) {
  SlowModes result;
  count = std::min(count, n_states - 1);
  if (count < 1) return result;
  const std::vector<WeightedEdge> edges = fluxes(transitions, pi);
  Matrix modes;
  if (n_states <= dense_limit || 4 * count >= n_states) {
    if (n_states > 5000) {
      throw Error(ErrorKind::unsupported, "so many modes of " + std::to_string(n_states) + " states: ask for fewer than a quarter");
    }
    modes = all_modes(n_states, edges, pi, count);
    const std::vector<double> rough = quotients(modes, edges, pi);
    if (rough.front() < 1e-5) {
      const Inverse inverse(n_states, edges, pi);
      sharpen(inverse, modes, rough);
      result.converged = inverse.converged();
    }
  } else {
    bool direct_converged = true;
    {
      Direct direct(n_states, edges, pi);
      modes = slowest_modes(direct, n_states, count, 40, direct_converged);
      direct_converged = direct_converged && modes.cols() == count;
      // The quotient of a vector with residual r is off by r² over the gap.
      const std::vector<double> found = quotients(modes, edges, pi);
      const Direct plain(n_states, edges, pi);
      for (Eigen::Index k = 0; direct_converged && k < modes.cols(); ++k) {
        const double mu = found[static_cast<std::size_t>(k)];
        direct_converged = (plain.apply(modes.col(k)) - (1 - mu) * modes.col(k)).norm() <= 1e-7 * found.front();
      }
    }
    if (!direct_converged) {
      Inverse inverse(n_states, edges, pi);
      modes = slowest_modes(inverse, n_states, count, 300, result.converged);
      result.converged = result.converged && inverse.converged();
    }
  }
  const std::vector<double> mu = quotients(modes, edges, pi);
  std::vector<std::size_t> order(mu.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return mu[a] < mu[b]; });
  for (const std::size_t k : order) {
    result.mu.push_back(mu[k]);
    std::vector<double> psi;
    const auto column = modes.col(static_cast<Eigen::Index>(k));
    const double norm = column.norm();
    double largest = 0;
    for (int i = 0; i < n_states; ++i) {
      psi.push_back(column(i) / norm / std::sqrt(pi[static_cast<std::size_t>(i)]));
      if (std::abs(psi.back()) > std::abs(largest) * (1 + 1e-9)) largest = psi.back();
    }
    if (largest < 0) {
      for (double& value : psi) value = -value;
    }
    result.psi.push_back(std::move(psi));
  }
  return result;
}

std::optional<double> timescale_of(double mu, double lag) {
  if (mu > 0 && mu < 1) return -lag / std::log1p(-mu);
  return std::nullopt;
}

std::vector<double> eigenvalue_moduli(int n_states, std::span<const Transition> transitions, int count) {
  if (n_states > 2000) {
    throw Error(ErrorKind::unsupported, "eigenvalues without detailed balance of " + std::to_string(n_states) + " states: at most 2000");
  }
  Matrix matrix = Matrix::Zero(n_states, n_states);
  for (const Transition& t : transitions) matrix(t.from, t.to) += t.probability;
  const Eigen::EigenSolver<Matrix> solver(matrix, false);
  if (solver.info() != Eigen::Success) throw Error(ErrorKind::numeric, "the eigenvalues of the model did not converge");
  std::vector<double> moduli;
  for (int k = 0; k < n_states; ++k) moduli.push_back(std::abs(solver.eigenvalues()(k)));
  std::sort(moduli.rbegin(), moduli.rend());
  moduli.erase(moduli.begin());
  moduli.resize(std::min(moduli.size(), static_cast<std::size_t>(std::max(count, 0))));
  return moduli;
}

}  // namespace saltus::kinetics
