// The report page in a browser: made from made-up stages, opened in headless Chromium by open_page.mjs. Skipped where there is none.
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/page_files.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t page_limit_bytes = 4 * 1024 * 1024;  // without data
constexpr const char* hostile = "</script><script>console.error('markup')</script> & \"quotes\", commas";

NamedEstimate estimate(const std::string& name, double value, double half, const std::string& unit) {
  return {name, Estimate{value, value - half, value + half}, true, unit, ""};
}

json candidate(int body_order) {
  return {{"body_order", body_order}, {"cutoff_ang", 5.5}, {"ridge", 1e-7}, {"valid_force_rmse_mev_ang", 60.0},
          {"valid_energy_rmse_mev_per_atom", 2.0}, {"valid_loss", 0.09}};
}

json fit_chart() {
  json points{{"set", hostile}, {"reference", json::array()}, {"predicted", json::array()}};
  for (int k = 0; k < 200; ++k) {
    points["reference"].push_back(0.01 * k - 1);
    points["predicted"].push_back(0.01 * k - 1 + 0.02 * std::sin(7.0 * k));
  }
  json error{{"set", hostile}, {"part", "test"}, {"frames", 10}, {"force_rmse_relative", 0.05}, {"elements", {{"Li", {{"force_rmse_mev_ang", 30.0}}}}}};
  for (const char* key : {"energy_rmse_raw_mev_per_atom", "energy_rmse_mean_aligned_mev_per_atom", "energy_rmse_aligned_mev_per_atom",
                          "force_rmse_mev_ang", "force_mae_mev_ang", "force_rms_mev_ang"})
    error[key] = 1.5;
  return {{"summary", "A made-up fit."}, {"chosen_ridge", 1e-3}, {"elements", {"Li", "Si"}}, {"errors", {error}}, {"trials", json::array()},
          {"candidates", {candidate(3), candidate(4)}}, {"chosen_candidate", 1},
          {"parity", {{"energy", {points}}, {"force", {points}}}}};
}

json md_chart(double temperature_kelvin) {
  json chart{{"formula", "Li3Si"}, {"summary", "Made up."}, {"target_kelvin", temperature_kelvin}, {"max_extrapolation", 5.0}};
  for (int k = 0; k < 300; ++k) {
    chart["time_ps"].push_back(0.1 * k);
    chart["temperature_kelvin"].push_back(temperature_kelvin + 30 * std::sin(0.9 * k));
    chart["conserved_mev_per_atom"].push_back(0.001 * k);
    chart["extrapolation"].push_back(k % 7 ? json(0.5 + 0.001 * k) : json(nullptr));
  }
  return chart;
}

