// saltus analyze msd
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/msd_report.hpp"

namespace saltus::cli {

namespace {

using units::fs_per_ps;

struct MsdOptions {
  std::string mobile, framework;
};

AnalysisOutput output_of(const runs::MsdReport& report, const MsdOptions& own, const AnalysisOptions& options) {
  AnalysisOutput output;
  const auto& d = report.diffusion_ang2_per_ps;
  output.table.push_back({"lag_fs", report.lag_fs});
  add_columns(output.table, "msd_ang2", report.msd_ang2);
  output.document = {{"input", options.path},
                     {"formula", report.formula},
                     {"species", own.mobile},
                     {"framework", own.framework},
                     {"frames", report.frames},
                     {"ions", report.ions},
                     {"frame_spacing_fs", report.frame_spacing_fs},
                     {"blocks", options.blocks},
                     {"largest_step_ang", report.steps.largest_ang},
                     {"largest_step_in_inscribed_radii", report.steps.largest_in_radii},
                     {"steps_flagged", report.steps.flagged},
                     {"diffusion_ang2_per_ps", d ? value_low_high(*d) : nlohmann::ordered_json(nullptr)},
                     {"diffusion_note", report.diffusion_note},
                     {"fit_first_fs", report.fit_first_fs},
                     {"fit_last_fs", report.fit_last_fs},
                     {"msd", rows_of(output.table)}};

  const std::string subject = fmt::format("{}: {}, {} frames {} fs apart, {} {}{}", options.path, report.formula,
                                          report.frames, report.frame_spacing_fs, report.ions, own.mobile,
                                          own.framework.empty() ? "" : ", relative to " + own.framework);
  const std::string result =
      d ? fmt::format("D = {:.4g} Å²/ps (95 %: {:.4g} … {:.4g}), lags {:.4g} … {:.4g} ps", d->value, d->low, d->high,
                      report.fit_first_fs / fs_per_ps, report.fit_last_fs / fs_per_ps)
        : "D " + report.diffusion_note;
  output.text = fmt::format("{}\n\n{:>12} {:>12} {:>24}\n", subject, "lag, ps", "MSD, Å²", "95 %, Å²");
  runs::ChartCurve curve{own.mobile, {}, report.msd_ang2};
  for (std::size_t k = 0; k < report.lag_fs.size(); ++k) {
    const Estimate& e = report.msd_ang2[k];
    curve.x.push_back(report.lag_fs[k] / fs_per_ps);
    output.text += fmt::format("{:>12.4f} {:>12.5f} {:>11.5f} … {:>10.5f}\n", curve.x.back(), e.value, e.low, e.high);
  }
  output.text += "\n" + result + "\n";

  runs::Chart chart{
      "msd",
      "Mean-square displacement with its 95 % band" +
          std::string(report.fit_last_fs > 0 ? d ? "; shaded: where D is fitted." : "; shaded: where D was sought."
                                             : "."),
      "lag, ps",
      "MSD, Å²",
      false,
      {curve},
      std::nullopt,
      std::nullopt};
  if (report.fit_last_fs > 0) chart.shaded = {report.fit_first_fs / fs_per_ps, report.fit_last_fs / fs_per_ps};
  output.page = {"msd",          "Mean-square displacement of " + own.mobile,
                 subject,        {result + "."},
                 {chart},        {{"diffusion_msd", d, true, "ang2_per_ps", report.diffusion_note}},
                 report.warnings};
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_msd(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<MsdOptions>();
  kind.add_option("--species", own->mobile, "element that moves")->required();
  kind.add_option("--framework", own->framework, "element whose mean displacement is subtracted (default: none)");
  kind.footer(
      "Unwrapped by the toroidal scheme; frames equally spaced in time. All windows of each lag, up to half a time block; memory "
      "is the positions of the ions within 5/4 of the longest lag, 24 bytes for each ion and frame.\n\nExample:\n"
      "  saltus analyze msd examples/li15si4/li15si4_900K.extxyz --species Li --framework Si");
  return [own, options] {
    runs::MsdSettings settings;
    settings.mobile = element_named(own->mobile);
    if (!own->framework.empty()) settings.framework = element_named(own->framework);
    settings.blocks = options->blocks;
    return output_of(runs::analyze_msd(options->input, settings, progress_line()), *own, *options);
  };
}

}  // namespace saltus::cli
