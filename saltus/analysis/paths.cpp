#include "saltus/analysis/paths.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

struct PathRecord : Record {
  Cell cell;
  double time_fs = 0;
  std::vector<std::uint32_t> mobile, framework;
  std::vector<Vec3> position_ang;  // mobile, then framework
};

Vec3 fraction_of(const Cell& cell, const Vec3& wrapped_ang, const Int3& image) {
  const Fractional f = cell.to_fractional(wrapped_ang);
  return {f.a + image[0], f.b + image[1], f.c + image[2]};
}

Vec3 mean_difference(std::span<const Vec3> now, std::span<const Vec3> start) {
  Vec3 sum;
  for (std::size_t k = 0; k < start.size(); ++k) sum += now[k] - start[k];
  return start.empty() ? Vec3{} : sum / static_cast<double>(start.size());
}

}  // namespace

PathAnalysis::PathAnalysis(const PathSettings& settings) : settings_(settings) {
  if (settings.framework == settings.mobile)
    throw Error(ErrorKind::usage, fmt::format("{} cannot be both the mobile species and the framework", symbol_of(settings.mobile)));
}

std::unique_ptr<Record> PathAnalysis::map(const Frame& frame) const {
  auto record = std::make_unique<PathRecord>();
  record->cell = frame.cell;
  record->time_fs = frame.time_fs;
  record->mobile = indices_of(*frame.atoms, settings_.mobile);
  if (record->mobile.empty())
    throw Error(ErrorKind::usage, fmt::format("there is no {} among {}", symbol_of(settings_.mobile), formula(*frame.atoms)));
  if (settings_.framework) {
    record->framework = indices_of(*frame.atoms, *settings_.framework);
    if (record->framework.empty())
      throw Error(ErrorKind::usage, fmt::format("there is no {} among {}", symbol_of(*settings_.framework), formula(*frame.atoms)));
  }
  for (const auto i : record->mobile) record->position_ang.push_back(frame.position_ang[i]);
  for (const auto i : record->framework) record->position_ang.push_back(frame.position_ang[i]);
  return record;
}

void PathAnalysis::remember_lattice_paths_so_far() {
  const Cell& cell = paths_.cell;
  const auto fractions = [&](const std::vector<Vec3>& positions, std::vector<Vec3>& out) {
    out.reserve(positions.size());
    for (const Vec3& r : positions) out.push_back(fraction_of(cell, r, {}));
  };
  fractions(paths_.mobile_ang, paths_.mobile_on_lattice_ang);
  fractions(paths_.framework_ang, paths_.framework_on_lattice_ang);
  start_fraction_.clear();
  for (const Vec3& r : start_) start_fraction_.push_back(fraction_of(cell, r, {}));
}

// Whether the framework of the frame to come is kept; makes room for it.
bool PathAnalysis::framework_is_kept() {
  std::size_t& every = paths_.framework_every;
  if (settings_.framework_frames == 0) return true;
  if (paths_.frames % every != 0) return false;
  if (paths_.frames / every < settings_.framework_frames) return true;
  const std::size_t n = paths_.framework.size();
  for (auto* path : {&paths_.framework_ang, &paths_.framework_on_lattice_ang}) {
    std::size_t kept = 0;
    for (std::size_t at = 0; n > 0 && at < path->size(); at += 2 * n, kept += n)
      std::copy_n(path->begin() + static_cast<std::ptrdiff_t>(at), n, path->begin() + static_cast<std::ptrdiff_t>(kept));
    path->resize(kept);
  }
  every *= 2;
  return paths_.frames % every == 0;
}

