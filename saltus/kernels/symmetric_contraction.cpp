#include "saltus/kernels/symmetric_contraction.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "saltus/base/error.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/symmetric_contraction.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Sums S of the nodes, the children first: S = coefficient + Σ_child A_child S_child. c is the first of Lanes channels.
template <class D, typename T, typename Polynomial>
HWY_INLINE void sum_nodes(D d, const Polynomial& p, const T* HWY_RESTRICT coefficient, std::size_t channels, std::size_t c,
                          const T* HWY_RESTRICT A, T* HWY_RESTRICT S) {
  const std::size_t N = hn::Lanes(d);
  for (std::size_t k = p.node.size(); k-- > 0;) {
    const auto& node = p.node[k];
    auto sum = k == 0 ? hn::Zero(d) : hn::LoadU(d, coefficient + node.coefficient * channels + c);
    for (std::uint32_t child = node.first_inner; child < node.last_inner; ++child)
      sum = hn::MulAdd(hn::LoadU(d, A + p.node[child].variable * N), hn::LoadU(d, S + child * N), sum);
    for (std::uint32_t leaf = node.first_leaf; leaf < node.last_leaf; ++leaf)
      sum = hn::MulAdd(hn::LoadU(d, A + p.leaf[leaf].variable * N), hn::LoadU(d, coefficient + p.leaf[leaf].coefficient * channels + c), sum);
    hn::StoreU(sum, d, S + k * N);
  }
}

template <class D, typename T>
HWY_INLINE std::size_t forward_lanes(D d, const SymmetricContraction<T>& contraction, const T* coefficient, std::span<const ContractionRows<T>> sites,
                                     std::vector<T>& scratch, std::size_t c) {
  const std::size_t N = hn::Lanes(d), channels = contraction.channels(), inputs = contraction.inputs();
  T *A = scratch.data(), *S = A + inputs * N;
  for (; c + N <= channels; c += N)
    for (const auto& site : sites) {
      for (std::size_t i = 0; i < inputs; ++i) hn::StoreU(hn::LoadU(d, site.input[i] + c), d, A + i * N);
      for (std::size_t o = 0; o < contraction.outputs(); ++o) {
        const auto& p = contraction.polynomials()[o];
        sum_nodes(d, p, coefficient + p.first_row * channels, channels, c, A, S);
        hn::StoreU(hn::LoadU(d, S), d, site.output[o] + c);
      }
    }
  return c;
}

template <class D, typename T>
HWY_INLINE std::size_t backward_lanes(D d, const SymmetricContraction<T>& contraction, const T* all, std::span<const ContractionRows<T>> sites,
                                      std::vector<T>& scratch, std::size_t c) {
  const std::size_t N = hn::Lanes(d), channels = contraction.channels(), inputs = contraction.inputs();
  T *A = scratch.data(), *G = A + inputs * N, *S = G + inputs * N, *Q = S + contraction.most_nodes() * N;
  for (; c + N <= channels; c += N)
    for (const auto& site : sites) {
      for (std::size_t i = 0; i < inputs; ++i) {
        hn::StoreU(hn::LoadU(d, site.input[i] + c), d, A + i * N);
        hn::StoreU(hn::Zero(d), d, G + i * N);
      }
      for (std::size_t o = 0; o < contraction.outputs(); ++o) {
        const auto& p = contraction.polynomials()[o];
        const T* coefficient = all + p.first_row * channels;
        sum_nodes(d, p, coefficient, channels, c, A, S);
        hn::StoreU(hn::LoadU(d, site.output_gradient[o] + c), d, Q);
        for (std::size_t k = 0; k < p.node.size(); ++k) {
          const auto& node = p.node[k];
          const auto q = hn::LoadU(d, Q + k * N);
          for (std::uint32_t child = node.first_inner; child < node.last_inner; ++child) {
            const std::size_t v = p.node[child].variable * N;
            hn::StoreU(hn::MulAdd(q, hn::LoadU(d, S + child * N), hn::LoadU(d, G + v)), d, G + v);
            hn::StoreU(hn::Mul(q, hn::LoadU(d, A + v)), d, Q + child * N);
          }
          for (std::uint32_t leaf = node.first_leaf; leaf < node.last_leaf; ++leaf) {
            const std::size_t v = p.leaf[leaf].variable * N;
            hn::StoreU(hn::MulAdd(q, hn::LoadU(d, coefficient + p.leaf[leaf].coefficient * channels + c), hn::LoadU(d, G + v)), d, G + v);
          }
        }
      }
      for (std::size_t i = 0; i < inputs; ++i) hn::StoreU(hn::LoadU(d, G + i * N), d, site.input_gradient[i] + c);
    }
  return c;
}

