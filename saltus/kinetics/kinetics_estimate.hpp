// From site visits and unwrapped positions to everything the report shows: Markov models at many lags, implied timescales,
// diffusion from the jump network and from the MSD, each with intervals from the same time blocks, and their comparison.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/base/vec3.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/kinetics/site_trajectory.hpp"

namespace saltus::kinetics {

struct KineticsInput {
  SiteTrajectory visits;
  std::vector<Vec3> site_ang;       ///< [n_states] position of each state in image 0
  Mat3 lattice_rows_ang;            ///< lattice vectors that the images of the visits count
  std::vector<Vec3> position_ang;   ///< unwrapped, drift removed, [frame][particle]; frames as in `visits`
  std::size_t n_particles = 0;      ///< when equal to visits.n_carriers, particle i is carrier i
  double frame_spacing_fs = 0;
};

struct EstimationSettings {
  std::vector<std::int64_t> lag_frames;  ///< ascending, at most half a time block; empty: log-spaced up to that
  int n_blocks = 10;                     ///< time blocks behind every interval
  std::int64_t min_jumps = 100;          ///< with fewer completed jumps no diffusion coefficient is given
  int n_timescales = 5;
  DiffusionFitSettings fit;
};

struct Timescale {
  std::optional<double> value_fs;      ///< none: eigenvalue not positive, or fewer states
  std::optional<Estimate> interval_fs; ///< none when leaving out some block leaves no such timescale
  bool resolved = false;               ///< value at least the lag
  std::vector<double> replicate_fs = {};  ///< [B] without one time block each, behind the interval; empty: the interval comes from elsewhere
};

/// One Markov model. Pairs (t, t + lag) are counted when both lie in the same time block.
struct LagEstimate {
  std::int64_t lag_frames = 0;
  double lag_fs = 0;
  std::int64_t n_pairs = 0;
  int n_visited_states = 0, n_connected_states = 0, n_connected_sets = 0;
  std::int64_t dropped_counts = 0;
  double dropped_population = 0;
  int iterations = 0;
  double max_residual = 0;
  bool converged = false;
  std::vector<int> states;   ///< the connected ones
  std::vector<double> pi;    ///< their stationary probabilities
  Mat3 tensor_ang2_fs;       ///< D of the model as estimated, bias included
  double bias_ang2_fs = 0;   ///< of D from few counts per path, by the jackknife; already taken out of diffusion_ang2_fs
  std::optional<Estimate> diffusion_ang2_fs;     ///< D_MSM(lag), a third of the trace; none: the network carries nothing
  std::optional<Estimate> uncorrelated_ang2_fs;  ///< D0(lag) = s2 / (6 lag), same bias treatment
  std::vector<double> replicate_ang2_fs;         ///< [B] of D
  std::vector<Timescale> timescales;             ///< slowest first
};

/// D from the MSD against D from the model.
struct RouteComparison {
  Estimate difference_ang2_fs;  ///< model minus MSD, interval from the common blocks: sharper than the two intervals
  bool agree = false;           ///< each value lies within the other's interval
};

struct ModelMsdPoint {
  double time_fs = 0;
  double msd_ang2 = 0;  ///< without vibration
};

struct KineticsEstimate {
  JumpStatistics jumps;
  MsdCurve msd;
  double frame_spacing_fs = 0;
  std::optional<DiffusionFit> fit;     ///< none: the window holds too few lags
  std::optional<Estimate> diffusion_msd_ang2_fs;
  std::string diffusion_msd_note;      ///< why there is none, or a caution
  std::vector<LagEstimate> lags;
  /// Index into lags: the smallest lag from which on D_MSM does not change beyond the scatter of the blocks.
  std::optional<std::size_t> plateau;
  std::optional<std::size_t> reported; ///< the lag D is reported at: the plateau, else the longest that could begin one
  std::optional<Estimate> diffusion_msm_ang2_fs;
  std::string diffusion_msm_note;
  std::optional<RouteComparison> comparison;  ///< when both are determined
  std::vector<ModelMsdPoint> model_msd;       ///< at multiples of the reported lag
  /// Twice the mean-square offset from the sites' centres: what the MSD has and the model's does not. Only when particles
  /// are carriers.
  std::optional<double> vibration_ang2;
};

/// Independent of the thread count. Throws Error{usage} on inconsistent sizes, lags beyond half a block or a trajectory too
/// short for the blocks.
KineticsEstimate estimate_kinetics(const KineticsInput& input, const EstimationSettings& settings = {},
                                   const Progress& progress = {});

/// The Markov models alone; `block_bound` as block_bounds gives it.
std::vector<LagEstimate> estimate_lags(const SiteTrajectory& visits, std::span<const Vec3> site_ang,
                                       const Mat3& lattice_rows_ang, double frame_spacing_fs,
                                       std::span<const std::int64_t> lag_frames,
                                       std::span<const std::int64_t> block_bound, int n_timescales,
                                       const Progress& progress = {});

}  // namespace saltus::kinetics
