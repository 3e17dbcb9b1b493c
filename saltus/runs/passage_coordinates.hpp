// One coordinate of each molecule over a trajectory, or of an array that holds such coordinates: what first exits are counted in.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/surface_distance.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/io/coordinate_series.hpp"
#include "saltus/kinetics/exit_counting.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

/// Molecules of a trajectory, and the surface that their distance is taken from.
struct SurfaceCoordinate {
  std::string molecules;            ///< selection: the centre of mass of the selected atoms of each molecule is followed
  std::string surface;              ///< selection; empty: the coordinate along the normal itself
  std::string normal = "c";         ///< a, b, c, x, y, z or three numbers
  std::string kind = "plane";       ///< of the distance: plane, sphere or interface
  std::string side = "upper";       ///< of an interface
  double interface_width_ang = 2.4;
  MoleculeRule rule = MoleculeRule::bonds;
};

struct PassageCoordinates {
  CoordinateSeries series;
  double frame_interval_fs = 0;
  double period_ang = 0;            ///< 0: does not repeat
  std::string subject;              ///< for people: what was followed where
  std::vector<std::string> warnings = {};
};

/// What else wants the distances of each frame, in the same reading.
class DistanceFollower {
 public:
  virtual ~DistanceFollower() = default;
  /// Before the first frame: may ask for axes and hydrogen bonds. frames: how many will come.
  virtual void begin(const Frame& first, std::size_t frames, SurfaceDistanceSettings& distances) = 0;
  virtual void add(const DistanceFrame& frame) = 0;
};

/// Reads the trajectory once; coordinates beyond 1 GiB go to disk. Throws what followers throw, what readers, selections and SurfaceDistanceAnalysis throw; Error{usage} where a period
/// changes by more than a percent.
PassageCoordinates read_passage_coordinates(const TrajectoryInput& input, const SurfaceCoordinate& coordinate, const Progress& progress = {}, std::span<DistanceFollower* const> followers = {});

/// Throws Error{usage} for an interval or a period that is not positive, and what CoordinateSeries::open_npy throws.
PassageCoordinates open_passage_array(const std::filesystem::path& file, double frame_interval_fs, double period_ang);

/// Some frames of a series, which must outlive what is returned.
kinetics::CoordinateFrames frames_of(const CoordinateSeries& series, std::size_t first, std::size_t count);

}  // namespace saltus::runs
