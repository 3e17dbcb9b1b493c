#include "saltus/potentials/mace.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/radial_weights.hpp"
#include "saltus/kernels/symmetric_contraction.hpp"
#include "saltus/potentials/network_maps.hpp"
#include "saltus/potentials/site_graph.hpp"

namespace saltus {

namespace {

using kernels::FeatureBlock;
using kernels::Features;
using kernels::LinearMap;

constexpr std::size_t most_blocks = 32;

/// Repulsion of bare nuclei, screened; each atom of a pair has one half.
class Zbl {
 public:
  Zbl(const ZblRepulsion& form, const std::vector<std::uint8_t>& atomic_number, const std::vector<double>& radius_ang) : species_(atomic_number.size()) {
    for (std::size_t k = 0; k < 4; ++k) coefficient_[k] = form.coefficient[k];
    for (const std::uint8_t u : atomic_number)
      for (const std::uint8_t v : atomic_number) {
        constexpr double bohr_ang = 0.529, coulomb_ev_ang = 14.3996;  // the digits of the models
        const double length = form.prefactor * bohr_ang / (std::pow(u, form.exponent) + std::pow(v, form.exponent));
        pair_.push_back({coulomb_ev_ang * u * v, length, radius_ang[u] + radius_ang[v], form.order});
      }
  }
  /// Energy of a pair of species, with its derivative by r.
  kernels::Jet energy(int u, int v, double r) const {
    const Pair& pair = pair_[static_cast<std::size_t>(u) * species_ + static_cast<std::size_t>(v)];
    if (r >= pair.end_ang) return {};
    constexpr double decay[4] = {3.2, 0.9423, 0.4028, 0.2016};
    const kernels::Jet distance{r, 1, 0};
    kernels::Jet phi;
    for (std::size_t k = 0; k < 4; ++k) phi = phi + coefficient_[k] * exp((-decay[k] / pair.length_ang) * distance);
    return (pair.strength * (phi * reciprocal(distance))) * kernels::polynomial_cutoff(r, pair.end_ang, pair.order);
  }

