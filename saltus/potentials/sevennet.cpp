#include "saltus/potentials/sevennet.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/radial_weights.hpp"
#include "saltus/potentials/network_maps.hpp"
#include "saltus/potentials/site_graph.hpp"

namespace saltus {

namespace {

using kernels::FeatureBlock;
using kernels::Features;
using kernels::LinearMap;

/// Even scalars, then odd ones, through their functions; the other blocks times the gates that end the even scalars.
struct Gate {
  std::vector<FeatureBlock> in, out;
  struct Scalars {
    std::size_t in, out, channels;
    kernels::Nonlinearity function;
    double factor;
  };
  std::vector<Scalars> scalars;
  struct Gated {
    std::size_t in, out, first_gate;
  };
  std::vector<Gated> gated;
  std::size_t gate_block = 0, first_gate = 0, gates = 0;
  kernels::Nonlinearity gate_function = kernels::Nonlinearity::silu;
  double gate_factor = 1;
  std::size_t widest = 0;
};

Gate make_gate(const SevenNetModel& model, const SevenNetLayer& layer, const MergedIrreps& in, const MergedIrreps& out) {
  const auto refuse = [&] {
    throw Error(ErrorKind::format, fmt::format("SevenNet: a gate from {} to {} with {} gates does not add up", text(layer.gate_in),
                                               text(layer.features_out), layer.gates));
  };
  Gate gate;
  gate.in = in.block;
  gate.out = out.block;
  gate.gates = layer.gates;
  std::size_t next_gate = 0;
  // Gates are even scalars; where nothing even comes out, odd ones.
  const int gate_parity = out.find({0, 1}) ? 1 : -1;
  for (std::size_t o = 0; o < out.block.size(); ++o) {
    const Irrep irrep = out.irrep[o];
    const auto i = in.find(irrep);
    if (!i) refuse();
    const std::size_t have = in.block[*i].channels, want = out.block[o].channels;
    if (irrep.degree == 0) {
      const bool even = irrep.parity == 1;
      if (have != want + (irrep.parity == gate_parity ? layer.gates : 0)) refuse();
      const ScaledActivation& f = even ? model.scalar_activation : model.odd_scalar_activation;
      gate.scalars.push_back({*i, o, want, nonlinearity(f, "scalars"), f.factor});
    } else {
      if (have != want) refuse();
      gate.gated.push_back({*i, o, 0});
    }
  }
  // Gates belong to the blocks in the order of the input.
  std::sort(gate.gated.begin(), gate.gated.end(), [](const auto& a, const auto& b) { return a.in < b.in; });
  for (auto& g : gate.gated) {
    g.first_gate = next_gate;
    next_gate += gate.in[g.in].channels;
  }
  if (next_gate != layer.gates) refuse();
  if (layer.gates > 0) {
    const auto block = in.find({0, gate_parity});
    if (!block || in.block[*block].channels < layer.gates) refuse();
    gate.gate_block = *block;
    gate.first_gate = in.block[*block].channels - layer.gates;
    const ScaledActivation& f = gate_parity == 1 ? model.gate_activation : model.odd_gate_activation;
    gate.gate_function = nonlinearity(f, "gates");
    gate.gate_factor = f.factor;
  }
  for (const FeatureBlock& b : gate.in) gate.widest = std::max(gate.widest, b.channels);
  return gate;
}

template <typename T>
void apply_gate(const Gate& gate, const Features<T>& in, std::size_t site, Features<T>& out, T* scratch) {
  T *value = scratch, *slope = scratch + gate.widest;
  for (const auto& s : gate.scalars) kernels::activate(s.function, s.factor, s.channels, in.row(s.in, site), out.row(s.out, site), slope);
  if (gate.gates) kernels::activate(gate.gate_function, gate.gate_factor, gate.gates, in.row(gate.gate_block, site) + gate.first_gate, value, slope);
  for (const auto& g : gate.gated) {
    const std::size_t channels = gate.in[g.in].channels;
    const T *x = in.row(g.in, site), *factor = value + g.first_gate;
    T* y = out.row(g.out, site);
    for (int m = 0; m <= 2 * gate.in[g.in].l; ++m, x += channels, y += channels)
      for (std::size_t c = 0; c < channels; ++c) y[c] = x[c] * factor[c];
  }
}

/// dE/d(in) at a site from dE/d(out).
template <typename T>
void apply_gate_transposed(const Gate& gate, const Features<T>& in, std::size_t site, const Features<T>& out_gradient, Features<T>& in_gradient,
                           std::size_t gradient_site, T* scratch) {
  T *value = scratch, *slope = scratch + gate.widest;
  for (std::size_t b = 0; b < gate.in.size(); ++b) {
    T* row = in_gradient.row(b, gradient_site);
    std::fill(row, row + gate.in[b].size(), T(0));
  }
  for (const auto& s : gate.scalars) {
    kernels::activate(s.function, s.factor, s.channels, in.row(s.in, site), value, slope);
    const T* g = out_gradient.row(s.out, site);
    T* to = in_gradient.row(s.in, gradient_site);
    for (std::size_t c = 0; c < s.channels; ++c) to[c] = g[c] * slope[c];
  }
  if (!gate.gates) return;
  kernels::activate(gate.gate_function, gate.gate_factor, gate.gates, in.row(gate.gate_block, site) + gate.first_gate, value, slope);
  T* to_gates = in_gradient.row(gate.gate_block, gradient_site) + gate.first_gate;
  for (const auto& g : gate.gated) {
    const std::size_t channels = gate.in[g.in].channels;
    const T *x = in.row(g.in, site), *up = out_gradient.row(g.out, site), *factor = value + g.first_gate;
    T *to = in_gradient.row(g.in, gradient_site), *own = to_gates + g.first_gate;
    for (int m = 0; m <= 2 * gate.in[g.in].l; ++m, x += channels, up += channels, to += channels)
      for (std::size_t c = 0; c < channels; ++c) {
        to[c] = up[c] * factor[c];
        own[c] += up[c] * x[c];
      }
  }
  for (std::size_t c = 0; c < gate.gates; ++c) to_gates[c] *= slope[c];
}

template <typename T>
struct Layer {
  std::vector<LinearMap<T>> self_connection;  // one, or one per species, or none
  LinearMap<T> linear_1, linear_2;
  kernels::Message<T> message;
  kernels::RadialWeights<T> radial;
  T denominator = 1;
  Gate gate;

