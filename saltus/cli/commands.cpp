#include "saltus/cli/commands.hpp"

#include <array>

namespace saltus::cli {

std::span<const Command> commands() {
  static constexpr std::array table{
      Command{"info", "what a trajectory, data set, checkpoint or model file holds", set_up_info},
      Command{"convert", "frames from one format or naming into another", set_up_convert},
      Command{"sample", "equidistant or random frames; train, valid and test by blocks of time", set_up_sample},
  };
  return table;
}

}  // namespace saltus::cli