json kinetics_chart(double speed) {
  json chart{{"system", {{"formula", "Li3Si"}, {"atoms", 4}, {"temperature_kelvin", 900}, {"length_ps", 30}, {"carriers", "3 Li on 4 sites: 1 empty"}}},
             {"agreement", {{"agree", true}, {"text", "Made up."}}},
             {"summary", "Made up."}};
  json framework{{"element", "Si"}, {"text", "Yes."}}, msd, diffusion;
  json first{{"name", "first third"}, {"g", json::array()}};
  json timescales{{"lag_ps", json::array()}, {"processes", {{{"value", json::array()}, {"low", json::array()}, {"high", json::array()}}}}};
  for (int k = 1; k <= 20; ++k) {
    const double lag_ps = 0.1 * k;
    framework["lag_ps"].push_back(lag_ps);
    framework["msd_ang2"].push_back(0.3 * (1 - std::exp(-lag_ps)));
    framework["r_ang"].push_back(0.3 * k);
    first["g"].push_back(k < 8 ? 0.0 : 1 + std::sin(k));
    for (json* curve : {&msd, &diffusion, &timescales}) (*curve)["lag_ps"] = framework["lag_ps"];
    msd["trajectory_ang2"].push_back(6 * speed * lag_ps);
    msd["low"].push_back(5 * speed * lag_ps);
    msd["high"].push_back(k == 20 ? json(nullptr) : json(7 * speed * lag_ps));
    const bool known = k > 2;
    diffusion["value"].push_back(known ? json(speed) : json(nullptr));
    diffusion["low"].push_back(known ? json(0.9 * speed) : json(nullptr));
    diffusion["high"].push_back(known ? json(1.1 * speed) : json(nullptr));
    for (const char* column : {"value", "low", "high"}) timescales["processes"][0][column].push_back(known ? json(2 / speed) : json(nullptr));
  }
  framework["rdf"] = {first};
  msd["fit_from_ps"] = 0.5;
  msd["fit_to_ps"] = 1.5;
  msd["model"] = {{"name", ""}, {"lag_ps", {0.5, 1.0}}, {"msd_ang2", {3 * speed, 6 * speed}}};
  diffusion["plateau_from_ps"] = 0.5;
  diffusion["plateau_to_ps"] = 2.0;
  chart["framework"] = framework;
  chart["msd"] = msd;
  chart["diffusion"] = diffusion;
  chart["timescales"] = timescales;
  chart["sites"] = {{"text", "Made up."}, {"columns", {"site", "a", "b", "c", "occupation", "departures"}}, {"occupation_column", 4},
                    {"rows", {{1, 0.1, 0.1, 0.1, 0.9, 12}, {2, 0.6, 0.1, 0.1, 0.7, 9}, {3, 0.1, 0.6, 0.1, 0.2, 3}}}};
  chart["scene"] = {{"cell_ang", {{6, 0, 0}, {0, 6, 0}, {1, 0, 6}}}, {"mobile", "Li"}, {"element", "Si"}, {"framework_ang", {{3.2, 3, 3}}},
                    {"sites_ang", {{0.7, 0.6, 0.6}, {3.7, 0.6, 0.6}, {0.7, 3.6, 0.6}}}, {"jumps", {{0, 1, 0, 0, 0, 5, 4}, {0, 1, -1, 0, 0, 2, 2}, {2, 2, 0, 1, 0, 1, 0}}}};
  chart["modes"] = {{"lag_ps", 1.0}, {"text", "Made up."},
                    {"rows", {{{"time_ps", 30.0}, {"low", 20.0}, {"high", nullptr}, {"share", 0.2}, {"value", {1.0, -0.4, nullptr}}},
                              {{"time_ps", nullptr}, {"low", nullptr}, {"high", nullptr}, {"share", 0.0}, {"value", {-0.5, 1.0, nullptr}}}}}};
  json held{{"from", 0}, {"to", 0}, {"time_ps", {1, 2, 3}}, {"foretold", {0.9, 0.8, 0.72}}, {"low", {0.88, 0.77, nullptr}}, {"high", {0.92, 0.83, nullptr}},
            {"estimated", {0.9, 0.81, 0.7}}, {"estimated_low", {0.88, 0.79, 0.6}}, {"estimated_high", {0.92, 0.83, 0.8}}};
  chart["chapman_kolmogorov"] = {{"lag_ps", 1.0}, {"passed", true}, {"text", hostile}, {"sets", {{{"population", 0.6}, {"sites", {0}}}, {{"population", 0.4}, {"sites", {1}}}}},
                                 {"curves", {held}}};
  chart["scattering"] = {{"text", "Made up."}, {"curves", {{{"k_per_ang", 0.5}, {"time_ps", {0.1, 1, 10}}, {"value", {0.99, 0.9, 0.4}}, {"low", {0.98, 0.88, nullptr}}, {"high", {1.0, 0.92, nullptr}},
                                                             {"model_ps", {1, 2, 3}}, {"model", {0.9, 0.81, 0.73}}}}}};
  chart["channels"] = {{"text", "Made up."},
                       {"directions", {{{"name", "a"}, {"text", "One way."}, {"progress", {0.0, 0.5, nullptr}},
                                        {"paths", {{0, 1, 0, 0, 0, 0.6}, {1, 0, 1, 0, 0, 0.4}}}, {"channels", {{{"sites", {0, 1}}, {"image", {1, 0, 0}}, {"share", 1.0}}}}},
                                       {{"name", "b"}, {"text", "None."}, {"progress", nullptr}, {"paths", json::array()}, {"channels", json::array()}}}}};
  return chart;
}

