// Options of a CP2K method: a preset, a settings file, single settings. What aimd and label share.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "saltus/engines/cp2k_settings.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

struct Cp2kOptions {
  std::string preset, file;
  std::vector<std::string> words;
};

/// Adds --preset, --settings, --ranks, --set.
void add_cp2k_options(CLI::App& app, Cp2kOptions& options);

/// Preset, then file, then words.
Cp2kSettings settings_of(const Cp2kOptions& options);

/// Relative to which files that the settings name are looked for: the settings file's folder.
std::filesystem::path base_folder_of(const Cp2kOptions& options);

}  // namespace saltus::cli
