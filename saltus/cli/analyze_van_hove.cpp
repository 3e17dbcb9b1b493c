// saltus analyze van-hove
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/mobile_options.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/van_hove_report.hpp"

namespace saltus::cli {

namespace {

using units::fs_per_ps;
using Json = nlohmann::ordered_json;

struct VanHoveOptions : MobileOptions {
  std::vector<double> lags_fs;
  double range_ang = 8, bin_ang = 0.1;
  bool self_only = false;
};

AnalysisOutput output_of(const runs::VanHoveReport& report, const VanHoveOptions& own, const AnalysisOptions& options) {
  AnalysisOutput output;
  const bool distinct = !report.lags.empty() && !report.lags[0].distinct.empty();
  const std::string subject = subject_of(report, own, options);
  output.document = document_of(report, own, options);
  std::vector<Column> moments{{"lag_fs", report.moment_lag_fs}, {"msd_ang2", report.msd_ang2}};
  add_columns(moments, "alpha_2", report.alpha_2);
  output.document["non_gaussian"] = rows_of(moments);
  output.document["van_hove"] = Json::array();
  runs::Chart self{"van_hove_self", "Displacements: 4πr²G_s(r, t), with 95 % bands.", "distance, Å", "4πr²G_s, 1/Å", false, {}, std::nullopt, std::nullopt};
  runs::Chart others{"van_hove_distinct", "Ions around where an ion was, relative to their mean density: G_d(r, t)/ρ, with 95 % bands.", "distance, Å", "G_d/ρ",
                     false, {}, std::nullopt, std::nullopt};
  output.text = fmt::format("{}\n\n{:>12} {:>12} {:>12} {:>26}\n", subject, "lag, ps", "MSD, Å²", "alpha_2", "95 %");
  runs::ChartCurve alpha{own.mobile, {}, report.alpha_2};
  for (std::size_t l = 0; l < report.moment_lag_fs.size(); ++l) {
    const Estimate& e = report.alpha_2[l];
    alpha.x.push_back(report.moment_lag_fs[l] / fs_per_ps);
    output.text += fmt::format("{:>12.4f} {:>12.5f} {:>12.4f} {:>12.4f} … {:>11.4f}\n", alpha.x.back(), report.msd_ang2[l], e.value, e.low, e.high);
  }
  output.table.push_back({"lag_fs", {}});
  output.table.push_back({"r_ang", {}});
  std::vector<Estimate> density, shares, pairs;
  for (const runs::VanHoveAtLag& at : report.lags) {
    output.table[0].value.insert(output.table[0].value.end(), report.r_ang.size(), at.lag_fs);
    output.table[1].value.insert(output.table[1].value.end(), report.r_ang.begin(), report.r_ang.end());
    shares.insert(shares.end(), at.self_per_ang.begin(), at.self_per_ang.end());
    density.insert(density.end(), at.self_per_ang3.begin(), at.self_per_ang3.end());
    pairs.insert(pairs.end(), at.distinct.begin(), at.distinct.end());
    std::vector<Column> columns{{"r_ang", report.r_ang}};
    add_columns(columns, "self_per_ang", at.self_per_ang);
    add_columns(columns, "self_per_ang3", at.self_per_ang3);
    if (distinct) add_columns(columns, "distinct", at.distinct);
    output.document["van_hove"].push_back({{"lag_fs", at.lag_fs}, {"beyond_range", value_low_high(at.beyond)}, {"curves", rows_of(columns)}});
    const std::string name = fmt::format("{:.4g} ps", at.lag_fs / fs_per_ps);
    self.curves.push_back({name, report.r_ang, at.self_per_ang});
    if (distinct) others.curves.push_back({name, report.r_ang, at.distinct});
  }
  add_columns(output.table, "self_per_ang", shares);
  add_columns(output.table, "self_per_ang3", density);
  if (distinct) add_columns(output.table, "distinct", pairs);

  output.text += fmt::format("\n{:>8}", "r, Å");
  for (const runs::VanHoveAtLag& at : report.lags)
    output.text += fmt::format(" {:>20}{}", fmt::format("4πr²G_s {:.4g} ps", at.lag_fs / fs_per_ps), distinct ? fmt::format(" {:>10}", "G_d/ρ") : "");
  output.text += "\n";
  for (std::size_t k = 0; k < report.r_ang.size(); ++k) {
    output.text += fmt::format("{:>8.3f}", report.r_ang[k]);
    for (const runs::VanHoveAtLag& at : report.lags)
      output.text += fmt::format(" {:>20.5f}{}", at.self_per_ang[k].value, distinct ? fmt::format(" {:>10.4f}", at.distinct[k].value) : "");
    output.text += "\n";
  }
  std::vector<std::string> sentences;
  for (const runs::VanHoveAtLag& at : report.lags)
    if (at.beyond.value > 0)
      sentences.push_back(fmt::format("After {:.4g} ps, {:.3g} % of the displacements are longer than the range.", at.lag_fs / fs_per_ps, 100 * at.beyond.value));
  if (!sentences.empty()) output.text += "\n" + fmt::format("{}\n", fmt::join(sentences, "\n"));
  runs::Chart non_gaussian{"alpha_2", "Non-Gaussian parameter with its 95 % band: zero where displacements are normally distributed, 3/(5m) after m jumps on average.",
                           "lag, ps", "α₂", true, {alpha}, std::nullopt, std::nullopt};
  output.page = {"van_hove", "Van Hove functions of " + own.mobile, subject, sentences, {self}, {}, report.warnings};
  if (distinct) output.page.charts.push_back(others);
  output.page.charts.push_back(non_gaussian);
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_van_hove(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<VanHoveOptions>();
  add_mobile_options(kind, *own);
  kind.add_option("--lags-fs", own->lags_fs, "lags, fs, up to half a time block (default: that, a tenth and a hundredth of it)")->delimiter(',');
  kind.add_option("--range-ang", own->range_ang, "largest distance, Å; may exceed half the cell (default 8)")->check(CLI::PositiveNumber);
  kind.add_option("--bin-ang", own->bin_ang, "width of a bin, Å (default 0.1)")->check(CLI::PositiveNumber);
  kind.add_flag("--self-only", own->self_only, "leave out G_d, whose cost grows with the square of the number of ions");
  kind.footer(
      "G_s: where an ion is that was at 0. G_d: where the others are, relative to their mean density, images counted, from\n"
      "up to 1000 windows of each lag. alpha_2 = 3<r^4>/5<r^2>^2 - 1, at lags up to half a time block.\n\nExample:\n"
      "  saltus analyze van-hove examples/li15si4/li15si4_900K.extxyz --species Li --lags-fs 4,20");
  return [own, options] {
    runs::VanHoveReportSettings settings{settings_of(*own, *options), own->lags_fs, own->range_ang, own->bin_ang, !own->self_only};
    return output_of(runs::analyze_van_hove(options->input, settings, progress_line()), *own, *options);
  };
}

}  // namespace saltus::cli
