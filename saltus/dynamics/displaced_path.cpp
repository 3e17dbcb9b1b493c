#include "saltus/dynamics/displaced_path.hpp"

#include <algorithm>
#include <cmath>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_estimators.hpp"

namespace saltus {

namespace {

constexpr int default_count = 4;
constexpr double longest_of_hydrogen_ang = 0.5;

}  // namespace

double displaced_fraction(std::size_t j, std::size_t beads) { return (static_cast<double>(j) + 0.5) / static_cast<double>(beads) - 0.5; }

double free_exponent_per_ang2(double mass_amu, double temperature_kelvin) {
  return 0.5 * mass_amu * units::ev_per_amu_ang2_fs2 * units::boltzmann_ev_per_kelvin * temperature_kelvin / (units::hbar_ev_fs * units::hbar_ev_fs);
}

std::vector<double> default_displacements_ang(double mass_amu) {
  std::vector<double> list;
  const double longest = longest_of_hydrogen_ang * std::sqrt(standard_mass_amu(1) / mass_amu);
  for (int k = 1; k <= default_count; ++k) list.push_back(std::round(1e4 * longest * k / default_count) * 1e-4);
  return list;
}

DisplacedAtom displaced_atom(const RingSpecies& species, std::size_t beads, std::int64_t measurement) {
  const auto turn = static_cast<std::size_t>(std::max<std::int64_t>(measurement, 0)), n = species.atom.size(), which = turn % n, round = turn / n;
  return {species.atom[which], (which + round) % beads};
}

std::vector<double> displaced_energies_ev(const AtomRing& state, RingForces& forces, const DisplacedAtom& who, std::span<const double> displacement_ang) {
  const RingState& ring = state.ring;
  const std::size_t n = state.size(), beads = ring.beads(), one = beads * n;
  const double kt = units::boltzmann_ev_per_kelvin * ring.modes.temperature_kelvin, now = potential_energy_ev(ring);
  std::vector<double> list;
  std::vector<Vec3> position(2 * displacement_ang.size() * one);
  for (int axis = 0; axis < 3; ++axis) {
    for (std::size_t k = 0; k < position.size(); ++k) {
      const double* q = ring.position_ang.data() + 3 * (k % one);
      position[k] = {q[0], q[1], q[2]};
    }
    for (std::size_t r = 0; r < 2 * displacement_ang.size(); ++r)
      for (std::size_t j = 0; j < beads; ++j)
        position[r * one + (who.cut + j) % beads * n + who.atom][axis] += (r % 2 ? -1 : 1) * displaced_fraction(j, beads) * displacement_ang[r / 2];
    const std::vector<double> energy = forces.mean_energies_ev(state, position, state.atoms->mass_amu);
    for (std::size_t r = 0; r < energy.size(); r += 2) {
      const double lower = std::min(energy[r], energy[r + 1]), gap = std::abs(energy[r] - energy[r + 1]);
      list.push_back(lower - now - kt * std::log(0.5 * (1 + std::exp(-gap / kt))));
    }
  }
  return list;
}

}  // namespace saltus
