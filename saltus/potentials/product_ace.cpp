#include "saltus/potentials/product_ace.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <set>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/angular.hpp"
#include "saltus/kernels/density_radial.hpp"
#include "saltus/potentials/pair_slopes.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_rank = 8, most_products = 20'000'000;
constexpr std::uint32_t no_factor = 0xffffffff;
using Key = std::array<std::uint32_t, most_rank>;  // factors in ascending order, then no_factor

/// Which radial function is which row of a layout: of products (n, l), and of single densities g_n.
struct RadialIndex {
  std::map<std::array<int, 3>, int> row;  // {l, whether it is g, n} → row among those of l
};

RadialIndex index_radial(const ProductModel& model) {
  RadialIndex index;
  for (const ProductFunction& f : model.function)
    for (std::size_t t = 0; t < f.l.size(); ++t) index.row[{f.l[t], f.l.size() == 1 && !f.species.empty() ? 1 : 0, f.n[t]}] = 0;
  std::map<int, int> next;
  for (auto& [key, row] : index.row) row = next[key[0]]++;
  return index;
}

struct Monomial {
  Key key;
  std::uint32_t coefficient;  // row of a pool
};

/// Products of complex densities as real parts of products of real ones: A_m = (−1)^m (a_m + i a_−m)/√2, A_−m = (a_m − i a_−m)/√2.
void add_monomials(const ProductModel& model, const ProductFunction& f, const kernels::DensityLayout& layout, const RadialIndex& index,
                   std::vector<Monomial>& monomial, std::vector<double>& pool) {
  const std::size_t rank = f.l.size(), products = f.m.size() / rank, P = static_cast<std::size_t>(model.densities);
  const bool single = rank == 1 && !f.species.empty();
  struct Partial {
    Key key;
    std::complex<double> c;
  };
  std::vector<Partial> all, next;
  for (std::size_t k = 0; k < products; ++k) {
    Key none;
    none.fill(no_factor);
    all.assign(1, {none, 1.0});
    for (std::size_t t = 0; t < rank; ++t) {
      const int m = f.m[k * rank + t], l = f.l[t];
      const std::size_t channel = f.species.empty() ? 0 : static_cast<std::size_t>(f.species[t]);
      const int row = index.row.at({l, single ? 1 : 0, f.n[t]});
      const auto feature = [&](int component) { return static_cast<std::uint32_t>(channel * layout.features + layout.index(l, component, row)); };
      next.clear();
      for (Partial& partial : all) {
        if (model.real_harmonics || m == 0) {
          partial.key[t] = feature(m);
          next.push_back(partial);
          continue;
        }
        const int a = std::abs(m);
        const double half = std::sqrt(0.5) * (m > 0 && a % 2 ? -1 : 1);
        Partial other = partial;
        partial.key[t] = feature(a);
        partial.c *= half;
        other.key[t] = feature(-a);
        other.c *= std::complex<double>(0, m > 0 ? half : -half);
        next.push_back(partial);
        next.push_back(other);
      }
      std::swap(all, next);
    }
    for (Partial& partial : all) {
      if (std::abs(partial.c.real()) < 1e-9) continue;  // what is not zero is at least 2^(−rank/2)
      if (monomial.size() >= most_products) throw Error(ErrorKind::unsupported, fmt::format("more than {} products of densities", most_products));
      std::sort(partial.key.begin(), partial.key.begin() + static_cast<std::ptrdiff_t>(rank));
      monomial.push_back({partial.key, static_cast<std::uint32_t>(pool.size() / P)});
      for (std::size_t p = 0; p < P; ++p) pool.push_back(partial.c.real() * f.coefficient[k * P + p]);
    }
  }
}

