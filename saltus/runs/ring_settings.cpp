#include "saltus/runs/ring_settings.hpp"

#include <array>
#include <numbers>
#include <optional>
#include <utility>

#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/choices.hpp"
#include "saltus/runs/gle_file.hpp"
#include "saltus/runs/pimd_plan.hpp"
#include "saltus/runs/setting_words.hpp"
#include "saltus/runs/toml_fields.hpp"

namespace saltus::runs {

namespace {

double mass_of(const std::string& text, const std::string& whole) {
  if (const auto number = parse_double(text); number && *number > 0) return *number;
  if (text == "H" || text == "D" || text == "T") return nucleus_mass_amu(text);
  throw Error(ErrorKind::usage, fmt::format("'{}': '{}' is no mass: give amu, or H, D or T", whole, text));
}

std::pair<std::string, std::string> split_at_equals(const std::string& text, const char* example) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) throw Error(ErrorKind::usage, fmt::format("'{}': expected something like {}", text, example));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

DistanceRestraint restraint_of(const std::string& text, double stiffness_ev_ang2) {
  constexpr const char* example = "0-1=2.6";
  const auto [pair, distance] = split_at_equals(text, example);
  const auto dash = pair.find('-');
  std::optional<std::int64_t> first, second;
  if (dash != std::string::npos) {
    first = parse_int(pair.substr(0, dash));
    second = parse_int(pair.substr(dash + 1));
  }
  const auto length = parse_double(distance);
  if (!first || !second || !length || *first < 0 || *second < 0)
    throw Error(ErrorKind::usage, fmt::format("'{}': expected two atoms, counted from 0, and a distance in Å, like {}", text, example));
  return {static_cast<std::size_t>(*first), static_cast<std::size_t>(*second), *length, stiffness_ev_ang2};
}

RingThermostat thermostat_of(const RingSettings& s) {
  const bool piglet = s.thermostat == "piglet";
  if (piglet || s.thermostat == "gle") {
    if (s.gle_file.empty()) throw Error(ErrorKind::usage, fmt::format("the thermostat {} needs its matrices: gle_file", s.thermostat));
    return read_ring_gle(s.gle_file, piglet, static_cast<std::size_t>(s.beads), s.temperature_kelvin);
  }
  if (!s.gle_file.empty()) throw Error(ErrorKind::usage, fmt::format("gle_file goes with the thermostats gle and piglet, not with {}", s.thermostat));
  const double lambda = s.lambda > 0 ? s.lambda : s.thermostat == "trpmd" ? 0.5 : 1;
  if (s.thermostat == "pile_g") return PileGlobal{s.centroid_time_fs, lambda};
  if (s.thermostat == "langevin") return RingLangevin{s.friction_per_fs};
  if (s.thermostat == "trpmd") return RingTrpmd{lambda};
  if (s.thermostat == "cmd") return RingCmd{2 * std::numbers::pi * units::light_cm_per_fs * s.cmd_wavenumber_per_cm, lambda};
  if (s.cmd_wavenumber_per_cm > 0) throw Error(ErrorKind::usage, fmt::format("cmd_wavenumber_per_cm goes with the thermostat cmd, not with {}", s.thermostat));
  if (s.thermostat == "none") return NoRingThermostat{};
  return PileLocal{s.centroid_time_fs, lambda};
}

}  // namespace

