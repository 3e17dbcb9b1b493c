// saltus finetune: hands its words to saltus-train, the program that has libtorch, and becomes it.
#include "saltus/cli/commands.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/cli/finetune_options.hpp"

namespace saltus::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* trainer_name = "saltus-train";

/// Beside this program, else in a folder of PATH; empty where there is none.
fs::path find_trainer() {
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  std::vector<fs::path> folders;
  if (!error) folders.push_back(own.parent_path());
  const char* path = std::getenv("PATH");
  const std::string list = path ? path : "";
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(':', begin), list.size());
    if (end > begin) folders.emplace_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const fs::path& folder : folders)
    if (::access((folder / trainer_name).c_str(), X_OK) == 0) return folder / trainer_name;
  return {};
}

/// The words after "saltus finetune".
std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\0', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (words.size() < 2) throw Error(ErrorKind::internal, "the words of this command cannot be read from /proc");
  return {words.begin() + 2, words.end()};
}

int run_finetune(const FinetuneOptions& options) {
  require_finetune_files(options);
  const fs::path trainer = find_trainer();
  if (trainer.empty())
    throw Error(ErrorKind::unsupported, fmt::format("finetune needs the program {}, which is neither beside saltus nor in PATH: it is built where libtorch is found; "
                                                    "'scripts/setup --torch' installs libtorch, then configure and build Saltus again", trainer_name));
  std::vector<std::string> words = own_words();
  words.insert(words.begin(), trainer.string());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(trainer.c_str(), arguments.data());
  throw Error(ErrorKind::file, fmt::format("{} cannot be started", trainer.string()));
}

}  // namespace

std::function<int()> set_up_finetune(CLI::App& app) {
  const auto o = std::make_shared<FinetuneOptions>();
  add_finetune_options(app, *o);
  return [o] { return run_finetune(*o); };
}

}  // namespace saltus::cli
