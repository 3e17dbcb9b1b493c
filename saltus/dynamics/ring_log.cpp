#include "saltus/dynamics/ring_log.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_estimators.hpp"

namespace saltus {

namespace {

constexpr std::array<std::pair<int, int>, 6> tensor_parts{{{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}}};
constexpr std::array tensor_names{"xx", "yy", "zz", "xy", "xz", "yz"};
constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

void append_tensors(const RingState& ring, const FourthOrderRing* fourth, const RingSpecies& species, std::vector<double>& row) {
  const std::size_t n = ring.freedom();
  const auto count = static_cast<double>(ring.beads());
  std::array<double, 6> kinetic{}, gyration{};
  for (const std::uint32_t atom : species.atom)
    for (std::size_t k = 1; k < ring.beads(); ++k) {
      const double* q = ring.mode_position_ang.data() + k * n + 3 * atom;
      const double* f = ring.mode_force_ev_ang.data() + k * n + 3 * atom;
      for (std::size_t p = 0; p < 6; ++p) {
        const auto [a, b] = tensor_parts[p];
        kinetic[p] -= 0.25 / count * (q[a] * f[b] + q[b] * f[a]);
        gyration[p] += q[a] * q[b] / count;
      }
    }
  if (fourth) {
    gyration = {};
    for (const std::uint32_t atom : species.atom)
      for (std::size_t p = 0; p < 6; ++p) {
        const std::size_t a = 3 * atom + static_cast<std::size_t>(tensor_parts[p].first), b = 3 * atom + static_cast<std::size_t>(tensor_parts[p].second);
        kinetic[p] += fourth->kinetic_gain_ev(a, b);
        gyration[p] += fourth->gyration_ang2(a, b);
      }
  }
  const double classical = 0.5 * units::boltzmann_ev_per_kelvin * ring.modes.temperature_kelvin * static_cast<double>(species.atom.size());
  for (std::size_t p = 0; p < 3; ++p) kinetic[p] += classical;
  row.insert(row.end(), kinetic.begin(), kinetic.end());
  row.insert(row.end(), gyration.begin(), gyration.end());
}

double isotope_energy_ev(const AtomRing& state, RingForces& forces, const RingSpecies& species, double mass_amu, std::int64_t measurement) {
  const RingState& ring = state.ring;
  const std::size_t n = state.size();
  const std::uint32_t atom = species.atom[static_cast<std::size_t>(measurement) % species.atom.size()];
  const double scale = std::sqrt(species.mass_amu / mass_amu), of_centroid = 1 / std::sqrt(static_cast<double>(ring.beads()));
  std::vector<Vec3> position(ring.beads() * n);
  for (std::size_t bead = 0; bead < ring.beads(); ++bead)
    for (std::size_t i = 0; i < n; ++i)
      for (int axis = 0; axis < 3; ++axis) {
        const std::size_t d = 3 * i + static_cast<std::size_t>(axis);
        double q = ring.position_ang[bead * 3 * n + d];
        if (i == atom) {
          const double centroid = ring.mode_position_ang[d] * of_centroid;
          q = centroid + scale * (q - centroid);
        }
        position[bead * n + i][axis] = q;
      }
  std::vector<double> mass = state.atoms->mass_amu;
  mass[atom] = mass_amu;
  return forces.mean_energies_ev(state, position, mass).front() - potential_energy_ev(ring);
}

}  // namespace

std::vector<double> displacements_ang_of(const RingLogSettings& settings, const RingSpecies& species) {
  return settings.momentum_displacements_ang.empty() ? default_displacements_ang(species.mass_amu) : settings.momentum_displacements_ang;
}

std::string momentum_column(const RingSpecies& species, int axis, double displacement_ang) {
  return fmt::format("momentum_{}_ev_{}_{:.6g}", "xyz"[axis], species.name, displacement_ang);
}

std::vector<std::string> ring_log_columns(const std::vector<RingSpecies>& species, const RingLogSettings& settings) {
  std::vector<std::string> names{"step", "time_fs", "potential_ev", "conserved_ev", "ring_temperature_kelvin", "max_extrapolation", "max_force_spread_ev_ang",
                                 "volume_ang3", "pressure_gpa"};
  for (const RingSpecies& s : species) {
    for (const char* name : {"kinetic_virial_ev", "kinetic_primitive_ev", "gyration2_ang2"}) names.push_back(fmt::format("{}_{}", name, s.name));
    if (!settings.tensors) continue;
    for (const char* part : tensor_names) names.push_back(fmt::format("kinetic_virial_{}_ev_{}", part, s.name));
    for (const char* part : tensor_names) names.push_back(fmt::format("gyration_{}_ang2_{}", part, s.name));
  }
  for (const IsotopeChange& change : settings.isotopes) names.push_back(fmt::format("isotope_ev_{}_{}", change.species, change.name));
  for (const std::string& name : settings.momentum) {
    const RingSpecies& s = species_named(species, name, "the momentum");
    for (int axis = 0; axis < 3; ++axis)
      for (const double x : displacements_ang_of(settings, s)) names.push_back(momentum_column(s, axis, x));
  }
  return names;
}

std::vector<double> ring_log_row(const AtomRing& state, RingForces& forces, const std::vector<RingSpecies>& species, const RingLogSettings& settings,
                                 std::int64_t measurement) {
  const RingState& ring = state.ring;
  RingMeasures measures;
  measure(ring, measures);
  std::optional<FourthOrderRing> fourth;
  if (!forces.factorization().primitive()) {
    fourth.emplace(FourthOrderRing{forces.factorization(), ring, state.bare_energy_ev, state.bare_force_ev_ang});
    correct(*fourth, measures);
  }
  double temperature = 0, virial_total = 0;
  for (std::size_t i = 0; i < ring.freedom(); ++i) {
    temperature += measures.ring_temperature_kelvin[i] / static_cast<double>(ring.freedom());
    virial_total += measures.kinetic_virial_ev[i];
  }
  std::vector<double> row{static_cast<double>(ring.step), ring.time_fs, fourth ? fourth->potential_energy_ev() : potential_energy_ev(ring), conserved_energy_ev(ring), temperature,
                          state.max_extrapolation.value_or(not_measured), state.max_force_spread_ev_ang.value_or(not_measured), not_measured, not_measured};
  if (state.virial_ev) {
    const Mat3& w = *state.virial_ev;
    const double volume = state.cell.volume_ang3();
    row[7] = volume;
    row[8] = (2 * virial_total + w[0][0] + w[1][1] + w[2][2]) / (3 * volume) * units::gpa_per_ev_ang3;
  }
  for (const RingSpecies& s : species) {
    double virial = 0, primitive = 0, gyration2 = 0;
    for (const std::uint32_t atom : s.atom)
      for (std::size_t d = 3 * atom; d < 3 * atom + 3; ++d) {
        virial += measures.kinetic_virial_ev[d];
        primitive += measures.kinetic_primitive_ev[d];
        gyration2 += measures.gyration2_ang2[d];
      }
    row.insert(row.end(), {virial, primitive, gyration2});
    if (settings.tensors) append_tensors(ring, fourth ? &*fourth : nullptr, s, row);
  }
  for (const IsotopeChange& change : settings.isotopes) {
    row.push_back(isotope_energy_ev(state, forces, species_named(species, change.species, "an isotope"), change.mass_amu, measurement));
  }
  for (const std::string& name : settings.momentum) {
    const RingSpecies& s = species_named(species, name, "the momentum");
    const std::vector<double> energy = displaced_energies_ev(state, forces, displaced_atom(s, ring.beads(), measurement), displacements_ang_of(settings, s));
    row.insert(row.end(), energy.begin(), energy.end());
  }
  return row;
}

}  // namespace saltus
