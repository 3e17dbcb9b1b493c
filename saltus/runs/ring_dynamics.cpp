#include "saltus/runs/ring_dynamics.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/dynamics/checkpoint.hpp"
#include "saltus/dynamics/ring_checkpoint.hpp"
#include "saltus/dynamics/ring_contraction.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/potentials/conservation.hpp"
#include "saltus/potentials/difference.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/gle_file.hpp"
#include "saltus/runs/ring_estimates.hpp"
#include "saltus/runs/run_folder.hpp"

namespace saltus::runs {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t ring_stream = 4;

struct Paths {
  fs::path trajectory, beads, log, checkpoint, summary, failed;
  explicit Paths(const fs::path& folder)
      : trajectory(folder / "trajectory"), beads(folder / "beads"), log(folder / "log.csv"), checkpoint(folder / "checkpoint"), summary(folder / "summary.json"),
        failed(folder / "failed.extxyz") {}
};

Frame with_masses(const Frame& start, const std::vector<ElementMass>& masses) {
  Frame frame = start;
  Atoms atoms = *start.atoms;
  for (const ElementMass& mass : masses) {
    const auto element = atomic_number_of(mass.element);
    if (!element) throw Error(ErrorKind::usage, fmt::format("'{}' is not an element to give a mass to", mass.element));
    if (!(mass.mass_amu > 0) || !std::isfinite(mass.mass_amu)) throw Error(ErrorKind::usage, fmt::format("the mass of {} must be positive, not {} amu", mass.element, mass.mass_amu));
    if (std::find(atoms.atomic_number.begin(), atoms.atomic_number.end(), *element) == atoms.atomic_number.end())
      throw Error(ErrorKind::usage, fmt::format("a mass of {} is given, but the starting frame has no such atoms", mass.element));
    for (std::size_t i = 0; i < atoms.size(); ++i)
      if (atoms.atomic_number[i] == *element) atoms.mass_amu[i] = mass.mass_amu;
  }
  frame.atoms = std::make_shared<const Atoms>(std::move(atoms));
  return frame;
}

// The momenta of matrices that are not canonical are those of quantum fluctuations, not of the temperature.
bool is_hot_by_design(const RingThermostat& thermostat, const RingDynamicsSettings& settings) {
  const auto* gle = std::get_if<RingGle>(&thermostat);
  return gle && !is_canonical(*gle, settings.beads, settings.temperature_kelvin);
}

// `info` is that of the potential, or of the correction where there is one.
RingLoopSettings resolved_loop(const RingDynamicsSettings& settings, const Frame& start, const PotentialInfo& info, bool corrected) {
  RingLoopSettings loop = settings.loop;
  if (!corrected && (loop.contracted_beads > 0 || loop.inner_steps > 1))
    throw Error(ErrorKind::usage, "contracted_beads and inner_steps are of two potentials: name a cheap one by --reference-model of saltus pimd (a plan has one)");
  if (corrected && loop.contracted_beads == 0) loop.contracted_beads = settings.beads;
  require_factorization(loop, settings.beads);
  require_momentum(loop, settings.beads, settings.temperature_kelvin);
  const auto& periodic = start.cell.periodic();
  const bool stress = info.trained_on_stress || settings.trust_stress;
  if (loop.barostat && !stress)
    throw Error(ErrorKind::unsupported, fmt::format("constant pressure needs a potential that was trained on stress, which the file of this one ({}) does not say; where you know that "
                                                    "it was, or have checked its pressures, say so by trust_stress = true", info.kind));
  const auto* gle = std::get_if<RingGle>(&loop.thermostat);
  if (loop.barostat && gle && gle->matrices.pairs() == 1 && is_hot_by_design(*gle, settings))
    throw Error(ErrorKind::usage, "constant pressure needs centroids at the temperature, which these matrices of gle do not leave there; take piglet, or pile_l");
  loop.log_pressure = loop.factorization.primitive() && stress && periodic[0] && periodic[1] && periodic[2];
  if (is_real_time(loop.thermostat) && !loop.equilibration_thermostat && loop.equilibration_steps > 0) loop.equilibration_thermostat = PileLocal{};
  if (settings.temperature_limit_factor > 0 && !is_hot_by_design(loop.thermostat, settings)) loop.temperature_limit_kelvin = settings.temperature_limit_factor * settings.temperature_kelvin;
  if (settings.max_extrapolation) {
    if (!info.has_extrapolation) throw Error(ErrorKind::unsupported, "this potential has no extrapolation measure, so a limit on it cannot be kept");
    loop.max_extrapolation = *settings.max_extrapolation;
  }
  if (settings.max_force_spread_ev_ang) {
    if (!info.has_spread) throw Error(ErrorKind::unsupported, "this potential is no committee, so a limit on the spread of its members cannot be kept");
    loop.max_force_spread_ev_ang = *settings.max_force_spread_ev_ang;
  }
  if ((settings.max_extrapolation || settings.max_force_spread_ev_ang) && loop.extrapolation_stride <= 0)
    throw Error(ErrorKind::usage, "a limit on extrapolation or spread needs an extrapolation stride of at least 1");
  const std::vector<RingSpecies> species = ring_species(*start.atoms);
  for (const std::string& name : loop.log.momentum) species_named(species, name, "the momentum");
  for (const IsotopeChange& change : loop.log.isotopes) {
    species_named(species, change.species, "an isotope");
    if (!(change.mass_amu > 0) || !std::isfinite(change.mass_amu)) throw Error(ErrorKind::usage, fmt::format("the mass of {} must be positive", change.name));
  }
  return loop;
}

std::string text_of(const RingThermostat& thermostat) {
  struct Words {
    std::string operator()(const NoRingThermostat&) const { return "none"; }
    std::string operator()(const PileLocal& t) const { return fmt::format("pile_l, centroid {} fs, lambda {}", t.centroid_time_fs, t.lambda); }
    std::string operator()(const PileGlobal& t) const { return fmt::format("pile_g, centroid {} fs, lambda {}", t.centroid_time_fs, t.lambda); }
    std::string operator()(const RingLangevin& t) const { return fmt::format("langevin, friction {}/fs", t.friction_per_fs); }
    std::string operator()(const RingTrpmd& t) const { return fmt::format("trpmd, lambda {}", t.lambda); }
    std::string operator()(const RingCmd& t) const { return fmt::format("cmd, {}/fs, lambda {}", t.frequency_per_fs, t.lambda); }
    std::string operator()(const RingGle& t) const { return "gle, " + identity_of(t); }
  };
  return std::visit(Words(), thermostat);
}

std::string text_of(const RingFactorization& f) {
  if (f.kind == Factorization::suzuki_chin) return fmt::format("suzuki_chin, alpha {}", f.alpha);
  return f.primitive() ? "primitive" : "takahashi_imada";
}

std::string text_of(const std::optional<Barostat>& barostat) {
  if (!barostat) return "none";
  return fmt::format("{}, {} eV/Å³, time constant {} fs, compressibility {} Å³/eV, every {} steps", name(barostat->freedom), barostat->pressure_ev_ang3,
                     barostat->time_constant_fs, barostat->compressibility_ang3_ev, barostat->stride);
}

// All that decides the trajectories and the log, but for the number of steps.
std::vector<NamedSetting> named_settings(const RingDynamicsSettings& settings, const RingLoopSettings& loop, const Frame& start, const std::string& model_sha256) {
  WriteOptions exact;
  exact.velocities = exact.forces = exact.step_and_time = false;
  std::string frame, restraints, isotopes;
  append_extxyz(frame, start, exact);
  for (const double mass : start.atoms->mass_amu) frame += shortest(mass) + ' ';
  for (const DistanceRestraint& r : settings.restraints) restraints += fmt::format("{},{}={} ({} eV/Å²) ", r.first, r.second, r.distance_ang, r.stiffness_ev_ang2);
  for (const IsotopeChange& change : loop.log.isotopes) isotopes += fmt::format("{}={} ({} amu) ", change.species, change.name, change.mass_amu);
  const auto number = [](auto value) { return fmt::format("{}", value); };
  return {{"model", model_sha256},
          {"atoms", fmt::format("{} ({})", start.size(), formula(*start.atoms))},
          {"starting frame", sha256(frame)},
          {"restraints", restraints},
          {"beads", number(settings.beads)},
          {"seed", number(settings.seed)},
          {"temperature_kelvin", number(settings.temperature_kelvin)},
          {"splitting", loop.splitting == Splitting::baoab ? "baoab" : "obabo"},
          {"factorization", text_of(loop.factorization)},
          {"thermostat", text_of(loop.thermostat)},
          {"equilibration_thermostat", text_of(loop.equilibration_thermostat.value_or(loop.thermostat))},
          {"barostat", text_of(loop.barostat)},
          {"pressure logged", number(loop.log_pressure)},
          {"equilibration_steps", number(loop.equilibration_steps)},
          {"timestep_fs", number(loop.timestep_fs)},
          {"inner_steps", number(loop.inner_steps)},
          {"contracted_beads", number(loop.contracted_beads)},
          {"write_stride", number(loop.write_stride)},
          {"bead_stride", number(loop.bead_stride)},
          {"log_stride", number(loop.log_stride)},
          {"checkpoint_stride", number(loop.checkpoint_stride)},
          {"extrapolation_stride", number(loop.extrapolation_stride)},
          {"max_extrapolation", number(loop.max_extrapolation)},
          {"max_force_spread_ev_ang", number(loop.max_force_spread_ev_ang)},
          {"temperature_limit_kelvin", number(loop.temperature_limit_kelvin)},
          {"skin_ang", number(loop.skin_ang)},
          {"tensors", number(loop.log.tensors)},
          {"isotopes", isotopes},
          {"momentum", fmt::format("{} {}", fmt::join(loop.log.momentum, ","), fmt::join(loop.log.momentum_displacements_ang, ","))},
          {"write_velocities", number(settings.write_velocities)},
          {"write_forces", number(settings.write_forces)},
          {"trajectory_precision", settings.single_precision ? "single" : "double"}};
}

std::string formula_of(const std::vector<RingSpecies>& species) {
  std::string text;
  for (const RingSpecies& s : species) text += s.atom.size() > 1 ? fmt::format("{}{}", s.name, s.atom.size()) : s.name;
  return text;
}

RingDynamicsSummary summary_of(const RingCheckpoint& checkpoint, const RingDynamicsSettings& settings, const RingLoopSettings& loop, const fs::path& log) {
  const AtomRing& state = checkpoint.state;
  const std::vector<RingSpecies> species = ring_species(*state.atoms);
  RingDynamicsSummary summary;
  summary.finished = state.ring.step >= loop.steps;
  summary.atoms = state.size();
  summary.beads = state.ring.beads();
  summary.formula = formula_of(species);
  summary.step = state.ring.step;
  summary.time_fs = state.ring.time_fs;
  const auto written = [&](std::int64_t stride) { return stride > 0 && state.ring.step >= 0 ? static_cast<std::size_t>(state.ring.step / stride + 1) : 0; };
  summary.frames = written(loop.write_stride);
  for (std::size_t bead = 0; bead < summary.beads; ++bead)
    if (loop.factorization.represents(bead)) summary.bead_frames += written(loop.bead_stride);
  summary.wall_s = checkpoint.wall_s;
  if (checkpoint.wall_s > 0) summary.steps_per_s = static_cast<double>(state.ring.step + loop.equilibration_steps) / checkpoint.wall_s;
  summary.warnings = checkpoint.warnings;
  const RingLog rows = read_ring_log(log, ring_log_columns(species, loop.log));
  summary.estimates = ring_estimates(rows, species, loop.log, summary.beads, settings.temperature_kelvin);
  summary.momentum = momentum_distributions(rows, species, loop.log, settings.temperature_kelvin);
  if (const auto* gle = std::get_if<RingGle>(&loop.thermostat)) erase_what_does_not_hold(*gle, summary.beads, settings.temperature_kelvin, summary.estimates);
  // Its formula supposes energies that depend on the temperature as those of the primitive factorisation.
  if (!loop.factorization.primitive()) std::erase_if(summary.estimates, [](const NamedEstimate& e) { return e.name == "heat_capacity"; });
  if (state.cell_moves > 0) {
    const double accepted = static_cast<double>(state.cell_moves_accepted) / static_cast<double>(state.cell_moves);
    summary.estimates.push_back({"strains_accepted", Estimate{accepted, accepted, accepted}, false, "", "of those that the barostat proposed"});
  }
  return summary;
}

void write_failed_configuration(const fs::path& path, const AtomRing& reached) {
  const AtomRing state = with_contracted(reached);
  std::string text;
  for (std::size_t bead = 0; bead < state.ring.beads(); ++bead) {
    const Frame frame = frame_of_bead(state, bead);
    for (const Vec3& r : frame.position_ang)
      if (!is_finite(r)) return;
    append_extxyz(text, frame);
  }
  write_file_atomically(path, text);
}

RingDynamicsSummary run_in_folder(const RingDynamicsSettings& settings, const Frame& start, const Potential& potential, const Potential* correction, const std::string& model_sha256,
                                  const fs::path& folder, const Progress& progress, const std::function<bool()>& stop, const WarningList& warnings) {
  const RingLoopSettings loop = resolved_loop(settings, start, (correction ? *correction : potential).info(), correction != nullptr);
  const std::vector<NamedSetting> names = named_settings(settings, loop, start, model_sha256);
  const Paths paths(folder);
  const SimulationLock lock(folder);

  RingCheckpoint checkpoint;
  const bool resumed = fs::exists(paths.checkpoint);
  if (resumed) {
    checkpoint = read_ring_checkpoint(paths.checkpoint);
    try {
      require_same_settings(checkpoint.settings, names);
      if (checkpoint.state.ring.step > loop.steps)
        throw Error(ErrorKind::usage, fmt::format("the run is already at step {}, past the {} steps asked for", checkpoint.state.ring.step, loop.steps));
    } catch (const Error& different) {
      throw with_place(different, folder.string());
    }
  } else {
    require_no_output({paths.trajectory, paths.beads, paths.log, paths.summary});
    checkpoint.state = atom_ring(start, settings.beads, settings.temperature_kelvin, Random(settings.seed, ring_stream));
    begin_ring_dynamics(checkpoint.state, loop);
    checkpoint.settings = names;
    if (const auto warning = conservation_warning((correction ? *correction : potential).info())) checkpoint.warnings.add(*warning);
  }
  remove_leftovers(folder, {"checkpoint.part", "summary.json.part", "failed.extxyz"});
  if (resumed && checkpoint.state.ring.step == loop.steps && checkpoint.state.begun && fs::exists(paths.summary)) {
    RingDynamicsSummary summary = summary_of(checkpoint, settings, loop, paths.log);
    summary.resumed = true;
    summary.resumed_from_step = checkpoint.state.ring.step;
    summary.nothing_to_do = true;
    return summary;
  }
  // Before any output, so that a run killed at once can be continued too.
  if (!resumed) write_ring_checkpoint(paths.checkpoint, checkpoint);
  fs::remove(paths.summary);

  WriteOptions write;
  write.velocities = settings.write_velocities;
  write.single_precision = settings.single_precision;
  WriteOptions write_beads = write;
  write_beads.forces = settings.write_forces;
  std::optional<SegmentWriter> centroids, beads;
  if (loop.write_stride > 0) centroids.emplace(paths.trajectory, write, checkpoint.centroid_segments);
  if (loop.bead_stride > 0) beads.emplace(paths.beads, write_beads, checkpoint.bead_segments);
  GrowingLog log(paths.log, checkpoint.log_bytes, ring_log_header(ring_log_columns(ring_species(*start.atoms), loop.log)));
  AtomRing state = checkpoint.state;
  const std::int64_t first_step = state.ring.step;
  const double wall_before = checkpoint.wall_s;
  const WarningList warnings_before = checkpoint.warnings;
  const auto begin = std::chrono::steady_clock::now();

  RingLoopSinks sinks;
  sinks.progress = progress;
  sinks.stop_requested = stop;
  sinks.centroids = [&](const Frame& frame) { centroids->write(frame); };
  sinks.bead = [&](const Frame& frame) { beads->write(frame); };
  sinks.log = [&](std::span<const double> row) { log.append(ring_log_line({row.begin(), row.end()})); };
  sinks.checkpoint = [&](const AtomRing& reached) {
    if (centroids) checkpoint.centroid_segments = centroids->commit_segment();
    if (beads) checkpoint.bead_segments = beads->commit_segment();
    checkpoint.log_bytes = log.flush_to_disk();
    checkpoint.wall_s = wall_before + std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    checkpoint.warnings = warnings_before;
    checkpoint.warnings.add(warnings);
    checkpoint.state = reached;
    write_ring_checkpoint(paths.checkpoint, checkpoint);
  };
  try {
    run_ring_dynamics(state, potential, loop, sinks, correction);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::numeric) throw;
    write_failed_configuration(paths.failed, state);
    throw with_place(failure, folder.string());
  }
  RingDynamicsSummary summary = summary_of(checkpoint, settings, loop, paths.log);
  summary.resumed = resumed;
  summary.resumed_from_step = first_step;
  if (summary.finished) write_file_atomically(paths.summary, to_json_text(summary));
  return summary;
}

}  // namespace

