// Products of small matrices, row-major: SIMD with run-time dispatch (Highway). A library's product packs its operands, which does not
// pay at these sizes, and knows only the processors of its day.
#pragma once

#include <cstddef>

namespace saltus::kernels {

/// c = factor · a b, or c += factor · a b if `add`;  a [rows·inner], b [inner·columns], c [rows·columns], whose rows begin `a_stride`, … apart.
/// Each row of c depends on its own row of a alone, not on how many rows there are.
void multiply(std::size_t rows, std::size_t inner, std::size_t columns, double factor, const double* a, std::size_t a_stride,
              const double* b, std::size_t b_stride, bool add, double* c, std::size_t c_stride);
void multiply(std::size_t rows, std::size_t inner, std::size_t columns, float factor, const float* a, std::size_t a_stride,
              const float* b, std::size_t b_stride, bool add, float* c, std::size_t c_stride);

}  // namespace saltus::kernels
