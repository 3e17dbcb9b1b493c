#include "saltus/kinetics/reversible_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

ReversiblePosterior::ReversiblePosterior(const CountMatrix& counts, const ReversibleModel& model, Random random)
    : edges_of_(model.pi.size()), sum_(model.pi.size(), 0.0), count_(model.row_count), random_(random) {
  std::map<std::pair<int, int>, double> symmetric;
  for (const CountEntry& entry : counts.entries) {
    if (entry.count > 0) symmetric[std::minmax(entry.from, entry.to)] += entry.count;
  }
  std::map<std::pair<int, int>, double> probability;
  for (const Transition& t : model.transitions) probability[{t.from, t.to}] += t.probability;
  for (const auto& [key, s] : symmetric) {
    const auto i = static_cast<std::size_t>(key.first), j = static_cast<std::size_t>(key.second);
    const auto found = probability.find(key);
    if (found == probability.end()) throw Error(ErrorKind::usage, "posterior: the model does not belong to these counts");
    edges_of_[i].push_back(edges_.size());
    if (i != j) edges_of_[j].push_back(edges_.size());
    edges_.push_back({i, j, s, model.pi[i] * found->second, 1});
    sum_[i] += edges_.back().x;
    if (i != j) sum_[j] += edges_.back().x;
  }
  for (Edge& edge : edges_) {
    const double p = edge.x / sum_[edge.i], q = edge.x / sum_[edge.j];
    const double curvature = count_[edge.i] * p * (1 - p) + count_[edge.j] * q * (1 - q);
    edge.width = std::clamp(2.5 / std::sqrt(std::max(curvature, 1e-12)), 1e-6, 10.0);
  }
}

// x_i without this edge, by subtraction where that keeps digits.
double ReversiblePosterior::rest(std::size_t state, const Edge& edge) const {
  const double difference = sum_[state] - edge.x;
  if (difference > 1e-6 * sum_[state]) return difference;
  double sum = 0;
  for (const std::size_t e : edges_of_[state]) {
    if (&edges_[e] != &edge) sum += edges_[e].x;
  }
  return sum;
}

void ReversiblePosterior::move(Edge& edge) {
  const double a = rest(edge.i, edge);
  if (edge.i == edge.j) {
    // x / (x + a) ~ Beta(C_ii, c_i - C_ii)
    if (a > 0) edge.x = a * random_.gamma(edge.count) / random_.gamma(count_[edge.i] - edge.count);
    sum_[edge.i] = a + edge.x;
    return;
  }
  const double b = rest(edge.j, edge);
  if (a > 0 || b > 0) {
    const double at = std::log(edge.x);
    // Relative to where it stands; log-concave in y.
    const auto density = [&](double y) {
      const double x = std::exp(y);
      return edge.count * (y - at) - count_[edge.i] * std::log((x + a) / (edge.x + a)) -
             count_[edge.j] * std::log((x + b) / (edge.x + b));
    };
    const double level = std::log(random_.uniform());
    double low = at - edge.width * random_.uniform(), high = low + edge.width;
    while (density(low) > level) low -= edge.width;
    while (density(high) > level) high += edge.width;
    for (;;) {
      const double y = low + (high - low) * random_.uniform();
      if (density(y) > level) {
        edge.x = std::exp(y);
        break;
      }
      (y < at ? low : high) = y;
    }
  }
  sum_[edge.i] = a + edge.x;
  sum_[edge.j] = b + edge.x;
}

void ReversiblePosterior::sweep() {
  for (Edge& edge : edges_) move(edge);
  // The scale is free: kept at one, sums renewed.
  double total = 0;
  for (const double s : sum_) total += s;
  std::fill(sum_.begin(), sum_.end(), 0.0);
  for (Edge& edge : edges_) {
    edge.x /= total;
    sum_[edge.i] += edge.x;
    if (edge.i != edge.j) sum_[edge.j] += edge.x;
  }
}

std::vector<Transition> ReversiblePosterior::transitions() const {
  std::vector<Transition> result;
  for (const Edge& edge : edges_) {
    result.push_back({static_cast<int>(edge.i), static_cast<int>(edge.j), edge.x / sum_[edge.i]});
    if (edge.i != edge.j) result.push_back({static_cast<int>(edge.j), static_cast<int>(edge.i), edge.x / sum_[edge.j]});
  }
  std::sort(result.begin(), result.end(),
            [](const Transition& a, const Transition& b) { return a.from != b.from ? a.from < b.from : a.to < b.to; });
  return result;
}

std::vector<double> ReversiblePosterior::stationary() const {
  double total = 0;
  for (const double s : sum_) total += s;
  std::vector<double> pi(sum_);
  for (double& p : pi) p /= total;
  return pi;
}

double effective_sample_size(std::span<const double> series) {
  const std::size_t n = series.size();
  if (n < 4) return static_cast<double>(n);
  double mean = 0, variance = 0;
  for (const double x : series) mean += x / static_cast<double>(n);
  for (const double x : series) variance += (x - mean) * (x - mean);
  if (!(variance > 0)) return static_cast<double>(n);
  const auto rho = [&](std::size_t k) {
    double sum = 0;
    for (std::size_t t = 0; t + k < n; ++t) sum += (series[t] - mean) * (series[t + k] - mean);
    return sum / variance;
  };
  double sum = 0;
  for (std::size_t k = 1; k + 1 < n; k += 2) {
    const double pair = rho(k) + rho(k + 1);
    if (pair <= 0) break;
    sum += pair;
  }
  return static_cast<double>(n) / (1 + 2 * sum);
}

double quantile(std::vector<double> samples, double q) {
  if (samples.empty()) throw Error(ErrorKind::usage, "a quantile needs samples");
  std::sort(samples.begin(), samples.end());
  const double at = q * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= samples.size()) return samples.back();
  return samples[below] + (at - static_cast<double>(below)) * (samples[below + 1] - samples[below]);
}

}  // namespace saltus::kinetics
