// A subcommand: its name, its line in the overview, and the function that adds its options and says what to run.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace saltus::cli {

struct Command {
  const char* name;
  const char* summary;
  /// Adds options, help and example to `app`; returns what to run after parsing (its result is the exit code).
  std::function<int()> (*set_up)(CLI::App& app);
};

}  // namespace saltus::cli
