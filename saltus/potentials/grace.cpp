#include "saltus/potentials/grace.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/angular.hpp"
#include "saltus/kernels/matrix_product.hpp"
#include "saltus/kernels/radial.hpp"
#include "saltus/potentials/pair_slopes.hpp"

namespace saltus {

namespace {

constexpr std::size_t chunk = 16;       // atoms of one element that are handled together
constexpr double table_step_ang = 5e-4;

/// Radial functions at a distance with slopes, [n][l] as the network has them.
void radial_functions(const GraceModel& model, const GraceLayer& layer, double r, std::vector<double>& value, std::vector<double>& slope) {
  const double x = 1 - 2 * std::abs(1 - r / model.cutoff_ang), dx = 2 / model.cutoff_ang;
  const kernels::Jet end = kernels::polynomial_cutoff(r, model.cutoff_ang, model.cutoff_order);
  std::vector<double> in(model.basis), d_in(model.basis), out, d_out;
  double t0 = 1, t1 = x, d0 = 0, d1 = 1;
  for (std::size_t n = 0; n < model.basis; ++n) {
    in[n] = t1 * end.value;
    d_in[n] = d1 * dx * end.value + t1 * end.first;
    const double t2 = 2 * x * t1 - t0, d2 = 2 * t1 + 2 * x * d1 - d0;
    t0 = t1;
    t1 = t2;
    d0 = d1;
    d1 = d2;
  }
  for (std::size_t k = 0; k < layer.radial.size(); ++k) {
    const GraceDense& dense = layer.radial[k];
    out.assign(dense.out, 0.0);
    d_out.assign(dense.out, 0.0);
    for (std::size_t i = 0; i < dense.in; ++i)
      for (std::size_t o = 0; o < dense.out; ++o) {
        out[o] += in[i] * dense.weight[i * dense.out + o];
        d_out[o] += d_in[i] * dense.weight[i * dense.out + o];
      }
    if (k + 1 < layer.radial.size())
      for (std::size_t o = 0; o < dense.out; ++o) {
        const double s = 1 / (1 + std::exp(-out[o]));
        d_out[o] *= s + out[o] * s * (1 - s);
        out[o] *= s;
      }
    std::swap(in, out);
    std::swap(d_in, d_out);
  }
  value = in;
  slope = d_in;
}

/// What the neighbours of one atom are, for both directions of a pass.
struct Edge {
  std::uint32_t pair = 0;
  double r = 0;
};

struct ThreadBuffers {
  std::vector<std::vector<double>> value, adjoint;  // [tensors] of [functions][atoms][channels]
  std::vector<Edge> edge;
  std::vector<double> radial, slope, harmonic, tangent;  // of the edges
  std::vector<double> density, gradient, dressed, dressed_slope, contracted;
};

struct GraceScratch final : Scratch {
  tbb::enumerable_thread_specific<ThreadBuffers> thread;
  std::vector<int> species;
  std::vector<std::vector<std::uint32_t>> centres;
  struct Group {
    int species;
    std::size_t begin, end;
  };
  std::vector<Group> groups;
  std::vector<double> atom_energy, message, message_adjoint, read, read_adjoint, message_gradient;
  std::vector<Vec3> gradient;
};

}  // namespace

struct Grace::Run {
  const Grace& grace;
  const NeighborList& list;
  GraceScratch& scratch;
  bool gradient;

  const GraceModel& model() const { return grace.model_; }

