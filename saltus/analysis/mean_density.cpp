#include "saltus/analysis/mean_density.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

struct DensityRecord : Record {
  Frame first;  // a copy of the first frame, else empty
  Cell cell;
  std::vector<Vec3> fraction;       // of the species
  std::vector<Vec3> framework_ang;
};

std::vector<std::uint32_t> atoms_of_element(const Frame& frame, int element) {
  auto found = indices_of(*frame.atoms, element);
  if (found.empty())
    throw Error(ErrorKind::usage, fmt::format("there is no {} among {}", symbol_of(element), formula(*frame.atoms)));
  return found;
}

Vec3 fraction_of(const Cell& cell, const Vec3& position_ang) {
  const Fractional f = cell.to_fractional(position_ang);
  return {f.a, f.b, f.c};
}

}  // namespace

MeanDensityAnalysis::MeanDensityAnalysis(const MeanDensitySettings& settings) : settings_(settings), slabs_(512, settings.frames_per_step) {
  if (settings.framework == settings.species)
    throw Error(ErrorKind::usage, fmt::format("{} cannot be both the species and the framework", symbol_of(settings.species)));
  if (!(settings.spacing_ang > 0))
    throw Error(ErrorKind::usage, fmt::format("the grid spacing must be positive, not {} Å", settings.spacing_ang));
}

std::unique_ptr<Record> MeanDensityAnalysis::map(const Frame& frame) const {
  for (const bool periodic : frame.cell.periodic())
    if (!periodic) throw Error(ErrorKind::unsupported, "a density on the grid of a cell needs one that is periodic along all three vectors");
  auto record = std::make_unique<DensityRecord>();
  record->cell = frame.cell;
  record->first.atoms = frame.atoms;
  record->first.position_ang = frame.position_ang;
  for (const auto i : atoms_of_element(frame, settings_.species)) {
    record->fraction.push_back(fraction_of(frame.cell, frame.position_ang[i]));
    if (!is_finite(record->fraction.back())) throw Error(ErrorKind::numeric, "a position is not finite");
  }
  if (settings_.framework)
    for (const auto i : atoms_of_element(frame, *settings_.framework)) record->framework_ang.push_back(frame.position_ang[i]);
  return record;
}

void MeanDensityAnalysis::fold(std::unique_ptr<Record> base) {
  auto& record = static_cast<DensityRecord&>(*base);
  if (frames_ == 0) {
    grid_ = make_grid(record.cell, settings_.spacing_ang);
    counts_.assign(grid_.size(), 0);
    atoms_ = record.fraction.size();
    first_ = std::move(record.first);
    first_.cell = record.cell;
  }
  if (settings_.framework) {
    try {
      framework_.add(record.cell, record.framework_ang);
    } catch (const Error& error) {
      throw with_place(error, fmt::format("frame {}", frames_ + 1));
    }
    Vec3 sum;
    for (std::size_t k = 0; k < record.framework_ang.size(); ++k) {
      const Int3& image = framework_.image()[k];
      const Vec3 now = fraction_of(record.cell, framework_.wrapped_ang()[k]) +
                       Vec3{static_cast<double>(image[0]), static_cast<double>(image[1]), static_cast<double>(image[2])};
      if (frames_ == 0) framework_start_.push_back(now);
      sum += now - framework_start_[k];
    }
    drift_ = sum / static_cast<double>(record.framework_ang.size());
  }
  const auto voxel_of = [](double x, int n) { return std::min(static_cast<int>((x - std::floor(x)) * n), n - 1); };
  const auto n0 = static_cast<std::size_t>(grid_.count[0]), n1 = static_cast<std::size_t>(grid_.count[1]);
  std::vector<double> slabs(n0 + n1 + static_cast<std::size_t>(grid_.count[2]), 0.0);
  for (const Vec3& fraction : record.fraction) {
    const Vec3 f = fraction - drift_;
    const Int3 voxel{voxel_of(f.x, grid_.count[0]), voxel_of(f.y, grid_.count[1]), voxel_of(f.z, grid_.count[2])};
    ++counts_[grid_.index(voxel)];
    ++slabs[static_cast<std::size_t>(voxel[0])];
    ++slabs[n0 + static_cast<std::size_t>(voxel[1])];
    ++slabs[n0 + n1 + static_cast<std::size_t>(voxel[2])];
  }
  slabs_.add(slabs);
  constant_cell_ = constant_cell_ && record.cell == grid_.cell;
  cell_sum_ += record.cell.rows_ang();
  ++frames_;
}

MeanDensity MeanDensityAnalysis::finish(std::size_t blocks) const {
  if (frames_ == 0) throw Error(ErrorKind::usage, "the trajectory holds no frame");
  const StepCheck& steps = framework_.steps();
  if (steps.undetermined > 0)
    throw Error(ErrorKind::numeric,
                fmt::format("{} of {} steps of the framework between frames reach the inscribed radius of the cell (the "
                            "largest is {:.2f} Å), so that its drift is not determined; use more frames",
                            steps.undetermined, steps.steps, steps.largest_ang));
  MeanDensity result;
  result.frames = frames_;
  result.atoms = atoms_;
  result.grid = grid_;
  if (!constant_cell_) {
    Mat3 mean = cell_sum_;
    for (int axis = 0; axis < 3; ++axis) mean[axis] *= 1 / static_cast<double>(frames_);
    result.grid.cell = Cell(mean);
  }
  result.first = first_;
  for (Vec3& r : result.first.position_ang) r = result.grid.cell.to_cartesian(first_.cell.to_fractional(r));
  result.first.cell = result.grid.cell;
  const double voxels_per_ang3 = static_cast<double>(grid_.size()) / result.grid.cell.volume_ang3();
  for (const std::uint64_t count : counts_)
    result.density_per_ang3.push_back(static_cast<double>(count) / static_cast<double>(frames_) * voxels_per_ang3);
  result.framework_drift_ang = norm(result.grid.cell.to_cartesian({drift_.x, drift_.y, drift_.z}));

  const std::vector<double> total = slabs_.total();
  const auto block_sums = slabs_.blocks(blocks);
  result.frames_per_block = slabs_.rows_per_block(blocks);
  std::size_t begin = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::size_t end = begin + static_cast<std::size_t>(grid_.count[axis]);
    const auto part = [&](const std::vector<double>& sums, std::size_t rows) {
      std::vector<double> mean_atoms;
      for (std::size_t k = begin; k < end; ++k) mean_atoms.push_back(sums[k] / static_cast<double>(rows));
      return mean_atoms;
    };
    result.atoms_per_slab[axis] = part(total, frames_);
    for (const auto& block : block_sums) result.block_atoms_per_slab[axis].push_back(part(block, result.frames_per_block));
    begin = end;
  }
  if (steps.flagged > 0)
    result.warnings.push_back(fmt::format("{} of {} steps of the framework between frames are longer than 0.8 of the inscribed radius "
                                          "of the cell (the largest is {:.2f} Å); use more frames",
                                          steps.flagged, steps.steps, steps.largest_ang));
  return result;
}

}  // namespace saltus
