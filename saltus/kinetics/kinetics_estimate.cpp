#include "saltus/kinetics/kinetics_estimate.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/implied_timescales.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/jump_network.hpp"
#include "saltus/kinetics/reversible_model.hpp"
#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

namespace {

struct SiteGeometry {
  std::span<const Vec3> site_ang;
  Mat3 lattice_rows_ang;
};

// The model of one set of counts; diffusion per lag.
struct LagModel {
  ConnectedSet set;
  ReversibleModel model;
  NetworkMoments moments;
  NetworkTransport transport;
  std::vector<std::optional<double>> timescales;  // in lags
  bool carries = false;                           // any displacement at all
};

LagModel make_model(const TransitionCounts& counts, const SiteGeometry& geometry, int n_timescales,
                    const LagModel* start = nullptr) {
  LagModel result;
  result.set = largest_connected_set(counts);
  if (result.set.states.empty()) return result;
  const TransitionCounts inside = restrict_to(counts, result.set);
  std::vector<double> start_ln_pi;
  std::vector<Vec3> sites;
  bool start_known = start != nullptr;
  for (const int state : result.set.states) {
    sites.push_back(geometry.site_ang[static_cast<std::size_t>(state)]);
    const int known = start_known ? start->set.index_of[static_cast<std::size_t>(state)] : -1;
    start_known = known >= 0;
    if (start_known) start_ln_pi.push_back(start->model.ln_pi[static_cast<std::size_t>(known)]);
  }
  if (!start_known) start_ln_pi.clear();
  result.model = estimate_reversible(fold_images(inside), start_ln_pi);
  const JumpNetwork network = lag_network(inside, result.model, sites, geometry.lattice_rows_ang);
  result.carries = !network.moves.empty();
  result.moments = network_moments(network);
  result.transport = network_transport(result.moments);
  result.timescales = implied_timescales(result.model.n_states, result.model.transitions, 1.0, n_timescales);
  return result;
}

LagEstimate estimate_lag(const SiteTrajectory& visits, const SiteGeometry& geometry, double frame_spacing_fs,
                         std::int64_t lag, std::span<const std::int64_t> block_bound, int n_timescales) {
  LagEstimate result;
  result.lag_frames = lag;
  result.lag_fs = static_cast<double>(lag) * frame_spacing_fs;
  std::vector<TransitionCounts> block_counts;
  for (std::size_t b = 0; b + 1 < block_bound.size(); ++b) {
    block_counts.push_back(count_transitions(visits, lag, {block_bound[b], block_bound[b + 1] + 1}));
  }
  const TransitionCounts counts = sum_counts(block_counts);
  result.n_pairs = counts.total();
  const LagModel whole = make_model(counts, geometry, n_timescales);
  result.n_visited_states = whole.set.n_visited_states;
  result.n_connected_states = static_cast<int>(whole.set.states.size());
  result.n_connected_sets = whole.set.n_sets;
  result.dropped_counts = whole.set.dropped_counts;
  result.dropped_population = whole.set.dropped_population;
  result.states = whole.set.states;
  result.timescales.resize(static_cast<std::size_t>(n_timescales));
  if (whole.set.states.empty()) return result;
  result.iterations = whole.model.iterations;
  result.max_residual = whole.model.max_residual;
  result.converged = whole.model.converged;
  result.pi = whole.model.pi;
  for (std::size_t m = 0; m < whole.timescales.size(); ++m) {
    if (!whole.timescales[m]) continue;
    result.timescales[m].value_fs = *whole.timescales[m] * result.lag_fs;
    result.timescales[m].resolved = *whole.timescales[m] >= 1;
  }
  if (!whole.carries) return result;

  const auto per_time = [&](const Mat3& tensor) { return trace(tensor) / (3 * result.lag_fs); };
  std::vector<double> uncorrelated;
  std::vector<std::vector<double>> timescales(result.timescales.size());
  bool every_block = true;
  for (std::size_t b = 0; b < block_counts.size() && every_block; ++b) {
    const LagModel part =
        make_model(sum_counts(block_counts, static_cast<int>(b)), geometry, n_timescales, &whole);
    every_block = part.carries;
    if (!every_block) break;
    result.replicate_ang2_fs.push_back(per_time(part.transport.diffusion_ang2));
    uncorrelated.push_back(per_time(part.transport.uncorrelated_diffusion_ang2));
    for (std::size_t m = 0; m < part.timescales.size(); ++m) {
      if (part.timescales[m]) timescales[m].push_back(*part.timescales[m] * result.lag_fs);
    }
  }
  result.tensor_ang2_fs = scaled(whole.transport.diffusion_ang2, 1 / result.lag_fs);
  if (!every_block) {
    result.replicate_ang2_fs.clear();
    return result;
  }
  const auto corrected = [](double value, std::span<const double> replicate) {
    Estimate estimate = jackknife_estimate(value - jackknife_bias(value, replicate), replicate);
    estimate.value = std::max(estimate.value, 0.0);  // D is not negative, whatever few jumps and the correction make of it
    estimate.low = std::max(estimate.low, 0.0);
    return estimate;
  };
  const double diffusion = trace(result.tensor_ang2_fs) / 3;
  result.bias_ang2_fs = jackknife_bias(diffusion, result.replicate_ang2_fs);
  result.diffusion_ang2_fs = corrected(diffusion, result.replicate_ang2_fs);
  result.uncorrelated_ang2_fs = corrected(per_time(whole.transport.uncorrelated_diffusion_ang2), uncorrelated);
  for (std::size_t m = 0; m < result.timescales.size(); ++m) {
    if (result.timescales[m].value_fs && timescales[m].size() == block_counts.size()) {
      result.timescales[m].interval_fs = jackknife_estimate_of_positive(*result.timescales[m].value_fs, timescales[m]);
      result.timescales[m].replicate_fs = std::move(timescales[m]);
    }
  }
  return result;
}

// Mean-square offset from the centres of the sites, twice: at the start and at the end of a window.
double vibration_ang2(const KineticsInput& input) {
  const auto n = input.site_ang.size();
  std::vector<Vec3> mean(n);
  std::vector<double> square(n, 0.0), frames(n, 0.0);
  for (const SiteSegment& segment : input.visits.segments) {
    for (const SiteVisit& visit : segment.visits) {
      const auto state = static_cast<std::size_t>(visit.state);
      const Vec3 image{double(visit.image[0]), double(visit.image[1]), double(visit.image[2])};
      const Vec3 centre = input.site_ang[state] + image * input.lattice_rows_ang;
      for (std::int64_t t = visit.begin_frame; t < visit.end_frame; ++t) {
        const std::size_t at = static_cast<std::size_t>(t) * input.n_particles + static_cast<std::size_t>(segment.carrier);
        const Vec3 u = input.position_ang[at] - centre;
        mean[state] += u;
        square[state] += norm2(u);
        frames[state] += 1;
      }
    }
  }
  double sum = 0, all = 0;
  for (std::size_t s = 0; s < n; ++s) {
    if (frames[s] == 0) continue;
    sum += square[s] - norm2(mean[s]) / frames[s];
    all += frames[s];
  }
  return all > 0 ? 2 * sum / all : 0;
}

void check_input(const KineticsInput& input) {
  check(input.visits);
  const auto frames = static_cast<std::size_t>(input.visits.n_frames);
  if (input.site_ang.size() != static_cast<std::size_t>(input.visits.n_states)) {
    throw Error(ErrorKind::usage, "kinetics: one site position per state is needed");
  }
  if (input.n_particles == 0 || input.position_ang.size() != frames * input.n_particles) {
    throw Error(ErrorKind::usage, "kinetics: positions must be [frame][particle] with the frames of the site trajectory");
  }
  if (!(input.frame_spacing_fs > 0)) throw Error(ErrorKind::usage, "kinetics: the frame spacing must be positive");
}

}  // namespace

