#include "saltus/dynamics/ring_fourth_order.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

/// Largest displacement of a degree of freedom between the two forces. The change of f along f/m, from one side, is wrong by 4 parts in 10⁴ then in shared
/// protons, in proportion to the displacement, and the force on a bead by a tenth of that; forces good to 10⁻⁶, as in single precision, lose as much.
constexpr double displacement_ang = 1e-4;

}  // namespace

double RingFactorization::weight(std::size_t bead) const {
  if (kind != Factorization::suzuki_chin) return 1;
  return bead % 2 == 0 ? 2.0 / 3 : 4.0 / 3;
}

double RingFactorization::correction(std::size_t bead) const {
  if (kind == Factorization::primitive) return 0;
  if (kind == Factorization::takahashi_imada) return 1.0 / 24;
  return (bead % 2 == 0 ? alpha : 1 - alpha) / 9;
}

double RingFactorization::scale(const RingModes& modes, std::size_t bead) const {
  const double chain = static_cast<double>(modes.beads) * units::boltzmann_ev_per_kelvin * modes.temperature_kelvin / units::hbar_ev_fs;
  return correction(bead) / (units::ev_per_amu_ang2_fs2 * chain * chain);
}

void require_factorization(const RingFactorization& factorization, std::size_t beads) {
  if (factorization.kind == Factorization::suzuki_chin && beads % 2 != 0)
    throw Error(ErrorKind::usage, fmt::format("the factorization suzuki_chin needs an even number of beads, not {}", beads));
  if (!(factorization.alpha >= 0 && factorization.alpha <= 1)) throw Error(ErrorKind::usage, fmt::format("suzuki_chin_alpha must be from 0 to 1, not {}", factorization.alpha));
  if (factorization.kind != Factorization::suzuki_chin && factorization.alpha != 0) throw Error(ErrorKind::usage, "suzuki_chin_alpha goes with factorization = \"suzuki_chin\"");
}

void make_fourth_order(const RingFactorization& factorization, const RingModes& modes, std::span<const double> mass_amu, std::span<const double> position_ang,
                       const BeadForces& displaced, std::span<double> energy_ev, std::span<double> force_ev_ang) {
  const std::size_t n = mass_amu.size(), beads = energy_ev.size();
  std::vector<double> position, step;  // of the beads with a correction; q + step f/m
  for (std::size_t bead = 0; bead < beads; ++bead) {
    if (factorization.correction(bead) == 0) continue;
    const double* f = force_ev_ang.data() + bead * n;
    double largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(f[i]) / mass_amu[i]);
    step.push_back(largest > 0 ? displacement_ang / largest : 0);
    for (std::size_t i = 0; i < n; ++i) position.push_back(position_ang[bead * n + i] + step.back() * f[i] / mass_amu[i]);
  }
  std::vector<double> energy(step.size()), force(position.size());
  if (!step.empty()) displaced(position, energy, force);
  std::size_t k = 0;
  for (std::size_t bead = 0; bead < beads; ++bead) {
    const double weight = factorization.weight(bead), scale = factorization.scale(modes, bead);
    double* f = force_ev_ang.data() + bead * n;
    energy_ev[bead] *= weight;
    if (scale == 0) {
      for (std::size_t i = 0; i < n; ++i) f[i] *= weight;
      continue;
    }
    const double slope = step[k] > 0 ? -2 * scale / step[k] : 0;
    const double* there = force.data() + k++ * n;
    for (std::size_t i = 0; i < n; ++i) {
      energy_ev[bead] += scale * f[i] * f[i] / mass_amu[i];
      f[i] = weight * f[i] + slope * (there[i] - f[i]);
    }
  }
}

double FourthOrderRing::potential_energy_ev() const {
  const std::size_t n = ring.freedom(), beads = ring.beads();
  double sum = 0;
  for (std::size_t bead = 0; bead < beads; ++bead) {
    double square = 0;
    for (std::size_t i = 0; i < n; ++i) square += force_ev_ang[bead * n + i] * force_ev_ang[bead * n + i] / ring.mass_amu[i];
    sum += factorization.weight(bead) * energy_ev[bead] + 2 * factorization.scale(ring.modes, bead) * square;
  }
  return sum / static_cast<double>(beads);
}

double FourthOrderRing::kinetic_gain_ev(std::size_t a, std::size_t b) const {
  const std::size_t n = ring.freedom(), beads = ring.beads();
  double sum = 0;
  for (std::size_t bead = 0; bead < beads; ++bead)
    sum += factorization.scale(ring.modes, bead) * force_ev_ang[bead * n + a] * force_ev_ang[bead * n + b] / ring.mass_amu[a];
  return sum / static_cast<double>(beads);
}

double FourthOrderRing::gyration_ang2(std::size_t a, std::size_t b) const {
  const std::size_t n = ring.freedom(), beads = ring.beads();
  const auto count = static_cast<double>(beads);
  const double twice = 2 / ring.mass_amu[a];
  // The centroid that a field along a (or b) acts on.
  double centroid_a = 0, centroid_b = 0, mean_scale = 0;
  for (std::size_t bead = 0; bead < beads; ++bead) {
    const double weight = factorization.weight(bead), scale = factorization.scale(ring.modes, bead);
    centroid_a += (weight * ring.position_ang[bead * n + a] - twice * scale * force_ev_ang[bead * n + a]) / count;
    centroid_b += (weight * ring.position_ang[bead * n + b] - twice * scale * force_ev_ang[bead * n + b]) / count;
    mean_scale += scale / count;
  }
  double sum = 0;
  for (std::size_t bead = 0; bead < beads; ++bead) {
    const double ua = ring.position_ang[bead * n + a] - centroid_a, ub = ring.position_ang[bead * n + b] - centroid_b;
    sum += factorization.weight(bead) * ua * ub -
           twice * factorization.scale(ring.modes, bead) * (ua * force_ev_ang[bead * n + b] + ub * force_ev_ang[bead * n + a]);
  }
  // The action is of second order in such a field: ⟨q̄ q̄⟩ is the mean square of that centroid less this.
  const double own = a == b ? twice * mean_scale * units::boltzmann_ev_per_kelvin * ring.modes.temperature_kelvin : 0;
  return sum / count + own;
}

void correct(const FourthOrderRing& ring, RingMeasures& measures) {
  for (std::size_t i = 0; i < ring.ring.freedom(); ++i) {
    const double gain = ring.kinetic_gain_ev(i, i);
    measures.kinetic_primitive_ev[i] += gain;
    measures.kinetic_virial_ev[i] += gain;
    measures.gyration2_ang2[i] = ring.gyration_ang2(i, i);
  }
}

}  // namespace saltus
