#include "saltus/analysis/framework.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

struct Framework {
  const Cell& cell;
  std::span<const Vec3> position_ang;  // [frame][atom]
  std::size_t frames, atoms;

  const Vec3& at(std::size_t frame, std::size_t atom) const { return position_ang[frame * atoms + atom]; }
};

// [atom] mean of |r(t+lag) − r(t)|² over all origins.
std::vector<double> msd_per_atom(const Framework& f, std::size_t lag) {
  std::vector<double> sum(f.atoms, 0);
  for (std::size_t t = 0; t + lag < f.frames; ++t)
    for (std::size_t k = 0; k < f.atoms; ++k) sum[k] += norm2(f.at(t + lag, k) - f.at(t, k));
  for (double& s : sum) s /= static_cast<double>(f.frames - lag);
  return sum;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double standard_error(const std::vector<double>& values) {
  if (values.size() < 2) return std::numeric_limits<double>::infinity();
  const double m = mean(values);
  double sum = 0;
  for (const double v : values) sum += (v - m) * (v - m);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(sum / (n * (n - 1)));
}

std::vector<Vec3> mean_positions(const Framework& f, std::size_t begin, std::size_t end) {
  std::vector<Vec3> sum(f.atoms);
  for (std::size_t t = begin; t < end; ++t)
    for (std::size_t k = 0; k < f.atoms; ++k) sum[k] += f.at(t, k);
  for (Vec3& s : sum) s *= 1 / static_cast<double>(end - begin);
  return sum;
}

// [atom] largest distance between two of the parts' mean positions.
std::vector<double> largest_shift(const std::vector<std::vector<Vec3>>& parts) {
  std::vector<double> shift(parts.front().size(), 0);
  for (std::size_t a = 0; a < parts.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      for (std::size_t k = 0; k < shift.size(); ++k) shift[k] = std::max(shift[k], norm(parts[a][k] - parts[b][k]));
  return shift;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double mean_nearest_distance(const Cell& cell, const std::vector<Vec3>& position) {
  double sum = 0;
  for (std::size_t i = 0; i < position.size(); ++i) {
    double nearest = 2 * cell.inscribed_radius_ang();
    for (std::size_t j = 0; j < position.size(); ++j)
      if (j != i) nearest = std::min(nearest, norm(cell.minimum_image(position[j] - position[i])));
    sum += nearest;
  }
  return sum / static_cast<double>(position.size());
}

PairHistogram histogram_of(const Framework& f, std::size_t begin, std::size_t end, const FrameworkLimits& limits) {
  PairHistogram h;
  h.bin_ang = limits.rdf_bin_ang;
  h.count.assign(static_cast<std::size_t>(std::max(1.0, std::ceil(limits.largest_rdf_ang / limits.rdf_bin_ang - 1e-9))), 0);
  // A thousand frames of each part are plenty.
  const std::size_t stride = std::max<std::size_t>(1, (end - begin) / 1000);
  for (std::size_t t = begin; t < end; t += stride) {
    const auto frame = f.position_ang.subspan(t * f.atoms, f.atoms);
    add_pairs(h, f.cell, frame, frame);
  }
  return h;
}

double change_of_pairs(const PairHistogram& a, const PairHistogram& b) {
  double difference = 0, sum = 0;
  for (std::size_t k = 0; k < a.count.size(); ++k) {
    const double na = static_cast<double>(a.count[k]) / static_cast<double>(a.frames);
    const double nb = static_cast<double>(b.count[k]) / static_cast<double>(b.frames);
    difference += std::abs(na - nb);
    sum += na + nb;
  }
  return sum > 0 ? difference / sum : 0;
}

// Pairs per frame in whole bins below `distance_ang`.
double pairs_below(const PairHistogram& h, double distance_ang) {
  const auto bins = std::min(h.count.size(), static_cast<std::size_t>(distance_ang / h.bin_ang));
  double pairs = 0;
  for (std::size_t k = 0; k < bins; ++k) pairs += static_cast<double>(h.count[k]) / 2;  // counted from both atoms
  return pairs / static_cast<double>(h.frames);
}

double peak_contrast(const Rdf& rdf, double nearest_ang) {
  double highest = 0, lowest = std::numeric_limits<double>::max();
  std::size_t peak = 0;
  const auto smooth = [&](std::size_t k) { return (rdf.g[k - 1] + rdf.g[k] + rdf.g[k + 1]) / 3; };
  for (std::size_t k = 1; k + 1 < rdf.g.size(); ++k)
    if (rdf.r_ang[k] < 1.4 * nearest_ang && smooth(k) > highest) {
      highest = smooth(k);
      peak = k;
    }
  for (std::size_t k = peak + 1; k + 1 < rdf.g.size(); ++k)
    if (rdf.r_ang[k] < 1.7 * nearest_ang) lowest = std::min(lowest, smooth(k));
  return lowest < std::numeric_limits<double>::max() ? highest / std::max(lowest, 0.1) : 0;
}

bool too_many_moved(std::size_t moved, std::size_t atoms, const FrameworkLimits& limits) {
  return static_cast<double>(moved) > limits.moved_fraction * static_cast<double>(atoms);
}

std::string reason_of(const FrameworkCheck& c, const FrameworkLimits& limits, std::size_t atoms) {
  std::vector<std::string> reasons;
  if (c.growth_ang2 > limits.growth * c.resting_middle_ang2 && c.growth_ang2 > 2 * c.growth_error_ang2)
    reasons.push_back(fmt::format("its mean-square displacement has no plateau: {:.3f} Å² at a tenth of the length, {:.3f} Å² at half",
                                  c.resting_middle_ang2, c.resting_long_ang2));
  if (c.lindemann > limits.lindemann)
    reasons.push_back(fmt::format("its atoms are {:.3f} nearest-neighbour distances (rms) from their mean positions, above {:.2f}",
                                  c.lindemann, limits.lindemann));
  if (too_many_moved(c.moved_atoms, atoms, limits))
    reasons.push_back(fmt::format("{} of {} atoms left their places by more than {:.2f} Å", c.moved_atoms, atoms, c.moved_ang));
  if (c.rdf_change > limits.rdf_change)
    reasons.push_back(fmt::format("its pair distances changed by {:.0f} % between the first and the last third", 100 * c.rdf_change));
  if (c.peak_contrast_last < limits.peak_contrast_loss * c.peak_contrast_first && c.peak_contrast_last < limits.fluid_contrast)
    reasons.push_back(fmt::format("the first peak of its radial distribution fell from {:.1f} to {:.1f} times the minimum behind it",
                                  c.peak_contrast_first, c.peak_contrast_last));
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
  return text;
}

}  // namespace

FrameworkCheck check_framework(const Cell& cell, std::span<const Vec3> position_ang, std::size_t frames,
                               double frame_spacing_fs, const FrameworkLimits& limits) {
  if (frames < 30) throw Error(ErrorKind::usage, fmt::format("the framework cannot be checked with {} frames: 30 are needed", frames));
  if (position_ang.empty() || position_ang.size() % frames)
    throw Error(ErrorKind::usage, fmt::format("framework: {} positions are not those of {} frames", position_ang.size(), frames));
  if (!(limits.rdf_bin_ang > 0) || !(limits.largest_rdf_ang > limits.rdf_bin_ang))
    throw Error(ErrorKind::usage, "framework: the range of the radial distribution must be positive and above its bin");
  const Framework f{cell, position_ang, frames, position_ang.size() / frames};

  std::vector<std::size_t> lags;
  for (double x = 1; x <= static_cast<double>(frames) / 2; x *= 1.35)
    if (const auto lag = static_cast<std::size_t>(x); lags.empty() || lag != lags.back()) lags.push_back(lag);
  lags.push_back(frames / 10);
  lags.push_back(frames / 2);
  std::sort(lags.begin(), lags.end());
  lags.erase(std::unique(lags.begin(), lags.end()), lags.end());
  std::vector<std::vector<double>> msd(lags.size());
  parallel_chunks(lags.size(), 1, [&](std::size_t k, std::size_t) { msd[k] = msd_per_atom(f, lags[k]); });

  FrameworkCheck check;
  std::vector<std::vector<Vec3>> fifths;
  for (std::size_t k = 0; k < 5; ++k) fifths.push_back(mean_positions(f, k * frames / 5, (k + 1) * frames / 5));
  check.nearest_neighbor_ang = mean_nearest_distance(cell, fifths.front());
  const std::vector<double> shift = largest_shift(fifths);
  check.moved_ang = std::max(limits.moved_distance * check.nearest_neighbor_ang, limits.moved_outlier * median(shift));
  std::vector<bool> moved(f.atoms);
  for (std::size_t i = 0; i < f.atoms; ++i) moved[i] = shift[i] > check.moved_ang;
  check.moved_atoms = static_cast<std::size_t>(std::count(moved.begin(), moved.end(), true));
  const bool all = too_many_moved(check.moved_atoms, f.atoms, limits);

  std::vector<double> growth;
  for (std::size_t k = 0; k < lags.size(); ++k) {
    std::vector<double> resting;
    for (std::size_t i = 0; i < f.atoms; ++i)
      if (!moved[i] || all) resting.push_back(msd[k][i]);
    check.lag_fs.push_back(static_cast<double>(lags[k]) * frame_spacing_fs);
    check.msd_ang2.push_back(mean(msd[k]));
    check.resting_msd_ang2.push_back(mean(resting));
    if (lags[k] == frames / 10) {
      check.msd_middle_ang2 = check.msd_ang2.back();
      check.resting_middle_ang2 = check.resting_msd_ang2.back();
      growth = resting;
    }
    if (lags[k] == frames / 2) {
      check.msd_long_ang2 = check.msd_ang2.back();
      check.resting_long_ang2 = check.resting_msd_ang2.back();
      for (std::size_t i = 0; i < resting.size(); ++i) growth[i] = resting[i] - growth[i];
    }
  }
  check.growth_ang2 = mean(growth);
  check.growth_error_ang2 = standard_error(growth);

  const std::vector<Vec3> centre = mean_positions(f, 0, frames);
  double square = 0;
  for (std::size_t t = 0; t < frames; ++t)
    for (std::size_t k = 0; k < f.atoms; ++k) square += norm2(f.at(t, k) - centre[k]);
  check.lindemann = std::sqrt(square / static_cast<double>(position_ang.size())) / check.nearest_neighbor_ang;

  const PairHistogram early = histogram_of(f, 0, frames / 3, limits), late = histogram_of(f, frames - frames / 3, frames, limits);
  check.rdf_first = normalised(early);
  check.rdf_last = normalised(late);
  check.rdf_change = change_of_pairs(early, late);
  check.peak_contrast_first = peak_contrast(check.rdf_first, check.nearest_neighbor_ang);
  check.peak_contrast_last = peak_contrast(check.rdf_last, check.nearest_neighbor_ang);
  check.bond_ang = 0.7 * check.nearest_neighbor_ang;
  check.bonds_first = pairs_below(early, check.bond_ang);
  check.bonds_last = pairs_below(late, check.bond_ang);
  check.reason = reason_of(check, limits, f.atoms);
  check.crystalline = check.reason.empty();
  return check;
}

}  // namespace saltus
