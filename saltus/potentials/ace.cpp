#include "saltus/potentials/ace.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/linear_algebra.hpp"
#include "saltus/potentials/pair_slopes.hpp"

namespace saltus {

namespace {

struct ThreadBuffers {
  kernels::AceBuffers kernel;
  std::vector<kernels::AceNeighbors> neighbors;
  std::vector<std::vector<std::uint32_t>> pair;
};

struct AceScratch final : Scratch {
  tbb::enumerable_thread_specific<ThreadBuffers> thread;
  std::vector<int> species;
  std::vector<std::vector<std::uint32_t>> centres;   // [species] atoms
  struct Group {
    int species;
    std::size_t begin, end;                          // into centres[species]
  };
  std::vector<Group> groups;
  std::vector<double> atom_energy;
  std::vector<Vec3> gradient;                        // [pairs] dE_i/d(displacement)
  std::vector<Mat3> virial;                          // [atoms]
};

constexpr double far_away = 1e3;  // Å, of padding

}  // namespace

kernels::AceRadialPair default_radial_pair(double cutoff_ang, double closest_ang) {
  const double inner = std::min(closest_ang, 0.8 * cutoff_ang);
  return {cutoff_ang, inner, std::min(0.3, 0.5 * inner), 0.5 * closest_ang};
}

kernels::AceRadialPair polynomial_radial_pair(double cutoff_ang, double closest_ang, int power) {
  const double closest = std::min(closest_ang, 0.8 * cutoff_ang);
  return {cutoff_ang, 0.9 * closest, 0.3 * closest, 1, power};
}

AcePotential::AcePotential(AceParameters parameters)
    : parameters_(std::move(parameters)), basis_(make_ace_basis(parameters_.basis, static_cast<int>(parameters_.elements.size()))) {
  const std::size_t species = parameters_.elements.size(), functions = basis_.size();
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::format, "ACE model: " + what); };
  if (parameters_.reference_energy_ev.size() != species) refuse("one reference energy per element is needed");
  if (parameters_.radial.size() != species * species || parameters_.repulsion_end_ang.size() != species * species)
    refuse("radial functions and repulsion are needed for each pair of elements");
  if (parameters_.coefficient_ev.size() != species) refuse("coefficients are needed for each element");
  for (const auto& c : parameters_.coefficient_ev)
    if (c.size() != functions) refuse(fmt::format("{} coefficients per element expected, found {}", functions, c.size()));
  for (const auto& pair : parameters_.radial) {
    if (!(pair.cutoff > 0 && pair.cutoff < 100 && pair.inner >= 0 && pair.inner < pair.cutoff && pair.softness > 0 && pair.scale > 0 &&
          pair.power >= 0 && pair.power <= kernels::ace_max_power))
      refuse("a radial function has impossible parameters");
    cutoff_ang_ = std::max(cutoff_ang_, pair.cutoff);
  }
  const bool extrapolates = !parameters_.covariance_factor.empty();
  if (extrapolates) {
    if (parameters_.covariance_factor.size() != species || parameters_.extrapolation_scale.size() != species)
      refuse("an extrapolation measure is needed for each element or for none");
    for (const auto& factor : parameters_.covariance_factor)
      if (factor.size() != functions * functions) refuse("the extrapolation measure does not fit the basis");
  }
  for (std::size_t a = 0; a < species; ++a)
    for (std::size_t b = 0; b < species; ++b)
      repulsion_.push_back(zbl_pair(parameters_.elements[a], parameters_.elements[b], parameters_.repulsion_end_ang[a * species + b]));
  model_.shape = basis_.shape;
  model_.radial = parameters_.radial;
  for (const auto& c : parameters_.coefficient_ev) model_.polynomial.push_back(expand(basis_, c));
  info_.kind = "ace";
  info_.elements = parameters_.elements;
  info_.has_extrapolation = extrapolates;
}

