// The convolution of equivariant networks on one edge with all its derivatives, as training needs them: the message
//   out[k, c] += w[c] Σ_ab C[b, a, k] y[b] x[a, c]
// is linear in x, y and w, so its reverse, and the reverse of that, are made of the same products.
#pragma once

#include <cstddef>
#include <vector>

namespace saltus::kernels {

/// Lanes of the longest vector in use (float32, 512 bit).
inline constexpr std::size_t trilinear_most_lanes = 16;

/// One path. Row a of a block lies a · stride after its beginning.
struct TrilinearPath {
  std::size_t in_rows = 0, edge_rows = 0, out_rows = 0;
  std::size_t channels = 0;
  std::size_t in_begin = 0, in_stride = 0;
  std::size_t out_begin = 0, out_stride = 0;
  std::size_t edge_begin = 0, weight_begin = 0;
  std::vector<double> coupling;  ///< [edge_rows][in_rows][out_rows]
};

/// Rows of one edge: x of the sender, y of the edge, w of the edge, g = d/d(out) of the receiver. A perturbation may be null = zero.
template <typename T>
struct TrilinearRows {
  const T *x = nullptr, *y = nullptr, *w = nullptr, *g = nullptr;
  const T *x_change = nullptr, *y_change = nullptr, *w_change = nullptr;
};

template <typename T>
class Trilinear {
 public:
  Trilinear() = default;
  explicit Trilinear(const std::vector<TrilinearPath>& paths);

  /// Numbers of scratch that all functions need.
  std::size_t scratch() const { return scratch_; }

  /// out += message.
  void forward(const TrilinearRows<T>& rows, T* out, T* scratch) const;
  /// With S = g · message: w_gradient = dS/dw and, if not null, y_gradient += dS/dy. Every weight must belong to a path.
  void reverse_edge(const TrilinearRows<T>& rows, T* w_gradient, T* y_gradient, T* scratch) const;
  /// x_gradient += dS/dx.
  void reverse_sender(const TrilinearRows<T>& rows, T* x_gradient, T* scratch) const;

  /// With S' = the change of S along the three perturbations:
  /// g_gradient += dS'/dg, w_gradient = dS'/dw and, if not null, y_gradient += dS'/dy.
  void second_edge(const TrilinearRows<T>& rows, T* g_gradient, T* w_gradient, T* y_gradient, T* scratch) const;
  /// x_gradient += dS'/dx.
  void second_sender(const TrilinearRows<T>& rows, T* x_gradient, T* scratch) const;

  struct Path {
    std::size_t in_rows, edge_rows, out_rows, channels, in_begin, in_stride, out_begin, out_stride, edge_begin, weight_begin, coupling;
  };
  const std::vector<Path>& paths() const { return path_; }
  const T* coupling(const Path& path) const { return coupling_.data() + path.coupling; }

 private:
  std::vector<Path> path_;
  std::vector<T> coupling_;
  std::size_t scratch_ = 0;
};

}  // namespace saltus::kernels
