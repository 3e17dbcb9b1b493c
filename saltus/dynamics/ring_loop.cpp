#include "saltus/dynamics/ring_loop.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_contraction.hpp"
#include "saltus/dynamics/ring_estimators.hpp"

namespace saltus {

namespace {

using Clock = std::chrono::steady_clock;

bool due(std::int64_t step, std::int64_t stride) { return stride > 0 && step % stride == 0; }

void check(const RingLoopSettings& s, const Cell& cell) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw Error(ErrorKind::usage, std::string("path-integral dynamics: ") + what);
  };
  require(s.steps >= 0 && s.equilibration_steps >= 0, "the number of steps must not be negative");
  require(std::isfinite(s.timestep_fs) && s.timestep_fs > 0, "the time step must be positive");
  require(s.write_stride >= 0 && s.bead_stride >= 0 && s.log_stride >= 0 && s.checkpoint_stride >= 0 && s.extrapolation_stride >= 0, "strides must not be negative");
  require(s.inner_steps >= 1, "the number of inner steps must be positive");
  require(std::isfinite(s.skin_ang) && s.skin_ang >= 0, "the skin must not be negative");
  require(s.temperature_limit_kelvin > 0 && s.max_extrapolation > 0 && s.max_force_spread_ev_ang > 0, "limits must be positive");
  const auto& periodic = cell.periodic();
  require(!(s.barostat || s.log_pressure) || (periodic[0] && periodic[1] && periodic[2]), "a pressure needs a cell that is periodic along all three lattice vectors");
  require(!s.barostat || !(is_real_time(s.thermostat) || (s.equilibration_thermostat && is_real_time(*s.equilibration_thermostat))),
          "constant pressure needs a thermostat on the centroids, not trpmd, cmd or none: take pile_l or pile_g");
  require(!std::holds_alternative<RingCmd>(s.thermostat) || (s.contracted_beads == 0 && s.inner_steps == 1), "cmd goes with one potential: no reference model");
}

bool conserves_momentum(const RingThermostat& thermostat) {
  return is_real_time(thermostat) || std::holds_alternative<PileGlobal>(thermostat);
}

/// The momentum of the centroids to zero.
void remove_drift(RingState& ring) {
  const std::size_t atoms = ring.freedom() / 3;
  const double before = conserved_energy_ev(ring);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double momentum = 0, mass = 0;
    for (std::size_t i = 0; i < atoms; ++i) {
      momentum += ring.mass_amu[3 * i + axis] * ring.mode_velocity_ang_fs[3 * i + axis];
      mass += ring.mass_amu[3 * i + axis];
    }
    for (std::size_t i = 0; i < atoms; ++i) ring.mode_velocity_ang_fs[3 * i + axis] -= momentum / mass;
  }
  ring.thermostat_ev += conserved_energy_ev(ring) - before;
}

struct Phase {
  RingIntegrator integrator;
  bool momentum_conserved = false;
};

Phase phase_of(const AtomRing& state, const RingLoopSettings& settings) {
  const RingThermostat& thermostat = state.ring.step < 0 && settings.equilibration_thermostat ? *settings.equilibration_thermostat : settings.thermostat;
  const bool conserved = conserves_momentum(thermostat) && state.size() > 1;
  return {ring_integrator(settings.splitting, thermostat, state.ring.modes, conserved ? 3 : 0), conserved};
}

/// Keeps the largest value over beads and atoms.
void watch(const AtomRing& state, std::span<const Evaluation> beads, std::vector<double> Evaluation::*of_atom, double limit, const char* what, const char* unit,
           std::optional<double>& largest) {
  for (std::size_t bead = 0; bead < beads.size(); ++bead)
    for (std::size_t i = 0; i < (beads[bead].*of_atom).size(); ++i) {
      const double value = (beads[bead].*of_atom)[i];
      if (!(value <= limit))
        throw Error(ErrorKind::numeric, fmt::format("bead {}: the {} of atom {} ({}) is {:.4g}{}, beyond the limit of {:g}", bead, what, i,
                                                    symbol_of(state.atoms->atomic_number[i]), value, unit, limit));
      largest = std::max(value, largest.value_or(value));
    }
}

