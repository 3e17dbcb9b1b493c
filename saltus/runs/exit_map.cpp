#include "saltus/runs/exit_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::runs {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t most_starts = 1000, most_cells = 1'000'000;
constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Σ time / Σ exits of blocks, with its interval; nothing where leaving out a block leaves none.
Estimate ratio(const std::vector<double>& time, const std::vector<double>& exits) {
  double all_time = 0, all_exits = 0;
  for (std::size_t b = 0; b < time.size(); ++b) {
    all_time += time[b];
    all_exits += exits[b];
  }
  if (!(all_exits > 0)) return {none, none, none};
  std::vector<double> replicates;
  for (std::size_t b = 0; b < time.size(); ++b) {
    if (!(all_exits - exits[b] > 0)) return {all_time / all_exits, none, none};
    replicates.push_back((all_time - time[b]) / (all_exits - exits[b]));
  }
  return kinetics::jackknife_estimate(all_time / all_exits, replicates);
}

struct Extremes {
  std::size_t cells = 0;
  double smallest_fs = std::numeric_limits<double>::infinity(), largest_fs = 0;
};

Extremes extremes_of(const ExitMap& map) {
  Extremes extremes;
  for (const double time : map.time_fs) {
    if (!(time > 0)) continue;
    ++extremes.cells;
    extremes.smallest_fs = std::min(extremes.smallest_fs, time);
    extremes.largest_fs = std::max(extremes.largest_fs, time);
  }
  return extremes;
}

double position_ang(const ExitMap& map, std::size_t axis, std::size_t k) {
  return (static_cast<double>(k) + 0.5) / map.grid.count[axis] * norm(map.grid.cell.rows_ang()[static_cast<int>(axis)]);
}

}  // namespace

ExitMapStudy::ExitMapStudy(ExitMapSettings settings) : settings_(settings) {
  for (const double width : {settings_.half_width_ang, settings_.spacing_ang})
    if (!(width > 0) || !std::isfinite(width)) throw Error(ErrorKind::usage, fmt::format("a map of exit times needs a positive half-width and spacing, {:.6g} Å is none", width));
}

void ExitMapStudy::begin(const Frame& first, std::size_t frames, SurfaceDistanceSettings& distances) {
  if (!first.cell.has_vectors()) throw Error(ErrorKind::usage, "a map of exit times needs a cell, and the trajectory has none");
  first_ = first;
  grid_ = make_grid(first.cell, settings_.spacing_ang);
  if (grid_.size() > most_cells)
    throw Error(ErrorKind::usage, fmt::format("a map of exit times of {} × {} × {} cells: a million at most; make the spacing larger", grid_.count[0], grid_.count[1], grid_.count[2]));
  expected_frames_ = std::max<std::size_t>(1, frames);
  open_.resize(distances.molecules.size());
  exits_.assign(grid_.size() * settings_.blocks, 0);
  frames_sum_.assign(grid_.size() * settings_.blocks, 0.0);
}

void ExitMapStudy::add(const DistanceFrame& frame) {
  if (frame.distance_ang.size() != open_.size() || frame.point_ang.size() != open_.size()) throw Error(ErrorKind::usage, "a map of exit times needs one distance for each molecule");
  if (frame.period_ang > 0 && settings_.half_width_ang >= frame.period_ang / 2)
    throw Error(ErrorKind::usage, fmt::format("a map of exits from ± {:.6g} Å in a period of {:.6g} Å: the half-width must be less than half of it", settings_.half_width_ang, frame.period_ang));
  if (frames_ == 0) first_time_fs_ = frame.time_fs;
  last_time_fs_ = frame.time_fs;
  const auto now = static_cast<std::uint32_t>(frames_);
  const std::array<bool, 3>& periodic = frame.cell.periodic();
  for (std::size_t m = 0; m < open_.size(); ++m) {
    std::vector<Start>& open = open_[m];
    const float z = frame.distance_ang[m];
    for (std::size_t k = 0; k < open.size();) {
      double moved = static_cast<double>(z) - open[k].z_ang;
      if (frame.period_ang > 0) moved -= frame.period_ang * std::round(moved / frame.period_ang);
      if (std::abs(moved) < settings_.half_width_ang) {
        ++k;
        continue;
      }
      const std::size_t block = std::min(settings_.blocks - 1, open[k].frame * settings_.blocks / expected_frames_);
      ++exits_[block * grid_.size() + open[k].cell];
      frames_sum_[block * grid_.size() + open[k].cell] += now - open[k].frame;
      open[k] = open.back();
      open.pop_back();
    }
    if (open.size() >= most_starts) continue;
    const Fractional f = frame.cell.to_fractional(frame.point_ang[m]);
    Int3 place{};
    bool inside = true;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      double x = axis == 0 ? f.a : axis == 1 ? f.b : f.c;
      if (periodic[axis]) x -= std::floor(x);
      inside = inside && x >= 0 && x <= 1;
      place[axis] = std::clamp(static_cast<int>(x * grid_.count[axis]), 0, grid_.count[axis] - 1);
    }
    if (inside) open.push_back({now, static_cast<std::uint32_t>(grid_.index(place)), z});
  }
  ++frames_;
}

