// saltus info FILE
#include "saltus/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include "saltus/base/error.hpp"

namespace saltus::cli {

std::function<int()> set_up_info(CLI::App&) {
  return []() -> int { throw Error(ErrorKind::unsupported, "no format is known yet"); };
}

}  // namespace saltus::cli
