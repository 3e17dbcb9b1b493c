// A kinetic Monte Carlo run of many carriers on a network and what its trajectory says: tracer and collective diffusion,
// correlation factor, and the one-carrier Markov model at rising lags.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"
#include "saltus/kinetics/site_network.hpp"

namespace saltus::runs {

struct LatticeGasSettings {
  Int3 cells{1, 1, 1};
  std::int64_t carriers = 1;
  double time_ps = 0;
  double every_ps = 0;      ///< between frames
  std::uint64_t seed = 1;
  int blocks = 10;          ///< of time, behind the intervals
};

/// The frames of a run, equally spaced from time 0.
struct CarrierFrames {
  std::size_t carriers = 0, frames = 0;
  Int3 cells{};
  int types = 0;                  ///< sites of the primitive cell
  Mat3 cell_rows_ang;             ///< of the primitive cell
  std::vector<Vec3> site_ang;     ///< [types]
  std::vector<std::int32_t> type; ///< [frame][carrier]
  std::vector<Int3> cell;         ///< [frame][carrier] primitive cell, counted along the path
  Vec3 position_ang(std::size_t k) const {
    const Int3& c = cell[k];
    return site_ang[static_cast<std::size_t>(type[k])] + Vec3{double(c[0]), double(c[1]), double(c[2])} * cell_rows_ang;
  }
  /// Number of the site in the supercell, ((x · ny + y) · nz + z) · types + type, and the supercell's image.
  int supercell_site(std::size_t k, Int3& image) const;
};

struct LatticeGasReport {
  LatticeGasSettings settings;
  std::int64_t sites = 0, events = 0;
  double events_per_s = 0;        ///< of the clock on the wall
  CarrierFrames frames;
  kinetics::KineticsEstimate one_carrier;  ///< MSD, and Markov models of one carrier on the sites of the primitive cell; fs
  std::optional<Estimate> tracer_ang2_per_ps;
  std::string tracer_note;
  std::optional<Estimate> collective_ang2_per_ps;  ///< from the displacement of all carriers together
  std::string collective_note;
  std::optional<Estimate> haven_ratio;             ///< tracer / collective, from the same blocks
  std::optional<Estimate> correlation_factor;      ///< tracer / D of as many uncorrelated jumps
  double jump_diffusion_ang2_per_ps = 0;           ///< a third of the trace, from the number of jumps made
  Mat3 one_carrier_diffusion_ang2_per_ps;          ///< of the network alone, exact
  std::vector<std::string> warnings;
};

/// Throws Error{usage} for what does not fit, among it more than 5·10⁷ positions.
LatticeGasReport simulate_lattice_gas(const kinetics::SiteNetwork& network, const std::string& name,
                                      const LatticeGasSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
