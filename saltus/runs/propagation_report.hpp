// Distributions on a tiled network in time, as profiles along one lattice vector, beside the diffusion equation with the D of
// the network.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/kinetics/tiled_propagation.hpp"

namespace saltus::runs {

enum class StartProfile {
  point,  ///< all on the sites of the middle cell, in their equilibrium shares
  slab,   ///< the first half of the cells along the axis
  wave,   ///< 1 + cos, one period along the axis
};

struct PropagationSettings {
  Int3 cells{1, 1, 1};
  int axis = 0;                     ///< of the profile
  std::array<kinetics::Boundary, 3> boundary{};
  StartProfile start = StartProfile::slab;
  bool exclusion = false;
  double concentration = 0.5;       ///< with exclusion: occupation of the full part (of the mean of a wave)
  std::vector<double> times_ps;     ///< ascending, from 0
};

struct ProfileAtTime {
  double time_ps = 0;
  double mass = 0;                      ///< sum over all sites
  double smallest = 0, largest = 0;     ///< of all sites
  std::vector<double> amount;           ///< [cells along the axis] sum over each layer
  std::vector<double> diffusion;        ///< the same by the diffusion equation; empty: see PropagationReport::diffusion_note
  std::optional<double> largest_deviation;  ///< from the diffusion equation, over the largest amount of a layer
};

struct PropagationReport {
  std::int64_t sites = 0;
  std::int64_t applications = 0;   ///< of the stencil
  double seconds = 0;              ///< spent in them
  double spacing_ang = 0;          ///< of the layers
  double diffusion_ang2_per_ps = 0;  ///< normal to the layers
  double mass_drift = 0;           ///< largest relative change of the mass; of closed systems
  std::string diffusion_note;      ///< why the diffusion equation is not beside the profiles
  std::vector<ProfileAtTime> profiles;
  std::vector<std::string> warnings;
};

/// Throws Error{usage} for what does not fit, among it more than 2·10⁸ sites.
PropagationReport propagate_network(const kinetics::SiteNetwork& network, const std::string& name,
                                    const PropagationSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
