// The space group of the mean framework and what it makes of the sites of the mobile ions: `saltus sites` and the kinetics stage alike.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/sites.hpp"
#include "saltus/analysis/space_group.hpp"
#include "saltus/atoms/cell.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/jump_classes.hpp"

namespace saltus::runs {

/// The space group of the framework, imposed on the sites.
struct SiteSymmetry {
  double tolerance_ang = 0;             ///< within which the group was found
  SpaceGroup group;
  double framework_shift_ang = 0;       ///< largest distance of a framework atom from where the group puts it
  SymmetricPositions positions;         ///< of the sites
  std::vector<std::string> label;       ///< [orbits] multiplicity in the conventional cell and Wyckoff letter, "48e"; without the letter where it is unknown
  std::vector<double> occupation;       ///< [orbits] mean of the sites
  std::vector<std::optional<Estimate>> occupation_interval;
  std::vector<std::size_t> sites;       ///< [orbits] how many
  bool pooled = false;                  ///< equivalent jumps count as one in the network
};

/// The group of the mean framework in the cell of the sites; a warning where it is that of no symmetry.
///
/// Throws Error{usage} without a framework, and what find_space_group throws.
SiteSymmetry find_symmetry(const Cell& cell, std::span<const Vec3> framework_ang, double tolerance_ang, std::vector<std::string>& warnings);

/// Makes sites equivalent that the group says are, adds those that are missing, and names their places.
///
/// settings  with which the sites were found: positions within half of their merging distance are one
void impose_symmetry(SiteSymmetry& symmetry, std::span<const Vec3> framework_ang, const SiteSettings& settings, Sites& sites,
                     std::vector<std::string>& warnings);

/// What each operation does to the sites, once it is imposed on them.
std::vector<kinetics::StateMap> state_maps(const SiteSymmetry& symmetry);

/// "jumps that symmetry makes equivalent are not equally frequent (…): the run is too short or the symmetry broken"
std::string unequal_jumps(const kinetics::JumpClasses& jumps);

}  // namespace saltus::runs
