#include "saltus/runs/layer_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/from_blocks.hpp"

namespace saltus::runs {

using Json = nlohmann::ordered_json;
using kinetics::LocalEstimate;

namespace {

constexpr double decayed = 0.05, least_stayed = 0.05, lateral_longest_fs = 10'000, lateral_span = 5, largest_change = 0.1;
constexpr int lags_per_decade = 12;
constexpr double most_bytes = 1024.0 * 1024 * 1024, most_bins = 2000;

/// Sums of layer l, with those of its blocks.
template <class Sums>
FromBlocks<Sums> of_layer(std::size_t l, const std::vector<Sums>& total, const std::vector<std::vector<Sums>>& blocks) {
  std::vector<Sums> own;
  for (const std::vector<Sums>& block : blocks) own.push_back(block[l]);
  return {total[l], own};
}

/// A share of those started, at each lag.
template <class Sums>
std::vector<Estimate> correlation(const FromBlocks<Sums>& sums, std::vector<double> Sums::*part, std::vector<double> Sums::*whole) {
  std::vector<Estimate> curve;
  for (std::size_t k = 0; k < (sums.total().*whole).size(); ++k) curve.push_back(sums.estimate([&](const Sums& s) { return (s.*part)[k] / (s.*whole)[k]; }));
  return curve;
}

/// Between two values of a correlation, as an exponential where it can be one.
double area(double width, double before, double after) {
  if (before > 0 && after > 0 && std::abs(before - after) > 1e-6 * before) return width * (before - after) / std::log(before / after);
  return width * (before + after) / 2;
}

template <class Sums>
LocalEstimate relaxation(const FromBlocks<Sums>& sums, const std::vector<double>& lag_fs, std::vector<double> Sums::*part, std::vector<double> Sums::*whole) {
  const double left = (sums.total().*part).back() / (sums.total().*whole).back();
  if (!std::isfinite(left)) return {{}, "undetermined: nobody to follow"};
  if (left > decayed) return {{}, fmt::format("undetermined: {:.0f} % are left at the longest lag of {:.4g} ps", 100 * left, lag_fs.back() / units::fs_per_ps)};
  const Estimate e = sums.estimate([&](const Sums& s) {
    double sum = 0, before = 1, at = 0;
    for (std::size_t k = 0; k < lag_fs.size(); ++k) {
      const double now = (s.*part)[k] / (s.*whole)[k];
      sum += area(lag_fs[k] - at, before, now);
      before = now;
      at = lag_fs[k];
    }
    return sum;
  });
  return {e, {}};
}

Estimate scaled(const Estimate& e, double factor) { return {e.value * factor, e.low * factor, e.high * factor}; }

Json json_of(const LocalEstimate& e, double factor) { return e.estimate ? value_low_high(scaled(*e.estimate, factor)) : Json(nullptr); }

Json curve_json(const std::vector<Estimate>& curve) {
  Json values = Json::array();
  for (const Estimate& e : curve) values.push_back(value_low_high(e));
  return values;
}

std::string name_of(const Layer& layer) { return fmt::format("{:.4g} to {:.4g} Å", layer.low_ang, layer.high_ang); }
double middle(const Layer& layer) { return (layer.low_ang + layer.high_ang) / 2; }

std::string cell(const LocalEstimate& e, double factor, int decimals) {
  if (!e.estimate) return "-";
  const Estimate own = scaled(*e.estimate, factor);
  return std::isfinite(own.low) ? fmt::format("{:.{}f} ± {:.{}f}", own.value, decimals, (own.high - own.low) / 2, decimals) : fmt::format("{:.{}f}", own.value, decimals);
}

}  // namespace

struct LayerStudy::Kept {
  double time_fs, period_ang, area_ang2;
  Vec3 normal;
  Cell cell;
  std::vector<float> distance_ang;
  std::vector<Vec3> point_ang, axis;
  std::vector<HydrogenBond> bonds;

