// NETWORK.json: a network of sites with the rates of its jumps, as a file. Times in ps, lengths in Å.
//
// {"cell_ang": 3×3 rows or null, "lag_ps": number or null,
//  "sites": [{"position_ang": [x, y, z] or null, "probability": p, "label": text}, …],
//  "jumps": [{"from": i, "to": j, "image": [a, b, c] or "displacement_ang": [dx, dy, dz], "rate_per_ps": w, "count": n}, …],
//  "comment": text}
// Sites are counted from 0. Every directed jump is listed, its reverse with the negated image or displacement. With lag_ps, jumps
// carry "probability" (per lag) in place of "rate_per_ps". probability, label, count, comment, lag_ps may be missing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "saltus/kinetics/site_network.hpp"

namespace saltus::runs {

/// Throws Error{format} naming the place in the file, Error{unsupported} for more than 256 MiB, Error{file}.
kinetics::SiteNetwork read_network(const std::filesystem::path& path);
/// The same from memory; `name` stands in messages for the file.
kinetics::SiteNetwork parse_network(std::string_view text, const std::string& name);

/// The text of such a file. Images are written where all jumps have them, else displacements.
std::string network_text(const kinetics::SiteNetwork& network, const std::string& comment = {});

/// connect() of what a file holds: what it refuses is a fault of the file.
kinetics::ConnectedNetwork connect_network(const kinetics::SiteNetwork& network, const std::string& name);

}  // namespace saltus::runs
