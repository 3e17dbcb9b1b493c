// saltus msm DTRAJ | --counts FILE: a Markov state model and what it says.
#include "saltus/cli/commands.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/msm_output.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/io/number_table.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/reversible_posterior.hpp"

namespace saltus::cli {

namespace {

using namespace kinetics;

struct Options {
  std::string states, counts, stationary;
  std::int64_t lag = 1;
  double lag_fs = 1, time_step_fs = 1;
  std::vector<std::int64_t> lags;
  std::string counting = "sliding";
  bool free = false;
  int timescales = 10, blocks = 10, sets = 0, test = 0, samples = 0;
  std::uint64_t seed = 1;
  std::vector<int> from, to;
  bool json = false;
  std::vector<std::string> output;
};

CountMatrix read_counts(const std::string& path, std::vector<std::string>& warnings) {
  const NumberTable table = read_number_table(path);
  if (!table.note.empty()) warnings.push_back(path + ": " + table.note);
  if (table.rows != table.columns) {
    throw Error(ErrorKind::format,
                fmt::format("{}: a matrix of {} rows and {} columns; counts form a square one", path, table.rows, table.columns));
  }
  CountMatrix counts{static_cast<int>(table.rows), {}};
  for (std::size_t i = 0; i < table.rows; ++i)
    for (std::size_t j = 0; j < table.columns; ++j) {
      const double count = table.value[i * table.columns + j];
      if (count < 0)
        throw Error(ErrorKind::format, fmt::format("{}: row {}, column {}: {} is negative, counts are not", path, i + 1, j + 1, count));
      if (count > 0) counts.entries.push_back({static_cast<int>(i), static_cast<int>(j), count});
    }
  if (counts.entries.empty()) throw Error(ErrorKind::format, path + ": all counts are zero");
  return counts;
}

Counting counting_of(const std::string& name) {
  return name == "strided" ? Counting::strided : name == "effective" ? Counting::effective : Counting::sliding;
}

std::vector<int> places_of(const std::vector<int>& states, const MsmFindings& findings, const char* option) {
  std::vector<int> places;
  for (const int state : states) {
    if (state < 0 || state >= findings.n_input_states)
      throw Error(ErrorKind::usage, fmt::format("{} {}: there are the states 0 to {}", option, state, findings.n_input_states - 1));
    const int place = findings.study.model.set.index_of[static_cast<std::size_t>(state)];
    if (place < 0) throw Error(ErrorKind::usage, fmt::format("{} {}: this state is outside the connected set", option, state));
    places.push_back(place);
  }
  return places;
}

TransitionPaths find_paths(const Options& options, const MsmFindings& findings) {
  TransitionPaths paths;
  const MarkovStudy& study = findings.study;
  paths.from = places_of(options.from, findings, "--from");
  paths.to = places_of(options.to, findings, "--to");
  const ReversibleModel& model = study.model.model;
  const Chain chain{model.n_states, model.transitions, model.pi, study.model.reversible};
  paths.flux = reactive_flux(chain, study.lag_fs, paths.from, paths.to);
  paths.paths = pathways(paths.flux, model.n_states, paths.from, paths.to);
  paths.first_passage_fs = mean_first_passage(chain, study.lag_fs, paths.to);
  if (study.replicates.empty()) {
    paths.interval_note = "no blocks of time; --bayes gives an interval";
    return paths;
  }
  const auto n = static_cast<std::size_t>(model.n_states);
  std::vector<double> rates;
  std::vector<std::vector<double>> committor(n), first_passage_fs(n);
  for (const MarkovModel& replicate : study.replicates) {
    std::vector<int> from, to;
    for (const auto& [states, places] : {std::pair(&options.from, &from), std::pair(&options.to, &to)})
      for (const int state : *states) {
        const int place = replicate.set.index_of[static_cast<std::size_t>(state)];
        if (place >= 0) places->push_back(place);
      }
    if (from.size() != options.from.size() || to.size() != options.to.size()) {
      paths.interval_note = "none: without some block of time a state of --from or --to is not connected";
      return paths;
    }
    const Chain without{replicate.model.n_states, replicate.model.transitions, replicate.model.pi, replicate.reversible};
    const ReactiveFlux flux = reactive_flux(without, study.lag_fs, from, to);
    rates.push_back(flux.rate);
    const std::vector<double> times = mean_first_passage(without, study.lag_fs, to);
    for (std::size_t i = 0; i < n; ++i) {
      const int place = replicate.set.index_of[static_cast<std::size_t>(study.model.set.states[i])];
      if (place < 0) continue;
      committor[i].push_back(flux.forward[static_cast<std::size_t>(place)]);
      first_passage_fs[i].push_back(times[static_cast<std::size_t>(place)]);
    }
  }
  paths.interval_note = study.interval_method;
  paths.rate_per_fs = jackknife_estimate_of_positive(paths.flux.rate, rates);
  paths.committor_interval.resize(n);
  paths.first_passage_interval_fs.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (committor[i].size() < study.replicates.size()) continue;  // a state that some block alone connects
    Estimate& q = paths.committor_interval[i].emplace(jackknife_estimate(paths.flux.forward[i], committor[i]));
    q.low = std::max(q.low, 0.0);
    q.high = std::min(q.high, 1.0);
    if (paths.first_passage_fs[i] > 0) paths.first_passage_interval_fs[i] = jackknife_estimate_of_positive(paths.first_passage_fs[i], first_passage_fs[i]);
    else paths.first_passage_interval_fs[i] = Estimate{0, 0, 0};  // in the target
  }
  return paths;
}

void check_output(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const std::string extension = std::filesystem::path(file).extension().string();
    if (extension != ".json" && extension != ".npy" && extension != ".csv")
      throw Error(ErrorKind::usage, fmt::format("--output {}: the name must end in .json (all), .npy (transition matrix) or .csv (a row per state)", file));
  }
}

