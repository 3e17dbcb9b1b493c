#include "saltus/cli/msm_output.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "saltus/base/text.hpp"
#include "saltus/kinetics/lag_dependence.hpp"
#include "saltus/kinetics/reversible_posterior.hpp"

namespace saltus::cli {

using json = nlohmann::ordered_json;
using namespace kinetics;

namespace {

constexpr std::size_t shown_states = 40;

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json numbers(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

json rows(const std::vector<double>& values, std::size_t columns) {
  json list = json::array();
  for (std::size_t k = 0; k < values.size(); k += columns)
    list.push_back(std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(k), values.begin() + static_cast<std::ptrdiff_t>(k + columns)));
  return list;
}

json estimate_json(const Estimate& e) { return {{"value", number(e.value)}, {"low", number(e.low)}, {"high", number(e.high)}}; }

/// "key", "low_key", "high_key"
template <typename Value, typename Interval>
void add_with_ends(json& document, const std::string& key, std::size_t count, const Value& value, const Interval& interval) {
  json values = json::array(), low = json::array(), high = json::array();
  for (std::size_t k = 0; k < count; ++k) {
    const std::optional<double> v = value(k);
    const std::optional<Estimate>& e = interval(k);
    values.push_back(v ? number(*v) : json(nullptr));
    low.push_back(e ? number(e->low) : json(nullptr));
    high.push_back(e ? number(e->high) : json(nullptr));
  }
  document[key] = std::move(values);
  document["low_" + key] = std::move(low);
  document["high_" + key] = std::move(high);
}

void add_timescales(json& document, const MarkovStudy& study) {
  add_with_ends(
      document, "implied_timescales_fs", study.timescales.size(), [&](std::size_t m) { return study.timescales[m].value_fs; },
      [&](std::size_t m) -> const std::optional<Estimate>& { return study.timescales[m].interval_fs; });
}

void add_search(json& document, const MarkovStudy& study) {
  document["residual"] = study.model.model.max_residual;
  document["relative_residual"] = study.model.model.max_relative_residual;
  document["iterations"] = study.model.model.iterations;
  document["converged"] = study.model.model.converged;
}

std::vector<int> named(const std::vector<int>& places, const MarkovStudy& study) {
  std::vector<int> states;
  for (const int place : places) states.push_back(study.model.set.states[static_cast<std::size_t>(place)]);
  return states;
}

json paths_json(const TransitionPaths& paths, const MarkovStudy& study) {
  json result{{"from", named(paths.from, study)},
              {"to", named(paths.to, study)},
              {"committor", paths.flux.forward},
              {"backward_committor", paths.flux.backward},
              {"flux_per_lag", paths.flux.total},
              {"flux_imbalance", paths.flux.imbalance},
              {"rate_per_fs", paths.rate_per_fs ? estimate_json(*paths.rate_per_fs) : json{{"value", paths.flux.rate}, {"low", nullptr}, {"high", nullptr}}},
              {"rate_note", paths.interval_note},
              {"mean_first_passage_fs", numbers(paths.first_passage_fs)}};
  json net = json::array(), list = json::array();
  for (const Transition& t : paths.flux.net) {
    net.push_back({{"from", study.model.set.states[static_cast<std::size_t>(t.from)]}, {"to", study.model.set.states[static_cast<std::size_t>(t.to)]}, {"flux_per_lag", t.probability}});
  }
  for (const ReactivePath& path : paths.paths) {
    list.push_back({{"states", named(path.states, study)}, {"flux_per_lag", path.flux}, {"share", path.share}});
  }
  const auto ends = [&](const char* key, const std::vector<std::optional<Estimate>>& interval) {
    for (const auto& [side, end] : {std::pair("low_", &Estimate::low), std::pair("high_", &Estimate::high)}) {
      json column = json::array();
      for (const std::optional<Estimate>& at : interval) column.push_back(at && std::isfinite((*at).*end) ? json((*at).*end) : json(nullptr));
      result[std::string(side) + key] = column.empty() ? json(nullptr) : std::move(column);
    }
  };
  ends("committor", paths.committor_interval);
  ends("mean_first_passage_fs", paths.first_passage_interval_fs);
  result["net_flux"] = std::move(net);
  result["paths"] = std::move(list);
  return result;
}

json posterior_json(const PosteriorStudy& posterior) {
  json list = json::array();
  for (const std::vector<double>& samples : posterior.timescale_fs) {
    if (samples.empty()) {
      list.push_back(nullptr);
      continue;
    }
    list.push_back({{"median", quantile(samples, 0.5)}, {"low", quantile(samples, 0.025)}, {"high", quantile(samples, 0.975)},
                    {"samples", samples.size()}, {"effective_samples", effective_sample_size(samples)}});
  }
  return {{"timescales_fs", std::move(list)}};
}

json test_json(const ChapmanKolmogorov& test) {
  json result{{"passed", test.passed},
              {"largest_sigmas", number(test.largest_sigmas)},
              {"allowed_sigmas", test.allowed_sigmas},
              {"largest_difference", test.largest_difference},
              {"note", test.note}};
  json list = json::array();
  for (const ForetoldProbability& p : test.probabilities) {
    list.push_back({{"from_set", p.from_set}, {"to_set", p.to_set}, {"lags", p.steps}, {"foretold", estimate_json(p.foretold)},
                    {"estimated", estimate_json(p.estimated)}, {"difference_sigmas", number(p.difference_sigmas)}});
  }
  result["probabilities"] = std::move(list);
  return result;
}

std::string interval_text(const std::optional<Estimate>& e) { return e ? fmt::format("{:.4g} … {:.4g}", e->low, e->high) : "-"; }

std::string states_text(const std::vector<int>& states) {
  std::string text;
  for (const int state : states) text += fmt::format("{}{}", text.empty() ? "" : " ", state);
  return text;
}

bool has_resolved_slowest(const MarkovStudy& at) { return !at.timescales.empty() && at.timescales[0].resolved && !at.timescales[0].replicate_fs.empty(); }

/// The first of the lags, in fs, from which on the slowest timescale is level.
std::optional<double> level_of(const MsmFindings& findings) {
  std::vector<const MarkovStudy*> lags;
  for (const MarkovStudy& at : findings.lags) lags.push_back(&at);
  std::stable_sort(lags.begin(), lags.end(), [](const MarkovStudy* a, const MarkovStudy* b) { return a->lag_frames < b->lag_frames; });
  std::vector<Timescale> slowest;
  for (const MarkovStudy* at : lags) slowest.push_back(at->timescales.empty() ? Timescale{} : at->timescales[0]);
  const auto from = level_from(slowest);
  return from ? std::optional(lags[*from]->lag_fs) : std::nullopt;
}

}  // namespace

json document_of(const MsmFindings& findings) {
  const MarkovStudy& study = findings.study;
  const ReversibleModel& model = study.model.model;
  const auto n = static_cast<std::size_t>(model.n_states);
  json document{{"input", findings.input}, {"estimator", findings.estimator}};
  if (!findings.counting.empty()) document["counting"] = findings.counting;
  if (!findings.counting.empty()) document["lag_frames"] = study.lag_frames;
  document["lag_fs"] = study.lag_fs;
  document["counts"] = study.n_counts;
  document["input_states"] = findings.n_input_states;
  document["states"] = study.model.set.states;
  document["dropped_counts"] = study.model.set.dropped_weight;
  document["dropped_population"] = study.model.set.dropped_population;
  add_with_ends(
      document, "stationary", n, [&](std::size_t i) { return std::optional(model.pi[i]); },
      [&](std::size_t i) -> const std::optional<Estimate>& { return study.stationary[i]; });
  add_timescales(document, study);
  document["interval_method"] = study.interval_method;
  add_search(document, study);
  document["imbalance"] = model.max_imbalance;
  if (study.model.reversible) document["timescales_converged"] = study.modes.converged;
  if (model.n_states <= dense_states) document["transition"] = rows(dense_transition_matrix(model.n_states, model.transitions), n);
  if (!findings.lags.empty()) {
    document["lags"] = json::array();
    for (const MarkovStudy& at : findings.lags) {
      json row{{"lag_frames", at.lag_frames}, {"lag_fs", at.lag_fs}, {"counts", at.n_counts}, {"connected_states", at.model.set.states.size()},
               {"dropped_population", at.model.set.dropped_population}};
      add_timescales(row, at);
      json resolved = json::array();
      for (const Timescale& timescale : at.timescales) resolved.push_back(timescale.resolved);
      row["resolved"] = std::move(resolved);
      add_search(row, at);
      document["lags"].push_back(std::move(row));
    }
    const auto level = level_of(findings);
    document["timescale_level_from_fs"] = level ? json(*level) : json(nullptr);
  }
  if (findings.sets) {
    const auto m = static_cast<std::size_t>(findings.sets->n_sets);
    document["sets"] = {{"populations", findings.sets->population}, {"crispness", findings.sets->crispness}, {"set_of_state", findings.sets->set_of},
                        {"memberships", rows(findings.sets->membership, m)}};
  }
  if (findings.test) document["chapman_kolmogorov"] = test_json(*findings.test);
  if (findings.posterior) document["posterior"] = posterior_json(*findings.posterior);
  if (findings.paths) document["transition_paths"] = paths_json(*findings.paths, study);
  document["warnings"] = findings.warnings;
  return document;
}

std::string text_of(const MsmFindings& findings) {
  const MarkovStudy& study = findings.study;
  const ReversibleModel& model = study.model.model;
  std::string text = fmt::format("{}: {:.8g} counts at a lag of {:.6g} fs, {} of {} states connected, {:.4g} % of the counts start outside\n",
                                 findings.input, study.n_counts, study.lag_fs, model.n_states, findings.n_input_states,
                                 100 * study.model.set.dropped_population);
  text += fmt::format("{}: {} after {} iterations, residual {:.1e}\n", findings.estimator,
                      model.converged ? "converged" : "NOT CONVERGED", model.iterations, model.max_residual);
  text += fmt::format("95 % from: {}\n", study.interval_method);
  text += fmt::format("\n{:>4} {:>16} {:>28}\n", "mode", "timescale, fs", "95 %, fs");
  for (std::size_t m = 0; m < study.timescales.size(); ++m) {
    const Timescale& t = study.timescales[m];
    text += fmt::format("{:>4} {:>16} {:>28}{}\n", m + 1, t.value_fs ? fmt::format("{:.6g}", *t.value_fs) : "none", interval_text(t.interval_fs),
                        t.value_fs && !t.resolved ? "  faster than the lag" : "");
  }
  if (!findings.lags.empty()) {
    text += fmt::format("\n{:>12} {:>16} {:>28} {:>16} {:>8}\n", "lag, fs", "slowest, fs", "95 %, fs", "second, fs", "states");
    for (const MarkovStudy& at : findings.lags) {
      const auto value = [&](std::size_t m) { return m < at.timescales.size() && at.timescales[m].value_fs ? fmt::format("{:.6g}", *at.timescales[m].value_fs) : "none"; };
      text += fmt::format("{:>12.6g} {:>16} {:>28} {:>16} {:>8}\n", at.lag_fs, value(0), at.timescales.empty() ? "-" : interval_text(at.timescales[0].interval_fs), value(1),
                          at.model.set.states.size());
    }
    if (const auto level = level_of(findings)) text += fmt::format("the slowest timescale is level from {:.6g} fs on\n", *level);
    else if (std::count_if(findings.lags.begin(), findings.lags.end(), has_resolved_slowest) > 2)
      text += "not Markovian at any of these lags: from none on is the slowest timescale level, three at least agreeing\n";
  }
  std::vector<std::size_t> order(model.pi.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (order.size() > shown_states) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return model.pi[a] > model.pi[b]; });
    order.resize(shown_states);
  }
  text += fmt::format("\n{:>8} {:>14} {:>28}{}{}\n", "state", "stationary", "95 %", findings.sets ? "   set" : "", findings.paths ? "     committor            95 %   passage, fs                 95 %" : "");
  for (const std::size_t i : order) {
    text += fmt::format("{:>8} {:>14.6g} {:>28}", study.model.set.states[i], model.pi[i], interval_text(study.stationary[i]));
    if (findings.sets) text += fmt::format(" {:>5}", findings.sets->set_of[i]);
    if (findings.paths) {
      const TransitionPaths& paths = *findings.paths;
      const auto ends = [&](const std::vector<std::optional<Estimate>>& interval) {
        return i < interval.size() && interval[i] ? fmt::format("{:.3g} … {:.3g}", interval[i]->low, interval[i]->high) : std::string("-");
      };
      text += fmt::format(" {:>13.6g} {:>15} {:>13.6g} {:>20}", paths.flux.forward[i], ends(paths.committor_interval), paths.first_passage_fs[i], ends(paths.first_passage_interval_fs));
    }
    text += "\n";
  }
  if (order.size() < model.pi.size()) text += fmt::format("… and {} more, less often visited; --json has all\n", model.pi.size() - order.size());
  if (findings.sets) {
    text += fmt::format("\n{} sets, crispness {:.3f}:", findings.sets->n_sets, findings.sets->crispness);
    for (const double p : findings.sets->population) text += fmt::format(" {:.4g}", p);
    text += "\n";
  }
  if (findings.test) {
    const ChapmanKolmogorov& test = *findings.test;
    text += fmt::format("\nChapman-Kolmogorov test {}: largest difference {:.3g}, {:.2f} standard errors; {:.2f} allowed for all together{}\n",
                        test.passed ? "passed" : "FAILED", test.largest_difference, test.largest_sigmas, test.allowed_sigmas,
                        test.note.empty() ? "" : "; " + test.note);
  }
  if (findings.posterior) {
    text += fmt::format("\n{:>4} {:>16} {:>28} {:>10}\n", "mode", "median, fs", "95 % of samples, fs", "effective");
    for (std::size_t m = 0; m < findings.posterior->timescale_fs.size(); ++m) {
      const std::vector<double>& samples = findings.posterior->timescale_fs[m];
      if (samples.empty()) continue;
      text += fmt::format("{:>4} {:>16.6g} {:>28} {:>10.0f}\n", m + 1, quantile(samples, 0.5),
                          fmt::format("{:.4g} … {:.4g}", quantile(samples, 0.025), quantile(samples, 0.975)), effective_sample_size(samples));
    }
  }
  if (findings.paths) {
    const TransitionPaths& paths = *findings.paths;
    text += fmt::format("\nfrom {} to {}: rate {:.6g} per fs", states_text(named(paths.from, study)), states_text(named(paths.to, study)), paths.flux.rate);
    text += paths.rate_per_fs ? fmt::format(" (95 %: {:.4g} … {:.4g})\n", paths.rate_per_fs->low, paths.rate_per_fs->high) : "\n";
    text += fmt::format("95 % from: {}\n{:>10} {:>10}  path\n", paths.interval_note, "share", "flux");
    for (const ReactivePath& path : paths.paths) text += fmt::format("{:>10.4f} {:>10.4g}  {}\n", path.share, path.flux, states_text(named(path.states, study)));
  }
  return text;
}

