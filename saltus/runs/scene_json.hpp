// What the page draws in space: the cell of the sites, the framework's mean positions and the jumps between sites, as JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "saltus/analysis/assignment.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/sites.hpp"

namespace saltus::runs {

/// {"cell_ang": [[x, y, z] × 3 rows], "mobile", "element",
///  "framework_ang": [[x, y, z]], mean positions in the cell of the sites, atoms that are folded onto each other shown once,
///  "sites_ang": [[x, y, z]] in the order of the sites,
///  "jumps": [[from, to, image a, image b, image c, there, back]]}, sites counted from 0, each pair of site images once (it may be
/// shifted by a lattice vector): `there` jumps from site `from` in the cell to site `to` in the cell `image`, `back` the other way.
nlohmann::ordered_json scene_json(const Sites& sites, const SiteVisits& visits, const Paths& paths, const std::string& mobile,
                                  const std::string& framework);

}  // namespace saltus::runs
