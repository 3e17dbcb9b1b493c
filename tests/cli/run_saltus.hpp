// Runs the saltus binary as a user does.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace saltus {

struct CommandResult {
  int exit_code = -1;  ///< 128 + signal when killed
  std::string output;  ///< standard output
  std::string errors;  ///< standard error
};

/// `arguments` as in a shell, run in `folder`.
inline CommandResult run_saltus(const std::string& arguments, const std::filesystem::path& folder) {
  CommandResult result;
  const std::filesystem::path errors = std::filesystem::temp_directory_path() / ("saltus_stderr_" + std::to_string(::getpid()));
  const std::string command = "cd '" + folder.string() + "' && '" SALTUS_BINARY "' " + arguments + " 2>'" + errors.string() + "'";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return result;
  const auto drain = [](std::FILE* file, std::string& text) {
    char buffer[4096];
    for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, got);
  };
  drain(pipe, result.output);
  const int status = ::pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (std::FILE* file = std::fopen(errors.c_str(), "rb")) {
    drain(file, result.errors);
    std::fclose(file);
  }
  std::filesystem::remove(errors);
  return result;
}

}  // namespace saltus
