#include "saltus/analysis/correlation_sums.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_stretches = 64;

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

}  // namespace

CorrelationSums::CorrelationSums(double longest_lag_fs) : longest_lag_fs_(longest_lag_fs) {
  if (!(longest_lag_fs > 0)) throw Error(ErrorKind::usage, "the longest lag must be positive");
}

void CorrelationSums::add(double time_fs, std::vector<double> row) {
  if (rows_ == 0) {
    recent_.resize(1);
    lags_ = 1;
  } else {
    const double spacing = time_fs - last_time_fs_;
    if (rows_ == 1) {
      if (!(spacing > 0)) throw Error(ErrorKind::unsupported, "frames must follow one another in time");
      spacing_fs_ = spacing;
      lags_ = static_cast<std::size_t>(longest_lag_fs_ / spacing + 1e-6) + 1;
      recent_.resize(lags_);
      stretch_rows_ = 2 * lags_;
    } else if (std::abs(spacing - spacing_fs_) > 1e-4 * spacing_fs_) {
      throw Error(ErrorKind::unsupported, fmt::format("frames {} and {} are {} fs apart, the first two {} fs: a correlation needs equal spacing",
                                                      rows_, rows_ + 1, spacing, spacing_fs_));
    }
  }
  last_time_fs_ = time_fs;
  recent_[rows_ % recent_.size()] = std::move(row);
  if (rows_ > 0 && (stretches_.empty() || rows_in_last_ == stretch_rows_)) {
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
      stretch_rows_ *= 2;
    }
    stretches_.push_back({std::vector<double>(lags_, 0.0), std::vector<std::int64_t>(lags_, 0)});
    rows_in_last_ = 0;
  }
  ++rows_;
  if (rows_ < 2) return;
  if (rows_ == 2) {  // the first frame could not be counted before the spacing was known
    stretches_.back().sum[0] += dot(recent_[0], recent_[0]);
    ++stretches_.back().count[0];
  }
  add_to_stretch(stretches_.back());
  ++rows_in_last_;
}

// Adds the products of the newest frame with those before it.
void CorrelationSums::add_to_stretch(Stretch& stretch) const {
  const std::size_t newest = rows_ - 1, reach = std::min(lags_, rows_);
  const auto& now = recent_[newest % recent_.size()];
  const std::size_t chunk = std::max<std::size_t>(16, 200000 / (now.size() + 1));
  parallel_chunks(reach, chunk, [&](std::size_t begin, std::size_t end) {
    for (std::size_t lag = begin; lag < end; ++lag) {
      stretch.sum[lag] += dot(now, recent_[(newest - lag) % recent_.size()]);
      ++stretch.count[lag];
    }
  });
}

Correlation CorrelationSums::finish(std::size_t most_blocks) const {
  if (rows_ < 3) throw Error(ErrorKind::usage, "a correlation needs at least three frames");
  Correlation result;
  result.rows = rows_;
  result.spacing_fs = spacing_fs_;
  const std::size_t lags = std::min(lags_, rows_);
  const auto mean_of = [&](std::size_t first, std::size_t last) {
    std::vector<double> mean(lags);
    for (std::size_t lag = 0; lag < lags; ++lag) {
      double sum = 0;
      std::int64_t count = 0;
      for (std::size_t s = first; s < last; ++s) {
        sum += stretches_[s].sum[lag];
        count += stretches_[s].count[lag];
      }
      mean[lag] = sum / static_cast<double>(count);
    }
    return mean;
  };
  result.value = mean_of(0, stretches_.size());
  // Whole stretches only, equally many in each block.
  const std::size_t whole = stretches_.size() - (rows_in_last_ < stretch_rows_ ? 1 : 0);
  const std::size_t blocks = std::min(most_blocks, whole), per_block = blocks > 0 ? whole / blocks : 0;
  if (blocks >= 2)
    for (std::size_t b = 0; b < blocks; ++b) result.blocks.push_back(mean_of(b * per_block, (b + 1) * per_block));
  return result;
}

Spectrum spectrum_of(std::span<const double> correlation, double spacing_fs) {
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
    spectrum.frequency_per_fs.push_back(static_cast<double>(n) / (2 * static_cast<double>(last) * spacing_fs));
    spectrum.density_fs.push_back(4 * spacing_fs * sum);
  }
  return spectrum;
}

}  // namespace saltus
