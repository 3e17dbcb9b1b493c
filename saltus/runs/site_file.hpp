// Sites as a file: atoms in a cell (extXYZ and all other formats of trajectories), or text of three fractional coordinates a line.
#pragma once

#include <filesystem>
#include <vector>

#include "saltus/analysis/sites.hpp"

namespace saltus::runs {

struct SiteFile {
  std::vector<Fractional> position;  ///< of the file's cell
  std::vector<Vec3> framework_ang;   ///< other atoms of the file
};

/// Names that end in .txt, .dat or .npy are tables; of any other file the first frame is read, its atoms of the element `mobile` are the
/// sites. Throws Error{format} for a table without three columns, atoms without a cell, or none of the element; what readers throw.
SiteFile read_sites(const std::filesystem::path& path, int mobile);

/// Writes the sites as atoms of the element `mobile` in their cell, behind `framework_ang` as the element `framework`.
void write_sites(const std::filesystem::path& path, const Sites& sites, int mobile, std::span<const Vec3> framework_ang, int framework);

}  // namespace saltus::runs
