// Random models of the SevenNet and MACE families, of any shape, for tests and benchmarks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/random.hpp"
#include "saltus/kernels/angular.hpp"
#include "saltus/models/published_model.hpp"

namespace saltus {

inline void put_random(TensorFile& file, const std::string& tensor, const std::vector<std::size_t>& shape, Random& random, double size = 1) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) count *= extent;
  std::vector<double> values(count);
  for (double& v : values) v = size * random.normal();
  put(file, tensor, shape, values);
}

/// Linear map tensors between two sums of irreps.
inline void put_linear(TensorFile& file, const std::string& tensor, const Irreps& in, const Irreps& out, Random& random, std::size_t one_hots = 0) {
  std::vector<Irrep> done;
  for (const IrrepBlock& block : out) {
    if (std::find(done.begin(), done.end(), block.irrep) != done.end()) continue;
    done.push_back(block.irrep);
    const std::size_t rows = channels(in, block.irrep) + (block.irrep == Irrep{0, 1} ? one_hots : 0);
    if (rows) put_random(file, tensor + "." + text(block.irrep), {rows, channels(out, block.irrep)}, random);
  }
}

inline void put_species_linear(TensorFile& file, const std::string& tensor, const Irreps& in, const Irreps& out, std::size_t species, Random& random) {
  for (const IrrepBlock& block : out)
    if (const std::size_t rows = channels(in, block.irrep)) put_random(file, tensor + "." + text(block.irrep), {rows, species, block.channels}, random);
}

inline void put_network(TensorFile& file, const std::string& tensor, const std::vector<std::size_t>& widths, Random& random) {
  for (std::size_t k = 0; k + 1 < widths.size(); ++k)
    put_random(file, fmt::format("{}.{}", tensor, k), {widths[k], widths[k + 1]}, random, 1 / std::sqrt(static_cast<double>(widths[k])));
}

/// All paths from `features` to the irreps in `wanted`, outputs joined per irrep in the order of `wanted`.
inline std::vector<ConvolutionPath> all_paths(const Irreps& features, int harmonics_degree, bool odd_harmonics, const std::vector<Irrep>& wanted, Irreps& outputs) {
  std::vector<ConvolutionPath> paths;
  std::vector<std::size_t> total(wanted.size(), 0);
  std::size_t weight = 0;
  for (std::size_t f = 0; f < features.size(); ++f)
    for (int l = 0; l <= harmonics_degree; ++l)
      for (std::size_t o = 0; o < wanted.size(); ++o) {
        const Irrep in = features[f].irrep, out = wanted[o];
        const int parity = in.parity * (odd_harmonics && l % 2 ? -1 : 1);
        if (out.parity != parity || out.degree > in.degree + l || out.degree < std::abs(in.degree - l)) continue;
        paths.push_back({f, l, o, features[f].channels, weight, total[o]});
        weight += features[f].channels;
        total[o] += features[f].channels;
      }
  // Irreps that nothing reaches are left out.
  std::vector<std::size_t> place(wanted.size(), 0);
  outputs.clear();
  for (std::size_t o = 0; o < wanted.size(); ++o) {
    place[o] = outputs.size();
    if (total[o]) outputs.push_back({total[o], wanted[o]});
  }
  for (auto& path : paths) path.output = place[path.output];
  return paths;
}

struct SevenNetShape {
  std::vector<std::uint8_t> elements{1, 8, 11, 17};
  std::vector<std::size_t> channels{16, 8, 4};  ///< by l
  int layers = 3;
  bool parity = false;                          ///< odd harmonics and odd features
  bool species_self_connection = false;
  bool xplor = true;
  std::size_t modalities = 0;
  std::vector<std::size_t> hidden{16, 16};
  double cutoff_ang = 4.2;
  Dtype dtype = Dtype::f64;
};

