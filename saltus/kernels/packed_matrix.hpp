// Constant matrices laid out for many products with them: panels of 256 bytes of columns, row after row, which the kernel of matrix_product.hpp reads from
// first to last. Packed once, products run at the speed of the core whatever the size, on processors that a library does not know too.
#pragma once

#include <cstddef>
#include <vector>

namespace saltus::kernels {

template <typename T>
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// values  row-major [rows·columns]; if `transposed`, [columns·rows]: of the transpose
  PackedMatrix(std::size_t rows, std::size_t columns, const T* values, bool transposed);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  /// c = a M, or c += a M if `add`;  a [count·rows], c [count·columns], whose rows begin `a_stride` and `c_stride` apart.
  /// Each row of c depends on its own row of a alone.
  void multiply(std::size_t count, const T* a, std::size_t a_stride, bool add, T* c, std::size_t c_stride) const;

 private:
  std::size_t rows_ = 0, columns_ = 0;
  std::vector<T> panels_;
};

}  // namespace saltus::kernels
