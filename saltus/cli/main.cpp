// saltus: one table of subcommands, one place where errors become exit codes.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/cli/command.hpp"
#include "saltus/cli/commands.hpp"
#include "saltus/cli/help_formatter.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/version.hpp"
#include "saltus/kernels/linear_algebra.hpp"

namespace {

using namespace saltus;

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// What is wrong with the arguments, and where to look.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* verb = &app;
  std::string place = "saltus";
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
    place += " " + verb->get_name();
  }
  const std::string remedy = fmt::format("'{} --help' shows what there is", place);
  for (const std::string& word : app.remaining(true)) {
    if (word.size() > 1 && word[0] == '-') {
      const std::string name = word.substr(0, word.find('='));
      return fmt::format("{}: unknown option '{}'{}; {}", place, name, did_you_mean(name, option_names(*verb)), remedy);
    }
    return fmt::format("{}: unexpected argument '{}'; {}", place, word, remedy);
  }
  return fmt::format("{}: {}; {}", place, error.what(), remedy);
}

/// A word as a shell takes it.
std::string quoted(const std::string& word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./=,:+@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// How far it came, and the command that goes on from there.
std::string interrupted_message(const Interrupted& interrupted, int argc, char** argv) {
  std::vector<std::string> words;
  for (int k = 0; k < argc; ++k) words.push_back(quoted(argv[k]));
  return fmt::format("saltus: stopped{}{}; {}:\n  {}", interrupted.place.empty() ? "" : " at ", interrupted.place,
                     interrupted.resumable ? "what is done is kept, this goes on from there" : "nothing was written, this begins anew",
                     join(words, " "));
}

struct CommonOptions {
  int threads = 0;
  bool quiet = false;
};

void add_common_options(CLI::App& app, CommonOptions& common) {
  app.add_option("--threads", common.threads, "threads to use (default: all cores)")->check(CLI::Range(1, 4096));
  app.add_flag("--quiet", common.quiet, "no progress; warnings and errors stay");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"saltus: from ab initio molecular dynamics to the kinetics of hopping ions, protons and slow water", "saltus"};
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "this page; after a command, the page of that command");
  app.set_version_flag("--version", [] { return cli::version_text(); }, "version, features, compiler, instruction set, libraries");
  app.formatter(std::make_shared<cli::HelpFormatter>());
  app.footer(
      "Results go to stdout, progress and warnings to stderr.\n\n"
      "Exit codes:\n"
      "  0 done, 2 usage, 3 file, 4 format, 5 unsupported, 6 numeric, 7 internal,\n"
      "  130 stopped by Ctrl-C, 143 stopped by SIGTERM\n\n"
      "Example:\n  saltus run examples/li15si4/plan.toml");
  std::vector<std::string> names;
  std::vector<std::function<int()>> actions;
  std::vector<CLI::App*> subcommands;
  CommonOptions common;
  for (const cli::Command& command : cli::commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->set_help_flag("-h,--help", "this page");  // its kinds inherit it
    names.emplace_back(command.name);
    subcommands.push_back(sub);
    actions.push_back(command.set_up(*sub));
    add_common_options(*sub, common);
    for (CLI::App* kind : sub->get_subcommands([](CLI::App*) { return true; })) add_common_options(*kind, common);
  }
  if (argc == 1) {
    fmt::print(stderr, "{}", app.help());
    return static_cast<int>(ErrorKind::usage);
  }
  if (argv[1][0] != '-' && std::find(names.begin(), names.end(), argv[1]) == names.end()) {
    fmt::print(stderr, "saltus: unknown command '{}'{}; 'saltus --help' lists the commands\n", argv[1], did_you_mean(argv[1], names));
    return static_cast<int>(ErrorKind::usage);
  }
  try {
    app.parse(argc, argv);
    set_thread_count(common.threads);
    if (common.quiet) cli::silence_progress();
    kernels::use_one_blas_thread();
    int code = static_cast<int>(ErrorKind::internal);
    for (std::size_t k = 0; k < subcommands.size(); ++k)
      if (subcommands[k]->parsed()) code = actions[k]();
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) throw Error(ErrorKind::file, "cannot write to standard output");
    return code;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "{}\n", usage_message(app, error));
    return static_cast<int>(ErrorKind::usage);
  } catch (const Error& error) {
    cli::print_error(error.what());
    return error.exit_code();
  } catch (const Interrupted& interrupted) {
    cli::say_above_progress(interrupted_message(interrupted, argc, argv));
    return 128 + cli::stop_signal();
  } catch (const std::filesystem::filesystem_error& error) {
    cli::print_error(error.what());
    return static_cast<int>(ErrorKind::file);
  } catch (const std::bad_alloc&) {
    cli::print_error("not enough memory");
    return static_cast<int>(ErrorKind::internal);
  } catch (const std::exception& error) {
    cli::print_error(fmt::format("internal: {}", error.what()));
    return static_cast<int>(ErrorKind::internal);
  }
}