inline PublishedModel random_sevennet(std::uint64_t seed, const SevenNetShape& shape = {}) {
  Random random(seed, 0);
  PublishedModel file;
  SevenNetModel model;
  const int l_max = static_cast<int>(shape.channels.size()) - 1;
  file.atomic_number = shape.elements;
  file.cutoff_ang = shape.cutoff_ang;
  file.dtype = shape.dtype;
  model.harmonics_degree = l_max;
  model.odd_harmonics = shape.parity;
  model.bessel_prefactor = 2 / shape.cutoff_ang;
  if (shape.xplor) model.cutoff_function = XplorCutoff{0.9 * shape.cutoff_ang};
  else model.cutoff_function = PolynomialCutoff{6};
  model.radial_activation = model.scalar_activation = model.gate_activation = {Activation::silu, 1.679};
  model.odd_scalar_activation = model.odd_gate_activation = {Activation::tanh, 1.592};
  TensorFile& t = file.tensors;
  const std::size_t basis = 8;
  std::vector<double> frequency;
  for (std::size_t n = 1; n <= basis; ++n) frequency.push_back(static_cast<double>(n) * 3.14159 / shape.cutoff_ang);
  put(t, "bessel_frequencies", {basis}, frequency);
  for (std::size_t m = 0; m < shape.modalities; ++m) model.modalities.push_back(fmt::format("level_{}", m));
  model.modal_embedding = model.modal_linear_1 = model.modal_linear_2 = model.modal_readout = shape.modalities > 0;
  Irreps features{{shape.channels[0], {0, 1}}};
  put_random(t, "embedding.0e", {shape.elements.size() + shape.modalities, shape.channels[0]}, random, 2);
  for (int layer = 0; layer < shape.layers; ++layer) {
    SevenNetLayer own;
    const bool last = layer + 1 == shape.layers;
    own.features_in = features;
    // What the next features may be, given what paths reach.
    std::vector<Irrep> wanted;
    for (int l = 0; l <= (last ? 0 : l_max); ++l) {
      wanted.push_back({l, shape.parity && l % 2 ? -1 : 1});
      if (shape.parity && !last) wanted.push_back({l, l % 2 ? 1 : -1});
    }
    own.paths = all_paths(features, l_max, shape.parity, wanted, own.convolution_out);
    own.gate_in = {};
    own.features_out = {};
    std::size_t gates = 0;
    Irreps gated;
    for (const IrrepBlock& block : own.convolution_out) {
      const std::size_t count = shape.channels[static_cast<std::size_t>(block.irrep.degree)];
      if (block.irrep.degree == 0) own.features_out.push_back({count, block.irrep});
      else {
        gated.push_back({count, block.irrep});
        gates += count;
      }
    }
    for (const IrrepBlock& scalars : own.features_out) own.gate_in.push_back({scalars.channels + (scalars.irrep.parity == 1 ? gates : 0), scalars.irrep});
    for (const IrrepBlock& block : gated) {
      own.gate_in.push_back(block);
      own.features_out.push_back(block);
    }
    own.gates = gates;
    own.radial_widths = {basis};
    own.radial_widths.insert(own.radial_widths.end(), shape.hidden.begin(), shape.hidden.end());
    own.radial_widths.push_back(own.paths.back().first_weight + own.paths.back().channels);
    own.denominator = 7.5;
    own.self_connection = shape.species_self_connection ? SelfConnection::species : SelfConnection::linear;
    const std::string at = fmt::format("layers.{}.", layer);
    if (shape.species_self_connection) put_species_linear(t, at + "self_connection", own.features_in, own.gate_in, shape.elements.size(), random);
    else put_linear(t, at + "self_connection", own.features_in, own.gate_in, random);
    put_linear(t, at + "linear_1", own.features_in, own.features_in, random, shape.modalities);
    put_linear(t, at + "linear_2", own.convolution_out, own.gate_in, random, shape.modalities);
    put_network(t, at + "radial", own.radial_widths, random);
    features = own.features_out;
    model.layers.push_back(own);
  }
  model.readout_hidden = 6;
  put_linear(t, "readout.0", features, {{6, {0, 1}}}, random, shape.modalities);
  put_linear(t, "readout.1", {{6, {0, 1}}}, {{1, {0, 1}}}, random);
  put_random(t, "energy_scale", {1, shape.elements.size()}, random, 0.5);
  put_random(t, "energy_shift", {1, shape.elements.size()}, random, 3);
  file.architecture = model;
  return file;
}

