#include "saltus/potentials/orb.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/angular.hpp"
#include "saltus/kernels/features.hpp"
#include "saltus/kernels/packed_matrix.hpp"
#include "saltus/potentials/network_maps.hpp"

namespace saltus {

namespace {

constexpr std::size_t edges_per_chunk = 256, atoms_per_chunk = 64;  // fixed, so that results do not depend on threads
constexpr double layer_norm_epsilon = 1e-5;

/// Linear, f, Linear, f, …, Linear.
template <typename T>
struct Mlp {
  std::vector<std::size_t> width;                              // in, hidden …, out
  std::vector<kernels::PackedMatrix<T>> first, first_transposed;  // of the first map, split by what it reads
  std::vector<kernels::PackedMatrix<T>> weight, transposed;    // [in, out] of map k, none of map 0; transposes where there is a way back
  std::vector<std::vector<T>> bias;
  kernels::Nonlinearity function = kernels::Nonlinearity::silu;

  std::size_t hidden() const { return width.size() - 2; }
  std::size_t widest() const { return *std::max_element(width.begin(), width.end()); }
};

template <typename T>
std::vector<T> values(const TensorFile& file, const std::string& name, const std::vector<std::size_t>& shape) {
  const std::vector<double> wide = get_doubles(file, name, shape);
  return {wide.begin(), wide.end()};
}

/// parts  inputs of the parts of the first map
template <typename T>
Mlp<T> mlp_of(const TensorFile& file, const std::string& name, const std::vector<std::size_t>& parts, const std::vector<std::size_t>& hidden, std::size_t out,
              kernels::Nonlinearity function, bool way_back) {
  Mlp<T> mlp;
  mlp.function = function;
  mlp.width = {std::accumulate(parts.begin(), parts.end(), std::size_t{0})};
  mlp.width.insert(mlp.width.end(), hidden.begin(), hidden.end());
  mlp.width.push_back(out);
  for (std::size_t k = 0; k + 1 < mlp.width.size(); ++k) {
    const std::size_t to = mlp.width[k + 1];
    const std::vector<T> weight = values<T>(file, fmt::format("{}.{}", name, k), {mlp.width[k], to});
    mlp.bias.push_back(values<T>(file, fmt::format("{}.{}.bias", name, k), {to}));
    const T* rows = weight.data();
    for (const std::size_t part : k == 0 ? parts : std::vector{mlp.width[k]}) {
      (k == 0 ? mlp.first : mlp.weight).emplace_back(part, to, rows, false);
      if (way_back) (k == 0 ? mlp.first_transposed : mlp.transposed).emplace_back(to, part, rows, true);
      rows += part * to;
    }
    if (k == 0) {
      mlp.weight.emplace_back();
      mlp.transposed.emplace_back();
    }
  }
  return mlp;
}

/// y / √(⟨y²⟩ + ε) · w, or (y − ⟨y⟩) / √(var + ε) · w + b.
template <typename T>
struct Norm {
  std::vector<T> weight, bias;  // no bias: the root mean square alone
  T epsilon = 0;
};

template <typename T>
void copy_rows(const std::vector<T>& row, std::size_t rows, T* to) {
  for (std::size_t k = 0; k < rows; ++k) std::copy(row.begin(), row.end(), to + k * row.size());
}

/// z holds the first pre-activations of some rows and is overwritten; `other` is as large; `slope`, if not null, has a row-major array for each hidden layer.
template <typename T>
void finish_mlp(const Mlp<T>& mlp, std::size_t rows, T* z, T* other, T* const* slope, T* out) {
  for (std::size_t k = 1; k <= mlp.hidden(); ++k) {
    const std::size_t in = mlp.width[k], to = mlp.width[k + 1];
    kernels::activate(mlp.function, 1, rows * in, z, other, slope ? slope[k - 1] : nullptr);
    T* next = k == mlp.hidden() ? out : z;
    copy_rows(mlp.bias[k], rows, next);
    mlp.weight[k].multiply(rows, other, in, true, next, to);
  }
}

/// From the gradient by the output to that by the first pre-activations, which replaces slope[0].
template <typename T>
void back_through_mlp(const Mlp<T>& mlp, std::size_t rows, const T* gradient, T* z, T* other, T* const* slope) {
  for (std::size_t k = mlp.hidden(); k >= 1; --k) {
    const std::size_t in = mlp.width[k], size = rows * in;
    mlp.transposed[k].multiply(rows, gradient, mlp.width[k + 1], false, other, in);
    T* to = k == 1 ? slope[0] : z;
    const T* s = slope[k - 1];
    for (std::size_t c = 0; c < size; ++c) to[c] = s[c] * other[c];
    gradient = z;
  }
}

/// out = norm(y); `normal` is what the weight multiplies, `inverse` one over the root.
template <typename T>
void apply_norm(const Norm<T>& norm, std::size_t rows, const T* y, T* normal, T* inverse, T* out) {
  const std::size_t n = norm.weight.size();
  const bool centred = !norm.bias.empty();
  for (std::size_t k = 0; k < rows; ++k, y += n, normal += n, out += n) {
    T mean = 0, square = 0;
    if (centred) {
      for (std::size_t c = 0; c < n; ++c) mean += y[c];
      mean /= static_cast<T>(n);
    }
    for (std::size_t c = 0; c < n; ++c) square += (y[c] - mean) * (y[c] - mean);
    const T factor = 1 / std::sqrt(square / static_cast<T>(n) + norm.epsilon);
    inverse[k] = factor;
    for (std::size_t c = 0; c < n; ++c) {
      normal[c] = (y[c] - mean) * factor;
      out[c] = normal[c] * norm.weight[c] + (centred ? norm.bias[c] : 0);
    }
  }
}

/// From the gradient by the output of the root-mean-square norm to that by its input, in place.
template <typename T>
void back_through_norm(const Norm<T>& norm, std::size_t rows, const T* normal, const T* inverse, T* gradient) {
  const std::size_t n = norm.weight.size();
  for (std::size_t k = 0; k < rows; ++k, normal += n, gradient += n) {
    T along = 0;
    for (std::size_t c = 0; c < n; ++c) {
      gradient[c] *= norm.weight[c];
      along += gradient[c] * normal[c];
    }
    along /= static_cast<T>(n);
    for (std::size_t c = 0; c < n; ++c) gradient[c] = inverse[k] * (gradient[c] - normal[c] * along);
  }
}

template <typename T>
T dot_of(const T* a, const T* b, std::size_t n) {
  std::array<T, 8> sum{};
  std::size_t c = 0;
  for (; c + 8 <= n; c += 8)
    for (std::size_t k = 0; k < 8; ++k) sum[k] += a[c + k] * b[c + k];
  for (; c < n; ++c) sum[0] += a[c] * b[c];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

struct ValueAndSlope {
  double value = 0, slope = 0;
};

/// 1 − (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) − p(p+1)/2 x^(p+2), x = r/end; zero beyond.
ValueAndSlope polynomial_cutoff(double order, double r, double end) {
  if (r >= end) return {};
  const double p = order, x = r / end, power = std::pow(x, p - 1);
  return {1 - power * x * (0.5 * (p + 1) * (p + 2) - x * (p * (p + 2) - x * 0.5 * p * (p + 1))), -0.5 * p * (p + 1) * (p + 2) * power * (1 - x) * (1 - x) / end};
}

/// A head: the features of an atom, or their mean, → numbers; in float64.
struct Head {
  Mlp<double> mlp;
  std::vector<double> mean, deviation;

  Head() = default;
  Head(const OrbModel& model, const TensorFile& file, const std::string& name, std::size_t out, std::size_t scales, kernels::Nonlinearity function)
      : mlp(mlp_of<double>(file, name, {model.channels}, model.head_hidden, out, function, true)), mean(get_doubles(file, name + ".mean", {scales})),
        deviation(get_doubles(file, name + ".variance", {scales})) {
    for (double& d : deviation) d = std::sqrt(d);
  }
  /// Before the scale. `gradient`, if not null, receives that of output 0.
  std::vector<double> operator()(const std::vector<double>& features, std::vector<double>* gradient) const {
    const std::size_t widest = mlp.widest();
    std::vector<double> z(widest), other(widest), out(mlp.width.back()), stored(mlp.hidden() * widest);
    std::vector<double*> slope;
    for (std::size_t k = 0; k < mlp.hidden(); ++k) slope.push_back(stored.data() + k * widest);
    std::copy(mlp.bias[0].begin(), mlp.bias[0].end(), z.begin());
    mlp.first[0].multiply(1, features.data(), mlp.width[0], true, z.data(), mlp.width[1]);
    finish_mlp(mlp, 1, z.data(), other.data(), slope.data(), out.data());
    if (gradient) {
      std::vector<double> first(mlp.width.back(), 0.0);
      first[0] = 1;
      back_through_mlp(mlp, 1, first.data(), z.data(), other.data(), slope.data());
      gradient->resize(mlp.width[0]);
      mlp.first_transposed[0].multiply(1, slope[0], mlp.width[1], false, gradient->data(), mlp.width[0]);
    }
    return out;
  }
};

/// Weights of one layer. The parts of an edge's first map that read atoms are applied once for each atom.
template <typename T>
struct Layer {
  Mlp<T> edge, atom;
  Norm<T> edge_norm, atom_norm;
  std::vector<T> send, receive;
  T send_bias = 0, receive_bias = 0;
};

/// Forward results that the way back needs, of rows that one MLP and its norm worked on.
template <typename T>
struct Kept {
  std::vector<std::vector<T>> slope;  // of each hidden layer, [rows · width]
  std::vector<T> normal, inverse;     // [rows · channels], [rows]

  void resize(const Mlp<T>& mlp, std::size_t rows, bool slopes) {
    slope.resize(slopes ? mlp.hidden() : 0);
    for (std::size_t k = 0; k < slope.size(); ++k) slope[k].resize(rows * mlp.width[k + 1]);
    normal.resize(rows * mlp.width.back());
    inverse.resize(rows);
  }
};

template <typename T>
struct Own {  // of a thread
  std::vector<T> z, other, out, du, basis;
  Kept<T> again;
};

template <typename T>
struct OrbScratch final : Scratch {
  std::vector<T> atom;                               // [atoms · channels]
  std::vector<std::vector<T>> edge;                  // [edges · channels]: one array worked on in place, or one for each layer
  std::vector<T> update;                             // [edges · channels] what a layer adds to its edges
  std::vector<std::vector<T>> sent, received;        // by layer [atoms · hidden], what an edge's sender and receiver add to its first pre-activation
  std::vector<std::vector<T>> send_gate, receive_gate;  // by layer [edges]
  std::vector<T> messages;                           // [atoms · 2 channels] received, then sent
  std::vector<Kept<T>> edge_kept, atom_kept;         // encoder's edges, then each layer
  std::vector<T> atom_gradient, message_gradient, edge_gradient, first_gradient, gathered;
  std::vector<double> cutoff_gradient;               // [edges]
  std::vector<Vec3> gradient;                        // [edges] dE/d(vector)
  tbb::enumerable_thread_specific<Own<T>> own;
};

template <typename T>
class NetworkOf final : public OrbNetwork {
 public:
  NetworkOf(const PublishedModel& published, const OrbModel& model, std::size_t most_kept_bytes)
      : model_(model), most_kept_bytes_(most_kept_bytes), cutoff_(published.cutoff_ang), channels_(model.channels),
        function_(model.activation == Activation::silu ? kernels::Nonlinearity::silu : kernels::Nonlinearity::shifted_softplus) {
    const TensorFile& file = published.tensors;
    if (model.spherical) frequency_ = get_doubles(file, "bessel_frequencies", {any_size});
    harmonics_ = static_cast<std::size_t>((model.harmonics_degree + 1) * (model.harmonics_degree + 1));
    inputs_ = model.spherical ? frequency_.size() * harmonics_ : model.gaussians + 3;
    edge_encoder_ = mlp_of<T>(file, "encoder.edge", {inputs_}, model.hidden, channels_, function_, model.conservative);
    edge_encoder_norm_ = norm_of(file, "encoder.edge.norm");
    for (std::size_t t = 0; t < model.layers; ++t) {
      const std::string name = fmt::format("layers.{}.", t);
      Layer<T> layer;
      layer.edge = mlp_of<T>(file, name + "edge", {channels_, channels_, channels_}, model.hidden, channels_, function_, model.conservative);
      layer.atom = mlp_of<T>(file, name + "atom", {channels_, 2 * channels_}, model.hidden, channels_, function_, model.conservative);
      layer.edge_norm = norm_of(file, name + "edge.norm");
      layer.atom_norm = norm_of(file, name + "atom.norm");
      layer.send = values<T>(file, name + "send", {channels_, 1});
      layer.receive = values<T>(file, name + "receive", {channels_, 1});
      layer.send_bias = values<T>(file, name + "send.bias", {1})[0];
      layer.receive_bias = values<T>(file, name + "receive.bias", {1})[0];
      layers_.push_back(std::move(layer));
    }
    encode_elements(file);
    energy_ = Head(model, file, "energy", 1, 1, function_);
    if (!model.conservative) forces_ = Head(model, file, "forces", 3, 1, function_);
    if (model.stress_head) stress_ = Head(model, file, "stress", 6, 2, function_);
    reference_ = get_doubles(file, "reference_energies", {orb_reference_elements});
  }

  void evaluate(std::span<const std::uint8_t> z, const Cell& cell, std::span<const Vec3> position, const OrbGraph& graph, Want want, std::unique_ptr<Scratch>& scratch,
                Evaluation& result, std::vector<OrbFeatures>* trace) const override {
    auto* s = dynamic_cast<OrbScratch<T>*>(scratch.get());
    if (!s) {
      auto fresh = std::make_unique<OrbScratch<T>>();
      s = fresh.get();
      scratch = std::move(fresh);
    }
    const bool gradient = want.forces || want.virial, through = gradient && model_.conservative;
    std::size_t hidden = 0;
    for (const std::size_t width : model_.hidden) hidden += width;
    const bool keep = through && (layers_.size() + 1) * graph.edges() * hidden * sizeof(T) <= most_kept_bytes_;
    forward(z, graph, through, keep, *s, trace);

    const std::size_t n = z.size();
    std::vector<double> mean(channels_, 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < channels_; ++c) mean[c] += static_cast<double>(s->atom[i * channels_ + c]);
    for (double& m : mean) m /= static_cast<double>(n);
    std::vector<double> by_mean;
    const double atoms = static_cast<double>(n);
    result.energy_ev = atoms * (energy_.deviation[0] * energy_(mean, through ? &by_mean : nullptr)[0] + energy_.mean[0]);
    for (const std::uint8_t element : z) result.energy_ev += reference_[element];
    result.atom_energy_ev.clear();
    result.force_ev_ang.clear();
    result.virial_ev.reset();

    s->gradient.assign(gradient ? graph.edges() : 0, Vec3{});
    if (through) {
      s->atom_gradient.resize(n * channels_);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t c = 0; c < channels_; ++c) s->atom_gradient[i * channels_ + c] = static_cast<T>(energy_.deviation[0] * by_mean[c]);
      backward(graph, keep, *s);
    }
    if (model_.repulsion) result.energy_ev += repel(z, graph, model_.repulsion_mean ? 1 / atoms : 1.0, gradient ? &s->gradient : nullptr);
    if (want.forces) {
      result.force_ev_ang.assign(n, Vec3{});
      if (!model_.conservative) head_forces(cell, position, *s, result.force_ev_ang);
      for (std::size_t i = 0; i < n; ++i) {
        Vec3& force = result.force_ev_ang[i];
        for (std::uint32_t e = graph.first[i]; e < graph.first[i + 1]; ++e) force += s->gradient[e];
        for (std::uint32_t k = graph.received_first[i]; k < graph.received_first[i + 1]; ++k) force -= s->gradient[graph.received[k]];
      }
    }
    if (want.virial && (model_.conservative || (model_.stress_head && periodic_along_all(cell)))) {
      Mat3 virial;
      for (std::size_t e = 0; e < graph.edges(); ++e) virial += outer(graph.vector_ang[e], -s->gradient[e]);
      // Upstream strains symmetrically.
      virial = symmetric(virial);
      if (!model_.conservative) virial += head_virial(mean, cell.volume_ang3());
      result.virial_ev = virial;
    }
  }

 private:
  static bool periodic_along_all(const Cell& cell) { return cell.periodic()[0] && cell.periodic()[1] && cell.periodic()[2]; }
  static Mat3 symmetric(const Mat3& m) {
    Mat3 result;
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) result[a][b] = 0.5 * (m[a][b] + m[b][a]);
    return result;
  }

