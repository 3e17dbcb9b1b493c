// Accuracy and coverage of D(z) from first exits on synthetic Markov data with known answers: 2000 particles × 400 ps in 40 Å, frames of 0.1 ps, windows
// of half-width 1 Å, 1 Å apart. A table, not a benchmark: bench_first_passage [seeds per shape: 3] [particles: 2000] [Å between knots: 1]
// [first shape: 0]. With 3 seeds about 3 minutes on two cores.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "saltus/kinetics/diffusion_profile.hpp"
#include "tests/kinetics/synthetic_exits.hpp"

int main(int argc, char** argv) {
  using namespace saltus::kinetics;
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 3;
  const auto particles = static_cast<std::size_t>(argc > 2 ? std::atoi(argv[2]) : 2000);
  std::printf("%-34s %7s %7s %7s %9s %8s %6s %6s %6s %6s\n", "shape", "RMS %", "max %", "mean %", "covered %", "F cov. %", "sigma", "misfit", "chi2", "fit s");
  const std::vector<Synthetic> systems = synthetic_systems();
  for (std::size_t shape = argc > 4 ? static_cast<std::size_t>(std::atoi(argv[4])) : 0; shape < systems.size(); ++shape) {
    const Synthetic& system = systems[shape];
    double square = 0, most = 0, sum = 0, covered = 0, covered_f = 0, points = 0, sigma = 1, misfit = 1, chi2 = 0, seconds = 0;
    for (int seed = 0; seed < seeds; ++seed) {
      const auto paths = brownian_paths(system, particles, 4000, 100, static_cast<std::uint64_t>(1000 + seed));
      const ExitData data = count_exits(system, paths, 100, {1});
      const auto begin = std::chrono::steady_clock::now();
      DiffusionProfileSettings settings;
      if (argc > 3) settings.knot_spacing_ang = std::atof(argv[3]);
      const DiffusionProfile profile = fit_diffusion_profile(data, settings);
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / seeds;
      double mean_density = 0;
      for (int k = 0; k < 4000; ++k) mean_density += std::exp(-system.free_energy_kt(0.01 * k + 0.005)) / 4000;
      for (const ProfilePoint& p : profile.points) {
        const double truth = system.diffusion_ang2_fs(p.z_ang), error = p.diffusion_ang2_fs.value / truth - 1;
        square += error * error;
        most = std::max(most, std::abs(error));
        sum += error;
        covered += p.diffusion_ang2_fs.low <= truth && truth <= p.diffusion_ang2_fs.high;
        const double f = system.free_energy_kt(p.z_ang) + std::log(mean_density);
        covered_f += p.free_energy_kt.low <= f && f <= p.free_energy_kt.high;
        ++points;
      }
      sigma *= std::pow(profile.penalty_sigma, 1.0 / seeds);
      misfit *= std::pow(profile.misfit, 1.0 / seeds);
      chi2 += profile.chi2_per_datum / seeds;
    }
    std::printf("%-34s %7.2f %7.2f %7.2f %9.1f %8.1f %6.3f %6.2f %6.2f %6.2f\n", system.name.c_str(), 100 * std::sqrt(square / points), 100 * most, 100 * sum / points,
                100 * covered / points, 100 * covered_f / points, sigma, misfit, chi2, seconds);
    std::fflush(stdout);
  }
}
