#include "saltus/dynamics/loop.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

using Clock = std::chrono::steady_clock;

bool due(std::int64_t step, std::int64_t stride) { return stride > 0 && step % stride == 0; }

void check(const LoopSettings& s, const Cell& cell) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw Error(ErrorKind::usage, std::string("molecular dynamics: ") + what);
  };
  require(s.steps >= 0 && s.equilibration_steps >= 0, "the number of steps must not be negative");
  require(std::isfinite(s.timestep_fs) && s.timestep_fs > 0, "the time step must be positive");
  require(s.write_stride >= 0 && s.log_stride >= 0 && s.checkpoint_stride >= 0 && s.extrapolation_stride >= 0,
          "strides must not be negative");
  require(std::isfinite(s.skin_ang) && s.skin_ang >= 0, "the skin must not be negative");
  require(s.temperature_limit_kelvin > 0, "the temperature limit must be positive");
  require(s.max_extrapolation > 0, "the extrapolation limit must be positive");
  require(s.max_force_spread_ev_ang > 0, "the limit of the spread must be positive");
  const auto& periodic = cell.periodic();
  require(!(s.barostat || s.log_pressure) || (periodic[0] && periodic[1] && periodic[2]), "a pressure needs a cell that is periodic along all three lattice vectors");
}

std::string atom_name(const State& state, std::size_t i) {
  return fmt::format("atom {} ({})", i, symbol_of(state.atoms->atomic_number[i]));
}

struct Phase {
  Integrator integrator;
  bool momentum_conserved = true;
  std::int64_t freedom = 0;
};

Phase phase_of(const State& state, const LoopSettings& settings) {
  const Thermostat& thermostat =
      state.step < 0 && settings.equilibration_thermostat ? *settings.equilibration_thermostat : settings.thermostat;
  const bool conserved = conserves_momentum(thermostat);
  return {integrator_with(thermostat, settings.barostat), conserved, degrees_of_freedom(state.size(), conserved)};
}

void enter_phase(State& state, const Phase& phase) {
  if (!phase.momentum_conserved) return;
  const double before = kinetic_energy_ev(state);
  remove_center_of_mass_velocity(state);
  if (state.begun) state.thermostat_ev += kinetic_energy_ev(state) - before;
}

/// Keeps the largest value over atoms; `what` and `unit` are for the message when it is beyond the limit.
void watch(const State& state, const std::vector<double>& of_atom, double limit, const char* what, const char* unit, std::optional<double>& largest) {
  if (of_atom.empty()) return;
  std::size_t worst = 0;
  for (std::size_t i = 1; i < of_atom.size() && !std::isnan(of_atom[worst]); ++i)
    if (!(of_atom[i] <= of_atom[worst])) worst = i;
  const double value = of_atom[worst];
  if (!(value <= limit))
    throw Error(ErrorKind::numeric, fmt::format("the {} of {} is {:.4g}{}, beyond the limit of {:g}", what, atom_name(state, worst), value, unit, limit));
  largest = std::max(value, largest.value_or(value));
}

void watch_temperature(const State& state, double temperature, double limit) {
  if (temperature <= limit && std::isfinite(temperature)) return;
  std::size_t hottest = 0;
  const auto energy = [&](std::size_t i) { return state.atoms->mass_amu[i] * norm2(state.velocity_ang_fs[i]); };
  for (std::size_t i = 0; i < state.size(); ++i)
    if (!(energy(i) <= energy(hottest))) hottest = i;
  throw Error(ErrorKind::numeric, fmt::format("the temperature is {:.4g} K, beyond the limit of {:g} K; {} has most of the kinetic energy",
                                              temperature, limit, atom_name(state, hottest)));
}

void emit(State& state, double kinetic, double temperature, const Phase& phase, const LoopSettings& settings, const LoopSinks& sinks) {
  if (due(state.step, settings.log_stride)) {
    if (sinks.log) {
      LogRow row{state.step, state.time_fs, temperature, state.energy_ev, kinetic, state.energy_ev + kinetic - state.thermostat_ev,
                 state.max_extrapolation, state.max_force_spread_ev_ang, {}, {}};
      if (settings.barostat) row.conserved_ev += settings.barostat->pressure_ev_ang3 * state.cell.volume_ang3();
      if (state.virial_ev) {
        row.volume_ang3 = state.cell.volume_ang3();
        row.pressure_gpa = pressure_ev_ang3(state, phase.freedom) * units::gpa_per_ev_ang3;
      }
      sinks.log(row);
    }
    state.max_extrapolation.reset();
    state.max_force_spread_ev_ang.reset();
  }
  if (state.step >= 0 && due(state.step, settings.write_stride) && sinks.frame) sinks.frame(frame_of(state));
}

