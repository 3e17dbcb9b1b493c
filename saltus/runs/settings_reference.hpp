// What a plan may hold, from the field tables: the reference of the settings, for people, machines and the manual page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "saltus/runs/fields.hpp"

namespace saltus::runs {

struct SettingReference {
  std::string key;
  std::string type;      ///< "text", "integer", "number", "true or false", "list of numbers", …
  std::string unit;      ///< "" = dimensionless
  std::string help;
  std::string standard;  ///< default as JSON text; empty where the setting is required or the default belongs to the model's family
  std::string range;     ///< "at least 1", "between 1 and 15"; may be empty
  std::vector<Choice> choices;
  std::vector<std::pair<std::string, std::string>> standard_of_family = {};  ///< family, default as JSON text
};

struct SettingsTable {
  std::string heading;  ///< "[fit]", "[[md]]"; empty: the top of the file
  std::vector<SettingReference> settings;
};

/// In the order of the file.
std::vector<SettingsTable> settings_tables();

/// "number, fs, default 50, at least 0"
std::string kind_text(const SettingReference& setting);

/// "at least 1", "between 1 and 15"; empty without bounds.
std::string range_text(double minimum, double maximum);

/// One line per setting: name, default, type, range, meaning.
std::string settings_text();

/// {"tables": [{"table", "settings": [{"key", "type", "unit", "default", "default_of_family", "required", "range", "choices", "help"}]}]}
nlohmann::ordered_json settings_reference_json();

}  // namespace saltus::runs