void write_output(const std::vector<std::string>& files, const MsmFindings& findings) {
  for (const std::string& file : files) {
    const std::string extension = std::filesystem::path(file).extension().string();
    const ReversibleModel& model = findings.study.model.model;
    if (extension == ".json") {
      write_file_atomically(file, document_of(findings).dump(2) + "\n");
    } else if (extension == ".csv") {
      write_file_atomically(file, csv_of(findings));
    } else {
      if (model.n_states > 20000) throw Error(ErrorKind::unsupported, fmt::format("{}: a whole matrix of {} states", file, model.n_states));
      const auto n = static_cast<std::size_t>(model.n_states);
      write_file_atomically(file, npy_bytes(n, n, dense_transition_matrix(model.n_states, model.transitions)));
    }
  }
}

void warn(MsmFindings& findings) {
  const MarkovStudy& study = findings.study;
  const ConnectedSet& set = study.model.set;
  if (set.dropped_weight > 0)
    findings.warnings.push_back(fmt::format("{} of {} visited states are connected; {:.6g} counts, {:.3g} % of the population, are outside and dropped",
                                            set.states.size(), set.n_visited_states, set.dropped_weight, 100 * set.dropped_population));
  if (!study.model.model.converged)
    findings.warnings.push_back(fmt::format("the estimate did not converge: residual {:.1e}, relative to leaving {:.1e}", study.model.model.max_residual,
                                            study.model.model.max_relative_residual));
  if (!study.modes.converged) findings.warnings.push_back("the timescales did not converge");
  if (findings.posterior)
    for (const std::vector<double>& samples : findings.posterior->timescale_fs)
      if (!samples.empty() && effective_sample_size(samples) < 100) {
        findings.warnings.push_back("the posterior samples of some timescale are worth fewer than 100 independent ones; take more (--bayes)");
        break;
      }
}

int run(const Options& options) {
  if (options.states.empty() == options.counts.empty())
    throw Error(ErrorKind::usage, "give either a discrete trajectory or --counts FILE");
  if (options.from.empty() != options.to.empty()) throw Error(ErrorKind::usage, "--from and --to are given together");
  if (!options.counts.empty() && (!options.lags.empty() || options.test > 0))
    throw Error(ErrorKind::usage, "--lags and --ck need a discrete trajectory; a count matrix has one lag");
  if (options.free && (!options.stationary.empty() || options.sets > 0 || options.test > 0))
    throw Error(ErrorKind::usage, "--stationary, --pcca and --ck are for reversible models; leave out --free");
  if (!options.stationary.empty() && options.samples > 0) throw Error(ErrorKind::usage, "--bayes samples models without prescribed probabilities");
  if (options.test == 1) throw Error(ErrorKind::usage, "--ck 1 compares nothing; take 2 or more");
  check_output(options.output);

  MsmFindings findings;
  findings.input = options.counts.empty() ? options.states : options.counts;
  findings.estimator = options.free ? "without detailed balance" : options.stationary.empty() ? "reversible" : "reversible, stationary prescribed";
  MarkovStudySettings settings;
  settings.model.reversible = !options.free;
  settings.counting = counting_of(options.counting);
  settings.n_timescales = options.timescales;
  settings.n_blocks = options.blocks;
  if (!options.stationary.empty()) settings.model.stationary = read_number_table(options.stationary).value;
  // Sets need as many modes.
  const int n_sets = options.test > 0 && options.sets == 0 ? 2 : options.sets;

  std::optional<DiscreteTrajectory> trajectory;
  const auto with_modes = [&] {
    MarkovStudySettings more = settings;
    more.n_timescales = std::max(settings.n_timescales, n_sets + 3);
    return more;
  };
  if (!options.counts.empty()) {
    const CountMatrix counts = read_counts(options.counts, findings.warnings);
    findings.n_input_states = counts.n_states;
    findings.study = study_counts(counts, options.lag_fs, with_modes());
  } else {
    StateTable table = read_state_table(options.states);
    if (!table.note.empty()) findings.warnings.push_back(options.states + ": " + table.note);
    try {
      trajectory.emplace(std::move(table.carrier));
    } catch (const Error& error) {
      throw with_place(error, options.states);
    }
    findings.counting = options.counting;
    findings.n_input_states = trajectory->n_states();
    findings.study = study_trajectory(*trajectory, options.lag, options.time_step_fs, with_modes());
    const Progress progress = progress_line();
    for (const std::int64_t lag : options.lags) {
      findings.lags.push_back(study_trajectory(*trajectory, lag, options.time_step_fs, settings));
      report_progress(progress, "lags", static_cast<double>(findings.lags.size()), static_cast<double>(options.lags.size()), "lags");
    }
  }
  if (findings.study.timescales.size() > static_cast<std::size_t>(settings.n_timescales))
    findings.study.timescales.resize(static_cast<std::size_t>(settings.n_timescales));
  if (n_sets > 0) findings.sets = metastable_sets(findings.study.modes, findings.study.model.model.pi, n_sets);
  if (options.test > 0)
    findings.test = test_chapman_kolmogorov(*trajectory, findings.study, *findings.sets, options.test, options.time_step_fs, settings, progress_line());
  if (!options.from.empty()) findings.paths = find_paths(options, findings);
  if (options.samples > 0) {
    PosteriorSettings posterior;
    posterior.samples = options.samples;
    posterior.seed = options.seed;
    posterior.n_timescales = options.timescales;
    posterior.reversible = !options.free;
    const std::vector<int> none;
    findings.posterior = sample_posterior(independent_counts(findings.study, options.counts.empty() ? settings.counting : Counting::strided),
                                          findings.study.lag_fs, posterior, findings.paths ? findings.paths->from : none,
                                          findings.paths ? findings.paths->to : none, progress_line());
    if (findings.paths && !findings.paths->rate_per_fs) {
      const std::vector<double>& rates = findings.posterior->rate_per_fs;
      findings.paths->rate_per_fs = {findings.paths->flux.rate, quantile(rates, 0.025), quantile(rates, 0.975)};
      findings.paths->interval_note = fmt::format("{} samples of the posterior", rates.size());
    }
  }
  warn(findings);
  for (const std::string& warning : findings.warnings) print_warning(warning);
  write_output(options.output, findings);
  if (options.json) {
    print_json(document_of(findings), findings.study.model.model.n_states > 20 ? -1 : 2);
  } else {
    fmt::print("{}", text_of(findings));
  }
  return 0;
}

}  // namespace

