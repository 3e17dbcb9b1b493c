#include "saltus/cli/message.hpp"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/cli/progress_line.hpp"

namespace saltus::cli {

namespace {

constexpr const char *bold_red = "\033[1;31m", *bold_yellow = "\033[1;33m", *plain = "\033[0m";

bool stderr_shows_colour() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) && !(refused && *refused) && terminal && std::string_view(terminal) != "dumb";
}

void print(const char* label, const char* colour, const std::string& text) {
  const std::string shown = stderr_shows_colour() ? fmt::format("{}{}:{}", colour, label, plain) : fmt::format("{}:", label);
  say_above_progress(fmt::format("saltus: {} {}", shown, text));
}

}  // namespace

void print_error(const std::string& text) { print("error", bold_red, text); }

void print_warning(const std::string& text) { print("warning", bold_yellow, text); }

}  // namespace saltus::cli