std::span<const Field<RingSettings>> ring_fields() {
  using S = RingSettings;
  static const std::array table{
      Field<S>{.key = "beads", .member = &S::beads, .unit = "", .help = "of each ring polymer; 1 = classical", .minimum = 1, .maximum = 4096},
      Field<S>{.key = "temperature_kelvin", .member = &S::temperature_kelvin, .unit = "kelvin", .help = "of the system; must be given", .minimum = 1e-3, .maximum = 1e5},
      Field<S>{.key = "masses", .member = &S::masses, .unit = "", .help = "of elements in place of the frame's: \"H=D\", \"H=T\", \"O=17.999\""},
      Field<S>{.key = "thermostat", .member = &S::thermostat, .unit = "", .help = "of the production", .choices = ring_thermostats()},
      Field<S>{.key = "centroid_time_fs", .member = &S::centroid_time_fs, .unit = "fs", .help = "of pile on the centroids", .minimum = 1e-3, .maximum = 1e9},
      Field<S>{.key = "lambda", .member = &S::lambda, .unit = "", .help = "friction of the modes over 2 w_k; 0 = 1, of trpmd 0.5", .minimum = 0, .maximum = 1e3},
      Field<S>{.key = "cmd_wavenumber_per_cm", .member = &S::cmd_wavenumber_per_cm, .unit = "per_cm", .help = "of all modes under cmd; 0 = P^(P/(P−1)) kB T/ħ", .minimum = 0, .maximum = 1e6},
      Field<S>{.key = "friction_per_fs", .member = &S::friction_per_fs, .unit = "per_fs", .help = "of langevin", .minimum = 0, .maximum = 1e3},
      Field<S>{.key = "gle_file", .member = &S::gle_file, .unit = "", .help = "matrices of gle and piglet, as i-PI, CP2K or GLE4MD have them"},
      Field<S>{.key = "splitting", .member = &S::splitting, .unit = "", .help = "order of the steps", .choices = ring_splittings()},
      Field<S>{.key = "factorization", .member = &S::factorization, .unit = "", .help = "of the Boltzmann operator, of second or fourth order", .choices = ring_factorizations()},
      Field<S>{.key = "suzuki_chin_alpha", .member = &S::suzuki_chin_alpha, .unit = "", .help = "part of the correction that is on the even beads; 0 needs the fewest forces", .minimum = 0, .maximum = 1},
      Field<S>{.key = "barostat", .member = &S::barostat, .unit = "", .help = "what of the cell may change, equilibration included", .choices = barostats()},
      Field<S>{.key = "pressure_gpa", .member = &S::pressure_gpa, .unit = "gpa", .help = "of the barostat", .minimum = -1e4, .maximum = 1e4},
      Field<S>{.key = "barostat_time_ps", .member = &S::barostat_time_ps, .unit = "ps", .help = "its relaxation time", .minimum = 1e-4, .maximum = 1e6},
      Field<S>{.key = "compressibility_per_gpa", .member = &S::compressibility_per_gpa, .unit = "per_gpa",
               .help = "estimate of it, for the relaxation time to be true; the averages do not depend on it", .minimum = 1e-6, .maximum = 1e9},
      Field<S>{.key = "timestep_fs", .member = &S::timestep_fs, .unit = "fs", .help = "time step", .minimum = 1e-4, .maximum = 100},
      Field<S>{.key = "inner_steps", .member = &S::inner_steps, .unit = "", .help = "that each step has under the reference model", .minimum = 1, .maximum = 1000},
      Field<S>{.key = "contracted_beads", .member = &S::contracted_beads, .unit = "", .help = "on which the model less its reference model acts: an odd number; 0 = all", .minimum = 0, .maximum = 4096},
      Field<S>{.key = "equilibration_steps", .member = &S::equilibration_steps, .unit = "", .help = "before production, logged, not written", .minimum = 0, .maximum = 1e12},
      Field<S>{.key = "steps", .member = &S::steps, .unit = "", .help = "of production; must be given; more extend a finished run", .minimum = 1, .maximum = 1e12},
      Field<S>{.key = "write_every", .member = &S::write_every, .unit = "", .help = "steps between frames of the centroids; 0 = none", .minimum = 0},
      Field<S>{.key = "beads_every", .member = &S::beads_every, .unit = "", .help = "steps between frames of all beads; 0 = none", .minimum = 0},
      Field<S>{.key = "write_velocities", .member = &S::write_velocities, .unit = "", .help = "of the centroids too"},
      Field<S>{.key = "write_forces", .member = &S::write_forces, .unit = "", .help = "on the beads too"},
      Field<S>{.key = "trajectory_precision", .member = &S::trajectory_precision, .unit = "", .help = "of the numbers in the frames", .choices = precisions()},
      Field<S>{.key = "log_every", .member = &S::log_every, .unit = "", .help = "steps between measurements", .minimum = 1},
      Field<S>{.key = "tensors", .member = &S::tensors, .unit = "", .help = "kinetic energy and spread of each species are measured as tensors too"},
      Field<S>{.key = "isotopes", .member = &S::isotopes, .unit = "", .help = "changes whose free energy is measured, one atom at a time: \"H=D\", \"O=17.999\""},
      Field<S>{.key = "momentum", .member = &S::momentum, .unit = "", .help = "species whose momenta are measured, by displaced paths of one atom at a time: \"H\""},
      Field<S>{.key = "momentum_displacements_ang", .member = &S::momentum_displacements_ang, .unit = "ang",
               .help = "between the ends of these paths, ascending; empty = four steps up to 0.5 √(m_H/m)", .minimum = 1e-3, .maximum = 10},
      Field<S>{.key = "restraints", .member = &S::restraints, .unit = "", .help = "distances held in every bead: two atoms, from 0, and Å, \"0-1=2.6\""},
      Field<S>{.key = "restraint_stiffness_ev_ang2", .member = &S::restraint_stiffness_ev_ang2, .unit = "ev_ang2", .help = "k of ½ k (d − d0)²", .minimum = 1e-6},
      Field<S>{.key = "checkpoint_every", .member = &S::checkpoint_every, .unit = "", .help = "steps between checkpoints", .minimum = 1},
      Field<S>{.key = "extrapolation_every", .member = &S::extrapolation_every, .unit = "", .help = "steps between measurements of extrapolation and spread; 0 = none", .minimum = 0},
      Field<S>{.key = "max_extrapolation", .member = &S::max_extrapolation, .unit = "", .help = "the run stops with an atom of a bead beyond (1 = edge of the training data; 0 = never)", .minimum = 0},
      Field<S>{.key = "max_force_spread_ev_ang", .member = &S::max_force_spread_ev_ang, .unit = "ev_ang", .help = "of a committee: the run stops with an atom of a bead beyond; 0 = never", .minimum = 0},
      Field<S>{.key = "temperature_limit_factor", .member = &S::temperature_limit_factor, .unit = "", .help = "the run stops above so many times the temperature; 0 = never", .minimum = 0},
      Field<S>{.key = "trust_stress", .member = &S::trust_stress, .unit = "", .help = "the model's stress is good, although its file does not say so: pressures are measured"},
      Field<S>{.key = "skin_ang", .member = &S::skin_ang, .unit = "ang", .help = "of the neighbour lists", .minimum = 0, .maximum = 5},
  };
  return table;
}

