#include "saltus/cli/progress_line.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <unistd.h>

#include <fmt/format.h>

namespace saltus::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Line {
  std::mutex mutex;
  bool terminal = isatty(STDERR_FILENO) != 0;
  bool drawn = false;
  std::string task;
  Clock::time_point begun, shown;
  double done_at_begin = 0;

  void clear() {
    if (drawn) std::fputs("\r\033[K", stderr);
    drawn = false;
  }
  void draw(const ProgressReport& report) {
    const std::lock_guard guard(mutex);
    const Clock::time_point now = Clock::now();
    const bool fresh = report.task != task;
    if (fresh) {
      clear();
      task = report.task;
      begun = now;
      done_at_begin = report.done;
    }
    const bool complete = report.total > 0 && report.done >= report.total;
    const double pause_s = terminal ? 0.2 : 20;
    if (!fresh && !complete && std::chrono::duration<double>(now - shown).count() < pause_s) return;
    if (fresh && !terminal) {
      shown = now;
      return;
    }
    shown = now;
    const double share = report.total > 0 ? std::min(1.0, report.done / report.total) : 0;
    const double elapsed_s = std::chrono::duration<double>(now - begun).count();
    const double gained = report.done - done_at_begin;
    std::string left;
    if (!complete && gained > 0 && report.total > 0) {
      const double left_s = elapsed_s * (report.total - report.done) / gained;
      left = left_s < 90 ? fmt::format(", {:.0f} s left", left_s) : fmt::format(", {:.0f} min left", left_s / 60);
    }
    const std::string note = report.note.empty() ? "" : ", " + report.note;
    if (terminal) {
      const int full = static_cast<int>(share * 24);
      fmt::print(stderr, "\r\033[K{} [{}{}] {:3.0f} %{}{}", task, std::string(static_cast<std::size_t>(full), '#'),
                 std::string(static_cast<std::size_t>(24 - full), '.'), 100 * share, left, note);
      drawn = true;
      if (complete) clear();
    } else {
      fmt::print(stderr, "{}: {:.0f} %{}{}\n", task, 100 * share, left, note);
    }
    std::fflush(stderr);
  }
};

std::shared_ptr<Line> the_line() {
  static const auto line = std::make_shared<Line>();
  return line;
}

}  // namespace

Progress progress_line() {
  return [line = the_line()](const ProgressReport& report) { line->draw(report); };
}

void say_above_progress(const std::string& text) {
  const auto line = the_line();
  const std::lock_guard guard(line->mutex);
  line->clear();
  fmt::print(stderr, "{}\n", text);
  std::fflush(stderr);
}

}  // namespace saltus::cli