  Norm<T> norm_of(const TensorFile& file, const std::string& name) const {
    Norm<T> norm;
    norm.weight = values<T>(file, name, {channels_});
    if (model_.layer_norm) norm.bias = values<T>(file, name + ".bias", {channels_});
    norm.epsilon = model_.layer_norm ? static_cast<T>(layer_norm_epsilon) : std::numeric_limits<T>::epsilon();
    return norm;
  }

  /// The encoder of atoms knows the element alone: all of them at once.
  void encode_elements(const TensorFile& file) {
    const Mlp<T> encoder = mlp_of<T>(file, "encoder.atom", {channels_}, model_.hidden, channels_, function_, false);
    const Norm<T> norm = norm_of(file, "encoder.atom.norm");
    const std::vector<T> embedding = values<T>(file, "embedding", {orb_embedded_elements, channels_});
    const std::size_t rows = orb_embedded_elements, size = rows * encoder.widest();
    std::vector<T> z(size), other(size), out(rows * channels_), normal(rows * channels_), inverse(rows);
    copy_rows(encoder.bias[0], rows, z.data());
    encoder.first[0].multiply(rows, embedding.data(), channels_, true, z.data(), encoder.width[1]);
    finish_mlp<T>(encoder, rows, z.data(), other.data(), nullptr, out.data());
    element_.resize(rows * channels_);
    apply_norm(norm, rows, out.data(), normal.data(), inverse.data(), element_.data());
  }

