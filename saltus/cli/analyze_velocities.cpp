// saltus analyze vacf, saltus analyze vdos: one reduction, seen in time and in frequency.
#include <algorithm>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/velocity_report.hpp"

namespace saltus::cli {

namespace {

struct VelocityOptions {
  std::string species;
  double longest_lag_fs = 1000;
};

/// Up to where the spectrum has fallen to a thousandth of its maximum, and a quarter more.
double end_of(const runs::VelocityReport& report) {
  double largest = 0, end = 0;
  for (const Estimate& e : report.density_cm) largest = std::max(largest, e.value);
  for (std::size_t k = 0; k < report.density_cm.size(); ++k)
    if (report.density_cm[k].value > 1e-3 * largest) end = report.frequency_per_cm[k];
  return std::min(1.25 * end, report.frequency_per_cm.back());
}

Estimate scaled(const Estimate& e, double factor) { return {factor * e.value, factor * e.low, factor * e.high}; }

AnalysisOutput output_of(const runs::VelocityReport& report, bool spectrum, const VelocityOptions& own,
                         const AnalysisOptions& options) {
  const std::string subject =
      fmt::format("{}: {}, {} frames {} fs apart, {} {}", options.path, report.formula, report.frames,
                  report.frame_spacing_fs, report.atoms, own.species.empty() ? "atoms" : own.species);
  AnalysisOutput output;
  output.document = {
      {"input", options.path},   {"formula", report.formula}, {"species", own.species.empty() ? "all" : own.species},
      {"frames", report.frames}, {"atoms", report.atoms},     {"frame_spacing_fs", report.frame_spacing_fs},
      {"blocks", report.blocks}};
  const std::string who = own.species.empty() ? "all atoms" : own.species;
  if (spectrum) {
    output.table.push_back({"frequency_per_cm", report.frequency_per_cm});
    add_columns(output.table, "density_cm", report.density_cm);
    output.document["vdos"] = rows_of(output.table);
    output.text = fmt::format("{}\n\n{:>14} {:>14} {:>26}\n", subject, "frequency, /cm", "density, 1e-3 cm", "95 %");
    for (std::size_t k = 0; k < report.frequency_per_cm.size(); ++k) {
      const Estimate e = scaled(report.density_cm[k], 1e3);
      output.text += fmt::format("{:>14.2f} {:>16.5f} {:>26}\n", report.frequency_per_cm[k], e.value, interval(e, 5));
    }
    output.page = {"vdos",
                   "Vibrational density of states of " + who,
                   subject,
                   {},
                   {{"vdos",
                     "Vibrational density of states, mass-weighted, integral 1, with its 95 % band.",
                     "frequency, 1/cm",
                     "density, cm",
                     false,
                     {{who, report.frequency_per_cm, report.density_cm}},
                     std::nullopt,
                     std::pair{0.0, end_of(report)}}},
                   {},
                   report.warnings};
    return output;
  }
  output.table.push_back({"lag_fs", report.lag_fs});
  add_columns(output.table, "correlation_ang2_fs2", report.correlation_ang2_fs2);
  output.document["vacf"] = rows_of(output.table);
  const double start = report.correlation_ang2_fs2.at(0).value;
  output.text =
      fmt::format("{}\n\n{:>10} {:>16} {:>12} {:>22}\n", subject, "lag, fs", "vacf, Å²/fs²", "normalised", "95 %");
  for (std::size_t k = 0; k < report.lag_fs.size(); ++k) {
    const Estimate& e = report.correlation_ang2_fs2[k];
    output.text += fmt::format("{:>10.2f} {:>16.6e} {:>12.5f} {:>22}\n", report.lag_fs[k], e.value, e.value / start,
                               interval(scaled(e, 1 / start), 5));
  }
  output.page = {"vacf",
                 "Velocity autocorrelation of " + who,
                 subject,
                 {},
                 {{"vacf",
                   "Mean over atoms and times of v(0)·v(t), with its 95 % band.",
                   "lag, fs",
                   "⟨v(0)·v(t)⟩, Å²/fs²",
                   false,
                   {{who, report.lag_fs, report.correlation_ang2_fs2}},
                   std::nullopt,
                   std::nullopt}},
                 {},
                 report.warnings};
  return output;
}

std::function<AnalysisOutput()> set_up(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options,
                                       bool spectrum) {
  const auto own = std::make_shared<VelocityOptions>();
  kind.add_option("--species", own->species, "one element only (default: all atoms)");
  kind.add_option("--longest-lag-fs", own->longest_lag_fs, "of the correlation, fs (default 1000)")
      ->check(CLI::PositiveNumber);
  return [own, options, spectrum] {
    VelocityCorrelationSettings settings;
    if (!own->species.empty()) settings.species = element_named(own->species);
    settings.longest_lag_fs = own->longest_lag_fs;
    settings.mass_weighted = spectrum;
    const auto blocks = static_cast<std::size_t>(options->blocks);
    return output_of(runs::analyze_velocities(options->input, settings, blocks, progress_line()), spectrum, *own,
                     *options);
  };
}

}  // namespace

std::function<AnalysisOutput()> set_up_vacf(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  kind.footer(
      "Mean over atoms and times of v(0)·v(t).\nExample:\n"
      "  saltus analyze vacf examples/li15si4/li15si4_900K.extxyz --species Li --longest-lag-fs 100");
  return set_up(kind, options, false);
}

std::function<AnalysisOutput()> set_up_vdos(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  kind.footer(
      "Cosine transform of the mass-weighted velocity autocorrelation under Hann's window; integral 1. Frequencies\n"
      "closer than 1 over the longest lag (33/cm for 1000 fs) are not told apart.\nExample:\n"
      "  saltus analyze vdos examples/li15si4/li15si4_900K.extxyz --longest-lag-fs 200");
  return set_up(kind, options, true);
}

}  // namespace saltus::cli
