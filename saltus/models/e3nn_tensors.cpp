#include "saltus/models/e3nn_tensors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

std::string shape_words(const std::vector<std::size_t>& shape) {
  std::vector<std::string> words;
  for (const std::size_t extent : shape) words.push_back(std::to_string(extent));
  return fmt::format("[{}]", join(words));
}

void store(TensorFile& file, const std::string& name, Tensor tensor) {
  if (!file.tensors.emplace(name, std::move(tensor)).second) throw Error(ErrorKind::internal, "two tensors are called " + name);
}

void check_dtype(const std::string& name, Dtype found, Dtype expected) {
  if (found != expected)
    throw Error(ErrorKind::unsupported, fmt::format("the weights {} are {}, others of the model {}", name, saltus::name(found), saltus::name(expected)));
}

// Irreps that are on both sides, in the order of the output, each once.
std::vector<Irrep> shared_irreps(const Irreps& in, const Irreps& out) {
  std::vector<Irrep> shared;
  for (const IrrepBlock& block : out)
    if (channels(in, block.irrep) > 0 && block.channels > 0 && std::find(shared.begin(), shared.end(), block.irrep) == shared.end())
      shared.push_back(block.irrep);
  return shared;
}

// Gathers the blocks [channels of a block in, layers, channels of a block out] of flat weights, which follow one another by input
// and then by output, into one array per irrep.
void put_blocks(TensorFile& file, const std::string& name, const TensorView& flat, const Irreps& in, std::size_t layers, bool keep_layers,
                const Irreps& out, Dtype dtype) {
  check_dtype(name, flat.dtype, dtype);
  const std::size_t expected = linear_weights(in, out) * layers;
  if (count(flat) != expected) wrong_weights(name, count(flat), expected);
  const Tensor source = copy(flat);
  const std::size_t size = size_bytes(dtype);
  std::size_t at = 0;
  std::vector<std::pair<Irrep, Tensor>> gathered;
  for (const Irrep irrep : shared_irreps(in, out)) {
    Tensor tensor{dtype, {channels(in, irrep), channels(out, irrep)}, {}};
    if (keep_layers) tensor.shape.insert(tensor.shape.begin() + 1, layers);
    tensor.bytes.resize(channels(in, irrep) * layers * channels(out, irrep) * size);
    gathered.emplace_back(irrep, std::move(tensor));
  }
  for (std::size_t i = 0; i < in.size(); ++i) {
    for (std::size_t k = 0; k < out.size(); ++k) {
      if (in[i].irrep != out[k].irrep || in[i].channels == 0 || out[k].channels == 0) continue;
      const auto before = [](const Irreps& irreps, std::size_t block) {
        return channels(Irreps(irreps.begin(), irreps.begin() + static_cast<std::ptrdiff_t>(block)), irreps[block].irrep);
      };
      const std::size_t first_row = before(in, i) * layers, first_column = before(out, k), columns = channels(out, out[k].irrep);
      Tensor& target = std::find_if(gathered.begin(), gathered.end(), [&](const auto& entry) { return entry.first == in[i].irrep; })->second;
      for (std::size_t row = 0; row < in[i].channels * layers; ++row, at += out[k].channels)
        std::memcpy(target.bytes.data() + ((first_row + row) * columns + first_column) * size, source.bytes.data() + at * size, out[k].channels * size);
    }
  }
  for (auto& [irrep, tensor] : gathered) store(file, fmt::format("{}.{}", name, text(irrep)), std::move(tensor));
}

template <class Number>
void divide(std::string& bytes, double divisor) {
  const auto by = static_cast<Number>(divisor);
  for (std::size_t k = 0; k + sizeof(Number) <= bytes.size(); k += sizeof(Number)) {
    Number value;
    std::memcpy(&value, bytes.data() + k, sizeof value);
    value /= by;
    std::memcpy(bytes.data() + k, &value, sizeof value);
  }
}

struct Triple {
  int a, b, c;
};
// Where the first entry that is not zero, in row-major order, is negative in e3nn 0.4.4: tests/golden/peers/models.
constexpr std::array<Triple, 22> negative_first{{{1, 1, 2}, {1, 2, 3}, {1, 3, 4}, {2, 1, 2}, {2, 1, 3}, {2, 2, 2}, {2, 3, 2}, {2, 3, 3},
                                                 {2, 4, 3}, {2, 4, 4}, {3, 1, 3}, {3, 1, 4}, {3, 2, 3}, {3, 2, 4}, {3, 3, 2}, {3, 4, 2},
                                                 {3, 4, 3}, {4, 1, 4}, {4, 2, 4}, {4, 3, 3}, {4, 3, 4}, {4, 4, 2}}};
// Of the other sign in e3nn 0.5.
constexpr std::array<Triple, 9> changed{{{1, 2, 2}, {1, 3, 3}, {1, 4, 4}, {2, 1, 2}, {2, 2, 1}, {3, 1, 3}, {3, 3, 1}, {4, 1, 4}, {4, 4, 1}}};
constexpr int largest_coupled_degree = 4;

template <std::size_t size>
bool is_among(const std::array<Triple, size>& list, int a, int b, int c) {
  return std::any_of(list.begin(), list.end(), [&](const Triple& t) { return t.a == a && t.b == b && t.c == c; });
}

void check_degrees(int a, int b, int c, const std::string& place) {
  if (std::max({a, b, c}) > largest_coupled_degree)
    throw Error(ErrorKind::unsupported, fmt::format("{}: couplings of degree above {} are not read", place, largest_coupled_degree));
}

}  // namespace

