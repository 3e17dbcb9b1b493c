// Progress of a long task: a callback that the command line gives and the rooms below call; no global logger.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace saltus {

/// One report of how far a task is. `note` is short, e.g. "812 K, 41 ns/day".
struct ProgressReport {
  std::string task;
  double done = 0;
  double total = 0;
  std::string note;
};

/// Called often (the receiver thins out); may be empty.
using Progress = std::function<void(const ProgressReport&)>;

inline void report_progress(const Progress& progress, const std::string& task, double done, double total,
                            const std::string& note = {}) {
  if (progress) progress({task, done, total, note});
}

}  // namespace saltus