  /// Radial functions, harmonics and their slopes of the neighbours of an atom, appended to the buffers from edge `first` on.
  void gather(std::size_t layer, std::uint32_t atom, ThreadBuffers& own) const {
    const kernels::DensityLayout& layout = grace.layer_[layer].layout;
    const std::size_t U = layout.radial, H = layout.count.size() * layout.count.size();
    own.edge.clear();
    for (std::uint32_t p = list.first[atom]; p < list.first[atom + 1]; ++p)
      if (const double r = norm(list.displacement_ang[p]); r < model().cutoff_ang) own.edge.push_back({p, r});
    const std::size_t count = own.edge.size();
    if (own.radial.size() < count * U) own.radial.resize(count * U), own.slope.resize(count * U);
    if (own.harmonic.size() < count * H) own.harmonic.resize(count * H), own.tangent.resize(2 * count * H);
    for (std::size_t e = 0; e < count; ++e) {
      const Vec3& d = list.displacement_ang[own.edge[e].pair];
      const double r = own.edge[e].r, x = r / grace.step_ang_, unit[3] = {d.y / r, d.z / r, d.x / r};  // e3nn's axes are the usual ones turned
      const std::size_t k = std::min(static_cast<std::size_t>(x), grace.last_ - 1);
      const double* const knot = grace.layer_[layer].knot.data();
      kernels::interpolate_radial(U, knot + k * 2 * U, knot + (k + 1) * 2 * U, x - static_cast<double>(k), grace.step_ang_, own.radial.data() + e * U, own.slope.data() + e * U);
      double tangent[2][3];
      kernels::tangents_of(unit, tangent);
      kernels::e3nn_harmonics(layout.l_max(), unit, tangent, std::span(own.harmonic.data() + e * H, H), std::span(own.tangent.data() + 2 * e * H, 2 * H));
    }
  }

  std::size_t neighbor_species(const Edge& edge) const { return static_cast<std::size_t>(scratch.species[list.neighbor[edge.pair]]); }

  void resize(std::vector<std::vector<double>>& buffers, std::size_t tensor, std::size_t atoms) const {
    buffers.resize(model().tensors.size());
    const GraceTensor& t = model().tensors[tensor];
    buffers[tensor].assign(t.functions * atoms * t.channels, 0.0);
  }

  /// Moves between the layout of densities and a tensor.
  void scatter(std::size_t layer, const double* from, std::size_t tensor, std::size_t c, std::size_t atoms, ThreadBuffers& own) const {
    const kernels::DensityLayout& layout = grace.layer_[layer].layout;
    const std::size_t n = model().tensors[tensor].channels;
    for (std::size_t l = 0, f = 0; l < layout.count.size(); ++l)
      for (std::size_t m = 0; m <= 2 * l; ++m, ++f) std::copy_n(from + layout.offset[l] + m * layout.padded[l], n, own.value[tensor].data() + (f * atoms + c) * n);
  }
  void collect(std::size_t layer, std::size_t tensor, std::size_t c, std::size_t atoms, const ThreadBuffers& own, double* to) const {
    const kernels::DensityLayout& layout = grace.layer_[layer].layout;
    const std::size_t n = model().tensors[tensor].channels;
    std::fill_n(to, layout.features, 0.0);
    for (std::size_t l = 0, f = 0; l < layout.count.size(); ++l)
      for (std::size_t m = 0; m <= 2 * l; ++m, ++f) std::copy_n(own.adjoint[tensor].data() + (f * atoms + c) * n, n, to + layout.offset[l] + m * layout.padded[l]);
  }

  /// Radial functions of an edge times the factor of the neighbour's element.
  void with_element(std::size_t layer, std::size_t e, ThreadBuffers& own) const {
    const std::size_t U = grace.layer_[layer].layout.radial;
    const double* const factor = grace.layer_[layer].factor.data() + neighbor_species(own.edge[e]) * U;
    own.dressed.resize(U);
    own.dressed_slope.resize(U);
    for (std::size_t u = 0; u < U; ++u) {
      own.dressed[u] = own.radial[e * U + u] * factor[u];
      own.dressed_slope[u] = own.slope[e * U + u] * factor[u];
    }
  }
  /// … times the channels of function q of what the neighbour sends.
  void with_message(std::size_t e, std::size_t q, ThreadBuffers& own) const {
    const kernels::DensityLayout& layout = grace.layer_[1].layout;
    const std::size_t U = layout.radial, n = model().layers[1].channels, Q = model().tensors[model().message].functions;
    const double* const sent = scratch.message.data() + (list.neighbor[own.edge[e].pair] * Q + q) * n;
    own.dressed.assign(U, 0.0);
    own.dressed_slope.assign(U, 0.0);
    for (const std::size_t offset : layout.radial_offset)
      for (std::size_t k = 0; k < n; ++k) {
        own.dressed[offset + k] = own.radial[e * U + offset + k] * sent[k];
        own.dressed_slope[offset + k] = own.slope[e * U + offset + k] * sent[k];
      }
  }