template <typename T, bool Backward>
HWY_INLINE void run(const SymmetricContraction<T>& contraction, int species, std::span<const ContractionRows<T>> sites, std::vector<T>& scratch) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const std::size_t needed = 2 * (contraction.inputs() + contraction.most_nodes()) * hn::Lanes(d);
  if (scratch.size() < needed) scratch.resize(needed);
  const T* coefficient = contraction.coefficients(species);
  if constexpr (Backward) backward_lanes(one, contraction, coefficient, sites, scratch, backward_lanes(d, contraction, coefficient, sites, scratch, 0));
  else forward_lanes(one, contraction, coefficient, sites, scratch, forward_lanes(d, contraction, coefficient, sites, scratch, 0));
}

void forward_float(const SymmetricContraction<float>& s, int z, std::span<const ContractionRows<float>> sites, std::vector<float>& scratch) {
  run<float, false>(s, z, sites, scratch);
}
void forward_double(const SymmetricContraction<double>& s, int z, std::span<const ContractionRows<double>> sites, std::vector<double>& scratch) {
  run<double, false>(s, z, sites, scratch);
}
void backward_float(const SymmetricContraction<float>& s, int z, std::span<const ContractionRows<float>> sites, std::vector<float>& scratch) {
  run<float, true>(s, z, sites, scratch);
}
void backward_double(const SymmetricContraction<double>& s, int z, std::span<const ContractionRows<double>> sites, std::vector<double>& scratch) {
  run<double, true>(s, z, sites, scratch);
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(forward_float);
HWY_EXPORT(forward_double);
HWY_EXPORT(backward_float);
HWY_EXPORT(backward_double);

template <typename T>
SymmetricContraction<T>::SymmetricContraction(const ContractionPlan& plan)
    : inputs_(plan.inputs), channels_(plan.channels), species_(plan.species), prepared_(std::make_unique<Prepared>()) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::format, std::string("symmetric contraction: ") + what); };
  if (inputs_ == 0 || channels_ == 0 || species_ == 0) refuse("inputs, channels and species are needed");
  if (inputs_ > 255) throw Error(ErrorKind::unsupported, "symmetric contractions of more than 255 components are not supported");
  prepared_->coefficient.resize(species_);
  for (const ContractionOutput& output : plan.outputs) {
    const std::size_t first_term = weight_.size();
    for (const ContractionTerm& term : output.terms) {
      if (term.order < 1 || term.order > 6) throw Error(ErrorKind::unsupported, "symmetric contractions of order 1 to 6 are supported");
      double size = static_cast<double>(output.components * term.paths);
      for (int k = 0; k < term.order; ++k) size *= static_cast<double>(inputs_);
      if (static_cast<double>(term.coupling.size()) != size) refuse("a coupling does not fit its order");
      if (term.weight.size() != species_ * term.paths * channels_) refuse("weights do not fit their paths");
      weight_.push_back(term.weight);
      paths_.push_back(term.paths);
    }
    for (std::size_t component = 0; component < output.components; ++component) {
      // Monomials as sorted factors, with what makes up their coefficient.
      std::map<std::vector<std::uint16_t>, std::map<std::pair<std::uint32_t, std::uint32_t>, double>> monomials;
      for (std::size_t t = 0; t < output.terms.size(); ++t) {
        const ContractionTerm& term = output.terms[t];
        const auto order = static_cast<std::size_t>(term.order);
        const std::size_t products = term.coupling.size() / output.components / std::max<std::size_t>(term.paths, 1);
        if (term.paths == 0) continue;
        const double* U = term.coupling.data() + component * products * term.paths;
        std::vector<std::uint16_t> factors(order);
        for (std::size_t index = 0; index < products; ++index)
          for (std::size_t path = 0; path < term.paths; ++path) {
            const double u = U[index * term.paths + path];
            if (u == 0) continue;
            std::size_t rest = index;
            for (std::size_t k = order; k-- > 0;) {
              factors[k] = static_cast<std::uint16_t>(rest % inputs_);
              rest /= inputs_;
            }
            std::vector<std::uint16_t> sorted = factors;
            std::sort(sorted.begin(), sorted.end());
            monomials[sorted][{static_cast<std::uint32_t>(first_term + t), static_cast<std::uint32_t>(path)}] += u;
          }
      }
      // What cancels between permutations is rounding.
      for (auto& [factors, parts] : monomials) {
        double most = 0;
        for (const auto& [key, value] : parts) most = std::max(most, std::abs(value));
        std::erase_if(parts, [&](const auto& part) { return std::abs(part.second) <= 1e-12 || std::abs(part.second) < 1e-12 * most; });
      }
      std::erase_if(monomials, [](const auto& m) { return m.second.empty(); });

      // Prefixes of all monomials; those with longer ones become nodes.
      std::map<std::vector<std::uint16_t>, std::vector<std::vector<std::uint16_t>>> children;
      for (const auto& [factors, parts] : monomials)
        for (std::size_t n = factors.size(); n > 0; --n) {
          const std::vector<std::uint16_t> child(factors.begin(), factors.begin() + static_cast<std::ptrdiff_t>(n));
          auto& list = children[std::vector<std::uint16_t>(child.begin(), child.end() - 1)];
          if (!list.empty() && list.back() == child) break;  // monomials come in order, so it would be the last
          list.push_back(child);
        }
      Polynomial p;
      p.first_row = rows_;
      const auto row_of = [&](const std::vector<std::uint16_t>& factors) {
        std::vector<Source> sources;
        if (const auto found = monomials.find(factors); found != monomials.end())
          for (const auto& [key, value] : found->second) sources.push_back({key.first, key.second, value});
        source_.push_back(std::move(sources));
        return static_cast<std::uint32_t>(p.rows++);
      };
      std::vector<std::vector<std::uint16_t>> prefix{{}};
      p.node.push_back({});
      p.node[0].coefficient = row_of({});
      for (std::size_t k = 0; k < p.node.size(); ++k) {
        const std::vector<std::uint16_t> own = prefix[k];
        const auto& list = children[own];
        p.node[k].first_inner = static_cast<std::uint32_t>(p.node.size());
        for (const auto& child : list) {
          if (!children.contains(child)) continue;
          Node node;
          node.variable = child.back();
          node.coefficient = row_of(child);
          p.node.push_back(node);
          prefix.push_back(child);
        }
        p.node[k].last_inner = static_cast<std::uint32_t>(p.node.size());
        p.node[k].first_leaf = static_cast<std::uint32_t>(p.leaf.size());
        for (const auto& child : list)
          if (!children.contains(child)) p.leaf.push_back({child.back(), row_of(child)});
        p.node[k].last_leaf = static_cast<std::uint32_t>(p.leaf.size());
      }
      rows_ += p.rows;
      most_nodes_ = std::max(most_nodes_, p.node.size());
      polynomial_.push_back(std::move(p));
    }
  }
}

