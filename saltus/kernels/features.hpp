// Features of many sites, one array per irrep with channels innermost, and linear maps between them as matrix products.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "saltus/kernels/message.hpp"

namespace saltus::kernels {

/// Block b holds [sites][2l+1][channels].
template <typename T>
class Features {
 public:
  /// Contents are not kept.
  void resize(std::span<const FeatureBlock> blocks, std::size_t sites);
  std::size_t sites() const { return sites_; }
  std::size_t blocks() const { return block_.size(); }
  const FeatureBlock& block(std::size_t b) const { return block_[b]; }
  T* row(std::size_t b, std::size_t site) { return data_.data() + offset_[b] + site * block_[b].size(); }
  const T* row(std::size_t b, std::size_t site) const { return data_.data() + offset_[b] + site * block_[b].size(); }
  /// Pointers to the blocks of one site.
  void rows(std::size_t site, T** pointers);
  void rows(std::size_t site, const T** pointers) const;
  void fill_zero(std::size_t first, std::size_t last);

 private:
  std::vector<FeatureBlock> block_;
  std::vector<std::size_t> offset_;
  std::size_t sites_ = 0;
  std::vector<T> data_;
};

/// y = factor · x W for each pair of blocks of one irrep, the same for all components; W row-major [channels in, channels out].
template <typename T>
struct LinearMap {
  struct Term {
    std::size_t in = 0, out = 0;          ///< blocks
    std::vector<T> weight;                ///< the factor included
    std::vector<T> transposed;            ///< [channels out, channels in]
  };
  /// Adds a term with its transpose.
  void add(std::size_t in_block, std::size_t out_block, std::vector<T> weight, std::size_t channels_in);
  std::vector<Term> terms;                ///< at most one to each output block
  std::vector<T> bias;                    ///< of output block `bias_block`, or empty
  std::size_t bias_block = 0;
};

/// Sites [first, last) of `in` to the sites from `out_first` on of `out`; what is not reached becomes zero, or stays if `add`.
template <typename T>
void apply(const LinearMap<T>& map, const Features<T>& in, std::size_t first, std::size_t last, Features<T>& out, std::size_t out_first,
           bool add);
/// The gradient by the input from that by the output. `scale` multiplies it; added to `in`, or put there.
template <typename T>
void apply_transposed(const LinearMap<T>& map, const Features<T>& out, std::size_t first, std::size_t last, Features<T>& in,
                      std::size_t in_first, T scale, bool add);

enum class Nonlinearity { silu, tanh, abs, shifted_softplus };

/// value = factor φ(x), slope = factor φ'(x) unless that is null, n numbers. SIMD with run-time dispatch (Highway).
void activate(Nonlinearity function, double factor, std::size_t n, const double* x, double* value, double* slope);
void activate(Nonlinearity function, double factor, std::size_t n, const float* x, float* value, float* slope);

}  // namespace saltus::kernels
