#include "saltus/potentials/network_maps.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

std::size_t choose_head(const std::vector<std::string>& heads, const NetworkSettings& settings, const char* what) {
  if (!settings.head) {
    if (heads.size() <= 1) return 0;
    throw Error(ErrorKind::usage, fmt::format("the model has several {}: name one of {}", what, join(heads)));
  }
  const auto found = std::find(heads.begin(), heads.end(), *settings.head);
  if (found == heads.end())
    throw Error(ErrorKind::usage, fmt::format("the model has no {} '{}'{}; it has {}", what, *settings.head, did_you_mean(*settings.head, heads),
                                              heads.empty() ? "none" : join(heads)));
  return static_cast<std::size_t>(found - heads.begin());
}

std::optional<std::size_t> MergedIrreps::find(Irrep which) const {
  const auto found = std::find(irrep.begin(), irrep.end(), which);
  if (found == irrep.end()) return std::nullopt;
  return static_cast<std::size_t>(found - irrep.begin());
}

MergedIrreps merged(const Irreps& irreps) {
  MergedIrreps result;
  for (const IrrepBlock& block : irreps) {
    auto at = result.find(block.irrep);
    if (!at) {
      at = result.irrep.size();
      result.irrep.push_back(block.irrep);
      result.block.push_back({0, block.irrep.degree});
    }
    result.block_of.push_back(*at);
    result.first_channel.push_back(result.block[*at].channels);
    result.block[*at].channels += block.channels;
  }
  return result;
}

template <typename T>
kernels::LinearMap<T> linear_map(const TensorFile& file, const std::string& name, const MergedIrreps& in, const MergedIrreps& out,
                                 std::size_t one_hots, std::size_t one_hot) {
  kernels::LinearMap<T> map;
  for (std::size_t o = 0; o < out.block.size(); ++o) {
    const Irrep irrep = out.irrep[o];
    const auto i = in.find(irrep);
    const std::size_t columns = out.block[o].channels, own = i ? in.block[*i].channels : 0;
    const std::size_t extra = irrep == Irrep{0, 1} ? one_hots : 0, rows = own + extra;
    if (rows == 0) continue;
    const std::vector<double> weight = get_doubles(file, name + "." + text(irrep), {rows, columns});
    const double factor = 1 / std::sqrt(static_cast<double>(rows));
    if (i) {
      std::vector<T> matrix(own * columns);
      for (std::size_t k = 0; k < own * columns; ++k) matrix[k] = static_cast<T>(factor * weight[k]);
      map.add(*i, o, std::move(matrix), own);
    }
    if (extra) {
      map.bias_block = o;
      for (std::size_t c = 0; c < columns; ++c) map.bias.push_back(static_cast<T>(factor * weight[(own + one_hot) * columns + c]));
    }
  }
  if (const auto scalars = out.find({0, 1}); scalars && file.tensors.contains(name + ".bias")) {
    const std::vector<double> bias = get_doubles(file, name + ".bias", {out.block[*scalars].channels});
    map.bias_block = *scalars;
    map.bias.resize(bias.size(), T(0));
    for (std::size_t c = 0; c < bias.size(); ++c) map.bias[c] += static_cast<T>(bias[c]);
  }
  return map;
}

template <typename T>
std::vector<kernels::LinearMap<T>> species_linear_maps(const TensorFile& file, const std::string& name, const MergedIrreps& in,
                                                       const MergedIrreps& out, std::size_t species) {
  std::vector<kernels::LinearMap<T>> maps(species);
  for (std::size_t o = 0; o < out.block.size(); ++o) {
    const auto i = in.find(out.irrep[o]);
    if (!i) continue;
    const std::size_t rows = in.block[*i].channels, columns = out.block[o].channels;
    const std::vector<double> weight = get_doubles(file, name + "." + text(out.irrep[o]), {rows, species, columns});
    const double factor = 1 / std::sqrt(static_cast<double>(rows * species));
    for (std::size_t z = 0; z < species; ++z) {
      std::vector<T> matrix(rows * columns);
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) matrix[r * columns + c] = static_cast<T>(factor * weight[(r * species + z) * columns + c]);
      maps[z].add(*i, o, std::move(matrix), rows);
    }
  }
  return maps;
}

