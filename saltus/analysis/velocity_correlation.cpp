#include "saltus/analysis/velocity_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_stretches = 64;

struct VelocityRecord : Record {
  double time_fs = 0, weight = 0;
  std::vector<double> weighted;  // sqrt(weight)·velocity, [3 atoms]
};

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

}  // namespace

VelocityCorrelationAnalysis::VelocityCorrelationAnalysis(const VelocityCorrelationSettings& settings) : settings_(settings) {
  if (!(settings.longest_lag_fs > 0)) throw Error(ErrorKind::usage, "the longest lag must be positive");
}

std::unique_ptr<Record> VelocityCorrelationAnalysis::map(const Frame& frame) const {
  require_velocities(frame);
  auto record = std::make_unique<VelocityRecord>();
  record->time_fs = frame.time_fs;
  std::vector<std::uint32_t> atoms(frame.size());
  for (std::uint32_t i = 0; i < atoms.size(); ++i) atoms[i] = i;
  if (settings_.species) atoms = indices_of(*frame.atoms, *settings_.species);
  if (atoms.empty())
    throw Error(ErrorKind::usage, fmt::format("there is no {} among {}", symbol_of(*settings_.species), formula(*frame.atoms)));
  record->weighted.reserve(3 * atoms.size());
  for (const std::uint32_t i : atoms) {
    const double weight = settings_.mass_weighted ? frame.atoms->mass_amu[i] : 1;
    const Vec3 v = std::sqrt(weight) * frame.velocity_ang_fs[i];
    record->weighted.insert(record->weighted.end(), {v.x, v.y, v.z});
    record->weight += weight;
  }
  return record;
}

void VelocityCorrelationAnalysis::fold(std::unique_ptr<Record> base) {
  auto& record = static_cast<VelocityRecord&>(*base);
  if (frames_ == 0) {
    atoms_ = record.weighted.size() / 3;
    weight_ = record.weight;
    recent_.resize(1);
    lags_ = 1;
  } else {
    const double spacing = record.time_fs - last_time_fs_;
    if (frames_ == 1) {
      if (!(spacing > 0)) throw Error(ErrorKind::unsupported, "frames must follow one another in time");
      frame_spacing_fs_ = spacing;
      lags_ = static_cast<std::size_t>(settings_.longest_lag_fs / spacing + 1e-6) + 1;
      recent_.resize(lags_);
      stretch_frames_ = 2 * lags_;
    } else if (std::abs(spacing - frame_spacing_fs_) > 1e-4 * frame_spacing_fs_) {
      throw Error(ErrorKind::unsupported, fmt::format("frames {} and {} are {} fs apart, the first two {} fs: a correlation needs equal spacing",
                                                      frames_, frames_ + 1, spacing, frame_spacing_fs_));
    }
  }
  last_time_fs_ = record.time_fs;
  recent_[frames_ % recent_.size()] = std::move(record.weighted);
  if (frames_ > 0 && (stretches_.empty() || frames_in_last_ == stretch_frames_)) {
    if (stretches_.size() == most_stretches) {
      for (std::size_t k = 0; k < most_stretches / 2; ++k) {
        Stretch joined = std::move(stretches_[2 * k]);
        for (std::size_t lag = 0; lag < lags_; ++lag) {
          joined.sum[lag] += stretches_[2 * k + 1].sum[lag];
          joined.count[lag] += stretches_[2 * k + 1].count[lag];
        }
        stretches_[k] = std::move(joined);
      }
      stretches_.resize(most_stretches / 2);
      stretch_frames_ *= 2;
    }
    stretches_.push_back({std::vector<double>(lags_, 0.0), std::vector<std::int64_t>(lags_, 0)});
    frames_in_last_ = 0;
  }
  ++frames_;
  if (frames_ < 2) return;
  if (frames_ == 2) {  // the first frame could not be counted before the spacing was known
    stretches_.back().sum[0] += dot(recent_[0], recent_[0]);
    ++stretches_.back().count[0];
  }
  add_to_stretch(stretches_.back());
  ++frames_in_last_;
}

// Adds the products of the newest frame with those before it.
void VelocityCorrelationAnalysis::add_to_stretch(Stretch& stretch) const {
  const std::size_t newest = frames_ - 1, reach = std::min(lags_, frames_);
  const auto& now = recent_[newest % recent_.size()];
  const std::size_t chunk = std::max<std::size_t>(16, 200000 / (now.size() + 1));
  parallel_chunks(reach, chunk, [&](std::size_t begin, std::size_t end) {
    for (std::size_t lag = begin; lag < end; ++lag) {
      stretch.sum[lag] += dot(now, recent_[(newest - lag) % recent_.size()]);
      ++stretch.count[lag];
    }
  });
}

VelocityCorrelation VelocityCorrelationAnalysis::finish(std::size_t most_blocks) const {
  if (frames_ < 3) throw Error(ErrorKind::usage, "a correlation needs at least three frames");
  VelocityCorrelation result;
  result.frames = frames_;
  result.atoms = atoms_;
  result.frame_spacing_fs = frame_spacing_fs_;
  const std::size_t lags = std::min(lags_, frames_);
  const auto mean_of = [&](std::size_t first, std::size_t last) {
    std::vector<double> mean(lags);
    for (std::size_t lag = 0; lag < lags; ++lag) {
      double sum = 0;
      std::int64_t count = 0;
      for (std::size_t s = first; s < last; ++s) {
        sum += stretches_[s].sum[lag];
        count += stretches_[s].count[lag];
      }
      mean[lag] = sum / (static_cast<double>(count) * weight_);
    }
    return mean;
  };
  result.value_ang2_fs2 = mean_of(0, stretches_.size());
  // Whole stretches only, equally many in each block.
  const std::size_t whole = stretches_.size() - (frames_in_last_ < stretch_frames_ ? 1 : 0);
  const std::size_t blocks = std::min(most_blocks, whole), per_block = blocks > 0 ? whole / blocks : 0;
  if (blocks >= 2)
    for (std::size_t b = 0; b < blocks; ++b) result.block_ang2_fs2.push_back(mean_of(b * per_block, (b + 1) * per_block));
  return result;
}

Spectrum spectrum_of(std::span<const double> correlation, double frame_spacing_fs) {
  const std::size_t last = correlation.size() - 1;
  if (correlation.size() < 3 || !(correlation[0] > 0))
    throw Error(ErrorKind::usage, "a spectrum needs three lags or more and atoms that move");
  Spectrum spectrum;
  const double pi = std::numbers::pi;
  std::vector<double> windowed(correlation.size());
  for (std::size_t k = 0; k <= last; ++k) {
    const double h = std::cos(0.5 * pi * static_cast<double>(k) / static_cast<double>(last));
    windowed[k] = h * h * correlation[k] / correlation[0] * (k == 0 || k == last ? 0.5 : 1.0);
  }
  for (std::size_t n = 0; n <= last; ++n) {
    double sum = 0;
    for (std::size_t k = 0; k <= last; ++k)
      sum += windowed[k] * std::cos(pi * static_cast<double>(n * k % (2 * last)) / static_cast<double>(last));
    spectrum.frequency_per_fs.push_back(static_cast<double>(n) / (2 * static_cast<double>(last) * frame_spacing_fs));
    spectrum.density_fs.push_back(4 * frame_spacing_fs * sum);
  }
  return spectrum;
}

}  // namespace saltus
