#include "saltus/runs/analysis_page.hpp"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json curve_json(const ChartCurve& curve) {
  json object{{"name", curve.name}, {"x", curve.x}, {"y", json::array()}};
  if (curve.points) object["points"] = true;
  bool band = false;
  for (const Estimate& e : curve.y) {
    object["y"].push_back(number(e.value));
    band = band || (std::isfinite(e.low) && std::isfinite(e.high));
  }
  if (!band) return object;
  for (const char* end : {"low", "high"}) object[end] = json::array();
  for (const Estimate& e : curve.y) {
    object["low"].push_back(number(e.low));
    object["high"].push_back(number(e.high));
  }
  return object;
}

json chart_json(const Chart& chart) {
  json object{{"name", chart.name}, {"caption", chart.caption},     {"x", chart.x_title},
              {"y", chart.y_title}, {"log_x", chart.logarithmic_x}, {"curves", json::array()}};
  for (const ChartCurve& curve : chart.curves) object["curves"].push_back(curve_json(curve));
  if (chart.shaded) {
    object["shaded_from"] = chart.shaded->first;
    object["shaded_to"] = chart.shaded->second;
  }
  if (chart.x_range) object["x_range"] = {chart.x_range->first, chart.x_range->second};
  return object;
}

}  // namespace

std::vector<Estimate> without_intervals(std::span<const double> values) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<Estimate> result;
  for (const double value : values) result.push_back({value, none, none});
  return result;
}

namespace {

json page_json(const AnalysisPage& page) {
  json data{{"kind", page.kind},           {"title", page.title},     {"subtitle", page.subtitle},
            {"sentences", page.sentences}, {"charts", json::array()}, {"estimates", json::array()},
            {"warnings", page.warnings}};
  for (const Chart& chart : page.charts) data["charts"].push_back(chart_json(chart));
  for (const NamedEstimate& estimate : page.estimates) data["estimates"].push_back(to_json(estimate));
  for (const PageTable& table : page.tables) {
    json object{{"name", table.name}, {"title", table.title}, {"columns", table.columns}, {"rows", table.rows}};
    if (table.wide) object["wide"] = *table.wide;
    data["tables"].push_back(std::move(object));
  }
  if (!page.sites.empty()) data["sites"] = json::parse(page.sites);
  if (!page.scene.empty()) data["scene"] = json::parse(page.scene);
  return data;
}

}  // namespace

std::string json_of(const AnalysisPage& page) { return page_json(page).dump(); }

std::string html_of(const AnalysisPage& page) { return page_of(page_json(page), page.title); }

}  // namespace saltus::runs