 private:
  struct Pair {
    double strength, length_ang, end_ang, order;
  };
  std::size_t species_;
  double coefficient_[4] = {};
  std::vector<Pair> pair_;
};

/// A site's energy from its even scalars: one row of numbers, or one hidden layer.
struct Readout {
  std::size_t block = 0;
  std::vector<double> row;              // [channels], if there is no hidden layer
  std::size_t hidden = 0;
  std::vector<double> first, last;      // [channels·hidden], [hidden]
  std::vector<double> hidden_bias;
  double bias = 0;
  kernels::Nonlinearity function = kernels::Nonlinearity::silu;
  double factor = 1;
};

template <typename T>
struct Layer {
  std::vector<FeatureBlock> message_blocks, out_blocks;
  LinearMap<T> linear_up, linear, product;
  std::vector<LinearMap<T>> skip;       // [species]
  bool self_connection = false, density = false;
  kernels::Message<T> message;
  kernels::RadialWeights<T> radial;
  double average = 1;
  kernels::SymmetricContraction<T> contraction;
  std::optional<Readout> readout;
};

template <typename T>
struct MaceScratch final : Scratch {
  SiteGraph<T> graph;
  std::vector<Features<T>> h, up, bare, m;     // [layers+1], and [layers]: linear_up, linear, what the product is made of
  std::vector<std::vector<double>> density;    // [layers][sites] 1 + Σ
  std::vector<double> density_gradient;        // [sites]
  Features<T> g, g_next, g_sum;
  std::vector<double> energy, pair_energy;
  std::vector<Vec3> list_gradient;
  std::vector<int> present;
  struct Thread {
    Features<T> sum, product, g_product, g_m, g_bare, g_up;
    std::vector<T> weight, slope, message, polynomial;
    std::vector<const T*> inputs, gradients;
    std::vector<T*> outputs, input_gradients;
    std::vector<kernels::ContractionRows<T>> rows;
    std::vector<double> hidden, value, hidden_slope;
  };
  tbb::enumerable_thread_specific<Thread> thread;
};

/// Pointers to the components of a site, component after component.
template <typename T, typename Pointer>
void append_components(Features<T>& features, std::size_t site, std::vector<Pointer>& pointers) {
  for (std::size_t b = 0; b < features.blocks(); ++b)
    for (int m = 0; m <= 2 * features.block(b).l; ++m) pointers.push_back(features.row(b, site) + static_cast<std::size_t>(m) * features.block(b).channels);
}

std::size_t components_of(const std::vector<FeatureBlock>& blocks) {
  std::size_t sum = 0;
  for (const FeatureBlock& b : blocks) sum += static_cast<std::size_t>(2 * b.l + 1);
  return sum;
}

kernels::ContractionPlan contraction_plan(const TensorFile& file, const std::string& name, const MaceLayer& layer, std::size_t species) {
  kernels::ContractionPlan plan;
  plan.channels = layer.message.at(0).channels;
  plan.species = species;
  for (const IrrepBlock& block : layer.message) {
    if (block.channels != plan.channels) throw Error(ErrorKind::unsupported, "MACE: a product of irreps with different numbers of channels");
    plan.inputs += static_cast<std::size_t>(2 * block.irrep.degree + 1);
  }
  for (const IrrepBlock& block : layer.features_out) {
    if (block.channels != plan.channels) throw Error(ErrorKind::unsupported, "MACE: a product that changes the number of channels");
    kernels::ContractionOutput output;
    output.components = static_cast<std::size_t>(2 * block.irrep.degree + 1);
    for (int order = 1; order <= layer.correlation; ++order) {
      const std::string u = fmt::format("{}.{}.u.{}", name, text(block.irrep), order), w = fmt::format("{}.{}.weight.{}", name, text(block.irrep), order);
      if (!file.tensors.contains(u)) continue;  // an order without paths
      std::vector<std::size_t> shape{output.components};
      for (int k = 0; k < order; ++k) shape.push_back(plan.inputs);
      shape.push_back(any_size);
      kernels::ContractionTerm term;
      term.order = order;
      term.paths = find_tensor(file, u, shape).shape.back();
      term.coupling = get_doubles(file, u, shape);
      term.weight = get_doubles(file, w, {species, term.paths, plan.channels});
      output.terms.push_back(std::move(term));
    }
    plan.outputs.push_back(std::move(output));
  }
  return plan;
}

template <typename T>
class NetworkOf final : public NetworkEvaluator {
 public:
  NetworkOf(const PublishedModel& file, const MaceModel& model, const NetworkSettings& settings) : cutoff_(file.cutoff_ang), l_max_(model.harmonics_degree) {
    const std::size_t species = file.atomic_number.size(), heads = model.heads.size();
    if (heads == 0) throw Error(ErrorKind::format, "MACE: a model without a head");
    const std::size_t head = choose_head(model.heads, settings, "heads");
    if (model.layers.empty()) throw Error(ErrorKind::format, "MACE: no layers");
    const MergedIrreps first = merged(model.layers[0].features_in);
    if (first.block.size() != 1 || !(first.irrep[0] == Irrep{0, 1})) throw Error(ErrorKind::unsupported, "MACE: the first features must be even scalars");
    MergedIrreps one_hot;
    one_hot.irrep = {{0, 1}};
    one_hot.block = {{species, 0}};
    embedding_ = linear_map<T>(file.tensors, "embedding", one_hot, first);

    const auto of_head = [&](const char* name) { return get_doubles(file.tensors, name, {heads})[head]; };
    const std::vector<double> energies = get_doubles(file.tensors, "atomic_energies", {heads, species});
    for (std::size_t z = 0; z < species; ++z) constant_.push_back(energies[head * species + z]);
    if (model.scale_shift) {
      scale_ = of_head("scale");
      for (double& e : constant_) e += of_head("shift");
    }
    std::vector<double> radius;
    if (model.repulsion || model.distance_transform) radius = get_doubles(file.tensors, "covalent_radii_ang", {119});
    if (model.repulsion) zbl_ = std::make_unique<Zbl>(*model.repulsion, file.atomic_number, radius);
    std::vector<double> length{1.0};
    if (model.distance_transform) {
      length.clear();
      class_of_.resize(species * species);
      for (std::size_t u = 0; u < species; ++u)
        for (std::size_t v = 0; v <= u; ++v) {
          class_of_[u * species + v] = class_of_[v * species + u] = static_cast<std::uint32_t>(length.size());
          length.push_back(0.5 * (radius[file.atomic_number[u]] + radius[file.atomic_number[v]]));
          if (!(length.back() > 0)) throw Error(ErrorKind::format, "MACE: a covalent radius is not positive");
        }
    }

    kernels::RadialBasis basis;
    basis.frequency = get_doubles(file.tensors, "bessel_frequencies", {any_size});
    basis.prefactor = model.bessel_prefactor;
    basis.cutoff = file.cutoff_ang;
    basis.order = model.cutoff_function.order;
    basis.cutoff_on_basis = model.cutoff_on_basis;
    if (model.distance_transform) basis.transform = kernels::Agnesi{model.distance_transform->a, model.distance_transform->q, model.distance_transform->p};

    for (std::size_t t = 0; t < model.layers.size(); ++t) {
      const MaceLayer& from = model.layers[t];
      const std::string name = fmt::format("interactions.{}.", t), product = fmt::format("products.{}", t);
      const MergedIrreps in = merged(from.features_in), up = merged(from.convolution_in), sum = merged(from.convolution_out), message = merged(from.message),
                         out = merged(from.features_out);
      if (message.block.size() != from.message.size() || out.block.size() != from.features_out.size())
        throw Error(ErrorKind::unsupported, fmt::format("MACE: a product from {} to {}: blocks of one irrep must be joined", text(from.message), text(from.features_out)));
      if (std::max({in.block.size(), up.block.size(), sum.block.size(), message.block.size(), out.block.size()}) > most_blocks)
        throw Error(ErrorKind::unsupported, "MACE: too many irreps in a layer");
      if (t > 0 && !(model.layers[t - 1].features_out == from.features_in)) throw Error(ErrorKind::format, "MACE: the features of two layers do not fit together");
      Layer<T>& layer = layers_.emplace_back();
      layer.message_blocks = message.block;
      layer.out_blocks = out.block;
      layer.self_connection = from.self_connection;
      layer.density = from.interaction == MaceInteraction::agnostic_density || from.interaction == MaceInteraction::agnostic_density_residual;
      layer.average = from.avg_num_neighbors;
      if (!(layer.average > 0 && std::isfinite(layer.average))) throw Error(ErrorKind::format, "MACE: the average number of neighbours is not positive");
      layer.linear_up = linear_map<T>(file.tensors, name + "linear_up", in, up);
      layer.linear = linear_map<T>(file.tensors, name + "linear", sum, message);
      layer.skip = from.self_connection ? species_linear_maps<T>(file.tensors, name + "skip", in, out, species)
                                        : species_linear_maps<T>(file.tensors, name + "skip", message, message, species);
      layer.product = linear_map<T>(file.tensors, product + ".linear", out, out);
      kernels::RadialFunction radial{basis, dense_network(file.tensors, name + "radial", from.radial_widths, model.radial_activation), {}, {}};
      if (layer.density) radial.density = dense_network(file.tensors, name + "density", {}, model.density_activation);
      layer.message = kernels::Message<T>(message_plan(l_max_, from.convolution_in, from.convolution_out, from.paths, from.radial_widths.back()));
      layer.radial = kernels::RadialWeights<T>(radial, length, settings.exact_radial);
      layer.contraction = kernels::SymmetricContraction<T>(contraction_plan(file.tensors, product, from, species));
      if (from.has_readout) layer.readout = readout(file.tensors, model, from, out, t, head);
    }
  }

