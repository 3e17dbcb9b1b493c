// Which sources made a result: the program's version and a hash of the sources that can change a number. Written by
// cmake/source_hash.cmake.
#pragma once

#include <span>

namespace saltus::runs {

struct StageVersion {
  const char* kind;     ///< "md"
  const char* version;  ///< program version and hash of the sources that the stage's results come from: "0.1.0+0123456789abcdef"
};

/// One row for each kind of stage of a plan.
std::span<const StageVersion> stage_versions();

/// Of the sources of all stages together.
const char* code_version();

}  // namespace saltus::runs
