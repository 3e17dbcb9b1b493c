// Paths of the mobile ions in the frame of the framework: unwrapped, the mean displacement of the framework subtracted.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/unwrap.hpp"

namespace saltus {

struct PathSettings {
  int mobile = 0;               ///< atomic number
  std::optional<int> framework; ///< atomic number; none: nothing is subtracted
  /// Takes each frame's mobile_ang instead: Paths then has no mobile_ang, mobile_on_lattice_ang and drift_ang. None: they are kept.
  std::function<void(std::span<const Vec3>)> take_mobile = {};
  /// Most frames of the framework that are kept (at least 2): beyond, every second one is, then every fourth … 0: all.
  std::size_t framework_frames = 0;
};

/// Unwrapped paths, arrays [frame][particle]. The frame of the framework: at each frame the mean displacement of the
/// framework since the first frame is subtracted; adding drift_ang gives the laboratory frame back.
struct Paths {
  Cell cell;                               ///< mean cell; the cell itself where it is constant
  bool constant_cell = true;
  std::size_t frames = 0;
  double first_time_fs = 0;
  double frame_spacing_fs = 0;             ///< 0 with fewer than two frames
  std::vector<std::uint32_t> mobile;       ///< atom index of each mobile particle
  std::vector<std::uint32_t> framework;    ///< atom index of each framework particle
  std::vector<Vec3> mobile_ang;            ///< toroidal paths: for displacements
  std::vector<Vec3> framework_ang;         ///< of every `framework_every`th frame
  std::size_t framework_every = 1;
  std::vector<Vec3> mobile_on_lattice_ang; ///< paths that follow the lattice, in the mean cell: for sites; see site_path()
  std::vector<Vec3> framework_on_lattice_ang;
  std::vector<Vec3> drift_ang;             ///< [frame] what was subtracted
  StepCheck steps;                         ///< of mobile and framework particles together
  std::vector<std::string> warnings;

  /// What sites are found in and assigned from; the same as mobile_ang in a constant cell.
  const std::vector<Vec3>& site_path() const { return constant_cell ? mobile_ang : mobile_on_lattice_ang; }
  const std::vector<Vec3>& framework_site_path() const { return constant_cell ? framework_ang : framework_on_lattice_ang; }
};

/// Collects paths in one pass. Frames must be equally spaced in time. Steps are unwrapped along the vectors that are periodic.
/// Throws Error{usage} when a species is missing or both are the same; Error{unsupported} for frames not equally
/// spaced in time; Error{numeric} when a step reaches the inscribed radius of
/// the cell, so that its image is not determined.
class PathAnalysis : public Analysis {
 public:
  explicit PathAnalysis(const PathSettings& settings);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;
  /// The paths; the analysis is empty afterwards.
  Paths finish();

 private:
  void remember_lattice_paths_so_far();
  bool framework_is_kept();

  PathSettings settings_;
  Unwrapper unwrapper_;
  Paths paths_;
  Mat3 cell_sum_;
  double last_time_fs_ = 0;
  std::vector<Vec3> start_, start_fraction_;  // of the framework
};

}  // namespace saltus