std::vector<LagEstimate> estimate_lags(const SiteTrajectory& visits, std::span<const Vec3> site_ang,
                                       const Mat3& lattice_rows_ang, double frame_spacing_fs,
                                       std::span<const std::int64_t> lag_frames,
                                       std::span<const std::int64_t> block_bound, int n_timescales,
                                       const Progress& progress) {
  std::vector<LagEstimate> result(lag_frames.size());
  std::atomic<int> done{0};
  parallel_chunks(lag_frames.size(), 1, [&](std::size_t l, std::size_t) {
    result[l] = estimate_lag(visits, {site_ang, lattice_rows_ang}, frame_spacing_fs, lag_frames[l], block_bound,
                             n_timescales);
    report_progress(progress, "Markov models", ++done, static_cast<double>(lag_frames.size()), "models");
  });
  return result;
}

KineticsEstimate estimate_kinetics(const KineticsInput& input, const EstimationSettings& settings,
                                   const Progress& progress) {
  check_input(input);
  KineticsEstimate result;
  result.frame_spacing_fs = input.frame_spacing_fs;
  result.jumps = jump_statistics(input.visits);
  const std::vector<std::int64_t> bounds = block_bounds(input.visits.n_frames, settings.n_blocks);
  const std::int64_t longest = std::max<std::int64_t>(1, (input.visits.n_frames - 1) / settings.n_blocks / 2);
  std::vector<std::int64_t> lags = settings.lag_frames;
  if (lags.empty()) lags = log_spaced_lags(longest, 5);
  for (std::size_t l = 0; l < lags.size(); ++l) {
    if (lags[l] < 1 || lags[l] > longest || (l > 0 && lags[l] <= lags[l - 1])) {
      throw Error(ErrorKind::usage, "kinetics: lags must ascend from 1 to half a time block, here " +
                                        std::to_string(longest) + " frames; found " + std::to_string(lags[l]) +
                                        " (fewer blocks or a longer trajectory allow longer lags)");
    }
  }

  result.msd = mean_square_displacement(input.position_ang, input.n_particles, log_spaced_lags(longest, 12),
                                        settings.n_blocks);
  if (input.n_particles == static_cast<std::size_t>(input.visits.n_carriers)) {
    result.vibration_ang2 = vibration_ang2(input);
  }
  result.lags = estimate_lags(input.visits, input.site_ang, input.lattice_rows_ang, input.frame_spacing_fs, lags, bounds,
                              settings.n_timescales, progress);

  // Series of D over the lags that have one; the plateau is looked for in it.
  std::vector<SeriesMember> series;
  std::vector<std::size_t> member;
  for (std::size_t l = 0; l < result.lags.size(); ++l) {
    if (!result.lags[l].diffusion_ang2_fs) continue;
    series.push_back({result.lags[l].lag_fs, result.lags[l].diffusion_ang2_fs->value, result.lags[l].replicate_ang2_fs});
    member.push_back(l);
  }
  if (!series.empty()) {
    const Plateau plateau = plateau_of(series);
    result.reported = member[plateau.start];
    if (plateau.flat) result.plateau = result.reported;
  }

  if (result.msd.lag_frames.size() >= 4) result.fit = fit_diffusion(result.msd, input.frame_spacing_fs, settings.fit);
  if (result.jumps.n_jumps < settings.min_jumps) {
    result.diffusion_msd_note = result.diffusion_msm_note =
        "undetermined: " + std::to_string(result.jumps.n_jumps) + " completed jumps, at least " +
        std::to_string(settings.min_jumps) + " are needed";
  } else {
    if (!result.fit) {
      result.diffusion_msd_note = "undetermined: the time blocks are too short to fit the MSD";
    } else {
      result.diffusion_msd_ang2_fs = result.fit->diffusion_ang2_fs;
      if (!result.fit->linear_regime_found) {
        result.diffusion_msd_note = "no linear regime found: the slope of the MSD still changes with the fit window";
      }
    }
    if (!result.reported) {
      result.diffusion_msm_note = "undetermined: no lag gives a connected network in every time block";
    } else {
      result.diffusion_msm_ang2_fs = result.lags[*result.reported].diffusion_ang2_fs;
      if (!result.plateau) result.diffusion_msm_note = "no plateau: D still changes with the lag time";
    }
  }
  if (result.diffusion_msd_ang2_fs && result.diffusion_msm_ang2_fs) {
    const Estimate &msd = *result.diffusion_msd_ang2_fs, &msm = *result.diffusion_msm_ang2_fs;
    std::vector<double> difference = result.lags[*result.reported].replicate_ang2_fs;
    for (std::size_t b = 0; b < difference.size(); ++b) difference[b] -= result.fit->replicate_ang2_fs[b];
    RouteComparison comparison;
    comparison.difference_ang2_fs = jackknife_estimate(msm.value - msd.value, difference);
    comparison.agree = msm.low <= msd.value && msd.value <= msm.high && msd.low <= msm.value && msm.value <= msd.high;
    result.comparison = comparison;
  }
  if (result.reported) {
    const std::int64_t lag = result.lags[*result.reported].lag_frames;
    std::vector<TransitionCounts> parts;
    for (std::size_t b = 0; b + 1 < bounds.size(); ++b) {
      parts.push_back(count_transitions(input.visits, lag, {bounds[b], bounds[b + 1] + 1}));
    }
    const LagModel model = make_model(sum_counts(parts), {input.site_ang, input.lattice_rows_ang}, 0);
    const std::vector<std::int64_t> steps = log_spaced_lags(std::max<std::int64_t>(1, longest / lag), 12);
    const std::vector<Mat3> msd = network_msd_ang2(model.moments, steps);
    for (std::size_t k = 0; k < steps.size(); ++k) {
      result.model_msd.push_back({static_cast<double>(steps[k] * lag) * input.frame_spacing_fs, trace(msd[k])});
    }
  }
  return result;
}

}  // namespace saltus::kinetics
