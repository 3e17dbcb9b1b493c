#include "saltus/cli/cp2k_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/files.hpp"
#include "saltus/runs/cp2k_fields.hpp"

namespace saltus::cli {

void add_cp2k_options(CLI::App& app, Cp2kOptions& options) {
  std::string names;
  for (const runs::Choice& choice : runs::cp2k_presets()) names += fmt::format("{}{}", names.empty() ? "" : ", ", choice.name);
  app.add_option("--preset", options.preset, "settings to begin with: " + names + " (default insulator)")->type_name("NAME");
  app.add_option("--settings", options.file, "TOML file of settings, as [cp2k] of a plan has them")->type_name("FILE");
  app.add_option_function<std::vector<std::string>>(
         "--set", [&options](const std::vector<std::string>& words) { options.words.insert(options.words.end(), words.begin(), words.end()); },
         "one setting, KEY=VALUE; 'saltus explain --settings' lists all under [cp2k]")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option_function<std::string>("--ranks", [&options](const std::string& value) { options.words.push_back("ranks=" + value); }, "MPI processes of one calculation, one thread each (default 1)")
      ->type_name("INT");
}

Cp2kSettings settings_of(const Cp2kOptions& options) {
  Cp2kSettings settings;
  if (!options.preset.empty()) settings = runs::cp2k_preset(options.preset);
  if (!options.file.empty()) runs::read_cp2k_settings(read_file(options.file), options.file, settings);
  runs::set_cp2k_settings(options.words, settings);
  return settings;
}

std::filesystem::path base_folder_of(const Cp2kOptions& options) { return options.file.empty() ? std::filesystem::path(".") : std::filesystem::absolute(options.file).parent_path(); }

}  // namespace saltus::cli
