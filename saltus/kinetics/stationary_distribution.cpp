#include "saltus/kinetics/stationary_distribution.hpp"

#include <algorithm>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

std::vector<double> stationary_distribution(std::span<const double> transition, int n_states) {
  const auto n = static_cast<std::size_t>(n_states);
  if (n_states < 1 || transition.size() != n * n) {
    throw Error(ErrorKind::usage, "stationary distribution: the matrix must be n × n, n > 0");
  }
  if (!std::all_of(transition.begin(), transition.end(), [](double t) { return t >= 0; })) {
    throw Error(ErrorKind::usage, "stationary distribution: probabilities must not be negative");
  }
  std::vector<double> a(transition.begin(), transition.end());
  for (std::size_t k = n - 1; k > 0; --k) {
    double leaving = 0;
    for (std::size_t j = 0; j < k; ++j) leaving += a[k * n + j];
    if (!(leaving > 0)) throw Error(ErrorKind::numeric, "stationary distribution: the chain is not irreducible");
    for (std::size_t i = 0; i < k; ++i) {
      a[i * n + k] /= leaving;
      for (std::size_t j = 0; j < k; ++j) a[i * n + j] += a[i * n + k] * a[k * n + j];
    }
  }
  std::vector<double> pi(n, 0.0);
  pi[0] = 1;
  double sum = 1;
  for (std::size_t k = 1; k < n; ++k) {
    for (std::size_t i = 0; i < k; ++i) pi[k] += pi[i] * a[i * n + k];
    sum += pi[k];
  }
  for (double& p : pi) p /= sum;
  return pi;
}

}  // namespace saltus::kinetics