double ring_temperature_kelvin(const RingState& ring) {
  const std::size_t n = ring.freedom();
  double sum = 0;
  for (std::size_t k = 0; k < ring.beads(); ++k)
    for (std::size_t i = 0; i < n; ++i) sum += ring.mass_amu[i] * ring.mode_velocity_ang_fs[k * n + i] * ring.mode_velocity_ang_fs[k * n + i];
  const auto beads = static_cast<double>(ring.beads());
  return sum * units::ev_per_amu_ang2_fs2 / (units::boltzmann_ev_per_kelvin * beads * beads * static_cast<double>(n));
}

void save(AtomRing& state, const RingForces& forces, const RingLoopSinks& sinks) {
  forces.save_reference(state);
  if (sinks.checkpoint) sinks.checkpoint(state);
}

// Thinned out, so that a fast potential is not held up by its progress.
class Rate {
 public:
  Rate(std::int64_t first, const RingLoopSettings& settings) : first_(first), settings_(settings) {}
  void report(const Progress& progress, const AtomRing& state, double temperature) {
    if (!progress) return;
    const auto now = Clock::now();
    const std::int64_t step = state.ring.step;
    if (now - last_ < std::chrono::milliseconds(100) && step != settings_.steps) return;
    last_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    progress({step < 0 ? "equilibration" : "path integrals", static_cast<double>(step + settings_.equilibration_steps),
              static_cast<double>(settings_.steps + settings_.equilibration_steps),
              fmt::format("{:.0f} K, {:.3g} steps/s", temperature, seconds > 0 ? static_cast<double>(step - first_) / seconds : 0), {}});
  }