  void densities(std::size_t layer, std::span<const std::uint32_t> atom, ThreadBuffers& own) const {
    const kernels::DensityLayout& layout = grace.layer_[layer].layout;
    const std::size_t H = layout.count.size() * layout.count.size(), atoms = atom.size(), tensor = model().layers[layer].density;
    resize(own.value, tensor, atoms);
    const std::size_t Q = layer == 1 ? model().tensors[model().message].functions : 0;
    if (layer == 1) resize(own.value, model().coupled, atoms);
    for (std::size_t c = 0; c < atoms; ++c) {
      gather(layer, atom[c], own);
      own.density.assign((Q + 1) * layout.features, 0.0);
      for (std::size_t e = 0; e < own.edge.size(); ++e) {
        with_element(layer, e, own);
        kernels::add_density(layout, own.dressed.data(), own.harmonic.data() + e * H, own.density.data());
        for (std::size_t q = 0; q < Q; ++q) {
          with_message(e, q, own);
          kernels::add_density(layout, own.dressed.data(), own.harmonic.data() + e * H, own.density.data() + (q + 1) * layout.features);
        }
      }
      scatter(layer, own.density.data(), tensor, c, atoms, own);
      if (layer == 0) continue;
      const std::size_t n = model().layers[1].channels;
      for (const GraceTerm& term : model().coupling) {
        const double* const from = own.density.data() + (term.right + 1) * layout.features + row(layout, term.left);
        double* const to = own.value[model().coupled].data() + (term.out * atoms + c) * n;
        const double factor = term.coefficient * model().coupled_factor;
        for (std::size_t k = 0; k < n; ++k) to[k] += factor * from[k];
      }
    }
  }

  /// Offset of a harmonic l² + l + m in a layout of densities.
  static std::size_t row(const kernels::DensityLayout& layout, std::size_t harmonic) {
    const auto l = static_cast<std::size_t>(std::sqrt(static_cast<double>(harmonic) + 0.5));
    return layout.offset[l] + (harmonic - l * l) * layout.padded[l];
  }

  void forward(std::size_t layer, int species, std::size_t atoms, ThreadBuffers& own) const {
    for (const GraceStep& step : model().layers[layer].steps) {
      resize(own.value, step.out, atoms);
      double* const out = own.value[step.out].data();
      const std::size_t channels = model().tensors[step.out].channels;
      if (step.kind == GraceKind::linear) {
        for (const GraceLinear& map : step.linear) {
          const double* const matrices = map.matrices.data() + (map.by_species ? static_cast<std::size_t>(species) * map.count * map.in * map.out : 0);
          for (const GraceRun& run : map.runs)
            kernels::multiply(run.length * atoms, map.in, map.out, 1.0, own.value[map.input].data() + run.from * atoms * map.in, map.in, matrices + run.matrix * map.in * map.out,
                              map.out, true, out + run.to * atoms * channels, channels);
        }
      } else if (step.kind == GraceKind::product) {
        const std::size_t width = atoms * channels;
        for (const GraceTerm& term : step.terms)
          kernels::add_product(width, term.coefficient, own.value[step.left].data() + term.left * width, own.value[step.right].data() + term.right * width, out + term.out * width);
      } else {
        for (std::size_t c = 0; c < atoms; ++c) {
          const double* const x = own.value[step.input].data() + c * channels;
          double* const y = out + c * channels;
          const std::size_t first = step.keeps_first ? 1 : 0;
          double square = 0;
          for (std::size_t k = first; k < channels; ++k) square += x[k] * x[k];
          const double inverse = 1 / std::sqrt(square / static_cast<double>(channels - first) + 1e-10);
          if (first) y[0] = x[0];
          for (std::size_t k = first; k < channels; ++k) y[k] = x[k] * inverse * step.scale[k - first];
        }
      }
    }
  }