  static void make_room(const Mlp<T>& mlp, std::size_t rows, std::size_t channels, Own<T>& own) {
    for (auto* buffer : {&own.z, &own.other}) buffer->resize(rows * mlp.widest());
    own.out.resize(rows * channels);
    own.du.resize(rows * channels);
  }

  struct Rows {  // where the results of rows are kept
    std::array<T*, 8> slope{};
    bool slopes = false;
    T *normal = nullptr, *inverse = nullptr;
    T* const* slope_or_null() const { return slopes ? slope.data() : nullptr; }
  };
  static Rows rows_of(Kept<T>& kept, const Mlp<T>& mlp, std::size_t first) {
    Rows rows;
    rows.slopes = !kept.slope.empty();
    for (std::size_t k = 0; k < kept.slope.size(); ++k) rows.slope[k] = kept.slope[k].data() + first * mlp.width[k + 1];
    rows.normal = kept.normal.data() + first * mlp.width.back();
    rows.inverse = kept.inverse.data() + first;
    return rows;
  }

  /// The edges' first features, [rows · inputs].
  void featurize(const OrbGraph& graph, std::size_t first, std::size_t last, T* to) const {
    std::array<double, 81> harmonic{};
    for (std::size_t e = first; e < last; ++e, to += inputs_) {
      const double r = graph.r_ang[e];
      const Vec3 u = graph.vector_ang[e] / r;
      if (!model_.spherical) {
        const double step = model_.gaussian_reach_ang / static_cast<double>(model_.gaussians);
        for (std::size_t k = 0; k < model_.gaussians; ++k) {
          const double d = r - step * static_cast<double>(k);
          to[k] = static_cast<T>(std::exp(-d * d));
        }
        for (int a = 0; a < 3; ++a) to[model_.gaussians + static_cast<std::size_t>(a)] = static_cast<T>(u[a]);
        continue;
      }
      const double unit[3] = {u.x, u.y, u.z}, no_tangent[2][3] = {};
      kernels::e3nn_harmonics(model_.harmonics_degree, unit, no_tangent, std::span(harmonic).first(harmonics_), {});
      const double factor = polynomial_cutoff(model_.cutoff_function.order, r, cutoff_).value * model_.bessel_prefactor / r;
      for (std::size_t k = 0; k < frequency_.size(); ++k) {
        const double radial = factor * std::sin(frequency_[k] * r);
        for (std::size_t m = 0; m < harmonics_; ++m) to[k * harmonics_ + m] = static_cast<T>(radial * harmonic[m]);
      }
    }
  }