  const LinearMap<T>* self(int species) const {
    if (self_connection.empty()) return nullptr;
    return &self_connection[self_connection.size() == 1 ? 0 : static_cast<std::size_t>(species)];
  }
};

template <typename T>
struct SevenNetScratch final : Scratch {
  SiteGraph<T> graph;
  std::vector<Features<T>> x, x1, y;        // [layers+1], [layers], [layers]
  std::array<Features<T>, 2> g, g_message;  // dE/dx and dE/d(sum of messages) of layer t in place t % 2
  std::vector<double> energy;
  std::vector<Vec3> list_gradient;
  struct Thread {
    Features<T> sum, g1, gate;
    std::vector<T> weight, slope, message, values;
  };
  tbb::enumerable_thread_specific<Thread> thread;
};

constexpr std::size_t most_blocks = 32;

template <typename T>
class NetworkOf final : public NetworkEvaluator {
 public:
  NetworkOf(const PublishedModel& file, const SevenNetModel& model, const NetworkSettings& settings) : cutoff_(file.cutoff_ang), l_max_(model.harmonics_degree) {
    const std::size_t species = file.atomic_number.size(), modalities = model.modalities.size();
    const std::size_t modality = choose_head(model.modalities, settings, "modalities");
    const auto hots = [&](bool used) { return used ? modalities : 0; };
    if (model.layers.empty()) throw Error(ErrorKind::format, "SevenNet: no layers");

    const MergedIrreps first = merged(model.layers[0].features_in);
    if (first.block.size() != 1 || !(first.irrep[0] == Irrep{0, 1})) throw Error(ErrorKind::unsupported, "SevenNet: the first features must be even scalars");
    MergedIrreps one_hot;
    one_hot.irrep = {{0, 1}};
    one_hot.block = {{species, 0}};
    embedding_ = linear_map<T>(file.tensors, "embedding", one_hot, first, hots(model.modal_embedding), modality);

    kernels::RadialBasis basis;
    basis.frequency = get_doubles(file.tensors, "bessel_frequencies", {any_size});
    basis.prefactor = model.bessel_prefactor;
    basis.cutoff = file.cutoff_ang;
    if (const auto* xplor = std::get_if<XplorCutoff>(&model.cutoff_function)) basis.xplor_onset = xplor->onset_ang;
    else basis.order = std::get<PolynomialCutoff>(model.cutoff_function).order;

    for (std::size_t t = 0; t < model.layers.size(); ++t) {
      const SevenNetLayer& from = model.layers[t];
      const std::string name = fmt::format("layers.{}.", t);
      const MergedIrreps in = merged(from.features_in), sum = merged(from.convolution_out), gate_in = merged(from.gate_in), out = merged(from.features_out);
      if (std::max({in.block.size(), sum.block.size(), gate_in.block.size(), out.block.size()}) > most_blocks)
        throw Error(ErrorKind::unsupported, "SevenNet: too many irreps in a layer");
      Layer<T>& layer = layers_.emplace_back();
      if (from.self_connection == SelfConnection::linear) layer.self_connection.push_back(linear_map<T>(file.tensors, name + "self_connection", in, gate_in));
      else if (from.self_connection == SelfConnection::species)
        layer.self_connection = species_linear_maps<T>(file.tensors, name + "self_connection", in, gate_in, species);
      layer.linear_1 = linear_map<T>(file.tensors, name + "linear_1", in, in, hots(model.modal_linear_1), modality);
      layer.linear_2 = linear_map<T>(file.tensors, name + "linear_2", sum, gate_in, hots(model.modal_linear_2), modality);
      kernels::RadialFunction radial{basis, dense_network(file.tensors, name + "radial", from.radial_widths, model.radial_activation), {}, {}};
      if (!model.unit_vectors) {  // Y(r) = |r|^l Y(r/|r|): the power goes with the weights
        radial.power.assign(from.radial_widths.back(), 0);
        for (const ConvolutionPath& path : from.paths)
          for (std::size_t c = 0; c < path.channels && path.first_weight + c < radial.power.size(); ++c) radial.power[path.first_weight + c] = path.harmonic_degree;
      }
      layer.message = kernels::Message<T>(message_plan(l_max_, from.features_in, from.convolution_out, from.paths, from.radial_widths.back()));
      layer.radial = kernels::RadialWeights<T>(radial, {1.0}, settings.exact_radial);
      if (!(from.denominator != 0 && std::isfinite(from.denominator))) throw Error(ErrorKind::format, "SevenNet: a denominator is zero or not finite");
      layer.denominator = static_cast<T>(from.denominator);
      layer.gate = make_gate(model, from, gate_in, out);
      if (t + 1 < model.layers.size() && !(model.layers[t + 1].features_in == from.features_out))
        throw Error(ErrorKind::format, "SevenNet: the features of two layers do not fit together");
    }

    parallel_chunks(layers_.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t t = begin; t < end; ++t) layers_[t].radial.prepare(std::array<std::uint32_t, 1>{0});
    });

