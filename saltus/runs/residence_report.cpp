#include "saltus/runs/residence_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/mobile_pass.hpp"

namespace saltus::runs {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::int64_t most_lag_frames = 20000;


std::string name_of(const RegionResidence& region) { return fmt::format("{:.4g} to {:.4g} Å", region.low_ang, region.high_ang); }

std::vector<double> times_ps(const RegionResidence& region) {
  std::vector<double> times = region.correlation.time_fs;
  for (double& time : times) time /= units::fs_per_ps;
  return times;
}

}  // namespace

void check(const RegionSettings& settings) {
  for (const auto& [low, high] : settings.regions_ang)
    if (!(low < high) || !std::isfinite(low) || !std::isfinite(high)) throw Error(ErrorKind::usage, fmt::format("a region from {:.6g} to {:.6g} Å has no width", low, high));
  for (const double escape : settings.escapes_fs)
    if (!(escape >= 0) || !std::isfinite(escape)) throw Error(ErrorKind::usage, fmt::format("an escape cannot last {:.6g} fs", escape));
}

std::vector<RegionResidence> residence_in_regions(const PassageCoordinates& coordinates, const RegionSettings& settings, const Progress& progress) {
  check(settings);
  const kinetics::CoordinateFrames frames = frames_of(coordinates.series, 0, coordinates.series.frames());
  const std::int64_t longest = std::clamp<std::int64_t>(static_cast<std::int64_t>(frames.frames) / 4, 1, most_lag_frames);
  std::vector<std::int64_t> gaps;
  for (const double escape : settings.escapes_fs)
    gaps.push_back(static_cast<std::int64_t>(std::min(std::floor(escape / coordinates.frame_interval_fs + 0.01), static_cast<double>(frames.frames))));
  std::sort(gaps.begin(), gaps.end());
  gaps.erase(std::unique(gaps.begin(), gaps.end()), gaps.end());
  while (!gaps.empty() && gaps.back() > 0 && gaps.back() >= longest) gaps.pop_back();
  if (gaps.empty())
    throw Error(ErrorKind::usage, fmt::format("all escapes are as long as the longest lag, {:.4g} ps, a quarter of the run: no stay would end; give shorter ones", static_cast<double>(longest) * coordinates.frame_interval_fs / units::fs_per_ps));
  std::vector<RegionResidence> results;
  for (const auto& [low, high] : settings.regions_ang)
    for (const std::int64_t gap : gaps) {
      report_progress(progress, "residence", static_cast<double>(results.size()), static_cast<double>(settings.regions_ang.size() * gaps.size()), "regions");
      kinetics::ResidenceSettings own;
      own.low_ang = low;
      own.high_ang = high;
      own.period_ang = coordinates.period_ang;
      own.frame_interval_fs = coordinates.frame_interval_fs;
      own.longest_lag_frames = longest;
      own.gap_frames = gap;
      own.seed = settings.seed;
      results.push_back({low, high, static_cast<double>(gap) * coordinates.frame_interval_fs, kinetics::residence_correlation(frames, own)});
    }
  return results;
}

Json residence_document(const std::vector<RegionResidence>& regions) {
  Json document = Json::array();
  for (const RegionResidence& region : regions) {
    const kinetics::ResidenceCorrelation& c = region.correlation;
    Json object{{"low_ang", region.low_ang}, {"high_ang", region.high_ang}, {"escape_ps", region.escape_fs / units::fs_per_ps}, {"molecules", c.mean_particles}, {"visits", c.visits}};
    if (c.residence_time_fs.estimate) {
      const Estimate e = in_ps(*c.residence_time_fs.estimate);
      object["residence_time_ps"] = {{"value", e.value}, {"low", e.low}, {"high", e.high}};
    } else {
      object["residence_time_ps"] = nullptr;
      object["undetermined"] = c.residence_time_fs.reason;
    }
    object["time_ps"] = times_ps(region);
    object["continuous"] = c.continuous;
    object["continuous_low"] = c.continuous_low;
    object["continuous_high"] = c.continuous_high;
    object["intermittent"] = c.intermittent;
    object["intermittent_low"] = c.intermittent_low;
    object["intermittent_high"] = c.intermittent_high;
    document.push_back(std::move(object));
  }
  return document;
}

std::string residence_table(const std::vector<RegionResidence>& regions) {
  std::string text = fmt::format("\nresidence in regions\n{:>16} {:>12} {:>10} {:>10} {:>10} {:>20}\n", "Å", "escapes, ps", "molecules", "visits", "time, ps", "95 %");
  std::vector<std::string> reasons;
  for (const RegionResidence& region : regions) {
    const kinetics::ResidenceCorrelation& c = region.correlation;
    std::string value = "-", interval;
    if (c.residence_time_fs.estimate) {
      const Estimate e = in_ps(*c.residence_time_fs.estimate);
      value = fmt::format("{:.4g}", e.value);
      interval = fmt::format("{:.4g} … {:.4g}", e.low, e.high);
    } else {
      reasons.push_back(fmt::format("  {}, escapes of {:.4g} ps: undetermined: {}\n", name_of(region), region.escape_fs / units::fs_per_ps, c.residence_time_fs.reason));
    }
    text += fmt::format("{:>16} {:>12} {:>10.1f} {:>10.0f} {:>10} {:>20}\n", fmt::format("{:.4g} … {:.4g}", region.low_ang, region.high_ang),
                        region.escape_fs > 0 ? fmt::format("≤ {:.4g}", region.escape_fs / units::fs_per_ps) : "none", c.mean_particles, c.visits, value, interval);
  }
  for (const std::string& reason : reasons) text += reason;
  return text;
}

void add_residence(const std::vector<RegionResidence>& regions, AnalysisPage& page) {
  if (regions.empty()) return;
  Chart chart{"passage_residence", "Share of the molecules found in a region that are still there after a time: ever since, with short excursions forgiven where it says so, or again (intermittent); 95 % bands.",
              "time, ps", "share", true, {}, {}, {}};
  const RegionResidence* before = nullptr;
  for (const RegionResidence& region : regions) {
    const kinetics::ResidenceCorrelation& c = region.correlation;
    const std::vector<double> times = times_ps(region);
    ChartCurve since{name_of(region) + (region.escape_fs > 0 ? fmt::format(", escapes ≤ {:.4g} ps", region.escape_fs / units::fs_per_ps) : ""), {}, {}}, again{name_of(region) + ", intermittent", {}, {}};
    for (std::size_t k = 1; k < times.size(); ++k) {  // time 0 has no place on a logarithmic axis
      for (ChartCurve* curve : {&since, &again}) curve->x.push_back(times[k]);
      since.y.push_back({c.continuous[k], c.continuous_low[k], c.continuous_high[k]});
      again.y.push_back({c.intermittent[k], c.intermittent_low[k], c.intermittent_high[k]});
    }
    if (!before || before->low_ang != region.low_ang || before->high_ang != region.high_ang) chart.curves.push_back(std::move(again));
    chart.curves.push_back(std::move(since));
    before = &region;
    const std::string note = fmt::format("from {}{}", name_of(region), region.escape_fs > 0 ? fmt::format(", escapes of at most {:.4g} ps forgiven", region.escape_fs / units::fs_per_ps) : "");
    if (c.residence_time_fs.estimate) page.estimates.push_back({"residence_time", in_ps(*c.residence_time_fs.estimate), true, "ps", note});
    else page.estimates.push_back({"residence_time", std::nullopt, true, "ps", note + ": " + c.residence_time_fs.reason});
  }
  page.charts.push_back(std::move(chart));
}

}  // namespace saltus::runs