template <typename T>
std::size_t SymmetricContraction<T>::monomials() const {
  std::size_t count = 0;
  for (const auto& sources : source_) count += !sources.empty();
  return count;
}

template <typename T>
void SymmetricContraction<T>::prepare(std::span<const int> species) const {
  const std::scoped_lock lock(prepared_->mutex);
  std::vector<double> row(channels_);
  for (const int z : species) {
    auto& coefficient = prepared_->coefficient[static_cast<std::size_t>(z)];
    if (!coefficient.empty()) continue;
    std::vector<T> made(rows_ * channels_);
    for (std::size_t r = 0; r < rows_; ++r) {
      std::fill(row.begin(), row.end(), 0.0);
      for (const Source& s : source_[r]) {
        const double* w = weight_[s.term].data() + (static_cast<std::size_t>(z) * paths_[s.term] + s.path) * channels_;
        for (std::size_t c = 0; c < channels_; ++c) row[c] += s.value * w[c];
      }
      for (std::size_t c = 0; c < channels_; ++c) made[r * channels_ + c] = static_cast<T>(row[c]);
    }
    coefficient = std::move(made);
  }
}

template <>
void SymmetricContraction<float>::forward(int z, std::span<const ContractionRows<float>> sites, std::vector<float>& scratch) const {
  HWY_DYNAMIC_DISPATCH(forward_float)(*this, z, sites, scratch);
}
template <>
void SymmetricContraction<double>::forward(int z, std::span<const ContractionRows<double>> sites, std::vector<double>& scratch) const {
  HWY_DYNAMIC_DISPATCH(forward_double)(*this, z, sites, scratch);
}
template <>
void SymmetricContraction<float>::backward(int z, std::span<const ContractionRows<float>> sites, std::vector<float>& scratch) const {
  HWY_DYNAMIC_DISPATCH(backward_float)(*this, z, sites, scratch);
}
template <>
void SymmetricContraction<double>::backward(int z, std::span<const ContractionRows<double>> sites, std::vector<double>& scratch) const {
  HWY_DYNAMIC_DISPATCH(backward_double)(*this, z, sites, scratch);
}

template class SymmetricContraction<float>;
template class SymmetricContraction<double>;

}  // namespace saltus::kernels
#endif
