#include "saltus/runs/passage_output.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/mobile_pass.hpp"

namespace saltus::runs {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t survival_charts = 3;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

template <class Convert>
Json json_of(const kinetics::LocalEstimate& local, Convert convert) {
  return local.estimate ? value_low_high(convert(*local.estimate)) : Json(nullptr);
}
const auto as_it_is = [](const Estimate& e) { return e; };

Json json_of(const PassageWindow& row, const PassageReport& report) {
  const kinetics::ExitWindow& window = report.data.window[row.window].window;
  const kinetics::LocalDiffusion& local = row.local;
  Json object{{"z_ang", window.centre_ang}, {"half_width_ang", window.half_width_ang}, {"start_half_width_ang", window.start_half_width_ang}, {"exits", local.sum.exits}, {"censored", local.sum.censored},
              {"mean_exit_time_ps", json_of(local.mean_exit_time_fs, in_ps)}, {"cv2", json_of(local.cv2, as_it_is)}, {"exit_above_fraction", json_of(local.p_plus, as_it_is)},
              {"diffusion_naive_ang2_per_ps", json_of(local.naive_ang2_fs, per_ps)}, {"diffusion_corrected_ang2_per_ps", json_of(local.corrected_ang2_fs, per_ps)},
              {"diffusion_wald_ang2_per_ps", json_of(local.wald_ang2_fs, per_ps)}, {"diffusion_tail_ang2_per_ps", json_of(local.tail_ang2_fs, per_ps)},
              {"diffusion_censored_mle_ang2_per_ps", json_of(local.censored_mle_ang2_fs, per_ps)}};
  object["diffusion_milne_ang2_per_ps"] = row.milne ? json_of(row.milne->diffusion_ang2_fs, per_ps) : Json(nullptr);
  object["extrapolation_length_ang"] = row.milne ? json_of(row.milne->extrapolation_length_ang, as_it_is) : Json(nullptr);
  object["curvature_bias"] = local.curvature_bias ? number(*local.curvature_bias) : Json(nullptr);
  object["flags"] = row.flags;
  return object;
}

const kinetics::WindowCheck* check_of(const PassageReport& report, double centre_ang) {
  for (const kinetics::WindowCheck& check : report.checks)
    if (std::abs(check.centre_ang - centre_ang) < 1e-9) return &check;
  return nullptr;
}

Estimate alone(double value) { return {value, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()}; }

}  // namespace

std::vector<std::string> verdict_sentences(const PassageReport& report) {
  std::vector<std::string> sentences{fmt::format("Verdict: {}.", kinetics::name(report.verdict.usability))};
  for (const std::string& reason : report.verdict.reasons) sentences.push_back(reason);
  for (const std::string& remark : report.verdict.remarks) sentences.push_back(remark);
  return sentences;
}

