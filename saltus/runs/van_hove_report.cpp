#include "saltus/runs/van_hove_report.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include <fmt/format.h>

#include "saltus/analysis/van_hove.hpp"
#include "saltus/base/error.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"

namespace saltus::runs {

namespace {

// The time between the first two frames as the analysis sees them: lags are given in fs, and counted in frames.
double spacing_fs(const TrajectoryInput& input) {
  TrajectorySource source(input, true);
  const double first = source.first().time_fs;
  Frame frame;
  if (!source.next(frame) || !source.next(frame))
    throw Error(ErrorKind::usage, input.path.string() + ": a single frame: displacements in time need more");
  const double spacing = frame.time_fs - first;
  if (!(spacing > 0)) throw Error(ErrorKind::unsupported, input.path.string() + ": times of the frames do not ascend");
  return spacing;
}

std::vector<std::int64_t> lags_of(const VanHoveReportSettings& settings, const TrajectoryInput& input, std::int64_t longest) {
  std::vector<std::int64_t> lags;
  if (settings.lag_fs.empty()) {
    for (const std::int64_t part : {100, 10, 1}) lags.push_back(std::max<std::int64_t>(1, longest / part));
  } else {
    const double spacing = spacing_fs(input);
    for (const double lag : settings.lag_fs) {
      if (!(lag >= 0) || lag > 1e15) throw Error(ErrorKind::usage, fmt::format("a lag of {} fs: lags are not negative", lag));
      lags.push_back(std::llround(lag / spacing));
      if (lags.back() > longest)
        throw Error(ErrorKind::usage, fmt::format("a lag of {} fs is asked for, but half a time block is {:.6g} fs: fewer blocks (--blocks) reach further",
                                                  lag, static_cast<double>(longest) * spacing));
    }
  }
  std::sort(lags.begin(), lags.end());
  lags.erase(std::unique(lags.begin(), lags.end()), lags.end());
  return lags;
}

/// value(total) with an interval from leaving out one block's share of the total at a time; not below zero.
template <class Sums, class Value>
Estimate leaving_out(const std::vector<Sums>& blocks, Value value) {
  Sums total = blocks[0];
  for (std::size_t b = 1; b < blocks.size(); ++b)
    for (std::size_t k = 0; k < total.size(); ++k) total[k] += blocks[b][k];
  std::vector<double> replicates;
  for (const Sums& block : blocks) {
    Sums rest = total;
    for (std::size_t k = 0; k < rest.size(); ++k) rest[k] -= block[k];
    replicates.push_back(value(rest));
  }
  return kinetics::jackknife_estimate(value(total), replicates);
}

Estimate not_negative(Estimate e) {
  e.low = std::max(e.low, 0.0);
  return e;
}

double shell_ang3(double bin_ang, std::size_t k) {
  const auto inner = static_cast<double>(k), outer = inner + 1;
  return 4.0 / 3 * std::numbers::pi * bin_ang * bin_ang * bin_ang * (outer * outer * outer - inner * inner * inner);
}

VanHoveAtLag at_lag(const VanHoveCounts& counts, std::size_t l, std::size_t bins) {
  VanHoveAtLag result;
  const std::size_t blocks = counts.self[l].size();
  using Pair = std::array<double, 2>;
  const auto share = [&](std::size_t bin) {
    std::vector<Pair> sums;
    for (std::size_t b = 0; b < blocks; ++b)
      sums.push_back({static_cast<double>(counts.self[l][b][bin]), static_cast<double>(counts.displacements[l][b])});
    return not_negative(leaving_out(sums, [](const Pair& s) { return s[0] / s[1]; }));
  };
  const auto over = [](const Estimate& e, double d) { return Estimate{e.value / d, e.low / d, e.high / d}; };
  for (std::size_t k = 0; k < bins; ++k) {
    const Estimate e = share(k);
    result.self_per_ang.push_back(over(e, counts.bin_ang));
    result.self_per_ang3.push_back(over(e, shell_ang3(counts.bin_ang, k)));
  }
  result.beyond = share(bins);
  if (counts.distinct.empty()) return result;
  for (std::size_t k = 0; k < bins; ++k) {
    std::vector<Pair> sums;
    for (const PairHistogram& h : counts.distinct[l])
      sums.push_back({static_cast<double>(h.count[k]), h.ideal_pairs_per_ang3 * shell_ang3(counts.bin_ang, k)});
    result.distinct.push_back(not_negative(leaving_out(sums, [](const Pair& s) { return s[0] / s[1]; })));
  }
  return result;
}

}  // namespace

VanHoveReport analyze_van_hove(const TrajectoryInput& input, const VanHoveReportSettings& settings, const Progress& progress) {
  TrajectorySource source(input, true, progress);
  VanHoveReport report;
  std::optional<VanHoveSums> sums;
  VanHoveSettings of_sums;
  const Frame& first = source.first();
  const std::size_t ions = indices_of(*first.atoms, settings.mobile).size();
  const auto& periodic = first.cell.periodic();
  const bool crystal = periodic[0] && periodic[1] && periodic[2];
  if (ions > 0) {
    const LagRange range = lag_range(source, settings.blocks);
    of_sums.lag_frames = lags_of(settings, input, range.longest);
    of_sums.moment_lag_frames = kinetics::log_spaced_lags(range.longest, 6);
    of_sums.largest_ang = settings.largest_ang;
    of_sums.bin_ang = settings.bin_ang;
    of_sums.blocks = settings.blocks;
    if (settings.distinct && crystal) of_sums.cell = first.cell;
    refuse_beyond_memory(ions, range.longest);
    sums.emplace(ions, range.frames, of_sums);
  }
  static_cast<MobilePass&>(report) = pass_mobile(source, input, settings, [&](std::span<const Vec3> position_ang) { sums->add(position_ang); });
  VanHoveCounts counts = sums->counts();
  if (settings.distinct && !crystal)
    report.warnings.push_back("the distinct part is left out: it needs a cell that is periodic along all three vectors");
  if (!counts.distinct.empty() && !report.constant_cell) {
    report.warnings.push_back("the distinct part is left out: the cell changes from frame to frame");
    counts.distinct.clear();
  }
  const std::size_t bins = counts.self.empty() ? 0 : counts.self[0][0].size() - 1;
  for (std::size_t k = 0; k < bins; ++k) report.r_ang.push_back((static_cast<double>(k) + 0.5) * counts.bin_ang);
  for (std::size_t l = 0; l < of_sums.lag_frames.size(); ++l) {
    report.lags.push_back(at_lag(counts, l, bins));
    report.lags.back().lag_fs = static_cast<double>(of_sums.lag_frames[l]) * report.frame_spacing_fs;
  }
  for (std::size_t l = 0; l < of_sums.moment_lag_frames.size(); ++l) {
    std::array<double, 3> total{};
    for (const auto& block : counts.moments[l])
      for (std::size_t k = 0; k < 3; ++k) total[k] += block[k];
    report.moment_lag_fs.push_back(static_cast<double>(of_sums.moment_lag_frames[l]) * report.frame_spacing_fs);
    report.msd_ang2.push_back(total[1] / total[0]);
    report.alpha_2.push_back(leaving_out(counts.moments[l], [](const std::array<double, 3>& m) { return non_gaussian_parameter(m); }));
  }
  return report;
}

}  // namespace saltus::runs