  explicit Kept(const DistanceFrame& frame)
      : time_fs(frame.time_fs), period_ang(frame.period_ang), area_ang2(frame.area_ang2), normal(frame.normal), cell(frame.cell), distance_ang(frame.distance_ang.begin(), frame.distance_ang.end()),
        point_ang(frame.point_ang.begin(), frame.point_ang.end()), axis(frame.axis.begin(), frame.axis.end()), bonds(frame.bonds.begin(), frame.bonds.end()) {}
  DistanceFrame frame() const { return {time_fs, period_ang, area_ang2, normal, cell, distance_ang, point_ang, axis, bonds}; }
};

LayerStudy::LayerStudy(LayerSettings settings) : settings_(std::move(settings)) {
  const std::vector<double>& edges = settings_.edges_ang;
  const bool finite = std::all_of(edges.begin(), edges.end(), [](double z) { return std::isfinite(z); });
  if (edges.size() < 2 || !finite || std::adjacent_find(edges.begin(), edges.end(), [](double a, double b) { return !(a < b); }) != edges.end())
    throw Error(ErrorKind::usage, fmt::format("edges of layers must ascend, two at least: {:.6g} do not", fmt::join(edges, ", ")));
  if (!(settings_.longest_lag_fs > 0)) throw Error(ErrorKind::usage, "the longest lag of layers must be positive");
  for (std::size_t k = 0; k + 1 < edges.size(); ++k) layers_.push_back({edges[k], edges[k + 1]});
  molecules_in_.assign(layers_.size(), 0.0);
}

LayerStudy::~LayerStudy() = default;

void LayerStudy::begin(const Frame& first, std::size_t frames, SurfaceDistanceSettings& distances) {
  expected_frames_ = frames;
  molecules_ = distances.molecules;
  along_surface_ = distances.kind != SurfaceDistanceSettings::Kind::sphere;
  from_surface_ = !distances.surface.empty();
  if (!along_surface_) notes_.push_back("no density and no lateral diffusion: around atoms there is no plane along which they would be meant");
  const std::vector<std::uint8_t>& z = first.atoms->atomic_number;
  if (std::find(z.begin(), z.end(), 1) == z.end()) {
    notes_.push_back("no orientations and no hydrogen bonds: the trajectory has no hydrogen atoms");
    return;
  }
  try {
    axes_ = hydrogen_axes(first, molecules_, AxisRule::bonds_to_hydrogen);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    notes_.push_back(fmt::format("no orientations and no hydrogen bonds: {}; select the atoms that hold the hydrogens, or whole molecules", error.what()));
    return;
  }
  distances.axes = axes_;
  const HydrogenBondSettings bonds;
  bonds_ = std::any_of(axes_.begin(), axes_.end(), [&](const MolecularAxis& axis) { return std::find(bonds.elements.begin(), bonds.elements.end(), z[axis.origin]) != bonds.elements.end(); });
  if (bonds_) distances.hydrogen_bonds = bonds;
  else notes_.push_back("no hydrogen bonds: no O or N of the molecules holds a hydrogen");
}

void LayerStudy::set_up(const DistanceFrame& second) {
  const double interval_fs = second.time_fs - first_->time_fs;
  if (first_->period_ang > 0 && layers_.back().high_ang - layers_.front().low_ang > 1.01 * first_->period_ang)
    throw Error(ErrorKind::usage, fmt::format("layers from {:.6g} to {:.6g} Å are more than the period of {:.6g} Å: some places would lie in two", layers_.front().low_ang, layers_.back().high_ang, first_->period_ang));
  const double bytes_per_frame = static_cast<double>(24 * molecules_.size() + 28 * axes_.size() + (bonds_ ? 16 * molecules_.size() : 0));
  const double half_block = std::floor(static_cast<double>(expected_frames_) / static_cast<double>(settings_.blocks) / 2);
  const double wanted = std::round(settings_.longest_lag_fs / interval_fs), by_memory = std::floor(most_bytes / bytes_per_frame);
  const double longest = std::max(1.0, std::min({wanted, half_block, by_memory}));
  if (by_memory < std::min(wanted, half_block)) notes_.push_back(fmt::format("the longest lag is {:.4g} ps: a GiB holds no more frames", longest * interval_fs / units::fs_per_ps));
  else if (half_block < wanted) notes_.push_back(fmt::format("the longest lag is {:.4g} ps: half a block of time", longest * interval_fs / units::fs_per_ps));
  for (const std::int64_t lag : kinetics::log_spaced_lags(static_cast<std::int64_t>(longest), lags_per_decade)) lags_.push_back(static_cast<std::size_t>(lag));
  if (along_surface_) {
    motion_.emplace(layers_, lags_);
    if (first_->area_ang2 > 0) {
      double low = layers_.front().low_ang, high = layers_.back().high_ang;
      if (const double period = first_->period_ang; period > 0) {
        low = from_surface_ ? -period / 2 : 0;
        high = low + period;
      }
      density_.emplace(low, high, static_cast<std::size_t>(std::clamp(std::round((high - low) / settings_.density_bin_ang), 1.0, most_bins)));
    } else {
      notes_.push_back("no density: the cell is not periodic along the surface, whose area is not known");
    }
  }
  if (!axes_.empty()) orientation_.emplace(layers_, lags_, axes_);
  if (bonds_) hydrogen_bonds_.emplace(layers_, lags_, molecules_);
}

void LayerStudy::count(const DistanceFrame& frame) {
  for (std::size_t l = 0; l < layers_.size(); ++l)
    for (const float z : frame.distance_ang) molecules_in_[l] += layers_[l].holds(z, frame.period_ang);
  if (density_) density_->add(frame);
  if (motion_) motion_->add(frame);
  if (orientation_) orientation_->add(frame);
  if (hydrogen_bonds_) hydrogen_bonds_->add(frame);
}

void LayerStudy::add(const DistanceFrame& frame) {
  if (frames_ == 0) {
    first_ = std::make_unique<Kept>(frame);
  } else if (frames_ == 1) {
    set_up(frame);
    count(first_->frame());
    first_.reset();
  }
  if (frames_ > 0) count(frame);
  else first_time_fs_ = frame.time_fs;
  last_time_fs_ = frame.time_fs;
  ++frames_;
}

LayerReport LayerStudy::report() const {
  if (frames_ < 2) throw Error(ErrorKind::usage, "layers need two frames at least");
  const double interval_fs = (last_time_fs_ - first_time_fs_) / static_cast<double>(frames_ - 1);
  LayerReport report;
  report.notes = notes_;
  report.lateral = motion_.has_value();
  report.orientation = orientation_.has_value();
  report.hydrogen_bonds = hydrogen_bonds_.has_value();
  for (const std::size_t lag : lags_) report.lag_fs.push_back(static_cast<double>(lag) * interval_fs);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    LayerRow row;
    row.layer = layers_[l];
    row.molecules = molecules_in_[l] / static_cast<double>(frames_);
    report.rows.push_back(std::move(row));
  }
  if (density_) {
    const std::vector<double> mean = density_->density_per_ang3();
    const std::vector<std::vector<double>> blocks = density_->blocks(settings_.blocks);
    for (std::size_t k = 0; k < mean.size(); ++k) {
      report.density_z_ang.push_back(density_->bin_centre_ang(k));
      std::vector<double> of_block;
      for (const std::vector<double>& block : blocks) of_block.push_back(block[k]);
      Estimate e{mean[k], std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
      if (of_block.size() > 1) e = kinetics::jackknife_estimate(mean[k], kinetics::leave_one_out_means(of_block));
      if (std::isfinite(e.low)) e.low = std::max(0.0, e.low);
      report.density_per_ang3.push_back(e);
    }
  }
  if (motion_) {
    if (const StepCheck& steps = motion_->steps(); steps.undetermined > 0)
      report.notes.push_back(fmt::format("{} steps between frames are half the cell or longer, their image is not known: frames are too far apart for lateral diffusion", steps.undetermined));
    const auto total = motion_->total();
    const auto blocks = motion_->blocks(settings_.blocks);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      using Sums = LayerMotionSums;
      LayerRow& row = report.rows[l];
      const FromBlocks<Sums> sums = of_layer(l, total, blocks);
      row.survival = correlation(sums, &Sums::stayed, &Sums::started);
      row.mean_square_ang2 = correlation(sums, &Sums::square_ang2, &Sums::stayed);
      std::optional<std::size_t> to;
      for (std::size_t k = 0; k < lags_.size(); ++k)
        if ((k == 0 || report.lag_fs[k] <= lateral_longest_fs * 1.001) && total[l].survival(k) >= least_stayed) to = k;
      if (!to) {
        row.lateral_ang2_fs.reason = total[l].started[0] > 0 ? fmt::format("undetermined: fewer than {:.0f} % stay for {:.4g} ps", 100 * least_stayed, report.lag_fs[0] / units::fs_per_ps) : "undetermined: nobody is there";
        continue;
      }
      std::size_t from = 0;
      while (from < *to && report.lag_fs[from] < report.lag_fs[*to] / lateral_span * 0.999) ++from;
      row.lateral_to_fs = report.lag_fs[*to];
      row.lateral_from_fs = from < *to ? report.lag_fs[from] : 0;
      const auto slope = [&](const Sums& s, std::optional<std::size_t> first, std::size_t last) {
        return (s.mean_square_ang2(last) - (first ? s.mean_square_ang2(*first) : 0)) / (4 * (report.lag_fs[last] - (first ? report.lag_fs[*first] : 0)));
      };
      const std::optional<std::size_t> since = from < *to ? std::optional(from) : std::nullopt;
      row.lateral_ang2_fs.estimate = sums.estimate([&](const Sums& s) { return slope(s, since, *to); });
      std::size_t half = from;
      while (half < *to && report.lag_fs[half] < std::sqrt(report.lag_fs[from] * report.lag_fs[*to])) ++half;
      if (half == from || half == *to) continue;
      const Estimate change = sums.estimate([&](const Sums& s) { return slope(s, half, *to) / slope(s, from, half) - 1; });
      if (change.low > largest_change || change.high < -largest_change)
        row.lateral_note = fmt::format("lateral D still changes with the lag, by {:+.0f} % from the first part of the lags to the second: not yet diffusion", 100 * change.value);
    }
  }
  if (orientation_) {
    const auto total = orientation_->total();
    const auto blocks = orientation_->blocks(settings_.blocks);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      using Sums = LayerOrientationSums;
      LayerRow& row = report.rows[l];
      const FromBlocks<Sums> sums = of_layer(l, total, blocks);
      row.first = correlation(sums, &Sums::first, &Sums::started);
      row.second = correlation(sums, &Sums::second, &Sums::started);
      row.first_fs = relaxation(sums, report.lag_fs, &Sums::first, &Sums::started);
      row.second_fs = relaxation(sums, report.lag_fs, &Sums::second, &Sums::started);
    }
  }
  if (hydrogen_bonds_) {
    const auto total = hydrogen_bonds_->total();
    const auto blocks = hydrogen_bonds_->blocks(settings_.blocks);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      using Sums = BondCorrelationSums;
      LayerRow& row = report.rows[l];
      const FromBlocks<Sums> sums = of_layer(l, total, blocks);
      row.bonded_since = correlation(sums, &Sums::continuous, &Sums::bonded);
      row.bonded_again = correlation(sums, &Sums::intermittent, &Sums::bonded);
      row.bonded_since_fs = relaxation(sums, report.lag_fs, &Sums::continuous, &Sums::bonded);
      row.bonded_again_fs = relaxation(sums, report.lag_fs, &Sums::intermittent, &Sums::bonded);
    }
  }
  return report;
}

