// saltus finetune: hands its words to saltus-train, the program that has libtorch, and becomes it.
#include "saltus/cli/commands.hpp"

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
#include "saltus/runs/trainer_program.hpp"

namespace saltus::cli {

namespace {

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
  const std::filesystem::path trainer = runs::trainer_program();
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