kernels::ProductTree make_tree(std::vector<Monomial>& monomial, const std::vector<double>& pool, std::size_t densities) {
  std::sort(monomial.begin(), monomial.end(), [](const Monomial& a, const Monomial& b) { return a.key != b.key ? a.key < b.key : a.coefficient < b.coefficient; });
  kernels::ProductTree tree;
  tree.densities = densities;
  tree.parent.push_back(0);
  tree.factor.push_back(0);
  std::vector<std::uint32_t> path{0};  // nodes of the last product's beginnings
  Key last;
  last.fill(no_factor);
  for (std::size_t k = 0; k < monomial.size();) {
    const Key& key = monomial[k].key;
    std::vector<double> sum(densities, 0.0), size(densities, 0.0);
    std::size_t end = k;
    for (; end < monomial.size() && monomial[end].key == key; ++end)
      for (std::size_t p = 0; p < densities; ++p) {
        const double c = pool[monomial[end].coefficient * densities + p];
        sum[p] += c;
        size[p] += std::abs(c);
      }
    bool counts = false;
    for (std::size_t p = 0; p < densities; ++p) {
      if (std::abs(sum[p]) <= 1e-13 * size[p]) sum[p] = 0;  // they cancel
      counts = counts || sum[p] != 0;
    }
    if (counts) {
      std::size_t rank = 0, same = 0;
      while (rank < most_rank && key[rank] != no_factor) ++rank;
      while (same < rank && same + 1 < path.size() && key[same] == last[same]) ++same;
      path.resize(same + 1);
      for (std::size_t t = same; t < rank; ++t) {
        tree.parent.push_back(path.back());
        tree.factor.push_back(key[t]);
        path.push_back(static_cast<std::uint32_t>(tree.parent.size() - 1));
      }
      tree.term.push_back(path.back());
      tree.coefficient.insert(tree.coefficient.end(), sum.begin(), sum.end());
      last = key;
    }
    k = end;
  }
  return tree;
}

kernels::DensityRadialKind kernel_kind(RadialKind kind) {
  switch (kind) {
    case RadialKind::chebyshev_exponential: return kernels::DensityRadialKind::chebyshev_exponential;
    case RadialKind::chebyshev_power: return kernels::DensityRadialKind::chebyshev_power;
    case RadialKind::chebyshev_linear: return kernels::DensityRadialKind::chebyshev_linear;
    default: return kernels::DensityRadialKind::simplified_bessel;
  }
}

struct Embedded {
  double energy = 0, slope = 0;
};

Embedded embed(bool shifted_scaled, double exponent, double density) {
  if (shifted_scaled && std::abs(exponent - 1) < 1e-10) return {density, 1};
  const double a = std::abs(density), sign = std::signbit(density) ? -1 : 1;
  if (shifted_scaled) {
    const double n = 1 / exponent, fade = std::exp(-a), x = std::pow(n, n / (1 - n)) * fade, y = std::pow(n, 1 / (1 - n)) * fade;
    return {sign * (std::pow(x + a, exponent) - y), y + exponent * (1 - x) * std::pow(x + a, exponent - 1)};
  }
  constexpr double w = 1e6;
  const double linear = std::pow(w, 1 - exponent);
  if (a <= 1e-10) return {linear * density, linear};
  const double cube = std::pow(w * a, 3), g = cube > 30 ? 0 : std::exp(-cube), power = std::pow(a, exponent), dg = -3 * w * w * w * a * a * g;
  return {sign * ((1 - g) * power + linear * g * a), exponent * power / a * (1 - g) - power * dg + linear * dg * a + linear * g};
}

struct ThreadBuffers {
  std::vector<double> density, gradient;              // [lanes][channels·features]
  std::vector<double> lanes_density, lanes_gradient;  // [channels·features][lanes]
  std::vector<double> value, adjoint, sum, weight;
  std::vector<double> radial, slope, harmonic, tangent;  // of all neighbours of all centres
  std::vector<std::uint32_t> pair;
};

struct ProductScratch final : Scratch {
  tbb::enumerable_thread_specific<ThreadBuffers> thread;
  std::vector<int> species;
  std::vector<std::vector<std::uint32_t>> centres;
  std::vector<std::pair<int, std::size_t>> groups;  // species, first of its centres
  std::vector<double> atom_energy;
  std::vector<Vec3> gradient;                       // [pairs] dE_i/d(displacement)
};

}  // namespace