  /// From the adjoints of what is read of the layer to that of its densities.
  void backward(std::size_t layer, int species, std::size_t atoms, ThreadBuffers& own) const {
    const auto& steps = model().layers[layer].steps;
    for (std::size_t s = steps.size(); s-- > 0;) {
      const GraceStep& step = steps[s];
      const double* const out = own.adjoint[step.out].data();
      const std::size_t channels = model().tensors[step.out].channels;
      if (step.kind == GraceKind::linear) {
        for (const GraceLinear& map : step.linear) {
          const std::vector<double>& transposed = grace.transposed_[index_of(map)];
          const double* const matrices = transposed.data() + (map.by_species ? static_cast<std::size_t>(species) * map.count * map.in * map.out : 0);
          for (const GraceRun& run : map.runs)
            kernels::multiply(run.length * atoms, map.out, map.in, 1.0, out + run.to * atoms * channels, channels, matrices + run.matrix * map.in * map.out, map.in, true,
                              own.adjoint[map.input].data() + run.from * atoms * map.in, map.in);
        }
      } else if (step.kind == GraceKind::product) {
        const std::size_t width = atoms * channels;
        for (const GraceTerm& term : step.terms) {
          const double* const g = out + term.out * width;
          kernels::add_product(width, term.coefficient, g, own.value[step.right].data() + term.right * width, own.adjoint[step.left].data() + term.left * width);
          kernels::add_product(width, term.coefficient, g, own.value[step.left].data() + term.left * width, own.adjoint[step.right].data() + term.right * width);
        }
      } else {
        for (std::size_t c = 0; c < atoms; ++c) {
          const double* const x = own.value[step.input].data() + c * channels;
          const double* const g = out + c * channels;
          double* const d = own.adjoint[step.input].data() + c * channels;
          const std::size_t first = step.keeps_first ? 1 : 0;
          const double count = static_cast<double>(channels - first);
          double square = 0, along = 0;
          for (std::size_t k = first; k < channels; ++k) {
            square += x[k] * x[k];
            along += g[k] * step.scale[k - first] * x[k];
          }
          const double inverse = 1 / std::sqrt(square / count + 1e-10), curve = along * inverse * inverse * inverse / count;
          if (first) d[0] += g[0];
          for (std::size_t k = first; k < channels; ++k) d[k] += inverse * step.scale[k - first] * g[k] - curve * x[k];
        }
      }
    }
  }

  std::size_t index_of(const GraceLinear& map) const {
    std::size_t index = 0;
    for (const GraceLayer& layer : model().layers)
      for (const GraceStep& step : layer.steps)
        for (const GraceLinear& other : step.linear) {
          if (&other == &map) return index;
          ++index;
        }
    return index;
  }

  void clear_adjoints(std::size_t layer, std::size_t atoms, ThreadBuffers& own) const {
    resize(own.adjoint, model().layers[layer].density, atoms);
    if (layer == 1) resize(own.adjoint, model().coupled, atoms);
    for (const GraceStep& step : model().layers[layer].steps) resize(own.adjoint, step.out, atoms);
  }

