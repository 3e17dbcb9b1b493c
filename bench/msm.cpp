// One task of Markov models on files, for bench/msm.py: bench_msm count STATES.npy LAG | mle COUNTS.npy | timescales COUNTS.npy N,
// COUNTS rows of (from, to, count). Prints the best CPU time of several rounds and what came out, as JSON; reading is not timed.
#include <algorithm>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "bench/best_seconds.hpp"
#include "saltus/io/number_table.hpp"
#include "saltus/kinetics/discrete_trajectory.hpp"
#include "saltus/kinetics/reversible_model.hpp"
#include "saltus/kinetics/slow_modes.hpp"

namespace {

using namespace saltus;
using namespace saltus::kinetics;

CountMatrix read_counts(const std::string& path) {
  const NumberTable table = read_number_table(path);
  CountMatrix counts;
  for (std::size_t k = 0; k < table.rows; ++k) {
    const double* row = table.value.data() + 3 * k;
    counts.entries.push_back({static_cast<int>(row[0]), static_cast<int>(row[1]), row[2]});
    counts.n_states = std::max({counts.n_states, static_cast<int>(row[0]) + 1, static_cast<int>(row[1]) + 1});
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string task = argc > 2 ? argv[1] : "";
  if (task == "count" && argc > 3) {
    std::vector<std::vector<std::int32_t>> states = read_state_table(argv[2]).carrier;
    double sum = 0;
    const std::int64_t lag = std::atoll(argv[3]);
    const std::clock_t begin = std::clock();
    const DiscreteTrajectory trajectory(std::move(states));
    const double scan = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    const double seconds = best_seconds(3, [&] {
      sum = 0;
      for (const CountEntry& entry : trajectory.count(lag).entries) sum += entry.count;
    });
    fmt::print("{{\"seconds\": {}, \"scan_seconds\": {}, \"counts\": {}}}\n", seconds, scan, sum);
    return 0;
  }
  if (task != "mle" && task != "timescales") return 2;
  const CountMatrix counts = read_counts(argv[2]);
  ReversibleModel model = estimate_reversible(counts);
  if (task == "mle") {
    const double seconds = best_seconds(3, [&] { model = estimate_reversible(counts); });
    fmt::print("{{\"seconds\": {}, \"residual\": {}, \"iterations\": {}, \"converged\": {}}}\n", seconds, model.max_residual, model.iterations,
               model.converged);
    return 0;
  }
  SlowModes modes;
  const double seconds = best_seconds(3, [&] { modes = slow_modes(model.n_states, model.transitions, model.pi, argc > 3 ? std::atoi(argv[3]) : 5); });
  fmt::print("{{\"seconds\": {}, \"slowest\": {}}}\n", seconds, timescale_of(modes.mu[0], 1).value_or(0));
  return 0;
}
