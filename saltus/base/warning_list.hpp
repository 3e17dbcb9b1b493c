// What a long task warned of, as far as it fits into a result: the first warnings, and how many there were.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace saltus {

struct WarningList {
  static constexpr std::size_t most_kept = 100;
  std::vector<std::string> first;  ///< at most most_kept of them, in order
  std::uint64_t count = 0;         ///< of all

  void add(const std::string& warning) {
    if (first.size() < most_kept) first.push_back(warning);
    ++count;
  }
  /// Those of a later time.
  void add(const WarningList& later) {
    for (const std::string& warning : later.first)
      if (first.size() < most_kept) first.push_back(warning);
    count += later.count;
  }
};

}  // namespace saltus
