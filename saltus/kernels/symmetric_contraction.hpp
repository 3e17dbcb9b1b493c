// Symmetric contraction of MACE as sparse polynomials:  B_o = Σ_ν Σ_{i1…iν} Σ_k U^ν_{o,i1…iν,k} W^ν_{z,k} A_{i1} … A_{iν}, channel by channel.
// Products that differ in the order of factors are one monomial; monomials are evaluated by Horner's rule over a tree of prefixes.
// References: Batatia et al., NeurIPS 35, 11423 (2022); Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace saltus::kernels {

/// One output irrep, one order ν of it.
struct ContractionTerm {
  int order = 1;
  std::size_t paths = 0;
  std::vector<double> coupling;   ///< U [components][inputs^order][paths]
  std::vector<double> weight;     ///< W [species][paths][channels]
};

struct ContractionOutput {
  std::size_t components = 1;     ///< 2l+1
  std::vector<ContractionTerm> terms;
};

struct ContractionPlan {
  std::size_t inputs = 0;         ///< components of A in one channel
  std::size_t channels = 0;
  std::size_t species = 0;
  std::vector<ContractionOutput> outputs;
};

/// Where a site's rows of `channels` numbers are.
template <typename T>
struct ContractionRows {
  const T* const* input;          ///< [inputs]
  T* const* output;               ///< forward: [all components of all outputs]
  const T* const* output_gradient;///< backward: the same
  T* const* input_gradient;       ///< backward: [inputs], overwritten
};

template <typename T>
class SymmetricContraction {
 public:
  SymmetricContraction() = default;
  /// Throws Error{format} when sizes do not fit together, Error{unsupported} for orders beyond 6 or more than 255 inputs.
  explicit SymmetricContraction(const ContractionPlan& plan);

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return polynomial_.size(); }
  std::size_t channels() const { return channels_; }
  /// Monomials over all outputs.
  std::size_t monomials() const;
  /// Makes the coefficients of these species. May be called by several threads.
  void prepare(std::span<const int> species) const;

  void forward(int species, std::span<const ContractionRows<T>> sites, std::vector<T>& scratch) const;
  void backward(int species, std::span<const ContractionRows<T>> sites, std::vector<T>& scratch) const;

  /// A prefix of monomials, and their sum as a polynomial of the remaining factors.
  struct Node {
    std::uint32_t first_inner = 0, last_inner = 0;  // children that have children: nodes
    std::uint32_t first_leaf = 0, last_leaf = 0;    // children that have none: leaves
    std::uint32_t variable = 0;                     // factor by which it extends its parent
    std::uint32_t coefficient = 0;                  // row, of the prefix itself
  };
  struct Leaf {
    std::uint32_t variable = 0, coefficient = 0;
  };
  struct Polynomial {
    std::vector<Node> node;                         // node 0 is the empty product; children come later
    std::vector<Leaf> leaf;
    std::size_t first_row = 0, rows = 0;
  };
  const std::vector<Polynomial>& polynomials() const { return polynomial_; }
  /// [rows][channels]; after prepare.
  const T* coefficients(int species) const { return prepared_->coefficient[static_cast<std::size_t>(species)].data(); }
  std::size_t most_nodes() const { return most_nodes_; }

 private:
  struct Source {                                   // coefficient row = Σ value · weight row
    std::uint32_t term, path;
    double value;
  };
  struct Prepared {
    std::mutex mutex;
    std::vector<std::vector<T>> coefficient;
  };
  std::size_t inputs_ = 0, channels_ = 0, species_ = 0, most_nodes_ = 0, rows_ = 0;
  std::vector<Polynomial> polynomial_;
  std::vector<std::vector<Source>> source_;         // [rows]
  std::vector<std::vector<double>> weight_;         // [term]
  std::vector<std::size_t> paths_;                  // [term]
  std::unique_ptr<Prepared> prepared_;
};

}  // namespace saltus::kernels
