#include "saltus/runs/passage_coordinates.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "saltus/analysis/atom_selection.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus::runs {

namespace {

SurfaceDistanceSettings::Kind kind_named(const std::string& name) {
  using Kind = SurfaceDistanceSettings::Kind;
  if (name == "plane") return Kind::plane;
  if (name == "sphere") return Kind::sphere;
  if (name == "interface") return Kind::interface;
  static const std::vector<std::string> known{"plane", "sphere", "interface"};
  throw Error(ErrorKind::usage, fmt::format("a distance from a {} is not known: plane, sphere or interface{}", name, did_you_mean(name, known)));
}

}  // namespace

PassageCoordinates read_passage_coordinates(const TrajectoryInput& input, const SurfaceCoordinate& coordinate, const Progress& progress, std::span<DistanceFollower* const> followers) {
  TrajectorySource source(input, true, progress);
  const Frame first = source.first();
  SurfaceDistanceSettings settings;
  settings.kind = kind_named(coordinate.kind);
  settings.molecules = molecules_of(first, select_atoms(coordinate.molecules, first), coordinate.rule);
  if (!coordinate.surface.empty()) settings.surface = select_atoms(coordinate.surface, first);
  settings.normal = surface_normal_from(coordinate.normal);
  settings.without_drift = coordinate.surface.empty();
  settings.interface.width_ang = coordinate.interface_width_ang;
  if (coordinate.side != "upper" && coordinate.side != "lower") throw Error(ErrorKind::usage, fmt::format("a side is upper or lower, not {}", coordinate.side));
  settings.interface.upper = coordinate.side == "upper";
  for (DistanceFollower* const follower : followers) follower->begin(first, source.left(), settings);
  const std::size_t molecules = settings.molecules.size();
  CoordinateSeries series(molecules);
  settings.take = [&](const DistanceFrame& frame) {
    series.append(frame.distance_ang);
    for (DistanceFollower* const follower : followers) follower->add(frame);
  };
  std::vector<std::string> warnings;
  SurfaceDistanceAnalysis analysis(first, std::move(settings));
  Analysis* const analyses[] = {&analysis};
  read_all(source, input, analyses, warnings);
  for (const std::string& warning : analysis.warnings()) warnings.push_back(warning);
  const double shortest = analysis.shortest_period_ang(), longest = analysis.longest_period_ang();
  if (longest > 1.01 * shortest)
    throw Error(ErrorKind::usage, fmt::format("{}: the cell along the normal changes from {:.4g} to {:.4g} Å; a coordinate that repeats needs one period (run at constant volume, or give a surface in a slab)",
                                              input.path.string(), shortest, longest));
  const std::string from = coordinate.surface.empty() ? fmt::format("along {}", coordinate.normal) : fmt::format("{} distance from '{}'", coordinate.kind, coordinate.surface);
  return {std::move(series), analysis.frame_spacing_fs(), (shortest + longest) / 2,
          fmt::format("{}: {}, {} molecules of '{}', {}", input.path.string(), formula(*first.atoms), molecules, coordinate.molecules, from), std::move(warnings)};
}

PassageCoordinates open_passage_array(const std::filesystem::path& file, double frame_interval_fs, double period_ang) {
  if (!(frame_interval_fs > 0) || !std::isfinite(frame_interval_fs)) throw Error(ErrorKind::usage, fmt::format("{}: an array has no times: give the time between its frames", file.string()));
  if (!(period_ang >= 0) || !std::isfinite(period_ang)) throw Error(ErrorKind::usage, fmt::format("a period must be positive, {:.6g} is not", period_ang));
  CoordinateSeries series = CoordinateSeries::open_npy(file);
  std::string subject = fmt::format("{}: {} particles", file.string(), series.particles());
  return {std::move(series), frame_interval_fs, period_ang, std::move(subject)};
}

kinetics::CoordinateFrames frames_of(const CoordinateSeries& series, std::size_t first, std::size_t count) {
  kinetics::CoordinateFrames frames{count, series.particles(), {}, [&series, first](std::size_t at, std::size_t n, std::vector<float>& out) { series.read(first + at, n, out); }};
  for (const std::size_t start : series.segment_start())
    if (start > first && start < first + count) frames.segment_start.push_back(start - first);
  return frames;
}

}  // namespace saltus::runs
