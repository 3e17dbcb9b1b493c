// Another program as a child: started without a shell, watched, ended.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace saltus {

struct ChildProgram {
  std::vector<std::string> words;             ///< program (a path, or a name in PATH) and arguments
  std::filesystem::path folder;               ///< it runs in; empty = where we are
  std::filesystem::path output;               ///< what it says on standard output and error is added to this file; empty = dropped
  std::vector<std::pair<std::string, std::string>> environment;  ///< set beside what there is
  int inherited = -1;                         ///< a descriptor that stays open in it: a lock that lasts as long as it lives
  int errors = -1;                            ///< a descriptor, a pipe's, that its standard error goes to instead
};

/// A running program in a process group of its own, so that Ctrl-C on a terminal does not reach it; it is sent SIGTERM when this
/// process dies, and by the destructor, which waits for its end.
class Child {
 public:
  /// Throws Error{file} when it cannot be started.
  explicit Child(const ChildProgram& program);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();
  pid_t id() const { return id_; }
  /// The status of waitpid once it has ended.
  std::optional<int> ended();
  /// Waits for its end. Returns its status.
  int wait();
  /// SIGTERM to it and its own children; SIGKILL after `grace`. Returns its status.
  int terminate(std::chrono::milliseconds grace = std::chrono::seconds(10));

 private:
  pid_t id_ = -1;
  std::optional<int> status_;
};

/// "exit code 3" or "signal 9 (Killed)".
std::string describe_status(int status);

/// The path of a program: a path as it is, a name as PATH has it; empty when there is none.
std::filesystem::path find_program(const std::string& name);

}  // namespace saltus