int AcePotential::species_of(std::uint8_t atomic_number) const {
  const auto found = std::find(parameters_.elements.begin(), parameters_.elements.end(), atomic_number);
  if (found == parameters_.elements.end())
    throw Error(ErrorKind::unsupported, fmt::format("the ACE model does not know the element {}", symbol_of(atomic_number)));
  return static_cast<int>(found - parameters_.elements.begin());
}

void gather_neighbors(const NeighborList& list, std::size_t i, const std::vector<int>& species, int species_count,
                      const std::vector<kernels::AceRadialPair>& radial, kernels::AceNeighbors& neighbors,
                      std::vector<std::uint32_t>& pair) {
  const std::size_t lanes = kernels::ace_lanes(), S = static_cast<std::size_t>(species_count);
  neighbors.x.clear();
  neighbors.y.clear();
  neighbors.z.clear();
  pair.clear();
  neighbors.begin.assign(1, 0);
  for (std::size_t s = 0; s < S; ++s) {
    const double cutoff = radial[static_cast<std::size_t>(species[i]) * S + s].cutoff;
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      if (species[list.neighbor[p]] != static_cast<int>(s)) continue;
      const Vec3& d = list.displacement_ang[p];
      if (norm2(d) >= cutoff * cutoff) continue;
      neighbors.x.push_back(d.x);
      neighbors.y.push_back(d.y);
      neighbors.z.push_back(d.z);
      pair.push_back(p);
    }
    while (pair.size() % lanes) {
      neighbors.x.push_back(far_away);
      neighbors.y.push_back(0);
      neighbors.z.push_back(0);
      pair.push_back(static_cast<std::uint32_t>(list.pairs()));
    }
    neighbors.begin.push_back(pair.size());
  }
  neighbors.gradient_x.resize(pair.size());
  neighbors.gradient_y.resize(pair.size());
  neighbors.gradient_z.resize(pair.size());
}

void AcePotential::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  const std::size_t n = batch.atoms->size();
  if (batch.position_ang.size() != n * batch.count() || results.size() != batch.count())
    throw Error(ErrorKind::internal, "ACE: the batch does not fit its atoms");
  if (!dynamic_cast<AceScratch*>(workspace.scratch.get())) workspace.scratch = std::make_unique<AceScratch>();
  workspace.lists.resize(batch.count());
  for (std::size_t b = 0; b < batch.count(); ++b) {
    VerletList& list = workspace.lists[b];
    list.update(batch.cell[b], batch.position_ang.subspan(b * n, n), cutoff_ang_, workspace.skin_ang);
    evaluate_configuration(*batch.atoms, list.list(), want, *workspace.scratch, results[b]);
  }
}