json arrhenius_chart() {
  json line{{"route", "msd"}, {"name", hostile}, {"text", "Made up."}, {"from_kelvin", 500.0}, {"to_kelvin", 800.0},
            {"activation_energy_ev", {{"value", 0.3}, {"low", 0.2}, {"high", 0.4}}}};
  for (const double kelvin : {500.0, 650.0, 800.0})
    line["points"].push_back({{"value", 40 * std::exp(-3500 / kelvin)}, {"low", 30 * std::exp(-3500 / kelvin)}, {"high", 50 * std::exp(-3500 / kelvin)}, {"kelvin", kelvin}});
  for (double kelvin = 300; kelvin <= 800; kelvin += 50)
    for (const auto& [column, factor] : {std::pair{"value", 40.0}, {"low", 30.0}, {"high", 50.0}}) line["curve"][column].push_back(factor * std::exp(-3500 / kelvin));
  for (double kelvin = 300; kelvin <= 800; kelvin += 50) line["curve"]["kelvin"].push_back(kelvin);
  line["at"] = {{{"value", 40 * std::exp(-3500 / 300.0)}, {"low", 1e-4}, {"high", 1e-3}, {"kelvin", 300.0}, {"extrapolated", true}}};
  const json undetermined{{"route", "msm"}, {"name", "Markov model"}, {"text", "Too few."}, {"points", json::array()}};
  return {{"routes", {line, undetermined}}};
}

struct Page : testing::Test {
  TemporaryFolder folder;

  static std::string chromium() {
    for (const char* name : {"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"})
      if (std::system(("command -v " + std::string(name) + " >/dev/null 2>&1").c_str()) == 0) return name;
    return {};
  }
  void SetUp() override {
    if (script_licences().empty()) GTEST_SKIP() << "this build carries no charts (SALTUS_REPORT_CHARTS is off)";
    if (chromium().empty()) GTEST_SKIP() << "no Chromium or Chrome is installed to open the page in";
    if (std::system("command -v node >/dev/null 2>&1") != 0) GTEST_SKIP() << "node is not installed, which steers the browser";
  }
  std::int64_t run(double speed) {
    const auto stage = [&](const std::string& name, const std::string& kind, const json& chart, std::vector<NamedEstimate> estimates) {
      Stage result;
      result.name = name;
      result.kind = kind;
      result.settings = json{{"speed", speed}}.dump();
      result.run = [=](const StageContext& context) {
        write_file_atomically(context.folder / "chart.json", chart.dump());
        return StageResult{estimates, {std::string("a warning ") + hostile}, {{kind, "chart.json"}}};
      };
      return result;
    };
    NamedEstimate undetermined{"diffusion_msm", std::nullopt, true, "ang2_per_ps", "too few jumps"};
    const std::vector<Stage> stages{stage("fit", "fit", fit_chart(), {estimate("force_rmse", 40, 2, "mev_ang")}),
                                    stage("md-cell", "md", md_chart(900), {estimate("temperature_mean", 900, 3, "kelvin")}),
                                    stage("kinetics-cell", "kinetics", kinetics_chart(speed),
                                          {estimate("diffusion_msd", speed, 0.1 * speed, "ang2_per_ps"),
                                           speed < 1 ? undetermined : estimate("diffusion_msm", speed, 0.2 * speed, "ang2_per_ps")}),
                                    stage("arrhenius-all", "arrhenius", arrhenius_chart(), {estimate("activation_energy_msd", 0.3, 0.1, "ev")})};
    const json settings = {{{"table", "md"}, {"name", "cell"},
                            {"values", {{{"key", "speed"}, {"value", speed}, {"unit", ""}, {"default", false}, {"help", "made up"}}}}}};
    return run_stages({"plan.toml", "hash", hostile, settings.dump()}, stages, folder / "runs", {}).run;
  }
  void expect_opens(const std::string& page, const std::string& options) {
    const std::filesystem::path file = folder.write("page.html", page);
    const std::string command = "node '" + std::string(SALTUS_SOURCE_DIR) + "/tests/page/open_page.mjs' " + chromium() + " '" + file.string() + "' " + options;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    EXPECT_LT(page.size(), page_limit_bytes);
  }
};

