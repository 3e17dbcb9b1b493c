#include "saltus/dynamics/step.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/velocity_rescaling.hpp"

namespace saltus {

namespace {

void advance(const Kick& kick, State& state, double dt_fs, Forces& forces) {
  forces.update(state);
  const double scale = kick.fraction * dt_fs / units::ev_per_amu_ang2_fs2;
  for (std::size_t i = 0; i < state.size(); ++i)
    state.velocity_ang_fs[i] += (scale / state.atoms->mass_amu[i]) * state.force_ev_ang[i];
}

void advance(const Drift& drift, State& state, double dt_fs, Forces&) {
  const double scale = drift.fraction * dt_fs;
  for (std::size_t i = 0; i < state.size(); ++i) state.position_ang[i] += scale * state.velocity_ang_fs[i];
  state.forces_current = false;
}

void advance(const OrnsteinUhlenbeck& bath, State& state, double dt_fs, Forces&) {
  const double before = kinetic_energy_ev(state);
  const double exponent = bath.friction_per_fs * bath.fraction * dt_fs;
  const double keep = std::exp(-exponent);
  const double kick2 = -std::expm1(-2 * exponent) * bath.temperature_kelvin * units::boltzmann_ev_per_kelvin /
                       units::ev_per_amu_ang2_fs2;
  for (std::size_t i = 0; i < state.size(); ++i) {
    const double width = std::sqrt(kick2 / state.atoms->mass_amu[i]);
    Vec3& v = state.velocity_ang_fs[i];
    for (int axis = 0; axis < 3; ++axis) v[axis] = keep * v[axis] + width * state.random.normal();
  }
  state.thermostat_ev += kinetic_energy_ev(state) - before;
}

void advance(const Rescale& bath, State& state, double dt_fs, Forces&) {
  const std::int64_t freedom = degrees_of_freedom(state.size(), true);
  if (freedom <= 0) return;
  const double kinetic = kinetic_energy_ev(state);
  const double factor =
      velocity_rescaling_factor(kinetic, static_cast<std::size_t>(freedom), bath.temperature_kelvin, bath.fraction * dt_fs / bath.time_constant_fs, state.random);
  for (Vec3& v : state.velocity_ang_fs) v *= factor;
  state.thermostat_ev += kinetic_energy_ev(state) - kinetic;
}

void require(bool holds, const char* what, double value) {
  if (!holds || !std::isfinite(value)) throw Error(ErrorKind::usage, fmt::format("thermostat: the {}, not {}", what, value));
}

}  // namespace

void apply(const Step& step, State& state, double dt_fs, Forces& forces) {
  std::visit([&](const auto& one) { advance(one, state, dt_fs, forces); }, step);
}

void apply(const Integrator& integrator, State& state, double dt_fs, Forces& forces) {
  for (const Step& step : integrator) apply(step, state, dt_fs, forces);
  forces.update(state);
}

Integrator integrator_with(const Thermostat& thermostat, const std::optional<Barostat>& barostat) {
  Integrator list{Kick{0.5}, Drift{1}, Kick{0.5}};
  double kelvin = 0;
  if (const auto* langevin = std::get_if<Langevin>(&thermostat)) {
    require(langevin->temperature_kelvin >= 0, "temperature must not be negative", langevin->temperature_kelvin);
    require(langevin->friction_per_fs >= 0, "friction must not be negative", langevin->friction_per_fs);
    kelvin = langevin->temperature_kelvin;
    list = {Kick{0.5}, Drift{0.5}, OrnsteinUhlenbeck{1, langevin->temperature_kelvin, langevin->friction_per_fs},
            Drift{0.5}, Kick{0.5}};
  } else if (const auto* rescaling = std::get_if<VelocityRescaling>(&thermostat)) {
    require(rescaling->temperature_kelvin >= 0, "temperature must not be negative", rescaling->temperature_kelvin);
    require(rescaling->time_constant_fs > 0, "time constant must be positive", rescaling->time_constant_fs);
    kelvin = rescaling->temperature_kelvin;
    list.emplace_back(Rescale{1, rescaling->temperature_kelvin, rescaling->time_constant_fs});
  }
  if (barostat) {
    if (std::holds_alternative<NoThermostat>(thermostat)) throw Error(ErrorKind::usage, "constant pressure needs a thermostat: csvr or langevin");
    const CellRescaling rescaling{*barostat, kelvin, conserves_momentum(thermostat)};
    check(rescaling);
    list.emplace_back(rescaling);
  }
  return list;
}

bool conserves_momentum(const Thermostat& thermostat) { return !std::holds_alternative<Langevin>(thermostat); }

}  // namespace saltus
