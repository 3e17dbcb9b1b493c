// Sums of a series over equal stretches of it, for a series whose length is not known beforehand: when there are too many
// stretches, neighbours are joined. Memory does not grow with the length; blocks for intervals are made of whole stretches.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace saltus {

class StretchSums {
 public:
  /// most: stretches kept, even and at least 2. Each then holds more than `most`/2-th of the series, or `together` rows.
  /// together: rows that no stretch divides, such as the beads of a step.
  explicit StretchSums(std::size_t most, std::size_t together = 1) : most_(most), rows_per_stretch_(together) {}

  /// Next row of the series; all rows have the same length.
  void add(std::span<const double> row);

  std::size_t rows() const { return rows_; }
  std::size_t rows_per_stretch() const { return rows_per_stretch_; }
  /// Whole stretches; rows behind the last of them belong to none.
  std::size_t whole() const { return rows_ / rows_per_stretch_; }
  /// Sum over stretch k < whole().
  const std::vector<double>& sum(std::size_t k) const { return sums_[k]; }
  /// Sum over all rows.
  std::vector<double> total() const;
  /// Sums over equally long blocks of whole stretches, [block]; as many as asked for or as there are stretches. Divide by
  /// rows_per_block(blocks) for means. Empty when fewer than two stretches are whole.
  std::vector<std::vector<double>> blocks(std::size_t count) const;
  std::size_t rows_per_block(std::size_t count) const;

 private:
  std::size_t most_, rows_per_stretch_, rows_ = 0;
  std::vector<std::vector<double>> sums_;
};

}  // namespace saltus