template kernels::LinearMap<float> linear_map(const TensorFile&, const std::string&, const MergedIrreps&, const MergedIrreps&, std::size_t, std::size_t);
template kernels::LinearMap<double> linear_map(const TensorFile&, const std::string&, const MergedIrreps&, const MergedIrreps&, std::size_t, std::size_t);
template std::vector<kernels::LinearMap<float>> species_linear_maps(const TensorFile&, const std::string&, const MergedIrreps&, const MergedIrreps&,
                                                                    std::size_t);
template std::vector<kernels::LinearMap<double>> species_linear_maps(const TensorFile&, const std::string&, const MergedIrreps&, const MergedIrreps&,
                                                                     std::size_t);

kernels::Nonlinearity nonlinearity(const ScaledActivation& activation, const char* where) {
  switch (activation.function) {
    case Activation::silu: return kernels::Nonlinearity::silu;
    case Activation::tanh: return kernels::Nonlinearity::tanh;
    case Activation::abs: return kernels::Nonlinearity::abs;
    default: break;
  }
  throw Error(ErrorKind::unsupported, fmt::format("the activation of the {} is not one of silu, tanh, abs: Saltus cannot evaluate it", where));
}

kernels::DenseNetwork dense_network(const TensorFile& file, const std::string& name, const std::vector<std::size_t>& widths,
                                    const ScaledActivation& activation) {
  kernels::DenseNetwork network;
  network.width = widths;
  network.factor = activation.factor;
  switch (nonlinearity(activation, "radial network")) {
    case kernels::Nonlinearity::silu: network.activation = kernels::DenseActivation::silu; break;
    case kernels::Nonlinearity::tanh: network.activation = kernels::DenseActivation::tanh; break;
    case kernels::Nonlinearity::abs: throw Error(ErrorKind::unsupported, "a radial network with kinks (abs) cannot be evaluated");
    case kernels::Nonlinearity::shifted_softplus: break;  // not of nonlinearity()
  }
  if (widths.empty())
    for (std::size_t k = 0; k == 0 || file.tensors.contains(fmt::format("{}.{}", name, k)); ++k) {
      const Tensor& tensor = find_tensor(file, fmt::format("{}.{}", name, k), {any_size, any_size});
      if (k == 0) network.width.push_back(tensor.shape[0]);
      network.width.push_back(tensor.shape[1]);
    }
  for (std::size_t k = 0; k + 1 < network.width.size(); ++k)
    network.weight.push_back(get_doubles(file, fmt::format("{}.{}", name, k), {network.width[k], network.width[k + 1]}));
  return network;
}

kernels::MessagePlan message_plan(int harmonics_degree, const Irreps& features, const Irreps& outputs, const std::vector<ConvolutionPath>& paths,
                                  std::size_t weights) {
  const MergedIrreps in = merged(features), out = merged(outputs);
  if (in.block.size() != features.size() || out.block.size() != outputs.size())
    throw Error(ErrorKind::unsupported, fmt::format("a convolution from {} to {}: blocks of one irrep must be joined", text(features), text(outputs)));
  kernels::MessagePlan plan{harmonics_degree, in.block, out.block, {}, weights};
  for (const ConvolutionPath& path : paths) {
    if (path.feature >= in.block.size() || path.output >= out.block.size() || path.channels != in.block[path.feature].channels)
      throw Error(ErrorKind::format, "a path of a convolution does not fit its features");
    plan.paths.push_back({path.feature, path.output, path.harmonic_degree, path.first_weight, path.first_channel});
  }
  return plan;
}

std::vector<int> species_indices(std::span<const std::uint8_t> atomic_number, const std::vector<std::uint8_t>& known, const char* model) {
  std::array<int, 256> index;
  index.fill(-1);
  for (std::size_t k = 0; k < known.size(); ++k) index[known[k]] = static_cast<int>(k);
  std::vector<int> species;
  for (const std::uint8_t z : atomic_number) {
    if (index[z] < 0) throw Error(ErrorKind::unsupported, fmt::format("the {} model does not know the element {}", model, symbol_of(z)));
    species.push_back(index[z]);
  }
  return species;
}

}  // namespace saltus