Json passage_document(const PassageReport& report, const PassageSettings& settings) {
  Json document{{"subject", report.subject}, {"frames", report.frames}, {"particles", report.particles}, {"frame_interval_fs", report.frame_interval_fs}};
  document["period_ang"] = report.period_ang > 0 ? Json(report.period_ang) : Json(nullptr);
  document["half_widths_ang"] = report.half_widths_ang;
  document["start_half_width_ang"] = settings.start_half_width_ang;
  document["knot_spacing_ang"] = settings.knot_spacing_ang;
  document["bootstrap"] = settings.bootstrap;
  document["seed"] = settings.seed;
  document["intervals_from"] = {{"kind", report.time_blocks ? "time_blocks" : "molecules"}, {"count", report.data.units()}};
  document["profile"] = Json::array();
  for (const PassageWindow& row : report.windows) {
    if (!row.point) continue;
    const kinetics::ProfilePoint& point = report.profile.points[*row.point];
    document["profile"].push_back({{"z_ang", point.z_ang}, {"diffusion_ang2_per_ps", value_low_high(per_ps(point.diffusion_ang2_fs))}, {"local_diffusion_ang2_per_ps", json_of(row.local.corrected_ang2_fs, per_ps)},
                                   {"free_energy_kt", number(point.free_energy_kt.value)}, {"free_energy_low_kt", number(point.free_energy_kt.low)}, {"free_energy_high_kt", number(point.free_energy_kt.high)},
                                   {"mean_exit_time_ps", json_of(row.local.mean_exit_time_fs, in_ps)}, {"exit_above_fraction", row.local.sum.exits > 0 ? number(row.local.sum.above / row.local.sum.exits) : Json(nullptr)},
                                   {"starts", row.local.sum.exits + row.local.sum.censored}, {"windows_covering", point.windows_covering}, {"resolution", number(point.resolution)}, {"flags", row.flags}});
  }
  document["windows"] = Json::array();
  for (const PassageWindow& row : report.windows) document["windows"].push_back(json_of(row, report));
  document["omitted"] = Json::array();
  for (const kinetics::OmittedWindow& omitted : report.profile.omitted) document["omitted"].push_back({{"window", omitted.window}, {"reason", omitted.reason}});
  document["free_energy"] = Json::array();
  for (const kinetics::FreeEnergyBin& bin : report.profile.free_energy) document["free_energy"].push_back({{"z_ang", bin.z_ang}, {"free_energy_kt", value_low_high(bin.free_energy_kt)}});
  document["survival"] = Json::array();
  for (const PassageWindow& row : report.windows) {
    Json curve{{"z_ang", report.data.window[row.window].window.centre_ang}, {"time_fs", row.survival.time_fs}, {"survival", row.survival.survival}, {"survival_low", row.survival.low}, {"survival_high", row.survival.high}};
    if (!row.model_survival.empty()) curve["survival_model"] = row.model_survival;
    document["survival"].push_back(std::move(curve));
  }
  document["markov"] = Json::array();
  for (const kinetics::BinnedDiffusionPoint& point : report.markov.points)
    document["markov"].push_back({{"z_ang", point.z_ang}, {"diffusion_ang2_per_ps", point.diffusion_ang2_fs ? value_low_high(per_ps(*point.diffusion_ang2_fs)) : Json(nullptr)}});
  document["kramers_moyal"] = Json::array();
  for (const kinetics::KramersMoyalPoint& point : report.kramers_moyal)
    if (point.diffusion_ang2_fs) document["kramers_moyal"].push_back({{"z_ang", point.z_ang}, {"diffusion_ang2_per_ps", value_low_high(per_ps(*point.diffusion_ang2_fs))}});
  Json verdict{{"usability", kinetics::name(report.verdict.usability)}, {"reasons", report.verdict.reasons}, {"remarks", report.verdict.remarks},
               {"chi2_per_datum", number(report.profile.chi2_per_datum)}, {"penalty_sigma", number(report.profile.penalty_sigma)}};
  verdict["plateau_from_ang"] = report.plateau && report.plateau->plateau_from_ang ? Json(*report.plateau->plateau_from_ang) : Json(nullptr);
  verdict["halves_differ_by"] = report.halves ? Json{{"mean_ln_ratio", number(report.halves->mean)}, {"error", number(report.halves->mean_error)}} : Json(nullptr);
  verdict["over_half_width"] = Json::array();
  for (const kinetics::HalfWidthProfile& one : report.over_half_width) {
    double mean = 0;
    for (const kinetics::ProfilePoint& point : one.profile.points) mean += point.diffusion_ang2_fs.value / static_cast<double>(one.profile.points.size());
    verdict["over_half_width"].push_back({{"half_width_ang", one.half_width_ang}, {"mean_diffusion_ang2_per_ps", number(mean * units::fs_per_ps)}, {"censored_fraction", one.censored}});
  }
  verdict["windows"] = Json::array();
  for (const kinetics::WindowCheck& check : report.checks)
    verdict["windows"].push_back({{"z_ang", check.centre_ang}, {"cv2", number(check.cv2)}, {"cv2_error", number(check.cv2_error)}, {"cv2_model", number(check.cv2_model)},
                                  {"above", check.above ? number(check.above->value) : Json(nullptr)}, {"above_model", number(check.above_model)}, {"curvature", number(check.curvature)}});
  verdict["survival"] = Json::array();
  for (const kinetics::SurvivalCheck& check : report.survival_checks)
    verdict["survival"].push_back({{"z_ang", check.centre_ang}, {"distance", number(check.distance)}, {"probability", number(check.probability)}});
  document["verdict"] = std::move(verdict);
  document["warnings"] = report.warnings;
  return document;
}

