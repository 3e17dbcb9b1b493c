// Model files of any family that Saltus knows, by the `family` in their metadata, published ones by their content; and built-in models by name.
#pragma once

#include <filesystem>
#include <memory>

#include "saltus/potentials/network_settings.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// `path` may be "builtin:NAME" (builtin.hpp) in place of a file.
/// `settings` are for networks (SevenNet, MACE, MatterSim), published or converted; other families have none.
/// Throws Error{file}, Error{format} with file and place, Error{unsupported} for a family it does not know, Error{usage} for
/// settings that the model does not have.
std::unique_ptr<Potential> load_potential(const std::filesystem::path& path, const NetworkSettings& settings = {});

}  // namespace saltus
