// Nudged elastic band with climbing image and improved tangents, between two minima in one cell:
//   F = f⊥ + k (|R₊ − R| − |R − R₋|) τ,   climbing image  F = f − 2 (f·τ) τ.
// References: Henkelman and Jónsson, J. Chem. Phys. 113, 9978 (2000); Henkelman, Uberuaga, Jónsson, J. Chem. Phys. 113, 9901 (2000);
// first path by pair distances: Smidstrup, Pedersen, Stokbro, Jónsson, J. Chem. Phys. 140, 214106 (2014).
#pragma once

#include <cstddef>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/statics/minimizer.hpp"

namespace saltus {

enum class FirstPath { linear, pair_distances };

struct BandSettings {
  std::size_t images = 5;                 ///< between the ends
  FirstPath first_path = FirstPath::pair_distances;
  bool climb = true;
  double spring_ev_ang2 = 1;
  double force_tolerance_ev_ang = 0.02;   ///< largest force on an atom of any image, as above
  double climb_below_ev_ang = 0.5;        ///< the highest image climbs once this is reached
  MinimizerSettings minimizer{.method = Minimizer::fire, .largest_step_ang = 0.1, .max_iterations = 1000};
};

struct Band {
  std::vector<Frame> image;              ///< the two ends included, with energies and forces; positions continuous along the path
  std::vector<double> distance_ang;      ///< of each image along the path, sqrt of the sum of squares of all atoms' displacements
  std::size_t highest = 0;               ///< the saddle where it climbs; 0 or the last where there is no barrier between the images
  bool converged = false;
  bool climbed = false;
  std::size_t iterations = 0, evaluations = 0;  ///< evaluations of one image
  double largest_force_ev_ang = 0;

  double forward_barrier_ev() const { return *image[highest].energy_ev - *image.front().energy_ev; }
  double backward_barrier_ev() const { return *image[highest].energy_ev - *image.back().energy_ev; }
};

/// The two ends are not moved: they should be minima. Atoms correspond by index; each takes the shortest way, by minimum image. The images
/// are evaluated as one batch.
/// Throws Error{usage} for ends that differ in atoms or cell or are one configuration, Error{numeric} for energies that are not finite.
Band find_path(const Frame& start, const Frame& end, const Potential& potential, const BandSettings& settings, const Progress& progress = {});

/// The first path alone: images + 2 frames without energies.
std::vector<Frame> first_path(const Frame& start, const Frame& end, const BandSettings& settings);

}  // namespace saltus
