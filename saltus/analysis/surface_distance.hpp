// Distance of molecules from a surface, per frame, handed on in the order of time:
//   plane      z = n·r, from the centre of mass of the surface group, n the unit normal in the frame's own cell; true distances in Å
//   sphere     distance from the nearest atom of the group, or from each of them; minimum images
//   interface  distance from the instantaneous interface of the group (instantaneous_interface.hpp)
// All three follow the surface: whether everything drifts, and whether atoms are wrapped, makes no difference.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/hydrogen_bonds.hpp"
#include "saltus/analysis/instantaneous_interface.hpp"
#include "saltus/analysis/molecules.hpp"
#include "saltus/analysis/surface_normal.hpp"

namespace saltus {

/// What is known of one frame.
struct DistanceFrame {
  double time_fs = 0;
  double period_ang = 0;                 ///< of the coordinate: it and its sum with this are the same place; 0: does not repeat
  double area_ang2 = 0;                  ///< of the surface in the cell; 0: not defined (spheres, cells not periodic along the surface)
  Vec3 normal;                           ///< unit vector; zero for spheres
  const Cell& cell;
  std::span<const float> distance_ang;   ///< [coordinates], signed towards the normal; within ±half a period, without a group from 0 to the period
  std::span<const Vec3> point_ang;       ///< [molecules] their points, images as in the file
  std::span<const Vec3> axis = {};       ///< [settings.axes] unit vectors
  std::span<const HydrogenBond> bonds = {};  ///< where settings.hydrogen_bonds asks for them
};

struct SurfaceDistanceSettings {
  enum class Kind { plane, sphere, interface } kind = Kind::plane;
  MoleculeGroups molecules;              ///< whose points are followed
  std::vector<std::uint32_t> surface;    ///< atoms of the group; none, with a plane: the coordinate along the normal itself
  SurfaceNormal normal;                  ///< of planes and interfaces
  bool without_drift = false;            ///< plane without group: less the mean displacement of all atoms (by mass) since the first frame
  bool every_centre = false;             ///< sphere: [atoms of the group][molecules] coordinates; false: the nearest atom counts
  InterfaceSettings interface;
  std::vector<MolecularAxis> axes;       ///< whose directions are handed on too
  std::optional<HydrogenBondSettings> hydrogen_bonds;  ///< bonds are handed on too; none: they are not looked for
  std::function<void(const DistanceFrame&)> take;  ///< each frame in turn
};

/// One pass, memory of one frame. Throws Error{usage} for no molecules, no group where one is needed, molecules that hold atoms of the
/// group (sphere), or a group without a position along the normal; Error{unsupported} for frames not equally spaced in time;
/// Error{numeric} for positions that are not finite, or a group whose atoms move apart by more than 0.4 of the period between frames.
class SurfaceDistanceAnalysis : public Analysis {
 public:
  SurfaceDistanceAnalysis(const Frame& first, SurfaceDistanceSettings settings);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;

  std::size_t coordinates() const;
  std::size_t frames() const { return frames_; }
  double first_time_fs() const { return first_time_fs_; }
  /// Mean over all frames: times of files are rounded. 0 with fewer than two.
  double frame_spacing_fs() const { return frames_ > 1 ? (last_time_fs_ - first_time_fs_) / static_cast<double>(frames_ - 1) : 0; }
  /// Of the coordinate, over all frames; both 0 where it does not repeat.
  double shortest_period_ang() const { return shortest_period_ang_; }
  double longest_period_ang() const { return longest_period_ang_; }
  double level_per_ang3() const { return settings_.interface.level_per_ang3; }  ///< of an interface, also where it was not given
  /// That the period changes by more than 1 %, if so: regions near its ends are then not the same in all frames.
  std::vector<std::string> warnings() const;

 private:
  struct Following;  // a record
  double origin(const Following& record);

  SurfaceDistanceSettings settings_;
  std::vector<std::uint32_t> reference_;   // atoms whose mean the coordinate starts from
  std::vector<double> reference_weight_;   // by mass, sum 1
  std::vector<double> followed_;           // their coordinates without jumps, in periods (Å where there is none)
  double start_ = 0;                       // mean of followed_ in the first frame
  std::size_t frames_ = 0;
  double first_time_fs_ = 0, last_time_fs_ = 0, frame_spacing_fs_ = 0, shortest_period_ang_ = 0, longest_period_ang_ = 0;
};

}  // namespace saltus
