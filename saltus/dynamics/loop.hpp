// The loop of molecular dynamics: equilibration, production, what is watched, what is handed out.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

#include "saltus/base/progress.hpp"
#include "saltus/dynamics/state.hpp"
#include "saltus/dynamics/step.hpp"

namespace saltus {

/// Strides are in steps; 0 = never.
struct LoopSettings {
  std::int64_t steps = 0;                   ///< of production, which is steps 0 … steps
  std::int64_t equilibration_steps = 0;     ///< before it, numbered -equilibration_steps … -1, at negative times
  double timestep_fs = 2;
  Thermostat thermostat;
  std::optional<Thermostat> equilibration_thermostat;  ///< none: as in production
  std::optional<Barostat> barostat;         ///< of equilibration and production; none: constant volume
  bool log_pressure = false;                ///< measured for each log row; always under a barostat
  std::int64_t write_stride = 10;           ///< frames; of production only
  std::int64_t log_stride = 50;
  std::int64_t checkpoint_stride = 5000;
  std::int64_t extrapolation_stride = 100;  ///< of measurements of the extrapolation and the spread
  double max_extrapolation = std::numeric_limits<double>::infinity();
  double max_force_spread_ev_ang = std::numeric_limits<double>::infinity();  ///< of a committee
  double temperature_limit_kelvin = std::numeric_limits<double>::infinity();
  double skin_ang = 1;
};

struct LogRow {
  std::int64_t step = 0;
  double time_fs = 0;
  double temperature_kelvin = 0;
  double potential_ev = 0;
  double kinetic_ev = 0;
  double conserved_ev = 0;                  ///< potential + kinetic (+ pV under a barostat) - what thermostats and barostat put in
  std::optional<double> max_extrapolation;  ///< largest over atoms and measurements since the last row
  std::optional<double> max_force_spread_ev_ang;  ///< likewise, of a committee
  std::optional<double> volume_ang3, pressure_gpa;  ///< where the pressure is measured
};

/// Receivers; any may be empty. `checkpoint` comes after the frame and the row of its step.
struct LoopSinks {
  std::function<void(const Frame&)> frame;
  std::function<void(const LogRow&)> log;
  std::function<void(const State&)> checkpoint;  ///< every stride, at the end, and when stopped
  std::function<bool()> stop_requested;          ///< asked after every step
  Progress progress;
};

enum class LoopEnd { finished, stopped };

/// Puts the state at the start: step -equilibration_steps, no output yet.
void begin_dynamics(State& state, const LoopSettings& settings);

/// Goes on from the state (fresh from begin_dynamics, or read from a checkpoint) to the last step. Under a thermostat
/// that conserves momentum the velocity of the centre of mass is removed at the start of each phase.
///
/// Throws Error{usage} for settings that cannot be meant (constant pressure without a thermostat or a cell periodic along all axes), Error{numeric} with step, time, atom and reason when a force is
/// not finite, or temperature, extrapolation or spread exceed their limit.
LoopEnd run_dynamics(State& state, const Potential& potential, const LoopSettings& settings, const LoopSinks& sinks);

}  // namespace saltus
