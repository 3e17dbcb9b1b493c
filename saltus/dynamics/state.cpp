#include "saltus/dynamics/state.hpp"

#include <algorithm>
#include <cmath>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

State state_of(const Frame& frame, const Random& random) {
  if (!frame.atoms || frame.size() == 0) throw Error(ErrorKind::usage, "molecular dynamics needs at least one atom");
  State state;
  state.atoms = frame.atoms;
  state.cell = frame.cell;
  state.position_ang = frame.position_ang;
  state.velocity_ang_fs = frame.velocity_ang_fs;
  state.velocity_ang_fs.resize(frame.size());
  state.force_ev_ang.resize(frame.size());
  state.random = random;
  return state;
}

Frame frame_of(const State& state) {
  Frame frame;
  frame.atoms = state.atoms;
  frame.cell = state.cell;
  frame.position_ang = state.position_ang;
  frame.velocity_ang_fs = state.velocity_ang_fs;
  if (state.forces_current) {
    frame.force_ev_ang = state.force_ev_ang;
    frame.energy_ev = state.energy_ev;
  }
  frame.step = state.step;
  frame.time_fs = state.time_fs;
  return frame;
}

double kinetic_energy_ev(const State& state) {
  double sum = 0;
  for (std::size_t i = 0; i < state.size(); ++i) sum += state.atoms->mass_amu[i] * norm2(state.velocity_ang_fs[i]);
  return 0.5 * sum * units::ev_per_amu_ang2_fs2;
}

std::int64_t degrees_of_freedom(std::size_t atoms, bool momentum_conserved) {
  return 3 * static_cast<std::int64_t>(atoms) - (momentum_conserved ? 3 : 0);
}

double temperature_kelvin(double kinetic_ev, std::int64_t degrees_of_freedom) {
  if (degrees_of_freedom <= 0) return 0;
  return 2 * kinetic_ev / (static_cast<double>(degrees_of_freedom) * units::boltzmann_ev_per_kelvin);
}

void remove_center_of_mass_velocity(State& state) {
  Vec3 momentum;
  double mass = 0;
  for (std::size_t i = 0; i < state.size(); ++i) {
    momentum += state.atoms->mass_amu[i] * state.velocity_ang_fs[i];
    mass += state.atoms->mass_amu[i];
  }
  const Vec3 drift = momentum / mass;
  for (Vec3& v : state.velocity_ang_fs) v -= drift;
}

void draw_velocities(State& state, double temperature_kelvin, Random& random) {
  const double kt = temperature_kelvin * units::boltzmann_ev_per_kelvin / units::ev_per_amu_ang2_fs2;
  for (std::size_t i = 0; i < state.size(); ++i) {
    const double width = std::sqrt(kt / state.atoms->mass_amu[i]);
    Vec3& v = state.velocity_ang_fs[i];
    for (int axis = 0; axis < 3; ++axis) v[axis] = width * random.normal();
  }
}

}  // namespace saltus
