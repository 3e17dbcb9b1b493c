// Packed matrices against sums written out, at widths within and across panels.
#include "saltus/kernels/packed_matrix.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"

namespace saltus::kernels {
namespace {

template <typename T>
void check(std::size_t count, std::size_t rows, std::size_t columns, bool transposed, bool add) {
  SCOPED_TRACE(testing::Message() << count << " " << rows << " " << columns << " " << transposed << add);
  Random random(5, 0);
  const std::size_t a_stride = rows + 3, c_stride = columns + 2;
  std::vector<T> m(rows * columns), a(count * a_stride), c(count * c_stride, T(0.5));
  for (T& x : m) x = static_cast<T>(random.normal());
  for (T& x : a) x = static_cast<T>(random.normal());
  const PackedMatrix<T> packed(rows, columns, m.data(), transposed);
  EXPECT_EQ(packed.rows(), rows);
  EXPECT_EQ(packed.columns(), columns);
  packed.multiply(count, a.data(), a_stride, add, c.data(), c_stride);
  const double tolerance = (sizeof(T) == 4 ? 1e-6 : 1e-15) * (4 + static_cast<double>(rows));
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < c_stride; ++j) {
      double sum = add || j >= columns ? 0.5 : 0;
      for (std::size_t k = 0; k < rows && j < columns; ++k) sum += static_cast<double>(a[i * a_stride + k]) * static_cast<double>(transposed ? m[j * rows + k] : m[k * columns + j]);
      EXPECT_NEAR(static_cast<double>(c[i * c_stride + j]), sum, tolerance) << i << " " << j;
    }
}

TEST(PackedMatrix, IsTheProduct) {
  for (const std::size_t columns : {1, 3, 31, 32, 64, 65, 150})
    for (const bool transposed : {false, true})
      for (const bool add : {false, true}) {
        check<float>(7, 11, columns, transposed, add);
        check<double>(7, 11, columns, transposed, add);
      }
  check<double>(1, 1, 1, false, false);
  check<float>(13, 200, 70, true, true);
}

}  // namespace
}  // namespace saltus::kernels
