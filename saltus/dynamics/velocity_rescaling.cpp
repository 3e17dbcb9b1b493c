#include "saltus/dynamics/velocity_rescaling.hpp"

#include <algorithm>
#include <cmath>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

double velocity_rescaling_factor(double kinetic_ev, std::size_t freedom, double temperature_kelvin, double relaxations, Random& random) {
  if (!(kinetic_ev > 0)) throw Error(ErrorKind::numeric, "velocity rescaling: all velocities are zero; draw them at a temperature");
  const double target_per_freedom = 0.5 * units::boltzmann_ev_per_kelvin * temperature_kelvin / kinetic_ev;
  const double keep = std::exp(-relaxations);
  const double first = random.normal();
  // The sum of freedom - 1 squared normal deviates is twice a gamma deviate.
  const double others = freedom > 1 ? 2 * random.gamma((static_cast<double>(freedom) - 1) / 2) : 0;
  const double spread = (1 - keep) * target_per_freedom;
  const double factor2 = keep + spread * (others + first * first) + 2 * first * std::sqrt(keep * spread);
  const double factor = std::sqrt(std::max(factor2, 0.0));
  return std::sqrt(keep) + std::sqrt(spread) * first < 0 ? -factor : factor;
}

}  // namespace saltus
