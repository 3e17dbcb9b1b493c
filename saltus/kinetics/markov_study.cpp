#include "saltus/kinetics/markov_study.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/laplace_errors.hpp"

namespace saltus::kinetics {

namespace {

constexpr int most_laplace_states = 500;

// Both sorted by from and to, `part` contained in `all`.
CountMatrix difference(const CountMatrix& all, const CountMatrix& part) {
  CountMatrix result{all.n_states, {}};
  std::size_t k = 0;
  for (const CountEntry& entry : all.entries) {
    double count = entry.count;
    if (k < part.entries.size() && part.entries[k].from == entry.from && part.entries[k].to == entry.to) count -= part.entries[k++].count;
    if (count > 0) result.entries.push_back({entry.from, entry.to, count});
  }
  return result;
}

std::vector<FrameWindow> time_blocks(std::int64_t first_frames, int n_blocks) {
  std::vector<FrameWindow> blocks;
  for (int b = 0; b < n_blocks; ++b) blocks.push_back({b * first_frames / n_blocks, (b + 1) * first_frames / n_blocks});
  return blocks;
}

std::vector<std::optional<double>> timescales_of(const MarkovModel& model, double lag_fs, int count, SlowModes* modes) {
  std::vector<std::optional<double>> result;
  if (model.reversible) {
    // One more than asked for shows whether sets would cut equal eigenvalues.
    SlowModes found = slow_modes(model.model.n_states, model.model.transitions, model.model.pi, count + 1);
    for (std::size_t m = 0; m < found.mu.size() && m < static_cast<std::size_t>(count); ++m) result.push_back(timescale_of(found.mu[m], lag_fs));
    if (modes) *modes = std::move(found);
  } else {
    for (const double modulus : eigenvalue_moduli(model.model.n_states, model.model.transitions, count)) {
      result.push_back(modulus > 0 && modulus < 1 ? std::optional(-lag_fs / std::log(modulus)) : std::nullopt);
    }
  }
  return result;
}

MarkovStudy study_of(const CountMatrix& counts, std::int64_t lag_frames, double lag_fs, const MarkovStudySettings& settings) {
  MarkovStudy study;
  study.lag_frames = lag_frames;
  study.lag_fs = lag_fs;
  for (const CountEntry& entry : counts.entries) study.n_counts += entry.count;
  study.model = estimate_markov_model(counts, settings.model);
  for (const auto& value : timescales_of(study.model, lag_fs, settings.n_timescales, &study.modes)) {
    study.timescales.push_back({value, std::nullopt, value && *value >= lag_fs, {}});
  }
  study.stationary.resize(study.model.model.pi.size());
  return study;
}

Estimate around(double value, double deviation_of_ln) {
  const double factor = std::exp(normal_95 * deviation_of_ln);
  return {value, value / factor, value * factor};
}

// On ln mu and ln pi; counts independent.
void add_laplace_intervals(MarkovStudy& study, const CountMatrix& counts) {
  const ReversibleModel& model = study.model.model;
  const LaplaceErrors errors(counts, model);
  for (std::size_t m = 0; m < study.timescales.size(); ++m) {
    const double mu = study.modes.mu[m];
    if (!study.timescales[m].value_fs || !(mu > 0)) continue;
    const double deviation = errors.ln_mu_deviation(mu, study.modes.psi[m]);
    const Estimate interval = around(mu, deviation);
    const auto low = timescale_of(std::min(interval.high, 1.0), study.lag_fs), high = timescale_of(interval.low, study.lag_fs);
    study.timescales[m].interval_fs = Estimate{*study.timescales[m].value_fs, low.value_or(0), high.value_or(std::numeric_limits<double>::infinity())};
  }
  if (model.n_states > most_laplace_states) return;
  for (std::size_t i = 0; i < model.pi.size(); ++i) {
    study.stationary[i] = around(model.pi[i], errors.ln_stationary_deviation(static_cast<int>(i)));
    study.stationary[i]->high = std::min(study.stationary[i]->high, 1.0);
  }
}

void add_block_intervals(MarkovStudy& study, const MarkovStudySettings& settings) {
  const auto blocks = study.replicates.size();
  std::vector<std::vector<double>> values(study.timescales.size());
  std::vector<std::vector<std::optional<double>>> of_block(blocks);
  parallel_chunks(blocks, 1, [&](std::size_t b, std::size_t) {
    of_block[b] = timescales_of(study.replicates[b], study.lag_fs, settings.n_timescales, nullptr);
  });
  for (const auto& timescales : of_block) {
    for (std::size_t m = 0; m < values.size() && m < timescales.size(); ++m) {
      if (timescales[m]) values[m].push_back(*timescales[m]);
    }
  }
  for (std::size_t m = 0; m < values.size(); ++m) {
    if (study.timescales[m].value_fs && values[m].size() == blocks) {
      study.timescales[m].interval_fs = jackknife_estimate_of_positive(*study.timescales[m].value_fs, values[m]);
      study.timescales[m].replicate_fs = values[m];
    }
  }
  for (std::size_t i = 0; i < study.stationary.size(); ++i) {
    std::vector<double> pi;
    for (const MarkovModel& replicate : study.replicates) {
      const int place = replicate.set.index_of[static_cast<std::size_t>(study.model.set.states[i])];
      if (place >= 0) pi.push_back(replicate.model.pi[static_cast<std::size_t>(place)]);
    }
    if (pi.size() == blocks) study.stationary[i] = jackknife_estimate_of_positive(study.model.model.pi[i], pi);
    if (study.stationary[i]) study.stationary[i]->high = std::min(study.stationary[i]->high, 1.0);
  }
}

// The jackknife's models; none when some block leaves nothing.
std::vector<MarkovModel> block_models(const DiscreteTrajectory& trajectory, const CountMatrix& counts, const MarkovModel& whole,
                                      std::int64_t lag, const MarkovStudySettings& settings) {
  const std::vector<FrameWindow> blocks = time_blocks(trajectory.n_frames() - lag, settings.n_blocks);
  std::vector<MarkovModel> result(blocks.size());
  std::vector<char> made(blocks.size(), 0);
  parallel_chunks(blocks.size(), 1, [&](std::size_t b, std::size_t) {
    const CountMatrix rest = difference(counts, trajectory.count(lag, settings.counting, blocks[b]));
    if (largest_connected_set(rest).states.empty()) return;
    result[b] = estimate_markov_model(rest, settings.model, &whole);
    made[b] = 1;
  });
  if (!std::all_of(made.begin(), made.end(), [](char yes) { return yes != 0; })) return {};
  return result;
}

// P(set b after k lags | set a), k = 1 … steps, [k][a][b]. Memberships and weights are of the states of all [n_states * n_sets];
// states that the model does not have are left out.
std::vector<double> set_probabilities(const MarkovModel& model, const std::vector<double>& membership, const std::vector<double>& weight,
                                      std::size_t n_sets, int steps) {
  const std::size_t n = model.set.states.size();
  std::vector<double> chi(n * n_sets), next(n * n_sets), start(n * n_sets), sum(n_sets, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto state = static_cast<std::size_t>(model.set.states[i]);
    for (std::size_t a = 0; a < n_sets; ++a) {
      chi[i * n_sets + a] = membership[state * n_sets + a];
      start[i * n_sets + a] = weight[state] * membership[state * n_sets + a];
      sum[a] += start[i * n_sets + a];
    }
  }
  std::vector<double> result;
  for (int k = 1; k <= steps; ++k) {
    std::fill(next.begin(), next.end(), 0.0);
    for (const Transition& t : model.model.transitions) {
      for (std::size_t b = 0; b < n_sets; ++b) {
        next[static_cast<std::size_t>(t.from) * n_sets + b] += t.probability * chi[static_cast<std::size_t>(t.to) * n_sets + b];
      }
    }
    std::swap(chi, next);
    for (std::size_t a = 0; a < n_sets; ++a) {
      for (std::size_t b = 0; b < n_sets; ++b) {
        double p = 0;
        for (std::size_t i = 0; i < n; ++i) p += start[i * n_sets + a] * chi[i * n_sets + b];
        result.push_back(sum[a] > 0 ? p / sum[a] : std::numeric_limits<double>::quiet_NaN());
      }
    }
  }
  return result;
}

}  // namespace

MarkovStudy study_counts(const CountMatrix& counts, double lag_fs, const MarkovStudySettings& settings) {
  MarkovStudy study = study_of(counts, 1, lag_fs, settings);
  if (!settings.model.reversible || !settings.model.stationary.empty()) {
    study.interval_method = "none: errors of counts alone are given for the reversible estimate without prescribed probabilities";
    return study;
  }
  study.interval_method = "curvature of the likelihood; every count taken as independent";
  add_laplace_intervals(study, study.model.counts);
  return study;
}

MarkovStudy study_trajectory(const DiscreteTrajectory& trajectory, std::int64_t lag, double frame_spacing_fs,
                             const MarkovStudySettings& settings) {
  const CountMatrix counts = trajectory.count(lag, settings.counting);
  if (counts.entries.empty()) {
    throw Error(ErrorKind::usage, "no two frames of an unbroken stretch are " + std::to_string(lag) + " frames apart");
  }
  MarkovStudy study = study_of(counts, lag, static_cast<double>(lag) * frame_spacing_fs, settings);
  if (settings.counting == Counting::effective) {
    if (settings.model.reversible && settings.model.stationary.empty()) {
      study.interval_method = "curvature of the likelihood; effective counts";
      add_laplace_intervals(study, study.model.counts);
    } else {
      study.interval_method = "none: errors of effective counts are given for the reversible estimate without prescribed probabilities";
    }
    return study;
  }
  if (2 * lag * settings.n_blocks > trajectory.n_frames() - lag) {
    study.interval_method = "none: the lag is longer than half of one of " + std::to_string(settings.n_blocks) +
                            " blocks of time; take fewer blocks or a longer trajectory";
    return study;
  }
  study.replicates = block_models(trajectory, counts, study.model, lag, settings);
  if (study.replicates.empty()) {
    study.interval_method = "none: without some block of time there are no counts";
    return study;
  }
  study.interval_method = "leaving out one of " + std::to_string(settings.n_blocks) + " blocks of time";
  add_block_intervals(study, settings);
  return study;
}

CountMatrix independent_counts(const MarkovStudy& study, Counting counting) {
  CountMatrix result = study.model.counts;
  if (counting == Counting::sliding) {
    for (CountEntry& entry : result.entries) entry.count /= static_cast<double>(study.lag_frames);
  }
  return result;
}

ChapmanKolmogorov test_chapman_kolmogorov(const DiscreteTrajectory& trajectory, const MarkovStudy& study, const MetastableSets& sets,
                                          int most_steps, double frame_spacing_fs, const MarkovStudySettings& settings,
                                          const Progress& progress) {
  if (most_steps < 2) throw Error(ErrorKind::usage, "a Chapman-Kolmogorov test compares two lags or more");
  if (study.replicates.empty()) throw Error(ErrorKind::usage, "a Chapman-Kolmogorov test needs blocks of time; count by sliding or strided windows");
  const auto m = static_cast<std::size_t>(sets.n_sets), n = static_cast<std::size_t>(trajectory.n_states()), blocks = study.replicates.size();
  std::vector<double> membership(n * m, 0.0), weight(n, 0.0);
  for (std::size_t i = 0; i < study.model.set.states.size(); ++i) {
    const auto state = static_cast<std::size_t>(study.model.set.states[i]);
    weight[state] = study.model.model.pi[i];
    for (std::size_t a = 0; a < m; ++a) membership[state * m + a] = sets.membership[i * m + a];
  }
  const std::vector<double> foretold = set_probabilities(study.model, membership, weight, m, most_steps);
  std::vector<std::vector<double>> foretold_without;
  for (const MarkovModel& replicate : study.replicates) {
    foretold_without.push_back(set_probabilities(replicate, membership, weight, m, most_steps));
  }
  ChapmanKolmogorov result;
  MarkovStudySettings longer = settings;
  longer.n_timescales = 0;
  const double compared = static_cast<double>(most_steps - 1) * static_cast<double>(m * (m - 1));
  result.allowed_sigmas = student_t(1 - 0.05 / compared, static_cast<int>(blocks) - 1);
  for (int k = 1; k <= most_steps; ++k) {
    report_progress(progress, "Chapman-Kolmogorov", k, most_steps, "lags");
    MarkovStudy other;
    const MarkovStudy* at = &study;
    if (k > 1) {
      other = study_trajectory(trajectory, k * study.lag_frames, frame_spacing_fs, longer);
      at = &other;
    }
    if (at->replicates.empty()) {
      result.note = "no blocks at " + std::to_string(k) + " lags: " + at->interval_method;
      break;
    }
    const std::vector<double> estimated = set_probabilities(at->model, membership, weight, m, 1);
    std::vector<std::vector<double>> estimated_without;
    for (const MarkovModel& replicate : at->replicates) estimated_without.push_back(set_probabilities(replicate, membership, weight, m, 1));
    for (std::size_t a = 0; a < m; ++a) {
      for (std::size_t b = 0; b < m; ++b) {
        const std::size_t here = a * m + b, there = static_cast<std::size_t>(k - 1) * m * m + here;
        std::vector<double> x, y, d;
        for (std::size_t r = 0; r < blocks; ++r) {
          x.push_back(foretold_without[r][there]);
          y.push_back(estimated_without[r][here]);
          d.push_back(x.back() - y.back());
        }
        ForetoldProbability p{static_cast<int>(a), static_cast<int>(b), k, jackknife_estimate(foretold[there], x), jackknife_estimate(estimated[here], y), 0};
        for (Estimate* e : {&p.foretold, &p.estimated}) {
          e->low = std::max(e->low, 0.0);
          e->high = std::min(e->high, 1.0);
        }
        const double difference = foretold[there] - estimated[here], error = jackknife_error(d);
        if (k > 1) {
          p.difference_sigmas = difference == 0 ? 0 : difference / error;
          if (!(std::abs(p.difference_sigmas) <= result.largest_sigmas)) result.largest_sigmas = std::abs(p.difference_sigmas);
          result.largest_difference = std::max(result.largest_difference, std::abs(difference));
        }
        result.probabilities.push_back(p);
      }
    }
  }
  result.passed = result.note.empty() && result.largest_sigmas <= result.allowed_sigmas;
  return result;
}

}  // namespace saltus::kinetics