  /// dE/d(vector) from the gradients by the first features and by the cutoff of the gates.
  void featurize_back(const OrbGraph& graph, std::size_t first, std::size_t last, const T* by_feature, const double* by_cutoff, Vec3* gradient) const {
    std::array<double, 81> harmonic{};
    std::array<double, 162> slope{};
    for (std::size_t e = first; e < last; ++e, by_feature += inputs_) {
      const double r = graph.r_ang[e];
      const Vec3 u = graph.vector_ang[e] / r;
      const double unit[3] = {u.x, u.y, u.z};
      double tangent[2][3];
      kernels::tangents_of(unit, tangent);
      kernels::e3nn_harmonics(model_.harmonics_degree, unit, tangent, std::span(harmonic).first(harmonics_), std::span(slope).first(2 * harmonics_));
      const ValueAndSlope end = polynomial_cutoff(model_.cutoff_function.order, r, cutoff_);
      double along = by_cutoff[e] * end.slope, aside[2] = {0, 0};
      for (std::size_t k = 0; k < frequency_.size(); ++k) {
        const double w = frequency_[k], sine = model_.bessel_prefactor * std::sin(w * r) / r;
        const double radial = end.value * sine, radial_slope = end.slope * sine + end.value * (model_.bessel_prefactor * w * std::cos(w * r) - sine) / r;
        double sum = 0, sum_aside[2] = {0, 0};
        for (std::size_t m = 0; m < harmonics_; ++m) {
          const double g = static_cast<double>(by_feature[k * harmonics_ + m]);
          sum += g * harmonic[m];
          for (std::size_t a = 0; a < 2; ++a) sum_aside[a] += g * slope[2 * m + a];
        }
        along += radial_slope * sum;
        for (std::size_t a = 0; a < 2; ++a) aside[a] += radial / r * sum_aside[a];
      }
      gradient[e] += along * u + aside[0] * Vec3{tangent[0][0], tangent[0][1], tangent[0][2]} + aside[1] * Vec3{tangent[1][0], tangent[1][1], tangent[1][2]};
    }
  }