Json layer_document(const LayerReport& report) {
  const double ps = 1 / units::fs_per_ps;
  Json document{{"lag_fs", report.lag_fs}, {"layers", Json::array()}, {"density", Json::array()}, {"notes", report.notes}};
  for (const LayerRow& row : report.rows) {
    Json layer{{"low_ang", row.layer.low_ang}, {"high_ang", row.layer.high_ang}, {"molecules", row.molecules}};
    Json undetermined = Json::object();
    const auto add = [&](const char* name, const LocalEstimate& e, double factor) {
      layer[name] = json_of(e, factor);
      if (!e.estimate) undetermined[name] = e.reason;
    };
    if (report.lateral) {
      add("lateral_diffusion_ang2_per_ps", row.lateral_ang2_fs, units::fs_per_ps);
      if (!row.lateral_note.empty()) layer["lateral_note"] = row.lateral_note;
      layer["lateral_from_ps"] = row.lateral_from_fs * ps;
      layer["lateral_to_ps"] = row.lateral_to_fs * ps;
      layer["survival"] = curve_json(row.survival);
      layer["lateral_msd_ang2"] = curve_json(row.mean_square_ang2);
    }
    if (report.orientation) {
      add("orientation_first_ps", row.first_fs, ps);
      add("orientation_second_ps", row.second_fs, ps);
      layer["orientation_first"] = curve_json(row.first);
      layer["orientation_second"] = curve_json(row.second);
    }
    if (report.hydrogen_bonds) {
      add("hydrogen_bond_continuous_ps", row.bonded_since_fs, ps);
      add("hydrogen_bond_intermittent_ps", row.bonded_again_fs, ps);
      layer["hydrogen_bond_continuous"] = curve_json(row.bonded_since);
      layer["hydrogen_bond_intermittent"] = curve_json(row.bonded_again);
    }
    layer["undetermined"] = std::move(undetermined);
    document["layers"].push_back(std::move(layer));
  }
  for (std::size_t k = 0; k < report.density_z_ang.size(); ++k) document["density"].push_back({{"z_ang", report.density_z_ang[k]}, {"density_per_ang3", value_low_high(report.density_per_ang3[k])}});
  return document;
}

