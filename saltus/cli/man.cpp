// saltus man [COMMAND]: manual pages.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/cli/command_table.hpp"
#include "saltus/cli/manual_page.hpp"

namespace saltus::cli {

namespace {

constexpr const char* plan_file = "saltus-plan.5";

struct Options {
  std::vector<std::string> command;
  std::string folder;
};

const CommandPage& found(const CommandPage& program, const std::vector<std::string>& words) {
  const CommandPage* page = &program;
  for (const std::string& word : words) {
    std::vector<std::string> known;
    const CommandPage* next = nullptr;
    for (const CommandPage& command : page->commands) {
      known.push_back(command.words.back());
      if (known.back() == word) next = &command;
    }
    if (!next)
      throw Error(ErrorKind::usage, fmt::format("'{}' is no command of {}{}; 'saltus --help' lists them", word, join(page->words, " "),
                                                did_you_mean(word, known)));
    page = next;
  }
  return *page;
}

void write_pages(const CommandPage& page, const std::filesystem::path& folder) {
  write_file_atomically(folder / manual_file_name(page), manual_page(page));
  for (const CommandPage& command : page.commands) write_pages(command, folder);
}

int man(const Options& options, const CLI::App& program_app) {
  const CommandPage program = page_of(program_app);
  if (options.folder.empty()) {
    const bool plan = options.command.size() == 1 && options.command[0] == plan_page_name;
    fmt::print("{}", plan ? plan_manual_page() : manual_page(found(program, options.command)));
    return 0;
  }
  if (!options.command.empty()) throw Error(ErrorKind::usage, "--all writes every page: name a command or give --all, not both");
  const std::filesystem::path folder(options.folder);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw Error(ErrorKind::file, fmt::format("{}: cannot create the folder: {}", folder.string(), failed.message()));
  write_pages(program, folder);
  write_file_atomically(folder / plan_file, plan_manual_page());
  return 0;
}

}  // namespace

std::function<int()> set_up_man(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("COMMAND", options->command, "a command, or a command and a kind, or 'plan' (default: the program)");
  app.add_option("--all", options->folder, "write every page into this folder")->type_name("FOLDER");
  app.footer(
      "An installed Saltus has its pages where man looks: 'man saltus-md', 'man saltus-plan'.\n"
      "To read one without installing: saltus man md | man -l -\n\nExample:\n"
      "  saltus man analyze msd");
  return [options, &app] { return man(*options, *app.get_parent()); };
}

}  // namespace saltus::cli
