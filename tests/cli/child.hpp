// A program started beside the test: to send it signals, or to give it a terminal.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace saltus {

namespace child_detail {

inline void execute(std::vector<std::string> words) {
  // The tests themselves may run in the background, where shells have SIGINT ignored.
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace child_detail

/// Starts words[0] with standard output and error going to `messages`.
inline pid_t start_child(const std::vector<std::string>& words, const std::string& messages) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int file = ::open(messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    child_detail::execute(words);
  }
  return child;
}

/// Exit code, or minus the signal that killed it.
inline int wait_for_child(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// How often tests kill a program: SALTUS_KILLS in the environment, else a few times.
inline int kills_wanted() {
  const char* wanted = std::getenv("SALTUS_KILLS");
  return wanted ? std::atoi(wanted) : 6;
}

/// What a program writes to a terminal that is its standard input, output and error.
inline std::string on_a_terminal(const std::vector<std::string>& words) {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) child_detail::execute(words);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(terminal, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR);)
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
  ::close(terminal);
  wait_for_child(child);
  return text;
}

}  // namespace saltus