  void evaluate(const std::vector<int>& species, const NeighborList& list, Want want, std::unique_ptr<Scratch>& any_scratch,
                Evaluation& result) const override {
    if (!dynamic_cast<MaceScratch<T>*>(any_scratch.get())) any_scratch = std::make_unique<MaceScratch<T>>();
    auto& s = static_cast<MaceScratch<T>&>(*any_scratch);
    const bool gradient = want.forces || want.virial;
    build_site_graph(species, list, cutoff_, l_max_, -1.0, class_of_, gradient, s.graph);
    const std::size_t n = s.graph.sites(), layers = layers_.size();
    s.present.clear();
    for (const auto& chunk : s.graph.chunks)
      if (s.present.empty() || s.present.back() != chunk.species) s.present.push_back(chunk.species);
    const std::vector<std::uint32_t> classes = s.graph.classes_present();
    parallel_chunks(layers, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t t = begin; t < end; ++t) {
        layers_[t].radial.prepare(classes);
        layers_[t].contraction.prepare(s.present);
      }
    });
    s.h.resize(layers + 1);
    s.up.resize(layers);
    s.bare.resize(layers);
    s.m.resize(layers);
    s.density.resize(layers);
    s.energy.assign(n, 0.0);
    const FeatureBlock embedded{embedding_.terms.at(0).weight.size() / constant_.size(), 0};
    s.h[0].resize({&embedded, 1}, n);
    for (std::size_t i = 0; i < n; ++i)
      std::copy_n(embedding_.terms[0].weight.data() + static_cast<std::size_t>(s.graph.species[i]) * embedded.channels, embedded.channels, s.h[0].row(0, i));
    for (std::size_t t = 0; t < layers; ++t) forward(t, s);
    if (zbl_) repel(gradient, s);
    for (std::size_t i = 0; i < n; ++i) s.energy[i] = constant_[static_cast<std::size_t>(s.graph.species[i])] + scale_ * s.energy[i];
    assemble_energy(s.graph, s.energy, want, result);
    if (gradient) {
      s.g.resize(layers_.back().out_blocks, n);
      s.g.fill_zero(0, n);
      for (std::size_t t = layers; t-- > 0;) backward(t, s);
    }
    assemble_forces(s.graph, list, want, s.list_gradient, result);
    result.extrapolation.clear();
  }

