#include "saltus/analysis/surface_distance.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

using Kind = SurfaceDistanceSettings::Kind;

constexpr double largest_parting = 0.4;  // of a period, between frames

std::vector<Vec3> positions_at(const Frame& frame, std::span<const std::uint32_t> atoms) {
  std::vector<Vec3> positions;
  positions.reserve(atoms.size());
  for (const std::uint32_t i : atoms) positions.push_back(frame.position_ang[i]);
  return positions;
}

std::vector<double> coordinates_along(const NormalCoordinate& z, std::span<const Vec3> position_ang) {
  const double unit = z.period_ang > 0 ? z.period_ang : 1;
  std::vector<double> coordinate;
  coordinate.reserve(position_ang.size());
  for (const Vec3& r : position_ang) coordinate.push_back(dot(z.unit, r) / unit);
  return coordinate;
}

}  // namespace

struct SurfaceDistanceAnalysis::Following : Record {
  double time_fs = 0, area_ang2 = 0;
  Cell cell;
  NormalCoordinate z;
  std::vector<Vec3> point_ang, axis;
  std::vector<HydrogenBond> bonds;
  std::vector<double> coordinate, reference;  // of points and of reference atoms, in periods (Å where there is none): planes
  std::vector<float> distance_ang;            // else
};

SurfaceDistanceAnalysis::SurfaceDistanceAnalysis(const Frame& first, SurfaceDistanceSettings settings) : settings_(std::move(settings)) {
  if (settings_.molecules.size() == 0) throw Error(ErrorKind::usage, "no molecules are given whose distance from a surface could be taken");
  if (settings_.kind != Kind::plane && settings_.surface.empty()) throw Error(ErrorKind::usage, "no atoms are given that the surface consists of");
  for (const std::uint32_t i : settings_.surface)
    if (i >= first.size()) throw Error(ErrorKind::usage, fmt::format("atom {} is to be of the surface, but there are {} atoms, counted from 0", i, first.size()));
  if (settings_.kind == Kind::sphere) {
    std::vector<bool> in_group(first.size(), false);
    for (const std::uint32_t i : settings_.surface) in_group[i] = true;
    std::size_t both = 0;
    for (std::size_t m = 0; m < settings_.molecules.size(); ++m) {
      const auto begin = settings_.molecules.atom.begin() + settings_.molecules.first[m], end = settings_.molecules.atom.begin() + settings_.molecules.first[m + 1];
      both += std::any_of(begin, end, [&](std::uint32_t i) { return in_group[i]; });
    }
    if (both > 0)
      throw Error(ErrorKind::usage, fmt::format("{} of {} molecules hold atoms of the group whose distance is taken; leave them out ('… and not …')", both, settings_.molecules.size()));
  }
  if (settings_.kind == Kind::interface && settings_.interface.level_per_ang3 == 0)
    settings_.interface.level_per_ang3 =
        bulk_density_per_ang3(first.cell, positions_at(first, settings_.surface), settings_.normal, settings_.interface.width_ang) / 2;
  if (settings_.kind != Kind::plane) return;
  reference_ = settings_.surface;
  if (reference_.empty() && settings_.without_drift) {
    reference_.resize(first.size());
    std::iota(reference_.begin(), reference_.end(), 0u);
  }
  double mass = 0;
  for (const std::uint32_t i : reference_) mass += first.atoms->mass_amu[i];
  for (const std::uint32_t i : reference_) reference_weight_.push_back(first.atoms->mass_amu[i] / mass);
}

std::size_t SurfaceDistanceAnalysis::coordinates() const {
  return settings_.molecules.size() * (settings_.kind == Kind::sphere && settings_.every_centre ? settings_.surface.size() : 1);
}

std::unique_ptr<Record> SurfaceDistanceAnalysis::map(const Frame& frame) const {
  auto record = std::make_unique<Following>();
  record->time_fs = frame.time_fs;
  record->cell = frame.cell;
  record->point_ang = molecule_points(settings_.molecules, frame.cell, frame.position_ang);
  record->axis = axis_directions(settings_.axes, frame.cell, frame.position_ang);
  if (settings_.hydrogen_bonds) record->bonds = hydrogen_bonds(frame, *settings_.hydrogen_bonds);
  if (settings_.kind == Kind::sphere) {
    const std::vector<Vec3> centres = positions_at(frame, settings_.surface);
    for (const Vec3& r : centres)
      if (!is_finite(r)) throw Error(ErrorKind::numeric, "a position of the group is not finite");
    const std::size_t m = record->point_ang.size();
    record->distance_ang.assign(coordinates(), std::numeric_limits<float>::infinity());
    for (std::size_t c = 0; c < centres.size(); ++c)
      for (std::size_t k = 0; k < m; ++k) {
        float& distance = record->distance_ang[settings_.every_centre ? c * m + k : k];
        distance = std::min(distance, static_cast<float>(norm(frame.cell.minimum_image(record->point_ang[k] - centres[c]))));
      }
    return record;
  }
  record->z = normal_coordinate(frame.cell, settings_.normal);
  if (record->z.period_ang > 0) {
    record->area_ang2 = frame.cell.volume_ang3() / record->z.period_ang;
  } else if (const int k = settings_.normal.axis; !settings_.normal.direction && frame.cell.periodic()[static_cast<std::size_t>((k + 1) % 3)] &&
                                                  frame.cell.periodic()[static_cast<std::size_t>((k + 2) % 3)]) {
    record->area_ang2 = frame.cell.volume_ang3() / frame.cell.height_ang(k);
  }
  if (settings_.kind == Kind::interface) {
    const InstantaneousInterface surface(frame.cell, positions_at(frame, settings_.surface), settings_.normal, settings_.interface);
    for (const Vec3& r : record->point_ang) record->distance_ang.push_back(static_cast<float>(surface.distance_ang(r)));
  } else {
    record->coordinate = coordinates_along(record->z, record->point_ang);
    record->reference = coordinates_along(record->z, positions_at(frame, reference_));
    for (const double s : record->reference)
      if (!std::isfinite(s)) throw Error(ErrorKind::numeric, "a position of the surface group is not finite");
  }
  return record;
}

