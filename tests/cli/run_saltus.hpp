// Runs the saltus binary as a user does.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
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

/// Starts a program whose messages go to a file.
inline pid_t start_program(std::vector<std::string> words, const std::filesystem::path& messages) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int file = ::open(messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  return child;
}

/// Its exit code, −signal when a signal ended it.
inline int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// How often tests kill a program: SALTUS_KILLS in the environment, else a few times.
inline int kills_wanted() {
  const char* wanted = std::getenv("SALTUS_KILLS");
  return wanted ? std::atoi(wanted) : 6;
}

}  // namespace saltus
