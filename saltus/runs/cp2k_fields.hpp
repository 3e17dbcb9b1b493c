// The settings of CP2K by their names: [cp2k] of a plan, a settings file, words like "cutoff_ry=400".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/engines/cp2k_settings.hpp"
#include "saltus/runs/fields.hpp"

namespace saltus::runs {

std::span<const Field<Cp2kSettings>> cp2k_fields();

/// Kinds of systems with settings that usually do.
std::span<const Choice> cp2k_presets();
/// Throws Error{usage} with the names there are.
Cp2kSettings cp2k_preset(const std::string& name);

/// Sets what a TOML text names, after the preset if it names one, and leaves the rest. Throws Error{format} with the line.
void read_cp2k_settings(std::string_view toml, const std::string& source, Cp2kSettings& settings);

/// The same for words KEY=VALUE. Throws Error{usage}.
void set_cp2k_settings(const std::vector<std::string>& words, Cp2kSettings& settings);

std::string cp2k_settings_json(const Cp2kSettings& settings);
std::string cp2k_settings_text(const Cp2kSettings& settings);

}  // namespace saltus::runs