ProductAce::ProductAce(const ProductModel& model)
    : elements_(model.atomic_number), reference_energy_ev_(model.reference_energy_ev), scale_(model.energy_scale), shift_ev_(model.energy_shift_ev),
      cutoff_ang_(model.cutoff_ang), embedding_(model.embedding) {
  const std::size_t species = elements_.size();
  const RadialIndex index = index_radial(model);
  std::vector<int> count(static_cast<std::size_t>(model.l_max) + 1, 0);
  for (const auto& [key, row] : index.row) count[static_cast<std::size_t>(key[0])] = std::max(count[static_cast<std::size_t>(key[0])], row + 1);
  layout_ = kernels::make_density_layout(count);
  channels_ = model.real_harmonics ? 1 : species;

  constexpr std::size_t most_table_bytes = std::size_t{1} << 32;
  for (const ProductBond& from : model.bond) {
    Bond bond;
    bond.cutoff = from.cutoff_ang;
    bond.last = static_cast<std::size_t>(from.cutoff_ang / model.spline_ang);
    bond.step = from.cutoff_ang / static_cast<double>(bond.last);
    bond.inner = from.inner_ang;
    bond.inner_width = from.inner_width_ang;
    bond.core_inside_inner = from.core_inside_inner;
    bond.core = from.core_ev_ang;
    bond.decay = from.core_decay_per_ang2;
    const std::size_t width = 2 * layout_.radial;
    if ((bond.last + 1) * width * model.bond.size() > most_table_bytes / sizeof(double))
      throw Error(ErrorKind::unsupported, "tables of the radial functions would take more than 4 GiB");
    bond.knot.assign((bond.last + 1) * width, 0.0);
    parallel_chunks(bond.last, 256, [&](std::size_t first, std::size_t last) {
      std::vector<double> g(from.k), dg(from.k);
      for (std::size_t knot = std::max<std::size_t>(first, 1); knot < last; ++knot) {
        const double r = bond.step * static_cast<double>(knot);
        kernels::density_radial(kernel_kind(from.kind), from.parameter, from.cutoff_ang, from.cutoff_width_ang, r, g, dg);
        const kernels::SmoothStep step = kernels::smooth_step(r, from.inner_ang, from.inner_width_ang);
        double* const own = bond.knot.data() + knot * width;
        for (const auto& [key, row] : index.row) {
          const auto [l, single, n] = key;
          const std::size_t at = layout_.radial_offset[static_cast<std::size_t>(l)] + static_cast<std::size_t>(row);
          double value = 0, slope = 0;
          if (single) {
            if (static_cast<std::size_t>(n) < from.k) {
              value = g[static_cast<std::size_t>(n)];
              slope = dg[static_cast<std::size_t>(n)];
            }
          } else if (static_cast<std::size_t>(n) < from.n && static_cast<std::size_t>(l) < from.l) {
            const double* const c = from.coefficient.data() + (static_cast<std::size_t>(n) * from.l + static_cast<std::size_t>(l)) * from.k;
            for (std::size_t k = 0; k < from.k; ++k) {
              value += c[k] * g[k];
              slope += c[k] * dg[k];
            }
          }
          own[at] = value * step.value;
          own[layout_.radial + at] = bond.step * (slope * step.value + value * step.slope);
        }
      }
    });
    // Distances below the first knot are below anything physical: the table is level there.
    std::copy_n(bond.knot.begin() + static_cast<std::ptrdiff_t>(width), layout_.radial, bond.knot.begin());
    bond_.push_back(std::move(bond));
  }

  for (std::size_t s = 0; s < species; ++s) {
    std::vector<Monomial> monomial;
    std::vector<double> pool;
    for (const ProductFunction& f : model.function)
      if (f.centre == static_cast<int>(s)) add_monomials(model, f, layout_, index, monomial, pool);
    tree_.push_back(make_tree(monomial, pool, static_cast<std::size_t>(model.densities)));
  }
  info_.kind = model.family;
  info_.elements = elements_;
  std::sort(info_.elements.begin(), info_.elements.end());
}

void ProductAce::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  const std::size_t n = batch.atoms->size();
  if (batch.position_ang.size() != n * batch.count() || results.size() != batch.count())
    throw Error(ErrorKind::internal, "cluster expansion: the batch does not fit its atoms");
  if (!dynamic_cast<ProductScratch*>(workspace.scratch.get())) workspace.scratch = std::make_unique<ProductScratch>();
  workspace.lists.resize(batch.count());
  for (std::size_t b = 0; b < batch.count(); ++b) {
    VerletList& list = workspace.lists[b];
    list.update(batch.cell[b], batch.position_ang.subspan(b * n, n), cutoff_ang_, workspace.skin_ang);
    evaluate_configuration(*batch.atoms, list.list(), want, *workspace.scratch, results[b]);
  }
}