ExitMap ExitMapStudy::map() const {
  if (frames_ < 2) throw Error(ErrorKind::usage, "a map of exit times needs two frames at least");
  const double interval_fs = (last_time_fs_ - first_time_fs_) / static_cast<double>(frames_ - 1);
  ExitMap map;
  map.half_width_ang = settings_.half_width_ang;
  map.first = first_;
  map.grid = grid_;
  const std::size_t cells = grid_.size(), blocks = settings_.blocks;
  std::vector<double> time = frames_sum_;
  for (const std::vector<Start>& open : open_)
    for (const Start& start : open) {
      const std::size_t block = std::min(blocks - 1, start.frame * blocks / expected_frames_);
      time[block * cells + start.cell] += static_cast<double>(frames_ - 1 - start.frame);
      ++map.censored;
    }
  std::array<std::vector<std::vector<double>>, 3> slab_time, slab_exits;  // [axis][slab][block]
  for (std::size_t axis = 0; axis < 3; ++axis)
    slab_time[axis] = slab_exits[axis] = std::vector<std::vector<double>>(static_cast<std::size_t>(grid_.count[axis]), std::vector<double>(blocks, 0.0));
  map.exits.assign(cells, 0.0);
  map.time_fs.assign(cells, 0.0);
  map.half_interval_fs.assign(cells, 0.0);
  std::vector<double> own_time(blocks), own_exits(blocks);
  for (std::size_t c = 0; c < cells; ++c) {
    const Int3 place = grid_.point(c);
    for (std::size_t b = 0; b < blocks; ++b) {
      own_time[b] = time[b * cells + c];
      own_exits[b] = exits_[b * cells + c];
      map.exits[c] += own_exits[b];
      for (std::size_t axis = 0; axis < 3; ++axis) {
        slab_time[axis][static_cast<std::size_t>(place[axis])][b] += own_time[b];
        slab_exits[axis][static_cast<std::size_t>(place[axis])][b] += own_exits[b];
      }
    }
    if (map.exits[c] < static_cast<double>(settings_.least_exits)) continue;
    const Estimate e = ratio(own_time, own_exits);
    if (!std::isfinite(e.low)) continue;
    map.time_fs[c] = e.value * interval_fs;
    map.half_interval_fs[c] = (e.high - e.low) / 2 * interval_fs;
  }
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (std::size_t k = 0; k < slab_time[axis].size(); ++k) {
      const Estimate e = ratio(slab_time[axis][k], slab_exits[axis][k]);
      map.along_fs[axis].push_back({e.value * interval_fs, e.low * interval_fs, e.high * interval_fs});
    }
  return map;
}

std::array<std::filesystem::path, 3> exit_map_files(const std::filesystem::path& path) {
  const auto beside = [&](const char* what) { return path.parent_path() / (path.stem().string() + what + path.extension().string()); };
  return {path, beside("-exits"), beside("-interval")};
}