struct MaceShape {
  std::vector<std::uint8_t> elements{1, 8, 11, 17};
  std::size_t channels = 8;
  int l_max = 2;                 ///< of the harmonics and of the messages
  int l_hidden = 0;              ///< of the features between layers
  int correlation = 3, layers = 2;
  bool density = false, residual_first = false, transform = false, repulsion = false, cutoff_on_basis = true, scale_shift = true;
  std::size_t heads = 1;
  std::vector<std::size_t> hidden{16, 16};
  double cutoff_ang = 4.0;
  Dtype dtype = Dtype::f64;
};

/// All couplings of `order` factors of degrees 0 … l_max to the degree l_out, coupled one after the other: [2l+1, D^order, paths].
inline std::vector<double> successive_couplings(int l_max, int l_out, int order, std::size_t& paths) {
  struct Partial {
    int l;
    std::vector<double> data;  // [2l+1][D^n]
  };
  const auto extent = [](int l) { return static_cast<std::size_t>(2 * l + 1); };
  const auto inputs = static_cast<std::size_t>((l_max + 1) * (l_max + 1));
  std::vector<Partial> partial;
  std::size_t products = inputs;
  for (int l = 0; l <= l_max; ++l) {
    Partial p{l, std::vector<double>(extent(l) * inputs, 0.0)};
    for (std::size_t m = 0; m < extent(l); ++m) p.data[m * inputs + static_cast<std::size_t>(l * l) + m] = 1;
    partial.push_back(p);
  }
  for (int n = 1; n < order; ++n) {
    std::vector<Partial> next;
    for (const Partial& p : partial)
      for (int l = 0; l <= l_max; ++l)
        for (int to = std::abs(p.l - l); to <= std::min(p.l + l, l_max); ++to) {
          if ((p.l + l + to) % 2) continue;  // parity (−1)^l throughout
          const std::vector<double> w = kernels::real_3j(p.l, l, to);
          Partial q{to, std::vector<double>(extent(to) * products * inputs, 0.0)};
          for (std::size_t a = 0; a < extent(p.l); ++a)
            for (std::size_t b = 0; b < extent(l); ++b)
              for (std::size_t k = 0; k < extent(to); ++k)
                for (std::size_t i = 0; i < products; ++i)
                  q.data[(k * products + i) * inputs + static_cast<std::size_t>(l * l) + b] += w[(a * extent(l) + b) * extent(to) + k] * p.data[a * products + i];
          next.push_back(std::move(q));
        }
    partial = std::move(next);
    products *= inputs;
  }
  std::vector<const Partial*> fitting;
  for (const Partial& p : partial)
    if (p.l == l_out) fitting.push_back(&p);
  paths = fitting.size();
  std::vector<double> result(extent(l_out) * products * paths);
  for (std::size_t f = 0; f < paths; ++f)
    for (std::size_t k = 0; k < extent(l_out) * products; ++k) result[k * paths + f] = fitting[f]->data[k];
  return result;
}

