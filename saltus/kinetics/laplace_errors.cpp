#include "saltus/kinetics/laplace_errors.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

LaplaceErrors::LaplaceErrors(const CountMatrix& counts, const ReversibleModel& model) : pi_(model.pi), count_(model.row_count) {
  std::map<std::pair<int, int>, double> symmetric;
  for (const CountEntry& entry : counts.entries) {
    if (entry.count > 0) symmetric[std::minmax(entry.from, entry.to)] += entry.count;
  }
  std::map<std::pair<int, int>, double> probability;
  for (const Transition& t : model.transitions) probability[{t.from, t.to}] += t.probability;
  std::vector<WeightedEdge> graph;
  for (const auto& [key, s] : symmetric) {
    const auto i = static_cast<std::size_t>(key.first), j = static_cast<std::size_t>(key.second);
    const auto forth = probability.find(key), back = probability.find({key.second, key.first});
    if (forth == probability.end() || back == probability.end()) {
      throw Error(ErrorKind::usage, "errors of a model: it does not belong to these counts");
    }
    edges_.push_back({key.first, key.second, s, pi_[i] * forth->second});
    if (i != j) {
      graph.push_back({key.first, key.second, std::max(count_[i] * forth->second * (count_[j] * back->second / s), 1e-290)});
    }
  }
  if (pi_.size() > 1) solver_.emplace(model.n_states, graph);
}

double LaplaceErrors::variance(std::span<const double> gradient) const {
  double direct = 0;
  std::vector<double> z(pi_.size(), 0.0);
  for (std::size_t e = 0; e < edges_.size(); ++e) {
    const Edge& edge = edges_[e];
    const double g = gradient[e] / edge.count;
    direct += g * gradient[e];
    const auto i = static_cast<std::size_t>(edge.i), j = static_cast<std::size_t>(edge.j);
    z[i] += count_[i] * edge.flux / pi_[i] * g;
    if (i != j) z[j] += count_[j] * edge.flux / pi_[j] * g;
  }
  if (!solver_) return direct;
  double excess = 0;
  for (const double value : z) excess += value;
  for (double& value : z) value -= excess / static_cast<double>(z.size());
  const std::vector<double> x = solver_->solve(z, 1e-10).x;
  double indirect = 0;
  for (std::size_t i = 0; i < z.size(); ++i) indirect += z[i] * x[i];
  return direct + indirect;
}

std::optional<double> LaplaceErrors::ln_probability_deviation(int from, int to) const {
  std::vector<double> gradient(edges_.size(), 0.0);
  bool found = false;
  for (std::size_t e = 0; e < edges_.size(); ++e) {
    const Edge& edge = edges_[e];
    if (edge.i == from || edge.j == from) gradient[e] -= edge.flux / pi_[static_cast<std::size_t>(from)];
    if (std::pair(edge.i, edge.j) == std::pair(std::min(from, to), std::max(from, to))) {
      gradient[e] += 1;
      found = true;
    }
  }
  if (!found) return std::nullopt;
  return std::sqrt(variance(gradient));
}

double LaplaceErrors::ln_stationary_deviation(int state) const {
  std::vector<double> gradient(edges_.size(), 0.0);
  for (std::size_t e = 0; e < edges_.size(); ++e) {
    const Edge& edge = edges_[e];
    gradient[e] -= edge.i == edge.j ? edge.flux : 2 * edge.flux;
    if (edge.i == state || edge.j == state) gradient[e] += edge.flux / pi_[static_cast<std::size_t>(state)];
  }
  return std::sqrt(variance(gradient));
}

// mu = sum_{i<j} x_ij (psi_i - psi_j)² / sum_i x_i psi_i²: psi is stationary, only the x change.
double LaplaceErrors::ln_mu_deviation(double mu, std::span<const double> psi) const {
  std::vector<double> gradient(edges_.size(), 0.0);
  for (std::size_t e = 0; e < edges_.size(); ++e) {
    const Edge& edge = edges_[e];
    const double a = psi[static_cast<std::size_t>(edge.i)], b = psi[static_cast<std::size_t>(edge.j)];
    gradient[e] = edge.i == edge.j ? -edge.flux * a * a : edge.flux * ((a - b) * (a - b) / mu - a * a - b * b);
  }
  return std::sqrt(variance(gradient));
}

}  // namespace saltus::kinetics
