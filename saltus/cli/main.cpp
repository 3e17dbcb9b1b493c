// saltus: one table of subcommands, one place where errors become exit codes.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/cli/command.hpp"
#include "saltus/cli/commands.hpp"
#include "saltus/cli/version.hpp"
#include "saltus/kernels/linear_algebra.hpp"

namespace {

using namespace saltus;

/// Help pages with short types: "INT" for "INT:INT in [1 - 4096]", so that most options take one line.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(29); }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_size() == 0 ? "" : option->get_type_name();
    const auto check = type.find(':');
    std::string text = check == std::string::npos ? type : type.compare(check + 1, 1, "{") == 0 ? type.substr(check + 1) : type.substr(0, check);
    if (text == "UINT") text = "INT";
    if (option->get_expected_max() == CLI::detail::expected_max_vector_size) text += " ...";
    else if (option->get_expected_min() > 1) text += fmt::format(" x {}", option->get_expected());
    if (option->get_required() && !option->get_positional()) text += " REQUIRED";
    return text.empty() ? text : " " + text;
  }
};

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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"saltus: from ab initio molecular dynamics to the kinetics of hopping ions, protons and slow water", "saltus"};
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "this page; after a command, the page of that command");
  app.set_version_flag("--version", [] { return cli::version_text(); }, "version, compiler, instruction set, libraries");
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(
      "Results go to stdout, progress and warnings to stderr.\n"
      "Exit codes: 0 done, 2 usage, 3 file, 4 format, 5 unsupported, 6 numeric, 7 internal.\n\n"
      "Example:\n  saltus run examples/li15si4/plan.toml");
  std::vector<std::string> names;
  std::vector<std::function<int()>> actions;
  std::vector<CLI::App*> subcommands;
  int threads = 0;
  for (const cli::Command& command : cli::commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->set_help_flag("-h,--help", "this page");
    names.emplace_back(command.name);
    subcommands.push_back(sub);
    actions.push_back(command.set_up(*sub));
    for (CLI::App* kind : sub->get_subcommands([](CLI::App*) { return true; })) {
      kind->set_help_flag("-h,--help", "this page");
      kind->fallthrough();  // to --threads
    }
    sub->add_option("--threads", threads, "threads to use (default: all cores)")->check(CLI::Range(1, 4096));
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
    set_thread_count(threads);
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
    fmt::print(stderr, "saltus: error: {}\n", error.what());
    return error.exit_code();
  } catch (const std::filesystem::filesystem_error& error) {
    fmt::print(stderr, "saltus: error: {}\n", error.what());
    return static_cast<int>(ErrorKind::file);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "saltus: error: not enough memory\n");
    return static_cast<int>(ErrorKind::internal);
  } catch (const std::exception& error) {
    fmt::print(stderr, "saltus: internal error: {}\n", error.what());
    return static_cast<int>(ErrorKind::internal);
  }
}
