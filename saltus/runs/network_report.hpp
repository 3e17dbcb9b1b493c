// Transport of a jump network, ready to be printed: D with its parts, what carries it, relaxations, closed forms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saltus/kinetics/network_error.hpp"
#include "saltus/kinetics/network_modes.hpp"
#include "saltus/kinetics/vacancy_network.hpp"

namespace saltus::runs {

struct NetworkSettings {
  std::vector<double> times_ps = {};               ///< of MSD and scattering, >= 0, ascending; of a lag network whole multiples of the lag
  std::vector<Vec3> wave_vector_per_ang = {};
  std::optional<double> trajectory_ps = {};        ///< how long the ions behind the rates were watched
  std::vector<int> vacancy_cells = {};             ///< edges, ascending, of crystals full but for one vacancy; empty: none
};

/// An undirected path, its moves in both directions taken together.
struct PathShare {
  int from = 0, to = 0;      ///< sites as the file counts them
  std::optional<Int3> image;
  Vec3 displacement_ang;
  double weight = 0, reverse_weight = 0;
  double share = 0;          ///< of a third of the trace of D; both directions
};

struct ModeShare {
  std::optional<double> time_ps;
  double share = 0;                ///< of the trace of D0: what this relaxation takes away
  bool slower_than_trajectory = false;
};

struct TimePoint {
  double time_ps = 0;
  Mat3 msd_ang2;
  std::vector<double> scattering;  ///< [wave vectors]
};

/// The same jumps in a crystal full of ions but for one vacancy.
struct VacancyTransport {
  Mat3 vacancy_diffusion_ang2_per_ps;
  std::vector<kinetics::TracerTransport> tracer;   ///< one for each edge, per ps
  std::optional<double> correlation_factor;        ///< extrapolated from the two largest
  std::optional<double> tracer_per_vacancy_ang2_per_ps;  ///< a third of the trace of D of an ion, over the share of vacant sites, extrapolated
};

struct NetworkReport {
  int sites = 0, jumps = 0;
  kinetics::ConnectedNetwork connected;
  std::optional<double> lag_ps;
  Mat3 diffusion_ang2_per_ps, uncorrelated_diffusion_ang2_per_ps;
  Vec3 drift_ang_per_ps;
  double correlation_factor = 0;   ///< trace D / trace D0
  kinetics::PrincipalAxes principal_ang2_per_ps;
  std::optional<kinetics::DiffusionError> error_ang2_per_ps;
  std::string error_note;          ///< why there is no interval
  std::optional<std::vector<ModeShare>> modes;  ///< slowest first; none: too many sites
  std::vector<PathShare> paths;    ///< by falling share; empty without detailed balance
  std::vector<TimePoint> times;
  std::optional<VacancyTransport> vacancy;
  std::vector<std::string> warnings;
};

/// The longest row of lags, ending with the last, in which every D lies within the interval of every other. Intervals of one
/// trajectory overlap more than independent ones would: what is called not flat here is not.
///
/// reports  networks of lags, ascending; returns the index of the first of the row, or nothing without intervals or with two lags or fewer.
std::optional<std::size_t> flat_from(const std::vector<NetworkReport>& reports);

/// Errors as connect_network(), and Error{usage} for times that do not fit.
NetworkReport analyze_network(const kinetics::SiteNetwork& network, const std::string& name,
                              const NetworkSettings& settings = {});

}  // namespace saltus::runs
