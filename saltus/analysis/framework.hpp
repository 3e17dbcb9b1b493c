// Is the framework a crystal? Tests on its unwrapped positions (its own drift subtracted), each a number and a limit:
//  moved        atoms that left their places, for good or for a while: hops, swaps, new bonds;
//  plateau      MSD of the atoms that did not, at half the length against a tenth: a vibrating crystal does not grow, a fluid does;
//  Lindemann    rms displacement about the mean positions over the nearest-neighbour distance;
//  g(r)         peaks of the last third as those of the first.
// A framework that fails one of them is not a crystal; one that passes all could still be a glass at rest. The few atoms that may
// move, and bonds that they form, are a defect: it does not end a crystal, but it should be known.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/rdf.hpp"
#include "saltus/atoms/cell.hpp"

namespace saltus {

struct FrameworkLimits {
  double growth = 0.25;            ///< MSD(long)/MSD(middle) − 1; only counts when it is also above two standard errors
  double lindemann = 0.15;
  double moved_fraction = 0.05;    ///< of the atoms
  double moved_distance = 0.2;     ///< over the nearest-neighbour distance: two mean positions farther apart are two places …
  double moved_outlier = 3;        ///< … where half of the atoms stay within a third of that, as they do not where all creep, nor in very short runs
  double rdf_change = 0.15;        ///< share of pair distances that differ between the first and last third
  double peak_contrast_loss = 0.5; ///< contrast in the last third over that in the first must not fall below this …
  double fluid_contrast = 6;       ///< … and what is above this is no fluid's (simple fluids: 4 to 5 at the melting point)
  double largest_rdf_ang = 8;
  double rdf_bin_ang = 0.1;
};

struct FrameworkCheck {
  bool crystalline = false;
  std::string reason;                     ///< why not ("its mean-square displacement has …; …"); empty when crystalline
  std::vector<double> lag_fs, msd_ang2;   ///< MSD(lag) of all its atoms, log-spaced lags up to half the length
  double msd_middle_ang2 = 0;             ///< at a tenth of the length
  double msd_long_ang2 = 0;               ///< at half the length
  double moved_ang = 0;                   ///< distance beyond which mean positions are two places
  std::size_t moved_atoms = 0;            ///< with mean positions in two fifths of the run that are two places
  std::vector<double> resting_msd_ang2;   ///< MSD(lag) of the atoms that did not move (of all where more moved than may)
  double resting_middle_ang2 = 0;         ///< at a tenth of the length
  double resting_long_ang2 = 0;           ///< at half the length
  double growth_ang2 = 0;                 ///< their difference, with its standard error over these atoms
  double growth_error_ang2 = 0;
  double lindemann = 0;
  double nearest_neighbor_ang = 0;        ///< mean distance to the nearest neighbour, of mean positions of the first fifth
  Rdf rdf_first, rdf_last;                ///< of the first and the last third
  double rdf_change = 0;                  ///< Σ |n_last − n_first| / Σ (n_last + n_first), n pairs per bin, bins 0.1 Å
  double peak_contrast_first = 0;         ///< first maximum over the minimum behind it (taken as 0.1 where lower)
  double peak_contrast_last = 0;
  double bond_ang = 0;                    ///< 0.7 of the nearest-neighbour distance: closer pairs are bonds that a crystal at rest has not
  double bonds_first = 0, bonds_last = 0; ///< such pairs per frame, first and last third

  /// Early or late, a pair or more of a kind that the crystal at rest has not.
  bool has_bonds() const { return bonds_first > 0.5 || bonds_last > 0.5; }
};

/// Checks framework positions [frame][atom]: unwrapped, in the frame of the framework, constant (mean) cell.
/// Throws Error{usage} with fewer than 30 frames or sizes that do not fit.
FrameworkCheck check_framework(const Cell& cell, std::span<const Vec3> position_ang, std::size_t frames,
                               double frame_spacing_fs, const FrameworkLimits& limits = {});

}  // namespace saltus
