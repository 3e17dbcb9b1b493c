// Random models of the SevenNet and MACE families, of any shape, for tests and benchmarks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/random.hpp"
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

}  // namespace saltus
