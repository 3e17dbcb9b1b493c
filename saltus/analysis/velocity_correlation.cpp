#include "saltus/analysis/velocity_correlation.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

struct VelocityRecord : Record {
  double time_fs = 0, weight = 0;
  std::vector<double> weighted;  // sqrt(weight)·velocity, [3 atoms]
};

}  // namespace

VelocityCorrelationAnalysis::VelocityCorrelationAnalysis(const VelocityCorrelationSettings& settings) : settings_(settings), sums_(settings.longest_lag_fs) {}

std::unique_ptr<Record> VelocityCorrelationAnalysis::map(const Frame& frame) const {
  require_velocities(frame);
  auto record = std::make_unique<VelocityRecord>();
  record->time_fs = frame.time_fs;
  std::vector<std::uint32_t> atoms(frame.size());
  for (std::uint32_t i = 0; i < atoms.size(); ++i) atoms[i] = i;
  if (settings_.species) atoms = indices_of(*frame.atoms, *settings_.species);
  if (atoms.empty())
    throw Error(ErrorKind::usage, fmt::format("there is no {} among {}", symbol_of(*settings_.species), formula(*frame.atoms)));
  record->weighted.reserve(3 * atoms.size());
  for (const std::uint32_t i : atoms) {
    const double weight = settings_.mass_weighted ? frame.atoms->mass_amu[i] : 1;
    const Vec3 v = std::sqrt(weight) * frame.velocity_ang_fs[i];
    record->weighted.insert(record->weighted.end(), {v.x, v.y, v.z});
    record->weight += weight;
  }
  return record;
}

void VelocityCorrelationAnalysis::fold(std::unique_ptr<Record> base) {
  auto& record = static_cast<VelocityRecord&>(*base);
  atoms_ = record.weighted.size() / 3;
  weight_ = record.weight;
  sums_.add(record.time_fs, std::move(record.weighted));
}

VelocityCorrelation VelocityCorrelationAnalysis::finish(std::size_t most_blocks) const {
  Correlation sums = sums_.finish(most_blocks);
  const auto divided = [&](std::vector<double> values) {
    for (double& value : values) value /= weight_;
    return values;
  };
  VelocityCorrelation result{sums.rows, atoms_, sums.spacing_fs, divided(std::move(sums.value)), {}};
  for (auto& block : sums.blocks) result.block_ang2_fs2.push_back(divided(std::move(block)));
  return result;
}

}  // namespace saltus
