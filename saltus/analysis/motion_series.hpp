// What tells whether a simulation is steady, over time: kinetic energy of all atoms and of each element, potential energy,
// total momentum, place of the centre of mass and of the framework.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/stretch_sums.hpp"
#include "saltus/analysis/unwrap.hpp"

namespace saltus {

struct MotionSettings {
  std::optional<int> framework;  ///< atomic number of the element whose mean displacement is followed
};

/// Of one frame, or the mean over several.
struct Motion {
  double time_fs = 0;                      ///< since the first frame
  double kinetic_ev = 0;
  double kinetic_square_ev2 = 0;           ///< square of kinetic_ev, for its variance
  double centre_kinetic_ev = 0;            ///< |P|²/2M
  double potential_ev = 0;                 ///< meaningful when MotionSeries::has_energy
  Vec3 centre_velocity_ang_fs;             ///< P/M
  Vec3 centre_ang;                         ///< displacement of the centre of mass since the first frame
  Vec3 framework_ang;                      ///< mean displacement of the framework since the first frame
  std::vector<double> element_kinetic_ev;  ///< [elements]
};

struct ElementGroup {
  int atomic_number = 0;
  std::size_t atoms = 0;
  double mass_amu = 0;  ///< of all of them
};

struct MotionSeries {
  std::size_t frames = 0, atoms = 0;
  std::string formula;
  double mass_amu = 0, first_time_fs = 0, last_time_fs = 0;
  std::vector<ElementGroup> elements;           ///< by atomic number
  bool has_energy = false;                 ///< all frames carry a potential energy
  std::size_t frames_with_energy = 0;
  bool has_displacements = true;           ///< false: a step was too long for its periodic image to be determined
  Motion mean;                             ///< of all frames
  Motion last;                             ///< of the last frame
  std::vector<Motion> points;              ///< means over equal stretches, at most 1024
  std::size_t frames_per_point = 1;
  std::vector<Motion> blocks;              ///< means over equal blocks; none with fewer than two frames
  std::size_t frames_per_block = 0;
  double kinetic_variance_ev2 = 0;         ///< of the frames
};

/// One pass; memory does not grow with the length of the trajectory. Positions are unwrapped where the cell is periodic.
/// Throws Error{usage} for frames without velocities or without the framework, Error{unsupported} when times do not ascend.
class MotionSeriesAnalysis : public Analysis {
 public:
  explicit MotionSeriesAnalysis(const MotionSettings& settings) : settings_(settings) {}
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;
  MotionSeries finish(std::size_t blocks = 10) const;

 private:
  MotionSettings settings_;
  std::shared_ptr<const Atoms> atoms_;
  std::vector<ElementGroup> elements_;
  std::vector<std::uint32_t> framework_;
  double mass_amu_ = 0, first_time_fs_ = 0, last_time_fs_ = 0;
  std::size_t frames_with_energy_ = 0;
  Unwrapper unwrapper_;
  std::vector<Vec3> start_ang_;
  Motion last_;
  StretchSums sums_{1024};
};

}  // namespace saltus
