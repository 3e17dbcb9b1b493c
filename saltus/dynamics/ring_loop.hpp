// The loop of path-integral molecular dynamics of atoms: equilibration, production, what is watched, what is handed out.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>

#include "saltus/base/progress.hpp"
#include "saltus/dynamics/loop.hpp"
#include "saltus/dynamics/ring_barostat.hpp"
#include "saltus/dynamics/ring_log.hpp"

namespace saltus {

/// Strides are in steps; 0 = never.
struct RingLoopSettings {
  std::int64_t steps = 0;                 ///< of production, which is steps 0 … steps
  std::int64_t equilibration_steps = 0;   ///< before it, numbered -equilibration_steps … -1
  double timestep_fs = 0.25;
  std::int64_t inner_steps = 1;           ///< that a step has under the potential, where there is a correction
  std::size_t contracted_beads = 0;       ///< on which the correction acts; 0: there is none
  Splitting splitting = Splitting::baoab;
  RingFactorization factorization;
  RingThermostat thermostat = PileLocal{};
  std::optional<RingThermostat> equilibration_thermostat;  ///< none: as in production
  std::optional<Barostat> barostat;         ///< of equilibration and production; none: constant volume
  bool log_pressure = false;                ///< measured for each log row
  std::int64_t write_stride = 10;         ///< frames of the centroids; of production only
  std::int64_t bead_stride = 0;           ///< frames of all beads, or those that represent (RingFactorization), counted from 0; likewise
  std::int64_t log_stride = 10;
  std::int64_t checkpoint_stride = 2000;
  std::int64_t extrapolation_stride = 20; ///< of measurements of the extrapolation and the spread
  double max_extrapolation = std::numeric_limits<double>::infinity();
  double max_force_spread_ev_ang = std::numeric_limits<double>::infinity();
  double temperature_limit_kelvin = std::numeric_limits<double>::infinity();  ///< of the ring
  double skin_ang = 1;
  RingLogSettings log;
};

/// Receivers; any may be empty. `checkpoint` comes after the frames and the row of its step.
struct RingLoopSinks {
  std::function<void(const Frame&)> centroids;
  std::function<void(const Frame&)> bead;               ///< bead 0 … P−1 of a step, one after another
  std::function<void(std::span<const double>)> log;     ///< ring_log_columns
  std::function<void(const AtomRing&)> checkpoint;      ///< every stride, at the end, and when stopped
  std::function<bool()> stop_requested;                 ///< asked after every step
  Progress progress;
};

/// Throws Error{usage} for a factorisation that cannot be: with these beads, contracted ones, a barostat or pressures.
void require_factorization(const RingLoopSettings& settings, std::size_t beads);

/// Puts the state at the start: step -equilibration_steps, no output yet. Throws Error{usage} for contracted beads that cannot be.
void begin_ring_dynamics(AtomRing& state, const RingLoopSettings& settings);

/// Goes on from the state to the last step. Where the thermostat conserves the momentum of the centroids (pile_g, trpmd, cmd, none), it is removed
/// at the start of each phase.
///
/// Under a remote potential the state before each step is kept: where a force call fails or is interrupted, it goes to `checkpoint`
/// before the error is thrown, or the loop returns as stopped.
///
/// Throws Error{usage} for settings that cannot be meant (a barostat without a thermostat on the centroids among them), Error{numeric} with step, time, bead, atom and reason when a force is not finite,
/// or temperature, extrapolation or spread exceed their limit; what the potential throws; Interrupted in the first forces.
///
/// correction  acts on settings.contracted_beads besides the potential, every whole step
LoopEnd run_ring_dynamics(AtomRing& state, const Potential& potential, const RingLoopSettings& settings, const RingLoopSinks& sinks, const Potential* correction = nullptr);

}  // namespace saltus
