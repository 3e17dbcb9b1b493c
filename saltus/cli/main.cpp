// saltus: one table of subcommands, one place where errors become exit codes.
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/cli/command.hpp"
#include "saltus/cli/commands.hpp"

int main(int argc, char** argv) {
  using namespace saltus;
  CLI::App app{"saltus: from ab initio molecular dynamics to kinetics of hopping ions, protons and slow water", "saltus"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "saltus " SALTUS_VERSION);
  std::vector<std::string> names;
  std::vector<std::function<int()>> actions;
  std::vector<CLI::App*> subcommands;
  int threads = 0;
  for (const cli::Command& command : cli::commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->add_option("--threads", threads, "threads to use (default: all cores)")->check(CLI::Range(1, 4096));
    names.emplace_back(command.name);
    subcommands.push_back(sub);
    actions.push_back(command.set_up(*sub));
  }
  if (argc > 1 && argv[1][0] != '-' && std::find(names.begin(), names.end(), argv[1]) == names.end()) {
    fmt::print(stderr, "saltus: unknown command '{}'{}; 'saltus --help' lists the commands\n", argv[1], did_you_mean(argv[1], names));
    return static_cast<int>(ErrorKind::usage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "saltus: {}\n", error.what());
    return static_cast<int>(ErrorKind::usage);
  }
  try {
    set_thread_count(threads);
    for (std::size_t k = 0; k < subcommands.size(); ++k)
      if (subcommands[k]->parsed()) return actions[k]();
  } catch (const Error& error) {
    fmt::print(stderr, "saltus: error: {}\n", error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    fmt::print(stderr, "saltus: internal error: {}\n", error.what());
    return static_cast<int>(ErrorKind::internal);
  }
  return static_cast<int>(ErrorKind::internal);
}
