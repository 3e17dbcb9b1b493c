// Ring polymers in harmonic wells: what a list of steps gives at a finite time step, in closed form, and what a run of it gives.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_estimators.hpp"
#include "saltus/dynamics/ring_polymer.hpp"
#include "saltus/potentials/model_potentials.hpp"

namespace saltus::test {

inline constexpr double mass_of_h_amu = 1.00782503207, mass_of_d_amu = 2.01410177785;

struct RingAverages {
  double potential_mev = 0, primitive_mev = 0, virial_mev = 0, temperature_kelvin = 0, gyration2_ang2 = 0;
};

/// Square, row major.
struct Map {
  std::size_t n = 0;
  std::vector<double> element;
  explicit Map(std::size_t size, double diagonal = 0) : n(size), element(size * size) {
    for (std::size_t i = 0; i < n; ++i) element[i * n + i] = diagonal;
  }
  double& operator()(std::size_t i, std::size_t j) { return element[i * n + j]; }
  double operator()(std::size_t i, std::size_t j) const { return element[i * n + j]; }
};
inline Map product(const Map& a, const Map& b) {
  Map c(a.n);
  for (std::size_t i = 0; i < a.n; ++i)
    for (std::size_t k = 0; k < a.n; ++k)
      for (std::size_t j = 0; j < a.n; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}
/// m s mᵀ
inline Map carried(const Map& m, const Map& s) {
  Map transposed(m.n);
  for (std::size_t i = 0; i < m.n; ++i)
    for (std::size_t j = 0; j < m.n; ++j) transposed(j, i) = m(i, j);
  return product(product(m, s), transposed);
}
/// exp(−A t), by the classical Runge–Kutta method in a thousand steps.
inline Map decay_of(const GleMatrices& gle, std::size_t pair, double time_fs) {
  const std::size_t n = gle.size;
  Map a(n);
  for (std::size_t e = 0; e < n * n; ++e) a.element[e] = -gle.drift_per_fs[pair * n * n + e] * time_fs / 1000;
  Map step(n, 1), power(n, 1);
  for (int k = 1; k <= 4; ++k) {
    power = product(power, a);
    for (std::size_t e = 0; e < n * n; ++e) step.element[e] += power.element[e] /= k;
  }
  Map all(n, 1);
  for (int k = 0; k < 1000; ++k) all = product(all, step);
  return all;
}

/// Each step is a linear map z ← M z + noise of z = (position, velocity, auxiliary velocities) of a mode; the list has the stationary covariance
/// S = M S Mᵀ + N.
inline RingAverages exact_averages(const RingIntegrator& list, const RingModes& modes, double mass_amu, double angular_frequency_per_fs, double dt_fs) {
  const double w2 = angular_frequency_per_fs * angular_frequency_per_fs, energy = mass_amu * units::ev_per_amu_ang2_fs2 * units::mev_per_ev;
  const auto beads = static_cast<double>(modes.beads);
  const double kt = units::boltzmann_ev_per_kelvin * modes.temperature_kelvin * units::mev_per_ev;
  std::size_t size = 2;
  for (const RingStep& step : list)
    if (const auto* gle = std::get_if<GleBath>(&step)) size = 1 + gle->matrices.size;
  RingAverages sum;
  sum.primitive_mev = 0.5 * beads * kt;
  sum.virial_mev = 0.5 * kt;
  for (std::size_t k = 0; k < modes.beads; ++k) {
    const double wk = modes.frequency_per_fs[k];
    Map m(size, 1), n(size);
    for (const RingStep& step : list) {
      Map one(size, 1), noise(size);
      if (const auto* kick = std::get_if<RingKick>(&step)) one(1, 0) = -w2 * kick->fraction * dt_fs;
      else if (const auto* drift = std::get_if<RingDrift>(&step)) {
        const double t = drift->fraction * dt_fs;
        one(0, 0) = one(1, 1) = std::cos(wk * t);
        one(0, 1) = k ? std::sin(wk * t) / wk : t;
        one(1, 0) = -wk * std::sin(wk * t);
      } else if (const auto* bath = std::get_if<RingBath>(&step)) {
        one(1, 1) = std::exp(-bath->mode[k].friction_per_fs * bath->fraction * dt_fs);
        noise(1, 1) = (1 - one(1, 1) * one(1, 1)) * units::boltzmann_ev_per_kelvin * bath->mode[k].temperature_kelvin / (mass_amu * units::ev_per_amu_ang2_fs2);
      } else if (const auto* gle = std::get_if<GleBath>(&step)) {
        const std::size_t pair = gle->matrices.pairs() > 1 ? k : 0, width = gle->matrices.size;
        const Map decay = decay_of(gle->matrices, pair, gle->fraction * dt_fs);
        Map covariance(width);
        std::copy_n(gle->matrices.covariance_kelvin.begin() + static_cast<std::ptrdiff_t>(pair * width * width), width * width, covariance.element.begin());
        const Map kept = carried(decay, covariance);
        for (std::size_t i = 0; i < width; ++i)
          for (std::size_t j = 0; j < width; ++j) {
            one(1 + i, 1 + j) = decay(i, j);
            noise(1 + i, 1 + j) = (covariance(i, j) - kept(i, j)) * units::boltzmann_ev_per_kelvin / (mass_amu * units::ev_per_amu_ang2_fs2);
          }
      } else throw std::logic_error("not a linear step");
      n = carried(one, n);
      for (std::size_t e = 0; e < size * size; ++e) n.element[e] += noise.element[e];
      m = product(one, m);
    }
    for (int doubling = 0; doubling < 60; ++doubling) {
      const Map next = carried(m, n);
      for (std::size_t e = 0; e < size * size; ++e) n.element[e] += next.element[e];
      m = product(m, m);
    }
    sum.potential_mev += 0.5 * energy * w2 * n(0, 0) / beads;
    sum.primitive_mev -= 0.5 * energy * wk * wk * n(0, 0) / beads;
    if (k) sum.virial_mev += 0.5 * energy * w2 * n(0, 0) / beads;
    if (k) sum.gyration2_ang2 += n(0, 0) / beads;
    sum.temperature_kelvin += energy * n(1, 1) / (units::boltzmann_ev_per_kelvin * units::mev_per_ev * beads * beads);
  }
  return sum;
}

struct Sampled {
  double mean = 0, error = 0;  ///< standard error, from the independent copies
};

inline Sampled over_copies(const std::vector<double>& sum, double samples) {
  const auto n = static_cast<double>(sum.size());
  double mean = 0, square = 0;
  for (const double x : sum) mean += x / samples / n;
  for (const double x : sum) square += (x / samples - mean) * (x / samples - mean);
  return {mean, std::sqrt(square / (n - 1) / n)};
}

struct SampledAverages {
  Sampled potential_mev, primitive_mev, virial_mev, temperature_kelvin, gyration2_ang2;
  double worst_deviation_from(const RingAverages& exact) const {  ///< in standard errors
    double worst = 0;
    const auto compare = [&](const Sampled& sampled, double value) { worst = std::max(worst, std::abs(sampled.mean - value) / sampled.error); };
    compare(potential_mev, exact.potential_mev);
    compare(primitive_mev, exact.primitive_mev);
    compare(virial_mev, exact.virial_mev);
    compare(temperature_kelvin, exact.temperature_kelvin);
    compare(gyration2_ang2, exact.gyration2_ang2);
    return worst;
  }
};

inline BeadForces forces_of(const ModelSystem& system) {
  return [system, of_copy = std::vector<double>()](std::span<const double> position, std::span<double> energy, std::span<double> force) mutable {
    of_copy.resize(energy.size() * system.copies);
    evaluate(system, position, of_copy, force);
    for (std::size_t bead = 0; bead < energy.size(); ++bead) {
      energy[bead] = 0;
      for (std::size_t copy = 0; copy < system.copies; ++copy) energy[bead] += of_copy[bead * system.copies + copy];
    }
  };
}

inline void run(RingState& state, const RingIntegrator& list, double dt_fs, int steps, const BeadForces& forces) {
  for (int k = 0; k < steps; ++k) apply(list, state, dt_fs, forces);
}

struct HarmonicRun {
  double wavenumber_per_cm = 3500, dt_fs = 0.5;
  std::size_t copies = 64;
  int equilibration = 500, steps = 4000, every = 2;
  std::uint64_t seed = 1;
};

/// `lost_bead`: the last bead feels no force.
inline SampledAverages sampled_averages(const RingIntegrator& list, const RingModes& modes, const HarmonicRun& settings, bool lost_bead = false) {
  const ModelSystem system{HarmonicWell{angular_frequency_per_fs(settings.wavenumber_per_cm)}, mass_of_h_amu, settings.copies};
  const std::size_t n = settings.copies;
  const BeadForces all = forces_of(system);
  const BeadForces forces = [&](std::span<const double> position, std::span<double> energy, std::span<double> force) {
    all(position, energy, force);
    if (lost_bead) std::fill(force.end() - static_cast<std::ptrdiff_t>(n), force.end(), 0.0);
  };
  RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(n), Random(settings.seed, 1));
  run(state, list, settings.dt_fs, settings.equilibration, forces);
  std::vector<double> potential(n), primitive(n), virial(n), temperature(n), gyration2(n);
  RingMeasures measures;
  const double w = angular_frequency_per_fs(settings.wavenumber_per_cm), stiffness = mass_of_h_amu * w * w * units::ev_per_amu_ang2_fs2;
  for (int k = 0; k < settings.steps / settings.every; ++k) {
    run(state, list, settings.dt_fs, settings.every, forces);
    measure(state, measures);
    for (std::size_t i = 0; i < n; ++i) {
      const double x = measures.centroid_ang[i];
      potential[i] += 0.5 * stiffness * (x * x + measures.gyration2_ang2[i]) * units::mev_per_ev;
      primitive[i] += measures.kinetic_primitive_ev[i] * units::mev_per_ev;
      virial[i] += measures.kinetic_virial_ev[i] * units::mev_per_ev;
      temperature[i] += measures.ring_temperature_kelvin[i];
      gyration2[i] += measures.gyration2_ang2[i];
    }
  }
  const double samples = settings.steps / settings.every;
  return {over_copies(potential, samples), over_copies(primitive, samples), over_copies(virial, samples), over_copies(temperature, samples),
          over_copies(gyration2, samples)};
}

}  // namespace saltus::test