    // Both maps of the readout are linear: one row of numbers and a constant.
    const MergedIrreps last = merged(model.layers.back().features_out);
    const auto scalars = last.find({0, 1});
    if (!scalars) throw Error(ErrorKind::format, "SevenNet: the last layer has no scalars");
    MergedIrreps hidden, one;
    hidden.irrep = one.irrep = {{0, 1}};
    hidden.block = {{model.readout_hidden, 0}};
    one.block = {{1, 0}};
    const auto to_hidden = linear_map<double>(file.tensors, "readout.0", last, hidden, hots(model.modal_readout), modality);
    const auto to_one = linear_map<double>(file.tensors, "readout.1", hidden, one);
    readout_block_ = *scalars;
    readout_.assign(last.block[*scalars].channels, 0.0);
    const std::vector<double>& w1 = to_one.terms.at(0).weight;
    for (std::size_t c = 0; c < readout_.size(); ++c)
      for (std::size_t h = 0; h < w1.size(); ++h) readout_[c] += to_hidden.terms.at(0).weight[c * w1.size() + h] * w1[h];
    for (std::size_t h = 0; h < to_hidden.bias.size(); ++h) readout_bias_ += to_hidden.bias[h] * w1[h];
    if (!to_one.bias.empty()) readout_bias_ += to_one.bias[0];

