// A stage of a plan: what it needs, the settings that decide its result, and the function that makes its artifact.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"

namespace saltus::runs {

/// A table or chart of the artifact: a JSON file in its folder.
struct Series {
  std::string name;  ///< what the page calls it: "fit", "finetune", "md", "kinetics", "passage", "arrhenius"
  std::string file;  ///< relative to the artifact's folder
};

struct StageResult {
  std::vector<NamedEstimate> estimates;
  std::vector<std::string> warnings;
  std::vector<Series> series;
};

struct StageContext {
  std::filesystem::path folder;                          ///< where the stage writes its files
  std::map<std::string, std::filesystem::path> inputs;   ///< folders of the stages it depends on, by name
  Progress progress;
  Stop stop;                                             ///< asked now and then; the stage throws Interrupted when it is true
  std::function<void(const std::string&)> say = {};      ///< lines for people while it runs; may be empty
};

struct Stage {
  std::string name;                              ///< unique in the plan: "md-cell75"
  std::string kind;                              ///< "data", "model", "fit", "finetune", "distill", "md", "kinetics", "passage", "arrhenius"
  int schema = 1;                                ///< raised when the artifact's content or meaning changes
  bool resumable = false;                        ///< a folder left by an interrupted run is continued, else wiped
  std::vector<std::string> depends_on;           ///< names of earlier stages
  std::vector<std::filesystem::path> input_files;  ///< read by this stage; part of the key by content
  std::string settings;                          ///< JSON object text; part of the key
  std::function<StageResult(const StageContext&)> run;
};

struct Plan;

/// The stages of a plan in an order in which they can run.
std::vector<Stage> stages_of(const Plan& plan);

}  // namespace saltus::runs