TEST_F(Page, OneRunIsDrawn) {
  run(0.4);
  const Registry registry(folder / "runs", false);
  expect_opens(report_page(registry, *registry.latest_run(), folder / "runs"), "--charts 14 --scenes 1");
}

TEST_F(Page, WithoutWebglThereIsAMessage) {
  run(0.4);
  const Registry registry(folder / "runs", false);
  expect_opens(report_page(registry, *registry.latest_run(), folder / "runs"), "--charts 14 --scenes 1 --no-webgl");
}

TEST_F(Page, RunsAreCompared) {
  run(0.4);
  run(1.2);
  const Registry registry(folder / "runs", false);
  std::vector<RunRecord> runs = registry.runs();
  ASSERT_EQ(runs.size(), 2u);
  expect_opens(comparison_page(registry, runs, folder / "runs"), "--charts 4");
}

TEST_F(Page, OneAnalysisIsDrawn) {
  AnalysisPage analysis{"msd", hostile, hostile, {"A sentence.", hostile}, {},
                        {estimate("diffusion_msd", 1, 0.1, "ang2_per_ps"), {hostile, std::nullopt, true, "kelvin", hostile}}, {hostile}};
  const double none = std::nan("");
  ChartCurve known{hostile, {0.1, 1, 10}, {{1, 0.5, 2}, {2, 1, 3}, {3, none, none}}};
  ChartCurve without{"Li", {0.1, 1, 10}, {{2, none, none}, {1, none, none}, {0, none, none}}};
  analysis.charts.push_back({"linear", "A caption.", "lag, ps", "MSD, Å²", false, {known}, std::pair{0.5, 2.0}, std::pair{0.0, 3.0}});
  analysis.charts.push_back({"logarithmic", hostile, "lag, ps", "MSD, Å²", true, {known, without}, std::nullopt, std::nullopt});
  ChartCurve dots = known;
  dots.points = true;
  analysis.charts.push_back({"points", hostile, "1000 K / T", "D", false, {without, dots}, std::nullopt, std::nullopt});
  expect_opens(html_of(analysis), "--charts 3");
}

TEST_F(Page, SitesOfOneAnalysisAreDrawn) {
  AnalysisPage analysis{"sites", hostile, hostile, {hostile}, {}, {}, {hostile}};
  analysis.sites = R"({"columns": ["site", "place", "a", "b", "c", "occupation", "departures"], "occupation_column": 5, "first": 0,
                       "rows": [[0, "48e", 0, 0, 0, 0.75, 12], [1, "", 0.5, 0.5, 0.5, 0.25, 11]]})";
  analysis.scene = R"({"cell_ang": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "mobile": "Li", "element": "", "framework_ang": [],
                       "sites_ang": [[0, 0, 0], [2, 2, 2]], "jumps": [[0, 1, 0, 0, 0, 7, 6], [0, 1, -1, 0, 0, 5, 5]]})";
  expect_opens(html_of(analysis), "--charts 1 --scenes 1");
}

}  // namespace
}  // namespace saltus::runs