  /// Energy of one atom from what is read out of the layers, and the slopes of it.
  double read_out(const double* x, double* slope) const {
    const std::size_t channels = model().tensors[model().readout[0]].channels;
    std::vector<std::vector<double>> layer{std::vector<double>(x + 1, x + channels)};
    for (std::size_t k = 0; k < model().network.size(); ++k) {
      const GraceDense& dense = model().network[k];
      std::vector<double> out(dense.out, 0.0);
      for (std::size_t i = 0; i < dense.in; ++i) {
        double v = layer.back()[i];
        if (k > 0) v = model().tanh_network ? std::tanh(v) : v / (1 + std::exp(-v));
        for (std::size_t o = 0; o < dense.out; ++o) out[o] += v * dense.weight[i * dense.out + o];
      }
      layer.push_back(std::move(out));
    }
    std::vector<double> back{model().energy_scale};
    for (std::size_t k = model().network.size(); k-- > 0;) {
      const GraceDense& dense = model().network[k];
      std::vector<double> in(dense.in, 0.0);
      for (std::size_t i = 0; i < dense.in; ++i) {
        for (std::size_t o = 0; o < dense.out; ++o) in[i] += back[o] * dense.weight[i * dense.out + o];
        if (k == 0) continue;
        const double v = layer[k][i];
        if (model().tanh_network) {
          const double t = std::tanh(v);
          in[i] *= 1 - t * t;
        } else {
          const double s = 1 / (1 + std::exp(-v));
          in[i] *= s * (1 + v * (1 - s));
        }
      }
      back = std::move(in);
    }
    slope[0] = model().energy_scale;
    std::copy(back.begin(), back.end(), slope + 1);
    return model().energy_scale * (layer.back()[0] + x[0]);
  }

  /// Slopes of the bonds of an atom from the adjoint of its densities (and of those that are coupled).
  void bond_gradients(std::size_t layer, std::uint32_t atom, ThreadBuffers& own) const {
    const kernels::DensityLayout& layout = grace.layer_[layer].layout;
    const std::size_t H = layout.count.size() * layout.count.size(), Q = layer == 1 ? model().tensors[model().message].functions : 0;
    gather(layer, atom, own);
    for (std::size_t e = 0; e < own.edge.size(); ++e) {
      with_element(layer, e, own);
      const double* const Y = own.harmonic.data() + e * H;
      const double* const tangents = own.tangent.data() + 2 * e * H;
      kernels::DensityGradient g = kernels::density_gradient(layout, own.gradient.data(), own.dressed.data(), own.dressed_slope.data(), Y, tangents);
      for (std::size_t q = 0; q < Q; ++q) {
        with_message(e, q, own);
        const kernels::DensityGradient more =
            kernels::density_gradient(layout, scratch.message_gradient.data() + (atom * Q + q) * layout.features, own.dressed.data(), own.dressed_slope.data(), Y, tangents);
        g.along += more.along;
        g.across[0] += more.across[0];
        g.across[1] += more.across[1];
      }
      const std::uint32_t p = own.edge[e].pair;
      const Vec3& d = list.displacement_ang[p];
      const double r = own.edge[e].r, unit[3] = {d.y / r, d.z / r, d.x / r}, w0 = g.across[0] / r, w1 = g.across[1] / r;
      double tangent[2][3];
      kernels::tangents_of(unit, tangent);
      scratch.gradient[p] += Vec3{g.along * unit[2] + w0 * tangent[0][2] + w1 * tangent[1][2], g.along * unit[0] + w0 * tangent[0][0] + w1 * tangent[1][0],
                                  g.along * unit[1] + w0 * tangent[0][1] + w1 * tangent[1][1]};
    }
  }

  void for_groups(const auto& work) const {
    parallel_chunks(scratch.groups.size(), 1, [&](std::size_t first, std::size_t last) {
      ThreadBuffers& own = scratch.thread.local();
      for (std::size_t g = first; g < last; ++g) {
        const auto& group = scratch.groups[g];
        work(group.species, std::span(scratch.centres[static_cast<std::size_t>(group.species)]).subspan(group.begin, group.end - group.begin), own);
      }
    });
  }

