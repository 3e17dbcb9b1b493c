#include "saltus/potentials/pair_slopes.hpp"

#include "saltus/base/threads.hpp"

namespace saltus {

void set_forces_from_pairs(const NeighborList& list, std::size_t atoms, std::span<const Vec3> slope_ev_ang, const Want& want, Evaluation& result) {
  if (want.forces) {
    result.force_ev_ang.resize(atoms);
    parallel_chunks(atoms, 128, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        Vec3 force;
        for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) force += slope_ev_ang[p] - slope_ev_ang[list.reverse[p]];
        result.force_ev_ang[i] = force;
      }
    });
  } else {
    result.force_ev_ang.clear();
  }
  result.virial_ev.reset();
  if (want.virial) {
    Mat3 virial;
    for (std::size_t p = 0; p < list.pairs(); ++p) virial += outer(list.displacement_ang[p], -slope_ev_ang[p]);
    result.virial_ev = virial;
  }
}

void set_from_pairs(const NeighborList& list, const std::vector<double>& atom_energy_ev, std::span<const Vec3> slope_ev_ang, const Want& want, Evaluation& result) {
  result.energy_ev = 0;
  for (const double e : atom_energy_ev) result.energy_ev += e;
  if (want.atom_energies) result.atom_energy_ev = atom_energy_ev;
  else result.atom_energy_ev.clear();
  set_forces_from_pairs(list, atom_energy_ev.size(), slope_ev_ang, want, result);
}

}  // namespace saltus
