// Several configurations as one graph for libtorch: atoms and directed edges one after another.
#pragma once

#include <span>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/training/torch/tensors.hpp"

namespace saltus::training {

/// Where tensors live and of what they are made.
struct Placement {
  at::ScalarType type = at::kFloat;  ///< kFloat or kDouble
  at::Device device = at::kCPU;
  at::TensorOptions numbers() const { return at::TensorOptions().dtype(type).device(device); }
  at::TensorOptions integers() const { return at::TensorOptions().dtype(at::kLong).device(device); }
};

struct Graph {
  std::int64_t configurations = 0, atoms = 0, edges = 0;
  at::Tensor species;           ///< [atoms] index into the model's species
  at::Tensor configuration;     ///< [atoms]
  at::Tensor center, neighbor;  ///< [edges]; edges are sorted by center
  at::Tensor vector_ang;        ///< [edges, 3] r_neighbor − r_center, image included
  at::Tensor edge_configuration;  ///< [edges]
  /// On the CPU, for kernels of our own: edges of center i are first[i] … first[i+1]−1.
  std::vector<std::int64_t> first, neighbor_of;
  /// Atoms of each species that is there, and where they are put back: row k of all of them together is atom order[k].
  std::vector<std::pair<std::int64_t, at::Tensor>> atoms_of_species;
  at::Tensor back;              ///< [atoms] place of an atom in that order
};

/// Species index of an element, −1 where the model does not know it.
using SpeciesIndex = std::vector<int>;  // [256]
SpeciesIndex species_index(const std::vector<std::uint8_t>& atomic_number);

/// Throws Error{unsupported} for an element that the model does not know.
Graph make_graph(std::span<const Frame* const> frames, const SpeciesIndex& species, double cutoff_ang, const Placement& placement);

}  // namespace saltus::training
