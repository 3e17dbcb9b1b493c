// MACE, as docs/model_files.md writes it; the symmetric contraction as products of matrices.
#include "saltus/training/torch/network.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/training/torch/layers.hpp"

namespace saltus::training {

namespace {

/// out = Σ_ν U_ν W_ν A^ν for each channel, by Horner's rule from the highest ν: T ← (U_ν W_ν + T) A.
class SymmetricContraction {
 public:
  SymmetricContraction() = default;
  SymmetricContraction(const PublishedModel& model, const Placement& placement, const std::string& name, const MaceLayer& layer) : name_(name), message_(merged(layer.message)) {
    for (const std::int64_t channels : message_.channels)
      if (channels != message_.channels.front()) throw Error(ErrorKind::format, fmt::format("{}: the message has blocks of different channels", name));
    std::int64_t D = 0;
    for (const Irrep irrep : message_.irrep) D += 2 * irrep.degree + 1;
    for (const Irrep irrep : merged(layer.features_out).irrep) {
      Output output{irrep, {}};
      for (int nu = 1; nu <= layer.correlation; ++nu) {
        const auto found = model.tensors.tensors.find(fmt::format("{}.{}.u.{}", name, text(irrep), nu));
        at::Tensor matrix;
        if (found != model.tensors.tensors.end()) {
          const at::Tensor u = loaded(found->second).to(placement.numbers());
          const std::int64_t paths = u.size(-1);
          matrix = u.reshape({-1, D * paths}).t().contiguous();  // [(last factor, path), (component, other factors)]
        }
        output.coupling.push_back(matrix);
      }
      if (!output.coupling.back().defined()) throw Error(ErrorKind::format, fmt::format("{}.{} lacks its coupling of the highest order", name, text(irrep)));
      output_.push_back(std::move(output));
    }
  }

  Features operator()(const Features& message, const Graph& graph, const Network::Weights& weights) const {
    std::vector<at::Tensor> components;
    for (const Irrep irrep : message_.irrep) components.push_back(block_of(message, irrep));
    const at::Tensor a = at::cat(components, 1).transpose(1, 2);  // [N, C, D]
    const std::int64_t N = a.size(0), C = a.size(1), D = a.size(2);
    const at::Tensor column = a.reshape({N * C, D, 1});
    Features result;
    for (const Output& output : output_) {
      at::Tensor sum;
      for (std::size_t nu = output.coupling.size(); nu >= 1; --nu) {
        if (sum.defined()) sum = at::bmm(sum.reshape({N * C, -1, D}), column).squeeze(2);
        const at::Tensor& coupling = output.coupling[nu - 1];
        if (!coupling.defined()) continue;
        const at::Tensor w = weights(fmt::format("{}.{}.weight.{}", name_, text(output.irrep), nu)).index_select(0, graph.species).transpose(1, 2);  // [N, C, paths]
        const at::Tensor term = (a.unsqueeze(3) * w.unsqueeze(2)).reshape({N * C, -1}).matmul(coupling);
        sum = sum.defined() ? sum + term : term;
      }
      result.irrep.push_back(output.irrep);
      result.block.push_back(sum.reshape({N, C, -1}).transpose(1, 2));
    }
    return result;
  }

