// Model files of any family that Saltus knows, by the `family` in their metadata.
#pragma once

#include <filesystem>
#include <memory>

#include "saltus/potentials/potential.hpp"

namespace saltus {

/// Throws Error{file}, Error{format} with file and place, Error{unsupported} for a family it does not know.
std::unique_ptr<Potential> load_potential(const std::filesystem::path& path);

}  // namespace saltus
