// Momentum distributions from closed ring polymers: of one atom the ring is cut between two beads and its path is spread until the ends are x apart,
//   ñ(x)/ñ_free(x) = ⟨exp(−ΔU(x)/kB T)⟩,  ΔU(x) = (1/P) Σ_j [V(q_j + s_j x) − V(q_j)],  s_j = (j + ½)/P − ½,  ñ_free(x) = exp(−m kB T x²/2ħ²)
// with the Fourier transform ñ of the distribution of the momentum along x. The ends lie in the middle of the spring that is cut, half a spring
// beyond the first and the last bead, where they carry no potential: so −ħ² ñ''(0)/2m is at every P the mean of the kinetic energies, primitive and
// centroid virial, of the same beads. (Ends on a bead, with half its potential on each, have that of an oscillator wrong in the other direction.)
// Reference: Lin, Morrone, Car, Parrinello, Phys. Rev. Lett. 105, 110602 (2010).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "saltus/dynamics/ring_forces.hpp"
#include "saltus/dynamics/ring_species.hpp"

namespace saltus {

/// s_j of the bead that is j beads after the cut: −½ + 1/2P … ½ − 1/2P.
double displaced_fraction(std::size_t j, std::size_t beads);

/// m kB T/2ħ² in 1/Å²: ñ_free(x) = exp(−that x²).
double free_exponent_per_ang2(double mass_amu, double temperature_kelvin);

/// Four steps up to 0.5 Å √(m_H/m), in Å: up to where ñ of a proton in a bond, or of a free atom, has nearly gone.
std::vector<double> default_displacements_ang(double mass_amu);

/// Whose turn it is: atom, and bead that the path begins with.
struct DisplacedAtom {
  std::uint32_t atom = 0;
  std::size_t cut = 0;
};
DisplacedAtom displaced_atom(const RingSpecies& species, std::size_t beads, std::int64_t measurement);

/// −kB T ln ½ [exp(−ΔU(x)/kB T) + exp(−ΔU(−x)/kB T)] in eV for each of the displacements x of that atom along x, y, z: [3 · displacements]. Both signs
/// have one mean, and together little noise at short displacements; the three axes together have little of how the surroundings are turned. What is along
/// one axis is one batch of the potential. The forces of the state must be current.
std::vector<double> displaced_energies_ev(const AtomRing& state, RingForces& forces, const DisplacedAtom& who, std::span<const double> displacement_ang);

}  // namespace saltus
