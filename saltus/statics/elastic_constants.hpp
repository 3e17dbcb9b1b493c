// Elastic constants by finite strains, C_ij = dσ_i/dε_j by central differences of the stress, with internal relaxation.
// Voigt order xx yy zz yz xz xy, engineering shear. Averages: Hill, Proc. Phys. Soc. A 65, 349 (1952); stability: Mouhat and Coudert,
// Phys. Rev. B 90, 224104 (2014).
#pragma once

#include <array>

#include "saltus/base/progress.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/statics/relaxation.hpp"

namespace saltus {

using Mat6 = std::array<std::array<double, 6>, 6>;

struct ElasticSettings {
  double strain = 0.005;              ///< of each of the six, up and down
  bool relax_atoms = true;            ///< at each strain; false: clamped atoms
  RelaxationSettings relaxation;      ///< of these; its cell is fixed whatever it says
};

struct Moduli {
  double bulk_ev_ang3 = 0, shear_ev_ang3 = 0;
};

struct ElasticConstants {
  Mat6 stiffness_ev_ang3{};           ///< (C + Cᵀ)/2
  double largest_asymmetry_ev_ang3 = 0;  ///< of C before, |C_ij − C_ji|
  Mat3 stress_ev_ang3;                ///< of the frame itself; the constants are those of a crystal without stress only where this is small
  Moduli voigt, reuss;                ///< of a polycrystal, upper and lower bound; of Reuss only where stable
  std::array<double, 6> eigenvalue_ev_ang3{};  ///< of the stiffness in the orthonormal (Kelvin) basis, ascending
  bool stable = false;                ///< all of them are positive
  std::size_t not_converged = 0;      ///< relaxations of strained cells, of twelve
  std::size_t evaluations = 0;

  Moduli hill() const { return {(voigt.bulk_ev_ang3 + reuss.bulk_ev_ang3) / 2, (voigt.shear_ev_ang3 + reuss.shear_ev_ang3) / 2}; }
};

/// Throws Error{usage} for a strain outside (0, 0.1] and a cell that is not periodic along all axes, and as relax().
ElasticConstants elastic_constants(const Frame& frame, const Potential& potential, const ElasticSettings& settings, const Progress& progress = {});

}  // namespace saltus