void wrong_weights(const std::string& place, std::size_t found, std::size_t expected) {
  throw Error(ErrorKind::format, fmt::format("{} has {} weights, its irreps need {}", place, found, expected));
}

void put_tensor(TensorFile& file, const std::string& name, const TensorView& view, const std::vector<std::size_t>& shape, Dtype dtype) {
  check_dtype(name, view.dtype, dtype);
  if (view.shape != shape)
    throw Error(ErrorKind::format, fmt::format("{} has the shape {}, expected {}", name, shape_words(view.shape), shape_words(shape)));
  store(file, name, copy(view));
}

std::size_t linear_weights(const Irreps& in, const Irreps& out) {
  std::size_t sum = 0;
  for (const IrrepBlock& from : in)
    for (const IrrepBlock& to : out)
      if (from.irrep == to.irrep) sum += from.channels * to.channels;
  return sum;
}

void put_linear(TensorFile& file, const std::string& name, const TensorView& flat, const Irreps& in, const Irreps& out, Dtype dtype) {
  put_blocks(file, name, flat, in, 1, false, out, dtype);
}

void put_species_linear(TensorFile& file, const std::string& name, const TensorView& flat, const Irreps& in, std::size_t species,
                        const Irreps& out, Dtype dtype) {
  put_blocks(file, name, flat, in, species, true, out, dtype);
}

void put_radial_layer(TensorFile& file, const std::string& name, const TensorView& weight, Dtype dtype) {
  check_dtype(name, weight.dtype, dtype);
  Tensor tensor = copy(weight);
  const double divisor = std::sqrt(static_cast<double>(weight.shape.at(0)));
  if (dtype == Dtype::f32) divide<float>(tensor.bytes, divisor);
  else divide<double>(tensor.bytes, divisor);
  store(file, name, std::move(tensor));
}

Convolution convolution_paths(const Irreps& features, const std::vector<Irrep>& harmonics, const std::vector<Irrep>& wanted, bool sorted) {
  struct Candidate {
    ConvolutionPath path;
    Irrep output;
  };
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < features.size(); ++i)
    for (const Irrep harmonic : harmonics) {
      const int l = features[i].irrep.degree, parity = features[i].irrep.parity * harmonic.parity;
      for (int degree = std::abs(l - harmonic.degree); degree <= l + harmonic.degree; ++degree) {
        if (std::find(wanted.begin(), wanted.end(), Irrep{degree, parity}) == wanted.end()) continue;
        Candidate candidate{{}, {degree, parity}};
        candidate.path.feature = i;
        candidate.path.harmonic_degree = harmonic.degree;
        candidate.path.channels = features[i].channels;
        candidates.push_back(candidate);
      }
    }
  const auto assign_weights = [&](Convolution& convolution, const std::vector<std::size_t>& order) {
    for (const std::size_t k : order) {
      candidates[k].path.first_weight = convolution.weights;
      convolution.weights += candidates[k].path.channels;
    }
  };
  Convolution convolution;
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!sorted) assign_weights(convolution, order);
  // e3nn orders irreps by degree, and at equal degree the odd one first.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const Irrep x = candidates[a].output, y = candidates[b].output;
    return x.degree != y.degree ? x.degree < y.degree : x.parity < y.parity;
  });
  if (sorted) assign_weights(convolution, order);
  for (const std::size_t k : order) {
    ConvolutionPath& path = candidates[k].path;
    if (convolution.output.empty() || convolution.output.back().irrep != candidates[k].output) convolution.output.push_back({0, candidates[k].output});
    path.output = convolution.output.size() - 1;
    path.first_channel = convolution.output.back().channels;
    convolution.output.back().channels += path.channels;
    convolution.paths.push_back(path);
  }
  std::sort(convolution.paths.begin(), convolution.paths.end(), [](const auto& a, const auto& b) { return a.first_weight < b.first_weight; });
  return convolution;
}

std::vector<Irrep> harmonics_up_to(int degree, bool odd) {
  std::vector<Irrep> harmonics;
  for (int l = 0; l <= degree; ++l) harmonics.push_back({l, odd && l % 2 != 0 ? -1 : 1});
  return harmonics;
}

int coupling_sign(int a, int b, int c, std::span<const double> values, double scale, const std::string& place) {
  check_degrees(a, b, c, place);
  const auto expected = static_cast<std::size_t>((2 * a + 1) * (2 * b + 1) * (2 * c + 1));
  double norm2 = 0;
  for (const double value : values) norm2 += value * value;
  // A 3j has the norm 1; single precision leaves some 1e-7.
  if (values.size() != expected || !(std::abs(norm2 / (scale * scale) - 1) < 1e-4))
    throw Error(ErrorKind::format, fmt::format("{}: the coupling of degrees {}, {}, {} is no 3j symbol of {} numbers", place, a, b, c, expected));
  const auto first = std::find_if(values.begin(), values.end(), [&](double value) { return std::abs(value) > 1e-3 * scale; });
  return (*first < 0) == is_among(negative_first, a, b, c) ? 1 : -1;
}

int coupling_sign_of_e3nn_05(int a, int b, int c, const std::string& place) {
  check_degrees(a, b, c, place);
  return is_among(changed, a, b, c) ? -1 : 1;
}

void negate_columns(Tensor& matrix, std::size_t first, std::size_t count) {
  // The sign is the highest bit of the last byte of both types.
  const std::size_t columns = matrix.shape.at(1), size = size_bytes(matrix.dtype);
  for (std::size_t row = 0; row < matrix.shape.at(0); ++row)
    for (std::size_t column = first; column < first + count; ++column) {
      char& byte = matrix.bytes[(row * columns + column + 1) * size - 1];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ 0x80u);
    }
}

}  // namespace saltus
