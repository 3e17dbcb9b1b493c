// Model systems of one or two dimensions, for tests and teaching: an atom in a well, and a proton in a double well coupled to a rocking mode.
//   harmonic        V = ½ m w² x²
//   double well     V = h ((x/a)² − 1)²
//   proton-rocking  V = h ((x/a)² − 1)² + ½ M W² (q − g x)²
// A system is many independent copies. Its positions are a flat array of degrees of freedom: x of all copies, then q of all copies.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

namespace saltus {

struct HarmonicWell {
  double angular_frequency_per_fs = 0;
};
struct DoubleWell {
  double barrier_ev = 0;          ///< h
  double half_distance_ang = 0;   ///< a: the minima are at ±a
};
struct ProtonRocking {
  DoubleWell well;
  double rocking_mass_amu = 0;                  ///< M
  double rocking_angular_frequency_per_fs = 0;  ///< W
  double coupling = 0;                          ///< g, dimensionless
};
using ModelPotential = std::variant<HarmonicWell, DoubleWell, ProtonRocking>;

struct ModelSystem {
  ModelPotential potential;
  double mass_amu = 0;      ///< of the atom that x is of
  std::size_t copies = 1;
};

/// Angular frequency in 1/fs of a wavenumber in 1/cm: 2 π c ν̃.
double angular_frequency_per_fs(double wavenumber_per_cm);

/// Degrees of freedom of one copy: 1 or 2.
std::size_t dimensions(const ModelPotential& potential);

/// Mass of each degree of freedom, [copies · dimensions].
std::vector<double> masses_amu(const ModelSystem& system);

/// Energies and forces of B configurations.
///
/// position_ang  [B · copies · dimensions]
/// energy_ev     [B · copies], of each copy
/// force_ev_ang  as positions
/// Throws Error{internal} when the sizes do not fit.
void evaluate(const ModelSystem& system, std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang);

}  // namespace saltus