  void finish_atoms(int species, std::span<const std::uint32_t> atom, std::size_t last_layer, ThreadBuffers& own) const {
    const std::size_t channels = model().tensors[model().readout[0]].channels;
    std::vector<double> x(channels), slope(channels);
    const std::vector<double>& read = own.value[model().readout[last_layer]];
    if (gradient) clear_adjoints(last_layer, atom.size(), own);
    for (std::size_t c = 0; c < atom.size(); ++c) {
      for (std::size_t k = 0; k < channels; ++k) x[k] = read[c * channels + k] + (last_layer == 1 ? scratch.read[atom[c] * channels + k] : 0);
      scratch.atom_energy[atom[c]] = read_out(x.data(), slope.data()) + model().energy_shift_ev[static_cast<std::size_t>(species)];
      if (!gradient) continue;
      std::copy(slope.begin(), slope.end(), own.adjoint[model().readout[last_layer]].begin() + static_cast<std::ptrdiff_t>(c * channels));
      if (last_layer == 1) std::copy(slope.begin(), slope.end(), scratch.read_adjoint.begin() + static_cast<std::ptrdiff_t>(atom[c] * channels));
    }
  }

  void one_layer() const {
    for_groups([&](int species, std::span<const std::uint32_t> atom, ThreadBuffers& own) {
      densities(0, atom, own);
      forward(0, species, atom.size(), own);
      finish_atoms(species, atom, 0, own);
      if (!gradient) return;
      backward(0, species, atom.size(), own);
      own.gradient.resize(grace.layer_[0].layout.features);
      for (std::size_t c = 0; c < atom.size(); ++c) {
        collect(0, model().layers[0].density, c, atom.size(), own, own.gradient.data());
        bond_gradients(0, atom[c], own);
      }
    });
  }

