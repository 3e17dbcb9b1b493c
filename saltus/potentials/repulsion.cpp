#include "saltus/potentials/repulsion.hpp"

#include <array>
#include <cmath>

#include "saltus/base/units.hpp"

namespace saltus {

ZblPair zbl_pair(int atomic_number_a, int atomic_number_b, double end_ang) {
  return {units::coulomb_ev_ang * atomic_number_a * atomic_number_b,
          0.46850 / (std::pow(atomic_number_a, 0.23) + std::pow(atomic_number_b, 0.23)), end_ang};
}

PairEnergy zbl_repulsion(const ZblPair& pair, double r_ang) {
  if (r_ang >= pair.end_ang) return {};
  constexpr std::array<double, 4> weight{0.18175, 0.50986, 0.28022, 0.028171};
  constexpr std::array<double, 4> decay{3.19980, 0.94229, 0.40290, 0.20162};
  double phi = 0, phi_slope = 0;
  for (std::size_t k = 0; k < weight.size(); ++k) {
    const double term = weight[k] * std::exp(-decay[k] * r_ang / pair.length_ang);
    phi += term;
    phi_slope -= decay[k] / pair.length_ang * term;
  }
  const double bare = pair.strength_ev_ang * phi / r_ang, bare_slope = pair.strength_ev_ang * (phi_slope - phi / r_ang) / r_ang;
  const double t = r_ang / pair.end_ang;
  const double f = 1 - t * t * t * (10 - t * (15 - 6 * t));
  const double f_slope = -30 * t * t * (1 - t) * (1 - t) / pair.end_ang;
  return {bare * f, bare_slope * f + bare * f_slope};
}

}  // namespace saltus