  void encode_edges(const OrbGraph& graph, std::size_t first, std::size_t last, const Rows& kept, T* out, Own<T>& own) const {
    const std::size_t rows = last - first, hidden = edge_encoder_.width[1];
    make_room(edge_encoder_, rows, channels_, own);
    own.basis.resize(rows * inputs_);
    featurize(graph, first, last, own.basis.data());
    copy_rows(edge_encoder_.bias[0], rows, own.z.data());
    edge_encoder_.first[0].multiply(rows, own.basis.data(), inputs_, true, own.z.data(), hidden);
    finish_mlp(edge_encoder_, rows, own.z.data(), own.other.data(), kept.slope_or_null(), own.out.data());
    apply_norm(edge_encoder_norm_, rows, own.out.data(), kept.normal, kept.inverse, out);
  }

  /// What a layer adds to its edges [first, last).
  void update_edges(std::size_t t, const OrbGraph& graph, std::size_t first, std::size_t last, const T* edge, const Rows& kept, T* update, OrbScratch<T>& s, Own<T>& own) const {
    const Layer<T>& layer = layers_[t];
    const std::size_t rows = last - first, hidden = layer.edge.width[1];
    make_room(layer.edge, rows, channels_, own);
    for (std::size_t e = first; e < last; ++e) {
      const T *a = s.sent[t].data() + graph.sender[e] * hidden, *b = s.received[t].data() + graph.receiver[e] * hidden;
      T* z = own.z.data() + (e - first) * hidden;
      for (std::size_t c = 0; c < hidden; ++c) z[c] = a[c] + b[c];
    }
    layer.edge.first[0].multiply(rows, edge + first * channels_, channels_, true, own.z.data(), hidden);
    finish_mlp(layer.edge, rows, own.z.data(), own.other.data(), kept.slope_or_null(), own.out.data());
    apply_norm(layer.edge_norm, rows, own.out.data(), kept.normal, kept.inverse, update);
  }

  void note(const OrbScratch<T>& s, const std::vector<T>& edge, std::size_t edges, std::vector<OrbFeatures>* trace) const {
    if (!trace) return;
    OrbFeatures features;
    features.atom.assign(s.atom.begin(), s.atom.end());
    features.edge_mean.assign(channels_, 0.0);
    features.edge_mean_square.assign(channels_, 0.0);
    for (std::size_t k = 0; k < edges * channels_; ++k) {
      const auto x = static_cast<double>(edge[k]);
      features.edge_mean[k % channels_] += x / static_cast<double>(edges);
      features.edge_mean_square[k % channels_] += x * x / static_cast<double>(edges);
    }
    trace->push_back(std::move(features));
  }

  void forward(std::span<const std::uint8_t> atomic_number, const OrbGraph& graph, bool through, bool keep, OrbScratch<T>& s, std::vector<OrbFeatures>* trace) const {
    const std::size_t n = atomic_number.size(), edges = graph.edges(), count = layers_.size();
    const bool again = through && !keep;  // slopes are computed again on the way back, from the edges at each layer
    s.atom.resize(n * channels_);
    for (std::size_t i = 0; i < n; ++i) std::copy_n(element_.data() + atomic_number[i] * channels_, channels_, s.atom.data() + i * channels_);
    s.edge.resize(again ? count + 1 : 1);
    for (auto& edge : s.edge) edge.resize(edges * channels_);
    s.update.resize(edges * channels_);
    s.messages.resize(n * 2 * channels_);
    for (auto* list : {&s.sent, &s.received, &s.send_gate, &s.receive_gate}) list->resize(count);
    // Where nothing is kept, one array of normals serves all layers.
    const std::size_t edge_arrays = keep ? count + 1 : 1, atom_arrays = through ? count : 1;
    s.edge_kept.resize(edge_arrays);
    s.atom_kept.resize(atom_arrays);
    for (std::size_t k = 0; k < edge_arrays; ++k) s.edge_kept[k].resize(k == 0 ? edge_encoder_ : layers_[k - 1].edge, edges, keep);
    for (std::size_t k = 0; k < atom_arrays; ++k) s.atom_kept[k].resize(layers_.front().atom, n, through);

    parallel_chunks(edges, edges_per_chunk, [&](std::size_t first, std::size_t last) {
      encode_edges(graph, first, last, rows_of(s.edge_kept[0], edge_encoder_, first), s.edge[0].data() + first * channels_, s.own.local());
    });
    note(s, s.edge[0], edges, trace);
    for (std::size_t t = 0; t < count; ++t) {
      const Layer<T>& layer = layers_[t];
      const std::size_t hidden = layer.edge.width[1];
      std::vector<T>& edge = s.edge[again ? t : 0];
      std::vector<T>& next = s.edge[again ? t + 1 : 0];
      for (auto* list : {&s.sent, &s.received}) (*list)[t].resize(n * hidden);
      for (auto* list : {&s.send_gate, &s.receive_gate}) (*list)[t].resize(edges);
      parallel_chunks(n, atoms_per_chunk, [&](std::size_t first, std::size_t last) {
        const std::size_t rows = last - first;
        const T* atom = s.atom.data() + first * channels_;
        copy_rows(layer.edge.bias[0], rows, s.sent[t].data() + first * hidden);
        layer.edge.first[1].multiply(rows, atom, channels_, true, s.sent[t].data() + first * hidden, hidden);
        layer.edge.first[2].multiply(rows, atom, channels_, false, s.received[t].data() + first * hidden, hidden);
      });
      parallel_chunks(edges, edges_per_chunk, [&](std::size_t first, std::size_t last) {
        update_edges(t, graph, first, last, edge.data(), rows_of(s.edge_kept[keep ? t + 1 : 0], layer.edge, first), s.update.data() + first * channels_, s, s.own.local());
        for (std::size_t e = first; e < last; ++e) {
          const T *old = edge.data() + e * channels_, *update = s.update.data() + e * channels_;
          s.send_gate[t][e] = 1 / (1 + std::exp(-(dot_of(old, layer.send.data(), channels_) + layer.send_bias)));
          s.receive_gate[t][e] = 1 / (1 + std::exp(-(dot_of(old, layer.receive.data(), channels_) + layer.receive_bias)));
          T* to = next.data() + e * channels_;
          for (std::size_t c = 0; c < channels_; ++c) to[c] = old[c] + update[c];
        }
      });
      parallel_chunks(n, atoms_per_chunk, [&](std::size_t first, std::size_t last) { update_atoms(t, graph, first, last, through, s, s.own.local()); });
      note(s, next, edges, trace);
    }
  }

