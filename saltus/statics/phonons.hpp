// Harmonic phonons by finite displacements in a supercell:
//   Φ(0i, Rj) = −∂f_Rj/∂u_0i,   D(q) = Σ_R Φ(0i, Rj) e^(iq·d) / sqrt(m_i m_j),   d the shortest vectors from i to the images of Rj, shared.
// Φ is made symmetric, and its own term such that a translation costs nothing (acoustic sum rule).
// References: Parlinski, Li, Kawazoe, Phys. Rev. Lett. 78, 4063 (1997); Born and Huang, Dynamical Theory of Crystal Lattices (1954).
#pragma once

#include <span>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

struct PhononSettings {
  Int3 supercell{2, 2, 2};
  double displacement_ang = 0.01;
};

struct ForceConstants {
  Frame cell;                                ///< n atoms
  Int3 supercell{1, 1, 1};
  std::vector<Mat3> constant_ev_ang2;        ///< [n · cells · n]: of atom i of the first cell and atom j of cell R
  double largest_sum_ev_ang2 = 0;            ///< of Σ Φ over a row before the acoustic sum rule: 0 for exact derivatives
  double largest_asymmetry_ev_ang2 = 0;      ///< of Φ before it was made symmetric
  double largest_force_ev_ang = 0;           ///< in the frame itself: a minimum where it is small
  std::size_t evaluations = 0;
};

/// Throws Error{usage} for a displacement that is not positive or repeats along axes that are not periodic, Error{numeric} for forces that are
/// not finite. One evaluation per atom of the cell, direction and sign.
ForceConstants force_constants(const Frame& cell, const Potential& potential, const PhononSettings& settings, const Progress& progress = {});

/// Frequencies in THz (cycles, not radians) at q in units of the reciprocal lattice vectors, [3n] ascending; imaginary ones negative.
std::vector<double> frequencies_thz(const ForceConstants& constants, const Vec3& q);

/// Of a mesh of k·l·m points that holds Γ: [k·l·m · 3n].
std::vector<double> mesh_frequencies_thz(const ForceConstants& constants, const Int3& mesh, const Progress& progress = {});

/// Density of states per THz and cell at the given frequencies: Gaussians of the given width, 3n in all.
std::vector<double> density_of_states(std::span<const double> mesh_thz, std::size_t atoms, std::span<const double> at_thz, double width_thz);

struct HarmonicEnergies {
  double zero_point_ev = 0;                  ///< per cell
  std::vector<double> free_energy_ev, entropy_ev_kelvin, heat_capacity_ev_kelvin;  ///< per cell at each temperature, zero-point energy included
  std::size_t imaginary = 0, modes = 0;      ///< left out, and all, of the mesh; the translations at Γ are no modes
};

/// From mesh_frequencies_thz(). Modes below 0.001 THz are taken for translations, where they are not imaginary beyond that.
HarmonicEnergies harmonic_energies(std::span<const double> mesh_thz, std::size_t atoms, std::span<const double> temperature_kelvin);

}  // namespace saltus
