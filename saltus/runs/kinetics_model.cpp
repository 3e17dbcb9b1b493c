#include "saltus/runs/kinetics_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/discrete_trajectory.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/jump_network.hpp"
#include "saltus/kinetics/markov_study.hpp"
#include "saltus/kinetics/metastable_sets.hpp"
#include "saltus/kinetics/network_modes.hpp"
#include "saltus/kinetics/reversible_model.hpp"
#include "saltus/kinetics/site_scattering.hpp"
#include "saltus/kinetics/tensor.hpp"
#include "saltus/kinetics/transport_channels.hpp"
#include "saltus/runs/mobile_pass.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::fs_per_ps;

namespace {

constexpr std::size_t modes_shown = 3, channels_shown = 12, paths_shown = 400;
constexpr int most_sets = 5, most_chapman_kolmogorov_steps = 5, wanted_chapman_kolmogorov_steps = 3, least_blocks = 4;
constexpr double wave_vectors_per_ang[] = {0.3, 0.6, 1.0, 1.5};  // what quasi-elastic neutron scattering reaches

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

/// The reversible network of counts on their largest connected set.
struct Network {
  std::vector<int> states;  ///< of the set
  kinetics::JumpNetwork network;
  kinetics::NetworkMoments moments;
};

Network network_of(const kinetics::KineticsInput& input, std::int64_t lag_frames) {
  const kinetics::TransitionCounts counts = kinetics::count_transitions(input.visits, lag_frames);
  const kinetics::ConnectedSet set = kinetics::largest_connected_set(counts);
  Network result{set.states, {}, {}};
  if (set.states.size() < 2) return result;
  std::vector<Vec3> sites;
  for (const int state : set.states) sites.push_back(input.site_ang[static_cast<std::size_t>(state)]);
  const kinetics::TransitionCounts inside = kinetics::restrict_to(counts, set);
  result.network = kinetics::lag_network(inside, kinetics::estimate_reversible(kinetics::fold_images(inside)), sites, input.lattice_rows_ang);
  result.moments = kinetics::network_moments(result.network);
  return result;
}

/// [all sites], null where the set has none
json per_site(const Network& network, std::size_t n_sites, const std::vector<double>& value) {
  json result(std::vector<json>(n_sites, nullptr));
  for (std::size_t k = 0; k < network.states.size(); ++k) result[static_cast<std::size_t>(network.states[k])] = value[k];
  return result;
}

json modes_json(const kinetics::KineticsInput& input, const Network& network, const kinetics::LagEstimate& lag) {
  constexpr std::size_t most_sites = 3000;  // relaxation_modes diagonalises the whole matrix
  if (network.states.size() < 2 || network.states.size() > most_sites) return nullptr;
  const std::vector<kinetics::RelaxationMode> modes = kinetics::relaxation_modes(network.moments, true);
  const double uncorrelated = kinetics::trace(network.moments.square_ang2) / 2;
  const double lag_ps = lag.lag_fs / fs_per_ps;
  const double length_ps = static_cast<double>(input.visits.n_frames - 1) * input.frame_spacing_fs / fs_per_ps;
  json object{{"lag_ps", lag_ps}, {"text", ""}, {"rows", json::array()}};
  std::size_t slower = 0;
  for (std::size_t m = 0; m < modes.size(); ++m) {
    const std::optional<double>& time = modes[m].time;
    if (time && *time * lag_ps > length_ps) ++slower;
    if (m >= modes_shown) continue;
    std::vector<double> value = modes[m].right;
    const double largest = *std::max_element(value.begin(), value.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (largest < 0)
      for (double& v : value) v = -v;
    const auto* interval = m < lag.timescales.size() && lag.timescales[m].interval_fs ? &*lag.timescales[m].interval_fs : nullptr;
    object["rows"].push_back({{"time_ps", time ? number(*time * lag_ps) : json(nullptr)},
                              {"low", interval ? number(interval->low / fs_per_ps) : json(nullptr)},
                              {"high", interval ? number(interval->high / fs_per_ps) : json(nullptr)},
                              {"share", uncorrelated > 0 ? number(kinetics::trace(modes[m].diffusion_ang2) / uncorrelated) : json(nullptr)},
                              {"value", per_site(network, input.site_ang.size(), value)}});
  }
  object["text"] = fmt::format("Relaxations of the Markov model at a lag of {:.3g} ps. Each exchanges ions between the sites of one sign and those of the other. {}",
                               lag_ps, slower == 0 ? fmt::format("All are faster than the simulation is long ({:.3g} ps).", length_ps)
                                                   : fmt::format("{} of {} are slower than the simulation is long ({:.3g} ps): the model puts them together from jumps that were "
                                                                 "seen, but no ion has gone through them.", slower, modes.size(), length_ps));
  return object;
}

kinetics::DiscreteTrajectory discrete_of(const kinetics::SiteTrajectory& visits) {
  std::vector<std::vector<std::int32_t>> state(static_cast<std::size_t>(visits.n_carriers),
                                               std::vector<std::int32_t>(static_cast<std::size_t>(visits.n_frames), -1));
  for (const kinetics::SiteSegment& segment : visits.segments)
    for (const kinetics::SiteVisit& visit : segment.visits) {
      std::vector<std::int32_t>& of = state[static_cast<std::size_t>(segment.carrier)];
      std::fill(of.begin() + visit.begin_frame, of.begin() + visit.end_frame, visit.state);
    }
  return kinetics::DiscreteTrajectory(std::move(state));
}

/// Each site wholly in the set that it mostly belongs to: probabilities then begin at one.
kinetics::MetastableSets crisp(kinetics::MetastableSets sets, const std::vector<double>& pi) {
  const auto n_sets = static_cast<std::size_t>(sets.n_sets);
  std::fill(sets.membership.begin(), sets.membership.end(), 0.0);
  std::fill(sets.population.begin(), sets.population.end(), 0.0);
  for (std::size_t i = 0; i < pi.size(); ++i) {
    const auto set = static_cast<std::size_t>(sets.set_of[i]);
    sets.membership[i * n_sets + set] = 1;
    sets.population[set] += pi[i];
  }
  return sets;
}

/// The cut with the widest gap behind it, sites without overlap; nothing when all cut through degenerate modes or leave a set without sites.
std::optional<kinetics::MetastableSets> sets_at_gap(const kinetics::MarkovStudy& study) {
  const std::vector<double>& mu = study.modes.mu;
  std::vector<std::pair<double, int>> gaps;
  for (std::size_t n = 2; n <= most_sets && n <= mu.size() + 1; ++n)  // with as many sets as sites nothing is behind the cut
    gaps.emplace_back(n <= mu.size() ? mu[n - 1] / mu[n - 2] : std::numeric_limits<double>::infinity(), static_cast<int>(n));
  std::sort(gaps.rbegin(), gaps.rend());
  for (const auto& [ratio, n] : gaps) {
    try {
      const kinetics::MetastableSets sets = crisp(kinetics::metastable_sets(study.modes, study.model.model.pi, n), study.model.model.pi);
      if (*std::min_element(sets.population.begin(), sets.population.end()) > 0) return sets;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;  // usage: the cut falls between modes of one eigenvalue
    }
  }
  return std::nullopt;
}

json chapman_kolmogorov_json(const kinetics::KineticsInput& input, std::int64_t lag_frames, int n_blocks, const Progress& progress,
                             std::vector<NamedEstimate>& estimates) {
  const double lag_ps = static_cast<double>(lag_frames) * input.frame_spacing_fs / fs_per_ps;
  json object{{"lag_ps", lag_ps}, {"passed", nullptr}, {"text", ""}, {"sets", json::array()}, {"curves", json::array()}};
  const auto undecided = [&](const std::string& why) {
    object["text"] = "Not made: " + why + ".";
    estimates.push_back({"chapman_kolmogorov", std::nullopt, false, "", why});
    return object;
  };
  // Blocks twice as long as the longest lag; rather fewer of them than fewer lags.
  const auto steps_of = [&](int blocks) { return static_cast<int>(std::min<std::int64_t>(most_chapman_kolmogorov_steps, input.visits.n_frames / (lag_frames * (2 * blocks + 1)))); };
  while (n_blocks > least_blocks && steps_of(n_blocks) < wanted_chapman_kolmogorov_steps) --n_blocks;
  const int steps = steps_of(n_blocks);
  if (steps < 2) return undecided(fmt::format("twice the lag of {:.3g} ps is longer than half of one of {} blocks of time", lag_ps, n_blocks));
  kinetics::MarkovStudySettings settings;
  settings.n_blocks = n_blocks;
  settings.n_timescales = most_sets + 1;
  const kinetics::DiscreteTrajectory trajectory = discrete_of(input.visits);
  const kinetics::MarkovStudy study = kinetics::study_trajectory(trajectory, lag_frames, input.frame_spacing_fs, settings);
  if (study.replicates.empty()) return undecided(study.interval_method);
  const std::optional<kinetics::MetastableSets> sets = sets_at_gap(study);
  if (!sets) return undecided("there are no sets of sites to make it with: too few sites, or symmetry makes the slowest modes degenerate");
  const kinetics::ChapmanKolmogorov test =
      kinetics::test_chapman_kolmogorov(trajectory, study, *sets, steps, input.frame_spacing_fs, settings, progress);

  for (int k = 0; k < sets->n_sets; ++k) {
    json members = json::array();
    for (std::size_t i = 0; i < sets->set_of.size(); ++i)
      if (sets->set_of[i] == k) members.push_back(study.model.set.states[i]);
    object["sets"].push_back({{"population", sets->population[static_cast<std::size_t>(k)]}, {"sites", std::move(members)}});
  }
  for (int from = 0; from < sets->n_sets; ++from)
    for (int to = 0; to < sets->n_sets; ++to) {
      json curve{{"from", from}, {"to", to}};
      for (const char* column : {"time_ps", "foretold", "low", "high", "estimated", "estimated_low", "estimated_high"}) curve[column] = json::array();
      for (const kinetics::ForetoldProbability& p : test.probabilities) {
        if (p.from_set != from || p.to_set != to) continue;
        curve["time_ps"].push_back(p.steps * lag_ps);
        curve["foretold"].push_back(number(p.foretold.value));
        curve["low"].push_back(number(p.foretold.low));
        curve["high"].push_back(number(p.foretold.high));
        curve["estimated"].push_back(number(p.estimated.value));
        curve["estimated_low"].push_back(number(p.estimated.low));
        curve["estimated_high"].push_back(number(p.estimated.high));
      }
      object["curves"].push_back(std::move(curve));
    }
  object["passed"] = test.passed;
  object["text"] = fmt::format("The model of one lag {} those of up to {} lags: probabilities to be in one of {} sets of sites (PCCA+, cut at the widest gap of the spectrum) "
                               "differ by at most {:.2g}, {:.1f} standard errors, of which {:.1f} are allowed for all comparisons together.{}",
                               test.passed ? "foretells" : "does not foretell", steps, sets->n_sets, test.largest_difference, test.largest_sigmas, test.allowed_sigmas,
                               test.note.empty() ? "" : " " + test.note + ".");
  const double flag = test.passed ? 1 : 0;
  estimates.push_back({"chapman_kolmogorov", Estimate{flag, flag, flag}, false, "",
                       fmt::format("1 when the model at its lag foretells those of longer lags within their errors; largest deviation {:.1f} standard errors", test.largest_sigmas)});
  return object;
}

json scattering_json(const kinetics::KineticsInput& input, const Network& network, const kinetics::KineticsEstimate& estimate, std::int64_t lag_frames,
                     int n_blocks) {
  const double spacing_ps = input.frame_spacing_fs / fs_per_ps;
  const std::vector<std::int64_t> bounds = kinetics::block_bounds(input.visits.n_frames, n_blocks);
  constexpr std::size_t n_vectors = std::size(wave_vectors_per_ang);
  const auto along_axes = [&](double k, const auto& scattering) {
    return (scattering(Vec3{k, 0, 0}) + scattering(Vec3{0, k, 0}) + scattering(Vec3{0, 0, k})) / 3;
  };
  json curves = json::array();
  for (const double k : wave_vectors_per_ang) {
    json curve{{"k_per_ang", k}};
    for (const char* column : {"time_ps", "value", "low", "high", "model_ps", "model"}) curve[column] = json::array();
    curves.push_back(std::move(curve));
  }
  std::int64_t longest = 0;
  for (const kinetics::LagEstimate& lag : estimate.lags) {
    std::vector<double> total;
    std::vector<std::vector<double>> sum(n_vectors);
    for (std::size_t b = 0; b + 1 < bounds.size(); ++b) {
      const kinetics::TransitionCounts counts = kinetics::count_transitions(input.visits, lag.lag_frames, {bounds[b], bounds[b + 1] + 1});
      const auto pairs = static_cast<double>(counts.total());
      total.push_back(pairs);
      for (std::size_t v = 0; v < n_vectors; ++v)
        sum[v].push_back(pairs == 0 ? 0 : pairs * along_axes(wave_vectors_per_ang[v], [&](const Vec3& k) {
          return kinetics::counted_scattering(counts, input.site_ang, input.lattice_rows_ang, k);
        }));
    }
    double all = 0;
    for (const double pairs : total) all += pairs;
    if (all == 0) continue;
    longest = lag.lag_frames;
    for (std::size_t v = 0; v < n_vectors; ++v) {
      double value = 0;
      for (const double part : sum[v]) value += part;
      std::vector<double> replicate;
      for (std::size_t b = 0; b < total.size(); ++b)
        if (all > total[b]) replicate.push_back((value - sum[v][b]) / (all - total[b]));
      json& curve = curves[v];
      curve["time_ps"].push_back(static_cast<double>(lag.lag_frames) * spacing_ps);
      curve["value"].push_back(value / all);
      const bool known = replicate.size() == total.size();
      const Estimate interval = known ? kinetics::jackknife_estimate(value / all, replicate) : Estimate{};
      curve["low"].push_back(known ? number(interval.low) : json(nullptr));
      curve["high"].push_back(known ? number(interval.high) : json(nullptr));
    }
  }
  if (longest == 0) return nullptr;
  if (network.states.size() >= 2) {
    std::vector<std::int64_t> steps;
    for (std::int64_t step = 1; step <= std::clamp<std::int64_t>(longest / lag_frames, 10, 60); ++step) steps.push_back(step);
    for (std::size_t v = 0; v < n_vectors; ++v) {
      std::vector<double> mean(steps.size(), 0);
      for (const Vec3& axis : {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}) {
        const std::vector<double> f = kinetics::lag_scattering(network.network, wave_vectors_per_ang[v] * axis, steps);
        for (std::size_t s = 0; s < f.size(); ++s) mean[s] += f[s] / 3;
      }
      for (std::size_t s = 0; s < steps.size(); ++s) {
        curves[v]["model_ps"].push_back(static_cast<double>(steps[s] * lag_frames) * spacing_ps);
        curves[v]["model"].push_back(mean[s]);
      }
    }
  }
  return {{"text", "Self part of the intermediate scattering function of the ions on their sites, without vibrations; mean over the three Cartesian axes."},
          {"curves", std::move(curves)}};
}

json channels_json(const kinetics::KineticsInput& input, const Network& jumps, const kinetics::KineticsEstimate& estimate,
                   std::vector<NamedEstimate>& estimates) {
  if (jumps.states.size() < 2 || jumps.network.moves.empty()) return nullptr;
  const kinetics::NetworkTransport transport = kinetics::network_transport(jumps.moments);
  const Mat3 reciprocal = transpose(inverse(input.lattice_rows_ang));
  json object{{"text", "From the jumps one frame apart."}, {"directions", json::array()}};
  if (!estimate.lags.empty() && estimate.lags[0].lag_frames == 1 && estimate.lags[0].diffusion_ang2_fs) {
    const Estimate memoryless = per_ps(*estimate.lags[0].diffusion_ang2_fs);
    estimates.push_back({"diffusion_memoryless", memoryless, true, "ang2_per_ps", "of the jumps from frame to frame, as if each ion forgot where it came from"});
    object["text"] = fmt::format("From the jumps one frame apart. Without memory they would give D = {:.3g} Å²/ps.", memoryless.value);
    if (estimate.diffusion_msm_ang2_fs && memoryless.value > 0) {
      const double later = fs_per_ps * estimate.diffusion_msm_ang2_fs->value;
      object["text"] = fmt::format("From the jumps one frame apart. Without memory they would give D = {:.3g} Å²/ps; at the lag of the Markov model it is {:.3g}{}: a factor of {:.2f}{}.",
                                   memoryless.value, later, estimate.plateau ? "" : " (no plateau)", later / memoryless.value,
                                   later < memoryless.value ? ", as jumps back follow jumps" : "");
    }
  }
  for (int axis = 0; axis < 3; ++axis) {
    const double inverse_spacing = norm(reciprocal[axis]);
    const Vec3 n = (1 / inverse_spacing) * reciprocal[axis];
    const double along = dot(n, transport.diffusion_ang2 * n);
    json direction{{"name", std::string(1, static_cast<char>('a' + axis))}, {"text", ""},
                   {"progress", nullptr}, {"paths", json::array()}, {"channels", json::array()}};
    if (!(along > 0)) {
      direction["text"] = "No connected way across the cell was seen in this direction.";
      object["directions"].push_back(std::move(direction));
      continue;
    }
    std::vector<double> progress;
    for (std::size_t k = 0; k < jumps.states.size(); ++k) {
      const double at = inverse_spacing * dot(n, input.site_ang[static_cast<std::size_t>(jumps.states[k])] + transport.corrector_ang[k]);
      progress.push_back(at);
    }
    const double first = *std::min_element(progress.begin(), progress.end());
    for (double& at : progress) at -= first;
    direction["progress"] = per_site(jumps, input.site_ang.size(), progress);

    const std::vector<double> shares = kinetics::move_shares_ang2(jumps.network, transport, n);
    const std::vector<double> currents = kinetics::move_currents(jumps.network, transport, n);
    const auto image_of = [&](const Vec3& from, const Vec3& to, const Vec3& displacement) {
      const Vec3 shift = reciprocal * (displacement - (to - from));
      return json{std::llround(shift.x), std::llround(shift.y), std::llround(shift.z)};
    };
    const auto site = [&](int state) { return static_cast<std::size_t>(jumps.states[static_cast<std::size_t>(state)]); };
    std::vector<std::size_t> order;
    for (std::size_t m = 0; m < shares.size(); ++m)
      if (currents[m] > 0) order.push_back(m);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return shares[a] != shares[b] ? shares[a] > shares[b] : a < b; });
    for (std::size_t k = 0; k < std::min(order.size(), paths_shown); ++k) {
      const kinetics::NetworkMove& move = jumps.network.moves[order[k]];
      json path{site(move.from), site(move.to)};
      for (const json& step : image_of(input.site_ang[site(move.from)], input.site_ang[site(move.to)], move.displacement_ang)) path.push_back(step);
      path.push_back(2 * shares[order[k]] / along);  // and its reverse
      direction["paths"].push_back(std::move(path));
    }
    double carried = 0;
    const auto channels = kinetics::transport_channels(jumps.network, transport, n, 0.95, channels_shown);
    for (const kinetics::TransportChannel& channel : channels) {
      carried += channel.share;
      json sites = json::array();
      for (const std::size_t m : channel.moves) sites.push_back(site(jumps.network.moves[m].from));
      direction["channels"].push_back({{"sites", std::move(sites)}, {"image", image_of({}, {}, channel.displacement_ang)}, {"share", channel.share}});
    }
    direction["text"] = fmt::format("The {} widest ways through the crystal carry {:.0f} % of D along this direction.", channels.size(), 100 * carried);
    object["directions"].push_back(std::move(direction));
  }
  return object;
}

}  // namespace

void add_model_reading(const kinetics::KineticsInput& input, const kinetics::KineticsEstimate& estimate, int n_blocks, const Progress& progress,
                       json& page, std::vector<NamedEstimate>& estimates) {
  const auto add = [&](const char* name, json value) {
    if (!value.is_null()) page[name] = std::move(value);
  };
  if (estimate.reported) {
    const kinetics::LagEstimate& lag = estimate.lags[*estimate.reported];
    report_progress(progress, "slow modes", 0, 0);
    const Network network = network_of(input, lag.lag_frames);
    add("modes", modes_json(input, network, lag));
    add("chapman_kolmogorov", chapman_kolmogorov_json(input, lag.lag_frames, n_blocks, progress, estimates));
    report_progress(progress, "scattering", 0, 0);
    add("scattering", scattering_json(input, network, estimate, lag.lag_frames, n_blocks));
  }
  report_progress(progress, "transport channels", 0, 0);
  add("channels", channels_json(input, network_of(input, 1), estimate, estimates));
}

}  // namespace saltus::runs
