#include "saltus/cli/command_table.hpp"

#include <algorithm>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/text.hpp"

namespace saltus::cli {

namespace {

constexpr const char* example_title = "Example:";

std::vector<std::string> choices_of(const std::string& value) {
  std::vector<std::string> choices;
  if (!value.starts_with("{") || !value.ends_with("}")) return choices;
  std::istringstream stream(value.substr(1, value.size() - 2));
  for (std::string choice; std::getline(stream, choice, ',');) choices.push_back(choice);
  return choices;
}

bool takes_several(const CLI::Option& option) { return option.get_expected_max() > 1; }

OptionRow row_of(const CLI::Option& option) {
  OptionRow row;
  row.positional = option.get_positional();
  if (row.positional) row.names = {option.get_name(true, false)};
  for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  row.value = value_name(option);
  row.choices = choices_of(row.value);
  row.help = description_of(option);
  row.required = option.get_required();
  row.repeated = takes_several(option);
  return row;
}

// The footer is notes, then a line "Example:", then commands indented by two.
void split_footer(const std::string& footer, CommandPage& page) {
  const auto title = footer.find(example_title);
  page.notes = footer.substr(0, title);
  while (page.notes.ends_with('\n')) page.notes.pop_back();
  if (title == std::string::npos) return;
  std::istringstream stream(footer.substr(title));
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) page.examples.push_back(line.starts_with("  ") ? line.substr(2) : line);
}

}  // namespace

std::string value_name(const CLI::Option& option) {
  if (option.get_type_size() == 0) return "";
  const std::string type = option.get_type_name();
  const auto check = type.find(':');
  if (check == std::string::npos) return type == "UINT" ? "INT" : type;
  if (type.compare(check + 1, 1, "{") == 0) return type.substr(check + 1);
  const std::string name = type.substr(0, check);
  return name == "UINT" ? "INT" : name;
}

std::string description_of(const CLI::Option& option) {
  const std::string& standard = option.get_default_str();
  return standard.empty() ? option.get_description() : fmt::format("{} (default {})", option.get_description(), standard);
}

CommandPage page_of(const CLI::App& app) {
  CommandPage page;
  for (const CLI::App* at = &app; at; at = at->get_parent()) page.words.insert(page.words.begin(), at->get_name());
  page.summary = app.get_description();
  split_footer(app.get_footer(), page);
  page.usage = join(page.words, " ") + " [OPTIONS]";
  for (const CLI::Option* option : app.get_options()) {
    page.options.push_back(row_of(*option));
    const OptionRow& row = page.options.back();
    if (!row.positional) continue;
    const std::string name = row.names[0] + (row.repeated ? "..." : "");
    page.usage += row.required ? " " + name : " [" + name + "]";
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    page.commands.push_back(page_of(*command));
  if (!page.commands.empty()) page.usage += " COMMAND";
  return page;
}

bool is_folder(const OptionRow& option) { return option.value == "FOLDER"; }

bool is_command(const OptionRow& option) { return option.positional && option.names[0] == "COMMAND"; }

bool is_path(const OptionRow& option) { return option.value == "FILE" || is_folder(option); }

}  // namespace saltus::cli
