#include "saltus/analysis/stretch_sums.hpp"

#include <algorithm>
#include <utility>

namespace saltus {

namespace {

void add_to(std::vector<double>& sum, std::span<const double> row) {
  for (std::size_t k = 0; k < row.size(); ++k) sum[k] += row[k];
}

}  // namespace

void StretchSums::add(std::span<const double> row) {
  if (rows_ == sums_.size() * rows_per_stretch_) {
    if (sums_.size() == most_) {
      for (std::size_t k = 0; k < most_ / 2; ++k) {
        add_to(sums_[2 * k], sums_[2 * k + 1]);
        if (k > 0) sums_[k] = std::move(sums_[2 * k]);
      }
      sums_.resize(most_ / 2);
      rows_per_stretch_ *= 2;
    }
    sums_.emplace_back(row.size(), 0.0);
  }
  add_to(sums_.back(), row);
  ++rows_;
}

std::vector<double> StretchSums::total() const {
  std::vector<double> sum(sums_.empty() ? 0 : sums_.front().size(), 0.0);
  for (const auto& stretch : sums_) add_to(sum, stretch);
  return sum;
}

std::vector<std::vector<double>> StretchSums::blocks(std::size_t count) const {
  const std::size_t used = std::min(count, whole());
  if (used < 2) return {};
  const std::size_t per_block = whole() / used;
  std::vector<std::vector<double>> result;
  for (std::size_t b = 0; b < used; ++b) {
    result.push_back(sums_[b * per_block]);
    for (std::size_t k = 1; k < per_block; ++k) add_to(result.back(), sums_[b * per_block + k]);
  }
  return result;
}

std::size_t StretchSums::rows_per_block(std::size_t count) const {
  const std::size_t used = std::min(count, whole());
  return used < 2 ? 0 : whole() / used * rows_per_stretch_;
}

}  // namespace saltus