  void update_atoms(std::size_t t, const OrbGraph& graph, std::size_t first, std::size_t last, bool through, OrbScratch<T>& s, Own<T>& own) const {
    const Layer<T>& layer = layers_[t];
    const std::size_t rows = last - first, hidden = layer.atom.width[1];
    make_room(layer.atom, rows, channels_, own);
    for (std::size_t i = first; i < last; ++i) {
      T *received = s.messages.data() + i * 2 * channels_, *sent = received + channels_;
      std::fill(received, sent + channels_, T(0));
      const auto add = [&](std::uint32_t e, T gate, T* to) {
        const T factor = gate * static_cast<T>(polynomial_cutoff(model_.cutoff_function.order, graph.r_ang[e], cutoff_).value);
        const T* update = s.update.data() + e * channels_;
        for (std::size_t c = 0; c < channels_; ++c) to[c] += factor * update[c];
      };
      for (std::uint32_t k = graph.received_first[i]; k < graph.received_first[i + 1]; ++k) add(graph.received[k], s.receive_gate[t][graph.received[k]], received);
      for (std::uint32_t e = graph.first[i]; e < graph.first[i + 1]; ++e) add(e, s.send_gate[t][e], sent);
    }
    copy_rows(layer.atom.bias[0], rows, own.z.data());
    layer.atom.first[0].multiply(rows, s.atom.data() + first * channels_, channels_, true, own.z.data(), hidden);
    layer.atom.first[1].multiply(rows, s.messages.data() + first * 2 * channels_, 2 * channels_, true, own.z.data(), hidden);
    const Rows kept = rows_of(s.atom_kept[through ? t : 0], layer.atom, first);
    finish_mlp(layer.atom, rows, own.z.data(), own.other.data(), kept.slope_or_null(), own.out.data());
    apply_norm(layer.atom_norm, rows, own.out.data(), kept.normal, kept.inverse, own.du.data());
    for (std::size_t k = 0; k < rows * channels_; ++k) s.atom[first * channels_ + k] += own.du[k];
  }

  /// From dE/d(features of atoms) of the last layer to the gradients of the edges' vectors.
  void backward(const OrbGraph& graph, bool keep, OrbScratch<T>& s) const {
    const std::size_t n = graph.atoms(), edges = graph.edges();
    s.message_gradient.resize(n * 2 * channels_);
    s.edge_gradient.assign(edges * channels_, T(0));
    s.cutoff_gradient.assign(edges, 0.0);
    s.first_gradient.resize(keep ? 0 : edges * layers_.front().edge.width[1]);
    for (std::size_t t = layers_.size(); t-- > 0;) {
      const Layer<T>& layer = layers_[t];
      parallel_chunks(n, atoms_per_chunk, [&](std::size_t first, std::size_t last) { atoms_back(t, first, last, s, s.own.local()); });
      parallel_chunks(edges, edges_per_chunk, [&](std::size_t first, std::size_t last) { edges_back(t, graph, first, last, keep, s, s.own.local()); });
      if (t == 0) break;  // the first atoms' features do not depend on positions
      const std::size_t hidden = layer.edge.width[1];
      const T* by_first = keep ? s.edge_kept[t + 1].slope[0].data() : s.first_gradient.data();
      parallel_chunks(n, atoms_per_chunk, [&](std::size_t first, std::size_t last) {
        Own<T>& own = s.own.local();
        const std::size_t rows = last - first;
        own.z.resize(rows * hidden);
        const auto gather = [&](auto&& edges_of, std::size_t part) {
          std::fill(own.z.begin(), own.z.begin() + static_cast<std::ptrdiff_t>(rows * hidden), T(0));
          for (std::size_t i = first; i < last; ++i)
            edges_of(i, [&](std::size_t e) {
              const T* from = by_first + e * hidden;
              T* to = own.z.data() + (i - first) * hidden;
              for (std::size_t c = 0; c < hidden; ++c) to[c] += from[c];
            });
          layer.edge.first_transposed[part].multiply(rows, own.z.data(), hidden, true, s.atom_gradient.data() + first * channels_, channels_);
        };
        gather([&](std::size_t i, auto&& add) { for (std::uint32_t e = graph.first[i]; e < graph.first[i + 1]; ++e) add(e); }, 1);
        gather([&](std::size_t i, auto&& add) { for (std::uint32_t k = graph.received_first[i]; k < graph.received_first[i + 1]; ++k) add(graph.received[k]); }, 2);
      });
    }
    parallel_chunks(edges, edges_per_chunk, [&](std::size_t first, std::size_t last) {
      Own<T>& own = s.own.local();
      const std::size_t rows = last - first, hidden = edge_encoder_.width[1];
      Rows kept;
      if (keep) {
        kept = rows_of(s.edge_kept[0], edge_encoder_, first);
      } else {
        own.again.resize(edge_encoder_, rows, true);
        kept = rows_of(own.again, edge_encoder_, 0);
        own.du.resize(rows * channels_);
        encode_edges(graph, first, last, kept, own.du.data(), own);
      }
      make_room(edge_encoder_, rows, channels_, own);
      T* gradient = s.edge_gradient.data() + first * channels_;
      back_through_norm(edge_encoder_norm_, rows, kept.normal, kept.inverse, gradient);
      back_through_mlp(edge_encoder_, rows, gradient, own.z.data(), own.other.data(), kept.slope.data());
      own.basis.resize(rows * inputs_);
      edge_encoder_.first_transposed[0].multiply(rows, kept.slope[0], hidden, false, own.basis.data(), inputs_);
      featurize_back(graph, first, last, own.basis.data(), s.cutoff_gradient.data(), s.gradient.data());
    });
  }

