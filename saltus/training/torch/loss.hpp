// The loss of predicted energies per atom, forces and stresses:  Σ weight · mean f(error), f a square or Huber's function.
// The universal loss narrows Huber's width for large forces. Reference: Batatia et al., arXiv:2401.00096.
#pragma once

#include <span>
#include <vector>

#include "saltus/training/finetune_settings.hpp"
#include "saltus/training/torch/network.hpp"

namespace saltus::training {

/// Labels of some configurations, and how many there are in the whole batch that they are a part of.
struct Targets {
  at::Tensor energy_ev_per_atom;  ///< [configurations], double
  at::Tensor atoms;               ///< [configurations], double
  at::Tensor force_ev_ang;        ///< [atoms, 3]
  at::Tensor stress_ev_ang3;      ///< [labelled, 6] xx yy zz yz xz xy
  at::Tensor with_stress;         ///< [labelled] which configurations
  at::Tensor volume_ang3;         ///< [labelled]
  at::Tensor weight;              ///< [configurations]
};

/// `offset_ev[species]` is taken from the energies, as a head of its own does; empty: nothing. Frames have energies and forces.
Targets make_targets(std::span<const Frame* const> frames, std::span<const double> weight, std::span<const double> offset_ev, const SpeciesIndex& species,
                     const Placement& placement);

/// Denominators of the means.
struct Counts {
  double configurations = 0, force_components = 0, stress_components = 0;
};
Counts count_labels(const Frame& frame);

/// f of every error, times its weight, summed over this part and divided by the counts of the batch. `energy_weight` stands in the place of
/// that of the settings.
at::Tensor loss_of(const Labels& labels, const Targets& targets, const Graph& graph, const Counts& batch, const FinetuneSettings& settings, double energy_weight);

/// f elementwise. width: Huber's.
at::Tensor huber(const at::Tensor& error, const at::Tensor& width);
/// Huber's width for each atom [atoms, 1] by the length of its reference force.
at::Tensor conditional_width(const at::Tensor& reference_force, double delta);

}  // namespace saltus::training
