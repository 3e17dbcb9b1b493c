// The names a plan may use, in plain tables: name, one line.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "saltus/runs/fields.hpp"

namespace saltus::runs {

std::span<const Choice> thermostats();
std::span<const Choice> barostats();
std::span<const Choice> ring_thermostats();
std::span<const Choice> ring_splittings();
std::span<const Choice> ring_factorizations();
std::span<const Choice> potentials();
std::span<const Choice> precisions();
std::span<const Choice> arithmetics();
std::span<const Choice> surface_shapes();
std::span<const Choice> interface_sides();
std::span<const Choice> molecule_rules();

std::vector<std::string> names(std::span<const Choice> choices);

}  // namespace saltus::runs