std::function<int()> set_up_msm(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("DTRAJ", options->states, "states in time: whole numbers, a line per frame, a column per carrier; below 0: none")->type_name("FILE");
  app.add_option("--counts", options->counts, "transition counts instead: a square matrix, row = from")->type_name("FILE");
  app.add_option("--lag", options->lag, "lag of the model, frames (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--time-step-fs", options->time_step_fs, "time between frames of DTRAJ, fs (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--lag-fs", options->lag_fs, "lag of the counts of --counts, fs (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--counting", options->counting, "pairs of frames a lag apart (default sliding)")->check(CLI::IsMember({"sliding", "strided", "effective"}));
  app.add_flag("--free", options->free, "without detailed balance");
  app.add_option("--stationary", options->stationary, "prescribed stationary probabilities, one per state")->type_name("FILE");
  app.add_option("--timescales", options->timescales, "how many, slowest first (default 10)")->check(CLI::Range(1, 1000));
  app.add_option("--lags", options->lags, "timescales at these lags too, frames, e.g. 1,2,5 (default none)")->delimiter(',')->allow_extra_args(false)->check(CLI::PositiveNumber);
  app.add_option("--pcca", options->sets, "metastable sets by PCCA+ (default none)")->check(CLI::Range(2, 100));
  app.add_option("--ck", options->test, "Chapman-Kolmogorov test up to N lags, of --pcca sets or 2 (default none)")->check(CLI::Range(1, 1000));
  app.add_option("--from", options->from, "transition paths from these states, e.g. 0,1 (default none)")->delimiter(',')->allow_extra_args(false);
  app.add_option("--to", options->to, "... to these; first-passage times to them (default none)")->delimiter(',')->allow_extra_args(false);
  app.add_option("--bayes", options->samples, "samples of the posterior, for intervals of their own (default none)")->check(CLI::Range(100, 10000000));
  app.add_option("--seed", options->seed, "of the samples (default 1)");
  app.add_option("--blocks", options->blocks, "time blocks behind the 95 % intervals (default 10)")->check(CLI::Range(2, 1000));
  app.add_flag("--json", options->json, "one JSON document instead of a table");
  app.add_option("--output", options->output, "files: .json all, .npy transition matrix, .csv a row per state")->type_name("FILE")->delimiter(',')->allow_extra_args(false);
  app.footer(
      "Files are text (# begins a comment) or .npy. The largest strongly connected set of states is kept, what is\n"
      "dropped is told; states are numbered as in the input, from 0.\n\nExample:\n"
      "  saltus msm examples/markov/double_well.txt --lag 10 --lags 1,5,10,20,50 --pcca 2 --ck 5");
  return [options] { return run(*options); };
}

}  // namespace saltus::cli
