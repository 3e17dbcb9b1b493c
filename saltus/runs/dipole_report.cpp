#include "saltus/runs/dipole_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "saltus/analysis/correlation_sums.hpp"
#include "saltus/analysis/molecular_dipoles.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/runs/block_estimates.hpp"

namespace saltus::runs {

namespace {

using units::debye_per_e_ang;
constexpr std::size_t stretches = 64, chunk_frames = 32;
constexpr int most_bins = 20000;

std::string name_of(const Atoms& atoms, const MolecularDipole& molecule) {
  std::vector<std::uint8_t> numbers;
  for (const std::uint32_t i : molecule.atoms) numbers.push_back(atoms.atomic_number[i]);
  std::string name = formula(atoms_of(std::move(numbers)));
  if (const int charge = std::abs(molecule.charge); charge > 0) name += (charge > 1 ? fmt::format(" {}", charge) : "") + (molecule.charge > 0 ? "+" : "-");
  return name;
}

/// What one frame gives.
struct FrameDipoles {
  std::vector<AssignedCentre> centres;
  std::vector<std::pair<std::string, double>> molecules;  // name, magnitude in D
  bool extended = false;                                  // a molecule that is not whole is among them
};

/// Magnitudes of all frames, by names that are kept once.
struct Magnitudes {
  std::map<std::string, std::uint32_t> kind;
  std::vector<std::vector<std::pair<std::uint32_t, double>>> frame;  // kind, magnitude in D

