// Wannier centres of a run: how far they lie from their atoms, how wide they are, and how short hydrogen bonds share the electrons beside
// their proton, with intervals. The means are over frames and, of path integrals, beads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saltus/analysis/wannier_centres.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/runs/wannier_series.hpp"

namespace saltus::runs {

struct WannierSettings {
  std::size_t blocks = 10;             ///< time blocks behind the intervals
  double largest_excess_ang = 0.3;     ///< of a centre that is a bond
  double largest_distance_ang = 2.5;   ///< mean d(D, A) of a short hydrogen bond
  double bin_ang = 0.01;               ///< of distances from the atom
  double nu_bin_ang = 0.05, lambda_bin_ang = 0.02;
  double window_ang = 0.1;             ///< |ν| of the line whose value at ν = 0 is taken
};

/// Centres of one kind: "O-H bond", "O lone pair".
struct CentreGroup {
  std::string name;
  double per_frame = 0;
  Estimate distance_ang;               ///< mean, from the atom named first
  double deviation_ang = 0;            ///< standard deviation
  std::optional<Estimate> spread_ang2;
  std::vector<Estimate> density_per_ang;  ///< [bins] of WannierReport::distance_ang
};

struct SharingBond {
  ProtonBond atoms;
  std::size_t group = 0;               ///< of WannierReport::sharing
  Estimate donor_acceptor_ang, nu_ang, lambda_ang;
};

/// Hydrogen bonds between the same elements, taken together.
struct SharingGroup {
  std::string name;                    ///< "O-H-O"
  std::size_t bonds = 0;
  Estimate donor_acceptor_ang, nu_ang, lambda_ang, donor_centre_ang, acceptor_centre_ang;
  Estimate correlation, slope;         ///< of λ_W and ν: Pearson's, and of the line of least squares
  double window_share = 0;             ///< of the frames that have |ν| within the window
  /// At ν = 0, from lines within the window; values are not numbers where too few frames lie there.
  Estimate lambda_at_zero_ang, donor_centre_at_zero_ang, acceptor_centre_at_zero_ang;
  std::vector<double> nu_at_ang;       ///< [bins that frames lie in] middle
  std::vector<Estimate> nu_density_per_ang, lambda_at_nu_ang, donor_at_nu_ang, acceptor_at_nu_ang;
  std::vector<double> lambda_at_ang;   ///< [bins] middle
  std::vector<std::vector<double>> joint_per_ang2;  ///< [ν bins][λ bins] density
};

/// One bond in one frame.
struct SharingRecord {
  std::optional<std::int32_t> bead;
  std::int64_t step = 0;
  std::optional<double> time_fs;
  std::uint32_t bond = 0;              ///< of WannierReport::bonds
  ProtonSharing sharing;
};

struct WannierReport {
  std::string formula;
  std::size_t frames = 0, steps = 0, beads = 0, blocks = 0, centres = 0;
  int charge = 0;
  std::vector<double> distance_ang;    ///< [bins] middle
  std::vector<CentreGroup> groups;
  std::vector<SharingBond> bonds;
  std::vector<SharingGroup> sharing;
  std::vector<SharingRecord> records;  ///< in order of step, bead, bond
  std::vector<std::string> verdict, warnings;
};

/// Short hydrogen bonds are those among N, O and F that ProtonBondSearch finds, as saltus analyze proton does.
/// Throws what WannierSeries throws, Error{usage} for settings that are not positive.
WannierReport analyze_wannier(const WannierInput& input, const WannierSettings& settings, const Progress& progress = {});

/// Writes every frame of centres with its tags (append_tagged_wannier); returns how many. Throws what tag_wannier_frames throws, and Error{usage}
/// where the frames are only numbered: then nothing is known to be written.
std::size_t write_tagged_wannier(const WannierInput& input, const std::filesystem::path& out, const Progress& progress = {});

}  // namespace saltus::runs
