#include "saltus/kinetics/residence_time.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus::kinetics {

namespace {

struct Particle {
  std::int64_t end = -1;                  // the last frame that it can be followed to; -1: none
  std::int64_t run_first = -1, run_last = -1;  // of the stay that is being followed back in time; -1: none
};

// Consecutive particles, their sums, and their bits of the last frames.
struct Lane {
  std::size_t first, end, words;
  std::vector<Particle> particle;
  std::vector<std::uint64_t> inside, there;       // [ring * words]
  std::vector<double> stays, long_stays;          // [longest + 1] stays of so many frames; of more than `longest` how many, and their frames
  std::vector<double> left;                       // [longest + 2] differences of: frames in stays with so many frames left to the end
  double stay_frames = 0, visits = 0, inside_frames = 0;
  std::vector<double> joint, origins;             // [lags] intermittent
};

class Residence {
 public:
  Residence(const CoordinateFrames& frames, const ResidenceSettings& settings) : frames_(frames), settings_(settings) {
    const auto fail = [](const std::string& message) { throw Error(ErrorKind::usage, "residence times: " + message); };
    if (frames.frames < 2 || frames.particles == 0) fail(fmt::format("{} frames of {} particles; at least two frames are needed", frames.frames, frames.particles));
    if (!(settings.frame_interval_fs > 0)) fail("the time between frames must be positive");
    if (!(settings.high_ang > settings.low_ang) || !std::isfinite(settings.high_ang) || !std::isfinite(settings.low_ang))
      fail(fmt::format("a region from {} to {} Å", settings.low_ang, settings.high_ang));
    if (settings.period_ang > 0 && settings.high_ang - settings.low_ang >= settings.period_ang)
      fail(fmt::format("the region from {} to {} Å fills the period of {} Å", settings.low_ang, settings.high_ang, settings.period_ang));
    if (settings.bootstrap < 20 || settings.points < 2) fail("at least 20 bootstrap draws and 2 points");
    if (settings.gap_frames < 0) fail("excursions cannot be shorter than no frame");
    const auto most = static_cast<std::int64_t>(frames.frames) - 1;
    longest_ = settings.longest_lag_frames > 0 ? settings.longest_lag_frames : std::max<std::int64_t>(1, most / 4);
    if (longest_ > most) fail(fmt::format("a longest lag of {} frames from {} frames", longest_, frames.frames));
    lags_.push_back(0);
    for (int k = 0; k < settings.points; ++k) {
      const auto lag = static_cast<std::int64_t>(std::llround(std::pow(static_cast<double>(longest_), static_cast<double>(k) / (settings.points - 1))));
      if (lag > lags_.back()) lags_.push_back(lag);
    }
    ring_ = static_cast<std::size_t>(longest_) + 1;
    const std::size_t lanes = std::min<std::size_t>(64, frames.particles);
    for (std::size_t k = 0; k < lanes; ++k) {
      Lane lane;
      lane.first = k * frames.particles / lanes;
      lane.end = (k + 1) * frames.particles / lanes;
      lane.words = (lane.end - lane.first + 63) / 64;
      lane.particle.resize(lane.end - lane.first);
      lane.inside.resize(ring_ * lane.words);
      lane.there.resize(ring_ * lane.words);
      lane.stays.resize(ring_);
      lane.long_stays.resize(2);
      lane.left.resize(ring_ + 1);
      lane.joint.resize(lags_.size());
      lane.origins.resize(lags_.size());
      lanes_.push_back(std::move(lane));
    }
  }

  ResidenceCorrelation estimate() {
    const std::size_t together = std::max<std::size_t>(1, (std::size_t{1} << 22) / frames_.particles);
    std::vector<float> rows;
    for (std::size_t end = frames_.frames; end > 0;) {
      const std::size_t first = end > together ? end - together : 0;
      frames_.read(first, end - first, rows);
      parallel_chunks(lanes_.size(), 1, [&](std::size_t lane, std::size_t) { follow(lanes_[lane], first, end, rows.data()); });
      end = first;
    }
    for (Lane& lane : lanes_)
      for (Particle& particle : lane.particle) close(lane, particle);
    return result();
  }