  void add(const std::vector<std::pair<std::string, double>>& molecules) {
    auto& here = frame.emplace_back();
    for (const auto& [name, magnitude] : molecules) here.emplace_back(kind.try_emplace(name, static_cast<std::uint32_t>(kind.size())).first->second, magnitude);
  }
};

/// Atoms and total dipole followed through time.
struct Path {
  std::vector<Vec3> raw_ang, position_ang;
  Vec3 dipole_e_ang;
};

Vec3 follow(Path& path, const WannierFrame& frame, const Atoms& atoms, const FrameDipoles& now, const std::vector<int>& electrons) {
  const bool first = path.raw_ang.empty();
  if (first) {
    path.position_ang = gathered(*frame.cell, frame.position_ang);
  } else {
    for (std::size_t i = 0; i < atoms.size(); ++i) path.position_ang[i] += frame.cell->minimum_image(frame.position_ang[i] - path.raw_ang[i]);
  }
  path.raw_ang = frame.position_ang;
  const Vec3 dipole = total_dipole_e_ang(atoms, path.position_ang, now.centres, electrons);
  // Charges are whole numbers, so that the branches lie e times lattice vectors apart.
  path.dipole_e_ang = first ? dipole : path.dipole_e_ang + frame.cell->minimum_image(dipole - path.dipole_e_ang);
  return path.dipole_e_ang;
}

std::vector<MoleculeGroup> groups_of(const Magnitudes& magnitudes, const std::vector<DipoleRecord>& records, double bin, std::size_t most_blocks,
                                     DipoleReport& report) {
  const auto& frames = magnitudes.frame;
  std::vector<double> largest(magnitudes.kind.size());
  for (const auto& frame : frames)
    for (const auto& [kind, magnitude] : frame) largest[kind] = std::max(largest[kind], magnitude);
  enum : std::size_t { count, sum, square, histogram };
  std::vector<std::size_t> first;
  std::size_t columns = 2;  // frames, |M|
  for (const double magnitude : largest)
    if (!(magnitude / bin < most_bins)) throw Error(ErrorKind::usage, fmt::format("dipoles up to {:.3g} D in bins of {} D make more than {} of them; give a wider bin", magnitude, bin, most_bins));
  for (const double magnitude : largest) first.push_back(std::exchange(columns, columns + histogram + static_cast<std::size_t>(magnitude / bin) + 1));
  StretchSums sums(stretches);
  std::vector<double> row;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    if (k > 0 && records[k].step != records[k - 1].step) {
      sums.add(row);
      row.clear();
    }
    row.resize(columns);
    row[0] += 1;
    row[1] += norm(records[k].dipole_debye);
    for (const auto& [kind, magnitude] : frames[k]) {
      double* const at = &row[first[kind]];
      at[count] += 1;
      at[sum] += magnitude;
      at[square] += magnitude * magnitude;
      at[histogram + static_cast<std::size_t>(magnitude / bin)] += 1;
    }
  }
  sums.add(row);
  const BlockEstimates estimates(sums, most_blocks);
  report.blocks = estimates.blocks();
  report.total_debye = estimates.ratio(1, 0);
  std::vector<MoleculeGroup> groups;
  for (const auto& [name, kind] : magnitudes.kind) {
    const std::size_t at = first[kind];
    MoleculeGroup group;
    const auto& total = estimates.total();
    group.name = name;
    group.per_frame = total[at + count] / static_cast<double>(frames.size());
    group.dipole_debye = estimates.ratio(at + sum, at + count);
    group.deviation_debye = std::sqrt(std::max(0.0, total[at + square] / total[at + count] - group.dipole_debye.value * group.dipole_debye.value));
    for (std::size_t k = 0; k <= static_cast<std::size_t>(largest[kind] / bin); ++k) {
      group.magnitude_debye.push_back((static_cast<double>(k) + 0.5) * bin);
      group.density_per_debye.push_back(estimates.ratio(at + histogram + k, at + count, 1 / bin));
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

/// Frequencies and density of ω² C_MM from a correlation of differences; the integral over frequency comes beside it.
struct Corrected {
  std::vector<double> density_cm;
  double integral = 0;  // before it was made 1
};

Corrected corrected(const Spectrum& spectrum, double spacing_fs) {
  Corrected result;
  const std::size_t last = spectrum.density_fs.size() - 1;
  const double width_per_cm = spectrum.frequency_per_fs[1] / units::light_cm_per_fs;
  for (std::size_t k = 0; k <= last; ++k) {
    const double x = std::numbers::pi * spectrum.frequency_per_fs[k] * spacing_fs, response = k == 0 ? 1 : std::sin(x) / x;
    result.density_cm.push_back(spectrum.density_fs[k] * units::light_cm_per_fs / (response * response));
    result.integral += result.density_cm.back() * width_per_cm * (k == 0 || k == last ? 0.5 : 1.0);
  }
  for (double& density : result.density_cm) density /= result.integral;
  return result;
}

InfraredSpectrum spectrum_from(const std::vector<DipoleRecord>& records, const DipoleSettings& settings, double volume_ang3) {
  CorrelationSums sums(settings.longest_lag_fs.value_or(1000));
  for (std::size_t k = 1; k < records.size(); ++k) {
    const double spacing = *records[k].time_fs - *records[k - 1].time_fs;
    if (!(spacing > 0)) throw Error(ErrorKind::unsupported, "frames must follow one another in time");
    const Vec3 rate = (records[k].dipole_debye - records[k - 1].dipole_debye) / (debye_per_e_ang * spacing);
    sums.add(0.5 * (*records[k].time_fs + *records[k - 1].time_fs), {rate.x, rate.y, rate.z});
  }
  const Correlation correlation = sums.finish(settings.blocks);
  InfraredSpectrum result;
  result.spacing_fs = correlation.spacing_fs;
  result.blocks = correlation.blocks.size();
  std::vector<std::vector<double>> without(result.blocks);
  for (std::size_t lag = 0; lag < correlation.value.size() && result.blocks > 0; ++lag) {
    std::vector<double> values;
    for (const auto& block : correlation.blocks) values.push_back(block[lag]);
    const auto replicates = kinetics::leave_one_out_means(values);
    for (std::size_t b = 0; b < result.blocks; ++b) without[b].push_back(replicates[b]);
  }
  const Spectrum spectrum = spectrum_of(correlation.value, correlation.spacing_fs);
  const Corrected whole = corrected(spectrum, correlation.spacing_fs);
  std::vector<Corrected> others;
  for (const auto& replicate : without) others.push_back(corrected(spectrum_of(replicate, correlation.spacing_fs), correlation.spacing_fs));
  const auto estimate = [&](auto&& value_of) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> replicates;
    for (std::size_t b = 0; b < others.size(); ++b) replicates.push_back(value_of(others[b], without[b][0]));
    const double value = value_of(whole, correlation.value[0]);
    return replicates.empty() ? Estimate{value, none, none} : kinetics::jackknife_estimate(value, replicates);
  };
  result.mean_square_e2_ang2_fs2 = estimate([](const Corrected& c, double at_zero) { return at_zero * c.integral; });
  const bool absolute = settings.temperature_kelvin && volume_ang3 > 0;
  // With the density g in 1/cm, ∫ <Ṁ(0)·Ṁ(t)> cos ωt dt = <Ṁ²> g / 2c, and 1/(6 ε0) = (2π/3)·e²/(4πε0).
  const double factor = absolute ? std::numbers::pi / 3 * units::coulomb_ev_ang /
                                       (units::light_cm_per_fs * units::light_cm_per_fs * volume_ang3 * units::boltzmann_ev_per_kelvin * *settings.temperature_kelvin)
                                 : 0;
  for (std::size_t k = 0; k < whole.density_cm.size(); ++k) {
    result.frequency_per_cm.push_back(spectrum.frequency_per_fs[k] / units::light_cm_per_fs);
    result.density_cm.push_back(estimate([&](const Corrected& c, double) { return c.density_cm[k]; }));
    if (absolute) result.absorption_per_cm.push_back(estimate([&](const Corrected& c, double at_zero) { return factor * at_zero * c.integral * c.density_cm[k]; }));
  }
  return result;
}

// Why there can be no spectrum; empty where there can.
std::string without_spectrum(const WannierSeries& series) {
  if (series.beads() > 1)
    return "there is no spectrum of beads: the thermostat of path-integral MD leaves no dynamics; take a classical or ring-polymer run, and its centroids";
  if (!series.timed()) return "there is no spectrum without times: give --trajectory, whose frames have times, or --md-step-fs";
  return series.steps() < 4 ? "there is no spectrum of fewer than four frames" : "";
}

void judge(DipoleReport& report, const WannierInput& input) {
  const auto interval = [](const Estimate& e) {
    return std::isfinite(e.low) ? fmt::format("{:.4g} D (95 %: {:.4g} … {:.4g})", e.value, e.low, e.high) : fmt::format("{:.4g} D", e.value);
  };
  for (const MoleculeGroup& group : report.molecules)
    report.verdict.push_back(fmt::format("{}, {:.4g} per frame: mean dipole {}, standard deviation {:.3g} D.", group.name, group.per_frame, interval(group.dipole_debye), group.deviation_debye));
  if (report.periodic) report.verdict.push_back("The dipole of the whole is known up to e times lattice vectors; its changes are what counts, and they are continuous in time.");
  else report.verdict.push_back(fmt::format("The dipole of the whole{} is {} in the mean.", input.charge != 0 ? ", about the centre of mass," : "", interval(report.total_debye)));
}

}  // namespace

DipoleReport analyze_dipole(const WannierInput& input, const DipoleSettings& settings, const Progress& progress) {
  if (!(settings.bin_debye > 0) || !(settings.largest_excess_ang > 0)) throw Error(ErrorKind::usage, "distances and widths of bins must be positive");
  WannierSeries series(input, progress);
  const Atoms& atoms = *series.atoms();
  DipoleReport report;
  report.formula = formula(atoms);
  report.steps = series.steps();
  report.beads = series.beads();
  report.charge = input.charge;
  report.periodic = series.tags().periodic;
  report.warnings = series.tags().notes;
  const std::string reason = without_spectrum(series);
  if (!reason.empty() && settings.longest_lag_fs) throw Error(ErrorKind::usage, reason);

  std::vector<WannierFrame> frames(chunk_frames);
  std::vector<FrameDipoles> dipoles(chunk_frames);
  Magnitudes magnitudes;
  std::map<std::int32_t, Path> paths;
  std::size_t extended = 0;
  double volume_ang3 = 0;
  while (true) {
    std::size_t read = 0;
    while (read < chunk_frames && series.next(frames[read])) ++read;
    if (read == 0) break;
    parallel_chunks(read, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; ++k) {
        FrameDipoles& here = dipoles[k] = {};
        const WannierFrame& frame = frames[k];
        here.centres = assign_wannier_centres(*frame.cell, atoms, frame.position_ang, frame.centre_ang, settings.largest_excess_ang);
        for (const MolecularDipole& molecule : molecular_dipoles(*frame.cell, atoms, frame.position_ang, here.centres, series.electrons())) {
          if (molecule.whole) here.molecules.emplace_back(name_of(atoms, molecule), norm(molecule.dipole_e_ang) * debye_per_e_ang);
          else here.extended = true;
        }
      }
    });
    for (std::size_t k = 0; k < read; ++k) {
      const WannierFrame& frame = frames[k];
      const FrameDipoles& here = dipoles[k];
      report.records.push_back({frame.bead, *frame.step, frame.time_fs, debye_per_e_ang * follow(paths[frame.bead.value_or(-1)], frame, atoms, here, series.electrons())});
      magnitudes.add(here.molecules);
      extended += here.extended;
      volume_ang3 += frame.cell->volume_ang3();
    }
    report.frames += read;
  }
  volume_ang3 = report.periodic ? volume_ang3 / static_cast<double>(report.frames) : 0;
  report.molecules = groups_of(magnitudes, report.records, settings.bin_debye, settings.blocks, report);
  if (extended > 0)
    report.warnings.push_back(fmt::format("in {} of {} frames bonds join atoms to their own periodic images; these have no molecular dipole and are left out of the molecules", extended, report.frames));
  if (reason.empty()) report.spectrum = spectrum_from(report.records, settings, volume_ang3);
  else report.warnings.push_back(reason);
  if (settings.temperature_kelvin && volume_ang3 == 0) report.warnings.push_back("there is no absorption coefficient: it needs a periodic cell");
  if (report.spectrum) {
    const InfraredSpectrum& spectrum = *report.spectrum;
    const double nyquist_per_cm = spectrum.frequency_per_cm.back();
    if (nyquist_per_cm < 4500)
      report.warnings.push_back(fmt::format("frames {} fs apart show frequencies up to {:.0f}/cm; faster motion appears below that", spectrum.spacing_fs, nyquist_per_cm));
    if (spectrum.blocks == 0) report.warnings.push_back("the spectrum has no intervals: the run is shorter than two blocks of twice the longest lag");
  }
  judge(report, input);
  return report;
}

}  // namespace saltus::runs