  void two_layers(std::size_t atoms) const {
    const GraceTensor& message = model().tensors[model().message];
    const std::size_t Q = message.functions, n = message.channels, channels = model().tensors[model().readout[0]].channels, features = grace.layer_[1].layout.features;
    scratch.message.resize(atoms * Q * n);
    scratch.read.resize(atoms * channels);
    for_groups([&](int species, std::span<const std::uint32_t> atom, ThreadBuffers& own) {
      densities(0, atom, own);
      forward(0, species, atom.size(), own);
      for (std::size_t c = 0; c < atom.size(); ++c) {
        for (std::size_t q = 0; q < Q; ++q)
          std::copy_n(own.value[model().message].data() + (q * atom.size() + c) * n, n, scratch.message.data() + (atom[c] * Q + q) * n);
        std::copy_n(own.value[model().readout[0]].data() + c * channels, channels, scratch.read.data() + atom[c] * channels);
      }
    });
    if (gradient) {
      scratch.read_adjoint.assign(atoms * channels, 0.0);
      scratch.message_gradient.assign(atoms * Q * features, 0.0);
      scratch.message_adjoint.assign(atoms * Q * n, 0.0);
    }
    for_groups([&](int species, std::span<const std::uint32_t> atom, ThreadBuffers& own) {
      densities(1, atom, own);
      forward(1, species, atom.size(), own);
      finish_atoms(species, atom, 1, own);
      if (!gradient) return;
      backward(1, species, atom.size(), own);
      const kernels::DensityLayout& layout = grace.layer_[1].layout;
      own.gradient.resize(features);
      for (std::size_t c = 0; c < atom.size(); ++c) {
        double* const to = scratch.message_gradient.data() + atom[c] * Q * features;
        for (const GraceTerm& term : model().coupling) {
          const double* const from = own.adjoint[model().coupled].data() + (term.out * atom.size() + c) * n;
          double* const row_of = to + term.right * features + row(layout, term.left);
          const double factor = term.coefficient * model().coupled_factor;
          for (std::size_t k = 0; k < n; ++k) row_of[k] += factor * from[k];
        }
        collect(1, model().layers[1].density, c, atom.size(), own, own.gradient.data());
        bond_gradients(1, atom[c], own);
      }
    });
    if (!gradient) return;
    // What an atom sent to its neighbours: harmonics seen from them have the sign (−1)^l.
    for_groups([&](int, std::span<const std::uint32_t> atom, ThreadBuffers& own) {
      const kernels::DensityLayout& layout = grace.layer_[1].layout;
      const std::size_t U = layout.radial, H = layout.count.size() * layout.count.size();
      own.contracted.resize(U);
      for (const std::uint32_t j : atom) {
        gather(1, j, own);
        double* const to = scratch.message_adjoint.data() + j * Q * n;
        for (std::size_t e = 0; e < own.edge.size(); ++e) {
          const std::size_t i = list.neighbor[own.edge[e].pair];
          for (std::size_t q = 0; q < Q; ++q) {
            kernels::contract_harmonics(layout, scratch.message_gradient.data() + (i * Q + q) * features, own.harmonic.data() + e * H, own.contracted.data());
            for (std::size_t l = 0; l < layout.count.size(); ++l) {
              const double sign = l % 2 ? -1 : 1;
              const std::size_t at = layout.radial_offset[l];
              for (std::size_t k = 0; k < n; ++k) to[q * n + k] += sign * own.contracted[at + k] * own.radial[e * U + at + k];
            }
          }
        }
      }
    });
    for_groups([&](int species, std::span<const std::uint32_t> atom, ThreadBuffers& own) {
      densities(0, atom, own);
      forward(0, species, atom.size(), own);
      clear_adjoints(0, atom.size(), own);
      for (std::size_t c = 0; c < atom.size(); ++c) {
        for (std::size_t q = 0; q < Q; ++q)
          std::copy_n(scratch.message_adjoint.data() + (atom[c] * Q + q) * n, n, own.adjoint[model().message].data() + (q * atom.size() + c) * n);
        std::copy_n(scratch.read_adjoint.data() + atom[c] * channels, channels, own.adjoint[model().readout[0]].data() + c * channels);
      }
      backward(0, species, atom.size(), own);
      own.gradient.resize(grace.layer_[0].layout.features);
      for (std::size_t c = 0; c < atom.size(); ++c) {
        collect(0, model().layers[0].density, c, atom.size(), own, own.gradient.data());
        bond_gradients(0, atom[c], own);
      }
    });
  }
};

Grace::Grace(GraceModel model) : model_(std::move(model)) {
  last_ = static_cast<std::size_t>(std::ceil(model_.cutoff_ang / table_step_ang));
  step_ang_ = model_.cutoff_ang / static_cast<double>(last_);
  const auto l_count = static_cast<std::size_t>(model_.l_max + 1);
  for (const GraceLayer& from : model_.layers) {
    Layer layer;
    layer.layout = kernels::make_density_layout(std::vector<int>(l_count, static_cast<int>(from.channels)));
    const std::size_t U = layer.layout.radial;
    constexpr std::size_t most_table_bytes = std::size_t{1} << 32;
    if ((last_ + 1) * 2 * U > most_table_bytes / sizeof(double)) throw Error(ErrorKind::unsupported, "tables of the radial functions would take more than 4 GiB");
    layer.knot.assign((last_ + 1) * 2 * U, 0.0);
    parallel_chunks(last_ + 1, 64, [&](std::size_t first, std::size_t last) {
      std::vector<double> value, slope;
      for (std::size_t knot = first; knot < last; ++knot) {
        radial_functions(model_, from, step_ang_ * static_cast<double>(knot), value, slope);
        double* const own = layer.knot.data() + knot * 2 * U;
        for (std::size_t l = 0; l < l_count; ++l)
          for (std::size_t n = 0; n < from.channels; ++n) {
            own[layer.layout.radial_offset[l] + n] = value[n * l_count + l];
            own[U + layer.layout.radial_offset[l] + n] = step_ang_ * slope[n * l_count + l];
          }
      }
    });
    const std::size_t species = model_.atomic_number.size();
    layer.factor.assign(species * U, 0.0);
    for (std::size_t s = 0; s < species; ++s)
      for (const std::size_t offset : layer.layout.radial_offset)
        for (std::size_t n = 0; n < from.channels; ++n) layer.factor[s * U + offset + n] = from.element_factor[s * from.channels + n];
    layer_.push_back(std::move(layer));
    for (const GraceStep& step : from.steps)
      for (const GraceLinear& map : step.linear) {
        std::vector<double> transposed(map.matrices.size());
        for (std::size_t m = 0; m < map.matrices.size() / (map.in * map.out); ++m)
          for (std::size_t i = 0; i < map.in; ++i)
            for (std::size_t o = 0; o < map.out; ++o) transposed[(m * map.out + o) * map.in + i] = map.matrices[(m * map.in + i) * map.out + o];
        transposed_.push_back(std::move(transposed));
      }
  }
  info_.kind = model_.layers.size() == 1 ? "grace_1layer" : "grace_2layer";
  info_.elements = model_.atomic_number;
  std::sort(info_.elements.begin(), info_.elements.end());
}

void Grace::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  const std::size_t n = batch.atoms->size();
  if (batch.position_ang.size() != n * batch.count() || results.size() != batch.count()) throw Error(ErrorKind::internal, "GRACE: the batch does not fit its atoms");
  if (!dynamic_cast<GraceScratch*>(workspace.scratch.get())) workspace.scratch = std::make_unique<GraceScratch>();
  workspace.lists.resize(batch.count());
  for (std::size_t b = 0; b < batch.count(); ++b) {
    VerletList& list = workspace.lists[b];
    list.update(batch.cell[b], batch.position_ang.subspan(b * n, n), model_.cutoff_ang, workspace.skin_ang);
    evaluate_configuration(*batch.atoms, list.list(), want, *workspace.scratch, results[b]);
  }
}