void AcePotential::evaluate_configuration(const Atoms& atoms, const NeighborList& list, Want want, Scratch& any_scratch,
                                          Evaluation& result) const {
  auto& scratch = static_cast<AceScratch&>(any_scratch);
  const std::size_t n = atoms.size(), S = parameters_.elements.size(), lanes = kernels::ace_lanes();
  const bool gradient = want.forces || want.virial;
  scratch.species.resize(n);
  scratch.centres.assign(S, {});
  for (std::size_t i = 0; i < n; ++i) {
    scratch.species[i] = species_of(atoms.atomic_number[i]);
    scratch.centres[static_cast<std::size_t>(scratch.species[i])].push_back(static_cast<std::uint32_t>(i));
  }
  scratch.groups.clear();
  for (std::size_t s = 0; s < S; ++s)
    for (std::size_t k = 0; k < scratch.centres[s].size(); k += lanes)
      scratch.groups.push_back({static_cast<int>(s), k, std::min(k + lanes, scratch.centres[s].size())});
  scratch.atom_energy.resize(n);
  if (gradient) scratch.gradient.assign(list.pairs(), Vec3{});

  parallel_chunks(scratch.groups.size(), 1, [&](std::size_t first, std::size_t last) {
    ThreadBuffers& own = scratch.thread.local();
    own.neighbors.resize(lanes);
    own.pair.resize(lanes);
    std::vector<kernels::AceNeighbors*> centres;
    std::array<double, 8> energy{};
    for (std::size_t g = first; g < last; ++g) {
      const auto& group = scratch.groups[g];
      const auto& members = scratch.centres[static_cast<std::size_t>(group.species)];
      centres.clear();
      for (std::size_t k = group.begin; k < group.end; ++k) {
        const std::size_t c = k - group.begin;
        gather_neighbors(list, members[k], scratch.species, static_cast<int>(S), parameters_.radial, own.neighbors[c], own.pair[c]);
        centres.push_back(&own.neighbors[c]);
      }
      kernels::ace_evaluate(model_, group.species, centres, gradient, own.kernel, energy);
      for (std::size_t k = group.begin; k < group.end; ++k) {
        const std::size_t c = k - group.begin, i = members[k];
        const auto& neighbors = own.neighbors[c];
        double sum = energy[c] + parameters_.reference_energy_ev[static_cast<std::size_t>(group.species)];
        for (std::size_t e = 0; e < own.pair[c].size(); ++e) {
          const std::uint32_t p = own.pair[c][e];
          if (p == list.pairs()) continue;
          Vec3 slope{neighbors.gradient_x[e], neighbors.gradient_y[e], neighbors.gradient_z[e]};
          const std::size_t j = list.neighbor[p];
          const ZblPair& zbl = repulsion_[static_cast<std::size_t>(group.species) * S + static_cast<std::size_t>(scratch.species[j])];
          const Vec3& d = list.displacement_ang[p];
          const double r2 = norm2(d);
          if (r2 < zbl.end_ang * zbl.end_ang) {  // half of the pair belongs to each of its atoms
            const double r = std::sqrt(r2);
            const PairEnergy pair = zbl_repulsion(zbl, r);
            sum += 0.5 * pair.energy_ev;
            slope += (0.5 * pair.slope_ev_ang / r) * d;
          }
          if (gradient) scratch.gradient[p] = slope;
        }
        scratch.atom_energy[i] = sum;
      }
    }
  });

  set_from_pairs(list, scratch.atom_energy, scratch.gradient, want, result);
  result.extrapolation.clear();
  if (want.extrapolation && info_.has_extrapolation) extrapolation(scratch.species, list, result.extrapolation);
}

void AcePotential::extrapolation(const std::vector<int>& species, const NeighborList& list, std::vector<double>& measure) const {
  const std::size_t n = species.size(), F = basis_.size(), S = parameters_.elements.size();
  measure.resize(n);
  constexpr std::size_t block = 64;
  parallel_chunks(n, block, [&](std::size_t first, std::size_t last) {
    kernels::AceNeighbors neighbors;
    std::vector<std::uint32_t> pair;
    std::vector<double> density(S * static_cast<std::size_t>(basis_.shape.features()));
    for (std::size_t s = 0; s < S; ++s) {
      std::vector<std::size_t> members;
      std::vector<double> rows;
      for (std::size_t i = first; i < last; ++i) {
        if (species[i] != static_cast<int>(s)) continue;
        gather_neighbors(list, i, species, static_cast<int>(S), parameters_.radial, neighbors, pair);
        kernels::ace_densities(model_, static_cast<int>(s), neighbors, density, {});
        rows.resize(rows.size() + F);
        evaluate_functions(basis_, density, std::span(rows).last(F));
        members.push_back(i);
      }
      kernels::solve_lower_rows(parameters_.covariance_factor[s], F, rows, members.size());
      for (std::size_t k = 0; k < members.size(); ++k) {
        double square = 0;
        for (std::size_t f = 0; f < F; ++f) square += rows[k * F + f] * rows[k * F + f];
        measure[members[k]] = std::sqrt(square) / parameters_.extrapolation_scale[s];
      }
    }
  });
}

}  // namespace saltus
