// Sites of mobile ions from the peaks of their density in the frame of the framework: density on a periodic grid, light
// smoothing, watershed with persistence on −ln ρ (peaks whose saddle is less than a threshold in kT above the shallower
// one are one site; ToMATo: Chazal, Guibas, Oudot, Skraba, J. ACM 60, 41 (2013)), centroid of what is above half maximum.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/space_group.hpp"
#include "saltus/atoms/cell.hpp"

namespace saltus {

struct SiteSettings {
  Int3 fold{1, 1, 1};                 ///< the cell is this many repeats of the cell of the sites along each vector
  double grid_ang = 0.2;              ///< largest grid spacing
  double smoothing_ang = 0.25;        ///< standard deviation of the Gaussian
  double persistence_kt = 1.0;        ///< peaks with a lower barrier between them are one site
  /// Basins with fewer ions join the neighbour behind the lowest saddle; where a folded cell holds less than one ion, as a share of that.
  double smallest_occupation = 0.02;
  double merge_distance_ang = 1.0;    ///< sites nearer than this are one
  std::vector<SymmetryOperation> symmetry = {};  ///< of the folded cell: the density is averaged over them; empty: as it is
};

/// Sites of the folded cell. Cell images of ions are counted in units of this cell.
struct Sites {
  Cell cell;
  Int3 fold{1, 1, 1};
  std::vector<Fractional> position;       ///< [sites], each coordinate in [0, 1)
  std::vector<double> occupation;         ///< [sites] mean number of ions in the basin, averaged over the folded
                                          ///< cells; empty for given sites
  double unassigned_fraction = 0;         ///< share of the ions' density in no basin
  std::size_t merged_by_persistence = 0;  ///< peaks that became part of another site, and why
  std::size_t merged_by_occupation = 0;
  std::size_t merged_by_distance = 0;

  std::size_t size() const { return position.size(); }
};

/// Sites from paths (or wrapped positions) relative to the framework.
///
/// cell            the (mean) cell of the positions
/// position_ang    [frame][ion], any image
/// frames          number of frames; position_ang.size() is a multiple of it
///
/// Sites are ordered by fractional coordinates of their density peaks. Throws Error{usage} for settings or sizes that cannot
/// be meant or a cell that is not periodic along all three vectors.
Sites find_sites(const Cell& cell, std::span<const Vec3> position_ang, std::size_t frames, const SiteSettings& settings);

/// Sites that are known: fractional coordinates of the folded cell. Throws Error{usage} for none, or two at one place
/// (nearer than 0.1 Å).
Sites given_sites(const Cell& cell, const Int3& fold, std::span<const Fractional> position);

/// Ion-frames that a site must hold by settings.smallest_occupation.
double least_ion_frames(const SiteSettings& settings, std::size_t positions, std::size_t frames);

/// Cell divided by the repeats. Throws Error{usage} for repeats < 1.
Cell folded(const Cell& cell, const Int3& fold);

/// Distance in Å from each site to the nearest other one (or to its own image).
std::vector<double> nearest_site_distance_ang(const Sites& sites);

}  // namespace saltus
