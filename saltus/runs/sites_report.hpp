// Sites of the mobile ions of a trajectory file, what the ions do on them, and what can be made of that: states in time, a network
// of rates, and whether one ion is a Markov chain on the sites.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/assignment.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/site_diagnosis.hpp"
#include "saltus/analysis/sites.hpp"
#include "saltus/analysis/voronoi_nodes.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/kinetics/jump_classes.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"
#include "saltus/kinetics/site_network.hpp"
#include "saltus/runs/site_symmetry.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

enum class SiteMethod {
  density,  ///< peaks of the ions' density
  voronoi,  ///< voids of the mean framework that ions visit
  given,
};

struct SitesSettings {
  int mobile = 0;                ///< atomic number
  std::optional<int> framework;  ///< its mean displacement is subtracted
  SiteMethod method = SiteMethod::density;
  std::vector<Fractional> given; ///< sites of the folded cell, where they are given
  SiteSettings density;          ///< its fold counts for given sites too
  AssignmentSettings assignment;
  bool follow = false;           ///< sites move with the framework around them (following.hpp)
  std::optional<double> symmetry_ang;  ///< tolerance within which the framework's group is found and imposed; none: no symmetry
  int blocks = 10;               ///< time blocks behind the intervals
};

/// What happened on one site. Sites are counted from 0.
struct SiteFigures {
  double occupation = 0;                         ///< mean number of ions
  std::optional<Estimate> occupation_interval;   ///< none: no ion came or left
  std::int64_t departures = 0;
  Estimate residence_fs;                         ///< exposure over departures; without a departure only `low` is finite
  double nearest_ang = 0;
};

/// Whether one ion is a Markov chain on the sites: D and the slowest timescale of the model at rising lags.
struct MarkovTest {
  std::vector<kinetics::LagEstimate> lags;
  std::optional<std::size_t> plateau;            ///< the lag from which on D stays the same within its scatter
  std::optional<std::size_t> level;              ///< … and the slowest timescale within its intervals
  std::string verdict;                           ///< a sentence
};

struct SitesReport {
  std::string formula;
  std::size_t frames = 0, ions = 0;
  double frame_spacing_fs = 0;
  Paths paths;
  std::vector<Vec3> followed_ang;                ///< [frame][ion] where sites follow the framework; else empty
  Sites sites;
  SiteVisits visits;
  kinetics::SiteTrajectory trajectory;           ///< the visits as the estimators take them
  CoreSensitivity sensitivity;
  SiteDiagnosis diagnosis;
  std::vector<SiteFigures> figures;              ///< [sites]
  std::optional<SiteSymmetry> symmetry;
  kinetics::JumpClasses jumps;                   ///< equivalent ones together where there is symmetry
  double jump_dispersion = 1;                    ///< jumps that come together; see kinetics::jump_dispersion
  MarkovTest markov;
  std::optional<kinetics::SiteNetwork> network;  ///< rates in 1/ps; none: no jumps
  std::vector<std::string> warnings;

  /// What sites were found in and assigned from.
  const std::vector<Vec3>& ion_path_ang() const { return followed_ang.empty() ? paths.site_path() : followed_ang; }
};

/// Throws what readers, PathAnalysis, find_sites and assign_sites throw; Error{unsupported} when the paths do not fit into memory.
SitesReport analyze_sites(const TrajectoryInput& input, const SitesSettings& settings, const Progress& progress = {});

/// Visits as the estimators take them: one segment per ion that ever entered a core.
kinetics::SiteTrajectory site_trajectory_of(const SiteVisits& visits, std::size_t sites);

/// Frame by frame: the site of each ion (−1: none yet) and the image it is in.
struct SiteStates {
  std::size_t ions = 0;
  std::vector<std::int32_t> site;   ///< [frame][ion]
  std::vector<std::int32_t> image;  ///< [frame][ion][3]
};

/// primitive  sites are numbered as they are, images count folded cells; else ((a · nb + b) · nc + c) · sites + site of the whole cell, whose
///            images are counted
SiteStates states_of(const SitesReport& report, bool primitive);

}  // namespace saltus::runs