  void atoms_back(std::size_t t, std::size_t first, std::size_t last, OrbScratch<T>& s, Own<T>& own) const {
    const Layer<T>& layer = layers_[t];
    const std::size_t rows = last - first, hidden = layer.atom.width[1];
    make_room(layer.atom, rows, channels_, own);
    const Rows kept = rows_of(s.atom_kept[t], layer.atom, first);
    T* gradient = s.atom_gradient.data() + first * channels_;
    std::copy_n(gradient, rows * channels_, own.du.data());
    back_through_norm(layer.atom_norm, rows, kept.normal, kept.inverse, own.du.data());
    back_through_mlp(layer.atom, rows, own.du.data(), own.z.data(), own.other.data(), kept.slope.data());
    layer.atom.first_transposed[0].multiply(rows, kept.slope[0], hidden, true, gradient, channels_);
    layer.atom.first_transposed[1].multiply(rows, kept.slope[0], hidden, false, s.message_gradient.data() + first * 2 * channels_, 2 * channels_);
  }

  void edges_back(std::size_t t, const OrbGraph& graph, std::size_t first, std::size_t last, bool keep, OrbScratch<T>& s, Own<T>& own) const {
    const Layer<T>& layer = layers_[t];
    const std::size_t rows = last - first, hidden = layer.edge.width[1];
    Rows kept;
    if (keep) {
      kept = rows_of(s.edge_kept[t + 1], layer.edge, first);
    } else {
      own.again.resize(layer.edge, rows, true);
      kept = rows_of(own.again, layer.edge, 0);
      own.du.resize(rows * channels_);
      update_edges(t, graph, first, last, s.edge[t].data(), kept, own.du.data(), s, own);
    }
    make_room(layer.edge, rows, channels_, own);
    for (std::size_t e = first; e < last; ++e) {
      const double cutoff = polynomial_cutoff(model_.cutoff_function.order, graph.r_ang[e], cutoff_).value;
      const T *by_received = s.message_gradient.data() + graph.receiver[e] * 2 * channels_, *by_sent = s.message_gradient.data() + graph.sender[e] * 2 * channels_ + channels_;
      const T* normal = kept.normal + (e - first) * channels_;
      T *du = own.du.data() + (e - first) * channels_, *de = s.edge_gradient.data() + e * channels_;
      for (std::size_t c = 0; c < channels_; ++c) du[c] = normal[c] * layer.edge_norm.weight[c];
      const T by_send_gate = dot_of(du, by_sent, channels_), by_receive_gate = dot_of(du, by_received, channels_);
      const T send = s.send_gate[t][e], receive = s.receive_gate[t][e], c_of = static_cast<T>(cutoff);
      s.cutoff_gradient[e] += static_cast<double>(send * by_send_gate + receive * by_receive_gate);
      const T a = c_of * send, b = c_of * receive, pre_send = c_of * by_send_gate * send * (1 - send), pre_receive = c_of * by_receive_gate * receive * (1 - receive);
      for (std::size_t c = 0; c < channels_; ++c) {
        du[c] = de[c] + a * by_sent[c] + b * by_received[c];
        de[c] += pre_send * layer.send[c] + pre_receive * layer.receive[c];
      }
    }
    back_through_norm(layer.edge_norm, rows, kept.normal, kept.inverse, own.du.data());
    back_through_mlp(layer.edge, rows, own.du.data(), own.z.data(), own.other.data(), kept.slope.data());
    layer.edge.first_transposed[0].multiply(rows, kept.slope[0], hidden, true, s.edge_gradient.data() + first * channels_, channels_);
    if (!keep) std::copy_n(kept.slope[0], rows * hidden, s.first_gradient.data() + first * hidden);
  }

  /// ½ Σ over edges of the screened Coulomb repulsion of nuclei Z+1, as upstream evaluates it, times `factor`; adds to the gradients.
  double repel(std::span<const std::uint8_t> z, const OrbGraph& graph, double factor, std::vector<Vec3>* gradient) const {
    const ZblRepulsion& zbl = *model_.repulsion;
    constexpr std::array<double, 4> decay{3.2, 0.9423, 0.4028, 0.2016};
    constexpr double coulomb_ev_ang = 14.3996, bohr_ang = 0.529;
    double sum = 0;
    for (std::size_t e = 0; e < graph.edges(); ++e) {
      const int a = z[graph.sender[e]] + 1, b = z[graph.receiver[e]] + 1;
      const double end = covalent_radius_ang(a) + covalent_radius_ang(b), r = graph.r_ang[e];
      if (r >= end) continue;
      const double length = zbl.prefactor * bohr_ang / (std::pow(a, zbl.exponent) + std::pow(b, zbl.exponent)), strength = coulomb_ev_ang * a * b / r;
      double phi = 0, phi_slope = 0;
      for (std::size_t k = 0; k < decay.size(); ++k) {
        const double term = zbl.coefficient[k] * std::exp(-decay[k] * r / length);
        phi += term;
        phi_slope -= decay[k] / length * term;
      }
      const ValueAndSlope envelope = polynomial_cutoff(zbl.order, r, end);
      sum += 0.5 * strength * phi * envelope.value;
      if (gradient) (*gradient)[e] += factor * 0.5 * strength * ((phi_slope - phi / r) * envelope.value + phi * envelope.slope) / r * graph.vector_ang[e];
    }
    return factor * sum;
  }