// Where the coordinate starts. The frame as a whole may be shifted by anything between frames; only atoms that part from each other tell
// that their images are not known.
double SurfaceDistanceAnalysis::origin(const Following& record) {
  if (reference_.empty()) return 0;
  const bool periodic = record.z.period_ang > 0;
  if (frames_ == 0) {
    followed_ = record.reference;
    if (periodic && !settings_.surface.empty()) {
      const std::vector<double> image = images_of_group(record.reference, record.z.period_ang);
      for (std::size_t i = 0; i < image.size(); ++i) followed_[i] += image[i];
    }
  } else if (periodic) {
    std::complex<double> mean_turn;
    for (std::size_t i = 0; i < followed_.size(); ++i)
      mean_turn += reference_weight_[i] * std::polar(1.0, 2 * std::numbers::pi * (record.reference[i] - followed_[i]));
    const double shift = std::arg(mean_turn) / (2 * std::numbers::pi);
    for (std::size_t i = 0; i < followed_.size(); ++i) {
      const double step = record.reference[i] - followed_[i] - shift, rest = step - std::round(step);
      if (std::abs(rest) > largest_parting)
        throw Error(ErrorKind::numeric, fmt::format("frame {}: atom {} (counted from 0) moves by {:.1f} Å along the normal against the rest of its group, {:.2f} of the period; "
                                                    "frames are too far apart to tell its image",
                                                    frames_ + 1, reference_[i], rest * record.z.period_ang, std::abs(rest)));
      followed_[i] += shift + rest;
    }
  } else {
    followed_ = record.reference;
  }
  const double mean = std::inner_product(followed_.begin(), followed_.end(), reference_weight_.begin(), 0.0);
  if (frames_ == 0) start_ = mean;
  return settings_.surface.empty() ? mean - start_ : mean;
}

void SurfaceDistanceAnalysis::fold(std::unique_ptr<Record> base) {
  auto& record = static_cast<Following&>(*base);
  if (frames_ == 0) {
    first_time_fs_ = record.time_fs;
    shortest_period_ang_ = longest_period_ang_ = record.z.period_ang;
  } else {
    const double spacing = record.time_fs - last_time_fs_;
    if (frames_ == 1) frame_spacing_fs_ = spacing;
    if (!(spacing > 0) || std::abs(spacing - frame_spacing_fs_) > 0.01 * frame_spacing_fs_)
      throw Error(ErrorKind::unsupported, fmt::format("frame {}: {} fs after the frame before, where frames are {} fs apart: distances from a surface need frames equally "
                                                      "spaced in time, with ascending times",
                                                      frames_ + 1, spacing, frame_spacing_fs_));
    shortest_period_ang_ = std::min(shortest_period_ang_, record.z.period_ang);
    longest_period_ang_ = std::max(longest_period_ang_, record.z.period_ang);
  }
  last_time_fs_ = record.time_fs;
  if (settings_.kind == Kind::plane) {
    const double start = origin(record), period = record.z.period_ang;
    for (double s : record.coordinate) {
      s -= start;
      if (period > 0) s -= settings_.surface.empty() ? std::floor(s) : std::round(s);
      record.distance_ang.push_back(static_cast<float>(period > 0 ? s * period : s));
    }
  }
  ++frames_;
  if (settings_.take)
    settings_.take({record.time_fs, record.z.period_ang, record.area_ang2, record.z.unit, record.cell, record.distance_ang, record.point_ang, record.axis, record.bonds});
}

std::vector<std::string> SurfaceDistanceAnalysis::warnings() const {
  if (!(longest_period_ang_ > 1.01 * shortest_period_ang_)) return {};
  return {fmt::format("the cell changes: its period along the normal is between {:.2f} and {:.2f} Å; distances are true ones, so that places far from the surface are not "
                      "the same in all frames",
                      shortest_period_ang_, longest_period_ang_)};
}

}  // namespace saltus
