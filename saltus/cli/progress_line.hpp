// Progress on stderr: one line redrawn on a terminal (bar, rate, time left), a plain line now and then otherwise.
#pragma once

#include <string>

#include "saltus/base/progress.hpp"

namespace saltus::cli {

/// Draws on stderr; copies share one line.
Progress progress_line();

/// No progress from now on (--quiet).
void silence_progress();

/// A line about progress, above the line being drawn, if there is one.
void say_progress(const std::string& text);

/// A line that --quiet leaves: above the progress line, if one is being drawn.
void say_above_progress(const std::string& text);

}  // namespace saltus::cli
