#include "saltus/dynamics/ring_estimators.hpp"

#include <cmath>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

void measure(const RingState& state, RingMeasures& measures) {
  if (!state.forces_current) throw Error(ErrorKind::internal, "ring polymer: what is measured needs forces at these positions");
  const std::size_t n = state.freedom(), beads = state.beads();
  const auto count = static_cast<double>(beads);
  const double kt = units::boltzmann_ev_per_kelvin * state.modes.temperature_kelvin;
  auto& [primitive, virial, gyration2, centroid, temperature] = measures;
  primitive.assign(n, 0.5 * count * kt);
  virial.assign(n, 0);
  gyration2.assign(n, 0);
  centroid.resize(n);
  temperature.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) centroid[i] = state.mode_position_ang[i] / std::sqrt(count);
  for (std::size_t k = 0; k < beads; ++k) {
    const double* q = state.mode_position_ang.data() + k * n;
    const double* v = state.mode_velocity_ang_fs.data() + k * n;
    for (std::size_t i = 0; i < n; ++i) temperature[i] += v[i] * v[i];
    if (k == 0) continue;
    const double* f = state.mode_force_ev_ang.data() + k * n;
    const double spring = 0.5 * units::ev_per_amu_ang2_fs2 * state.modes.frequency_per_fs[k] * state.modes.frequency_per_fs[k] / count;
    for (std::size_t i = 0; i < n; ++i) {
      const double square = q[i] * q[i];
      gyration2[i] += square;
      primitive[i] -= spring * state.mass_amu[i] * square;
      virial[i] += q[i] * f[i];
    }
  }
  // Modes are orthogonal: sums over beads of products of deviations from the centroid are sums over the modes above it.
  const double kelvin = units::ev_per_amu_ang2_fs2 / (units::boltzmann_ev_per_kelvin * count * count);
  for (std::size_t i = 0; i < n; ++i) {
    gyration2[i] /= count;
    virial[i] = 0.5 * (kt - virial[i] / count);
    temperature[i] *= kelvin * state.mass_amu[i];
  }
}

double potential_energy_ev(const RingState& state) {
  double sum = 0;
  for (const double energy : state.energy_ev) sum += energy;
  return sum / static_cast<double>(state.beads());
}

double conserved_energy_ev(const RingState& state) {
  const std::size_t n = state.freedom();
  double sum = 0;
  for (std::size_t k = 0; k < state.beads(); ++k) {
    const double w = state.modes.frequency_per_fs[k];
    for (std::size_t i = 0; i < n; ++i) {
      const double q = w * state.mode_position_ang[k * n + i], v = state.mode_velocity_ang_fs[k * n + i];
      sum += state.mass_amu[i] * (v * v + q * q);
    }
  }
  double potential = 0;
  for (const double energy : state.energy_ev) potential += energy;
  return 0.5 * units::ev_per_amu_ang2_fs2 * sum + potential - state.thermostat_ev;
}

}  // namespace saltus
