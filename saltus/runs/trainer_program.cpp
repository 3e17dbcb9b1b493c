#include "saltus/runs/trainer_program.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/descriptor.hpp"
#include "saltus/base/error.hpp"
#include "saltus/engines/child.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;

namespace {

constexpr const char* name = "saltus-train";
constexpr std::string_view error_label = "saltus: error: ", warning_label = "saltus: warning: ", own_label = "saltus: ";
constexpr int pause_ms = 200;

/// What the lines of its standard error come to.
struct Listener {
  const std::function<void(const std::string&)>& say;
  std::string rest = {}, error = {};

  void line(const std::string& text) {
    if (text.starts_with(error_label)) error = text.substr(error_label.size());
    else if (!error.empty()) error += "\n" + text;
    else if (!text.starts_with(own_label) && say) say(text);
  }
  void take(std::string_view bytes) {
    rest += bytes;
    for (std::size_t end; (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1)) line(rest.substr(0, end));
  }
};

}  // namespace

fs::path trainer_program() {
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& program : {error ? fs::path() : find_program((own.parent_path() / name).string()), find_program(name)})
    if (!program.empty()) return program;
  throw Error(ErrorKind::unsupported, fmt::format("finetune needs the program {}, which is neither beside saltus nor in PATH: it is built where libtorch is found; "
                                                  "'scripts/setup --torch' installs libtorch, then configure and build Saltus again", name));
}

void run_trainer(const std::vector<std::string>& program, const Stop& stop, const std::function<void(const std::string&)>& say) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::internal, fmt::format("no pipe to {}: {}", name, std::strerror(errno)));
  const Descriptor pipe(ends[0]);
  Descriptor its_end(ends[1]);
  Child child({program, {}, {}, {}, -1, its_end.number()});
  its_end = Descriptor();  // so that the pipe ends where the program does

  Listener listener{say};
  bool stopped = false;
  for (bool open = true; open;) {
    if (!stopped && stop && stop()) {
      stopped = true;
      ::kill(child.id(), SIGTERM);
    }
    pollfd wanted{pipe.number(), POLLIN, 0};
    if (::poll(&wanted, 1, pause_ms) <= 0) continue;
    char bytes[4096];
    const ssize_t count = ::read(pipe.number(), bytes, sizeof bytes);
    if (count > 0) listener.take({bytes, static_cast<std::size_t>(count)});
    else open = count < 0 && errno == EINTR;
  }
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (stopped) throw Interrupted{"", true};
  if (WIFSIGNALED(status))
    throw Error(ErrorKind::internal, fmt::format("{} was killed by {}{}", name, describe_status(status),
                                                 WTERMSIG(status) == SIGKILL ? ": perhaps for its memory; a smaller batch needs less" : ""));
  const int code = WEXITSTATUS(status);
  if (code > 128) throw Interrupted{"", true};  // it was asked to end by someone else
  const bool known = code >= static_cast<int>(ErrorKind::usage) && code <= static_cast<int>(ErrorKind::internal) && !listener.error.empty();
  throw Error(known ? static_cast<ErrorKind>(code) : ErrorKind::internal, known ? listener.error : fmt::format("{} ended with {}", name, describe_status(status)));
}

}  // namespace saltus::runs