void write_exit_map(const ExitMap& map, const std::filesystem::path& path) {
  const std::string exits = fmt::format("mean first exit time, change of the coordinate by {:.6g} Å", map.half_width_ang);
  const std::array<std::string, 3> titles{exits + ", ps; 0: too few exits; by saltus", "exits behind the " + exits + "; by saltus", "half of the 95 % interval of the " + exits + ", ps; by saltus"};
  const std::array<std::filesystem::path, 3> files = exit_map_files(path);
  for (std::size_t k = 0; k < 3; ++k) {
    CubeFile cube;
    cube.title = titles[k];
    cube.remark = "Values at the centres of the voxels, lengths in bohr; atoms as in the first frame";
    cube.atoms = map.first;
    cube.count = map.grid.count;
    for (int axis = 0; axis < 3; ++axis) {
      cube.voxel_ang[axis] = map.grid.cell.rows_ang()[axis] / cube.count[static_cast<std::size_t>(axis)];
      cube.origin_ang += 0.5 * cube.voxel_ang[axis];
    }
    cube.value = k == 0 ? map.time_fs : k == 1 ? map.exits : map.half_interval_fs;
    if (k != 1)
      for (double& value : cube.value) value /= units::fs_per_ps;
    write_cube(files[k], cube);
  }
}

Json exit_map_document(const ExitMap& map, const std::filesystem::path& path) {
  const Extremes extremes = extremes_of(map);
  double exits = 0;
  for (const double e : map.exits) exits += e;
  Json files = Json::array();
  for (const std::filesystem::path& file : exit_map_files(path)) files.push_back(file.string());
  Json document{{"files", files}, {"grid", map.grid.count}, {"half_width_ang", map.half_width_ang}, {"exits", exits}, {"censored", map.censored}, {"cells_with_value", extremes.cells}};
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); };
  document["smallest_ps"] = number(extremes.cells > 0 ? extremes.smallest_fs / units::fs_per_ps : none);
  document["largest_ps"] = number(extremes.cells > 0 ? extremes.largest_fs / units::fs_per_ps : none);
  document["along"] = Json::array();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    Json rows = Json::array();
    for (std::size_t k = 0; k < map.along_fs[axis].size(); ++k) {
      const Estimate& e = map.along_fs[axis][k];
      rows.push_back({{"position_ang", position_ang(map, axis, k)},
                      {"mean_exit_time_ps", std::isfinite(e.value) ? Json{{"value", e.value / units::fs_per_ps}, {"low", number(e.low / units::fs_per_ps)}, {"high", number(e.high / units::fs_per_ps)}} : Json(nullptr)}});
    }
    document["along"].push_back(std::move(rows));
  }
  return document;
}

std::string exit_map_text(const ExitMap& map, const std::filesystem::path& path) {
  const Extremes extremes = extremes_of(map);
  const auto files = exit_map_files(path);
  std::string text = fmt::format("\nmap of mean exit times, ± {:.4g} Å from each start: {} × {} × {} cells, {} of them with enough exits", map.half_width_ang, map.grid.count[0], map.grid.count[1], map.grid.count[2], extremes.cells);
  if (extremes.cells > 0) text += fmt::format(", {:.4g} to {:.4g} ps", extremes.smallest_fs / units::fs_per_ps, extremes.largest_fs / units::fs_per_ps);
  return text + fmt::format("\nwritten to {}, exits to {}, half of the 95 % interval to {}\n", files[0].string(), files[1].string(), files[2].string());
}

void add_exit_map(const ExitMap& map, AnalysisPage& page) {
  Chart chart{"exit_map", fmt::format("Mean time until the coordinate has changed by {:.4g} Å, by the place of the start along each lattice vector; 95 % bands.", map.half_width_ang), "position along the vector, Å",
              "mean exit time, ps", false, {}, {}, {}};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    ChartCurve curve{std::string("along ") + "abc"[axis], {}, {}};
    for (std::size_t k = 0; k < map.along_fs[axis].size(); ++k) {
      const Estimate& e = map.along_fs[axis][k];
      if (!std::isfinite(e.value)) continue;
      curve.x.push_back(position_ang(map, axis, k));
      curve.y.push_back({e.value / units::fs_per_ps, e.low / units::fs_per_ps, e.high / units::fs_per_ps});
    }
    if (!curve.x.empty()) chart.curves.push_back(std::move(curve));
  }
  if (!chart.curves.empty()) page.charts.push_back(std::move(chart));
}

}  // namespace saltus::runs