std::string csv_of(const MsmFindings& findings) {
  const MarkovStudy& study = findings.study;
  std::string text = "state,stationary,low_stationary,high_stationary";
  if (findings.sets) {
    text += ",set";
    for (int k = 0; k < findings.sets->n_sets; ++k) text += fmt::format(",membership_{}", k);
  }
  if (findings.paths) text += ",committor,low_committor,high_committor,backward_committor,mean_first_passage_fs,low_mean_first_passage_fs,high_mean_first_passage_fs";
  text += "\n";
  const auto field = [](double value) { return std::isfinite(value) ? shortest(value) : std::string(); };
  for (std::size_t i = 0; i < study.model.model.pi.size(); ++i) {
    const auto& e = study.stationary[i];
    text += fmt::format("{},{},{},{}", study.model.set.states[i], field(study.model.model.pi[i]), e ? field(e->low) : "", e ? field(e->high) : "");
    if (findings.sets) {
      const auto m = static_cast<std::size_t>(findings.sets->n_sets);
      text += fmt::format(",{}", findings.sets->set_of[i]);
      for (std::size_t k = 0; k < m; ++k) text += fmt::format(",{}", field(findings.sets->membership[i * m + k]));
    }
    if (findings.paths) {
      const auto with_ends = [&](double value, const std::vector<std::optional<Estimate>>& interval) {
        const Estimate* at = i < interval.size() && interval[i] ? &*interval[i] : nullptr;
        return fmt::format("{},{},{}", field(value), at ? field(at->low) : "", at ? field(at->high) : "");
      };
      text += fmt::format(",{},{},{}", with_ends(findings.paths->flux.forward[i], findings.paths->committor_interval), field(findings.paths->flux.backward[i]),
                          with_ends(findings.paths->first_passage_fs[i], findings.paths->first_passage_interval_fs));
    }
    text += "\n";
  }
  return text;
}

}  // namespace saltus::cli