void save(State& state, const Forces& forces, const LoopSinks& sinks) {
  forces.save_reference(state);
  if (sinks.checkpoint) sinks.checkpoint(state);
}

// Thinned out, so that a fast potential is not held up by its progress.
class Rate {
 public:
  Rate(std::int64_t first, const LoopSettings& settings) : first_(first), settings_(settings) {}
  void report(const Progress& progress, const State& state, double temperature) {
    if (!progress) return;
    const auto now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(100) && state.step != settings_.steps) return;
    last_ = now;
    const double days = std::chrono::duration<double>(now - start_).count() / 86400;
    const double ns = static_cast<double>(state.step - first_) * settings_.timestep_fs / units::fs_per_ns;
    progress({state.step < 0 ? "equilibration" : "dynamics", static_cast<double>(state.step + settings_.equilibration_steps),
              static_cast<double>(settings_.steps + settings_.equilibration_steps),
              fmt::format("{:.0f} K, {:.3g} ns/day", temperature, days > 0 ? ns / days : 0), {}});
  }

 private:
  std::int64_t first_;
  const LoopSettings& settings_;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace

void begin_dynamics(State& state, const LoopSettings& settings) {
  state.step = -settings.equilibration_steps;
  state.time_fs = static_cast<double>(state.step) * settings.timestep_fs;
  state.begun = false;
  state.forces_current = false;
  state.thermostat_ev = 0;
  state.max_extrapolation.reset();
  state.max_force_spread_ev_ang.reset();
  state.cell_moves = state.cell_moves_accepted = 0;
  state.virial_ev.reset();
  state.reference_ang.clear();
  state.reference_cell = Cell();
}

LoopEnd run_dynamics(State& state, const Potential& potential, const LoopSettings& settings, const LoopSinks& sinks) {
  check(settings, state.cell);
  Forces forces(potential, settings.skin_ang);
  Phase phase = phase_of(state, settings);
  Rate rate(state.step, settings);
  bool saved = state.begun, stopped = false;

  // What the evaluations of the step that the state is at have to give.
  const auto measure = [&] {
    forces.measure_doubt(due(state.step, settings.extrapolation_stride));
    forces.measure_virial(settings.barostat || (settings.log_pressure && due(state.step, settings.log_stride)));
  };
  // Forces, watches and output of that step.
  const auto arrive = [&] {
    if (due(state.step, settings.extrapolation_stride)) {
      watch(state, forces.extrapolation(), settings.max_extrapolation, "extrapolation measure", "", state.max_extrapolation);
      watch(state, forces.force_spread_ev_ang(), settings.max_force_spread_ev_ang, "spread of the force", " eV/Å", state.max_force_spread_ev_ang);
    }
    const double kinetic = kinetic_energy_ev(state);
    const double temperature = temperature_kelvin(kinetic, phase.freedom);
    watch_temperature(state, temperature, settings.temperature_limit_kelvin);
    emit(state, kinetic, temperature, phase, settings, sinks);
    rate.report(sinks.progress, state, temperature);
  };

  try {
    if (!state.begun) {
      enter_phase(state, phase);
      measure();
      forces.update(state);
      arrive();
      state.begun = true;
    } else {
      forces.restore(state);
    }
    while (state.step < settings.steps && !stopped) {
      ++state.step;
      state.time_fs = static_cast<double>(state.step) * settings.timestep_fs;
      measure();
      apply(phase.integrator, state, settings.timestep_fs, forces);
      if (state.step == 0) {
        phase = phase_of(state, settings);
        enter_phase(state, phase);
      }
      arrive();
      saved = due(state.step, settings.checkpoint_stride);
      if (saved) save(state, forces, sinks);
      stopped = sinks.stop_requested && sinks.stop_requested();
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::numeric) throw;
    throw with_place(error, fmt::format("step {} ({:g} fs)", state.step, state.time_fs));
  }
  if (!saved) save(state, forces, sinks);
  return state.step < settings.steps ? LoopEnd::stopped : LoopEnd::finished;
}

}  // namespace saltus
