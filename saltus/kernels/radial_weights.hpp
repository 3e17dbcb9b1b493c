// The radial functions of one message layer, by spline tables where they exist and by the network itself elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "saltus/kernels/radial.hpp"

namespace saltus::kernels {

/// Tables may take this much per layer; what would need more stays exact.
inline constexpr std::size_t radial_table_byte_limit = std::size_t(1) << 28;

/// Largest relative error of a table: far below 1e-6 eV per atom for the one, the rounding of the numbers for the other.
template <typename T>
inline constexpr double radial_table_tolerance = sizeof(T) == 4 ? 2e-7 : 1e-9;

template <typename T>
class RadialWeights {
 public:
  RadialWeights() = default;
  /// length  of the transform of each class of pairs; one class where there is no transform
  /// exact   never uses tables
  RadialWeights(const RadialFunction& function, std::vector<double> length, bool exact);

  std::size_t weights() const { return exact_.function().weights(); }
  std::size_t outputs() const { return exact_.function().outputs(); }
  std::size_t classes() const { return length_.size(); }
  /// Makes the tables of these classes of pairs that are not there yet. May be called by several threads.
  void prepare(std::span<const std::uint32_t> classes) const;
  /// Whether pairs of a class come from a table, and that table or null. After prepare.
  const RadialTable<T>* table(std::uint32_t pair_class) const { return tables_ ? tables_->of_class[pair_class].get() : nullptr; }
  /// Pairs worth giving to evaluate at once.
  std::size_t batch() const { return tables_ ? 1 : 32; }

  /// Rows of outputs() values, and slopes if not null, at the distances r of pairs of these classes. After prepare.
  void evaluate(std::span<const double> r, std::span<const std::uint32_t> pair_class, T* value, T* slope) const;

 private:
  struct Tables {
    std::mutex mutex;
    std::vector<std::unique_ptr<RadialTable<T>>> of_class;
    std::vector<char> tried;
  };
  ExactRadial<T> exact_;
  std::vector<double> length_;
  std::unique_ptr<Tables> tables_;
};

}  // namespace saltus::kernels