void read_ring_settings(std::string_view toml, const std::string& source_name, RingSettings& settings) {
  const TomlSource source{source_name};
  read_fields(source, parse_toml(toml, source), ring_fields(), settings, "settings of pimd");
}

void set_ring_settings(const std::vector<std::string>& words, RingSettings& settings) {
  for (const std::string& word : words) {
    const std::string line = toml_of_word(word, ring_fields(), "saltus pimd --list-settings");
    try {
      read_ring_settings(line, word, settings);
    } catch (const Error& error) {
      throw Error(ErrorKind::usage, error.what());
    }
  }
}

std::string ring_settings_text() { return settings_toml_text(RingSettings{}, ring_fields()); }

RingDynamicsSettings ring_dynamics_of(const RingSettings& s, std::uint64_t seed) {
  if (!(s.temperature_kelvin > 0)) throw Error(ErrorKind::usage, "path-integral dynamics needs a temperature: temperature_kelvin");
  if (s.steps <= 0) throw Error(ErrorKind::usage, "path-integral dynamics needs a number of steps: steps");
  RingDynamicsSettings run;
  run.seed = seed;
  run.beads = static_cast<std::size_t>(s.beads);
  run.temperature_kelvin = s.temperature_kelvin;
  run.temperature_limit_factor = s.temperature_limit_factor;
  if (s.max_extrapolation > 0) run.max_extrapolation = s.max_extrapolation;
  if (s.max_force_spread_ev_ang > 0) run.max_force_spread_ev_ang = s.max_force_spread_ev_ang;
  run.trust_stress = s.trust_stress;
  run.write_velocities = s.write_velocities;
  run.write_forces = s.write_forces;
  run.single_precision = s.trajectory_precision == "single";
  RingLoopSettings& loop = run.loop;
  loop.steps = s.steps;
  loop.equilibration_steps = s.equilibration_steps;
  loop.timestep_fs = s.timestep_fs;
  loop.inner_steps = s.inner_steps;
  loop.contracted_beads = static_cast<std::size_t>(s.contracted_beads);
  loop.splitting = s.splitting == "obabo" ? Splitting::obabo : Splitting::baoab;
  if (s.factorization != "primitive") loop.factorization.kind = s.factorization == "suzuki_chin" ? Factorization::suzuki_chin : Factorization::takahashi_imada;
  loop.factorization.alpha = s.suzuki_chin_alpha;
  loop.thermostat = thermostat_of(s);
  if (const auto* gle = std::get_if<RingGle>(&loop.thermostat); gle && !loop.factorization.primitive() && !is_canonical(*gle, run.beads, run.temperature_kelvin))
    throw Error(ErrorKind::usage, fmt::format("the matrices in {} make the quantum fluctuations of the primitive factorization: leave out factorization, or take another thermostat", s.gle_file));
  if (s.barostat != "none")
    loop.barostat = Barostat{cell_freedom_named(s.barostat), s.pressure_gpa / units::gpa_per_ev_ang3, units::fs_per_ps * s.barostat_time_ps,
                             s.compressibility_per_gpa * units::gpa_per_ev_ang3};
  loop.write_stride = s.write_every;
  loop.bead_stride = s.beads_every;
  loop.log_stride = s.log_every;
  loop.checkpoint_stride = s.checkpoint_every;
  loop.extrapolation_stride = s.extrapolation_every;
  loop.skin_ang = s.skin_ang;
  loop.log.tensors = s.tensors;
  for (const std::string& text : s.masses) {
    const auto [element, mass] = split_at_equals(text, "H=D or O=17.999");
    run.masses.push_back({element, mass_of(mass, text)});
  }
  for (const std::string& text : s.isotopes) {
    const auto [species, mass] = split_at_equals(text, "H=D or O=17.999");
    loop.log.isotopes.push_back({species, mass, mass_of(mass, text)});
  }
  loop.log.momentum = s.momentum;
  loop.log.momentum_displacements_ang = s.momentum_displacements_ang;
  require_factorization(loop, run.beads);
  require_momentum(loop, run.beads, run.temperature_kelvin);
  for (const std::string& text : s.restraints) run.restraints.push_back(restraint_of(text, s.restraint_stiffness_ev_ang2));
  return run;
}

}  // namespace saltus::runs
