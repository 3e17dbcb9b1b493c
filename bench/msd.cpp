// Mean-square displacement and D of walks in a file, for bench/msd.py: bench_msd POSITIONS.npy BLOCKS LAG…, an array
// [frame, 3 particles] in Å, frames 1 fs apart. Prints the best CPU time of several rounds and what came out, as JSON; reading is not timed.
#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "bench/best_seconds.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/number_table.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/tensor.hpp"

using namespace saltus;
using namespace saltus::kinetics;

int main(int count, char** argument) {
  if (count < 4) return 2;
  set_thread_count(1);
  const NumberTable table = read_number_table(argument[1]);
  std::vector<Vec3> position;
  for (std::size_t k = 0; k + 2 < table.value.size(); k += 3) position.push_back({table.value[k], table.value[k + 1], table.value[k + 2]});
  std::vector<std::int64_t> lags;
  for (int k = 3; k < count; ++k) lags.push_back(std::atoll(argument[k]));
  MsdCurve curve;
  DiffusionFit fit;
  const double msd_seconds = best_seconds(3, [&] { curve = mean_square_displacement(position, table.columns / 3, lags, std::atoi(argument[2])); });
  const double fit_seconds = best_seconds(3, [&] { fit = fit_diffusion(curve, 1); });
  std::vector<double> msd;
  for (const Mat3& tensor : curve.tensor_ang2) msd.push_back(trace(tensor));
  const Estimate &d = fit.diffusion_ang2_fs, &model = fit.model_diffusion_ang2_fs;
  fmt::print("{{\"seconds\": {}, \"fit_seconds\": {}, \"diffusion\": [{}, {}, {}], \"model\": [{}, {}, {}], \"msd\": [{}]}}\n", msd_seconds, fit_seconds, d.value, d.low,
             d.high, model.value, model.low, model.high, fmt::join(msd, ", "));
  return 0;
}
