// What readers noted of the frames read: warnings for the user, each once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "saltus/io/trajectory.hpp"

namespace saltus {

struct FrameNotes {
  std::vector<std::string> texts;  ///< in the order in which they came up, at most 10
  std::size_t left_out = 0;        ///< beyond those

  /// Takes the notes of the frame last read.
  void add(const FrameSource& source);
  /// The texts, and how many were left out.
  std::vector<std::string> all() const;
};

}  // namespace saltus
