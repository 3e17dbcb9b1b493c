#include "saltus/cli/progress_line.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace saltus::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double terminal_pause_s = 0.2, plain_pause_s = 20;
constexpr std::size_t bar_width = 24;

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

std::string time_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 90 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

// 24 characters: "######.................."
std::string bar(double share) {
  const auto full = static_cast<std::size_t>(share * static_cast<double>(bar_width));
  return std::string(full, '#') + std::string(bar_width - full, '.');
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

struct Line {
  std::mutex mutex;
  bool terminal = isatty(STDERR_FILENO) != 0;
  bool quiet = false;
  bool drawn = false;
  std::string task;
  Clock::time_point begun, shown;
  double done_at_begin = 0;

  void clear() {
    if (drawn) std::fputs("\r\033[K", stderr);
    drawn = false;
  }

  // How far, how fast, how long still: "37 %, 512 frames/s, 12 s left". A note without a unit tells the speed itself.
  std::string text(const ProgressReport& report, double elapsed_s) const {
    const double gained = report.done - done_at_begin;
    const bool known = report.total > 0;
    std::string text = known ? fmt::format("{:3.0f} %", 100 * std::min(1.0, report.done / report.total))
                             : fmt::format("{:.0f}{}{}", report.done, report.unit.empty() ? "" : " ", report.unit);
    if (!report.note.empty()) text += ", " + report.note;
    if ((report.note.empty() || !report.unit.empty()) && gained > 0 && elapsed_s > 0)
      text += fmt::format(", {:.3g}{}{}/s", gained / elapsed_s, report.unit.empty() ? "" : " ", report.unit);
    if (known && gained > 0 && report.done < report.total)
      text += fmt::format(", {} left", time_text(elapsed_s * (report.total - report.done) / gained));
    return text;
  }

  void draw(const ProgressReport& report) {
    const std::lock_guard guard(mutex);
    if (quiet) return;
    const Clock::time_point now = Clock::now();
    const bool fresh = report.task != task;
    if (fresh) {
      clear();
      task = report.task;
      begun = shown = now;
      done_at_begin = report.done;
      if (!terminal) return;
    }
    const bool complete = report.total > 0 && report.done >= report.total;
    if (!fresh && !complete && seconds_between(shown, now) < (terminal ? terminal_pause_s : plain_pause_s)) return;
    const std::string figures = text(report, seconds_between(begun, now));
    if (!terminal) {
      // A task that is over before its first line is due says nothing.
      if (seconds_between(begun, now) >= plain_pause_s) fmt::print(stderr, "{}: {}\n", task, figures);
    } else if (complete) {
      clear();
    } else {
      std::string line = report.total > 0 ? fmt::format("{} [{}] {}", task, bar(std::min(1.0, report.done / report.total)), figures)
                                          : fmt::format("{}: {}", task, figures);
      line.resize(std::min(line.size(), terminal_columns() - 1));
      fmt::print(stderr, "\r\033[K{}", line);
      drawn = true;
    }
    shown = now;
    std::fflush(stderr);
  }

  void say(const std::string& text) {
    const std::lock_guard guard(mutex);
    clear();
    fmt::print(stderr, "{}\n", text);
    std::fflush(stderr);
  }
};

// One, as there is one stderr.
std::shared_ptr<Line> the_line() {
  static const auto line = std::make_shared<Line>();
  return line;
}

}  // namespace

Progress progress_line() {
  return [line = the_line()](const ProgressReport& report) { line->draw(report); };
}

void silence_progress() { the_line()->quiet = true; }

void say_progress(const std::string& text) {
  if (!the_line()->quiet) the_line()->say(text);
}

void say_above_progress(const std::string& text) { the_line()->say(text); }

}  // namespace saltus::cli
