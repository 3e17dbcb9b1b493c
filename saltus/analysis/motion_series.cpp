#include "saltus/analysis/motion_series.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

struct MotionRecord : Record {
  std::shared_ptr<const Atoms> atoms;
  Cell cell;
  std::vector<Vec3> position_ang;
  double time_fs = 0;
  std::optional<double> potential_ev;
  double centre_kinetic_ev = 0;
  Vec3 centre_velocity_ang_fs;
  std::vector<double> element_kinetic_ev;
};

std::vector<ElementGroup> elements_of(const Atoms& atoms) {
  std::map<int, ElementGroup> found;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    ElementGroup& element = found[atoms.atomic_number[i]];
    element.atomic_number = atoms.atomic_number[i];
    element.mass_amu += atoms.mass_amu[i];
    ++element.atoms;
  }
  std::vector<ElementGroup> elements;
  for (const auto& [number, element] : found) elements.push_back(element);
  return elements;
}

std::vector<double> row_of(const Motion& m) {
  std::vector<double> row{m.time_fs, m.kinetic_ev, m.kinetic_square_ev2, m.centre_kinetic_ev, m.potential_ev};
  for (const Vec3& v : {m.centre_velocity_ang_fs, m.centre_ang, m.framework_ang}) row.insert(row.end(), {v.x, v.y, v.z});
  row.insert(row.end(), m.element_kinetic_ev.begin(), m.element_kinetic_ev.end());
  return row;
}

Motion mean_of(const std::vector<double>& sum, std::size_t rows) {
  std::vector<double> row = sum;
  for (double& value : row) value /= static_cast<double>(rows);
  return {row[0], row[1], row[2], row[3], row[4], {row[5], row[6], row[7]}, {row[8], row[9], row[10]}, {row[11], row[12], row[13]},
          {row.begin() + 14, row.end()}};
}

}  // namespace

std::unique_ptr<Record> MotionSeriesAnalysis::map(const Frame& frame) const {
  require_velocities(frame);
  auto record = std::make_unique<MotionRecord>();
  record->atoms = frame.atoms;
  record->cell = frame.cell;
  record->position_ang = frame.position_ang;
  record->time_fs = frame.time_fs;
  record->potential_ev = frame.energy_ev;
  const Atoms& atoms = *frame.atoms;
  std::map<int, double> twice_kinetic;
  Vec3 momentum;
  double mass = 0;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    twice_kinetic[atoms.atomic_number[i]] += atoms.mass_amu[i] * norm2(frame.velocity_ang_fs[i]);
    momentum += atoms.mass_amu[i] * frame.velocity_ang_fs[i];
    mass += atoms.mass_amu[i];
  }
  for (const auto& [number, twice] : twice_kinetic) record->element_kinetic_ev.push_back(0.5 * units::ev_per_amu_ang2_fs2 * twice);
  record->centre_velocity_ang_fs = momentum / mass;
  record->centre_kinetic_ev = 0.5 * units::ev_per_amu_ang2_fs2 * norm2(momentum) / mass;
  return record;
}

void MotionSeriesAnalysis::fold(std::unique_ptr<Record> base) {
  auto& record = static_cast<MotionRecord&>(*base);
  if (sums_.rows() == 0) {
    atoms_ = record.atoms;
    elements_ = elements_of(*atoms_);
    for (const ElementGroup& element : elements_) mass_amu_ += element.mass_amu;
    if (settings_.framework) {
      framework_ = indices_of(*atoms_, *settings_.framework);
      if (framework_.empty())
        throw Error(ErrorKind::usage, fmt::format("there is no {} among {}", symbol_of(*settings_.framework), formula(*atoms_)));
    }
    first_time_fs_ = record.time_fs;
  } else if (!(record.time_fs > last_time_fs_)) {
    throw Error(ErrorKind::unsupported, fmt::format("frame {}: at {} fs, after a frame at {} fs: times must ascend", sums_.rows() + 1,
                                                    record.time_fs, last_time_fs_));
  }
  last_time_fs_ = record.time_fs;
  try {
    unwrapper_.add(record.cell, record.position_ang);
  } catch (const Error& error) {
    throw with_place(error, fmt::format("frame {}", sums_.rows() + 1));
  }
  const std::vector<Vec3>& position = unwrapper_.position_ang();
  if (sums_.rows() == 0) start_ang_ = position;

  Motion motion;
  motion.time_fs = record.time_fs - first_time_fs_;
  for (const double part : record.element_kinetic_ev) motion.kinetic_ev += part;
  motion.kinetic_square_ev2 = motion.kinetic_ev * motion.kinetic_ev;
  motion.element_kinetic_ev = std::move(record.element_kinetic_ev);
  motion.centre_kinetic_ev = record.centre_kinetic_ev;
  motion.centre_velocity_ang_fs = record.centre_velocity_ang_fs;
  if (record.potential_ev) {
    motion.potential_ev = *record.potential_ev;
    ++frames_with_energy_;
  }
  for (std::size_t i = 0; i < position.size(); ++i) motion.centre_ang += (atoms_->mass_amu[i] / mass_amu_) * (position[i] - start_ang_[i]);
  for (const auto i : framework_) motion.framework_ang += (position[i] - start_ang_[i]) / static_cast<double>(framework_.size());
  sums_.add(row_of(motion));
  last_ = std::move(motion);
}

MotionSeries MotionSeriesAnalysis::finish(std::size_t blocks) const {
  if (sums_.rows() == 0) throw Error(ErrorKind::usage, "the trajectory holds no frame");
  MotionSeries series;
  series.frames = sums_.rows();
  series.atoms = atoms_->size();
  series.formula = formula(*atoms_);
  series.mass_amu = mass_amu_;
  series.first_time_fs = first_time_fs_;
  series.last_time_fs = last_time_fs_;
  series.elements = elements_;
  series.frames_with_energy = frames_with_energy_;
  series.has_energy = frames_with_energy_ == sums_.rows();
  series.has_displacements = unwrapper_.steps().undetermined == 0;
  series.mean = mean_of(sums_.total(), sums_.rows());
  series.last = last_;
  series.frames_per_point = sums_.rows_per_stretch();
  for (std::size_t k = 0; k < sums_.whole(); ++k) series.points.push_back(mean_of(sums_.sum(k), series.frames_per_point));
  series.frames_per_block = sums_.rows_per_block(blocks);
  for (const auto& sum : sums_.blocks(blocks)) series.blocks.push_back(mean_of(sum, series.frames_per_block));
  series.kinetic_variance_ev2 = std::max(0.0, series.mean.kinetic_square_ev2 - series.mean.kinetic_ev * series.mean.kinetic_ev);
  return series;
}

}  // namespace saltus