    const auto row_of = [&](const char* name) {
      const Tensor& tensor = find_tensor(file.tensors, name, {any_size, species});
      const std::vector<double> values = get_doubles(file.tensors, name, {any_size, species});
      const std::size_t row = tensor.shape[0] == 1 ? 0 : modality;
      if (row >= tensor.shape[0]) throw Error(ErrorKind::format, fmt::format("SevenNet: {} has no row of the modality", name));
      return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(row * species), values.begin() + static_cast<std::ptrdiff_t>((row + 1) * species));
    };
    scale_ = row_of("energy_scale");
    shift_ = row_of("energy_shift");
  }

  void evaluate(const std::vector<int>& species, const NeighborList& list, Want want, std::unique_ptr<Scratch>& any_scratch,
                Evaluation& result) const override {
    if (!dynamic_cast<SevenNetScratch<T>*>(any_scratch.get())) any_scratch = std::make_unique<SevenNetScratch<T>>();
    auto& s = static_cast<SevenNetScratch<T>&>(*any_scratch);
    const bool gradient = want.forces || want.virial;
    build_site_graph(species, list, cutoff_, l_max_, 1.0, {}, gradient, s.graph);
    const std::size_t n = s.graph.sites(), layers = layers_.size();
    s.x.resize(layers + 1);
    s.x1.resize(layers);
    s.y.resize(layers);
    s.energy.resize(n);
    s.x[0].resize(layers_[0].message.plan().in, n);
    for (std::size_t t = 0; t < layers; ++t) {
      s.x1[t].resize(layers_[t].message.plan().in, n);
      s.y[t].resize(layers_[t].gate.in, n);
      s.x[t + 1].resize(layers_[t].gate.out, n);
    }
    // One loop over chunks between two times that neighbours are read: forward, all that leads to the layer's x1; backward, to its g_message.
    for_chunks(s, [&](const Chunk& chunk, Thread&) {
      for (std::size_t i = chunk.first; i < chunk.last; ++i) embed(chunk.species, s.x[0].row(0, i));
      kernels::apply(layers_[0].linear_1, s.x[0], chunk.first, chunk.last, s.x1[0], chunk.first, false);
    });
    for (std::size_t t = 0; t < layers; ++t) {
      const bool last = t + 1 == layers;
      if (last && gradient) prepare_backward(t, s);
      for_chunks(s, [&](const Chunk& chunk, Thread& own) {
        forward(t, chunk, s, own);
        if (!last) {
          kernels::apply(layers_[t + 1].linear_1, s.x[t + 1], chunk.first, chunk.last, s.x1[t + 1], chunk.first, false);
        } else {
          read_out(chunk, gradient, s);
          if (gradient) before_messages(t, chunk, s, own);
        }
      });
    }
    assemble_energy(s.graph, s.energy, want, result);
    if (gradient)
      for (std::size_t t = layers; t-- > 0;) {
        if (t > 0) prepare_backward(t - 1, s);
        for_chunks(s, [&](const Chunk& chunk, Thread& own) {
          through_messages(t, chunk, s, own);
          if (t > 0) before_messages(t - 1, chunk, s, own);
        });
      }
    assemble_forces(s.graph, list, want, s.list_gradient, result);
    result.extrapolation.clear();
  }

 private:
  using Chunk = typename SiteGraph<T>::Chunk;
  using Thread = typename SevenNetScratch<T>::Thread;

  template <typename Body>
  static void for_chunks(SevenNetScratch<T>& s, const Body& body) {
    parallel_chunks(s.graph.chunks.size(), 1, [&](std::size_t begin, std::size_t end) {
      Thread& own = s.thread.local();
      for (std::size_t c = begin; c < end; ++c) body(s.graph.chunks[c], own);
    });
  }

  void embed(int species, T* row) const {
    const auto& term = embedding_.terms.at(0);
    const std::size_t channels = layers_[0].message.plan().in[0].channels;
    std::copy_n(term.weight.data() + static_cast<std::size_t>(species) * channels, channels, row);
    for (std::size_t c = 0; c < embedding_.bias.size(); ++c) row[c] += embedding_.bias[c];
  }

  /// x of layer t+1 at a chunk, from x1 and x of layer t.
  void forward(std::size_t t, const Chunk& chunk, SevenNetScratch<T>& s, Thread& own) const {
    const Layer<T>& layer = layers_[t];
    const auto& plan = layer.message.plan();
    const SiteGraph<T>& graph = s.graph;
    const std::size_t count = chunk.last - chunk.first, outputs = layer.radial.outputs(), batch = layer.radial.batch();
    own.weight.resize(batch * outputs);
    own.message.resize(layer.message.scratch());
    own.values.resize(2 * layer.gate.widest);
    own.sum.resize(plan.out, count);
    own.sum.fill_zero(0, count);
    const T* x[most_blocks];
    T* sum[most_blocks];
    for (std::size_t i = chunk.first; i < chunk.last; ++i) {
      own.sum.rows(i - chunk.first, sum);
      for (std::size_t e = graph.first[i]; e < graph.first[i + 1]; e += batch) {
        const std::size_t some = std::min(batch, graph.first[i + 1] - e);
        layer.radial.evaluate(std::span(graph.r_ang).subspan(e, some), std::span(graph.pair_class).subspan(e, some), own.weight.data(), nullptr);
        for (std::size_t k = 0; k < some; ++k) {
          std::as_const(s.x1[t]).rows(graph.other[e + k], x);
          layer.message.forward(x, own.weight.data() + k * outputs, graph.harmonic.data() + (e + k) * graph.harmonics, sum, own.message.data());
        }
      }
    }
    const T factor = 1 / layer.denominator;
    for (std::size_t b = 0; b < plan.out.size(); ++b) {
      T* row = own.sum.row(b, 0);
      for (std::size_t k = 0; k < count * plan.out[b].size(); ++k) row[k] *= factor;
    }
    kernels::apply(layer.linear_2, own.sum, 0, count, s.y[t], chunk.first, false);
    if (const auto* self = layer.self(chunk.species)) kernels::apply(*self, s.x[t], chunk.first, chunk.last, s.y[t], chunk.first, true);
    for (std::size_t i = chunk.first; i < chunk.last; ++i) apply_gate(layer.gate, s.y[t], i, s.x[t + 1], own.values.data());
  }

  /// Energies of a chunk's sites and, where asked for, dE/dx of the last features.
  void read_out(const Chunk& chunk, bool gradient, SevenNetScratch<T>& s) const {
    const Features<T>& x = s.x.back();
    Features<T>& g = s.g[layers_.size() % 2];
    const auto z = static_cast<std::size_t>(chunk.species);
    if (gradient) g.fill_zero(chunk.first, chunk.last);
    for (std::size_t i = chunk.first; i < chunk.last; ++i) {
      double sum = readout_bias_;
      const T* row = x.row(readout_block_, i);
      for (std::size_t c = 0; c < readout_.size(); ++c) sum += readout_[c] * static_cast<double>(row[c]);
      s.energy[i] = scale_[z] * sum + shift_[z];
      if (!gradient) continue;
      T* to = g.row(readout_block_, i);
      for (std::size_t c = 0; c < readout_.size(); ++c) to[c] = static_cast<T>(scale_[z] * readout_[c]);
    }
  }

  /// Room for what before_messages of layer t writes.
  void prepare_backward(std::size_t t, SevenNetScratch<T>& s) const {
    const Layer<T>& layer = layers_[t];
    const auto& plan = layer.message.plan();
    const std::size_t n = s.graph.sites();
    if (t + 1 == layers_.size()) s.g[(t + 1) % 2].resize(layer.gate.out, n);
    if (t > 0) s.g[t % 2].resize(plan.in, n);
    s.g_message[t % 2].resize(plan.out, n);
  }

  /// From dE/dx of layer t+1 at a chunk to g_message there, and the part of dE/dx of layer t that passes the messages by.
  void before_messages(std::size_t t, const Chunk& chunk, SevenNetScratch<T>& s, Thread& own) const {
    const Layer<T>& layer = layers_[t];
    const std::size_t count = chunk.last - chunk.first;
    Features<T>& g_below = s.g[t % 2];
    own.values.resize(2 * layer.gate.widest);
    own.gate.resize(layer.gate.in, count);
    for (std::size_t i = chunk.first; i < chunk.last; ++i)
      apply_gate_transposed(layer.gate, s.y[t], i, s.g[(t + 1) % 2], own.gate, i - chunk.first, own.values.data());
    kernels::apply_transposed(layer.linear_2, own.gate, 0, count, s.g_message[t % 2], chunk.first, 1 / layer.denominator, false);
    if (t == 0) return;
    if (const auto* self = layer.self(chunk.species)) kernels::apply_transposed(*self, own.gate, 0, count, g_below, chunk.first, T(1), false);
    else g_below.fill_zero(chunk.first, chunk.last);
  }

  /// Adds what comes through the messages to dE/dx of layer t at a chunk, and to the gradients of its pairs.
  void through_messages(std::size_t t, const Chunk& chunk, SevenNetScratch<T>& s, Thread& own) const {
    const Layer<T>& layer = layers_[t];
    const auto& plan = layer.message.plan();
    SiteGraph<T>& graph = s.graph;
    const std::size_t count = chunk.last - chunk.first, outputs = layer.radial.outputs(), batch = layer.radial.batch();
    own.weight.resize(batch * outputs);
    own.slope.resize(batch * outputs);
    own.message.resize(layer.message.scratch());
    own.g1.resize(plan.in, count);
    own.g1.fill_zero(0, count);
    const T *x[most_blocks], *g[most_blocks];
    T* x_gradient[most_blocks];
    for (std::size_t j = chunk.first; j < chunk.last; ++j) {
      std::as_const(s.x1[t]).rows(j, x);
      own.g1.rows(j - chunk.first, x_gradient);
      for (std::size_t e = graph.first[j]; e < graph.first[j + 1]; e += batch) {
        const std::size_t some = std::min(batch, graph.first[j + 1] - e);
        layer.radial.evaluate(std::span(graph.r_ang).subspan(e, some), std::span(graph.pair_class).subspan(e, some), own.weight.data(), own.slope.data());
        for (std::size_t k = 0; k < some; ++k) {
          std::as_const(s.g_message[t % 2]).rows(graph.other[e + k], g);
          T pair[3];
          layer.message.backward(x, own.weight.data() + k * outputs, own.slope.data() + k * outputs, graph.harmonic.data() + (e + k) * graph.harmonics,
                                 graph.tilt.data() + (e + k) * 2 * graph.harmonics, g, x_gradient, pair, own.message.data());
          for (std::size_t a = 0; a < 3; ++a) graph.gradient[3 * (e + k) + a] += static_cast<double>(pair[a]);
        }
      }
    }
    if (t > 0) kernels::apply_transposed(layer.linear_1, own.g1, 0, count, s.g[t % 2], chunk.first, T(1), true);
  }

  double cutoff_;
  int l_max_;
  LinearMap<T> embedding_;
  std::vector<Layer<T>> layers_;
  std::size_t readout_block_ = 0;
  std::vector<double> readout_;
  double readout_bias_ = 0;
  std::vector<double> scale_, shift_;
};

}  // namespace

SevenNet::SevenNet(const PublishedModel& model, const NetworkSettings& settings) : NetworkPotential(model, settings) {
  const auto* architecture = std::get_if<SevenNetModel>(&model.architecture);
  if (!architecture) throw Error(ErrorKind::usage, "the model is not of the SevenNet family");
  if (precision() == Dtype::f32) network_ = std::make_unique<NetworkOf<float>>(model, *architecture, settings);
  else network_ = std::make_unique<NetworkOf<double>>(model, *architecture, settings);
}

}  // namespace saltus
