#include "saltus/potentials/shared_proton.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::size_t per_unit = 3;
constexpr double longest_bond_ang = 2;

}  // namespace

double SharedProtonParameters::morse_per_ang() const { return 2 * std::log(2.0) / (critical_ang - 2 * bond_ang); }

double SharedProtonParameters::repulsion_ev() const {
  // The repulsion balances the slope of the least energy over H: D (1 − 2e²) beyond R_c, 2D (1 − e)² up to it, e = exp(−a (R/2 − r₀)).
  const double a = morse_per_ang(), e = std::exp(-a * (oxygen_distance_ang / 2 - bond_ang));
  const double slope = oxygen_distance_ang > critical_ang ? 2 * depth_ev * a * e * e : 2 * depth_ev * a * e * (1 - e);
  return slope / repulsion_per_ang;
}

double SharedProtonParameters::barrier_ev(double oxygens_ang) const {
  if (oxygens_ang <= critical_ang) return 0;
  const double rest = 1 - 2 * std::exp(-morse_per_ang() * (oxygens_ang / 2 - bond_ang));
  return depth_ev * rest * rest;
}

SharedProton::SharedProton(SharedProtonParameters parameters) : parameters_(parameters) {
  info_.kind = "shared_proton";
  info_.elements = {8, 1};
  info_.trained_on_stress = true;
}

void SharedProton::evaluate(const Batch& batch, Want want, Workspace&, std::span<Evaluation> results) const {
  const SharedProtonParameters& p = parameters_;
  const double a = p.morse_per_ang(), repulsion = p.repulsion_ev();
  const std::size_t n = batch.atoms->size();
  constexpr std::uint8_t order[per_unit] = {8, 1, 8};
  for (std::size_t i = 0; i < n; ++i)
    if (batch.atoms->atomic_number[i] != order[i % per_unit])
      throw Error(ErrorKind::unsupported, fmt::format("atom {} is {}: this model takes units O H O, one after the other, and needs {} here", i,
                                                      symbol_of(batch.atoms->atomic_number[i]), symbol_of(order[i % per_unit])));
  if (n % per_unit != 0) throw Error(ErrorKind::unsupported, fmt::format("{} atoms are no whole number of units O H O", n));
  for (std::size_t c = 0; c < batch.count(); ++c) {
    const std::span<const Vec3> position = batch.position_ang.subspan(c * n, n);
    Evaluation& result = results[c];
    result.energy_ev = 0;
    result.force_ev_ang.assign(want.forces ? n : 0, Vec3{});
    result.atom_energy_ev.assign(want.atom_energies ? n : 0, 0.0);
    result.extrapolation.clear();
    Mat3 virial;
    for (std::size_t i = 0; i < n; i += per_unit) {
      const std::size_t oxygen[2] = {i, i + 2};
      Vec3 bond[2];
      for (int k = 0; k < 2; ++k) {
        bond[k] = batch.cell[c].minimum_image(position[i + 1] - position[oxygen[k]]);
        if (!is_finite(bond[k])) throw Error(ErrorKind::numeric, fmt::format("the position of atom {} or {} is not finite", oxygen[k], i + 1));
        const double r = norm(bond[k]);
        if (r > longest_bond_ang)
          throw Error(ErrorKind::unsupported, fmt::format("atom {} (H) is {:.2f} Å from atom {}, an O of its unit; this model takes units O H O, one after the other, "
                                                          "and cannot break them", i + 1, r, oxygen[k]));
        const double e = std::exp(-a * (r - p.bond_ang)), energy = p.depth_ev * (1 - e) * (1 - e);
        const Vec3 force = (-2 * p.depth_ev * a * e * (1 - e) / r) * bond[k];
        result.energy_ev += energy;
        if (want.atom_energies) result.atom_energy_ev[oxygen[k]] += energy;
        if (want.virial) virial += outer(bond[k], force);
        if (!want.forces) continue;
        result.force_ev_ang[i + 1] += force;
        result.force_ev_ang[oxygen[k]] -= force;
      }
      const Vec3 between = bond[0] - bond[1];  // O_2 − O_1, by way of H
      const double distance = norm(between), energy = repulsion * std::exp(-p.repulsion_per_ang * (distance - p.oxygen_distance_ang));
      const Vec3 force = (p.repulsion_per_ang * energy / distance) * between;
      result.energy_ev += energy;
      if (want.virial) virial += outer(between, force);
      for (int k = 0; k < 2; ++k) {
        if (want.atom_energies) result.atom_energy_ev[oxygen[k]] += 0.5 * energy;
        if (want.forces) result.force_ev_ang[oxygen[k]] += (k ? 1.0 : -1.0) * force;
      }
    }
    result.virial_ev.reset();
    if (want.virial) result.virial_ev = virial;
  }
}

}  // namespace saltus
