// What molecules do in layers, regions low ≤ d < high of their distance d from a surface (surface_distance.hpp):
//
//   density profile      ρ(d) = <molecules in the bin around d> / (area · width of the bin)
//   survival             P(τ) = Σ_t N(t, t+τ) / Σ_t N(t), N(t, t+τ) molecules in the layer in all frames from t to t + τ
//   lateral diffusion    <Δr∥²(τ)> of those, and D∥ = <Δr∥²(τ)> / 4τ from the survivors alone
//
// With <Δr∥²> per molecule that started, as in the reference, D∥ = lim <Δr∥²>/(4τ P(τ)): the same ratio. Only displacements along
// the surface count, so that leaving the layer, which depends on the normal coordinate, does not select them where the two are independent.
// They are those in the frame of the file: a surface that slides along itself carries its layers with it.
//   orientation          C_l(τ) = <P_l(u(t)·u(t+τ))>, l = 1 and 2, of molecules in the layer at t, wherever they are later
//   hydrogen bonds       S(τ), C(τ) of hydrogen_bonds.hpp, of bonds (H, A) whose donor is in the layer at t
//
// Reference: P. Liu, E. Harder and B. J. Berne, J. Phys. Chem. B 108, 6595 (2004).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "saltus/analysis/stretch_sums.hpp"
#include "saltus/analysis/surface_distance.hpp"
#include "saltus/analysis/unwrap.hpp"

namespace saltus {

/// Number density of molecules by distance. Give every DistanceFrame to add().
class LayerDensity {
 public:
  /// Bins of width (high − low)/bins. Throws Error{usage} for a range or bins that cannot be meant.
  LayerDensity(double low_ang, double high_ang, std::size_t bins);
  /// Throws Error{unsupported} for frames whose surface has no area.
  void add(const DistanceFrame& frame);

  double bin_centre_ang(std::size_t k) const;
  std::size_t frames() const { return sums_.rows(); }
  /// Molecules per Å³ [bins].
  std::vector<double> density_per_ang3() const;
  /// The same of equally long blocks of time, [block][bins]; empty when there are fewer than two frames.
  std::vector<std::vector<double>> blocks(std::size_t count) const;

 private:
  double low_, width_;
  std::size_t bins_;
  StretchSums sums_{128};  // per frame: molecules per Å³ of each bin
};

struct Layer {
  double low_ang = 0, high_ang = 0;

  /// Whether a distance lies in it; of one that repeats any image.
  bool holds(double distance_ang, double period_ang) const;
};

/// Sums over pairs of times τ apart of one layer, at each lag.
struct LayerMotionSums {
  std::vector<double> started, stayed;  ///< [lags] molecules in the layer at t; of these in all frames until t + τ
  std::vector<double> square_ang2;      ///< [lags] Σ |Δr∥|² of those that stayed

  LayerMotionSums& operator+=(const LayerMotionSums& other);
  double survival(std::size_t lag) const { return stayed[lag] / started[lag]; }
  double mean_square_ang2(std::size_t lag) const { return square_ang2[lag] / stayed[lag]; }
};

/// Survival and lateral displacements. Memory: the paths within the longest lag. Give every DistanceFrame to add().
class LayerMotion {
 public:
  /// lags in frames, ascending, from 1 on. Throws Error{usage} for no layers, layers without width, or other lags.
  LayerMotion(std::vector<Layer> layers, std::vector<std::size_t> lags);
  /// Throws Error{usage} when coordinates are not one per molecule or there is no normal.
  void add(const DistanceFrame& frame);

  std::size_t frames() const { return frames_; }
  const std::vector<Layer>& layers() const { return layers_; }
  const std::vector<std::size_t>& lags() const { return lags_; }
  /// [layers]
  std::vector<LayerMotionSums> total() const;
  /// Of equally long blocks of time, [block][layer]; empty when there are fewer than two.
  std::vector<std::vector<LayerMotionSums>> blocks(std::size_t count) const;
  /// Steps between frames against the cell: undetermined ones mean that frames are too far apart.
  const StepCheck& steps() const { return unwrapper_.steps(); }

 private:
  static constexpr std::size_t outside = static_cast<std::size_t>(-1);
  struct Moment {
    std::vector<Vec3> path_ang;    // [molecules]
    std::vector<double> inside;    // [layers] molecules
  };
  std::vector<LayerMotionSums> unfolded(std::span<const double> row) const;

  std::vector<Layer> layers_;
  std::vector<std::size_t> lags_;
  Unwrapper unwrapper_;
  std::deque<Moment> past_;                          // the longest lag back
  std::vector<std::vector<std::size_t>> since_;      // [layers][molecules] frame since which it is inside; else `outside`
  std::size_t frames_ = 0;
  StretchSums sums_{128};                            // [layers][lags][3]
};

/// Sums of the relaxation of orientations of one layer, at each lag.
struct LayerOrientationSums {
  std::vector<double> started, first, second;  ///< [lags] axes; Σ P₁, Σ P₂

  LayerOrientationSums& operator+=(const LayerOrientationSums& other);
};

/// Relaxation of the directions of settings.axes. Memory: unit vectors within the longest lag.
class LayerOrientation {
 public:
  /// axes  those of the SurfaceDistanceSettings. Errors as LayerMotion.
  LayerOrientation(std::vector<Layer> layers, std::vector<std::size_t> lags, std::span<const MolecularAxis> axes);
  /// Throws Error{usage} for another number of axes, or coordinates that are not one per molecule.
  void add(const DistanceFrame& frame);

  /// [layers]
  std::vector<LayerOrientationSums> total() const;
  /// Of equally long blocks of time, [block][layer]; empty when there are fewer than two.
  std::vector<std::vector<LayerOrientationSums>> blocks(std::size_t count) const;

 private:
  struct Moment {
    std::vector<Vec3> axis;
    std::vector<std::vector<std::uint32_t>> inside;  // [layers] axes
  };
  std::vector<LayerOrientationSums> unfolded(std::span<const double> row) const;

  std::vector<Layer> layers_;
  std::vector<std::size_t> lags_;
  std::vector<std::uint32_t> molecule_of_;  // [axes]
  std::deque<Moment> past_;
  std::size_t frames_ = 0;
  StretchSums sums_{128};
};

/// Lifetimes of hydrogen bonds by the layer of their donors. Memory: bonds within the longest lag.
class LayerHydrogenBonds {
 public:
  /// molecules  those of the SurfaceDistanceSettings; donors outside them count in no layer. Errors as LayerMotion.
  LayerHydrogenBonds(std::vector<Layer> layers, std::vector<std::size_t> lags, const MoleculeGroups& molecules);
  /// Throws Error{usage} for coordinates that are not one per molecule.
  void add(const DistanceFrame& frame);

  /// [layers]
  std::vector<BondCorrelationSums> total() const;
  /// Of equally long blocks of time, [block][layer]; empty when there are fewer than two.
  std::vector<std::vector<BondCorrelationSums>> blocks(std::size_t count) const;

 private:
  using Pair = std::uint64_t;  // hydrogen and acceptor
  std::vector<BondCorrelationSums> unfolded(std::span<const double> row) const;

  std::vector<Layer> layers_;
  std::vector<std::size_t> lags_;
  std::unordered_map<std::uint32_t, std::uint32_t> molecule_of_;  // of atoms
  std::unordered_map<Pair, std::size_t> since_;                   // frame since which a pair is bonded
  std::deque<std::vector<std::vector<Pair>>> past_;               // [frame][layer]
  std::size_t frames_ = 0;
  StretchSums sums_{128};
};

}  // namespace saltus
