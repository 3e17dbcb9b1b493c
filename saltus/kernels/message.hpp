// The convolution of equivariant networks on one edge: out_k += w √(2 l_out + 1) Σ_ij (l_in l_Y l_out)_ijk x_i Y_j, and its reverse.
// Channels are innermost and in SIMD lanes (Highway, run-time dispatch); per path a small dense matrix M_ik = Σ_j (…)_ijk Y_j does the rest.
// Reference: Batzner et al., Nat. Commun. 13, 2453 (2022).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace saltus::kernels {

/// Features of one irrep: [2l+1][channels] per atom.
struct FeatureBlock {
  std::size_t channels = 0;
  int l = 0;
  std::size_t size() const { return channels * static_cast<std::size_t>(2 * l + 1); }
};

struct MessagePath {
  std::size_t in = 0, out = 0;          ///< blocks
  int l_edge = 0;                       ///< of the harmonic
  std::size_t first_weight = 0;         ///< of the channels of `in`
  std::size_t first_channel = 0;        ///< in `out`
};

struct MessagePlan {
  int l_max = 0;                        ///< of the harmonics
  std::vector<FeatureBlock> in, out;
  std::vector<MessagePath> paths;
  std::size_t weights = 0;              ///< per edge
};

/// A plan with its couplings; constant, shared by threads.
template <typename T>
class Message {
 public:
  Message() = default;
  /// Throws Error{format} when a path does not fit its blocks.
  explicit Message(const MessagePlan& plan);

  const MessagePlan& plan() const { return plan_; }
  /// Numbers of scratch that both functions need.
  std::size_t scratch() const { return 3 * entries_; }

  /// Adds one neighbour's message. x and out: one pointer per block, to the rows of that atom; harmonic [(l_max+1)²].
  void forward(const T* const* x, const T* weight, const T* harmonic, T* const* out, T* scratch) const;

  /// Reverse of forward for the sender x of a message to an atom with the gradient g = dE/d(out).
  ///
  /// harmonic, tilt  of the pair as the sender sees it: the message used the opposite direction, so odd l change sign here;
  ///                 tilt[2·(…) + t] is the derivative of the harmonic along tangent t
  /// x_gradient      receives the addition to dE/dx
  /// pair_gradient   receives dE/dr through the weights, and dE along the two tangents, of this message
  void backward(const T* const* x, const T* weight, const T* weight_slope, const T* harmonic, const T* tilt, const T* const* g,
                T* const* x_gradient, T (&pair_gradient)[3], T* scratch) const;

  struct Path {
    std::uint32_t in, out;
    int l_in, l_out;
    bool scalar_edge;                   // l_edge = 0: M is the identity times one number
    std::size_t channels, first_weight, out_channels, first_channel, entry;
  };
  struct Group {                        // paths of one l_edge
    int l;
    std::size_t entry, count, table;    // count is a multiple of the longest vector
  };
  const std::vector<Path>& paths() const { return path_; }
  const std::vector<Group>& groups() const { return group_; }
  const T* coupling() const { return coupling_.data(); }
  std::size_t entries() const { return entries_; }

 private:
  MessagePlan plan_;
  std::vector<Path> path_;
  std::vector<Group> group_;
  std::vector<T> coupling_;             // per group [2l+1][count]
  std::size_t entries_ = 0;
};

}  // namespace saltus::kernels
