#include "saltus/kinetics/discrete_trajectory.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

// Sums of pairs of states: a table of 32 bits that is emptied into 64 before it can overflow, or, beyond `dense_limit` states,
// a list that is sorted now and then.
class Tally {
 public:
  static constexpr int dense_limit = 4096;

  explicit Tally(int n_states) : n_(static_cast<std::size_t>(n_states)) {
    if (n_states <= dense_limit) table_.assign(n_ * n_, 0);
  }
  bool dense() const { return !table_.empty(); }
  std::uint32_t* table() { return table_.data(); }
  /// Before at most `pairs` are added to the table.
  void reserve(std::uint64_t pairs) {
    if (filled_ + pairs > 0xffffffffu) empty();
    filled_ += pairs;
  }
  void add(std::int32_t from, std::int32_t to, std::int64_t pairs) {
    if (dense()) {
      table_[static_cast<std::size_t>(from) * n_ + static_cast<std::size_t>(to)] += static_cast<std::uint32_t>(pairs);
      return;
    }
    list_.emplace_back(static_cast<std::uint64_t>(from) << 32 | static_cast<std::uint32_t>(to), pairs);
    if (list_.size() >= std::max<std::size_t>(std::size_t{1} << 22, 2 * joined_)) join();
  }
  CountMatrix matrix() {
    CountMatrix result{static_cast<int>(n_), {}};
    if (dense()) {
      for (std::size_t k = 0; k < table_.size(); ++k) {
        const std::int64_t sum = table_[k] + (wide_.empty() ? 0 : wide_[k]);
        if (sum > 0) result.entries.push_back({static_cast<int>(k / n_), static_cast<int>(k % n_), static_cast<double>(sum)});
      }
      return result;
    }
    join();
    for (const auto& [key, sum] : list_) {
      result.entries.push_back({static_cast<int>(key >> 32), static_cast<int>(key & 0xffffffffu), static_cast<double>(sum)});
    }
    return result;
  }

 private:
  void empty() {
    wide_.resize(table_.size());
    for (std::size_t k = 0; k < table_.size(); ++k) wide_[k] += table_[k];
    std::fill(table_.begin(), table_.end(), 0);
    filled_ = 0;
  }
  void join() {
    std::sort(list_.begin(), list_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const auto& entry : list_) {
      if (kept > 0 && list_[kept - 1].first == entry.first) {
        list_[kept - 1].second += entry.second;
      } else {
        list_[kept++] = entry;
      }
    }
    list_.resize(kept);
    joined_ = kept;
  }

  std::size_t n_;
  std::vector<std::uint32_t> table_;
  std::vector<std::int64_t> wide_;
  std::uint64_t filled_ = 0;
  std::vector<std::pair<std::uint64_t, std::int64_t>> list_;
  std::size_t joined_ = 0;
};

constexpr std::int64_t most_at_once = std::int64_t{1} << 31;

}  // namespace

DiscreteTrajectory::DiscreteTrajectory(std::vector<std::vector<std::int32_t>> state) : state_(std::move(state)) {
  for (std::size_t c = 0; c < state_.size(); ++c) {
    const auto frames = static_cast<std::int64_t>(state_[c].size());
    n_frames_ = std::max(n_frames_, frames);
    const std::int32_t* s = state_[c].data();
    std::int32_t largest = -1;
    std::int64_t changes = frames > 0 ? 1 : 0, assigned = 0;
    for (std::int64_t t = 0; t < frames; ++t) {
      largest = std::max(largest, s[t]);
      assigned += s[t] >= 0;
    }
    for (std::int64_t t = 1; t < frames; ++t) changes += s[t] != s[t - 1];
    n_states_ = std::max(n_states_, largest + 1);
    n_assigned_ += assigned;
    n_runs_ += changes;
  }
  if (n_assigned_ == 0) throw Error(ErrorKind::usage, "discrete trajectory: no frame has a state");
  // A piece of the sweep costs about as much as four frames; where stays are shorter there is no list.
  by_runs_ = 4 * n_runs_ < n_assigned_;
  for (std::size_t c = 0; c < state_.size(); ++c) {
    const auto frames = static_cast<std::int64_t>(state_[c].size());
    const std::int32_t* s = state_[c].data();
    for (std::int64_t t = 0; t < frames;) {
      if (s[t] < 0) {
        ++t;
        continue;
      }
      StateStretch stretch{static_cast<int>(c), t, t, run_state_.size(), 0};
      if (by_runs_) {
        while (t < frames && s[t] >= 0) {
          const std::int32_t now = s[t];
          while (t < frames && s[t] == now) ++t;
          run_state_.push_back(now);
          run_end_.push_back(t);
        }
      } else {
        while (t < frames && s[t] >= 0) ++t;
      }
      stretch.end_frame = t;
      stretch.end_run = run_state_.size();
      stretches_.push_back(stretch);
    }
  }
}