inline PublishedModel random_mace(std::uint64_t seed, const MaceShape& shape = {}) {
  Random random(seed, 1);
  PublishedModel file;
  MaceModel model;
  const std::size_t species = shape.elements.size(), basis = 6;
  file.atomic_number = shape.elements;
  file.cutoff_ang = shape.cutoff_ang;
  file.dtype = shape.dtype;
  model.scale_shift = shape.scale_shift;
  model.harmonics_degree = shape.l_max;
  model.bessel_prefactor = std::sqrt(2 / shape.cutoff_ang);
  model.cutoff_function = {5};
  model.cutoff_on_basis = shape.cutoff_on_basis;
  model.radial_activation = model.readout_activation = model.density_activation = {Activation::silu, 1.679};
  TensorFile& t = file.tensors;
  if (shape.transform) model.distance_transform = AgnesiTransform{1.0805, 0.9183, 4.5791};
  if (shape.repulsion) {
    model.repulsion = ZblRepulsion{};
    model.repulsion->order = 6;
    const double coefficient[4] = {0.1818, 0.5099, 0.2802, 0.02817};
    std::copy(coefficient, coefficient + 4, model.repulsion->coefficient);
    model.repulsion->exponent = 0.3;
    model.repulsion->prefactor = 0.4543;
  }
  if (shape.transform || shape.repulsion) {
    std::vector<double> radius(119, 0.9);
    for (std::size_t z = 0; z < radius.size(); ++z) radius[z] += 0.01 * static_cast<double>(z);
    put(t, "covalent_radii_ang", {119}, radius);
  }
  for (std::size_t h = 0; h < shape.heads; ++h) model.heads.push_back(fmt::format("head_{}", h));
  put_random(t, "atomic_energies", {shape.heads, species}, random, 5);
  if (shape.scale_shift) {
    put_random(t, "scale", {shape.heads}, random);
    put_random(t, "shift", {shape.heads}, random);
  }
  std::vector<double> frequency;
  for (std::size_t n = 1; n <= basis; ++n) frequency.push_back(static_cast<double>(n) * 3.14159 / shape.cutoff_ang);
  put(t, "bessel_frequencies", {basis}, frequency);
  put_random(t, "embedding.0e", {species, shape.channels}, random, 2);
  Irreps features{{shape.channels, {0, 1}}};
  for (int layer = 0; layer < shape.layers; ++layer) {
    MaceLayer own;
    const bool last = layer + 1 == shape.layers;
    const bool residual = layer > 0 || shape.residual_first;
    if (shape.density) own.interaction = residual ? MaceInteraction::agnostic_density_residual : MaceInteraction::agnostic_density;
    else own.interaction = residual ? MaceInteraction::agnostic_residual : MaceInteraction::agnostic;
    own.self_connection = residual;
    own.features_in = own.convolution_in = features;
    std::vector<Irrep> wanted;
    for (int l = 0; l <= shape.l_max; ++l) {
      wanted.push_back({l, l % 2 ? -1 : 1});
      own.message.push_back({shape.channels, wanted.back()});
      if (l <= (last ? 0 : shape.l_hidden)) own.features_out.push_back({shape.channels, wanted.back()});
    }
    own.paths = all_paths(features, shape.l_max, true, wanted, own.convolution_out);
    own.radial_widths = {basis};
    own.radial_widths.insert(own.radial_widths.end(), shape.hidden.begin(), shape.hidden.end());
    own.radial_widths.push_back(own.paths.back().first_weight + own.paths.back().channels);
    own.avg_num_neighbors = 6.5;
    own.correlation = shape.correlation;
    const std::string at = fmt::format("interactions.{}.", layer), product = fmt::format("products.{}.", layer), readout = fmt::format("readouts.{}.", layer);
    put_linear(t, at + "linear_up", features, features, random);
    put_network(t, at + "radial", own.radial_widths, random);
    if (shape.density) put_network(t, at + "density", {basis, 8, 1}, random);
    put_linear(t, at + "linear", own.convolution_out, own.message, random);
    put_species_linear(t, at + "skip", residual ? features : own.message, residual ? own.features_out : own.message, species, random);
    for (const IrrepBlock& out : own.features_out)
      for (int order = 1; order <= shape.correlation; ++order) {
        std::size_t paths = 0;
        const std::vector<double> u = successive_couplings(shape.l_max, out.irrep.degree, order, paths);
        std::vector<std::size_t> extents{static_cast<std::size_t>(2 * out.irrep.degree + 1)};
        for (int k = 0; k < order; ++k) extents.push_back(static_cast<std::size_t>((shape.l_max + 1) * (shape.l_max + 1)));
        extents.push_back(paths);
        put(t, fmt::format("{}{}.u.{}", product, text(out.irrep), order), extents, u);
        put_random(t, fmt::format("{}{}.weight.{}", product, text(out.irrep), order), {species, paths, shape.channels}, random, 1 / std::sqrt(static_cast<double>(paths)));
      }
    put_linear(t, product + "linear", own.features_out, own.features_out, random);
    const Irreps heads{{shape.heads, {0, 1}}};
    if (last) {
      own.readout_hidden = {5 * shape.heads};
      put_linear(t, readout + "linear_1", own.features_out, {{5 * shape.heads, {0, 1}}}, random);
      put_linear(t, readout + "linear_2", {{5 * shape.heads, {0, 1}}}, heads, random);
    } else {
      put_linear(t, readout + "linear", own.features_out, heads, random);
    }
    features = own.features_out;
    model.layers.push_back(own);
  }
  file.architecture = model;
  return file;
}

