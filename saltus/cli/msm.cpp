// saltus msm DTRAJ | --counts FILE: a Markov state model and what it says.
#include "saltus/cli/commands.hpp"

#include <cmath>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/io/number_table.hpp"
#include "saltus/kinetics/implied_timescales.hpp"
#include "saltus/kinetics/markov_model.hpp"

namespace saltus::cli {

namespace {

using json = nlohmann::ordered_json;
using namespace kinetics;

struct Options {
  std::string counts;
  double lag_fs = 1;
  bool json = false;
};

CountMatrix read_counts(const std::string& path) {
  const NumberTable table = read_number_table(path);
  if (!table.note.empty()) print_warning(path + ": " + table.note);
  if (table.rows != table.columns) {
    throw Error(ErrorKind::format,
                fmt::format("{}: a matrix of {} rows and {} columns; counts form a square one", path, table.rows, table.columns));
  }
  if (table.rows > 100000) throw Error(ErrorKind::unsupported, fmt::format("{}: {} states", path, table.rows));
  CountMatrix counts{static_cast<int>(table.rows), {}};
  for (std::size_t i = 0; i < table.rows; ++i)
    for (std::size_t j = 0; j < table.columns; ++j) {
      const double count = table.value[i * table.columns + j];
      if (count < 0)
        throw Error(ErrorKind::format, fmt::format("{}: row {}, column {}: {} is negative, counts are not", path, i + 1, j + 1, count));
      if (count > 0) counts.entries.push_back({static_cast<int>(i), static_cast<int>(j), count});
    }
  return counts;
}

int run(const Options& options) {
  const CountMatrix counts = read_counts(options.counts);
  const MarkovModel model = estimate_markov_model(counts);
  json document{{"states", model.set.states}, {"stationary", model.model.pi}};
  const auto n = static_cast<std::size_t>(model.model.n_states);
  if (n <= 2000) {
    const std::vector<double> dense = dense_transition_matrix(model.model.n_states, model.model.transitions);
    json rows = json::array();
    for (std::size_t i = 0; i < n; ++i) rows.push_back(std::vector<double>(dense.begin() + static_cast<long>(i * n), dense.begin() + static_cast<long>((i + 1) * n)));
    document["transition"] = std::move(rows);
  }
  document["implied_timescales_fs"] = json::array();
  for (const auto& timescale : implied_timescales(model.model.n_states, model.model.transitions, options.lag_fs, 10))
    document["implied_timescales_fs"].push_back(timescale ? json(*timescale) : json(nullptr));
  document["residual"] = model.model.max_residual;
  document["iterations"] = model.model.iterations;
  document["converged"] = model.model.converged;
  fmt::print("{}\n", document.dump(n > 20 ? -1 : 2));
  return 0;
}

}  // namespace

std::function<int()> set_up_msm(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("--counts", options->counts, "count matrix: text or .npy, rows = from")->type_name("FILE");
  app.add_option("--lag-fs", options->lag_fs, "lag of the counts, fs (default 1)")->check(CLI::PositiveNumber);
  app.add_flag("--json", options->json, "one JSON document instead of a table");
  app.footer("Example:\n  saltus msm --counts counts.txt --lag-fs 1000");
  return [options] { return run(*options); };
}

}  // namespace saltus::cli
