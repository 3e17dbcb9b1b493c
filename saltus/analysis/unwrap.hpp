// Unwrapping by the toroidal scheme: u(t+1) = u(t) + MIC(w(t+1) − w(t)), minimum image in the instantaneous cell.
// Reference: Bullerjahn, von Bülow, Heidari, Hénin, Hummer, J. Chem. Theory Comput. 2023 (arXiv:2303.09418).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/atoms/cell.hpp"

namespace saltus {

/// Lengths of the steps between frames against the inscribed radius r_in of the Wigner–Seitz cell.
/// From r_in on the image of a step is not determined: the frames are too far apart in time.
struct StepCheck {
  std::int64_t steps = 0;             ///< particle steps seen
  std::int64_t flagged = 0;           ///< longer than 0.8 r_in
  std::int64_t undetermined = 0;      ///< r_in or longer
  double largest_in_radii = 0;        ///< largest |step|/r_in
  double largest_ang = 0;             ///< the length of that step
  std::int64_t largest_frame = 0;     ///< frame (from 0) that this step reached
  std::uint32_t largest_particle = 0;
};

/// Unwraps a stream of frames. Input may be wrapped or not, the result is the same: positions are wrapped first.
class Unwrapper {
 public:
  /// Next frame; position_ang must always have the same length.
  /// Throws Error{usage} for another length, Error{numeric} for positions that are not finite.
  void add(const Cell& cell, std::span<const Vec3> position_ang);

  std::int64_t frames() const { return frames_; }
  /// Toroidal path [n], starting at the wrapped first frame. In a constant cell exactly wrapped + image·cell.
  const std::vector<Vec3>& position_ang() const { return position_; }
  /// Cell images [n] that follow the lattice: wrapped + image·cell is on the path of a lattice site. In a cell that
  /// changes this differs from position_ang(), whose displacements are the ones that diffuse.
  const std::vector<Int3>& image() const { return image_; }
  /// Wrapped positions of the last frame [n].
  const std::vector<Vec3>& wrapped_ang() const { return wrapped_; }
  bool constant_cell() const { return constant_cell_; }
  const StepCheck& steps() const { return steps_; }

 private:
  Cell cell_;
  std::int64_t frames_ = 0;
  bool constant_cell_ = true;
  std::vector<Vec3> wrapped_, position_, lost_;  // lost_: low-order part of the compensated sum
  std::vector<Int3> image_;
  StepCheck steps_;
};

}  // namespace saltus