std::string layer_table(const LayerReport& report) {
  const double ps = 1 / units::fs_per_ps;
  std::string text = fmt::format("\nlayers, ± half of the 95 % interval from blocks of time\n{:>16} {:>10}", "Å", "molecules");
  if (report.lateral) text += fmt::format(" {:>18} {:>12}", "lateral D, Å²/ps", "at lags, ps");
  if (report.orientation) text += fmt::format(" {:>15} {:>15}", "P1 OH, ps", "P2 OH, ps");
  if (report.hydrogen_bonds) text += fmt::format(" {:>15} {:>15}", "H bond, ps", "with returns");
  text += "\n";
  std::vector<std::string> remarks;
  for (const LayerRow& row : report.rows) {
    text += fmt::format("{:>16} {:>10.1f}", fmt::format("{:.4g} … {:.4g}", row.layer.low_ang, row.layer.high_ang), row.molecules);
    if (report.lateral) text += fmt::format(" {:>18} {:>12}", cell(row.lateral_ang2_fs, units::fs_per_ps, 4), row.lateral_to_fs > 0 ? fmt::format("{:.3g} … {:.3g}", row.lateral_from_fs * ps, row.lateral_to_fs * ps) : "-");
    if (report.orientation) text += fmt::format(" {:>15} {:>15}", cell(row.first_fs, ps, 3), cell(row.second_fs, ps, 3));
    if (report.hydrogen_bonds) text += fmt::format(" {:>15} {:>15}", cell(row.bonded_since_fs, ps, 3), cell(row.bonded_again_fs, ps, 3));
    text += "\n";
    const auto reason = [&](const char* what, const LocalEstimate& e) {
      if (!e.reason.empty()) remarks.push_back(fmt::format("{}, {}: {}", name_of(row.layer), what, e.reason));
    };
    if (!row.lateral_note.empty()) remarks.push_back(name_of(row.layer) + ": " + row.lateral_note);
    reason("lateral D", row.lateral_ang2_fs);
    reason("P1", row.first_fs);
    reason("P2", row.second_fs);
    reason("hydrogen bonds", row.bonded_since_fs);
    reason("hydrogen bonds with returns", row.bonded_again_fs);
  }
  remarks.insert(remarks.end(), report.notes.begin(), report.notes.end());
  for (const std::string& line : remarks) text += "  " + line + "\n";
  return text;
}