void require_momentum(const RingLoopSettings& loop, std::size_t beads, double temperature_kelvin) {
  const RingLogSettings& log = loop.log;
  const auto refuse = [](const std::string& why) { throw Error(ErrorKind::usage, why); };
  if (log.momentum.empty()) {
    if (!log.momentum_displacements_ang.empty()) refuse("momentum_displacements_ang needs a species: momentum = [\"H\"]");
    return;
  }
  for (std::size_t a = 0; a < log.momentum.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      if (log.momentum[a] == log.momentum[b]) refuse(fmt::format("the momentum of {} is asked for twice", log.momentum[a]));
  for (std::size_t k = 1; k < log.momentum_displacements_ang.size(); ++k)
    if (!(log.momentum_displacements_ang[k] > log.momentum_displacements_ang[k - 1])) refuse("momentum_displacements_ang must ascend");
  if (!loop.factorization.primitive()) refuse("the momentum is measured with factorization = \"primitive\" only: paths of the others have no such ends");
  if (loop.contracted_beads > 0 && loop.contracted_beads < beads) refuse("the momentum needs both potentials on all beads: contracted_beads = 0");
  const auto* gle = std::get_if<RingGle>(&loop.thermostat);
  if (gle && !is_canonical(*gle, beads, temperature_kelvin))
    refuse("the momentum needs beads as exp(−H/PkT) has them, which these matrices do not leave: take a canonical thermostat such as pile_l");
}

RingDynamicsSummary run_atom_ring_dynamics(const RingDynamicsSettings& settings, const Frame& start, const Potential& potential, const std::string& model_sha256,
                                           const fs::path& folder, const Progress& progress, const std::function<bool()>& stop, const WarningList& warnings,
                                           const Potential* reference) {
  const Frame atoms = with_masses(start, settings.masses);
  std::optional<DifferencePotential> correction;
  if (reference) correction.emplace(potential, *reference);
  const Potential& on_all_beads = reference ? *reference : potential;
  const auto run = [&](const Potential& moved_by) {
    return run_in_folder(settings, atoms, moved_by, correction ? &*correction : nullptr, model_sha256, folder, progress, stop, warnings);
  };
  return settings.restraints.empty() ? run(on_all_beads) : run(RestrainedPotential(on_all_beads, settings.restraints));
}

std::string to_json_text(const RingDynamicsSummary& s) {
  nlohmann::ordered_json json;
  json["finished"] = s.finished;
  json["nothing_to_do"] = s.nothing_to_do;
  json["resumed_from_step"] = s.resumed ? nlohmann::ordered_json(s.resumed_from_step) : nlohmann::ordered_json(nullptr);
  json["atoms"] = s.atoms;
  json["beads"] = s.beads;
  json["formula"] = s.formula;
  json["step"] = s.step;
  json["time_fs"] = s.time_fs;
  json["frames"] = s.frames;
  json["bead_frames"] = s.bead_frames;
  json["estimates"] = nlohmann::ordered_json::array();
  for (const NamedEstimate& estimate : s.estimates) json["estimates"].push_back(to_json(estimate));
  const auto columns = [](const std::vector<Estimate>& list) {
    nlohmann::ordered_json object;
    for (const auto& [key, member] : {std::pair{"value", &Estimate::value}, std::pair{"low", &Estimate::low}, std::pair{"high", &Estimate::high}}) {
      object[key] = nlohmann::ordered_json::array();
      for (const Estimate& e : list) object[key].push_back(e.*member);
    }
    return object;
  };
  if (!s.momentum.empty()) json["momentum"] = nlohmann::ordered_json::array();
  for (const MomentumDistribution& d : s.momentum)
    json["momentum"].push_back({{"species", d.species},
                                {"displacement_ang", d.displacement_ang},
                                {"end_to_end", columns(d.end_to_end)},
                                {"free_end_to_end", d.free_end_to_end},
                                {"wave_number_per_ang", d.wave_number_per_ang},
                                {"density_ang", columns(d.density_ang)},
                                {"classical_density_ang", d.classical_density_ang}});
  json["wall_s"] = s.wall_s;
  json["steps_per_s"] = s.steps_per_s;
  json["warnings"] = s.warnings.first;
  json["warning_count"] = s.warnings.count;
  return json.dump(2) + '\n';
}

}  // namespace saltus::runs
