// Errors and warnings on stderr, above the progress line; their labels in colour on a terminal, unless NO_COLOR is set
// (https://no-color.org).
#pragma once

#include <string>

namespace saltus::cli {

/// "saltus: error: TEXT"
void print_error(const std::string& text);

/// "saltus: warning: TEXT"
void print_warning(const std::string& text);

}  // namespace saltus::cli
