#include "saltus/potentials/mattersim.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/gated.hpp"
#include "saltus/kernels/matrix_product.hpp"
#include "saltus/potentials/network_maps.hpp"
#include "saltus/potentials/triple_graph.hpp"

namespace saltus {

namespace {

constexpr std::size_t pairs_per_chunk = 64, atoms_per_chunk = 16, most_radial = 4;

/// Columns [first, first + count) of a row-major matrix of `columns` columns, from row `first_row` on, `rows` rows, into `to` with `to_columns` columns.
template <typename T>
void place(const std::vector<double>& from, std::size_t columns, std::size_t first_row, std::size_t rows, std::vector<T>& to, std::size_t to_columns, std::size_t to_first) {
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) to[r * to_columns + to_first + c] = static_cast<T>(from[(first_row + r) * columns + c]);
}

template <typename T>
std::vector<T> transposed(const std::vector<T>& matrix, std::size_t rows, std::size_t columns) {
  std::vector<T> result(matrix.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) result[c * rows + r] = matrix[r * columns + c];
  return result;
}

template <typename T>
std::vector<T> as(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

/// The radial functions of pairs, with their derivatives: e_k of smooth Bessel functions, and b_q of near pairs.
class RadialFunctions {
 public:
  RadialFunctions(const TensorFile& file, const MatterSimModel& model, double cutoff_ang)
      : radial_(model.radial), angular_(model.angular), cutoff_ang_(cutoff_ang), near_cutoff_ang_(model.threebody_cutoff_ang) {
    frequency_[0] = get_doubles(file, "bessel_frequencies", {radial_});
    frequency_[1] = get_doubles(file, "bessel_frequencies_next", {radial_});
    factor_ = get_doubles(file, "bessel_factors", {radial_});
    const std::vector<double> d = get_doubles(file, "bessel_d", {radial_}), e = get_doubles(file, "bessel_e", {radial_});
    for (std::size_t k = 0; k < radial_; ++k) {
      if (!(d[k] > 0 && e[k] >= 0)) throw Error(ErrorKind::format, "MatterSim: the recursion of the smooth Bessel functions has a negative root");
      own_.push_back(k == 0 ? 1 : 1 / std::sqrt(d[k]));
      before_.push_back(k == 0 ? 0 : std::sqrt(e[k] / d[k - 1]) / std::sqrt(d[k]));
    }
    const std::vector<double> table = get_doubles(file, "spherical_bessel", {4, 9, 4});
    const double whole = get_doubles(file, "spherical_bessel_factor", {1})[0];
    // Upstream's table: pairs of amplitude and root, of terms that alternate between sine and cosine.
    for (std::size_t order = 0; order < radial_; ++order)
      for (std::size_t root = 0; root < angular_; ++root) {
        const auto at = [&](std::size_t row) { return table[(order * 9 + row) * 4 + root]; };
        std::vector<RadialTerm>& terms = terms_.emplace_back();
        if (order == 0) terms = {{1, 1, at(0), false}};
        if (order == 1) terms = {{at(0), 1, at(1), true}, {at(2), 2, at(3), false}};
        if (order == 2) terms = {{at(0), 1, at(1), false}, {-at(2), 2, at(3), true}, {at(4), 3, at(5), false}};
        if (order == 3) terms = {{at(0), 1, at(1), true}, {-at(2), 2, at(3), false}, {-at(4), 3, at(5), true}, {at(6), 4, at(7), false}};
        for (RadialTerm& term : terms) term.amplitude *= whole;
      }
  }

  std::size_t radial() const { return radial_; }
  std::size_t functions() const { return radial_ * angular_; }

  /// e_k(r), k < radial(): e_k = own_k f_k + before_k e_{k−1},  f_k = factor_k (sinc(frequency_k r) + sinc(next_k r)).
  void pair(double r, double* value, double* slope) const {
    for (std::size_t k = 0; k < radial_; ++k) {
      double f = 0, g = 0;
      for (const auto& frequency : frequency_) {
        const double x = frequency[k] * r, sine = std::sin(x);
        f += sine / x;
        g += (std::cos(x) - sine / x) / r;
      }
      value[k] = own_[k] * factor_[k] * f + (k > 0 ? before_[k] * value[k - 1] : 0);
      slope[k] = own_[k] * factor_[k] * g + (k > 0 ? before_[k] * slope[k - 1] : 0);
    }
  }

  /// p(x) = 1 − 6x⁵ + 15x⁴ − 10x³ of x = r / near cutoff, not below zero.
  void envelope(double r, double& value, double& slope) const {
    const double x = r / near_cutoff_ang_, x2 = x * x;
    value = std::max(0.0, 1 - 6 * x2 * x2 * x + 15 * x2 * x2 - 10 * x2 * x);
    slope = x < 1 ? (-30 * x2 * x2 + 60 * x2 * x - 30 * x2) / near_cutoff_ang_ : 0;
  }

  /// b_q(r) = j_q(r / cutoff) p(r).
  void near(double r, double* value, double* slope) const {
    const double x = r / cutoff_ang_;
    double p, p_slope;
    envelope(r, p, p_slope);
    double frequency = 0, sine = 0, cosine = 1;
    for (std::size_t q = 0; q < terms_.size(); ++q) {
      double f = 0, g = 0;  // and its derivative by x
      for (const RadialTerm& term : terms_[q]) {
        if (term.frequency != frequency) {
          frequency = term.frequency;
          sine = std::sin(frequency * x);
          cosine = std::cos(frequency * x);
        }
        double scale = term.amplitude;
        for (int k = 0; k < term.power; ++k) scale /= x;
        const double wave = term.cosine ? cosine : sine, wave_slope = frequency * (term.cosine ? -sine : cosine);
        f += scale * wave;
        g += scale * (wave_slope - term.power * wave / x);
      }
      value[q] = f * p;
      slope[q] = g / cutoff_ang_ * p + f * p_slope;
    }
  }

 private:
  std::size_t radial_, angular_;
  double cutoff_ang_, near_cutoff_ang_;
  std::array<std::vector<double>, 2> frequency_;
  std::vector<double> factor_, own_, before_;
  std::vector<std::vector<RadialTerm>> terms_;  // [order·angular + root]
};

/// Two branches of two layers over [h_i, h_j, e]. The first layer's part of e alone is here, that of atoms in Layer::atoms.
template <typename T>
struct PairNetwork {
  std::vector<T> first, first_back;                  // [U, 2U]: columns of g, then of sigma; and its transpose
  std::array<std::vector<T>, 2> second, second_back; // [U, U] of g and sigma
  std::vector<T> second_bias;                        // [2U]
  std::vector<T> radial;                             // [n, U]
};

template <typename T>
struct Layer {
  std::vector<T> gate, gate_back, gate_bias;    // [U, Q]
  std::vector<T> triple, triple_back;           // [Q, 2U]
  std::vector<T> atoms, atoms_back, atoms_bias; // [U, 8U]: 2U each of pair and atom networks for h_i, then for h_j
  PairNetwork<T> pair, atom;
};

/// The readout: two branches of three layers.
template <typename T>
struct Readout {
  std::array<std::vector<T>, 2> first, first_back, second, second_back, first_bias, second_bias;
  std::array<std::vector<double>, 2> third;
  std::array<double, 2> third_bias{};
};

struct FeatureScratch : Scratch {
  virtual MatterSim::Features features() const = 0;
};

template <typename T>
struct MatterSimScratch final : FeatureScratch {
  struct Thread {
    std::vector<T> hidden, factor, by_factor, by_hidden, by_second, triple, triple_z, by_triple, kept, e, h, z[2], a, up;
  };
  tbb::enumerable_thread_specific<Thread> thread;
  TripleGraph graph;
  struct Chunk {
    std::size_t first_atom, last_atom;
  };
  std::vector<Chunk> chunks;
  std::vector<T> basis;                               // [pairs, n]
  std::vector<double> basis_slope;
  std::vector<double> envelope, envelope_slope;       // [near]
  std::vector<double> b, b_slope, s, by_s, by_b;      // [near, Q]
  std::vector<std::vector<T>> h, projected, gate;     // [layer] of [atoms, U], [atoms, 8U], [atoms, Q]
  std::vector<std::vector<T>> kept, before;           // [layer] of [pairs, 8U], or of e before the layer [pairs, U]
  std::vector<T> e;                                   // [pairs, U]
  std::vector<T> by_h, by_e, by_basis, by_first, by_projected, by_gate;
  std::vector<double> by_envelope;                    // [near]
  std::vector<Vec3> by_displacement;                  // [pairs]
  std::vector<double> energy;                         // [atoms]

  MatterSim::Features features() const override {
    MatterSim::Features result;
    for (const std::vector<T>& layer : h) result.atoms.emplace_back(layer.begin(), layer.end());
    result.pair_sums.assign(h.back().size(), 0.0);
    const std::size_t units = graph.atoms() > 0 ? h.back().size() / graph.atoms() : 0;
    for (std::size_t i = 0; i < graph.atoms(); ++i)
      for (std::size_t p = graph.first[i]; p < graph.first[i + 1]; ++p)
        for (std::size_t c = 0; c < units; ++c) result.pair_sums[i * units + c] += static_cast<double>(e[p * units + c]);
    return result;
  }
};

template <typename T>
class NetworkOf final : public NetworkEvaluator {
 public:
  NetworkOf(const PublishedModel& file, const MatterSimModel& model, std::size_t kept_bytes)
      : cutoff_(file.cutoff_ang), near_cutoff_(model.threebody_cutoff_ang), kept_bytes_(kept_bytes), U(model.units), radial_(file.tensors, model, file.cutoff_ang),
        n_(radial_.radial()), Q(radial_.functions()), triples_{Q, model.radial} {
    const TensorFile& t = file.tensors;
    const std::size_t species = file.atomic_number.size();
    embedding_ = as<T>(get_doubles(t, "embedding", {species + 1, U}));
    pair_embedding_ = as<T>(get_doubles(t, "pair_embedding", {n_, U}));
    scale_ = get_doubles(t, "energy_scale", {1, species});
    shift_ = get_doubles(t, "energy_shift", {1, species});
    constexpr const char* branches[] = {"g", "sigma"};
    for (std::size_t layer = 0; layer < model.layers; ++layer) {
      Layer<T>& to = layers_.emplace_back();
      const std::string name = fmt::format("layers.{}.", layer);
      to.gate = as<T>(get_doubles(t, name + "triple.gate", {U, Q}));
      to.gate_back = transposed(to.gate, U, Q);
      to.gate_bias = as<T>(get_doubles(t, name + "triple.gate.bias", {Q}));
      to.triple.resize(Q * 2 * U);
      to.atoms.resize(U * 8 * U);
      to.atoms_bias.assign(8 * U, T(0));
      for (std::size_t k = 0; k < 2; ++k) place(get_doubles(t, fmt::format("{}triple.{}.0", name, branches[k]), {Q, U}), U, 0, Q, to.triple, 2 * U, k * U);
      to.triple_back = transposed(to.triple, Q, 2 * U);
      for (std::size_t which = 0; which < 2; ++which) {
        PairNetwork<T>& net = which == 0 ? to.pair : to.atom;
        const std::string part = name + (which == 0 ? "pair" : "atom");
        net.first.resize(U * 2 * U);
        for (std::size_t k = 0; k < 2; ++k) {
          const std::string branch = fmt::format("{}.{}.", part, branches[k]);
          const std::vector<double> first = get_doubles(t, branch + "0", {3 * U, U}), bias = get_doubles(t, branch + "0.bias", {U});
          place(first, U, 0, U, to.atoms, 8 * U, (2 * which + k) * U);
          place(first, U, U, U, to.atoms, 8 * U, (4 + 2 * which + k) * U);
          place(first, U, 2 * U, U, net.first, 2 * U, k * U);
          place(bias, U, 0, 1, to.atoms_bias, 8 * U, (2 * which + k) * U);
          net.second[k] = as<T>(get_doubles(t, branch + "1", {U, U}));
          net.second_back[k] = transposed(net.second[k], U, U);
          for (const double value : get_doubles(t, branch + "1.bias", {U})) net.second_bias.push_back(static_cast<T>(value));
        }
        net.first_back = transposed(net.first, U, 2 * U);
        net.radial = as<T>(get_doubles(t, part + ".radial", {n_, U}));
      }
      to.atoms_back = transposed(to.atoms, U, 8 * U);
    }
    for (std::size_t k = 0; k < 2; ++k) {
      const std::string branch = fmt::format("readout.{}.", branches[k]);
      readout_.first[k] = as<T>(get_doubles(t, branch + "0", {U, U}));
      readout_.second[k] = as<T>(get_doubles(t, branch + "1", {U, U}));
      readout_.first_back[k] = transposed(readout_.first[k], U, U);
      readout_.second_back[k] = transposed(readout_.second[k], U, U);
      readout_.first_bias[k] = as<T>(get_doubles(t, branch + "0.bias", {U}));
      readout_.second_bias[k] = as<T>(get_doubles(t, branch + "1.bias", {U}));
      readout_.third[k] = get_doubles(t, branch + "2", {U, 1});
      readout_.third_bias[k] = get_doubles(t, branch + "2.bias", {1})[0];
    }
  }

  void evaluate(const std::vector<int>& species, const NeighborList& list, Want want, std::unique_ptr<Scratch>& any_scratch, Evaluation& result) const override {
    if (!dynamic_cast<MatterSimScratch<T>*>(any_scratch.get())) any_scratch = std::make_unique<MatterSimScratch<T>>();
    auto& s = static_cast<MatterSimScratch<T>&>(*any_scratch);
    const bool gradient = want.forces || want.virial;
    build_triple_graph(list, cutoff_, near_cutoff_, s.graph);
    const std::size_t n = s.graph.atoms(), pairs = s.graph.pairs(), layers = layers_.size();
    make_chunks(s);
    radial_parts(s);
    const bool keep = gradient && pairs <= kept_bytes_ / (8 * U * layers * sizeof(T));
    s.h.resize(layers + 1);
    s.projected.resize(layers);
    s.gate.resize(layers);
    s.kept.resize(layers);
    s.before.resize(layers);
    for (std::vector<T>& h : s.h) h.resize(n * U);
    for (std::size_t t = 0; t < layers; ++t) {
      s.projected[t].resize(n * 8 * U);
      s.gate[t].resize(n * Q);
      s.kept[t].resize(keep ? pairs * 8 * U : 0);
      s.before[t].resize(gradient && !keep ? pairs * U : 0);
    }
    s.e.resize(pairs * U);
    for (std::size_t i = 0; i < n; ++i) std::copy_n(embedding_.data() + (static_cast<std::size_t>(species[i]) + 1) * U, U, s.h[0].data() + i * U);

    for (std::size_t t = 0; t < layers; ++t) {
      for_atoms(s, [&](std::size_t first, std::size_t last, Thread&) { project(t, first, last, s); });
      for_chunks(s, [&](const Chunk& chunk, Thread& own) {
        const std::size_t p = s.graph.first[chunk.first_atom], count = s.graph.first[chunk.last_atom] - p;
        T* const e = s.e.data() + p * U;
        if (t == 0) {
          kernels::multiply(count, n_, U, T(1), s.basis.data() + p * n_, n_, pair_embedding_.data(), U, false, e, U);
          kernels::silu(count * U, e, e);
        }
        if (!s.before[t].empty()) std::copy_n(e, count * U, s.before[t].data() + p * U);
        if (!keep) own.kept.resize(count * 8 * U);
        T* const to = s.h[t + 1].data() + chunk.first_atom * U;
        std::copy_n(s.h[t].data() + chunk.first_atom * U, (chunk.last_atom - chunk.first_atom) * U, to);
        forward(t, chunk, s, own, e, to, keep ? s.kept[t].data() + p * 8 * U : own.kept.data());
      });
    }
    s.energy.resize(n);
    if (gradient) {
      s.by_h.resize(n * U);
      s.by_e.assign(pairs * U, T(0));
      s.by_basis.assign(pairs * n_, T(0));
      s.by_first.resize(pairs * 4 * U);
      s.by_projected.resize(n * 8 * U);
      s.by_gate.resize(n * Q);
      s.by_envelope.assign(s.graph.near.size(), 0.0);
      s.by_s.assign(s.graph.near.size() * Q, 0.0);
      s.by_b.assign(s.graph.near.size() * Q, 0.0);
      s.by_displacement.assign(pairs, Vec3{});
    }
    for_atoms(s, [&](std::size_t first, std::size_t last, Thread& own) { read_out(species, first, last, gradient, s, own); });
    result.energy_ev = 0;
    for (const double energy : s.energy) result.energy_ev += energy;
    result.atom_energy_ev.clear();
    if (want.atom_energies) result.atom_energy_ev = s.energy;
    result.extrapolation.clear();
    if (gradient) {
      for (std::size_t t = layers; t-- > 0;) {
        for_chunks(s, [&](const Chunk& chunk, Thread& own) { backward(t, chunk, s, own, keep); });
        if (t > 0) for_atoms(s, [&](std::size_t first, std::size_t last, Thread&) { project_back(t, first, last, s); });
      }
      for_atoms(s, [&](std::size_t first, std::size_t last, Thread&) {
        for (std::size_t i = first; i < last; ++i) geometry_back(i, s);
      });
    }
    assemble_forces(s.graph, list, s.by_displacement, want, result);
  }

 private:
  using Chunk = typename MatterSimScratch<T>::Chunk;
  using Thread = typename MatterSimScratch<T>::Thread;

  /// Atoms whose pairs are worked on together; fixed, so that results do not depend on threads.
  static void make_chunks(MatterSimScratch<T>& s) {
    s.chunks.clear();
    for (std::size_t i = 0; i < s.graph.atoms(); ++i) {
      if (s.chunks.empty() || s.graph.first[i] - s.graph.first[s.chunks.back().first_atom] >= pairs_per_chunk || i - s.chunks.back().first_atom >= atoms_per_chunk) s.chunks.push_back({i, i});
      s.chunks.back().last_atom = i + 1;
    }
  }
  template <typename Body>
  static void for_chunks(MatterSimScratch<T>& s, const Body& body) {
    parallel_chunks(s.chunks.size(), 1, [&](std::size_t begin, std::size_t end) {
      Thread& own = s.thread.local();
      for (std::size_t c = begin; c < end; ++c) body(s.chunks[c], own);
    });
  }
  template <typename Body>
  static void for_atoms(MatterSimScratch<T>& s, const Body& body) {
    parallel_chunks(s.graph.atoms(), atoms_per_chunk, [&](std::size_t begin, std::size_t end) { body(begin, end, s.thread.local()); });
  }

  void radial_parts(MatterSimScratch<T>& s) const {
    const TripleGraph& g = s.graph;
    s.basis.resize(g.pairs() * n_);
    s.basis_slope.resize(g.pairs() * n_);
    s.envelope.resize(g.near.size());
    s.envelope_slope.resize(g.near.size());
    for (std::vector<double>* v : {&s.b, &s.b_slope, &s.s}) v->resize(g.near.size() * Q);
    for_atoms(s, [&](std::size_t first, std::size_t last, Thread&) {
      double value[most_radial];
      for (std::size_t e = g.first[first]; e < g.first[last]; ++e) {
        radial_.pair(g.r_ang[e], value, s.basis_slope.data() + e * n_);
        for (std::size_t k = 0; k < n_; ++k) s.basis[e * n_ + k] = static_cast<T>(value[k]);
      }
      for (std::size_t m = g.first_near[first]; m < g.first_near[last]; ++m) {
        const double r = g.r_ang[g.near[m]];
        radial_.envelope(r, s.envelope[m], s.envelope_slope[m]);
        radial_.near(r, s.b.data() + m * Q, s.b_slope.data() + m * Q);
      }
      for (std::size_t i = first; i < last; ++i) sum_triples(g, i, triples_, s.b, s.s);
    });
  }

  /// What h of layer t gives to the first layers of its networks, and its gates of triples.
  void project(std::size_t t, std::size_t first, std::size_t last, MatterSimScratch<T>& s) const {
    const Layer<T>& layer = layers_[t];
    const T* const h = s.h[t].data() + first * U;
    T *const to = s.projected[t].data() + first * 8 * U, *const gate = s.gate[t].data() + first * Q;
    for (std::size_t i = 0; i < last - first; ++i) {
      std::copy_n(layer.atoms_bias.data(), 8 * U, to + i * 8 * U);
      std::copy_n(layer.gate_bias.data(), Q, gate + i * Q);
    }
    kernels::multiply(last - first, U, 8 * U, T(1), h, U, layer.atoms.data(), 8 * U, true, to, 8 * U);
    kernels::multiply(last - first, U, Q, T(1), h, U, layer.gate.data(), Q, true, gate, Q);
    for (std::size_t k = 0; k < (last - first) * Q; ++k) gate[k] = 1 / (1 + std::exp(-gate[k]));
  }

  /// T_ij,q = gate_q(h_i) p(r_ij) S_ij,q of a chunk's near pairs, and its products with the two matrices.
  void triple_inputs(std::size_t t, const Chunk& chunk, MatterSimScratch<T>& s, Thread& own) const {
    const TripleGraph& g = s.graph;
    const std::size_t begin = g.first_near[chunk.first_atom], count = g.first_near[chunk.last_atom] - begin;
    own.triple.resize(count * Q);
    own.triple_z.resize(count * 2 * U);
    for (std::size_t i = chunk.first_atom; i < chunk.last_atom; ++i)
      for (std::size_t m = g.first_near[i]; m < g.first_near[i + 1]; ++m)
        for (std::size_t q = 0; q < Q; ++q) own.triple[(m - begin) * Q + q] = static_cast<T>(s.s[m * Q + q] * s.envelope[m]) * s.gate[t][i * Q + q];
    kernels::multiply(count, Q, 2 * U, T(1), own.triple.data(), Q, layers_[t].triple.data(), 2 * U, false, own.triple_z.data(), 2 * U);
  }

  /// Sums z1, z2 [pairs, 2U] of both layers of a network over a chunk's pairs; `at` is its place in `projected`.
  void network(const PairNetwork<T>& net, std::size_t at, std::size_t t, const Chunk& chunk, const T* e, MatterSimScratch<T>& s, Thread& own, T* z1, T* z2) const {
    const TripleGraph& g = s.graph;
    const std::size_t begin = g.first[chunk.first_atom], count = g.first[chunk.last_atom] - begin;
    own.hidden.resize(count * 2 * U);
    T* const a = own.hidden.data();
    kernels::multiply(count, U, 2 * U, T(1), e, U, net.first.data(), 2 * U, false, z1, 2 * U);
    for (std::size_t i = chunk.first_atom; i < chunk.last_atom; ++i)
      for (std::size_t p = g.first[i]; p < g.first[i + 1]; ++p) {
        const std::size_t row = (p - begin) * 2 * U;
        kernels::silu_of_sum(2 * U, s.projected[t].data() + i * 8 * U + at, s.projected[t].data() + g.other[p] * 8 * U + 4 * U + at, z1 + row, a + row);
        std::copy_n(net.second_bias.data(), 2 * U, z2 + row);
      }
    for (std::size_t k = 0; k < 2; ++k) kernels::multiply(count, U, U, T(1), a + k * U, 2 * U, net.second[k].data(), U, true, z2 + k * U, 2 * U);
  }

  /// Radial factors of a network over a chunk's pairs.
  void radial_factor(const PairNetwork<T>& net, std::size_t begin, std::size_t count, MatterSimScratch<T>& s, Thread& own) const {
    own.factor.resize(count * U);
    kernels::multiply(count, n_, U, T(1), s.basis.data() + begin * n_, n_, net.radial.data(), U, false, own.factor.data(), U);
  }

  /// Layer t: e of a chunk's pairs becomes that after it, and h of its atoms is added to. kept [pairs, 8U]: z1, z2 of both networks.
  void forward(std::size_t t, const Chunk& chunk, MatterSimScratch<T>& s, Thread& own, T* e, T* h, T* kept) const {
    const Layer<T>& layer = layers_[t];
    const TripleGraph& g = s.graph;
    const std::size_t begin = g.first[chunk.first_atom], count = g.first[chunk.last_atom] - begin, near = g.first_near[chunk.first_atom], part = count * 2 * U;
    triple_inputs(t, chunk, s, own);
    for (std::size_t m = near; m < g.first_near[chunk.last_atom]; ++m) {
      const T* const z = own.triple_z.data() + (m - near) * 2 * U;
      kernels::add_gated(U, z, z + U, nullptr, e + (g.near[m] - begin) * U);
    }
    network(layer.pair, 0, t, chunk, e, s, own, kept, kept + part);
    radial_factor(layer.pair, begin, count, s, own);
    for (std::size_t k = 0; k < count; ++k) {
      const T* const z = kept + part + k * 2 * U;
      kernels::add_gated(U, z, z + U, own.factor.data() + k * U, e + k * U);
    }
    network(layer.atom, 2 * U, t, chunk, e, s, own, kept + 2 * part, kept + 3 * part);
    radial_factor(layer.atom, begin, count, s, own);
    kernels::silu(count * U, own.factor.data(), own.factor.data());
    for (std::size_t i = chunk.first_atom; i < chunk.last_atom; ++i)
      for (std::size_t p = g.first[i]; p < g.first[i + 1]; ++p) {
        const T* const z = kept + 3 * part + (p - begin) * 2 * U;
        kernels::add_gated(U, z, z + U, own.factor.data() + (p - begin) * U, h + (i - chunk.first_atom) * U);
      }
  }

  /// From own.by_second = dE/dz2 to by_first = dE/dz1 in columns [at, at + 2U) of [pairs, 4U], and to what is added to dE/de.
  void network_back(const PairNetwork<T>& net, std::size_t at, std::size_t count, const T* z1, T* by_first, T* by_e, Thread& own) const {
    own.by_hidden.resize(count * 2 * U);
    for (std::size_t k = 0; k < 2; ++k)
      kernels::multiply(count, U, U, T(1), own.by_second.data() + k * U, 2 * U, net.second_back[k].data(), U, false, own.by_hidden.data() + k * U, 2 * U);
    for (std::size_t k = 0; k < count; ++k) kernels::silu_gradient(2 * U, z1 + k * 2 * U, own.by_hidden.data() + k * 2 * U, by_first + k * 4 * U + at);
    kernels::multiply(count, 2 * U, U, T(1), by_first + at, 4 * U, net.first_back.data(), U, true, by_e, U);
  }

  /// From dE/dh and dE/de after layer t to dE/de before it, to by_first, by_gate and to the parts of the geometry.
  void backward(std::size_t t, const Chunk& chunk, MatterSimScratch<T>& s, Thread& own, bool keep) const {
    const Layer<T>& layer = layers_[t];
    const TripleGraph& g = s.graph;
    const std::size_t begin = g.first[chunk.first_atom], count = g.first[chunk.last_atom] - begin, near = g.first_near[chunk.first_atom],
                      near_count = g.first_near[chunk.last_atom] - near, part = count * 2 * U;
    const T* kept = keep ? s.kept[t].data() + begin * 8 * U : nullptr;
    if (!keep) {
      own.kept.resize(count * 8 * U);
      own.h.assign((chunk.last_atom - chunk.first_atom) * U, T(0));
      own.e.assign(s.before[t].data() + begin * U, s.before[t].data() + (begin + count) * U);
      forward(t, chunk, s, own, own.e.data(), own.h.data(), own.kept.data());
      kept = own.kept.data();
    }
    T *const by_e = s.by_e.data() + begin * U, *const by_first = s.by_first.data() + begin * 4 * U, *const by_basis = s.by_basis.data() + begin * n_;
    own.by_second.resize(count * 2 * U);
    own.by_factor.resize(U);
    own.up.resize(U);

    radial_factor(layer.atom, begin, count, s, own);
    for (std::size_t i = chunk.first_atom; i < chunk.last_atom; ++i)
      for (std::size_t p = g.first[i]; p < g.first[i + 1]; ++p) {
        const std::size_t k = p - begin;
        const T *const z = kept + 3 * part + k * 2 * U, *const x = own.factor.data() + k * U;
        T* const by = own.by_second.data() + k * 2 * U;
        kernels::silu(U, x, own.up.data());
        kernels::gated_gradient(U, z, z + U, own.up.data(), s.by_h.data() + i * U, by, by + U, own.by_factor.data());
        kernels::silu_gradient(U, x, own.by_factor.data(), own.by_factor.data());
        kernels::add_products(U, n_, own.by_factor.data(), layer.atom.radial.data(), by_basis + k * n_);
      }
    network_back(layer.atom, 2 * U, count, kept + 2 * part, by_first, by_e, own);

    radial_factor(layer.pair, begin, count, s, own);
    for (std::size_t k = 0; k < count; ++k) {
      const T* const z = kept + part + k * 2 * U;
      T* const by = own.by_second.data() + k * 2 * U;
      kernels::gated_gradient(U, z, z + U, own.factor.data() + k * U, by_e + k * U, by, by + U, own.by_factor.data());
      kernels::add_products(U, n_, own.by_factor.data(), layer.pair.radial.data(), by_basis + k * n_);
    }
    network_back(layer.pair, 0, count, kept, by_first, by_e, own);
    for (std::size_t i = chunk.first_atom; i < chunk.last_atom; ++i) {
      T* const sum = s.by_projected.data() + i * 8 * U;
      std::fill(sum, sum + 4 * U, T(0));
      for (std::size_t p = g.first[i]; p < g.first[i + 1]; ++p) kernels::add_to(4 * U, s.by_first.data() + p * 4 * U, sum);
    }

    triple_inputs(t, chunk, s, own);
    own.by_triple.resize(near_count * Q);
    for (std::size_t m = 0; m < near_count; ++m) {
      T* const z = own.triple_z.data() + m * 2 * U;
      kernels::gated_gradient(U, z, z + U, nullptr, by_e + (g.near[near + m] - begin) * U, z, z + U, nullptr);
    }
    kernels::multiply(near_count, 2 * U, Q, T(1), own.triple_z.data(), 2 * U, layer.triple_back.data(), Q, false, own.by_triple.data(), Q);
    for (std::size_t i = chunk.first_atom; i < chunk.last_atom; ++i) {
      const T* const gate = s.gate[t].data() + i * Q;
      double by_gate[most_radial * most_radial] = {};
      for (std::size_t m = g.first_near[i]; m < g.first_near[i + 1]; ++m)
        for (std::size_t q = 0; q < Q; ++q) {
          const double up = own.by_triple[(m - near) * Q + q], sum = s.s[m * Q + q];
          s.by_s[m * Q + q] += up * s.envelope[m] * gate[q];
          s.by_envelope[m] += up * sum * gate[q];
          by_gate[q] += up * sum * s.envelope[m];
        }
      for (std::size_t q = 0; q < Q; ++q) s.by_gate[i * Q + q] = static_cast<T>(by_gate[q]) * gate[q] * (1 - gate[q]);
    }
    if (t > 0) return;
    // e before the first layer is silu of a map of the basis.
    own.factor.resize(count * U);
    kernels::multiply(count, n_, U, T(1), s.basis.data() + begin * n_, n_, pair_embedding_.data(), U, false, own.factor.data(), U);
    kernels::silu_gradient(count * U, own.factor.data(), by_e, by_e);
    for (std::size_t k = 0; k < count; ++k) kernels::add_products(U, n_, by_e + k * U, pair_embedding_.data(), by_basis + k * n_);
  }

  /// Adds to dE/dh of atoms what comes through the projections and gates of layer t.
  void project_back(std::size_t t, std::size_t first, std::size_t last, MatterSimScratch<T>& s) const {
    const Layer<T>& layer = layers_[t];
    const TripleGraph& g = s.graph;
    for (std::size_t j = first; j < last; ++j) {
      T* const sum = s.by_projected.data() + j * 8 * U + 4 * U;
      std::fill(sum, sum + 4 * U, T(0));
      for (std::size_t p = g.first[j]; p < g.first[j + 1]; ++p) kernels::add_to(4 * U, s.by_first.data() + g.reverse[p] * 4 * U, sum);
    }
    T* const to = s.by_h.data() + first * U;
    kernels::multiply(last - first, 8 * U, U, T(1), s.by_projected.data() + first * 8 * U, 8 * U, layer.atoms_back.data(), U, true, to, U);
    kernels::multiply(last - first, Q, U, T(1), s.by_gate.data() + first * Q, Q, layer.gate_back.data(), U, true, to, U);
  }

  /// Energies of atoms and, where asked for, dE/dh of the last layer.
  void read_out(const std::vector<int>& species, std::size_t first, std::size_t last, bool gradient, MatterSimScratch<T>& s, Thread& own) const {
    const std::size_t count = last - first;
    const T* const h = s.h.back().data() + first * U;
    std::vector<double> value[2];
    std::vector<T> z1[2], z2[2];
    own.a.resize(count * U);
    for (std::size_t k = 0; k < 2; ++k) {
      z1[k].resize(count * U);
      z2[k].resize(count * U);
      value[k].assign(count, readout_.third_bias[k]);
      for (std::size_t i = 0; i < count; ++i) {
        std::copy_n(readout_.first_bias[k].data(), U, z1[k].data() + i * U);
        std::copy_n(readout_.second_bias[k].data(), U, z2[k].data() + i * U);
      }
      kernels::multiply(count, U, U, T(1), h, U, readout_.first[k].data(), U, true, z1[k].data(), U);
      kernels::silu(count * U, z1[k].data(), own.a.data());
      kernels::multiply(count, U, U, T(1), own.a.data(), U, readout_.second[k].data(), U, true, z2[k].data(), U);
      kernels::silu(count * U, z2[k].data(), own.a.data());
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t c = 0; c < U; ++c) value[k][i] += readout_.third[k][c] * static_cast<double>(own.a[i * U + c]);
    }
    if (gradient) std::fill_n(s.by_h.data() + first * U, count * U, T(0));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t z = static_cast<std::size_t>(species[first + i]);
      double& sigma = value[1][i];
      sigma = 1 / (1 + std::exp(-sigma));
      s.energy[first + i] = scale_[z] * value[0][i] * sigma + shift_[z];
      const double by_g = scale_[z] * sigma;
      sigma = scale_[z] * value[0][i] * sigma * (1 - sigma);
      value[0][i] = by_g;
    }
    if (!gradient) return;
    own.up.resize(count * U);
    for (std::size_t k = 0; k < 2; ++k) {
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t c = 0; c < U; ++c) own.a[i * U + c] = static_cast<T>(value[k][i] * readout_.third[k][c]);
      kernels::silu_gradient(count * U, z2[k].data(), own.a.data(), own.a.data());
      kernels::multiply(count, U, U, T(1), own.a.data(), U, readout_.second_back[k].data(), U, false, own.up.data(), U);
      kernels::silu_gradient(count * U, z1[k].data(), own.up.data(), own.up.data());
      kernels::multiply(count, U, U, T(1), own.up.data(), U, readout_.first_back[k].data(), U, true, s.by_h.data() + first * U, U);
    }
  }

  /// dE/d(displacement) of an atom's pairs.
  void geometry_back(std::size_t i, MatterSimScratch<T>& s) const {
    const TripleGraph& g = s.graph;
    sum_triples_gradient(g, i, triples_, s.b, s.by_s, s.by_b, s.by_displacement);
    for (std::size_t e = g.first[i]; e < g.first[i + 1]; ++e) {
      double slope = 0;
      for (std::size_t k = 0; k < n_; ++k) slope += static_cast<double>(s.by_basis[e * n_ + k]) * s.basis_slope[e * n_ + k];
      s.by_displacement[e] += slope * g.unit[e];
    }
    for (std::size_t m = g.first_near[i]; m < g.first_near[i + 1]; ++m) {
      double slope = s.by_envelope[m] * s.envelope_slope[m];
      for (std::size_t q = 0; q < Q; ++q) slope += s.by_b[m * Q + q] * s.b_slope[m * Q + q];
      s.by_displacement[g.near[m]] += slope * g.unit[g.near[m]];
    }
  }

  double cutoff_, near_cutoff_;
  std::size_t kept_bytes_;
  std::size_t U;  ///< channels
  RadialFunctions radial_;
  std::size_t n_, Q;  ///< radial functions of pairs; of triples
  TripleFunctions triples_;
  std::vector<T> embedding_, pair_embedding_;
  std::vector<double> scale_, shift_;
  std::vector<Layer<T>> layers_;
  Readout<T> readout_;
};

}  // namespace

MatterSim::MatterSim(const PublishedModel& model, const NetworkSettings& settings, std::size_t kept_bytes) : NetworkPotential(model, settings) {
  const auto* architecture = std::get_if<MatterSimModel>(&model.architecture);
  if (!architecture) throw Error(ErrorKind::usage, "the model is not of the MatterSim family");
  choose_head({}, settings, "head");
  if (precision() == Dtype::f32) network_ = std::make_unique<NetworkOf<float>>(model, *architecture, kept_bytes);
  else network_ = std::make_unique<NetworkOf<double>>(model, *architecture, kept_bytes);
}

MatterSim::Features MatterSim::features(const Workspace& workspace) {
  const auto* scratch = dynamic_cast<const FeatureScratch*>(workspace.scratch.get());
  if (!scratch) throw Error(ErrorKind::internal, "MatterSim: nothing was evaluated with this workspace");
  return scratch->features();
}

}  // namespace saltus