// Calls take(from, to, pairs) for every piece of time with the same two states, in the order of time within a stretch.
template <typename Take>
void DiscreteTrajectory::sweep(std::int64_t lag, FrameWindow window, const Take& take) const {
  for (const StateStretch& stretch : stretches_) {
    std::int64_t t = std::max(stretch.begin_frame, window.begin);
    const std::int64_t end = std::min(stretch.end_frame - lag, window.end);
    if (t >= end) continue;
    if (!by_runs_) {
      const std::int32_t* s = state_[static_cast<std::size_t>(stretch.carrier)].data();
      for (; t < end; ++t) take(s[t], s[t + lag], std::int64_t{1});
      continue;
    }
    const auto first = run_end_.begin() + static_cast<std::ptrdiff_t>(stretch.begin_run);
    const auto last = run_end_.begin() + static_cast<std::ptrdiff_t>(stretch.end_run);
    auto i = static_cast<std::size_t>(std::upper_bound(first, last, t) - run_end_.begin());
    auto j = static_cast<std::size_t>(std::upper_bound(first, last, t + lag) - run_end_.begin());
    while (t < end) {
      const std::int64_t until_i = run_end_[i], until_j = run_end_[j] - lag;
      const std::int64_t next = std::min(std::min(until_i, until_j), end);
      take(run_state_[i], run_state_[j], next - t);
      t = next;
      i += until_i == next;
      j += until_j == next;
    }
  }
}

CountMatrix DiscreteTrajectory::count(std::int64_t lag, Counting counting, FrameWindow window) const {
  if (lag <= 0) throw Error(ErrorKind::usage, "the lag of a count must be at least one frame");
  if (counting == Counting::effective) return effective(lag, window);
  Tally tally(n_states_);
  if (counting == Counting::strided) {
    for (const StateStretch& stretch : stretches_) {
      const std::int32_t* s = state_[static_cast<std::size_t>(stretch.carrier)].data();
      std::int64_t t = stretch.begin_frame;
      if (window.begin > t) t += (window.begin - t + lag - 1) / lag * lag;
      for (const std::int64_t end = std::min(stretch.end_frame - lag, window.end); t < end; t += lag) {
        tally.reserve(1);
        tally.add(s[t], s[t + lag], 1);
      }
    }
    return tally.matrix();
  }
  if (by_runs_ || !tally.dense()) {
    sweep(lag, window, [&](std::int32_t from, std::int32_t to, std::int64_t pairs) {
      while (pairs > 0) {
        const std::int64_t some = std::min(pairs, most_at_once);
        tally.reserve(static_cast<std::uint64_t>(some));
        tally.add(from, to, some);
        pairs -= some;
      }
    });
    return tally.matrix();
  }
  const auto n = static_cast<std::size_t>(n_states_);
  for (const StateStretch& stretch : stretches_) {
    const std::int32_t* s = state_[static_cast<std::size_t>(stretch.carrier)].data();
    const std::int64_t end = std::min(stretch.end_frame - lag, window.end);
    for (std::int64_t t = std::max(stretch.begin_frame, window.begin); t < end;) {
      const std::int64_t until = std::min(end, t + most_at_once);
      tally.reserve(static_cast<std::uint64_t>(until - t));
      std::uint32_t* table = tally.table();
      for (; t < until; ++t) ++table[static_cast<std::size_t>(s[t]) * n + static_cast<std::size_t>(s[t + lag])];
    }
  }
  return tally.matrix();
}

