#include "saltus/kinetics/site_scattering.hpp"

#include <cmath>
#include <complex>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

double counted_scattering(const TransitionCounts& counts, std::span<const Vec3> site_ang, const Mat3& lattice_rows_ang,
                          const Vec3& wave_vector_per_ang) {
  if (site_ang.size() != static_cast<std::size_t>(counts.n_states)) throw Error(ErrorKind::usage, "scattering: one site position per state is needed");
  double sum = 0, total = 0;
  for (const TransitionCount& entry : counts.entries) {
    const Vec3 shift = Vec3{double(entry.image[0]), double(entry.image[1]), double(entry.image[2])} * lattice_rows_ang;
    const Vec3 displacement = site_ang[static_cast<std::size_t>(entry.to)] - site_ang[static_cast<std::size_t>(entry.from)] + shift;
    sum += static_cast<double>(entry.count) * std::cos(dot(wave_vector_per_ang, displacement));
    total += static_cast<double>(entry.count);
  }
  if (!(total > 0)) throw Error(ErrorKind::usage, "scattering: no pair of frames is this lag apart");
  return sum / total;
}

std::vector<double> lag_scattering(const JumpNetwork& network, const Vec3& wave_vector_per_ang, std::span<const std::int64_t> steps) {
  const std::size_t n = network.pi.size();
  // T(k) f = f + sum_moves w (exp(i k·d) f_to - f_from): stays need not be listed.
  std::vector<std::complex<double>> phase;
  phase.reserve(network.moves.size());
  for (const NetworkMove& move : network.moves) phase.push_back(std::polar(1.0, dot(wave_vector_per_ang, move.displacement_ang)));
  std::vector<std::complex<double>> f(n, 1.0);
  std::vector<double> result;
  std::int64_t step = 0;
  for (const std::int64_t target : steps) {
    if (target < step) throw Error(ErrorKind::usage, "scattering: steps must ascend from zero");
    for (; step < target; ++step) {
      std::vector<std::complex<double>> next = f;
      for (std::size_t m = 0; m < network.moves.size(); ++m) {
        const auto from = static_cast<std::size_t>(network.moves[m].from), to = static_cast<std::size_t>(network.moves[m].to);
        next[from] += network.moves[m].weight * (phase[m] * f[to] - f[from]);
      }
      f = std::move(next);
    }
    double sum = 0;
    for (std::size_t a = 0; a < n; ++a) sum += network.pi[a] * f[a].real();
    result.push_back(sum);
  }
  return result;
}

}  // namespace saltus::kinetics
