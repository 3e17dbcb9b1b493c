// Is a simulation steady? Kinetic temperature, of all atoms and of each element, and drifts of temperature, energy,
// centre of mass and framework:  T = 2 <K> / (f k_B),  f_element = 3 N_element − (3N − f) M_element / M: what is held
// fixed (the total momentum: three degrees of freedom) is held by the atoms in proportion to their masses.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "saltus/analysis/motion_series.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct TemperatureSettings {
  std::optional<int> framework;              ///< its drift is followed too
  std::optional<double> degrees_of_freedom;  ///< none: 3N − 3
  std::size_t blocks = 10;                   ///< time blocks behind the intervals
};

struct TemperaturePoint {
  double time_fs = 0;
  double temperature_kelvin = 0;
  std::vector<double> element_kelvin;  ///< [elements]
  std::optional<double> potential_ev, total_ev;
  Vec3 centre_ang, framework_ang;  ///< displacement since the first frame; not numbers when not determined
};

struct TemperatureReport {
  std::string formula;
  std::size_t frames = 0, blocks = 0;
  double length_fs = 0, block_fs = 0, degrees_of_freedom = 0;
  bool default_degrees_of_freedom = true;
  double independent_values = 0;      ///< of the temperature that scatter as much as its blocks do; 0: not known
  std::vector<std::string> elements;  ///< symbols
  bool has_energy = false, has_displacements = true, has_framework = false;
  std::vector<NamedEstimate> estimates;
  std::vector<std::string> verdict;  ///< sentences
  std::vector<std::string> warnings;
  std::vector<TemperaturePoint> series;  ///< means over equal stretches, at most 1024
  std::size_t frames_per_point = 1;
};

/// Throws what readers and MotionSeriesAnalysis throw, Error{usage} for degrees of freedom that leave an element none.
TemperatureReport analyze_temperature(const TrajectoryInput& input, const TemperatureSettings& settings,
                                      const Progress& progress = {});

}  // namespace saltus::runs
