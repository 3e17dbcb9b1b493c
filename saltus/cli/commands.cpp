#include "saltus/cli/commands.hpp"

#include <array>

namespace saltus::cli {

std::span<const Command> commands() {
  static constexpr std::array table{
      Command{"info", "what a trajectory, data set, checkpoint or model file holds", set_up_info},
  };
  return table;
}

}  // namespace saltus::cli
