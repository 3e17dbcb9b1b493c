#include "saltus/runs/velocity_report.hpp"

#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::runs {

VelocityReport analyze_velocities(const TrajectoryInput& input, const VelocityCorrelationSettings& settings, std::size_t most_blocks,
                                  const Progress& progress) {
  TrajectorySource source(input, true, progress);
  VelocityCorrelationAnalysis analysis(settings);
  Analysis* const analyses[] = {&analysis};
  VelocityReport report;
  report.formula = formula(*source.first().atoms);
  report.frames = read_all(source, input, analyses, report.warnings);
  const VelocityCorrelation correlation = analysis.finish(most_blocks);
  report.atoms = correlation.atoms;
  report.frame_spacing_fs = correlation.frame_spacing_fs;
  const auto& blocks = correlation.block_ang2_fs2;
  report.blocks = blocks.size();
  const std::size_t lags = correlation.value_ang2_fs2.size();
  const double spacing_fs = correlation.frame_spacing_fs;
  const double nyquist_per_cm = 0.5 / (spacing_fs * units::light_cm_per_fs);
  if (nyquist_per_cm < 4500)
    report.warnings.push_back(fmt::format("frames {} fs apart show frequencies up to {:.0f}/cm; faster motion appears below that",
                                          spacing_fs, nyquist_per_cm));
  if (static_cast<double>(lags - 1) * spacing_fs < settings.longest_lag_fs - spacing_fs)
    report.warnings.push_back("the trajectory is shorter than the longest lag asked for");
  if (blocks.empty())
    report.warnings.push_back("no intervals: the trajectory is shorter than two blocks of twice the longest lag");

  // Of each lag or frequency: the value of all frames, and the replicates without one block.
  const auto estimate = [&](double value, std::vector<double> replicates) {
    const double none = std::numeric_limits<double>::quiet_NaN();
    return replicates.empty() ? Estimate{value, none, none} : kinetics::jackknife_estimate(value, replicates);
  };
  std::vector<std::vector<double>> without(blocks.size(), std::vector<double>(lags));
  for (std::size_t lag = 0; lag < lags; ++lag) {
    std::vector<double> values;
    for (const auto& block : blocks) values.push_back(block[lag]);
    std::vector<double> replicates;
    if (!blocks.empty()) replicates = kinetics::leave_one_out_means(values);
    for (std::size_t b = 0; b < blocks.size(); ++b) without[b][lag] = replicates[b];
    report.lag_fs.push_back(static_cast<double>(lag) * spacing_fs);
    report.correlation_ang2_fs2.push_back(estimate(correlation.value_ang2_fs2[lag], std::move(replicates)));
  }
  const Spectrum spectrum = spectrum_of(correlation.value_ang2_fs2, spacing_fs);
  std::vector<Spectrum> spectra;
  for (const auto& replicate : without) spectra.push_back(spectrum_of(replicate, spacing_fs));
  for (std::size_t k = 0; k < spectrum.density_fs.size(); ++k) {
    std::vector<double> replicates;
    for (const Spectrum& s : spectra) replicates.push_back(s.density_fs[k] * units::light_cm_per_fs);
    report.frequency_per_cm.push_back(spectrum.frequency_per_fs[k] / units::light_cm_per_fs);
    report.density_cm.push_back(estimate(spectrum.density_fs[k] * units::light_cm_per_fs, std::move(replicates)));
  }
  return report;
}

}  // namespace saltus::runs
