// The commands and their options as the parser holds them, in plain structs: help pages, completion scripts and manual pages
// are made from this.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}

namespace saltus::cli {

struct OptionRow {
  std::vector<std::string> names;    ///< "-h", "--help"; of a positional one word without dashes
  std::string value;                 ///< "INT", "FILE", "{single,double}"; empty = takes none
  std::vector<std::string> choices;  ///< of the value; empty = not a fixed set
  std::string help;                  ///< with the default
  bool positional = false;
  bool required = false;
  bool repeated = false;             ///< takes several values
};

struct CommandPage {
  std::vector<std::string> words;    ///< "saltus", "analyze", "msd"
  std::string summary;
  std::string usage;                 ///< "saltus analyze msd [OPTIONS] TRAJ"
  std::string notes;                 ///< what the help page says below the options, but for the examples
  std::vector<std::string> examples; ///< lines, unindented but for those that go on a line
  std::vector<OptionRow> options;    ///< in the order of the help page
  std::vector<CommandPage> commands; ///< verbs or kinds
};

/// The page of `app` and of all below it.
CommandPage page_of(const CLI::App& app);

/// Short name of what an option takes: "INT" for CLI11's "INT:INT in [1 - 4096]", "{a,b}" for a fixed set, "" for a flag.
std::string value_name(const CLI::Option& option);

/// Description with the default, where the parser knows it.
std::string description_of(const CLI::Option& option);

/// Whether a value is a path: names of files are proposed for it.
bool is_path(const OptionRow& option);
bool is_folder(const OptionRow& option);
/// Whether the values are the words of a command: a positional called COMMAND.
bool is_command(const OptionRow& option);

}  // namespace saltus::cli