 private:
  bool in_region(float z) const {
    const double width = settings_.high_ang - settings_.low_ang;
    double above = double{z} - settings_.low_ang;
    if (settings_.period_ang > 0) above -= settings_.period_ang * std::floor(above / settings_.period_ang);
    return above >= 0 && above < width;
  }

  void close(Lane& lane, Particle& particle) const {
    if (particle.run_first < 0) return;
    const std::int64_t frames = particle.run_last - particle.run_first + 1;
    if (frames <= longest_) {
      lane.stays[static_cast<std::size_t>(frames)] += 1;
    } else {
      lane.long_stays[0] += 1;
      lane.long_stays[1] += static_cast<double>(frames);
    }
    const auto bounded = [&](std::int64_t k) { return static_cast<std::size_t>(std::min(k, longest_ + 1)); };
    lane.left[bounded(particle.end - particle.run_last)] += 1;
    lane.left[bounded(particle.end - particle.run_first + 1)] -= 1;
    lane.stay_frames += static_cast<double>(frames);
    lane.visits += 1;
    particle.run_first = particle.run_last = -1;
  }

  void follow(Lane& lane, std::size_t first, std::size_t end, const float* rows) const {
    auto next = std::upper_bound(frames_.segment_start.begin(), frames_.segment_start.end(), end - 1);
    for (std::size_t t = end; t-- > first;) {
      while (next != frames_.segment_start.begin() && *std::prev(next) > t) --next;
      const std::size_t segment_last = (next == frames_.segment_start.end() ? frames_.frames : *next) - 1;
      const auto time = static_cast<std::int64_t>(t);
      std::uint64_t* inside = lane.inside.data() + t % ring_ * lane.words;
      std::uint64_t* there = lane.there.data() + t % ring_ * lane.words;
      std::fill_n(inside, lane.words, 0);
      std::fill_n(there, lane.words, 0);
      const float* row = rows + (t - first) * frames_.particles + lane.first;
      for (std::size_t k = 0; k < lane.particle.size(); ++k) {
        Particle& particle = lane.particle[k];
        if (t == segment_last) {
          close(lane, particle);
          particle.end = -1;
        }
        if (std::isnan(row[k])) {
          close(lane, particle);
          particle.end = -1;
          continue;
        }
        if (particle.end < 0) particle.end = time;
        there[k / 64] |= std::uint64_t{1} << (k % 64);
        if (!in_region(row[k])) continue;
        inside[k / 64] |= std::uint64_t{1} << (k % 64);
        if (particle.run_first >= 0 && particle.run_first - time - 1 > settings_.gap_frames) close(lane, particle);
        if (particle.run_first < 0) particle.run_last = time;
        particle.run_first = time;
      }
      for (std::size_t k = 0; k < lags_.size(); ++k) {
        const std::size_t later = t + static_cast<std::size_t>(lags_[k]);
        if (later > segment_last) break;
        const std::uint64_t* then_inside = lane.inside.data() + later % ring_ * lane.words;
        const std::uint64_t* then_there = lane.there.data() + later % ring_ * lane.words;
        int joint = 0, origins = 0;
        for (std::size_t w = 0; w < lane.words; ++w) {
          joint += std::popcount(inside[w] & then_inside[w]);
          origins += std::popcount(inside[w] & then_there[w]);
        }
        lane.joint[k] += joint;
        lane.origins[k] += origins;
        if (k == 0) lane.inside_frames += joint;
      }
    }
  }