double statistical_inefficiency(std::span<const std::pair<std::int64_t, std::int64_t>> ones, std::int64_t n) {
  std::int64_t hits = 0;
  for (const auto& [begin, end] : ones) hits += end - begin;
  const double mean = static_cast<double>(hits) / static_cast<double>(n), variance = mean * (1 - mean);
  if (!(variance > 0)) return 1;
  const auto rho = [&](std::int64_t k) {
    std::int64_t both = 0;
    std::size_t b = 0;
    for (const auto& [begin, end] : ones) {
      while (b < ones.size() && ones[b].second - k <= begin) ++b;
      for (std::size_t m = b; m < ones.size() && ones[m].first - k < end; ++m) {
        both += std::min(end, ones[m].second - k) - std::max(begin, ones[m].first - k);
      }
    }
    return (static_cast<double>(both) / static_cast<double>(n - k) - mean * mean) / variance;
  };
  // Separations one by one at first, then ever wider, joined by trapezoids.
  double sum = 0, before = 0;
  std::int64_t last = 0;
  for (std::int64_t k = 1; k < n; k += std::max<std::int64_t>(1, k / 16)) {
    const double now = (1 - static_cast<double>(k) / static_cast<double>(n)) * rho(k);
    if (now <= 0) break;
    const auto gap = static_cast<double>(k - last);
    sum += last == 0 ? now : now * (gap + 1) / 2 + before * (gap - 1) / 2;
    before = now;
    last = k;
  }
  return 1 + 2 * sum;
}

CountMatrix DiscreteTrajectory::effective(std::int64_t lag, FrameWindow window) const {
  struct Visits {
    std::int64_t n = 0;
    std::map<std::int32_t, std::vector<std::pair<std::int64_t, std::int64_t>>> to;
  };
  // For every state its visits in order, and among them those that go to each other state.
  std::vector<Visits> from_state(static_cast<std::size_t>(n_states_));
  sweep(lag, window, [&](std::int32_t from, std::int32_t to, std::int64_t pairs) {
    Visits& visits = from_state[static_cast<std::size_t>(from)];
    auto& ones = visits.to[to];
    if (!ones.empty() && ones.back().second == visits.n) {
      ones.back().second += pairs;
    } else {
      ones.emplace_back(visits.n, visits.n + pairs);
    }
    visits.n += pairs;
  });
  CountMatrix result{n_states_, {}};
  for (std::size_t i = 0; i < from_state.size(); ++i) {
    // One factor for the whole row, or T would change: inefficiencies weighted by the variances p (1 - p) of its entries.
    const auto n = static_cast<double>(from_state[i].n);
    double variance = 0, correlated = 0;
    std::vector<std::pair<std::int32_t, double>> row;
    for (const auto& [to, ones] : from_state[i].to) {
      std::int64_t hits = 0;
      for (const auto& [begin, end] : ones) hits += end - begin;
      const double p = static_cast<double>(hits) / n;
      row.emplace_back(to, static_cast<double>(hits));
      variance += p * (1 - p);
      if (p < 1) correlated += p * (1 - p) * statistical_inefficiency(ones, from_state[i].n);
    }
    // Where nothing varies windows that overlap count as one.
    const double inefficiency = variance > 0 ? correlated / variance : static_cast<double>(lag);
    for (const auto& [to, hits] : row) result.entries.push_back({static_cast<int>(i), to, hits / inefficiency});
  }
  return result;
}

}  // namespace saltus::kinetics
