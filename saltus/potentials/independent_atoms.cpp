#include "saltus/potentials/independent_atoms.hpp"

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/potentials/model_potentials.hpp"

namespace saltus {

IndependentAtoms::IndependentAtoms(double wavenumber_per_cm) : angular_frequency_per_fs_(angular_frequency_per_fs(wavenumber_per_cm)) {
  info_.kind = wavenumber_per_cm > 0 ? "harmonic" : "ideal_gas";
  info_.trained_on_stress = true;
  for (int z = 1; z <= element_count; ++z) info_.elements.push_back(static_cast<std::uint8_t>(z));
}

void IndependentAtoms::evaluate(const Batch& batch, Want want, Workspace&, std::span<Evaluation> results) const {
  const std::size_t n = batch.atoms->size();
  const double per_mass = angular_frequency_per_fs_ * angular_frequency_per_fs_ * units::ev_per_amu_ang2_fs2;
  for (std::size_t c = 0; c < batch.count(); ++c) {
    Evaluation& result = results[c];
    result.energy_ev = 0;
    result.force_ev_ang.assign(want.forces ? n : 0, Vec3{});
    result.atom_energy_ev.assign(want.atom_energies ? n : 0, 0.0);
    result.extrapolation.clear();
    Mat3 virial;
    for (std::size_t i = 0; i < n; ++i) {
      const Vec3& r = batch.position_ang[c * n + i];
      if (!is_finite(r)) throw Error(ErrorKind::numeric, fmt::format("position of atom {} is not finite", i));
      const double stiffness = batch.atoms->mass_amu[i] * per_mass, energy = 0.5 * stiffness * norm2(r);
      const Vec3 force = -stiffness * r;
      result.energy_ev += energy;
      if (want.forces) result.force_ev_ang[i] = force;
      if (want.atom_energies) result.atom_energy_ev[i] = energy;
      if (want.virial) virial += outer(r, force);
    }
    result.virial_ev.reset();
    if (want.virial) result.virial_ev = virial;
  }
}

}  // namespace saltus
