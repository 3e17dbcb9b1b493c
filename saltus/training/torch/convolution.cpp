#include "saltus/training/torch/convolution.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/kernels/angular.hpp"

namespace saltus::training {

std::optional<std::size_t> Merged::find(Irrep which) const {
  for (std::size_t k = 0; k < irrep.size(); ++k)
    if (irrep[k] == which) return k;
  return {};
}

Merged merged(const Irreps& irreps) {
  Merged result;
  for (const IrrepBlock& block : irreps) {
    auto at = result.find(block.irrep);
    if (!at) {
      at = result.irrep.size();
      result.irrep.push_back(block.irrep);
      result.channels.push_back(0);
    }
    result.merged_of.push_back(*at);
    result.first_channel.push_back(result.channels[*at]);
    result.channels[*at] += static_cast<std::int64_t>(block.channels);
  }
  return result;
}

namespace {

std::vector<std::int64_t> block_begins(const Merged& merged, std::int64_t& size) {
  std::vector<std::int64_t> begin;
  size = 0;
  for (std::size_t k = 0; k < merged.irrep.size(); ++k) {
    begin.push_back(size);
    size += merged.channels[k] * (2 * merged.irrep[k].degree + 1);
  }
  return begin;
}

}  // namespace

Convolution::Convolution(const Irreps& features, const Irreps& output, const std::vector<ConvolutionPath>& paths, int harmonics_degree, std::size_t weights)
    : in_(merged(features)), out_(merged(output)), harmonics_((harmonics_degree + 1) * (harmonics_degree + 1)) {
  const auto in_begin = block_begins(in_, in_size_), out_begin = block_begins(out_, out_size_);
  for (const ConvolutionPath& path : paths) {
    if (path.feature >= features.size() || path.output >= output.size() || path.harmonic_degree < 0 || path.harmonic_degree > harmonics_degree ||
        path.channels != features[path.feature].channels || path.first_channel + path.channels > output[path.output].channels ||
        path.first_weight + path.channels > weights)
      throw Error(ErrorKind::format, "a path of the convolution does not fit its features");
    ConvolutionTerm term;
    const std::size_t a = in_.merged_of[path.feature], b = out_.merged_of[path.output];
    term.in = static_cast<std::int64_t>(a);
    term.out = static_cast<std::int64_t>(b);
    term.l_in = in_.irrep[a].degree;
    term.l_edge = path.harmonic_degree;
    term.l_out = out_.irrep[b].degree;
    term.channels = static_cast<std::int64_t>(path.channels);
    term.in_channels = in_.channels[a];
    term.out_channels = out_.channels[b];
    term.in_begin = in_begin[a] + in_.first_channel[path.feature];
    term.out_begin = out_begin[b] + out_.first_channel[path.output] + static_cast<std::int64_t>(path.first_channel);
    term.first_weight = static_cast<std::int64_t>(path.first_weight);
    const auto coupling = kernels::real_3j(term.l_in, term.l_edge, term.l_out);  // [in][edge][out]
    const int I = 2 * term.l_in + 1, J = 2 * term.l_edge + 1, K = 2 * term.l_out + 1;
    term.coupling.resize(coupling.size());
    for (int i = 0; i < I; ++i)
      for (int j = 0; j < J; ++j)
        for (int k = 0; k < K; ++k) term.coupling[static_cast<std::size_t>((j * I + i) * K + k)] = std::sqrt(2.0 * term.l_out + 1) * coupling[static_cast<std::size_t>((i * J + j) * K + k)];
    terms_.push_back(std::move(term));
  }
  std::vector<std::int64_t> filled(out_.irrep.size(), 0);
  for (const ConvolutionTerm& term : terms_) filled[static_cast<std::size_t>(term.out)] += term.channels;
  if (filled != out_.channels) throw Error(ErrorKind::format, "the paths of the convolution do not fill its output");
}

Features Convolution::operator()(const Features& x, const at::Tensor& harmonics, const at::Tensor& weights, const std::shared_ptr<const Graph>& graph, bool fused) const {
  std::vector<at::Tensor> rows;
  for (const Irrep irrep : in_.irrep) {
    const auto found = std::find(x.irrep.begin(), x.irrep.end(), irrep);
    if (found == x.irrep.end()) throw Error(ErrorKind::format, fmt::format("the convolution takes {}, which the features lack", text(irrep)));
    rows.push_back(x.block[static_cast<std::size_t>(found - x.irrep.begin())].reshape({graph->atoms, -1}));
  }
  const at::Tensor all = rows.size() == 1 ? rows.front() : at::cat(rows, 1);
  const at::Tensor y = fused && all.device().is_cpu() ? fused_convolution(*this, all, harmonics, weights, graph) : plain(all, harmonics, weights, *graph);
  Features result{out_.irrep, {}};
  std::int64_t begin = 0;
  for (std::size_t k = 0; k < out_.irrep.size(); ++k) {
    const std::int64_t d = 2 * out_.irrep[k].degree + 1, size = d * out_.channels[k];
    result.block.push_back(y.narrow(1, begin, size).reshape({graph->atoms, d, out_.channels[k]}));
    begin += size;
  }
  return result;
}

at::Tensor Convolution::plain(const at::Tensor& x, const at::Tensor& harmonics, const at::Tensor& weights, const Graph& graph) const {
  const at::Tensor sent = x.index_select(0, graph.neighbor);
  // Messages by output irrep, put together from paths in order of their channels.
  std::vector<std::vector<std::pair<std::int64_t, at::Tensor>>> parts(out_.irrep.size());
  for (const ConvolutionTerm& t : terms_) {
    const std::int64_t I = 2 * t.l_in + 1, J = 2 * t.l_edge + 1, K = 2 * t.l_out + 1;
    const at::Tensor coupling = at::tensor(at::ArrayRef<double>(t.coupling), at::kDouble).reshape({J, I * K}).to(x.options());
    const at::Tensor couple = harmonics.narrow(1, t.l_edge * t.l_edge, J).matmul(coupling).reshape({graph.edges, I, K});
    // Component a, channel c of the block lies at begin + a · in_channels + c.
    std::vector<at::Tensor> components;
    for (std::int64_t a = 0; a < I; ++a) components.push_back(sent.narrow(1, t.in_begin + a * t.in_channels, t.channels));
    const at::Tensor feature = at::stack(components, 2);  // [E, channels, I]
    const at::Tensor message = at::bmm(feature, couple) * weights.narrow(1, t.first_weight, t.channels).unsqueeze(2);  // [E, channels, K]
    parts[static_cast<std::size_t>(t.out)].emplace_back(t.out_begin, message);
  }
  std::vector<at::Tensor> rows;
  for (std::size_t b = 0; b < parts.size(); ++b) {
    auto& list = parts[b];
    std::sort(list.begin(), list.end(), [](const auto& p, const auto& q) { return p.first < q.first; });
    std::vector<at::Tensor> messages;
    for (const auto& [begin, message] : list) messages.push_back(message);
    const std::int64_t K = 2 * out_.irrep[b].degree + 1;
    const at::Tensor message = at::cat(messages, 1);
    rows.push_back(at::zeros({graph.atoms, out_.channels[b], K}, x.options()).index_add(0, graph.center, message).transpose(1, 2).reshape({graph.atoms, -1}));
  }
  return at::cat(rows, 1);
}

}  // namespace saltus::training
