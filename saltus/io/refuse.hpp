// What a reader throws: the message, formatted. Whoever knows file and frame adds them.
#pragma once

#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

/// Throws Error{format}: the data are not what their format says.
template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> message, Args&&... args) {
  throw Error(ErrorKind::format, fmt::format(message, std::forward<Args>(args)...));
}

/// Throws Error{unsupported}: sound data of a kind that is not read.
template <typename... Args>
[[noreturn]] void do_not_support(fmt::format_string<Args...> message, Args&&... args) {
  throw Error(ErrorKind::unsupported, fmt::format(message, std::forward<Args>(args)...));
}

}  // namespace saltus