  /// Forces of their head: without their mean and, in an isolated system, their torque about the centre; then the scale.
  void head_forces(const Cell& cell, std::span<const Vec3> position, const OrbScratch<T>& s, std::vector<Vec3>& force) const {
    const std::size_t n = position.size();
    parallel_chunks(n, atoms_per_chunk, [&](std::size_t first, std::size_t last) {
      std::vector<double> features(channels_);
      for (std::size_t i = first; i < last; ++i) {
        for (std::size_t c = 0; c < channels_; ++c) features[c] = static_cast<double>(s.atom[i * channels_ + c]);
        const std::vector<double> out = forces_(features, nullptr);
        force[i] = {out[0], out[1], out[2]};
      }
    });
    Vec3 mean, centre;
    for (std::size_t i = 0; i < n; ++i) {
      mean += force[i] / static_cast<double>(n);
      centre += position[i] / static_cast<double>(n);
    }
    for (Vec3& f : force) f -= mean;
    if (!cell.any_periodic()) remove_torque(position, centre, force);
    for (Vec3& f : force) f = forces_.deviation[0] * f + forces_.mean[0] * Vec3{1, 1, 1};
  }

  /// f_i += r_i × μ with (Σ r² − r rᵀ) μ = torque: the smallest change of the forces that leaves none.
  static void remove_torque(std::span<const Vec3> position, const Vec3& centre, std::vector<Vec3>& force) {
    Vec3 torque;
    Mat3 inertia;
    double square = 0;
    for (std::size_t i = 0; i < position.size(); ++i) {
      const Vec3 r = position[i] - centre;
      torque += cross(r, force[i]);
      square += norm2(r);
      inertia += outer(r, -r);
    }
    if (square == 0) return;
    for (int a = 0; a < 3; ++a) inertia[a][a] += square;
    // Atoms on one line have no torque along it, and the same inertia about all that is perpendicular.
    const bool on_a_line = determinant(inertia) < 1e-10 * square * square * square;
    const Vec3 mu = on_a_line ? torque / square : inverse(inertia) * torque;
    for (std::size_t i = 0; i < position.size(); ++i) force[i] += cross(position[i] - centre, mu);
  }

  Mat3 head_virial(const std::vector<double>& mean, double volume_ang3) const {
    const std::vector<double> out = stress_(mean, nullptr);
    constexpr int row[6] = {0, 1, 2, 1, 0, 0}, column[6] = {0, 1, 2, 2, 2, 1};
    Mat3 virial;
    for (std::size_t k = 0; k < 6; ++k) {
      const std::size_t scale = k < 3 ? 0 : 1;
      virial[row[k]][column[k]] = virial[column[k]][row[k]] = -volume_ang3 * (stress_.deviation[scale] * out[k] + stress_.mean[scale]);
    }
    return virial;
  }

  OrbModel model_;
  std::size_t most_kept_bytes_;
  double cutoff_;
  std::size_t channels_, harmonics_ = 0, inputs_ = 0;
  kernels::Nonlinearity function_;
  std::vector<double> frequency_, reference_;
  std::vector<T> element_;  // [elements · channels]
  Mlp<T> edge_encoder_;
  Norm<T> edge_encoder_norm_;
  std::vector<Layer<T>> layers_;
  Head energy_, forces_, stress_;
};

}  // namespace

Orb::Orb(const PublishedModel& model, const NetworkSettings& settings, std::size_t most_kept_bytes) : cutoff_ang_(model.cutoff_ang) {
  const auto* architecture = std::get_if<OrbModel>(&model.architecture);
  if (!architecture) throw Error(ErrorKind::usage, "the model is not of the ORB family");
  if (settings.head) throw Error(ErrorKind::usage, "models of ORB have no heads to choose from");
  const Dtype precision = settings.precision.value_or(model.dtype);
  if (precision != Dtype::f32 && precision != Dtype::f64) throw Error(ErrorKind::usage, fmt::format("networks are evaluated in F32 or F64, not in {}", name(precision)));
  info_.kind = family(model);
  info_.elements = model.atomic_number;
  info_.conservative = architecture->conservative;
  most_neighbors_ = architecture->max_neighbors;
  if (precision == Dtype::f32) network_ = std::make_unique<NetworkOf<float>>(model, *architecture, most_kept_bytes);
  else network_ = std::make_unique<NetworkOf<double>>(model, *architecture, most_kept_bytes);
}

void Orb::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const { evaluate_with(batch, want, workspace, results, nullptr); }

std::vector<OrbFeatures> Orb::features(const Frame& frame) const {
  std::vector<OrbFeatures> trace;
  Workspace workspace;
  Evaluation result;
  evaluate_with({frame.atoms.get(), {&frame.cell, 1}, frame.position_ang}, {.forces = false}, workspace, {&result, 1}, &trace);
  return trace;
}

void Orb::evaluate_with(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results, std::vector<OrbFeatures>* trace) const {
  const std::size_t n = batch.atoms->size();
  if (batch.position_ang.size() != n * batch.count() || results.size() != batch.count()) throw Error(ErrorKind::internal, "orb: the batch does not fit its atoms");
  species_indices(batch.atoms->atomic_number, info_.elements, info_.kind.c_str());  // or says which one is not known
  if (n == 0) throw Error(ErrorKind::usage, "orb: there are no atoms");
  workspace.lists.resize(batch.count());
  OrbGraph graph;
  for (std::size_t b = 0; b < batch.count(); ++b) {
    const auto position = batch.position_ang.subspan(b * n, n);
    workspace.lists[b].update(batch.cell[b], position, cutoff_ang_, workspace.skin_ang);
    build_orb_graph(workspace.lists[b].list(), cutoff_ang_, most_neighbors_, graph);
    network_->evaluate(batch.atoms->atomic_number, batch.cell[b], position, graph, want, workspace.scratch, results[b], trace);
  }
}

}  // namespace saltus
