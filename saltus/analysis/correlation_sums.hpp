// Autocorrelation <a(0)·a(t)> of a series of vectors, and the spectrum that its cosine transform gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace saltus {

struct Correlation {
  std::size_t rows = 0;
  double spacing_fs = 0;
  std::vector<double> value;                ///< [lags] from lag 0 on: mean over times of a(t − lag)·a(t)
  std::vector<std::vector<double>> blocks;  ///< [blocks][lags]; fewer than two: too short for intervals
};

/// One pass; memory is the rows within the longest lag, whatever the length of the series. Sums are kept over equal stretches of
/// the series, from which blocks for intervals are made.
class CorrelationSums {
 public:
  /// Throws Error{usage} for a lag that is not positive.
  explicit CorrelationSums(double longest_lag_fs);
  /// Next row; all rows have the same length. Throws Error{unsupported} for rows not equally spaced in time.
  void add(double time_fs, std::vector<double> row);
  /// Blocks are at least twice the longest lag long; at most `most_blocks`. Throws Error{usage} for fewer than three rows.
  Correlation finish(std::size_t most_blocks) const;

 private:
  struct Stretch {
    std::vector<double> sum;          // [lags]
    std::vector<std::int64_t> count;  // [lags]
  };
  void add_to_stretch(Stretch& stretch) const;

  double longest_lag_fs_, last_time_fs_ = 0, spacing_fs_ = 0;
  std::size_t rows_ = 0, lags_ = 0, stretch_rows_ = 0;
  std::vector<std::vector<double>> recent_;  // ring of the last `lags_` rows
  std::vector<Stretch> stretches_;
  std::size_t rows_in_last_ = 0;
};

struct Spectrum {
  std::vector<double> frequency_per_fs;  ///< from 0 to the Nyquist frequency
  std::vector<double> density_fs;        ///< g(ν) = 4 ∫₀ᵀ h(t) C(t)/C(0) cos(2πνt) dt, so that ∫ g dν = 1 over the range
};

/// Of a correlation sampled from lag 0 on, with Hann's window h(t) = cos²(πt/2T); trapezoid rule. Frequencies are spaced by
/// 1/(2T). Throws Error{usage} for fewer than three lags or C(0) that is not positive.
Spectrum spectrum_of(std::span<const double> correlation, double spacing_fs);

}  // namespace saltus
