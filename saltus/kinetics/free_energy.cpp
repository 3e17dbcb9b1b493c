#include "saltus/kinetics/free_energy.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <Eigen/Dense>

namespace saltus::kinetics {

std::optional<double> free_energy_at_centre_kt(std::span<const double> counts) {
  constexpr Eigen::Index terms = 6;
  if (counts.empty() || !(counts.front() > 0)) return {};
  const double most = *std::max_element(counts.begin(), counts.end());
  std::size_t end = counts.size();
  while (end > 0 && counts[end - 1] < 0.1 * most) --end;
  std::vector<std::size_t> used;
  for (std::size_t b = 0; b < end; ++b)
    if (counts[b] > 0) used.push_back(b);
  if (used.size() <= static_cast<std::size_t>(terms)) return {};
  const auto width = static_cast<double>(end);
  Eigen::MatrixXd basis(static_cast<Eigen::Index>(used.size()), terms);
  Eigen::VectorXd value(basis.rows());
  for (Eigen::Index row = 0; row < basis.rows(); ++row) {
    const std::size_t b = used[static_cast<std::size_t>(row)];
    const double x = (static_cast<double>(b) + 0.5) / width, weight = std::sqrt(counts[b]);
    double power = weight;
    for (Eigen::Index t = 0; t < terms; ++t, power *= x * x) basis(row, t) = power;
    value(row) = weight * std::log(counts[b]);
  }
  const Eigen::VectorXd coefficient = basis.colPivHouseholderQr().solve(value);
  double highest = 0;
  constexpr int points = 1000;
  for (int k = 1; k <= points; ++k) {
    const double x2 = static_cast<double>(k) / points * static_cast<double>(k) / points;
    double sum = 0;
    for (Eigen::Index t = terms; t-- > 1;) sum = (sum + coefficient(t)) * x2;
    highest = std::max(highest, sum);
  }
  return highest;
}

std::optional<double> free_energy_at_zero_kt(std::span<const double> counts, std::size_t below) {
  constexpr Eigen::Index terms = 7;
  if (below == 0 || below >= counts.size() || !(counts[below - 1] + counts[below] > 0)) return {};
  const double most = *std::max_element(counts.begin(), counts.end());
  std::size_t first = 0, end = counts.size();
  while (counts[first] < 0.1 * most) ++first;
  while (counts[end - 1] < 0.1 * most) --end;
  first = std::min(first, below - 1);
  end = std::max(end, below + 1);
  std::vector<std::size_t> used;
  for (std::size_t b = first; b < end; ++b)
    if (counts[b] > 0) used.push_back(b);
  if (used.size() <= static_cast<std::size_t>(terms)) return {};
  // x in units in which the bins reach from −1 to 1.
  const double centre = static_cast<double>(first + end) / 2, half = static_cast<double>(end - first) / 2;
  Eigen::MatrixXd basis(static_cast<Eigen::Index>(used.size()), terms);
  Eigen::VectorXd value(basis.rows());
  for (Eigen::Index row = 0; row < basis.rows(); ++row) {
    const std::size_t b = used[static_cast<std::size_t>(row)];
    const double x = (static_cast<double>(b) + 0.5 - centre) / half, weight = std::sqrt(counts[b]);
    double power = weight;
    for (Eigen::Index t = 0; t < terms; ++t, power *= x) basis(row, t) = power;
    value(row) = weight * std::log(counts[b]);
  }
  const Eigen::VectorXd coefficient = basis.colPivHouseholderQr().solve(value);
  const auto at = [&](double x) {
    double sum = 0;
    for (Eigen::Index t = terms; t-- > 0;) sum = sum * x + coefficient(t);
    return sum;
  };
  const double zero = at((static_cast<double>(below) - centre) / half);
  double highest = zero;
  constexpr int points = 2000;
  for (int k = 0; k <= points; ++k) highest = std::max(highest, at(2.0 * k / points - 1));
  return highest - zero;
}

}  // namespace saltus::kinetics