void ProductAce::evaluate_centres(int species, std::span<const std::uint32_t> centre, const NeighborList& list, bool gradient, Scratch& any_scratch) const {
  auto& scratch = static_cast<ProductScratch&>(any_scratch);
  ThreadBuffers& own = scratch.thread.local();
  const std::size_t lanes = kernels::product_lanes(), features = channels_ * layout_.features, S = elements_.size(), s = static_cast<std::size_t>(species);
  const std::size_t U = layout_.radial, harmonics = layout_.count.size() * layout_.count.size();
  const kernels::ProductTree& tree = tree_[s];
  const ProductEmbedding& embedding = embedding_[s];
  own.density.assign(lanes * features, 0.0);
  own.pair.clear();
  std::size_t filled = 0;
  std::array<double, 8> core{}, core_weight{};
  std::array<std::size_t, 9> begin{};
  for (std::size_t c = 0; c < centre.size(); ++c) {
    begin[c] = own.pair.size();
    for (std::uint32_t p = list.first[centre[c]]; p < list.first[centre[c] + 1]; ++p) {
      const std::size_t other = static_cast<std::size_t>(scratch.species[list.neighbor[p]]);
      const Bond& bond = bond_[s * S + other];
      const Vec3& d = list.displacement_ang[p];
      const double r = norm(d);
      if (r >= bond.cutoff) continue;
      own.pair.push_back(p);
      const std::size_t need = filled + 1;
      if (own.radial.size() < need * U) own.radial.resize(2 * need * U), own.slope.resize(2 * need * U);
      if (own.harmonic.size() < need * harmonics) own.harmonic.resize(2 * need * harmonics), own.tangent.resize(4 * need * harmonics);
      double* const R = own.radial.data() + filled * U;
      const double x = r / bond.step;
      const std::size_t k = std::min(static_cast<std::size_t>(x), bond.last - 1);
      kernels::interpolate_radial(U, bond.knot.data() + k * 2 * U, bond.knot.data() + (k + 1) * 2 * U, x - static_cast<double>(k), bond.step, R, own.slope.data() + filled * U);
      // The usual axes are those of e3nn turned: its (x, y, z) are (y, z, x).
      const double unit[3] = {d.y / r, d.z / r, d.x / r};
      double tangent[2][3];
      kernels::tangents_of(unit, tangent);
      double* const Y = own.harmonic.data() + filled * harmonics;
      kernels::e3nn_harmonics(layout_.l_max(), unit, tangent, std::span(Y, harmonics),
                              gradient ? std::span(own.tangent.data() + 2 * filled * harmonics, 2 * harmonics) : std::span<double>());
      kernels::add_density(layout_, R, Y, own.density.data() + c * features + (channels_ > 1 ? other * layout_.features : 0));
      if (bond.core > 0 && bond.decay * r * r < 50) {
        const double inside = bond.core_inside_inner ? 1 - kernels::smooth_step(r, bond.inner, bond.inner_width).value : 1;
        core[c] += inside * bond.core * std::exp(-bond.decay * r * r) / r * 0.5 * (1 + std::cos(std::numbers::pi * r / bond.cutoff));
      }
      ++filled;
    }
  }
  begin[centre.size()] = own.pair.size();

  own.lanes_density.resize(features * lanes);
  for (std::size_t f = 0; f < features; ++f)
    for (std::size_t c = 0; c < lanes; ++c) own.lanes_density[f * lanes + c] = own.density[c * features + f];
  own.value.resize(tree.parent.size() * lanes);
  own.sum.resize(tree.densities * lanes);
  kernels::product_sums(tree, own.lanes_density.data(), own.value.data(), own.sum.data());
  own.weight.assign(tree.densities * lanes, 0.0);
  for (std::size_t c = 0; c < centre.size(); ++c) {
    double energy = 0;
    for (std::size_t p = 0; p < tree.densities; ++p) {
      const Embedded e = embed(embedding.shifted_scaled, embedding.exponent[p], own.sum[p * lanes + c]);
      energy += embedding.weight[p] * e.energy;
      own.weight[p * lanes + c] = scale_ * embedding.weight[p] * e.slope;
    }
    double kept = 1, kept_slope = 0;
    if (embedding.core_width > 0 && core[c] > embedding.core_end - embedding.core_width) {
      const kernels::SmoothStep step = kernels::smooth_step(core[c], embedding.core_end, embedding.core_width);
      kept = 1 - step.value;
      kept_slope = -step.slope;
      for (std::size_t p = 0; p < tree.densities; ++p) own.weight[p * lanes + c] *= kept;
    }
    core_weight[c] = energy * kept_slope + 1;
    scratch.atom_energy[centre[c]] = scale_ * energy * kept + core[c] + shift_ev_ + reference_energy_ev_[s];
  }
  if (!gradient) return;

  own.adjoint.resize(tree.parent.size() * lanes);
  own.lanes_gradient.assign(features * lanes, 0.0);
  kernels::product_gradient(tree, own.lanes_density.data(), own.value.data(), own.weight.data(), own.adjoint.data(), own.lanes_gradient.data());
  own.gradient.resize(features);
  for (std::size_t c = 0; c < centre.size(); ++c) {
    for (std::size_t f = 0; f < features; ++f) own.gradient[f] = own.lanes_gradient[f * lanes + c];
    for (std::size_t e = begin[c]; e < begin[c + 1]; ++e) {
      const std::uint32_t p = own.pair[e];
      const std::size_t other = static_cast<std::size_t>(scratch.species[list.neighbor[p]]);
      const Vec3& d = list.displacement_ang[p];
      const double r = norm(d), unit[3] = {d.y / r, d.z / r, d.x / r};
      double tangent[2][3];
      kernels::tangents_of(unit, tangent);
      const kernels::DensityGradient g =
          kernels::density_gradient(layout_, own.gradient.data() + (channels_ > 1 ? other * layout_.features : 0), own.radial.data() + e * U, own.slope.data() + e * U,
                                    own.harmonic.data() + e * harmonics, own.tangent.data() + 2 * e * harmonics);
      double along = g.along;
      const Bond& bond = bond_[s * S + other];
      if (bond.core > 0 && bond.decay * r * r < 50) {
        const double a = std::numbers::pi / bond.cutoff, bare = bond.core * std::exp(-bond.decay * r * r) / r, end = 0.5 * (1 + std::cos(a * r));
        const double value = bare * end, slope = -bare * (2 * bond.decay * r + 1 / r) * end - bare * 0.5 * a * std::sin(a * r);
        const kernels::SmoothStep step = bond.core_inside_inner ? kernels::smooth_step(r, bond.inner, bond.inner_width) : kernels::SmoothStep{0, 0};
        along += core_weight[c] * (slope * (1 - step.value) - value * step.slope);
      }
      const double w0 = g.across[0] / r, w1 = g.across[1] / r;
      scratch.gradient[p] = Vec3{along * unit[2] + w0 * tangent[0][2] + w1 * tangent[1][2], along * unit[0] + w0 * tangent[0][0] + w1 * tangent[1][0],
                                 along * unit[1] + w0 * tangent[0][1] + w1 * tangent[1][1]};
    }
  }
}

