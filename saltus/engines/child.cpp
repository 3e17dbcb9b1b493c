#include "saltus/engines/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/descriptor.hpp"
#include "saltus/base/error.hpp"

extern "C" char** environ;

namespace saltus {

namespace fs = std::filesystem;

namespace {

/// In the child: only calls that are safe between fork and exec of a process with threads.
[[noreturn]] void become(char* const* words, char* const* environment, const char* folder, int output, int errors, int inherited, int complaint,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(128 + SIGTERM);  // it died before
  const int nowhere = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nowhere, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  if (inherited >= 0) ::fcntl(inherited, F_SETFD, 0);
  if (::chdir(folder) == 0) ::execve(words[0], words, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(complaint, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Child::Child(const ChildProgram& program) {
  const fs::path path = find_program(program.words.at(0));
  if (path.empty()) throw Error(ErrorKind::file, fmt::format("there is no program {}", program.words.at(0)));
  std::vector<std::string> words = program.words, variables;
  words[0] = fs::absolute(path).string();
  for (char** at = environ; *at; ++at) {
    const std::string_view entry(*at);
    bool replaced = false;
    for (const auto& [name, value] : program.environment) replaced = replaced || (entry.starts_with(name) && entry.substr(name.size()).starts_with('='));
    if (!replaced) variables.emplace_back(entry);
  }
  for (const auto& [name, value] : program.environment) variables.push_back(name + "=" + value);
  std::vector<char*> arguments, environment;
  for (std::string& word : words) arguments.push_back(word.data());
  for (std::string& variable : variables) environment.push_back(variable.data());
  arguments.push_back(nullptr);
  environment.push_back(nullptr);

  const char* const output_file = program.output.empty() ? "/dev/null" : program.output.c_str();
  const Descriptor output(::open(output_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!output) throw Error(ErrorKind::file, fmt::format("{} cannot be written: {}", output_file, std::strerror(errno)));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::internal, fmt::format("no pipe: {}", std::strerror(errno)));
  const Descriptor reading(ends[0]);
  Descriptor complaint(ends[1]);
  const std::string folder = program.folder.empty() ? "." : program.folder.string();
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ == 0) become(arguments.data(), environment.data(), folder.c_str(), output.number(), program.errors >= 0 ? program.errors : output.number(), program.inherited, complaint.number(), parent);
  const int why = errno;
  complaint = Descriptor();
  if (id_ < 0) throw Error(ErrorKind::internal, fmt::format("{} cannot be started: {}", words[0], std::strerror(why)));
  int error = 0;
  ssize_t count;
  while ((count = ::read(reading.number(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (count == sizeof error) {
    wait();
    throw Error(ErrorKind::file, fmt::format("{} cannot be started in {}: {}", words[0], folder, std::strerror(error)));
  }
}

Child::~Child() { terminate(); }

std::optional<int> Child::ended() {
  if (status_) return status_;
  int status = 0;
  const pid_t got = ::waitpid(id_, &status, WNOHANG);
  if (got == id_) status_ = status;
  return status_;
}

int Child::wait() {
  while (!status_) {
    int status = 0;
    if (::waitpid(id_, &status, 0) == id_) status_ = status;
    else if (errno != EINTR) status_ = 0;
  }
  return *status_;
}

int Child::terminate(std::chrono::milliseconds grace) {
  if (ended()) return *status_;
  ::kill(-id_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + grace;
  while (!ended() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ::kill(-id_, SIGKILL);  // what it has left behind, too
  return wait();
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("exit code {}", WEXITSTATUS(status));
}

fs::path find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? fs::path(name) : fs::path();
  const char* path = std::getenv("PATH");
  const std::string list = path ? path : "";
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(':', begin), list.size());
    const fs::path candidate = fs::path(list.substr(begin, end - begin)) / name;
    std::error_code error;
    if (end > begin && fs::is_regular_file(candidate, error) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

}  // namespace saltus
