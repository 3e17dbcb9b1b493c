#include "saltus/cli/interrupt.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <unistd.h>

namespace saltus::cli {

namespace {

// What a signal handler needs cannot be handed to it.
std::atomic<int> signal_received = 0;
std::atomic<bool> tells = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

constexpr std::string_view notice = "\nsaltus: stopping in good order; once more ends it at once\n";

extern "C" void handle_signal(int signal);

bool handled_by(int signal, void (*handler)(int)) {
  struct sigaction current = {};
  return sigaction(signal, nullptr, &current) == 0 && current.sa_handler == handler;
}

// Calls only what POSIX allows in a handler.
extern "C" void handle_signal(int signal) {
  const int saved = errno;
  signal_received = signal;
  for (const int each : {SIGINT, SIGTERM})
    if (handled_by(each, handle_signal)) std::signal(each, SIG_DFL);
  if (tells && ::write(STDERR_FILENO, notice.data(), notice.size()) < 0) errno = 0;  // nobody left to tell
  errno = saved;
}

}  // namespace

void listen_for_signals() {
  tells = isatty(STDERR_FILENO) != 0;
  struct sigaction action = {};
  action.sa_handler = handle_signal;
  action.sa_flags = SA_RESTART;  // reads and writes under way go on
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGTERM);
  // A shell that starts a program in the background may have it ignore SIGINT: that stays.
  for (const int signal : {SIGINT, SIGTERM})
    if (!handled_by(signal, SIG_IGN)) sigaction(signal, &action, nullptr);
}

int stop_signal() { return signal_received; }

bool stop_requested() { return signal_received != 0; }

}  // namespace saltus::cli
