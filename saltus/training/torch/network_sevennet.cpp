// SevenNet, as docs/model_files.md writes it.
#include "saltus/training/torch/network.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/training/torch/layers.hpp"

namespace saltus::training {

namespace {

class SevenNetNetwork final : public Network {
 public:
  SevenNetNetwork(const PublishedModel& published, const Placement& placement, std::size_t modality, bool fused)
      : model_(std::get<SevenNetModel>(published.architecture)), cutoff_ang_(published.cutoff_ang), species_(published.atomic_number.size()), modality_(modality), fused_(fused),
        harmonics_(model_.harmonics_degree, placement) {
    const std::size_t modalities = model_.modalities.size();
    for (std::size_t t = 0; t < model_.layers.size(); ++t) {
      const SevenNetLayer& layer = model_.layers[t];
      const std::string name = fmt::format("layers.{}.", t);
      Layer pieces;
      pieces.linear_1 = {name + "linear_1", layer.features_in, layer.features_in, model_.modal_linear_1 ? modalities : 0, modality};
      pieces.linear_2 = {name + "linear_2", layer.convolution_out, layer.gate_in, model_.modal_linear_2 ? modalities : 0, modality};
      if (layer.self_connection == SelfConnection::linear) pieces.self_linear = {name + "self_connection", layer.features_in, layer.gate_in};
      if (layer.self_connection == SelfConnection::species) pieces.self_species = {name + "self_connection", layer.features_in, layer.gate_in};
      pieces.convolution = {layer.features_in, layer.convolution_out, layer.paths, model_.harmonics_degree, layer.radial_widths.back()};
      layers_.push_back(std::move(pieces));
    }
    const Irrep scalar{0, 1};
    readout_0_ = {"readout.0", model_.layers.back().features_out, {{model_.readout_hidden, scalar}}, model_.modal_readout ? modalities : 0, modality};
    readout_1_ = {"readout.1", {{model_.readout_hidden, scalar}}, {{1, scalar}}};
  }

  at::Tensor atom_energies_ev(const std::shared_ptr<const Graph>& graph, const at::Tensor& vector_ang, const Weights& weights) const override {
    const at::Tensor r = vector_ang.square().sum(1).sqrt();
    const at::Tensor y = harmonics_(vector_ang / r.unsqueeze(1), model_.unit_vectors ? at::Tensor() : r);
    const at::Tensor basis = bessel(r, weights("bessel_frequencies"), model_.bessel_prefactor) * cutoff_value(model_.cutoff_function, r, cutoff_ang_).unsqueeze(1);

    const at::Tensor& embedding = weights("embedding.0e");
    at::Tensor first = embedding.index_select(0, graph->species);
    if (model_.modal_embedding) first = first + embedding.select(0, static_cast<std::int64_t>(species_ + modality_));
    Features x{{Irrep{0, 1}}, {(first * (1 / std::sqrt(static_cast<double>(embedding.size(0))))).unsqueeze(1)}};
    for (std::size_t t = 0; t < layers_.size(); ++t) {
      const SevenNetLayer& layer = model_.layers[t];
      const Layer& pieces = layers_[t];
      const at::Tensor radial = radial_network(weights, fmt::format("layers.{}.radial", t), layer.radial_widths.size() - 1, model_.radial_activation, basis);
      Features m = pieces.convolution(pieces.linear_1(x, weights), y, radial, graph, fused_);
      for (at::Tensor& block : m.block) block = block * (1 / layer.denominator);
      m = pieces.linear_2(m, weights);
      if (layer.self_connection == SelfConnection::linear) m = sum(m, pieces.self_linear(x, weights));
      if (layer.self_connection == SelfConnection::species) m = sum(m, pieces.self_species(x, *graph, weights));
      x = gated(layer, m);
    }
    const at::Tensor energy = block_of(readout_1_(readout_0_(x, weights), weights), {0, 1}).reshape({graph->atoms});
    return energy * of_species(weights("energy_scale"), *graph) + of_species(weights("energy_shift"), *graph);
  }

 private:
  struct Layer {
    LinearMap linear_1, linear_2, self_linear;
    SpeciesMap self_species;
    Convolution convolution;
  };

  at::Tensor of_species(const at::Tensor& rows, const Graph& graph) const {
    return rows.select(0, rows.size(0) > 1 ? static_cast<std::int64_t>(modality_) : 0).index_select(0, graph.species);
  }

  Features gated(const SevenNetLayer& layer, const Features& m) const {
    const auto gates = static_cast<std::int64_t>(layer.gates);
    bool even_scalars = false;
    for (const Irrep irrep : m.irrep) even_scalars = even_scalars || irrep == Irrep{0, 1};
    const Irrep gate_irrep{0, even_scalars ? 1 : -1};
    Features result;
    at::Tensor gate;
    for (std::size_t k = 0; k < m.irrep.size(); ++k) {
      if (m.irrep[k].degree != 0) continue;
      const bool even = m.irrep[k].parity > 0;
      const std::int64_t own = m.irrep[k] == gate_irrep ? gates : 0, scalars = m.block[k].size(2) - own;
      if (scalars < 0) throw Error(ErrorKind::format, "more gates than scalars");
      if (own > 0) gate = apply(even ? model_.gate_activation : model_.odd_gate_activation, m.block[k].narrow(2, scalars, own));
      if (scalars == 0) continue;
      result.irrep.push_back(m.irrep[k]);
      result.block.push_back(apply(even ? model_.scalar_activation : model_.odd_scalar_activation, m.block[k].narrow(2, 0, scalars)));
    }
    std::int64_t used = 0;
    for (std::size_t k = 0; k < m.irrep.size(); ++k) {
      if (m.irrep[k].degree == 0) continue;
      const std::int64_t channels = m.block[k].size(2);
      if (!gate.defined() || used + channels > gates) throw Error(ErrorKind::format, "fewer gates than channels that need one");
      result.irrep.push_back(m.irrep[k]);
      result.block.push_back(m.block[k] * gate.narrow(2, used, channels));
      used += channels;
    }
    return result;
  }

  SevenNetModel model_;
  double cutoff_ang_ = 0;
  std::size_t species_ = 0, modality_ = 0;
  bool fused_ = true;
  Harmonics harmonics_;
  std::vector<Layer> layers_;
  LinearMap readout_0_, readout_1_;
};

}  // namespace

std::unique_ptr<Network> make_sevennet(const PublishedModel& model, const Placement& placement, std::size_t modality, bool fused) {
  return std::make_unique<SevenNetNetwork>(model, placement, modality, fused);
}

}  // namespace saltus::training