 private:
  struct Output {
    Irrep irrep;
    std::vector<at::Tensor> coupling;  // [ν − 1]
  };
  std::string name_;
  Merged message_;
  std::vector<Output> output_;
};

class MaceNetwork final : public Network {
 public:
  MaceNetwork(const PublishedModel& published, const Placement& placement, std::size_t head, bool fused)
      : model_(std::get<MaceModel>(published.architecture)), cutoff_ang_(published.cutoff_ang), head_(static_cast<std::int64_t>(head)), fused_(fused),
        harmonics_(model_.harmonics_degree, placement) {
    for (std::size_t t = 0; t < model_.layers.size(); ++t) {
      const MaceLayer& layer = model_.layers[t];
      const std::string name = fmt::format("interactions.{}.", t);
      Layer pieces;
      pieces.linear_up = {name + "linear_up", layer.features_in, layer.convolution_in};
      pieces.convolution = {layer.convolution_in, layer.convolution_out, layer.paths, model_.harmonics_degree, layer.radial_widths.back()};
      pieces.linear = {name + "linear", layer.convolution_out, layer.message};
      if (layer.self_connection) pieces.skip = {name + "skip", layer.features_in, layer.features_out};
      else pieces.skip = {name + "skip", layer.message, layer.message};
      pieces.contraction = {published, placement, fmt::format("products.{}", t), layer};
      pieces.product_linear = {fmt::format("products.{}.linear", t), layer.features_out, layer.features_out};
      const Irrep scalar{0, 1};
      const Irreps energies{{model_.heads.size(), scalar}};
      Irreps from = layer.features_out;
      for (std::size_t k = 0; k < layer.readout_hidden.size(); ++k) {
        const Irreps to{{layer.readout_hidden[k], scalar}};
        pieces.readout.emplace_back(fmt::format("readouts.{}.linear_{}", t, k + 1), from, to);
        from = to;
      }
      if (layer.readout_hidden.empty()) pieces.readout.emplace_back(fmt::format("readouts.{}.linear", t), from, energies);
      else pieces.readout.emplace_back(fmt::format("readouts.{}.linear_{}", t, layer.readout_hidden.size() + 1), from, energies);
      layers_.push_back(std::move(pieces));
    }
    while (published.tensors.tensors.contains(fmt::format("interactions.0.density.{}", density_layers_))) ++density_layers_;
    std::vector<double> charge(published.atomic_number.begin(), published.atomic_number.end()), radius(charge.size(), 0.0);
    if (model_.distance_transform || model_.repulsion) {
      const auto radii = get_doubles(published.tensors, "covalent_radii_ang", {any_size});
      for (std::size_t s = 0; s < charge.size(); ++s) radius[s] = radii.at(published.atomic_number[s]);
    }
    charge_ = at::tensor(at::ArrayRef<double>(charge), at::kDouble).to(placement.numbers());
    radius_ang_ = at::tensor(at::ArrayRef<double>(radius), at::kDouble).to(placement.numbers());
  }

  at::Tensor atom_energies_ev(const std::shared_ptr<const Graph>& graph, const at::Tensor& vector_ang, const Weights& weights) const override {
    const at::Tensor r = vector_ang.square().sum(1).sqrt();
    const at::Tensor y = harmonics_(-vector_ang / r.unsqueeze(1), at::Tensor());  // r_receiver − r_sender
    const at::Tensor envelope = cutoff_value(model_.cutoff_function, r, cutoff_ang_).unsqueeze(1);
    const at::Tensor receiver = graph->species.index_select(0, graph->center), sender = graph->species.index_select(0, graph->neighbor);
    at::Tensor s = r;
    if (model_.distance_transform) {
      const AgnesiTransform& f = *model_.distance_transform;
      const at::Tensor x = r / (0.5 * (radius_ang_.index_select(0, receiver) + radius_ang_.index_select(0, sender)));
      s = 1 / (1 + f.a * x.pow(f.q) / (1 + x.pow(f.q - f.p)));
    }
    at::Tensor basis = bessel(s, weights("bessel_frequencies"), model_.bessel_prefactor);
    if (model_.cutoff_on_basis) basis = basis * envelope;

    const at::Tensor& embedding = weights("embedding.0e");
    Features x{{Irrep{0, 1}}, {(embedding.index_select(0, graph->species) * (1 / std::sqrt(static_cast<double>(embedding.size(0))))).unsqueeze(1)}};
    at::Tensor energy = at::zeros({graph->atoms}, vector_ang.options());
    for (std::size_t t = 0; t < layers_.size(); ++t) {
      const MaceLayer& layer = model_.layers[t];
      const Layer& pieces = layers_[t];
      const std::string name = fmt::format("interactions.{}.", t);
      at::Tensor radial = radial_network(weights, name + "radial", layer.radial_widths.size() - 1, model_.radial_activation, basis);
      if (!model_.cutoff_on_basis) radial = radial * envelope;
      Features m = pieces.linear(pieces.convolution(pieces.linear_up(x, weights), y, radial, graph, fused_), weights);
      const bool density = layer.interaction == MaceInteraction::agnostic_density || layer.interaction == MaceInteraction::agnostic_density_residual;
      if (density) {
        at::Tensor edge = at::tanh(radial_network(weights, name + "density", density_layers_, model_.density_activation, basis).square());
        if (!model_.cutoff_on_basis) edge = edge * envelope;
        const at::Tensor atom = at::zeros({graph->atoms}, edge.options()).index_add(0, graph->center, edge.squeeze(1));
        for (at::Tensor& block : m.block) block = block / (atom + 1).reshape({-1, 1, 1});
      } else {
        for (at::Tensor& block : m.block) block = block * (1 / layer.avg_num_neighbors);
      }
      if (!layer.self_connection) m = pieces.skip(m, *graph, weights);
      Features next = pieces.product_linear(pieces.contraction(m, *graph, weights), weights);
      if (layer.self_connection) next = sum(next, pieces.skip(x, *graph, weights));
      x = std::move(next);
      if (layer.has_readout) energy = energy + read_out(pieces, x, weights);
    }
    at::Tensor repulsion;
    if (model_.repulsion) repulsion = repulsion_ev(*graph, r, receiver, sender);
    const at::Tensor isolated = weights("atomic_energies").select(0, head_).index_select(0, graph->species);
    if (repulsion.defined()) energy = energy + repulsion;  // inside the scale, as upstream has it
    if (!model_.scale_shift) return isolated + energy;
    return isolated + weights("scale").select(0, head_) * energy + weights("shift").select(0, head_);
  }

