// saltus analyze haven
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/mobile_options.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/haven_report.hpp"

namespace saltus::cli {

namespace {

using units::fs_per_ps;
using Json = nlohmann::ordered_json;

struct HavenOptions : MobileOptions {
  double temperature_kelvin = 0, charge = 1;
};

Json estimate_or_null(const std::optional<Estimate>& e) { return e ? value_low_high(*e) : Json(nullptr); }

AnalysisOutput output_of(const runs::HavenReport& report, const HavenOptions& own, const AnalysisOptions& options) {
  AnalysisOutput output;
  output.table.push_back({"lag_fs", report.lag_fs});
  add_columns(output.table, "tracer_msd_ang2", report.tracer_ang2);
  add_columns(output.table, "collective_msd_ang2", report.collective_ang2);
  const auto &tracer = report.tracer, &collective = report.collective;
  output.document = document_of(report, own, options);
  output.document["temperature_kelvin"] = own.temperature_kelvin > 0 ? Json(own.temperature_kelvin) : Json(nullptr);
  output.document["diffusion_ang2_per_ps"] = estimate_or_null(tracer.ang2_per_ps);
  output.document["diffusion_note"] = tracer.note;
  output.document["collective_diffusion_ang2_per_ps"] = estimate_or_null(collective.ang2_per_ps);
  output.document["collective_diffusion_note"] = collective.note;
  output.document["haven_ratio"] = estimate_or_null(report.haven_ratio);
  output.document["haven_note"] = report.haven_note;
  output.document["conductivity_s_per_cm"] = estimate_or_null(report.conductivity_s_per_cm);
  output.document["msd"] = rows_of(output.table);

  const std::string subject = subject_of(report, own, options);
  output.text = fmt::format("{}\n\n{:>12} {:>12} {:>24} {:>12} {:>24}\n", subject, "lag, ps", "one, Å²", "95 %, Å²", "all, Å²", "95 %, Å²");
  std::vector<double> lag_ps;
  for (std::size_t k = 0; k < report.lag_fs.size(); ++k) {
    const Estimate &one = report.tracer_ang2[k], &all = report.collective_ang2[k];
    lag_ps.push_back(report.lag_fs[k] / fs_per_ps);
    output.text += fmt::format("{:>12.4f} {:>12.5f} {:>11.5f} … {:>10.5f} {:>12.5f} {:>11.5f} … {:>10.5f}\n", lag_ps.back(), one.value, one.low, one.high,
                               all.value, all.low, all.high);
  }
  std::vector<std::string> sentences{
      "D of one " + own.mobile + ": " + coefficient_text(tracer.ang2_per_ps, tracer.note),
      "D of all together: " + coefficient_text(collective.ang2_per_ps, collective.note),
      "Haven ratio: " + (report.haven_ratio ? fmt::format("{:.3g} (95 %: {:.3g} … {:.3g})", report.haven_ratio->value, report.haven_ratio->low,
                                                           report.haven_ratio->high)
                                            : report.haven_note)};
  if (report.conductivity_s_per_cm)
    sentences.push_back(fmt::format("Conductivity at {:.6g} K, charge {:.4g} e: {:.4g} S/cm (95 %: {:.4g} … {:.4g})", own.temperature_kelvin, own.charge,
                                    report.conductivity_s_per_cm->value, report.conductivity_s_per_cm->low, report.conductivity_s_per_cm->high));
  output.text += "\n" + fmt::format("{}\n", fmt::join(sentences, "\n"));

  std::vector<NamedEstimate> estimates{{"diffusion_msd", tracer.ang2_per_ps, true, "ang2_per_ps", tracer.note},
                                       {"diffusion_collective", collective.ang2_per_ps, true, "ang2_per_ps", collective.note},
                                       {"haven_ratio", report.haven_ratio, true, "", report.haven_note}};
  if (report.conductivity_s_per_cm) estimates.push_back({"conductivity", report.conductivity_s_per_cm, true, "s_per_cm", ""});
  output.page = {"haven",
                 "Haven ratio of " + own.mobile,
                 subject,
                 sentences,
                 {{"haven",
                   "Mean-square displacement of one ion, and of all together over their number, with 95 % bands.",
                   "lag, ps",
                   "MSD, Å²",
                   false,
                   {{"one", lag_ps, report.tracer_ang2}, {"all together", lag_ps, report.collective_ang2}},
                   std::nullopt,
                   std::nullopt}},
                 estimates,
                 report.warnings};
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_haven(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<HavenOptions>();
  add_mobile_options(kind, *own);
  kind.add_option("--temperature-kelvin", own->temperature_kelvin, "temperature of the run, K: gives the conductivity (default: none)")->check(CLI::PositiveNumber);
  kind.add_option("--charge", own->charge, "of an ion, e, for the conductivity (default 1)");
  kind.footer(
      "D of one ion has a sample for each ion, D of all together, |Σ Δr|²/6Nt, one in all: its error is large, and so is\n"
      "that of the ratio D of one / D of all. Without --framework, momentum that is conserved holds the sum still.\n\nExample:\n"
      "  saltus analyze haven examples/li15si4/li15si4_900K.extxyz --species Li --framework Si");
  return [own, options] {
    runs::HavenSettings settings{settings_of(*own, *options), {}, own->charge};
    if (own->temperature_kelvin > 0) settings.temperature_kelvin = own->temperature_kelvin;
    return output_of(runs::analyze_haven(options->input, settings, progress_line()), *own, *options);
  };
}

}  // namespace saltus::cli