void add_layers(const LayerReport& report, AnalysisPage& page) {
  const double ps = 1 / units::fs_per_ps;
  const auto points = [&](const char* name, LocalEstimate LayerRow::*member, double factor) {
    ChartCurve curve{name, {}, {}, true};
    for (const LayerRow& row : report.rows)
      if ((row.*member).estimate) {
        curve.x.push_back(middle(row.layer));
        curve.y.push_back(scaled(*(row.*member).estimate, factor));
      }
    return curve;
  };
  const auto over_lags = [&](std::vector<ChartCurve>& curves, std::vector<Estimate> LayerRow::*member, const std::string& what) {
    for (const LayerRow& row : report.rows) {
      ChartCurve curve{name_of(row.layer) + what, {}, {}};
      for (std::size_t k = 0; k < report.lag_fs.size(); ++k)
        if (std::isfinite((row.*member)[k].value)) {
          curve.x.push_back(report.lag_fs[k] * ps);
          curve.y.push_back((row.*member)[k]);
        }
      if (!curve.x.empty()) curves.push_back(std::move(curve));
    }
  };
  const auto add = [&](Chart chart) {
    if (std::any_of(chart.curves.begin(), chart.curves.end(), [](const ChartCurve& curve) { return !curve.x.empty(); })) page.charts.push_back(std::move(chart));
  };
  if (report.lateral) {
    const ChartCurve lateral = points("lateral, in layers", &LayerRow::lateral_ang2_fs, units::fs_per_ps);
    Chart beside{"layer_diffusion", "D across the surface from first exits, and along it from the displacements of the molecules that stay in each layer, at the middle of the layer; 95 % intervals.",
                 "z, Å", "D, Å²/ps", false, {}, {}, {}};
    if (!page.charts.empty() && page.charts.front().name == "passage_diffusion" && !page.charts.front().curves.empty()) {
      beside.curves.push_back(page.charts.front().curves.front());
      beside.curves.back().name = "across, from first exits";
    }
    if (!lateral.x.empty()) beside.curves.push_back(lateral);
    add(std::move(beside));
  }
  if (!report.density_z_ang.empty())
    add({"layer_density", "Number density of the molecules against distance, with its 95 % band.", "z, Å", "density, 1/Å³", false, {{"density", report.density_z_ang, report.density_per_ang3}}, {}, {}});
  if (report.orientation) {
    add({"layer_orientation_times", "Relaxation times of the directions of bonds to hydrogen, of molecules that are in the layer at the start; 95 % bars.", "z, Å", "relaxation time, ps", false,
         {points("first Legendre polynomial", &LayerRow::first_fs, ps), points("second Legendre polynomial", &LayerRow::second_fs, ps)}, {}, {}});
    Chart curves{"layer_orientation", "Second Legendre polynomial of the angle by which bonds to hydrogen turn, by layer.", "time, ps", "C₂", true, {}, {}, {}};
    over_lags(curves.curves, &LayerRow::second, "");
    add(std::move(curves));
  }
  if (report.hydrogen_bonds) {
    add({"layer_bond_times", "Lifetimes of hydrogen bonds by the layer of the donor: until they first break, and with returns; 95 % bars.", "z, Å", "lifetime, ps", false,
         {points("until first broken", &LayerRow::bonded_since_fs, ps), points("with returns", &LayerRow::bonded_again_fs, ps)}, {}, {}});
    Chart curves{"layer_bonds", "Hydrogen bonds that are there again after a time, broken meanwhile or not, by the layer of the donor.", "time, ps", "share", true, {}, {}, {}};
    over_lags(curves.curves, &LayerRow::bonded_again, "");
    add(std::move(curves));
  }
  if (report.lateral) {
    Chart stay{"layer_survival", "Share of molecules that are in the layer in all frames until a time.", "time, ps", "share", true, {}, {}, {}};
    over_lags(stay.curves, &LayerRow::survival, "");
    add(std::move(stay));
  }
  for (const LayerRow& row : report.rows)
    if (report.lateral)
      page.estimates.push_back({"lateral_diffusion", row.lateral_ang2_fs.estimate ? std::optional(scaled(*row.lateral_ang2_fs.estimate, units::fs_per_ps)) : std::nullopt, true, "ang2_per_ps",
                                row.lateral_ang2_fs.estimate ? "layer from " + name_of(row.layer) + (row.lateral_note.empty() ? "" : "; " + row.lateral_note) : name_of(row.layer) + ": " + row.lateral_ang2_fs.reason});
  page.sentences.insert(page.sentences.end(), report.notes.begin(), report.notes.end());
}

}  // namespace saltus::runs
