#include "saltus/dynamics/ring_contraction.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

/// The mode of P beads that a mode of P' beads is.
std::size_t full_mode(std::size_t mode, std::size_t few, std::size_t beads) { return 2 * mode <= few ? mode : beads - (few - mode); }

double root_ratio(std::size_t a, std::size_t b) { return std::sqrt(static_cast<double>(a) / static_cast<double>(b)); }

void take_modes(std::size_t few, std::size_t beads, std::size_t n, const std::vector<double>& all, std::vector<double>& low) {
  const double scale = root_ratio(few, beads);
  for (std::size_t k = 0; k < few; ++k)
    for (std::size_t i = 0; i < n; ++i) low[k * n + i] = scale * all[full_mode(k, few, beads) * n + i];
}

}  // namespace

void contract(AtomRing& state, std::size_t beads) {
  const std::size_t all = state.ring.beads();
  if (beads == 0 || beads > all || (beads % 2 == 0 && beads != all))
    throw Error(ErrorKind::usage, fmt::format("a ring polymer of {} beads can be contracted to an odd number of beads, up to {}, or to all, not to {}", all, all, beads));
  AtomRing few;
  few.atoms = state.atoms;
  few.ring.modes = ring_modes(beads, state.ring.modes.temperature_kelvin);
  few.ring.mass_amu = state.ring.mass_amu;
  for (auto* array : {&few.ring.mode_position_ang, &few.ring.mode_velocity_ang_fs, &few.ring.position_ang, &few.ring.force_ev_ang, &few.ring.mode_force_ev_ang})
    array->resize(beads * state.ring.freedom());
  few.ring.energy_ev.resize(beads);
  state.contracted = {std::move(few)};
  follow(state);
}

std::vector<Vec3> contracted_positions(const AtomRing& state, std::span<const Vec3> position_ang) {
  const std::size_t beads = state.ring.beads(), few = state.contracted.front().ring.beads(), n = state.ring.freedom();
  std::vector<double> flat, modes(beads * n), low(few * n), in_beads(few * n);
  for (const Vec3& r : position_ang) flat.insert(flat.end(), {r.x, r.y, r.z});
  to_modes(state.ring.modes, n, flat, modes);
  take_modes(few, beads, n, modes, low);
  to_beads(state.contracted.front().ring.modes, n, low, in_beads);
  std::vector<Vec3> result(few * state.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = {in_beads[3 * i], in_beads[3 * i + 1], in_beads[3 * i + 2]};
  return result;
}

void follow(AtomRing& state) {
  AtomRing& few = state.contracted.front();
  few.cell = state.cell;
  take_modes(few.ring.beads(), state.ring.beads(), state.ring.freedom(), state.ring.mode_position_ang, few.ring.mode_position_ang);
  few.ring.forces_current = false;
}

void kick_by_contracted(AtomRing& state, double time_fs) {
  const RingState& few = state.contracted.front().ring;
  RingState& ring = state.ring;
  const std::size_t n = ring.freedom();
  const double scale = root_ratio(ring.beads(), few.beads()) * time_fs / units::ev_per_amu_ang2_fs2;
  for (std::size_t k = 0; k < few.beads(); ++k) {
    double* v = ring.mode_velocity_ang_fs.data() + full_mode(k, few.beads(), ring.beads()) * n;
    for (std::size_t i = 0; i < n; ++i) v[i] += scale / ring.mass_amu[i] * few.mode_force_ev_ang[k * n + i];
  }
}

AtomRing with_contracted(const AtomRing& state) {
  AtomRing sum = state;
  if (state.contracted.empty()) return sum;
  const AtomRing& contracted = state.contracted.front();
  const RingState& few = contracted.ring;
  RingState& ring = sum.ring;
  const std::size_t n = ring.freedom();
  ring.forces_current = ring.forces_current && few.forces_current;
  const double scale = root_ratio(ring.beads(), few.beads());
  for (std::size_t k = 0; k < few.beads(); ++k) {
    double* f = ring.mode_force_ev_ang.data() + full_mode(k, few.beads(), ring.beads()) * n;
    for (std::size_t i = 0; i < n; ++i) f[i] += scale * few.mode_force_ev_ang[k * n + i];
  }
  to_beads(ring.modes, n, ring.mode_force_ev_ang, ring.force_ev_ang);
  double mean = 0;
  for (const double energy : few.energy_ev) mean += energy / static_cast<double>(few.beads());
  for (std::size_t j = 0; j < ring.beads(); ++j) ring.energy_ev[j] += few.beads() == ring.beads() ? few.energy_ev[j] : mean;
  if (sum.virial_ev && contracted.virial_ev) *sum.virial_ev += *contracted.virial_ev;
  else sum.virial_ev.reset();
  return sum;
}

void apply_contracted(const RingIntegrator& integrator, AtomRing& state, double dt_fs, std::int64_t inner_steps, RingForces& forces) {
  kick_by_contracted(state, 0.5 * dt_fs);
  const double inner_fs = dt_fs / static_cast<double>(inner_steps);
  for (std::int64_t k = 0; k < inner_steps; ++k) apply(integrator, state.ring, inner_fs, forces.of(state));
  follow(state);
  forces.update(state);
  kick_by_contracted(state, 0.5 * dt_fs);
}

}  // namespace saltus
