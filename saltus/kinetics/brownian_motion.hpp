// Independent particles on a line with position-dependent diffusion D(z) and free energy F(z), for tests and planning of first-passage estimates.
//
//   overdamped  dz = (D' − D F') dt + sqrt(2D) dW                          Itô form of the Smoluchowski equation; density e^{−F} in equilibrium
//               z += (D' − D F') h + sqrt(2Dh) ξ + ½ D' (ξ² − 1) h         Milstein; one Gaussian per frame, exact, where D and F' are constant
//   Langevin    dz = u dt,  du = −w F' dt − (w/D) u dt + w sqrt(2/D) dW    w = kT/m = (largest D)/velocity time; friction by Einstein's relation
//               BAOAB; friction factor (1 − x)/(1 + x), x = wh/2D: a free particle diffuses with D at any step
// References: Milstein, Theory Probab. Appl. 19 (1974) 557; Leimkuhler, Matthews, J. Chem. Phys. 138 (2013) 174102; Grønbech-Jensen, Farago, Mol. Phys. 111 (2013) 983.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/base/random.hpp"

namespace saltus::kinetics {

enum class LineEnds { periodic, walls, free };

/// Where particles are. Periodic: the period is high − low. Walls reflect. Free: beyond the ends D stays what it is there, and F goes on straight.
struct Line {
  double low_ang = 0, high_ang = 0;
  LineEnds ends = LineEnds::periodic;
};

/// D and F, in nodes of cubic Hermite interpolation.
class LineProfile {
 public:
  using Function = std::function<double(double z_ang)>;
  struct Node {
    double diffusion_ang2_fs, diffusion_slope;        ///< slope in Å/fs
    double free_energy_kt, free_energy_slope_per_ang;
  };

  /// The functions are asked at nodes about spacing_ang apart (at least 1000 of them), and for their slopes within 1e-4 Å of these, walls or not.
  /// Throws Error{usage} when the line has no length, where D is not positive or F not finite, and when the ends of a period differ.
  LineProfile(const Line& line, const Function& diffusion_ang2_fs, const Function& free_energy_kt, double spacing_ang = 0.01);

  const Line& line() const { return line_; }
  double length_ang() const { return line_.high_ang - line_.low_ang; }
  std::span<const Node> nodes() const { return node_; }
  double spacing_ang() const { return spacing_ang_; }
  /// z within the line, or beyond free ends.
  Node at(double z_ang) const;
  /// D and F' are the same everywhere (F' = 0 unless the ends are free): a step of any length is exact.
  bool uniform() const { return uniform_; }
  /// A position drawn from e^{−F}.
  double equilibrium_position_ang(Random& random) const;

 private:
  Line line_;
  double spacing_ang_ = 0, nodes_per_ang_ = 0;
  bool uniform_ = false;
  std::vector<Node> node_;
  std::vector<double> cumulative_;  // [nodes] of e^{−F}, by trapezia, up to 1
};

/// Through the points (x, y), x ascending, by cubics that rise and fall with them; straight beyond the ends, or of the given period (> last − first x).
/// Throws Error{usage} for fewer than two points or what does not ascend. Reference: Fritsch, Carlson, SIAM J. Numer. Anal. 17 (1980) 238.
LineProfile::Function monotone_cubic(std::vector<double> x, std::vector<double> y, double period = 0);

struct BrownianSettings {
  double frame_interval_fs = 100;
  double velocity_time_fs = 0;      ///< 0: overdamped. Else that of the velocity's decay where D is largest
  double step_fs = 0;               ///< 0: automatic. Made shorter so that a whole number of steps makes a frame
  std::optional<double> start_ang;  ///< of all particles; none: equilibrium
  std::uint64_t seed = 1;           ///< each particle has its own stream
};

struct BrownianParticle {
  double z_ang = 0;            ///< within the line, or beyond free ends
  std::int64_t turns = 0;      ///< periods gone through
  double velocity_ang_fs = 0;  ///< Langevin
  Random random;
};

class BrownianMotion {
 public:
  /// The automatic step is the longest with sqrt(2Dh) g <= 0.1 everywhere, g the largest of |F'|, sqrt|F''|, |D'|/D, sqrt(|D''|/D) and, with walls, 2/length;
  /// Langevin: sqrt(w) h g <= 0.1 and h <= 0.2 D/w. No limit where steps are exact. A given one may be ten times as long, and never longer than a frame.
  /// Throws Error{usage} for longer ones, a start outside the line, a free line without a start, or more than 100,000 steps in a frame.
  BrownianMotion(LineProfile profile, const BrownianSettings& settings);

  const LineProfile& profile() const { return profile_; }
  const BrownianSettings& settings() const { return settings_; }
  double step_fs() const { return step_fs_; }
  std::int64_t steps_per_frame() const { return steps_; }

  BrownianParticle start(std::size_t particle) const;
  /// By one frame.
  void advance(BrownianParticle& particle) const;
  /// Unwrapped: counted on through periods.
  double position_ang(const BrownianParticle& particle) const { return particle.z_ang + static_cast<double>(particle.turns) * profile_.length_ang(); }
  /// Writes positions and advances, frame by frame: out [frames * particles]. The same for any number of threads.
  void write_frames(std::span<BrownianParticle> particles, std::span<float> out_ang) const;

 private:
  void step_overdamped(BrownianParticle& particle) const;
  void advance_langevin(BrownianParticle& particle) const;  // by one frame
  void drift(BrownianParticle& particle, double distance_ang) const;  // moves and folds back into the line

  LineProfile profile_;
  BrownianSettings settings_;
  double kt_over_mass_ = 0;  // Å²/fs²
  double step_fs_ = 0;
  std::int64_t steps_ = 1;
};

/// [frames * particles] unwrapped positions, the start first.
std::vector<float> brownian_frames(const BrownianMotion& motion, std::size_t particles, std::size_t frames, const Progress& progress = {});

}  // namespace saltus::kinetics