AnalysisPage passage_page(const PassageReport& report, const PassageSettings& settings, const std::string& title) {
  AnalysisPage page{"passage", title, report.subject, verdict_sentences(report), {}, passage_estimates(report), report.warnings};
  ChartCurve global{"all windows, with F", {}, {}}, local{"each window alone", {}, {}, true}, markov{"position-binned Markov model", {}, {}, true}, free_energy{"F", {}, {}}, times{"mean exit time", {}, {}, true};
  ChartCurve above{"measured", {}, {}, true}, above_model{"by F and D", {}, {}}, cv2{"measured", {}, {}, true}, cv2_model{"by F and D", {}, {}};
  for (const PassageWindow& row : report.windows) {
    const double z = report.data.window[row.window].window.centre_ang;
    if (row.point) {
      global.x.push_back(report.profile.points[*row.point].z_ang);
      global.y.push_back(per_ps(report.profile.points[*row.point].diffusion_ang2_fs));
    }
    if (row.local.corrected_ang2_fs.estimate) {
      local.x.push_back(z);
      local.y.push_back(per_ps(*row.local.corrected_ang2_fs.estimate));
    }
    if (row.local.mean_exit_time_fs.estimate) {
      times.x.push_back(z);
      times.y.push_back(in_ps(*row.local.mean_exit_time_fs.estimate));
    }
    if (row.local.p_plus.estimate) {
      above.x.push_back(z);
      above.y.push_back(*row.local.p_plus.estimate);
    }
    if (const kinetics::WindowCheck* check = check_of(report, z)) {
      above_model.x.push_back(z);
      above_model.y.push_back(alone(check->above_model));
      cv2.x.push_back(z);
      cv2.y.push_back({check->cv2, check->cv2 - 1.96 * check->cv2_error, check->cv2 + 1.96 * check->cv2_error});
      cv2_model.x.push_back(z);
      cv2_model.y.push_back(alone(check->cv2_model));
    }
  }
  for (const kinetics::BinnedDiffusionPoint& point : report.markov.points)
    if (point.diffusion_ang2_fs) {
      markov.x.push_back(point.z_ang);
      markov.y.push_back(per_ps(*point.diffusion_ang2_fs));
    }
  for (const kinetics::FreeEnergyBin& bin : report.profile.free_energy) {
    free_energy.x.push_back(bin.z_ang);
    free_energy.y.push_back(bin.free_energy_kt);
  }
  const std::string width = fmt::format("{:.3g}", report.half_widths_ang.front());
  page.charts = {{"passage_diffusion", "Diffusion coefficient along the coordinate, with 95 % bands: from the exits of all windows of ± " + width + " Å together, which knows F, and beside it from each window alone, which does not and is wrong where F is curved.",
                  "z, Å", "D, Å²/ps", false, {global, local}, {}, {}},
                 {"passage_free_energy", "Free energy from the density of the particles, with its 95 % band.", "z, Å", "F, kT", false, {free_energy}, {}, {}},
                 {"passage_times", fmt::format("Mean time until a particle within {:.3g} Å of z leaves the window around it, with 95 % bars.", settings.start_half_width_ang), "z, Å", "mean exit time, ps", false, {times}, {}, {}},
                 {"passage_sides", "Share of exits on the side of larger z, and what the fitted F and D say.", "z, Å", "share above", false, {above, above_model}, {}, {}},
                 {"passage_spread", "Variance of exit times over their squared mean: diffusion as fitted would give the line.", "z, Å", "Var T / ⟨T⟩²", false, {cv2, cv2_model}, {}, {}}};
  if (!markov.x.empty())
    page.charts.insert(page.charts.begin() + 1, {"passage_markov", "The same D beside that of a Markov model of bins of the coordinate, by maximum likelihood, at long lag.", "z, Å", "D, Å²/ps", false, {global, markov}, {}, {}});
  if (report.over_half_width.size() > 1) {
    Chart widths{"passage_widths", "D(z) from windows of several half-widths, those that most starts leave before the data end: where they agree, motion is diffusive at that scale.", "z, Å", "D, Å²/ps", false, {}, {}, {}};
    for (const kinetics::HalfWidthProfile& one : report.over_half_width) {
      if (one.censored > kinetics::most_censored) continue;
      ChartCurve curve{fmt::format("± {:.3g} Å", one.half_width_ang), {}, {}};
      for (const kinetics::ProfilePoint& point : one.profile.points) {
        curve.x.push_back(point.z_ang);
        curve.y.push_back(alone(point.diffusion_ang2_fs.value * units::fs_per_ps));
      }
      widths.curves.push_back(std::move(curve));
    }
    if (widths.curves.size() > 1) page.charts.push_back(std::move(widths));
  }
  Chart survival{"passage_survival", "Probability to be still within the window after a time, at a few places, with 95 % bands, and what the fitted F and D give.", "time, ps", "survival", true, {}, {}, {}};
  std::vector<const PassageWindow*> with_model;
  for (const PassageWindow& row : report.windows)
    if (!row.model_survival.empty()) with_model.push_back(&row);
  for (std::size_t k = 0; k < std::min(survival_charts, with_model.size()); ++k) {
    const PassageWindow& row = *with_model[k * (with_model.size() - 1) / std::max<std::size_t>(1, std::min(survival_charts, with_model.size()) - 1)];
    ChartCurve measured{fmt::format("{:.3g} Å", report.data.window[row.window].window.centre_ang), {}, {}}, model{measured.name + ", by F and D", {}, {}};
    for (std::size_t t = 0; t < row.survival.time_fs.size(); ++t) {
      for (ChartCurve* curve : {&measured, &model}) curve->x.push_back(row.survival.time_fs[t] / units::fs_per_ps);
      measured.y.push_back({row.survival.survival[t], row.survival.low[t], row.survival.high[t]});
      model.y.push_back(alone(row.model_survival[t]));
    }
    survival.curves.push_back(std::move(measured));
    survival.curves.push_back(std::move(model));
  }
  if (!survival.curves.empty()) page.charts.push_back(std::move(survival));
  return page;
}

std::vector<NamedEstimate> passage_estimates(const PassageReport& report) {
  std::vector<NamedEstimate> estimates;
  const std::vector<kinetics::ProfilePoint>& points = report.profile.points;
  if (points.empty()) return estimates;
  const auto less = [](const kinetics::ProfilePoint& a, const kinetics::ProfilePoint& b) { return a.diffusion_ang2_fs.value < b.diffusion_ang2_fs.value; };
  const auto [least, most] = std::minmax_element(points.begin(), points.end(), less);
  const auto& middle = points[points.size() / 2];
  for (const auto& [name, point] : {std::pair{"diffusion_middle", &middle}, std::pair{"diffusion_smallest", &*least}, std::pair{"diffusion_largest", &*most}})
    estimates.push_back({name, per_ps(point->diffusion_ang2_fs), report.profile.draws > 0, "ang2_per_ps", fmt::format("at z = {:.4g} Å", point->z_ang)});
  return estimates;
}

}  // namespace saltus::runs
