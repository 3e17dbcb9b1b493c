// saltus --version.
#pragma once

#include <string>

namespace saltus::cli {

/// Version, hash of the sources that decide results, compiler, instruction set chosen on this machine, libraries.
std::string version_text();

}  // namespace saltus::cli
