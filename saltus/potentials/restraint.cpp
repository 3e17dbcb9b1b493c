#include "saltus/potentials/restraint.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

RestrainedPotential::RestrainedPotential(const Potential& potential, std::vector<DistanceRestraint> restraints)
    : potential_(potential), restraints_(std::move(restraints)) {
  for (const DistanceRestraint& r : restraints_) {
    if (r.first == r.second) throw Error(ErrorKind::usage, fmt::format("a restraint of atom {} to itself", r.first));
    if (!(r.distance_ang > 0) || !(r.stiffness_ev_ang2 > 0) || !std::isfinite(r.distance_ang) || !std::isfinite(r.stiffness_ev_ang2))
      throw Error(ErrorKind::usage, fmt::format("restraint of atoms {} and {}: distance and stiffness must be positive", r.first, r.second));
  }
}

void RestrainedPotential::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  potential_.evaluate(batch, want, workspace, results);
  const std::size_t n = batch.atoms->size();
  for (const DistanceRestraint& r : restraints_)
    if (std::max(r.first, r.second) >= n)
      throw Error(ErrorKind::usage, fmt::format("a restraint of atoms {} and {}, but the last of {} atoms is {}", r.first, r.second, n, n - 1));
  for (std::size_t b = 0; b < batch.count(); ++b)
    for (const DistanceRestraint& r : restraints_) {
      const Vec3 d = batch.cell[b].minimum_image(batch.position_ang[b * n + r.second] - batch.position_ang[b * n + r.first]);
      const double length = norm(d), excess = length - r.distance_ang;
      Evaluation& result = results[b];
      const double energy = 0.5 * r.stiffness_ev_ang2 * excess * excess;
      result.energy_ev += energy;
      if (!result.atom_energy_ev.empty())
        for (const std::size_t atom : {r.first, r.second}) result.atom_energy_ev[atom] += 0.5 * energy;
      const Vec3 pull = d * (r.stiffness_ev_ang2 * excess / length);
      if (want.forces) {
        result.force_ev_ang[r.first] += pull;
        result.force_ev_ang[r.second] -= pull;
      }
      if (want.virial && result.virial_ev)
        for (int i = 0; i < 3; ++i)
          for (int j = 0; j < 3; ++j) (*result.virial_ev)[i][j] -= d[i] * pull[j];
    }
}

}  // namespace saltus
