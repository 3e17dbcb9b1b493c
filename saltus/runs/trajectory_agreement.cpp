#include "saltus/runs/trajectory_agreement.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/runs/temperature_report.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using units::fs_per_ps;

namespace {

constexpr std::size_t fewest_frames = 10, most_blocks = 10;
constexpr double thermostat_time_fs = 200;

/// A folder of its own, removed with all in it.
struct WorkFolder {
  fs::path path;

  WorkFolder() {
    std::string name = (fs::temp_directory_path() / "saltus-evaluate-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw Error(ErrorKind::file, fmt::format("{}: cannot create a folder there", fs::temp_directory_path().string()));
    path = name;
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

/// What a pass over the reference tells.
struct Reference {
  Frame first;
  std::size_t frames = 0;
  double spacing_fs = 0, length_fs = 0;
  bool velocities = false;
};

Reference read_reference(const TrajectoryInput& input, const Progress& progress) {
  TrajectorySource source(input, true, progress);
  Reference reference;
  reference.first = source.first();
  reference.velocities = !reference.first.velocity_ang_fs.empty();
  Frame frame;
  double last_fs = 0;
  while (source.next(frame)) {
    ++reference.frames;
    last_fs = frame.time_fs;
    reference.velocities = reference.velocities && !frame.velocity_ang_fs.empty();
  }
  if (reference.frames < fewest_frames)
    throw Error(ErrorKind::usage, fmt::format("{}: {} frames are too few to compare with; {} are needed", input.path.string(), reference.frames, fewest_frames));
  reference.length_fs = last_fs - reference.first.time_fs;
  reference.spacing_fs = reference.length_fs / static_cast<double>(reference.frames - 1);
  return reference;
}

double temperature_of(const AgreementSettings& settings, const Reference& reference, const Progress& progress) {
  if (settings.temperature_kelvin > 0) return settings.temperature_kelvin;
  if (!reference.velocities)
    throw Error(ErrorKind::usage, fmt::format("{}: has no velocities, so its temperature is not known: give it", settings.reference.path.string()));
  const TemperatureReport report = analyze_temperature(settings.reference, {}, progress);
  for (const NamedEstimate& e : report.estimates)
    if (e.name == "temperature" && e.estimate) return e.estimate->value;
  throw Error(ErrorKind::internal, "the temperature of the reference was not found");
}

double longest_step_fs(const Frame& frame) {
  const auto& z = frame.atoms->atomic_number;
  return std::find(z.begin(), z.end(), 1) == z.end() ? 2 : 0.5;
}

/// Standard error behind a 95 % interval.
double error_of(const Estimate& e, std::size_t blocks) { return (e.high - e.low) / 2 / kinetics::student_t(0.95, static_cast<int>(blocks) - 1); }

std::vector<Estimate> times_r2(const std::vector<Estimate>& g, const std::vector<double>& r_ang) {
  std::vector<Estimate> result;
  for (std::size_t k = 0; k < g.size(); ++k) {
    const double r2 = r_ang[k] * r_ang[k];
    result.push_back({r2 * g[k].value, r2 * g[k].low, r2 * g[k].high});
  }
  return result;
}

}  // namespace

Deviation deviation_between(const std::vector<Estimate>& p, std::size_t p_blocks, const std::vector<Estimate>& q, std::size_t q_blocks) {
  double difference = 0, sum = 0, chance = 0;
  const bool known = p_blocks > 1 && q_blocks > 1;
  for (std::size_t k = 0; k < std::min(p.size(), q.size()); ++k) {
    difference += std::abs(p[k].value - q[k].value);
    sum += std::abs(p[k].value) + std::abs(q[k].value);
    // The mean of |x| of a normal x with this standard deviation.
    if (known) chance += std::sqrt(2 / std::numbers::pi) * std::hypot(error_of(p[k], p_blocks), error_of(q[k], q_blocks));
  }
  if (sum == 0) return {};
  return {difference / sum, known ? std::optional(chance / sum) : std::nullopt};
}

MatchedSimulation matched_simulation(const AgreementSettings& settings, const Progress& progress) {
  const Reference reference = read_reference(settings.reference, progress);
  MatchedSimulation result;
  result.start = reference.first;
  result.velocities = reference.velocities;
  result.spacing_fs = reference.spacing_fs;
  result.reference_length_ps = reference.length_fs / fs_per_ps;
  const double steps_per_frame = std::ceil(reference.spacing_fs / longest_step_fs(reference.first) - 1e-6);
  const double length_fs = settings.length_ps > 0 ? settings.length_ps * fs_per_ps : reference.length_fs;
  const std::int64_t frames = std::max<std::int64_t>(fewest_frames, std::llround(length_fs / reference.spacing_fs) + 1);
  result.length_ps = static_cast<double>(frames - 1) * reference.spacing_fs / fs_per_ps;
  MolecularDynamicsSettings& md = result.md;
  md.seed = settings.seed;
  md.temperature_kelvin = temperature_of(settings, reference, progress);
  md.write_velocities = true;
  md.loop.timestep_fs = reference.spacing_fs / steps_per_frame;
  md.loop.equilibration_steps = std::llround(settings.equilibration_ps * fs_per_ps / md.loop.timestep_fs);
  md.loop.write_stride = static_cast<std::int64_t>(steps_per_frame);
  md.loop.steps = md.loop.write_stride * (frames - 1);
  md.loop.thermostat = VelocityRescaling{md.temperature_kelvin, thermostat_time_fs};
  return result;
}

TrajectoryCurves curves_of(const TrajectoryInput& trajectory, const AgreementSettings& settings, const MatchedSimulation& simulation, const Progress& progress) {
  RdfSettings radial;
  radial.largest_ang = settings.largest_ang;
  if (!simulation.start.cell.any_periodic()) radial.volume_ang3 = 1;  // of a cluster: any will do, it drops out
  TrajectoryCurves curves{analyze_rdf(trajectory, radial, most_blocks, progress), {}};
  if (!simulation.velocities) return curves;
  VelocityCorrelationSettings vibrations;
  vibrations.mass_weighted = true;
  const double shorter_fs = fs_per_ps * std::min(simulation.reference_length_ps, simulation.length_ps);
  vibrations.longest_lag_fs = std::max(2.0, std::floor(std::min(settings.longest_lag_fs, shorter_fs / 4) / simulation.spacing_fs)) * simulation.spacing_fs;
  curves.vibrations = analyze_velocities(trajectory, vibrations, most_blocks, progress);
  return curves;
}

TrajectoryAgreement agreement_between(const MatchedSimulation& simulation, const TrajectoryCurves& reference, const TrajectoryCurves& model) {
  TrajectoryAgreement result;
  result.temperature_kelvin = simulation.md.temperature_kelvin;
  result.timestep_fs = simulation.md.loop.timestep_fs;
  result.length_ps = simulation.length_ps;
  result.reference_length_ps = simulation.reference_length_ps;
  for (std::size_t k = 0; k < reference.rdf.pairs.size(); ++k) {
    const PairRdf &a = reference.rdf.pairs[k], &b = model.rdf.pairs[k];
    result.pairs.push_back({a.first, a.second, deviation_between(times_r2(a.g, reference.rdf.r_ang), reference.rdf.blocks, times_r2(b.g, model.rdf.r_ang), model.rdf.blocks)});
  }
  if (reference.vibrations && model.vibrations)
    result.spectrum = deviation_between(reference.vibrations->density_cm, reference.vibrations->blocks, model.vibrations->density_cm, model.vibrations->blocks);
  return result;
}

TrajectoryAgreement compare_trajectories(const Potential& potential, const AgreementSettings& settings, const Progress& progress, const Stop& stop) {
  const Progress reading = interruptible(progress, stop);
  const MatchedSimulation simulation = matched_simulation(settings, reading);
  const WorkFolder folder;
  const auto summary = run_molecular_dynamics(simulation.md, simulation.start, potential, "", folder.path, progress, stop);
  if (!summary.finished) throw Interrupted{};
  TrajectoryInput own;
  own.path = folder.path / "trajectory";
  TrajectoryAgreement result =
      agreement_between(simulation, curves_of(settings.reference, settings, simulation, reading), curves_of(own, settings, simulation, reading));
  if (!simulation.velocities) result.warnings.push_back(fmt::format("{}: has no velocities: spectra were not compared", settings.reference.path.string()));
  return result;
}

}  // namespace saltus::runs