void Grace::evaluate_configuration(const Atoms& atoms, const NeighborList& list, Want want, Scratch& any_scratch, Evaluation& result) const {
  auto& scratch = static_cast<GraceScratch&>(any_scratch);
  const std::size_t n = atoms.size();
  const bool gradient = want.forces || want.virial;
  scratch.species.resize(n);
  scratch.centres.assign(model_.atomic_number.size(), {});
  for (std::size_t i = 0; i < n; ++i) {
    const auto found = std::find(model_.atomic_number.begin(), model_.atomic_number.end(), atoms.atomic_number[i]);
    if (found == model_.atomic_number.end()) throw Error(ErrorKind::unsupported, fmt::format("the GRACE model does not know the element {}", symbol_of(atoms.atomic_number[i])));
    scratch.species[i] = static_cast<int>(found - model_.atomic_number.begin());
    scratch.centres[static_cast<std::size_t>(scratch.species[i])].push_back(static_cast<std::uint32_t>(i));
  }
  scratch.groups.clear();
  for (std::size_t s = 0; s < scratch.centres.size(); ++s)
    for (std::size_t k = 0; k < scratch.centres[s].size(); k += chunk) scratch.groups.push_back({static_cast<int>(s), k, std::min(k + chunk, scratch.centres[s].size())});
  scratch.atom_energy.resize(n);
  if (gradient) scratch.gradient.assign(list.pairs(), Vec3{});
  const Run run{*this, list, scratch, gradient};
  if (model_.layers.size() == 1) run.one_layer();
  else run.two_layers(n);

  set_from_pairs(list, scratch.atom_energy, scratch.gradient, want, result);
  result.extrapolation.clear();
}

}  // namespace saltus
