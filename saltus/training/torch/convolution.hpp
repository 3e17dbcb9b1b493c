// The convolution of equivariant networks as an operator of libtorch that can be differentiated twice:
//   out[i, k, c] = Σ_{edges i←j} Σ_paths w[e, c] √(2 l_out + 1) Σ_ab (l_in l_Y l_out)_abk x[j, a, c] Y[e, b].
#pragma once

#include <memory>
#include <vector>

#include "saltus/models/published_model.hpp"
#include "saltus/training/torch/graph.hpp"

namespace saltus::training {

/// Irreps joined: one block per irrep, in order of first appearance.
struct Merged {
  std::vector<Irrep> irrep;
  std::vector<std::int64_t> channels;       ///< [irrep]
  std::vector<std::size_t> merged_of;       ///< [block of the original]
  std::vector<std::int64_t> first_channel;  ///< [block of the original]
  std::optional<std::size_t> find(Irrep which) const;
};
Merged merged(const Irreps& irreps);

/// Features of N atoms: one tensor [N, 2l+1, channels] per irrep.
struct Features {
  std::vector<Irrep> irrep;
  std::vector<at::Tensor> block;
};

struct ConvolutionTerm {
  std::int64_t in = 0, out = 0;                    ///< merged blocks
  int l_in = 0, l_edge = 0, l_out = 0;
  std::int64_t channels = 0, in_channels = 0, out_channels = 0;  ///< of the path, and of its blocks
  std::int64_t in_begin = 0, out_begin = 0;        ///< of component 0, channel 0 in a row of all blocks; the next component is *_channels further
  std::int64_t first_weight = 0;
  std::vector<double> coupling;                    ///< [2l_edge+1][2l_in+1][2l_out+1], with √(2 l_out + 1)
};

/// What does not change between calls. Rows of features are blocks after blocks, each [2l+1][channels].
class Convolution {
 public:
  Convolution() = default;
  /// Throws Error{format} when a path does not fit.
  Convolution(const Irreps& features, const Irreps& output, const std::vector<ConvolutionPath>& paths, int harmonics_degree, std::size_t weights);

  const Merged& in() const { return in_; }
  const Merged& out() const { return out_; }
  const std::vector<ConvolutionTerm>& terms() const { return terms_; }
  std::int64_t in_size() const { return in_size_; }
  std::int64_t out_size() const { return out_size_; }
  std::int64_t harmonics() const { return harmonics_; }

  /// x [N, 2l+1, channels] per block, harmonics [E, (l_max+1)²], weights [E, weights]; `fused` on the CPU only.
  Features operator()(const Features& x, const at::Tensor& harmonics, const at::Tensor& weights, const std::shared_ptr<const Graph>& graph, bool fused) const;

 private:
  at::Tensor plain(const at::Tensor& x, const at::Tensor& harmonics, const at::Tensor& weights, const Graph& graph) const;
  Merged in_, out_;
  std::vector<ConvolutionTerm> terms_;
  std::int64_t in_size_ = 0, out_size_ = 0, harmonics_ = 0;
};

/// The same by one pass over the edges, forward, reverse and the reverse of the reverse. x [N, in_size], returns [N, out_size].
at::Tensor fused_convolution(const Convolution& convolution, const at::Tensor& x, const at::Tensor& harmonics, const at::Tensor& weights,
                             const std::shared_ptr<const Graph>& graph);

}  // namespace saltus::training
