// First exits of all windows at once, in one pass over the frames from the last to the first: next exit(t) = t where the particle is outside, else next exit(t + 1).
//
// The edges of all windows cut the axis into intervals; the interval of a position says which windows it lies in and starts in, so that a frame costs the few windows
// around it and not all. Edges are rounded to 2^-17 Å, displacements and their squares to 2^-20 Å and Å² before they are added: sums of less than 2^33 are exact, and
// bitwise equal for any number of threads, order of particles and division into blocks of frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

/// Positions of particles along one coordinate, from wherever they are kept.
struct CoordinateFrames {
  std::size_t frames = 0, particles = 0;
  std::vector<std::size_t> segment_start;  ///< frames that do not follow from the one before, ascending, without 0
  /// Puts frames first … first + count − 1 into `out`, [count * particles] in Å, wrapped or not; NaN: the particle is not there.
  std::function<void(std::size_t first, std::size_t count, std::vector<float>& out)> read;
};

struct ExitSettings {
  std::vector<ExitWindow> windows;  ///< any half-widths, overlapping or not
  double frame_interval_fs = 0;
  double period_ang = 0;                  ///< 0: none. Positions are taken at the image nearest to each window
  std::vector<std::int64_t> cut_frames;   ///< [windows] starts are admitted only so many frames before their segment ends; empty: all. Not before a particle is gone (NaN):
                                          ///< to look ahead for that would choose the starts by what happens next
  std::size_t time_blocks = 0;            ///< units are as many blocks of time; 0: the particles
  std::size_t most_units = 1024;          ///< with more particles, consecutive ones share a unit
  std::size_t every_particle = 1;         ///< counts particles 0, k, 2k, … only
  double histogram_low_ang = 0, histogram_bin_ang = 0.1;  ///< with a period: from 0, and a whole number of bins at most so wide
  std::size_t bins = 0;                   ///< without a period; positions outside are in no bin
};

/// Fed with blocks of frames from the last to the first.
class ExitCounter {
 public:
  /// Throws Error{usage} for fewer than two frames, no particle, no window, a start half-width not in (0, half-width), a half-width of half the period or more, and
  /// cuts or segments that do not fit.
  ExitCounter(std::size_t frames, std::size_t particles, std::vector<std::size_t> segment_start, ExitSettings settings);

  /// rows  [frames of the block * particles]: those that end where the block before began. Throws Error{usage} otherwise.
  void take(std::span<const float> rows);

  /// Throws Error{usage} before all frames were taken; Error{unsupported} where half-width + largest step reach half the period, since a particle could then have
  /// left on either side.
  ExitData finish();

 private:
  struct Window {
    double centre, half_width;
    std::int32_t first, last;  // intervals inside: first <= i < last, or of a window across the period's end i >= first or i < last
    bool across;
    std::int64_t cut;
  };
  struct Exit {
    double position;
    std::int64_t frame;  // -1: not seen
  };
  struct Particle {
    double next_position = 0, end_position = 0;
    std::int64_t end_frame = 0;
    std::int32_t next_interval = -1;  // -1: no next frame
  };
  struct StepSums {
    double steps = 0, long_steps = 0, step2_ang2 = 0;
  };
  struct Lane {  // consecutive particles that one thread takes
    std::size_t first, end;  // of those counted
    double largest_step = 0;
    std::vector<StepSums> steps;               // [windows]
    std::vector<std::uint32_t> exits, censored;  // [windows * time bins]
  };

  void lay_intervals();
  void walk(Lane& lane, std::size_t first, std::size_t count, const float* rows, std::int64_t segment_last, bool segment_ends);
  void locate(const float* x, std::size_t count, double* position, std::int32_t* interval) const;
  void flush(std::size_t block);
  bool holds(const Window& window, std::int32_t interval) const {
    return window.across ? interval >= window.first || interval < window.last : interval >= window.first && interval < window.last;
  }
  double image(double d) const {
    return d > half_period_ ? d - settings_.period_ang : d < -half_period_ ? d + settings_.period_ang : d;
  }

  ExitSettings settings_;
  std::size_t frames_, particles_, counted_, slots_, left_;
  std::vector<std::size_t> segment_start_;
  double half_period_, inverse_period_ = 0;
  std::vector<Window> windows_;
  std::vector<double> edge_;                                   // ascending; interval i is [edge i-1, edge i)
  double cell_low_ = 0, cells_per_ang_ = 0, last_cell_ = 0;
  std::vector<std::int32_t> cell_interval_;                    // where to begin to look, per cell of a regular grid
  std::vector<std::uint32_t> inside_first_, start_first_;      // [intervals + 1] into
  std::vector<std::uint32_t> inside_, start_;                  // window numbers
  std::vector<Particle> particle_;
  std::vector<Exit> exit_;                                     // [counted * windows]
  std::vector<ExitSums> sums_;                                 // [slots * windows]
  std::vector<std::uint32_t> histogram_;                       // [slots * bins]
  std::vector<Lane> lanes_;
  ExitData data_;
};

/// The whole pass, by blocks of about 16 MB.
ExitData count_exits(const CoordinateFrames& frames, const ExitSettings& settings);

/// Cuts that leave too few unfinished starts to matter, from a count without cuts: 6 L²/(2D) with the corrected local D, at least twice the mean exit time, at most
/// `most_frames` (half the longest segment, say: the censored fraction then tells that the data are short). 0 for windows with fewer than 10 exits.
std::vector<std::int64_t> censoring_cuts(const ExitData& data, std::int64_t most_frames);

/// Two passes: the cuts from at most about 200 particles, then the count with them.
ExitData count_exits_with_cuts(const CoordinateFrames& frames, ExitSettings settings);

/// Bin of a time in frames in ExitData::time_bin_frames: each of the first 64 alone, then 32 bins per power of two.
std::size_t time_bin(std::int64_t frames);

}  // namespace saltus::kinetics
