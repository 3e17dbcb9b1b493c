// Progress of a long task, and its end before time: callbacks that the command line gives and the rooms below call; no
// global logger.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace saltus {

/// One report of how far a task is. `note` is short, e.g. "812 K, 41 ns/day".
struct ProgressReport {
  std::string task;
  double done = 0;
  double total = 0;  ///< 0 = not known
  std::string note;
  std::string unit;  ///< what `done` counts: "frames", "steps"; may be empty
};

/// Called often (the receiver thins out); may be empty.
using Progress = std::function<void(const ProgressReport&)>;

inline void report_progress(const Progress& progress, const std::string& task, double done, double total,
                            const std::string& unit = {}) {
  if (progress) progress({task, done, total, {}, unit});
}

/// Asked between pieces of work: true = end soon, in good order. May be empty.
using Stop = std::function<bool()>;

/// What a task throws that ends because its caller asked for it. Not a std::exception: no handler of errors takes it for one.
struct Interrupted {
  std::string place;       ///< how far it came: "stage md-cell75, step 1200 of 6000"; may be empty
  bool resumable = false;  ///< the same call goes on from there; else it begins anew
};

/// The same progress, throwing Interrupted once `stop` says so: for tasks with nothing to save but files under construction,
/// which vanish as the stack unwinds.
inline Progress interruptible(Progress progress, Stop stop) {
  if (!stop) return progress;
  return [progress = std::move(progress), stop = std::move(stop)](const ProgressReport& report) {
    if (stop()) throw Interrupted{};
    if (progress) progress(report);
  };
}

}  // namespace saltus
