#include "saltus/kernels/packed_matrix.hpp"

#include <algorithm>

#include "saltus/kernels/matrix_product.hpp"

namespace saltus::kernels {

namespace {

template <typename T>
constexpr std::size_t panel = 256 / sizeof(T);

}  // namespace

template <typename T>
PackedMatrix<T>::PackedMatrix(std::size_t rows, std::size_t columns, const T* values, bool transposed) : rows_(rows), columns_(columns) {
  panels_.reserve(rows * columns);
  for (std::size_t first = 0; first < columns; first += panel<T>)
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = first; c < std::min(first + panel<T>, columns); ++c) panels_.push_back(transposed ? values[c * rows + r] : values[r * columns + c]);
}

template <typename T>
void PackedMatrix<T>::multiply(std::size_t count, const T* a, std::size_t a_stride, bool add, T* c, std::size_t c_stride) const {
  for (std::size_t first = 0; first < columns_; first += panel<T>) {
    const std::size_t width = std::min(panel<T>, columns_ - first);
    kernels::multiply(count, rows_, width, T(1), a, a_stride, panels_.data() + first * rows_, width, add, c + first, c_stride);
  }
}

template class PackedMatrix<float>;
template class PackedMatrix<double>;

}  // namespace saltus::kernels
