#include "saltus/runs/whole_paths.hpp"

#include <fmt/format.h>

#include "saltus/analysis/sites.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/memory.hpp"

namespace saltus::runs {

namespace {

void refuse_beyond_memory(std::size_t frames, std::size_t atoms) {
  const double needed = 2.0 * sizeof(Vec3) * static_cast<double>(frames) * static_cast<double>(atoms), there = static_cast<double>(memory_bytes());
  if (needed < 0.8 * there) return;
  throw Error(ErrorKind::unsupported, fmt::format("the paths of {} atoms over {} frames take up to {:.1f} GB of the {:.1f} GB of memory: shorten the trajectory or read fewer frames "
                                                  "(--every, --skip-fs)",
                                                  atoms, frames, needed / 1e9, there / 1e9));
}

}  // namespace

WholePaths read_whole_paths(const TrajectoryInput& input, const PathSettings& settings, const Int3& fold, const Progress& progress) {
  TrajectorySource source(input, true, progress);
  const Frame& first = source.first();
  folded(first.cell, fold);
  WholePaths whole;
  whole.formula = formula(*first.atoms);
  whole.atoms = first.size();
  std::size_t kept = indices_of(*first.atoms, settings.mobile).size();
  if (settings.framework) kept += indices_of(*first.atoms, *settings.framework).size();
  refuse_beyond_memory(source.left(), kept);
  PathAnalysis analysis(settings);
  Analysis* const analyses[] = {&analysis};
  read_all(source, input, analyses, whole.warnings);
  whole.paths = analysis.finish();
  whole.warnings.insert(whole.warnings.end(), whole.paths.warnings.begin(), whole.paths.warnings.end());
  return whole;
}

}  // namespace saltus::runs
