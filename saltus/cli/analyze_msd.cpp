// saltus analyze msd
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/mobile_options.hpp"
#include "saltus/cli/network_output.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/msd_report.hpp"

namespace saltus::cli {

namespace {

using units::fs_per_ps;
using Json = nlohmann::ordered_json;

struct MsdOptions : MobileOptions {
  double fit_from_ps = 0, fit_to_ps = 0, temperature_kelvin = 0;  // 0: not given
  std::string start = "plateau";
};

constexpr const char* component_names[] = {"xx", "yy", "zz", "xy", "xz", "yz"};

Json tensor_document(const kinetics::DiffusionTensor& tensor) {
  Json components, axes = Json::array();
  for (std::size_t k = 0; k < 6; ++k) components[component_names[k]] = value_low_high(runs::per_ps(tensor.component_ang2_fs[k]));
  for (std::size_t k = 0; k < 3; ++k) {
    Json entry = value_low_high(runs::per_ps(tensor.eigenvalue_ang2_fs[k]));
    entry["axis"] = vector_json(tensor.axis[k]);
    entry["axis_within_degrees"] = tensor.axis_error_degrees[k] ? number_or_null(*tensor.axis_error_degrees[k]) : Json(nullptr);
    axes.push_back(std::move(entry));
  }
  return {{"components", components}, {"principal_axes", axes}};
}

std::string tensor_text(const kinetics::DiffusionTensor& tensor) {
  std::string text = fmt::format("\n{:<10} {:>12} {:>26}   axis\n", "along", "D, Å²/ps", "95 %");
  for (std::size_t k = 0; k < 3; ++k) {
    const Estimate e = runs::per_ps(tensor.eigenvalue_ang2_fs[k]);
    const Vec3& axis = tensor.axis[k];
    text += fmt::format("{:<10} {:>12.4g} {:>12.4g} … {:>11.4g}   {:.3f} {:.3f} {:.3f}{}\n", k == 0 ? "principal" : "", e.value, e.low, e.high, axis.x, axis.y,
                        axis.z, tensor.axis_error_degrees[k] ? fmt::format(", within {:.2g}°", *tensor.axis_error_degrees[k]) : ", not determined");
  }
  for (std::size_t k = 0; k < 6; ++k) {
    const Estimate e = runs::per_ps(tensor.component_ang2_fs[k]);
    text += fmt::format("{:<10} {:>12.4g} {:>12.4g} … {:>11.4g}\n", component_names[k], e.value, e.low, e.high);
  }
  return text;
}

AnalysisOutput output_of(const runs::MsdReport& report, const MsdOptions& own, const AnalysisOptions& options) {
  AnalysisOutput output;
  const auto& d = report.diffusion_ang2_per_ps;
  output.table.push_back({"lag_fs", report.lag_fs});
  add_columns(output.table, "msd_ang2", report.msd_ang2);
  output.document = document_of(report, own, options);
  output.document["temperature_kelvin"] = own.temperature_kelvin > 0 ? Json(own.temperature_kelvin) : Json(nullptr);
  output.document["diffusion_ang2_per_ps"] = d ? value_low_high(*d) : Json(nullptr);
  output.document["diffusion_note"] = report.diffusion_note;
  output.document["fit_first_fs"] = report.fit_first_fs;
  output.document["fit_last_fs"] = report.fit_last_fs;
  if (report.fit) {
    const kinetics::DiffusionFit& fit = *report.fit;
    output.document["fit"] = {{"offset_ang2", fit.offset_ang2},
                              {"independent_diffusion_ang2_per_ps", value_low_high(runs::per_ps(fit.model_diffusion_ang2_fs))},
                              {"independent_ions", fit.independent_particles},
                              {"chi2", number_or_null(fit.chi2)},
                              {"chi2_degrees", fit.chi2_degrees},
                              {"chi2_probability", number_or_null(fit.chi2_probability)}};
    output.document["tensor_ang2_per_ps"] = tensor_document(fit.tensor);
  }
  output.document["msd"] = rows_of(output.table);

  const std::string subject = subject_of(report, own, options);
  const std::string result = d ? fmt::format("D = {}, lags {:.4g} … {:.4g} ps", coefficient_text(d, ""), report.fit_first_fs / fs_per_ps,
                                             report.fit_last_fs / fs_per_ps)
                               : "D " + report.diffusion_note;
  output.text = fmt::format("{}\n\n{:>12} {:>12} {:>24}\n", subject, "lag, ps", "MSD, Å²", "95 %, Å²");
  runs::ChartCurve curve{own.mobile, {}, report.msd_ang2};
  for (std::size_t k = 0; k < report.lag_fs.size(); ++k) {
    const Estimate& e = report.msd_ang2[k];
    curve.x.push_back(report.lag_fs[k] / fs_per_ps);
    output.text += fmt::format("{:>12.4f} {:>12.5f} {:>11.5f} … {:>10.5f}\n", curve.x.back(), e.value, e.low, e.high);
  }
  output.text += "\n" + result + "\n";
  std::vector<std::string> sentences{result + "."};
  std::vector<NamedEstimate> estimates{{"diffusion_msd", d, true, "ang2_per_ps", report.diffusion_note}};
  if (d) {
    const kinetics::DiffusionFit& fit = *report.fit;
    const Estimate model = runs::per_ps(fit.model_diffusion_ang2_fs);
    sentences.push_back(fmt::format("Were all {} ions independent, 95 % would be {:.4g} … {:.4g} Å²/ps; the blocks scatter as {:.3g} of them.", report.ions,
                                    model.low, model.high, fit.independent_particles));
    output.text += sentences.back() + "\n" + tensor_text(fit.tensor);
    for (std::size_t k = 0; k < 3; ++k)
      estimates.push_back({fmt::format("diffusion_axis_{}", k + 1), runs::per_ps(fit.tensor.eigenvalue_ang2_fs[k]), true, "ang2_per_ps",
                           fmt::format("along {:.3f} {:.3f} {:.3f}", fit.tensor.axis[k].x, fit.tensor.axis[k].y, fit.tensor.axis[k].z)});
  }

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
  output.page = {"msd", "Mean-square displacement of " + own.mobile, subject, sentences, {chart}, estimates, report.warnings};
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_msd(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<MsdOptions>();
  add_mobile_options(kind, *own);
  kind.add_option("--fit-from-ps", own->fit_from_ps, "shortest lag of the fit, ps (default: as --fit-start finds it)")->check(CLI::PositiveNumber);
  kind.add_option("--fit-to-ps", own->fit_to_ps, "longest lag of the fit, ps (default: half a time block)")->check(CLI::PositiveNumber);
  kind.add_option("--fit-start", own->start, "from where D stays the same (default plateau), or where a line fits (chi2)")
      ->check(CLI::IsMember({"plateau", "chi2"}));
  kind.add_option("--temperature-kelvin", own->temperature_kelvin, "temperature of the run, K, for 'saltus analyze arrhenius' (default: none)")
      ->check(CLI::PositiveNumber);
  kind.footer(
      "Unwrapped by the toroidal scheme; frames equally spaced in time. All windows of each lag, up to half a time block; memory "
      "is the positions of the ions within 5/4 of the longest lag, 24 bytes for each ion and frame.\n\nExample:\n"
      "  saltus analyze msd examples/li15si4/li15si4_900K.extxyz --species Li --framework Si");
  return [own, options] {
    runs::MsdSettings settings{settings_of(*own, *options), {}, {}, own->start == "chi2" ? kinetics::WindowStart::chi2 : kinetics::WindowStart::plateau};
    if (own->fit_from_ps > 0) settings.fit_first_fs = own->fit_from_ps * fs_per_ps;
    if (own->fit_to_ps > 0) settings.fit_last_fs = own->fit_to_ps * fs_per_ps;
    if (own->fit_from_ps > 0 && own->fit_to_ps > 0 && own->fit_to_ps <= own->fit_from_ps)
      throw Error(ErrorKind::usage, "--fit-to-ps must be above --fit-from-ps");
    return output_of(runs::analyze_msd(options->input, settings, progress_line()), *own, *options);
  };
}

}  // namespace saltus::cli