 private:
  std::int64_t first_;
  const RingLoopSettings& settings_;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace

void require_factorization(const RingLoopSettings& s, std::size_t beads) {
  require_factorization(s.factorization, beads);
  if (s.factorization.primitive()) return;
  const auto refuse = [](bool wanted, const char* what) {
    if (wanted) throw Error(ErrorKind::usage, fmt::format("{} goes with factorization = \"primitive\" only", what));
  };
  refuse(s.barostat.has_value(), "constant pressure (barostat)");
  refuse(s.log_pressure, "a pressure");
  refuse(s.contracted_beads > 0 || s.inner_steps > 1, "a reference model (contracted_beads, inner_steps)");
}

void begin_ring_dynamics(AtomRing& state, const RingLoopSettings& settings) {
  state.ring.step = -settings.equilibration_steps;
  state.ring.time_fs = static_cast<double>(state.ring.step) * settings.timestep_fs;
  state.ring.forces_current = false;
  state.ring.thermostat_ev = 0;
  state.begun = false;
  state.virial_ev.reset();
  state.bare_energy_ev.clear();
  state.bare_force_ev_ang.clear();
  state.max_extrapolation.reset();
  state.max_force_spread_ev_ang.reset();
  state.cell_moves = state.cell_moves_accepted = 0;
  state.reference_ang.clear();
  state.displaced_reference_ang.clear();
  state.contracted.clear();
  if (settings.contracted_beads > 0) contract(state, settings.contracted_beads);
}

LoopEnd run_ring_dynamics(AtomRing& state, const Potential& potential, const RingLoopSettings& settings, const RingLoopSinks& sinks, const Potential* correction) {
  check(settings, state.cell);
  require_factorization(settings, state.ring.beads());
  if (settings.barostat) check(CellRescaling{*settings.barostat, state.ring.modes.temperature_kelvin, false});
  RingForces forces(potential, settings.skin_ang);
  if ((correction != nullptr) != !state.contracted.empty()) throw Error(ErrorKind::internal, "a correction and a contracted ring go together");
  if (correction) forces.correct_by(*correction);
  forces.factorize_by(settings.factorization);
  RingState& ring = state.ring;
  const std::vector<RingSpecies> species = ring_species(*state.atoms);
  Phase phase = phase_of(state, settings);
  Rate rate(ring.step, settings);
  bool saved = state.begun, stopped = false;
  std::optional<AtomRing> before;  // the step under way, where forces may fail for reasons that pass; until something of it is written

  const auto measure = [&] {
    forces.measure_doubt(due(ring.step, settings.extrapolation_stride));
    forces.measure_virial((settings.log_pressure && due(ring.step, settings.log_stride)) || (settings.barostat && strains_at(*settings.barostat, ring.step + 1)));
  };
  const auto emit = [&] {
    const bool logged = due(ring.step, settings.log_stride), beads_due = ring.step >= 0 && due(ring.step, settings.bead_stride) && sinks.bead;
    std::optional<AtomRing> sum;  // of the forces, where there are two
    if (correction && (logged || beads_due)) sum = with_contracted(state);
    const AtomRing& whole = sum ? *sum : state;
    std::vector<double> row;
    if (logged) row = ring_log_row(whole, forces, species, settings.log, (ring.step + settings.equilibration_steps) / settings.log_stride);
    before.reset();
    if (logged) {
      if (sinks.log) sinks.log(row);
      state.max_extrapolation.reset();
      state.max_force_spread_ev_ang.reset();
    }
    if (ring.step < 0) return;
    if (due(ring.step, settings.write_stride) && sinks.centroids) sinks.centroids(frame_of_centroids(state));
    std::int32_t written = 0;
    for (std::size_t bead = 0; bead < ring.beads() && beads_due; ++bead) {
      if (!settings.factorization.represents(bead)) continue;
      Frame frame = frame_of_bead(whole, bead);
      frame.bead = written++;
      sinks.bead(frame);
    }
  };
  const auto arrive = [&] {
    if (due(ring.step, settings.extrapolation_stride)) {
      watch(state, forces.evaluations(), &Evaluation::extrapolation, settings.max_extrapolation, "extrapolation measure", "", state.max_extrapolation);
      watch(state, forces.evaluations(), &Evaluation::force_spread_ev_ang, settings.max_force_spread_ev_ang, "spread of the force", " eV/Å", state.max_force_spread_ev_ang);
    }
    const double temperature = ring_temperature_kelvin(ring);
    if (!(temperature <= settings.temperature_limit_kelvin))
      throw Error(ErrorKind::numeric, fmt::format("the temperature of the ring polymer is {:.4g} K, beyond the limit of {:g} K", temperature, settings.temperature_limit_kelvin));
    emit();
    rate.report(sinks.progress, state, temperature);
  };
  // Whole steps only: what was written since is part of the checkpoint.
  const auto save_before = [&] {
    if (!before) return;
    std::swap(state, *before);
    save(state, forces, sinks);
  };

  try {
    if (!state.begun) {
      measure();
      forces.update(state);
      if (phase.momentum_conserved) remove_drift(ring);
      ring.thermostat_ev = 0;
      arrive();
      state.begun = true;
    } else {
      forces.restore(state);
    }
    while (ring.step < settings.steps && !stopped) {
      if (forces.remote()) before = state;
      ++ring.step;
      ring.time_fs = static_cast<double>(ring.step) * settings.timestep_fs;
      if (settings.barostat && strains_at(*settings.barostat, ring.step)) strain_cell(*settings.barostat, state, settings.timestep_fs, forces);
      measure();
      if (correction) apply_contracted(phase.integrator, state, settings.timestep_fs, settings.inner_steps, forces);
      else apply(phase.integrator, ring, settings.timestep_fs, forces.of(state));
      if (ring.step == 0) {
        phase = phase_of(state, settings);
        if (phase.momentum_conserved) remove_drift(ring);
      }
      arrive();
      saved = due(ring.step, settings.checkpoint_stride);
      if (saved) save(state, forces, sinks);
      stopped = sinks.stop_requested && sinks.stop_requested();
    }
  } catch (const Interrupted&) {
    if (!before) throw Interrupted{"the first forces", true};
    save_before();
    return LoopEnd::stopped;
  } catch (const Error& error) {
    const std::string place = fmt::format("step {} ({:g} fs)", ring.step, ring.time_fs);
    save_before();
    if (before) std::swap(state, *before);  // the caller sees where it failed
    if (error.kind() != ErrorKind::numeric && !before) throw;
    throw with_place(error, place);
  }
  if (!saved) save(state, forces, sinks);
  return ring.step < settings.steps ? LoopEnd::stopped : LoopEnd::finished;
}

}  // namespace saltus