struct MatterSimShape {
  std::size_t elements = 12, units = 8, layers = 2, radial = 4, angular = 4;
  double cutoff_ang = 4.0, threebody_cutoff_ang = 3.4;
  Dtype dtype = Dtype::f64;
};

/// Smooth Bessel functions by the formula of docs/models/mattersim.md; spherical Bessel functions sin(z x)/x alone, of made-up roots.
inline PublishedModel random_mattersim(std::uint64_t seed, const MatterSimShape& shape = {}) {
  Random random(seed, 2);
  PublishedModel file;
  for (std::size_t z = 1; z <= shape.elements; ++z) file.atomic_number.push_back(static_cast<std::uint8_t>(z));
  file.cutoff_ang = shape.cutoff_ang;
  file.dtype = shape.dtype;
  file.architecture = MatterSimModel{shape.units, shape.layers, shape.radial, shape.angular, shape.threebody_cutoff_ang};
  TensorFile& t = file.tensors;
  constexpr double pi = 3.14159265358979;
  std::vector<double> own, next, factor, d, e;
  for (std::size_t k = 0; k < shape.radial; ++k) {
    const double n = static_cast<double>(k);
    own.push_back((n + 1) * pi / shape.cutoff_ang);
    next.push_back((n + 2) * pi / shape.cutoff_ang);
    factor.push_back((k % 2 ? -1 : 1) * std::sqrt(2.0) * pi / std::pow(shape.cutoff_ang, 1.5) * (n + 1) * (n + 2) / std::sqrt(2 * n * n + 6 * n + 5));
    e.push_back(n * n * (n + 2) * (n + 2) / (4 * std::pow(n + 1, 4) + 1));
    d.push_back(k == 0 ? 1 : 1 - e[k] / d[k - 1]);
  }
  for (const auto& [name, values] : {std::pair{"bessel_frequencies", &own}, {"bessel_frequencies_next", &next}, {"bessel_factors", &factor}, {"bessel_d", &d}, {"bessel_e", &e}})
    put(t, name, {shape.radial}, *values);
  std::vector<double> table(4 * 9 * 4, 0.0);
  for (std::size_t order = 0; order < 4; ++order)
    for (std::size_t row = 0; row < 9; ++row)
      for (std::size_t root = 0; root < 4; ++root)
        table[(order * 9 + row) * 4 + root] = order == 0 || row % 2 ? static_cast<double>(root + 1) * pi + 0.7 * static_cast<double>(order) : 0.3 / static_cast<double>(row + 1 + order);
  put(t, "spherical_bessel", {4, 9, 4}, table);
  put(t, "spherical_bessel_factor", {1}, std::vector{std::sqrt(2 / std::pow(shape.cutoff_ang, 3))});
  const std::size_t rows = shape.elements + 1, products = shape.radial * shape.angular, width = shape.units;
  const auto matrix = [&](const std::string& name, std::size_t in, std::size_t out, bool bias) {
    put_random(t, name, {in, out}, random, 1 / std::sqrt(static_cast<double>(in)));
    if (bias) put_random(t, name + ".bias", {out}, random, 0.2);
  };
  const auto gated = [&](const std::string& name, const std::vector<std::size_t>& widths) {
    for (const char* const branch : {"g", "sigma"})
      for (std::size_t k = 0; k + 1 < widths.size(); ++k) matrix(fmt::format("{}.{}.{}", name, branch, k), widths[k], widths[k + 1], true);
  };
  put_random(t, "embedding", {rows, width}, random);
  put_random(t, "pair_embedding", {shape.radial, width}, random);
  put_random(t, "energy_scale", {1, shape.elements}, random);
  put_random(t, "energy_shift", {1, shape.elements}, random);
  for (std::size_t layer = 0; layer < shape.layers; ++layer) {
    const std::string name = fmt::format("layers.{}.", layer);
    matrix(name + "triple.gate", width, products, true);
    for (const char* const branch : {"g", "sigma"}) put_random(t, fmt::format("{}triple.{}.0", name, branch), {products, width}, random);
    for (const char* const part : {"pair", "atom"}) {
      gated(name + part, {3 * width, width, width});
      put_random(t, name + part + ".radial", {shape.radial, width}, random);
    }
  }
  gated("readout", {width, width, width, 1});
  return file;
}

}  // namespace saltus