 private:
  static Readout readout(const TensorFile& file, const MaceModel& model, const MaceLayer& layer, const MergedIrreps& out, std::size_t t, std::size_t head) {
    const std::size_t heads = model.heads.size();
    const auto scalars = out.find({0, 1});
    if (!scalars) throw Error(ErrorKind::format, "MACE: a readout of features without even scalars");
    Readout result;
    result.block = *scalars;
    const std::size_t channels = out.block[*scalars].channels;
    MergedIrreps energies, hidden;
    energies.irrep = hidden.irrep = {{0, 1}};
    energies.block = {{heads, 0}};
    const std::string name = fmt::format("readouts.{}.linear", t);
    if (layer.readout_hidden.empty()) {
      const LinearMap<double> map = linear_map<double>(file, name, out, energies);
      for (std::size_t c = 0; c < channels; ++c) result.row.push_back(map.terms.at(0).weight[c * heads + head]);
      if (!map.bias.empty()) result.bias = map.bias[head];
      return result;
    }
    if (layer.readout_hidden.size() > 1) throw Error(ErrorKind::unsupported, "MACE: a readout with more than one hidden layer");
    const std::size_t all = layer.readout_hidden[0], own = all / heads;  // the hidden numbers of this head
    hidden.block = {{all, 0}};
    const LinearMap<double> first = linear_map<double>(file, name + "_1", out, hidden), last = linear_map<double>(file, name + "_2", hidden, energies);
    result.hidden = own;
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t k = 0; k < own; ++k) result.first.push_back(first.terms.at(0).weight[c * all + head * own + k]);
    for (std::size_t k = 0; k < own; ++k) result.last.push_back(last.terms.at(0).weight[(head * own + k) * heads + head]);
    result.hidden_bias.assign(own, 0.0);
    if (!first.bias.empty()) std::copy_n(first.bias.begin() + static_cast<std::ptrdiff_t>(head * own), own, result.hidden_bias.begin());
    if (!last.bias.empty()) result.bias = last.bias[head];
    result.function = nonlinearity(model.readout_activation, "readout");
    result.factor = model.readout_activation.factor;
    return result;
  }

  /// Adds a site's energy; or, with `gradient`, its derivative times `factor` to the scalars of g.
  static double read_out(const Readout& readout, const T* scalars, std::size_t channels, T* gradient, double factor, typename MaceScratch<T>::Thread& own) {
    double energy = readout.bias;
    if (readout.hidden == 0) {
      for (std::size_t c = 0; c < channels; ++c) {
        energy += readout.row[c] * static_cast<double>(scalars[c]);
        if (gradient) gradient[c] += static_cast<T>(factor * readout.row[c]);
      }
      return energy;
    }
    const std::size_t hidden = readout.hidden;
    own.hidden = readout.hidden_bias;
    own.value.resize(hidden);
    own.hidden_slope.resize(hidden);
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t k = 0; k < hidden; ++k) own.hidden[k] += static_cast<double>(scalars[c]) * readout.first[c * hidden + k];
    kernels::activate(readout.function, readout.factor, hidden, own.hidden.data(), own.value.data(), own.hidden_slope.data());
    for (std::size_t k = 0; k < hidden; ++k) {
      energy += readout.last[k] * own.value[k];
      own.hidden_slope[k] *= readout.last[k];
    }
    if (gradient)
      for (std::size_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::size_t k = 0; k < hidden; ++k) sum += readout.first[c * hidden + k] * own.hidden_slope[k];
        gradient[c] += static_cast<T>(factor * sum);
      }
    return energy;
  }

  void repel(bool gradient, MaceScratch<T>& s) const {
    SiteGraph<T>& graph = s.graph;
    parallel_chunks(graph.chunks.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t c = begin; c < end; ++c)
        for (std::size_t i = graph.chunks[c].first; i < graph.chunks[c].last; ++i)
          for (std::size_t e = graph.first[i]; e < graph.first[i + 1]; ++e) {
            const kernels::Jet pair = zbl_->energy(graph.species[i], graph.species[graph.other[e]], graph.r_ang[e]);
            s.energy[i] += 0.5 * pair.value;
            if (gradient) graph.gradient[3 * e] += scale_ * 0.5 * pair.first;
          }
    });
  }

  void forward(std::size_t t, MaceScratch<T>& s) const {
    const Layer<T>& layer = layers_[t];
    const auto& plan = layer.message.plan();
    const SiteGraph<T>& graph = s.graph;
    const std::size_t n = graph.sites(), outputs = layer.radial.outputs(), batch = layer.radial.batch();
    s.up[t].resize(plan.in, n);
    s.bare[t].resize(layer.message_blocks, n);
    s.m[t].resize(layer.message_blocks, n);
    s.h[t + 1].resize(layer.out_blocks, n);
    s.density[t].assign(n, 1.0);
    parallel_chunks(graph.chunks.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t c = begin; c < end; ++c) kernels::apply(layer.linear_up, s.h[t], graph.chunks[c].first, graph.chunks[c].last, s.up[t], graph.chunks[c].first, false);
    });
    parallel_chunks(graph.chunks.size(), 1, [&](std::size_t begin, std::size_t end) {
      auto& own = s.thread.local();
      own.weight.resize(batch * outputs);
      own.message.resize(layer.message.scratch());
      const T* x[most_blocks];
      T* sum[most_blocks];
      for (std::size_t c = begin; c < end; ++c) {
        const auto& chunk = graph.chunks[c];
        const std::size_t count = chunk.last - chunk.first;
        own.sum.resize(plan.out, count);
        own.sum.fill_zero(0, count);
        for (std::size_t i = chunk.first; i < chunk.last; ++i) {
          own.sum.rows(i - chunk.first, sum);
          for (std::size_t e = graph.first[i]; e < graph.first[i + 1]; e += batch) {
            const std::size_t some = std::min(batch, graph.first[i + 1] - e);
            layer.radial.evaluate(std::span(graph.r_ang).subspan(e, some), std::span(graph.pair_class).subspan(e, some), own.weight.data(), nullptr);
            for (std::size_t k = 0; k < some; ++k) {
              const T* weight = own.weight.data() + k * outputs;
              std::as_const(s.up[t]).rows(graph.other[e + k], x);
              layer.message.forward(x, weight, graph.harmonic.data() + (e + k) * graph.harmonics, sum, own.message.data());
              if (layer.density) s.density[t][i] += static_cast<double>(weight[outputs - 1]);
            }
          }
        }
        kernels::apply(layer.linear, own.sum, 0, count, s.bare[t], chunk.first, false);
        for (std::size_t b = 0; b < layer.message_blocks.size(); ++b)
          for (std::size_t i = chunk.first; i < chunk.last; ++i) {
            const T factor = static_cast<T>(1 / (layer.density ? s.density[t][i] : layer.average));
            T* row = s.bare[t].row(b, i);
            for (std::size_t k = 0; k < layer.message_blocks[b].size(); ++k) row[k] *= factor;
          }
        Features<T>& m = message_of(layer, t, s);
        const auto& skip = layer.skip[static_cast<std::size_t>(chunk.species)];
        if (!layer.self_connection) kernels::apply(skip, s.bare[t], chunk.first, chunk.last, m, chunk.first, false);
        own.product.resize(layer.out_blocks, count);
        contraction_rows(layer, m, chunk.first, count, own);
        layer.contraction.forward(chunk.species, own.rows, own.polynomial);
        kernels::apply(layer.product, own.product, 0, count, s.h[t + 1], chunk.first, false);
        if (layer.self_connection) kernels::apply(skip, s.h[t], chunk.first, chunk.last, s.h[t + 1], chunk.first, true);
        if (layer.readout)
          for (std::size_t i = chunk.first; i < chunk.last; ++i)
            s.energy[i] += read_out(*layer.readout, s.h[t + 1].row(layer.readout->block, i), layer.out_blocks[layer.readout->block].channels, nullptr, 0, own);
      }
    });
  }

  /// What the product is made of.
  static Features<T>& message_of(const Layer<T>& layer, std::size_t t, MaceScratch<T>& s) { return layer.self_connection ? s.bare[t] : s.m[t]; }

  static void contraction_rows(const Layer<T>& layer, Features<T>& m, std::size_t first, std::size_t count, typename MaceScratch<T>::Thread& own) {
    const std::size_t inputs = components_of(layer.message_blocks), outputs = components_of(layer.out_blocks);
    own.inputs.clear();
    own.outputs.clear();
    own.rows.clear();
    for (std::size_t k = 0; k < count; ++k) {
      append_components(m, first + k, own.inputs);
      append_components(own.product, k, own.outputs);
    }
    for (std::size_t k = 0; k < count; ++k) own.rows.push_back({own.inputs.data() + k * inputs, own.outputs.data() + k * outputs, nullptr, nullptr});
  }

  /// From s.g = dE/dh of layer t+1, without its own readout, to that of layer t, and the gradients of the pairs.
  void backward(std::size_t t, MaceScratch<T>& s) const {
    const Layer<T>& layer = layers_[t];
    const auto& plan = layer.message.plan();
    SiteGraph<T>& graph = s.graph;
    const std::size_t n = graph.sites(), outputs = layer.radial.outputs(), batch = layer.radial.batch();
    s.g_sum.resize(plan.out, n);
    if (t > 0) s.g_next.resize(layers_[t - 1].out_blocks, n);
    s.density_gradient.assign(n, 0.0);
    parallel_chunks(graph.chunks.size(), 1, [&](std::size_t begin, std::size_t end) {
      auto& own = s.thread.local();
      const std::size_t inputs = components_of(layer.message_blocks), components = components_of(layer.out_blocks);
      for (std::size_t c = begin; c < end; ++c) {
        const auto& chunk = graph.chunks[c];
        const std::size_t count = chunk.last - chunk.first;
        const auto& skip = layer.skip[static_cast<std::size_t>(chunk.species)];
        if (layer.readout)
          for (std::size_t i = chunk.first; i < chunk.last; ++i)
            read_out(*layer.readout, s.h[t + 1].row(layer.readout->block, i), layer.out_blocks[layer.readout->block].channels, s.g.row(layer.readout->block, i), scale_, own);
        own.g_product.resize(layer.out_blocks, count);
        own.product.resize(layer.out_blocks, count);
        own.g_m.resize(layer.message_blocks, count);
        kernels::apply_transposed(layer.product, s.g, chunk.first, chunk.last, own.g_product, 0, T(1), false);
        contraction_rows(layer, message_of(layer, t, s), chunk.first, count, own);
        own.gradients.clear();
        own.input_gradients.clear();
        for (std::size_t k = 0; k < count; ++k) {
          append_components(own.g_product, k, own.gradients);
          append_components(own.g_m, k, own.input_gradients);
        }
        for (std::size_t k = 0; k < count; ++k) {
          own.rows[k].output_gradient = own.gradients.data() + k * components;
          own.rows[k].input_gradient = own.input_gradients.data() + k * inputs;
        }
        layer.contraction.backward(chunk.species, own.rows, own.polynomial);
        Features<T>* g_bare = &own.g_m;
        if (!layer.self_connection) {
          own.g_bare.resize(layer.message_blocks, count);
          kernels::apply_transposed(skip, own.g_m, 0, count, own.g_bare, 0, T(1), false);
          g_bare = &own.g_bare;
        }
        for (std::size_t b = 0; b < layer.message_blocks.size(); ++b)
          for (std::size_t i = chunk.first; i < chunk.last; ++i) {
            const double divisor = layer.density ? s.density[t][i] : layer.average;
            T* g = g_bare->row(b, i - chunk.first);
            const std::size_t size = layer.message_blocks[b].size();
            if (layer.density) {
              const T* bare = s.bare[t].row(b, i);
              double sum = 0;
              for (std::size_t k = 0; k < size; ++k) sum += static_cast<double>(g[k]) * static_cast<double>(bare[k]);
              s.density_gradient[i] -= sum / divisor;
            }
            for (std::size_t k = 0; k < size; ++k) g[k] *= static_cast<T>(1 / divisor);
          }
        kernels::apply_transposed(layer.linear, *g_bare, 0, count, s.g_sum, chunk.first, T(1), false);
        if (t == 0) continue;
        if (layer.self_connection) kernels::apply_transposed(skip, s.g, chunk.first, chunk.last, s.g_next, chunk.first, T(1), false);
        else s.g_next.fill_zero(chunk.first, chunk.last);
      }
    });
    parallel_chunks(graph.chunks.size(), 1, [&](std::size_t begin, std::size_t end) {
      auto& own = s.thread.local();
      own.weight.resize(batch * outputs);
      own.slope.resize(batch * outputs);
      own.message.resize(layer.message.scratch());
      const T *x[most_blocks], *g[most_blocks];
      T* x_gradient[most_blocks];
      for (std::size_t c = begin; c < end; ++c) {
        const auto& chunk = graph.chunks[c];
        const std::size_t count = chunk.last - chunk.first;
        own.g_up.resize(plan.in, count);
        own.g_up.fill_zero(0, count);
        for (std::size_t j = chunk.first; j < chunk.last; ++j) {
          std::as_const(s.up[t]).rows(j, x);
          own.g_up.rows(j - chunk.first, x_gradient);
          for (std::size_t e = graph.first[j]; e < graph.first[j + 1]; e += batch) {
            const std::size_t some = std::min(batch, graph.first[j + 1] - e);
            layer.radial.evaluate(std::span(graph.r_ang).subspan(e, some), std::span(graph.pair_class).subspan(e, some), own.weight.data(), own.slope.data());
            for (std::size_t k = 0; k < some; ++k) {
              const std::size_t i = graph.other[e + k];  // the receiver
              const T* slope = own.slope.data() + k * outputs;
              std::as_const(s.g_sum).rows(i, g);
              T pair[3];
              layer.message.backward(x, own.weight.data() + k * outputs, slope, graph.harmonic.data() + (e + k) * graph.harmonics,
                                     graph.tilt.data() + (e + k) * 2 * graph.harmonics, g, x_gradient, pair, own.message.data());
              for (std::size_t a = 0; a < 3; ++a) graph.gradient[3 * (e + k) + a] += static_cast<double>(pair[a]);
              if (layer.density) graph.gradient[3 * (e + k)] += s.density_gradient[i] * static_cast<double>(slope[outputs - 1]);
            }
          }
        }
        if (t > 0) kernels::apply_transposed(layer.linear_up, own.g_up, 0, count, s.g_next, chunk.first, T(1), true);
      }
    });
    if (t > 0) std::swap(s.g, s.g_next);
  }

  double cutoff_;
  int l_max_;
  LinearMap<T> embedding_;
  std::vector<Layer<T>> layers_;
  std::vector<double> constant_;
  double scale_ = 1;
  std::unique_ptr<Zbl> zbl_;
  std::vector<std::uint32_t> class_of_;
};

}  // namespace

Mace::Mace(const PublishedModel& model, const NetworkSettings& settings) : NetworkPotential(model, settings) {
  const auto* architecture = std::get_if<MaceModel>(&model.architecture);
  if (!architecture) throw Error(ErrorKind::usage, "the model is not of the MACE family");
  if (precision() == Dtype::f32) network_ = std::make_unique<NetworkOf<float>>(model, *architecture, settings);
  else network_ = std::make_unique<NetworkOf<double>>(model, *architecture, settings);
}

}  // namespace saltus
