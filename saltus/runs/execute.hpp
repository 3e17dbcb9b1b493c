// Runs the stages of a plan that are not yet done, keeps their artifacts, and records everything in the registry.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "saltus/runs/stage.hpp"

namespace saltus::runs {

struct RunHeader {
  std::string plan;      ///< path as given
  std::string plan_sha256;
  std::string title;
  std::string settings;  ///< JSON list of the resolved sections
};

struct RunOutcome {
  std::int64_t run = 0;         ///< number in the registry
  std::size_t made = 0;         ///< stages run now
  std::size_t reused = 0;       ///< stages whose artifact was there, complete and undamaged
  bool nothing_to_do = false;   ///< all were there and a finished run of this plan was recorded already: that is `run`
};

/// Receivers; any may be empty.
struct RunSinks {
  Progress progress;
  std::function<void(const std::string&)> say;   ///< lines for people: what is skipped, begun, finished
  std::function<void(const std::string&)> warn;  ///< warnings of the stages
  Stop stop;
};

/// A stage is done when its artifact is complete, undamaged, has the right key, and was made from the artifacts that its
/// dependencies have now; so a remade artifact is followed by everything that depends on it. A stage that throws ends the run
/// (recorded as failed, the folder of a resumable stage kept) and the error is thrown on, with the stage's name before it.
/// Stopped, it records the run as interrupted and throws Interrupted{resumable}.
/// Throws Error{file} when another process works in `folder` or an input file is missing.
RunOutcome run_stages(const RunHeader& header, std::span<const Stage> stages, const std::filesystem::path& folder,
                      const RunSinks& sinks);

}  // namespace saltus::runs