  ResidenceCorrelation result() const {
    const std::size_t lanes = lanes_.size(), lags = lags_.size();
    // [lane][lag of all] of the continuous form
    std::vector<std::vector<double>> stayed(lanes), origins(lanes);
    ResidenceCorrelation result;
    for (std::size_t l = 0; l < lanes; ++l) {
      const Lane& lane = lanes_[l];
      stayed[l].resize(ring_);
      origins[l].resize(ring_);
      // sum over stays of m frames of max(0, m − k), from the longest lag down
      double count = lane.long_stays[0], sum = lane.long_stays[1] - static_cast<double>(longest_) * count;
      for (std::size_t k = ring_; k-- > 0;) {
        stayed[l][k] = sum;
        count += lane.stays[k];
        sum += count;
      }
      double too_late = 0, running = 0;
      for (std::size_t k = 0; k < ring_; ++k) {
        origins[l][k] = lane.stay_frames - too_late;
        running += lane.left[k];
        too_late += running;
      }
      result.visits += lane.visits;
      result.mean_particles += lane.inside_frames / static_cast<double>(frames_.frames);
    }
    if (result.visits == 0)
      throw Error(ErrorKind::usage, fmt::format("residence times: no particle was ever between {} and {} Å", settings_.low_ang, settings_.high_ang));
    struct Curves {
      std::vector<double> continuous, intermittent;
      double integral = 0, last = 0;
    };
    const auto curves_of = [&](const std::vector<double>& weight) -> std::optional<Curves> {
      std::vector<double> up(ring_), down(ring_), joint(lags), from(lags);
      for (std::size_t l = 0; l < lanes; ++l) {
        if (weight[l] == 0) continue;
        for (std::size_t k = 0; k < ring_; ++k) {
          up[k] += weight[l] * stayed[l][k];
          down[k] += weight[l] * origins[l][k];
        }
        for (std::size_t k = 0; k < lags; ++k) {
          joint[k] += weight[l] * lanes_[l].joint[k];
          from[k] += weight[l] * lanes_[l].origins[k];
        }
      }
      if (down.back() <= 0 || from.back() <= 0) return {};
      Curves curves;
      for (std::size_t k = 0; k < lags; ++k) {
        curves.continuous.push_back(up[static_cast<std::size_t>(lags_[k])] / down[static_cast<std::size_t>(lags_[k])]);
        curves.intermittent.push_back(joint[k] / from[k]);
      }
      for (std::size_t k = 0; k < ring_; ++k) curves.integral += up[k] / down[k] * (k == 0 || k + 1 == ring_ ? 0.5 : 1.0);
      curves.last = up.back() / down.back();
      return curves;
    };
    const auto all = curves_of(std::vector<double>(lanes, 1.0));
    if (!all) throw Error(ErrorKind::usage, fmt::format("residence times: no particle in the region can be followed for {} frames; take a shorter longest lag", longest_));
    std::vector<Curves> drawn;
    std::vector<double> integrals;
    for (const auto& weight : bootstrap_weights(lanes, settings_.bootstrap, settings_.seed))
      if (auto one = curves_of(weight)) {
        integrals.push_back(one->integral * settings_.frame_interval_fs);
        drawn.push_back(std::move(*one));
      }
    const auto band = [&](auto member, std::size_t k, std::vector<double>& value, std::vector<double>& low, std::vector<double>& high) {
      std::vector<double> values;
      for (const Curves& one : drawn) values.push_back((one.*member)[k]);
      const Estimate at = percentile_estimate(((*all).*member)[k], values, static_cast<int>(values.size()), {}).estimate.value_or(Estimate{((*all).*member)[k], 0, 1});
      value.push_back(at.value);
      low.push_back(at.low);
      high.push_back(at.high);
    };
    for (std::size_t k = 0; k < lags; ++k) {
      result.time_fs.push_back(static_cast<double>(lags_[k]) * settings_.frame_interval_fs);
      band(&Curves::continuous, k, result.continuous, result.continuous_low, result.continuous_high);
      band(&Curves::intermittent, k, result.intermittent, result.intermittent_low, result.intermittent_high);
    }
    if (all->last > 0.05)
      result.residence_time_fs.reason = fmt::format("{:.0f} % are still there at the longest lag; take a longer one", 100 * all->last);
    else
      result.residence_time_fs = percentile_estimate(all->integral * settings_.frame_interval_fs, integrals, settings_.bootstrap, "no origin at the longest lag");
    return result;
  }

  const CoordinateFrames& frames_;
  ResidenceSettings settings_;
  std::int64_t longest_ = 0;
  std::size_t ring_ = 0;
  std::vector<std::int64_t> lags_;
  std::vector<Lane> lanes_;
};

}  // namespace

ResidenceCorrelation residence_correlation(const CoordinateFrames& frames, const ResidenceSettings& settings) { return Residence(frames, settings).estimate(); }

}  // namespace saltus::kinetics