 private:
  struct Layer {
    LinearMap linear_up, linear, product_linear;
    SpeciesMap skip;
    Convolution convolution;
    SymmetricContraction contraction;
    std::vector<LinearMap> readout;
  };

  at::Tensor read_out(const Layer& pieces, const Features& x, const Weights& weights) const {
    Features y = x;
    const auto heads = static_cast<std::int64_t>(model_.heads.size());
    for (std::size_t k = 0; k < pieces.readout.size(); ++k) {
      y = pieces.readout[k](y, weights);
      if (k + 1 == pieces.readout.size()) break;
      at::Tensor& hidden = y.block.front();
      hidden = apply(model_.readout_activation, hidden);
      if (heads > 1) {
        // Each head has its own part of the hidden channels.
        const std::int64_t part = hidden.size(2) / heads;
        at::Tensor mask = at::zeros({hidden.size(2)}, hidden.options());
        mask.narrow(0, head_ * part, part).fill_(1);
        hidden = hidden * mask;
      }
    }
    return y.block.front().select(2, head_).squeeze(1);
  }

  at::Tensor repulsion_ev(const Graph& graph, const at::Tensor& r, const at::Tensor& receiver, const at::Tensor& sender) const {
    const ZblRepulsion& f = *model_.repulsion;
    const double exponent[] = {3.2, 0.9423, 0.4028, 0.2016};
    const at::Tensor zu = charge_.index_select(0, sender), zv = charge_.index_select(0, receiver);
    const at::Tensor x = r * (zu.pow(f.exponent) + zv.pow(f.exponent)) / (f.prefactor * 0.529);
    at::Tensor phi = at::zeros_like(x);
    for (int k = 0; k < 4; ++k) phi = phi + f.coefficient[k] * at::exp(-exponent[k] * x);
    const at::Tensor end = radius_ang_.index_select(0, sender) + radius_ang_.index_select(0, receiver);
    const at::Tensor pair = 0.5 * 14.3996 * zu * zv / r * phi * cutoff_value(PolynomialCutoff{f.order}, r / end, 1);
    return at::zeros({graph.atoms}, pair.options()).index_add(0, graph.center, pair);
  }

  MaceModel model_;
  double cutoff_ang_ = 0;
  std::int64_t head_ = 0;
  bool fused_ = true;
  std::size_t density_layers_ = 0;  // matrices of the density networks
  Harmonics harmonics_;
  std::vector<Layer> layers_;
  at::Tensor charge_, radius_ang_;
};

}  // namespace

std::unique_ptr<Network> make_mace(const PublishedModel& model, const Placement& placement, std::size_t head, bool fused) {
  return std::make_unique<MaceNetwork>(model, placement, head, fused);
}

}  // namespace saltus::training
