#include "saltus/dynamics/ring_polymer.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/velocity_rescaling.hpp"
#include "saltus/kernels/matrix_product.hpp"
#include "saltus/kernels/normals.hpp"

namespace saltus {

namespace {

// Columns that one piece of work takes: whole groups of deviates, enough numbers to be worth a thread. Depends on the system alone,
// and so do the results.
std::size_t columns_per_chunk(const RingState& state) {
  constexpr std::size_t numbers = 16384, group = kernels::normals_per_group;
  return std::max<std::size_t>(1, numbers / state.beads() / group) * group;
}

void for_columns(const RingState& state, const std::function<void(std::size_t, std::size_t)>& body) {
  parallel_chunks(state.freedom(), columns_per_chunk(state), body);
}

// rows of `out` = matrix · rows of `in`
void transform(const std::vector<double>& matrix, std::size_t beads, std::size_t freedom, std::size_t first, std::size_t last, const double* in, double* out) {
  kernels::multiply(beads, beads, last - first, 1, matrix.data(), beads, in + first, freedom, false, out + first, freedom);
}

void check_sizes(const RingModes& modes, std::size_t freedom, std::size_t a, std::size_t b) {
  if (a != modes.beads * freedom || b != a) throw Error(ErrorKind::internal, "ring polymer: sizes of beads and modes do not fit");
}

void require_finite(const RingState& state) {
  const std::size_t n = state.freedom();
  for (std::size_t bead = 0; bead < state.beads(); ++bead) {
    double sum = state.energy_ev[bead];
    for (std::size_t i = 0; i < n; ++i) sum += state.force_ev_ang[bead * n + i];
    if (std::isfinite(sum)) continue;
    for (std::size_t i = 0; i < n; ++i)
      if (!std::isfinite(state.force_ev_ang[bead * n + i]))
        throw Error(ErrorKind::numeric, fmt::format("the force on degree of freedom {} of bead {} is not finite", i, bead));
    throw Error(ErrorKind::numeric, fmt::format("energy or forces of bead {} are not finite", bead));
  }
}

double rate_of(const std::vector<double>& rate, std::size_t mode) { return rate.empty() ? 1 : rate[mode]; }

void advance(const RingKick& kick, RingState& state, double dt_fs, const BeadForces& forces) {
  update_forces(state, forces);
  const double scale = kick.fraction * dt_fs / units::ev_per_amu_ang2_fs2;
  const std::size_t n = state.freedom(), beads = state.beads();
  for_columns(state, [&](std::size_t first, std::size_t last) {
    std::vector<double> factor(last - first);
    for (std::size_t k = 0; k < beads; ++k) {
      if (k == 0 || !kick.rate.empty())
        for (std::size_t i = first; i < last; ++i) factor[i - first] = scale * rate_of(kick.rate, k) / state.mass_amu[i];
      double* v = state.mode_velocity_ang_fs.data() + k * n + first;
      const double* f = state.mode_force_ev_ang.data() + k * n + first;
      for (std::size_t i = 0; i < factor.size(); ++i) v[i] += factor[i] * f[i];
    }
  });
}

void advance(const RingDrift& drift, RingState& state, double dt_fs, const BeadForces&) {
  const double time = drift.fraction * dt_fs;
  const std::size_t n = state.freedom(), beads = state.beads();
  for_columns(state, [&](std::size_t first, std::size_t last) {
    for (std::size_t k = 0; k < beads; ++k) {
      const double frequency = state.modes.frequency_per_fs[k];
      const double angle = frequency * time * rate_of(drift.rate, k), c = std::cos(angle), s = std::sin(angle);
      const double reach = k == 0 ? time : s / frequency, turn = frequency * s;
      double* q = state.mode_position_ang.data() + k * n;
      double* v = state.mode_velocity_ang_fs.data() + k * n;
      for (std::size_t i = first; i < last; ++i) {
        const double position = q[i], velocity = v[i];
        q[i] = c * position + reach * velocity;
        v[i] = c * velocity - turn * position;
      }
    }
  });
  state.forces_current = false;
}

void advance(const RingBath& bath, RingState& state, double dt_fs, const BeadForces&) {
  const std::size_t n = state.freedom(), beads = state.beads(), width = columns_per_chunk(state);
  if (bath.mode.size() != beads) throw Error(ErrorKind::internal, "ring polymer: a bath of as many modes as there are beads is needed");
  const std::uint64_t counters_per_row = kernels::counters_of_normals(n);
  std::vector<double> heat((n + width - 1) / width);
  for_columns(state, [&](std::size_t first, std::size_t last) {
    const std::size_t columns = last - first;
    std::vector<double> deviate(columns), spread(columns), half_mass(columns);
    for (std::size_t i = 0; i < columns; ++i) {
      const double mass = state.mass_amu[first + i];
      spread[i] = 1 / std::sqrt(mass);
      half_mass[i] = 0.5 * mass;
    }
    double sum[4] = {0, 0, 0, 0};
    for (std::size_t k = 0; k < beads; ++k) {
      const double exponent = bath.mode[k].friction_per_fs * bath.fraction * dt_fs;
      if (exponent == 0) continue;
      const double keep = std::exp(-exponent);
      const double kick = std::sqrt(-std::expm1(-2 * exponent) * bath.mode[k].temperature_kelvin * units::boltzmann_ev_per_kelvin /
                                    units::ev_per_amu_ang2_fs2);
      kernels::fill_normals(state.random.seed, state.random.stream,
                            state.random.counter + k * counters_per_row + kernels::counters_of_normals(first), deviate);
      double* v = state.mode_velocity_ang_fs.data() + k * n + first;
      for (std::size_t i = 0; i < columns; ++i) {
        const double before = v[i], after = keep * before + kick * spread[i] * deviate[i];
        v[i] = after;
        deviate[i] = half_mass[i] * (after - before) * (after + before);
      }
      std::size_t i = 0;
      for (; i + 4 <= columns; i += 4)
        for (std::size_t l = 0; l < 4; ++l) sum[l] += deviate[i + l];
      for (; i < columns; ++i) sum[0] += deviate[i];
    }
    heat[first / width] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  });
  state.random.counter += beads * counters_per_row;
  double total = 0;
  for (const double part : heat) total += part;
  state.thermostat_ev += total * units::ev_per_amu_ang2_fs2;
}

void advance(const CentroidRescaling& bath, RingState& state, double dt_fs, const BeadForces&) {
  const std::size_t n = state.freedom();
  double kinetic = 0;
  for (std::size_t i = 0; i < n; ++i) kinetic += state.mass_amu[i] * state.mode_velocity_ang_fs[i] * state.mode_velocity_ang_fs[i];
  kinetic *= 0.5 * units::ev_per_amu_ang2_fs2;
  const double factor = velocity_rescaling_factor(kinetic, n - bath.constrained, bath.temperature_kelvin, bath.fraction * dt_fs / bath.time_constant_fs, state.random);
  for (std::size_t i = 0; i < n; ++i) state.mode_velocity_ang_fs[i] *= factor;
  state.thermostat_ev += kinetic * (factor * factor - 1);
}

void advance(const GleBath& bath, RingState& state, double dt_fs, const BeadForces&) { propagate(bath, state, dt_fs); }

void require(bool holds, const char* what, double value) {
  if (!holds || !std::isfinite(value)) throw Error(ErrorKind::usage, fmt::format("thermostat of ring polymers: the {}, not {}", what, value));
}

// Friction 2 lambda w_k on the modes and one of its own on the centroid.
RingBath pile(const RingModes& modes, double centroid_friction_per_fs, double lambda) {
  require(lambda >= 0, "lambda must not be negative", lambda);
  const double kelvin = static_cast<double>(modes.beads) * modes.temperature_kelvin;
  RingBath bath{1, {{centroid_friction_per_fs, kelvin}}};
  for (std::size_t k = 1; k < modes.beads; ++k) bath.mode.push_back({2 * lambda * modes.frequency_per_fs[k], kelvin});
  return bath;
}

RingIntegrator steps_of(const NoRingThermostat&, const RingModes&) { return {}; }
RingIntegrator steps_of(const PileLocal& t, const RingModes& modes) {
  require(t.centroid_time_fs > 0, "time constant must be positive", t.centroid_time_fs);
  return {pile(modes, 1 / t.centroid_time_fs, t.lambda)};
}
RingIntegrator steps_of(const PileGlobal& t, const RingModes& modes) {
  require(t.centroid_time_fs > 0, "time constant must be positive", t.centroid_time_fs);
  return {CentroidRescaling{1, static_cast<double>(modes.beads) * modes.temperature_kelvin, t.centroid_time_fs}, pile(modes, 0, t.lambda)};
}
RingIntegrator steps_of(const RingLangevin& t, const RingModes& modes) {
  require(t.friction_per_fs >= 0, "friction must not be negative", t.friction_per_fs);
  return {RingBath{1, std::vector<ModeBath>(modes.beads, {t.friction_per_fs, static_cast<double>(modes.beads) * modes.temperature_kelvin})}};
}
RingIntegrator steps_of(const RingTrpmd& t, const RingModes& modes) { return {pile(modes, 0, t.lambda)}; }
double frequency_of(const RingCmd& t, const RingModes& modes) {
  require(t.frequency_per_fs >= 0, "frequency of the modes must not be negative", t.frequency_per_fs);
  const auto beads = static_cast<double>(modes.beads);
  if (t.frequency_per_fs > 0 || modes.beads == 1) return t.frequency_per_fs;
  return std::pow(beads, beads / (beads - 1)) * units::boltzmann_ev_per_kelvin * modes.temperature_kelvin / units::hbar_ev_fs;
}

RingIntegrator steps_of(const RingCmd& t, const RingModes& modes) {
  RingBath bath = pile(modes, 0, t.lambda);
  for (std::size_t k = 1; k < modes.beads; ++k) bath.mode[k].friction_per_fs = 2 * t.lambda * frequency_of(t, modes);
  return {bath};
}
RingIntegrator steps_of(const RingGle& t, const RingModes& modes) {
  require_gle(t.matrices, modes.beads);
  return {GleBath{1, t.matrices}};
}

}  // namespace

RingModes ring_modes(std::size_t beads, double temperature_kelvin) {
  if (beads == 0) throw Error(ErrorKind::usage, "a ring polymer needs at least one bead");
  if (!(temperature_kelvin > 0) || !std::isfinite(temperature_kelvin))
    throw Error(ErrorKind::usage, fmt::format("a ring polymer needs a positive temperature, not {} K", temperature_kelvin));
  RingModes modes{beads, temperature_kelvin, std::vector<double>(beads * beads), std::vector<double>(beads * beads), std::vector<double>(beads)};
  const auto count = static_cast<double>(beads);
  const double chain = count * units::boltzmann_ev_per_kelvin * temperature_kelvin / units::hbar_ev_fs;
  for (std::size_t k = 0; k < beads; ++k) {
    modes.frequency_per_fs[k] = 2 * chain * std::sin(static_cast<double>(k) * std::numbers::pi / count);
    for (std::size_t j = 0; j < beads; ++j) {
      const double angle = 2 * std::numbers::pi * static_cast<double>((j * k) % beads) / count;
      double c = std::sqrt(1 / count);
      if (2 * k == beads) c *= j % 2 ? -1 : 1;
      else if (k > 0) c *= std::numbers::sqrt2 * (2 * k < beads ? std::cos(angle) : std::sin(angle));
      modes.matrix[j * beads + k] = modes.transposed[k * beads + j] = c;
    }
  }
  return modes;
}

void to_beads(const RingModes& modes, std::size_t freedom, std::span<const double> in_modes, std::span<double> in_beads) {
  check_sizes(modes, freedom, in_modes.size(), in_beads.size());
  transform(modes.matrix, modes.beads, freedom, 0, freedom, in_modes.data(), in_beads.data());
}

void to_modes(const RingModes& modes, std::size_t freedom, std::span<const double> in_beads, std::span<double> in_modes) {
  check_sizes(modes, freedom, in_beads.size(), in_modes.size());
  transform(modes.transposed, modes.beads, freedom, 0, freedom, in_beads.data(), in_modes.data());
}

RingState thermal_ring_state(const RingModes& modes, std::vector<double> mass_amu, std::span<const double> centroid_ang, const Random& random) {
  const std::size_t n = mass_amu.size(), beads = modes.beads;
  if (n == 0 || centroid_ang.size() != n) throw Error(ErrorKind::usage, "ring polymers need at least one degree of freedom, with a mass and a centroid each");
  for (const double mass : mass_amu)
    if (!(mass > 0) || !std::isfinite(mass)) throw Error(ErrorKind::usage, fmt::format("masses must be positive, not {} amu", mass));
  RingState state;
  state.modes = modes;
  state.mass_amu = std::move(mass_amu);
  state.random = random;
  for (auto* array : {&state.mode_position_ang, &state.mode_velocity_ang_fs, &state.position_ang, &state.force_ev_ang, &state.mode_force_ev_ang})
    array->resize(beads * n);
  state.energy_ev.resize(beads);
  const auto count = static_cast<double>(beads);
  const double kt = count * units::boltzmann_ev_per_kelvin * modes.temperature_kelvin / units::ev_per_amu_ang2_fs2;
  for (std::size_t k = 0; k < beads; ++k)
    for (std::size_t i = 0; i < n; ++i) {
      const double width = std::sqrt(kt / state.mass_amu[i]);
      state.mode_velocity_ang_fs[k * n + i] = width * state.random.normal();
      state.mode_position_ang[k * n + i] = k == 0 ? std::sqrt(count) * centroid_ang[i] : width / modes.frequency_per_fs[k] * state.random.normal();
    }
  return state;
}

void update_forces(RingState& state, const BeadForces& forces) {
  if (state.forces_current) return;
  const std::size_t n = state.freedom(), beads = state.beads();
  for_columns(state, [&](std::size_t first, std::size_t last) {
    transform(state.modes.matrix, beads, n, first, last, state.mode_position_ang.data(), state.position_ang.data());
  });
  forces(state.position_ang, state.energy_ev, state.force_ev_ang);
  require_finite(state);
  for_columns(state, [&](std::size_t first, std::size_t last) {
    transform(state.modes.transposed, beads, n, first, last, state.force_ev_ang.data(), state.mode_force_ev_ang.data());
  });
  state.forces_current = true;
}

void apply(const RingStep& step, RingState& state, double dt_fs, const BeadForces& forces) {
  std::visit([&](const auto& one) { advance(one, state, dt_fs, forces); }, step);
}

void apply(const RingIntegrator& integrator, RingState& state, double dt_fs, const BeadForces& forces) {
  for (const RingStep& step : integrator) apply(step, state, dt_fs, forces);
  update_forces(state, forces);
}

bool is_real_time(const RingThermostat& thermostat) {
  return std::holds_alternative<NoRingThermostat>(thermostat) || std::holds_alternative<RingTrpmd>(thermostat) || std::holds_alternative<RingCmd>(thermostat);
}

RingIntegrator ring_integrator(Splitting splitting, const RingThermostat& thermostat, const RingModes& modes, std::size_t constrained) {
  RingIntegrator bath = std::visit([&](const auto& one) { return steps_of(one, modes); }, thermostat);
  for (RingStep& step : bath)
    if (auto* rescaling = std::get_if<CentroidRescaling>(&step)) rescaling->constrained = constrained;
  const auto part_of_bath = [&](double fraction) {
    RingIntegrator part = bath;
    for (RingStep& step : part) std::visit([&](auto& one) { one.fraction *= fraction; }, step);
    return part;
  };
  std::vector<double> rate;
  if (const auto* cmd = std::get_if<RingCmd>(&thermostat))
    for (std::size_t k = 0; k < modes.beads; ++k) rate.push_back(k == 0 ? 1 : frequency_of(*cmd, modes) / modes.frequency_per_fs[k]);
  RingIntegrator list;
  const auto add = [&](const RingIntegrator& steps) { list.insert(list.end(), steps.begin(), steps.end()); };
  if (splitting == Splitting::obabo || bath.empty()) {
    add(part_of_bath(0.5));
    add({RingKick{0.5, rate}, RingDrift{1, rate}, RingKick{0.5, rate}});
    add(part_of_bath(0.5));
  } else {
    add({RingKick{0.5, rate}, RingDrift{0.5, rate}});
    add(bath);
    add({RingDrift{0.5, rate}, RingKick{0.5, rate}});
  }
  return list;
}

}  // namespace saltus