void PathAnalysis::fold(std::unique_ptr<Record> base) {
  auto& record = static_cast<PathRecord&>(*base);
  if (paths_.frames == 0) {
    paths_.mobile = std::move(record.mobile);
    paths_.framework = std::move(record.framework);
    paths_.first_time_fs = record.time_fs;
    paths_.cell = record.cell;
  } else {
    const double spacing = record.time_fs - last_time_fs_;
    if (paths_.frames == 1) paths_.frame_spacing_fs = spacing;
    if (!(spacing > 0) || std::abs(spacing - paths_.frame_spacing_fs) > 0.01 * paths_.frame_spacing_fs)
      throw Error(ErrorKind::unsupported,
                  fmt::format("frame {}: {} fs after the frame before, where frames are {} fs apart: paths need frames "
                              "equally spaced in time, with ascending times",
                              paths_.frames + 1, spacing, paths_.frame_spacing_fs));
  }
  last_time_fs_ = record.time_fs;

  try {
    unwrapper_.add(record.cell, record.position_ang);
  } catch (const Error& error) {
    throw with_place(error, fmt::format("frame {}", paths_.frames + 1));
  }
  if (paths_.constant_cell && !unwrapper_.constant_cell()) {
    remember_lattice_paths_so_far();
    paths_.constant_cell = false;
  }
  cell_sum_ += record.cell.rows_ang();

  const std::size_t mobile = paths_.mobile.size();
  const std::vector<Vec3>& position = unwrapper_.position_ang();
  const std::span<const Vec3> framework(position.begin() + static_cast<std::ptrdiff_t>(mobile), position.end());
  if (paths_.frames == 0) start_.assign(framework.begin(), framework.end());
  const Vec3 drift = mean_difference(framework, start_);
  const bool keep_mobile = !settings_.take_mobile;
  std::vector<Vec3> moved;
  std::vector<Vec3>& path = keep_mobile ? paths_.mobile_ang : moved;
  for (std::size_t i = 0; i < mobile; ++i) path.push_back(position[i] - drift);
  if (keep_mobile) paths_.drift_ang.push_back(drift);
  else settings_.take_mobile(moved);
  const bool keep_framework = framework_is_kept();
  if (keep_framework)
    for (const Vec3& r : framework) paths_.framework_ang.push_back(r - drift);

  if (!paths_.constant_cell) {
    std::vector<Vec3> fraction(position.size());
    for (std::size_t i = 0; i < position.size(); ++i)
      fraction[i] = fraction_of(record.cell, unwrapper_.wrapped_ang()[i], unwrapper_.image()[i]);
    const Vec3 shift = mean_difference(std::span<const Vec3>(fraction).subspan(mobile), start_fraction_);
    for (std::size_t i = 0; i < fraction.size(); ++i)
      if (i < mobile ? keep_mobile : keep_framework)
        (i < mobile ? paths_.mobile_on_lattice_ang : paths_.framework_on_lattice_ang).push_back(fraction[i] - shift);
  }
  ++paths_.frames;
}

Paths PathAnalysis::finish() {
  Paths paths = std::exchange(paths_, {});
  paths.steps = unwrapper_.steps();
  if (paths.frames == 0) throw Error(ErrorKind::usage, "the trajectory holds no frame");
  if (!paths.constant_cell) {
    Mat3 mean = cell_sum_;
    for (int k = 0; k < 3; ++k) mean[k] *= 1 / static_cast<double>(paths.frames);
    paths.cell = Cell(mean, paths.cell.periodic());
    for (auto* path : {&paths.mobile_on_lattice_ang, &paths.framework_on_lattice_ang})
      for (Vec3& f : *path) f = paths.cell.to_cartesian({f.x, f.y, f.z});
  }
  const StepCheck& steps = paths.steps;
  const auto place = [&] {
    const std::size_t k = steps.largest_particle;
    const std::uint32_t atom = k < paths.mobile.size() ? paths.mobile[k] : paths.framework[k - paths.mobile.size()];
    return fmt::format("the largest is {:.2f} Å, atom {} (from 0), into frame {} (from 1)", steps.largest_ang, atom,
                       steps.largest_frame + 1);
  };
  if (steps.undetermined > 0)
    throw Error(ErrorKind::numeric,
                fmt::format("{} of {} steps between frames reach the inscribed radius of the cell, so their "
                            "periodic image is not determined ({}); write frames more often",
                            steps.undetermined, steps.steps, place()));
  if (steps.flagged > 0)
    paths.warnings.push_back(fmt::format("{} of {} steps between frames are longer than 0.8 of the inscribed radius of "
                                         "the cell ({}); write frames more often",
                                         steps.flagged, steps.steps, place()));
  unwrapper_ = {};
  cell_sum_ = {};
  start_.clear();
  start_fraction_.clear();
  return paths;
}

}  // namespace saltus
