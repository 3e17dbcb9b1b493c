// The options of saltus finetune, which saltus-train takes too.
#pragma once

#include <string>
#include <vector>

#include "saltus/io/trajectory.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

struct FinetuneOptions {
  std::vector<std::string> sets, replay;
  std::string model, out, head, settings_file;
  std::string runs;                ///< folder of a registry; empty: not recorded
  std::vector<std::string> words;  ///< KEY=VALUE, in the order given; those of options with a name come before the others
  ReadOptions read;
  bool json = false;
  bool list_settings = false;
};

void add_finetune_options(CLI::App& app, FinetuneOptions& options);

/// Throws Error{usage} when something is missing; settings can be listed without a model, data and output.
void require_finetune_files(const FinetuneOptions& options);

}  // namespace saltus::cli
