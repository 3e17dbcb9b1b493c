#include "saltus/kinetics/implied_timescales.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <Eigen/Eigenvalues>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

std::vector<std::optional<double>> implied_timescales(int n_states, std::span<const Transition> transitions, double lag,
                                                      int count) {
  if (n_states > 5000) {
    throw Error(ErrorKind::unsupported,
                "timescales of " + std::to_string(n_states) + " states: at most 5000; fold the cell or group states");
  }
  if (n_states < 2 || count < 1) return {};
  Eigen::MatrixXd squared = Eigen::MatrixXd::Zero(n_states, n_states);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n_states, n_states);
  for (const Transition& t : transitions) {
    if (t.from == t.to) continue;
    matrix(t.from, t.from) += t.probability;
    squared(t.from, t.to) += t.probability;
  }
  // sqrt(pi_i / pi_j) T_ij = sqrt(T_ij T_ji): no pi needed.
  for (int i = 0; i < n_states; ++i) {
    for (int j = 0; j < i; ++j) {
      matrix(i, j) = matrix(j, i) = -std::sqrt(squared(i, j)) * std::sqrt(squared(j, i));
    }
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix, Eigen::EigenvaluesOnly);
  if (solver.info() != Eigen::Success) throw Error(ErrorKind::numeric, "the eigenvalues of the model did not converge");
  std::vector<std::optional<double>> result;
  for (int m = 1; m <= std::min(count, n_states - 1); ++m) {
    const double mu = solver.eigenvalues()(m);
    if (mu > 0 && mu < 1) {
      result.emplace_back(-lag / std::log1p(-mu));
    } else {
      result.emplace_back(std::nullopt);
    }
  }
  return result;
}

std::vector<Transition> transitions_of(std::span<const double> transition, int n_states) {
  const auto n = static_cast<std::size_t>(n_states);
  if (transition.size() != n * n) throw Error(ErrorKind::usage, "transition matrix: must be n × n");
  std::vector<Transition> result;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (transition[i * n + j] != 0) {
        result.push_back({static_cast<int>(i), static_cast<int>(j), transition[i * n + j]});
      }
    }
  }
  return result;
}

}  // namespace saltus::kinetics
