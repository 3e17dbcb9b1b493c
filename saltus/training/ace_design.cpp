#include "saltus/training/ace_design.hpp"

#include <algorithm>

namespace saltus {

namespace {

constexpr std::size_t function_block = 8;  // one cache line of a row

/// dB_f/dA: values added in `dense`, their indices in `touched` (one may come twice).
void function_gradient(const AceBasis& basis, std::size_t f, std::span<const double> A, std::vector<double>& dense,
                       std::vector<std::uint32_t>& touched) {
  const int order = basis.function[f].order;
  const auto add = [&](std::uint32_t v, double value) {
    if (dense[v] == 0) touched.push_back(v);
    dense[v] += value;
  };
  for (std::uint32_t t = basis.first_term[f]; t < basis.first_term[f + 1]; ++t) {
    const auto& term = basis.term[t];
    const auto& i = term.index;
    if (order == 1) {
      add(i[0], term.coefficient);
    } else if (order == 2) {
      add(i[0], term.coefficient * A[i[1]]);
      add(i[1], term.coefficient * A[i[0]]);
    } else {
      add(i[0], term.coefficient * A[i[1]] * A[i[2]]);
      add(i[1], term.coefficient * A[i[0]] * A[i[2]]);
      add(i[2], term.coefficient * A[i[0]] * A[i[1]]);
    }
  }
}

}  // namespace

void ace_design_rows(const AcePotential& base, const Frame& frame, std::span<double> rows, std::span<double> atom_functions) {
  const AceBasis& basis = base.basis();
  const auto& parameters = base.parameters();
  const std::size_t n = frame.size(), S = parameters.elements.size(), F = basis.size();
  const AceUnknowns unknowns{S, F};
  const std::size_t width = unknowns.count() + 1;
  std::fill(rows.begin(), rows.end(), 0.0);

  Workspace workspace;
  const Evaluation offset = evaluate_one(base, frame, {}, workspace);
  const NeighborList& list = workspace.lists.front().list();
  const auto atoms = static_cast<double>(n);
  rows[width - 1] = (*frame.energy_ev - offset.energy_ev) / atoms;
  for (std::size_t i = 0; i < n; ++i)
    for (int axis = 0; axis < 3; ++axis)
      rows[(1 + 3 * i + static_cast<std::size_t>(axis)) * width + width - 1] = frame.force_ev_ang[i][axis] - offset.force_ev_ang[i][axis];

  std::vector<int> species(n);
  for (std::size_t i = 0; i < n; ++i) species[i] = base.species_of(frame.atoms->atomic_number[i]);
  const auto features = static_cast<std::size_t>(basis.shape.features());
  kernels::AceNeighbors neighbors;
  std::vector<std::uint32_t> pair;
  std::vector<double> density(S * features), derivative, gradient(S * features, 0.0), block;
  std::vector<std::uint32_t> touched;
  for (std::size_t i = 0; i < n; ++i) {
    const auto centre = static_cast<std::size_t>(species[i]);
    gather_neighbors(list, i, species, static_cast<int>(S), parameters.radial, neighbors, pair);
    const std::size_t count = pair.size();
    derivative.resize(features * 3 * count);
    kernels::ace_densities(base.model(), species[i], neighbors, density, derivative);
    const auto value = atom_functions.subspan(i * F, F);
    evaluate_functions(basis, density, value);
    rows[unknowns.constant(centre)] += 1 / atoms;
    const std::size_t column = unknowns.first_function(centre);
    for (std::size_t f = 0; f < F; ++f) rows[column + f] += value[f] / atoms;

    for (std::size_t f0 = 0; f0 < F; f0 += function_block) {
      const std::size_t wide = std::min(function_block, F - f0);
      block.assign(function_block * 3 * count, 0.0);  // [function][axis][neighbour]
      for (std::size_t k = 0; k < wide; ++k) {
        touched.clear();
        function_gradient(basis, f0 + k, density, gradient, touched);
        for (const std::uint32_t v : touched) {
          const std::size_t s = v / features, feature = v % features;
          const double g = gradient[v];
          gradient[v] = 0;
          const std::size_t begin = neighbors.begin[s], end = neighbors.begin[s + 1];
          for (std::size_t axis = 0; axis < 3; ++axis) {
            const double* from = derivative.data() + (feature * 3 + axis) * count;
            double* to = block.data() + (k * 3 + axis) * count;
            for (std::size_t e = begin; e < end; ++e) to[e] += g * from[e];
          }
        }
      }
      for (std::size_t e = 0; e < count; ++e) {
        if (pair[e] == list.pairs()) continue;
        const std::size_t j = list.neighbor[pair[e]];
        for (std::size_t axis = 0; axis < 3; ++axis) {
          double* own = rows.data() + (1 + 3 * i + axis) * width + column + f0;
          double* other = rows.data() + (1 + 3 * j + axis) * width + column + f0;
          for (std::size_t k = 0; k < wide; ++k) {
            const double slope = block[(k * 3 + axis) * count + e];
            own[k] += slope;
            other[k] -= slope;
          }
        }
      }
    }
  }
}

}  // namespace saltus
