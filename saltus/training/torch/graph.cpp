#include "saltus/training/torch/graph.hpp"

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/atoms/neighbor_list.hpp"
#include "saltus/base/error.hpp"

namespace saltus::training {

SpeciesIndex species_index(const std::vector<std::uint8_t>& atomic_number) {
  SpeciesIndex index(256, -1);
  for (std::size_t s = 0; s < atomic_number.size(); ++s) index[atomic_number[s]] = static_cast<int>(s);
  return index;
}

namespace {

at::Tensor integers(const std::vector<std::int64_t>& values, const Placement& placement) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
  return tensor.to(placement.device);
}

}  // namespace

Graph make_graph(std::span<const Frame* const> frames, const SpeciesIndex& species, double cutoff_ang, const Placement& placement) {
  Graph graph;
  std::vector<std::int64_t> kind, configuration, center, edge_configuration;
  std::vector<double> vectors;
  graph.first.push_back(0);
  for (const Frame* frame : frames) {
    const std::int64_t offset = static_cast<std::int64_t>(kind.size());
    for (const auto z : frame->atoms->atomic_number) {
      if (species[z] < 0) throw Error(ErrorKind::unsupported, fmt::format("the model does not know the element {}", symbol_of(z)));
      kind.push_back(species[z]);
      configuration.push_back(graph.configurations);
    }
    const NeighborList list = build_neighbor_list(frame->cell, frame->position_ang, cutoff_ang);
    for (std::size_t i = 0; i < frame->size(); ++i) {
      for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
        center.push_back(offset + static_cast<std::int64_t>(i));
        graph.neighbor_of.push_back(offset + list.neighbor[p]);
        edge_configuration.push_back(graph.configurations);
        for (int axis = 0; axis < 3; ++axis) vectors.push_back(list.displacement_ang[p][axis]);
      }
      graph.first.push_back(static_cast<std::int64_t>(center.size()));
    }
    ++graph.configurations;
  }
  graph.atoms = static_cast<std::int64_t>(kind.size());
  graph.edges = static_cast<std::int64_t>(center.size());

  const std::size_t kinds = static_cast<std::size_t>(1 + *std::max_element(species.begin(), species.end()));
  std::vector<std::vector<std::int64_t>> atoms_of(kinds);
  for (std::size_t i = 0; i < kind.size(); ++i) atoms_of[static_cast<std::size_t>(kind[i])].push_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> back(kind.size());
  std::int64_t next = 0;
  for (std::size_t s = 0; s < kinds; ++s) {
    if (atoms_of[s].empty()) continue;
    for (const auto i : atoms_of[s]) back[static_cast<std::size_t>(i)] = next++;
    graph.atoms_of_species.emplace_back(static_cast<std::int64_t>(s), integers(atoms_of[s], placement));
  }
  graph.back = integers(back, placement);
  graph.species = integers(kind, placement);
  graph.configuration = integers(configuration, placement);
  graph.center = integers(center, placement);
  graph.neighbor = integers(graph.neighbor_of, placement);
  graph.edge_configuration = integers(edge_configuration, placement);
  at::Tensor vector = at::empty({graph.edges, 3}, at::kDouble);
  std::copy(vectors.begin(), vectors.end(), vector.data_ptr<double>());
  graph.vector_ang = vector.to(placement.numbers());
  return graph;
}

}  // namespace saltus::training