void ProductAce::evaluate_configuration(const Atoms& atoms, const NeighborList& list, Want want, Scratch& any_scratch, Evaluation& result) const {
  auto& scratch = static_cast<ProductScratch&>(any_scratch);
  const std::size_t n = atoms.size(), lanes = kernels::product_lanes();
  const bool gradient = want.forces || want.virial;
  scratch.species.resize(n);
  scratch.centres.assign(elements_.size(), {});
  for (std::size_t i = 0; i < n; ++i) {
    const auto found = std::find(elements_.begin(), elements_.end(), atoms.atomic_number[i]);
    if (found == elements_.end()) throw Error(ErrorKind::unsupported, fmt::format("the cluster expansion does not know the element {}", symbol_of(atoms.atomic_number[i])));
    scratch.species[i] = static_cast<int>(found - elements_.begin());
    scratch.centres[static_cast<std::size_t>(scratch.species[i])].push_back(static_cast<std::uint32_t>(i));
  }
  scratch.groups.clear();
  for (std::size_t s = 0; s < elements_.size(); ++s)
    for (std::size_t k = 0; k < scratch.centres[s].size(); k += lanes) scratch.groups.emplace_back(static_cast<int>(s), k);
  scratch.atom_energy.resize(n);
  if (gradient) scratch.gradient.assign(list.pairs(), Vec3{});
  parallel_chunks(scratch.groups.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t g = first; g < last; ++g) {
      const auto [species, begin] = scratch.groups[g];
      const auto& members = scratch.centres[static_cast<std::size_t>(species)];
      evaluate_centres(species, std::span(members).subspan(begin, std::min(lanes, members.size() - begin)), list, gradient, scratch);
    }
  });

  set_from_pairs(list, scratch.atom_energy, scratch.gradient, want, result);
  result.extrapolation.clear();
}

}  // namespace saltus
