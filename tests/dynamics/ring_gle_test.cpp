// Generalised Langevin thermostats: closed forms, the exact maps of a finite time step, and matrices made here by solving Lyapunov equations.
#include "saltus/dynamics/ring_gle.hpp"

#include <gtest/gtest.h>

#include "harmonic_ring.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {
namespace {

using namespace test;

constexpr double kelvin = 300;
const double per_cm = angular_frequency_per_fs(1);

GleMatrices canonical(std::size_t size, std::vector<double> drift_per_fs, double temperature_kelvin) {
  GleMatrices m{size, std::move(drift_per_fs), std::vector<double>(size * size)};
  for (std::size_t i = 0; i < size; ++i) m.covariance_kelvin[i * size + i] = temperature_kelvin;
  return m;
}

/// The memory kernel g²/τ exp(−t/τ) of friction g² at low frequencies.
GleMatrices with_memory(double friction_per_fs, double memory_fs, double temperature_kelvin) {
  const double coupling = std::sqrt(friction_per_fs / memory_fs);
  return canonical(2, {0, coupling, -coupling, 1 / memory_fs}, temperature_kelvin);
}

/// X of A X + X Aᵀ = D, by elimination.
Map lyapunov(const Map& a, const Map& d) {
  const std::size_t n = a.n, unknowns = n * n, width = unknowns + 1;
  std::vector<double> m(unknowns * width);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double* row = m.data() + (i * n + j) * width;
      for (std::size_t k = 0; k < n; ++k) row[k * n + j] += a(i, k), row[i * n + k] += a(j, k);
      row[unknowns] = d(i, j);
    }
  for (std::size_t c = 0; c < unknowns; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c; r < unknowns; ++r)
      if (std::abs(m[r * width + c]) > std::abs(m[pivot * width + c])) pivot = r;
    std::swap_ranges(m.begin() + static_cast<std::ptrdiff_t>(c * width), m.begin() + static_cast<std::ptrdiff_t>((c + 1) * width), m.begin() + static_cast<std::ptrdiff_t>(pivot * width));
    for (std::size_t r = 0; r < unknowns; ++r) {
      const double factor = m[r * width + c] / m[c * width + c];
      if (r == c || factor == 0) continue;
      for (std::size_t k = c; k < width; ++k) m[r * width + k] -= factor * m[c * width + k];
    }
  }
  Map x(n);
  for (std::size_t e = 0; e < unknowns; ++e) x.element[e] = m[e * width + unknowns] / m[e * width + e];
  return x;
}

double quantum_temperature(double w) {
  const double half = units::hbar_ev_fs * w / (2 * units::boltzmann_ev_per_kelvin);
  return half / std::tanh(half / kelvin);
}

constexpr double slow_per_cm = 1000, fast_per_cm = 3000;

/// A drift whose friction falls with frequency, and the diagonal noise under which oscillators of two frequencies have the fluctuations of quantum
/// ones at 300 K: their velocities are linear in that noise.
GleMatrices quantum_at_two_frequencies() {
  Map a(2);
  a.element = {0.003, 0.1, -0.1, 0.1};
  double square[2][2], wanted[2];
  for (int row = 0; row < 2; ++row) {
    const double w = (row ? fast_per_cm : slow_per_cm) * per_cm;
    wanted[row] = quantum_temperature(w);
    for (int column = 0; column < 2; ++column) {
      Map all(3), noise(3);
      all.element = {0, -1, 0, w * w, a(0, 0), a(0, 1), 0, a(1, 0), a(1, 1)};
      noise(column ? 2 : 1, column ? 2 : 1) = 1;
      square[row][column] = lyapunov(all, noise)(1, 1);
    }
  }
  const double determinant = square[0][0] * square[1][1] - square[0][1] * square[1][0];
  Map noise(2);
  noise(0, 0) = (wanted[0] * square[1][1] - square[0][1] * wanted[1]) / determinant;
  noise(1, 1) = (square[0][0] * wanted[1] - wanted[0] * square[1][0]) / determinant;
  return {2, a.element, lyapunov(a, noise).element};
}

TEST(Gle, ExponentialIsThatOfRotatingDecay) {
  const double a = 0.3, b = 2, t = 1.7;
  for (const double time : {1e-6, t, 50.0}) {
    const GlePropagator p = gle_propagator(canonical(2, {a, b, -b, a}, kelvin), time);
    const double left = std::exp(-a * time);
    const double exact[] = {left * std::cos(b * time), -left * std::sin(b * time), left * std::sin(b * time), left * std::cos(b * time)};
    for (std::size_t e = 0; e < 4; ++e) EXPECT_NEAR(p.turn[e], exact[e], 1e-14);
  }
}

TEST(Gle, NoiseKeepsTheCovariance) {
  const GleMatrices m = quantum_at_two_frequencies();
  for (const double time : {1e-3, 0.25, 10.0, 1e4}) {
    const GlePropagator p = gle_propagator(m, time);
    Map turn(2), root(2), covariance(2);
    turn.element = p.turn, root.element = p.noise_root_kelvin, covariance.element = m.covariance_kelvin;
    const Map kept = carried(turn, covariance), made = carried(root, Map(2, 1));
    for (std::size_t e = 0; e < 4; ++e) EXPECT_NEAR(kept.element[e] + made.element[e], covariance.element[e], 1e-11 * covariance(0, 0));
  }
  // In a short time t the noise is (A C + C Aᵀ) t: of these matrices a diagonal one.
  const double t = 1e-6;
  Map root(2), a(2), c(2);
  root.element = gle_propagator(m, t).noise_root_kelvin, a.element = m.drift_per_fs, c.element = m.covariance_kelvin;
  const Map made = carried(root, Map(2, 1)), ac = product(a, c);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j) EXPECT_NEAR(made(i, j) / t, ac(i, j) + ac(j, i), 1e-4 * 2 * ac(0, 0));
  EXPECT_NEAR(ac(0, 1) + ac(1, 0), 0, 1e-12 * ac(0, 0));
}

TEST(Gle, OfOneVelocityIsLangevin) {
  const RingModes modes = ring_modes(5, kelvin);
  const ModelSystem system{HarmonicWell{1600 * per_cm}, mass_of_h_amu, 70};
  const BeadForces forces = forces_of(system);
  for (const Splitting splitting : {Splitting::baoab, Splitting::obabo}) {
    RingState langevin = thermal_ring_state(modes, masses_amu(system), std::vector<double>(70), Random(3, 1)), gle = langevin;
    run(langevin, ring_integrator(splitting, RingLangevin{0.05}, modes), 0.5, 200, forces);
    run(gle, ring_integrator(splitting, RingGle{canonical(1, {0.05}, 5 * kelvin)}, modes), 0.5, 200, forces);
    EXPECT_EQ(langevin.random, gle.random);
    EXPECT_NEAR(langevin.thermostat_ev, gle.thermostat_ev, 1e-9);
    for (std::size_t i = 0; i < gle.mode_velocity_ang_fs.size(); ++i) EXPECT_NEAR(gle.mode_velocity_ang_fs[i], langevin.mode_velocity_ang_fs[i], 1e-12);
  }
}

TEST(Gle, CanonicalMatricesHaveTheAveragesOfTheRing) {
  const RingModes modes = ring_modes(16, kelvin);
  const RingGle gle{with_memory(0.1, 8, 16 * kelvin)};
  const RingAverages limit = exact_averages(ring_integrator(Splitting::baoab, gle, modes), modes, mass_of_h_amu, 3500 * per_cm, 0.005);
  for (const double mev : {limit.potential_mev, limit.primitive_mev, limit.virial_mev}) EXPECT_NEAR(mev, 96.071, 1e-2);
  EXPECT_NEAR(limit.temperature_kelvin, kelvin, 1e-1);
}

TEST(Gle, SamplesWhatTheMapsSay) {
  const RingModes modes = ring_modes(8, kelvin);
  const GleMatrices one = with_memory(0.2, 1, 8 * kelvin);
  for (const std::uint64_t seed : {1u, 2u, 3u})
    for (const Splitting splitting : {Splitting::baoab, Splitting::obabo}) {
      const RingIntegrator list = ring_integrator(splitting, RingGle{one}, modes);
      HarmonicRun settings;
      settings.seed = seed;
      const RingAverages exact = exact_averages(list, modes, mass_of_h_amu, 3500 * per_cm, settings.dt_fs);
      EXPECT_LT(sampled_averages(list, modes, settings).worst_deviation_from(exact), 3) << "seed " << seed;
      const RingIntegrator hotter = ring_integrator(splitting, RingGle{with_memory(0.2, 1, 8.4 * kelvin)}, modes);
      EXPECT_GT(sampled_averages(hotter, modes, settings).worst_deviation_from(exact), 6) << "seed " << seed;
    }
}

TEST(Gle, MatricesOfEachModeActOnThatMode) {
  const RingModes modes = ring_modes(3, kelvin);
  GleMatrices all = with_memory(0.05, 8, 3 * kelvin);
  for (const double factor : {1.5, 2.5}) {
    const GleMatrices mode = with_memory(0.2, 3, factor * 3 * kelvin);
    all.drift_per_fs.insert(all.drift_per_fs.end(), mode.drift_per_fs.begin(), mode.drift_per_fs.end());
    all.covariance_kelvin.insert(all.covariance_kelvin.end(), mode.covariance_kelvin.begin(), mode.covariance_kelvin.end());
  }
  EXPECT_EQ(all.pairs(), 3u);
  const RingIntegrator list = ring_integrator(Splitting::baoab, RingGle{all}, modes);
  const RingAverages exact = exact_averages(list, modes, mass_of_h_amu, 1600 * per_cm, 0.5);
  EXPECT_NEAR(exact.temperature_kelvin, kelvin * (1 + 1.5 + 2.5) / 3, 10);
  HarmonicRun settings;
  settings.wavenumber_per_cm = 1600;
  EXPECT_LT(sampled_averages(list, modes, settings).worst_deviation_from(exact), 3);
}

TEST(Gle, QuantumMatricesGiveClassicalOscillatorsTheirZeroPoint) {
  const RingModes modes = ring_modes(1, kelvin);
  const RingIntegrator list = ring_integrator(Splitting::baoab, RingGle{quantum_at_two_frequencies()}, modes);
  for (const double wavenumber_per_cm : {slow_per_cm, fast_per_cm}) {
    const double quantum = quantum_temperature(wavenumber_per_cm * per_cm);
    EXPECT_NEAR(exact_averages(list, modes, mass_of_h_amu, wavenumber_per_cm * per_cm, 0.01).temperature_kelvin, quantum, 1e-3 * quantum);
    HarmonicRun settings;
    settings.wavenumber_per_cm = wavenumber_per_cm;
    settings.dt_fs = 0.25;
    settings.equilibration = 4000;
    settings.copies = 256;
    settings.steps = 20000;
    settings.every = 4;
    const SampledAverages sampled = sampled_averages(list, modes, settings);
    const RingAverages exact = exact_averages(list, modes, mass_of_h_amu, wavenumber_per_cm * per_cm, settings.dt_fs);
    EXPECT_NEAR(sampled.temperature_kelvin.mean, exact.temperature_kelvin, 3 * sampled.temperature_kelvin.error);
    EXPECT_NEAR(sampled.potential_mev.mean, exact.potential_mev, 3 * sampled.potential_mev.error);
    EXPECT_LT(sampled.temperature_kelvin.error, 0.02 * quantum);
    EXPECT_GT(exact.temperature_kelvin, 2 * kelvin);
  }
}

TEST(Gle, HeatIsBooked) {
  const ModelSystem system{HarmonicWell{1600 * per_cm}, mass_of_h_amu, 50};
  const BeadForces forces = forces_of(system);
  for (const std::size_t beads : {1u, 8u})
    for (const GleMatrices& matrices : {with_memory(0.1, 8, static_cast<double>(beads) * kelvin), quantum_at_two_frequencies()}) {
      const RingModes modes = ring_modes(beads, kelvin);
      RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(50), Random(2, 1));
      update_forces(state, forces);
      const double start = conserved_energy_ev(state);
      run(state, ring_integrator(Splitting::baoab, RingGle{matrices}, modes), 0.02, 1000, forces);
      EXPECT_NEAR(conserved_energy_ev(state), start, 1e-4 * start);
      EXPECT_GT(std::abs(state.thermostat_ev), 1e-3);
    }
}

TEST(Gle, IsTheSameForAnyNumberOfThreadsAndAfterARestart) {
  const ModelSystem system{DoubleWell{0.8 * units::ev_per_kcal_mol, 0.2}, mass_of_h_amu, 3000};
  const RingModes modes = ring_modes(8, kelvin);
  const BeadForces forces = forces_of(system);
  const auto after = [&](int threads, bool in_two_parts) {
    set_thread_count(threads);
    RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(3000), Random(9, 1));
    run(state, ring_integrator(Splitting::baoab, RingGle{quantum_at_two_frequencies()}, modes), 0.5, 6, forces);
    if (in_two_parts) state.forces_current = false;  // derived: a restart computes them again
    run(state, ring_integrator(Splitting::baoab, RingGle{quantum_at_two_frequencies()}, modes), 0.5, 6, forces);
    set_thread_count(0);
    return state;
  };
  const RingState one = after(1, false);
  EXPECT_EQ(one.auxiliary_velocity_ang_fs.size(), 8u * 3000u);
  for (const RingState& other : {after(2, false), after(1, true)}) {
    EXPECT_EQ(one.mode_velocity_ang_fs, other.mode_velocity_ang_fs);
    EXPECT_EQ(one.auxiliary_velocity_ang_fs, other.auxiliary_velocity_ang_fs);
    EXPECT_EQ(one.thermostat_ev, other.thermostat_ev);
    EXPECT_EQ(one.random, other.random);
  }
}

std::string refusal(const GleMatrices& matrices, std::size_t beads = 1) {
  try {
    require_gle(matrices, beads);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "accepted";
}

TEST(Gle, RefusesMatricesThatAreNoThermostat) {
  EXPECT_EQ(refusal(with_memory(0.1, 8, 300)), "accepted");
  EXPECT_EQ(refusal(quantum_at_two_frequencies()), "accepted");
  EXPECT_EQ(refusal(canonical(2, {1e-9, 1, -1, 0}, 300)), "accepted");      // damps, although slowly, through the other
  EXPECT_NE(refusal(canonical(1, {-0.1}, 300)).find("negative eigenvalue"), std::string::npos);
  EXPECT_NE(refusal(canonical(2, {0, 1, -1, 0}, 300)).find("A does not damp"), std::string::npos);
  EXPECT_NE(refusal(canonical(1, {0}, 300)).find("A does not damp"), std::string::npos);
  EXPECT_NE(refusal(canonical(2, {0.1, 0, 0.5, 0.1}, 300)).find("A C + C Aᵀ has a negative eigenvalue"), std::string::npos);
  EXPECT_NE(refusal({2, {1, 0, 0, 1}, {300, 10, 20, 300}}).find("C must be symmetric; elements 1,0 and 0,1 are 20 and 10 K"), std::string::npos);
  EXPECT_NE(refusal({2, {1, 0, 0, 1}, {300, 400, 400, 300}}).find("C has a negative eigenvalue"), std::string::npos);
  EXPECT_NE(refusal({2, {1, 0, 0, 1}, {300, 0, 0, -1}}).find("element 1 is -1 K"), std::string::npos);
  EXPECT_NE(refusal({2, {1, 0, 0, std::nan("")}, {300, 0, 0, 300}}).find("no finite number"), std::string::npos);
  EXPECT_NE(refusal({2, {1, 0}, {300, 0}}).find("square matrices"), std::string::npos);
  EXPECT_NE(refusal({2, {1, 0, 0, 1}, {}}).find("as many square matrices A as C"), std::string::npos);
  GleMatrices two = canonical(1, {0.1}, 300);
  two.drift_per_fs.push_back(0.1), two.covariance_kelvin.push_back(300);
  EXPECT_NE(refusal(two, 3).find("matrices for 2 modes, but there are 3 beads"), std::string::npos);
  two.drift_per_fs[1] = 0;
  EXPECT_NE(refusal(two, 2).find(", mode 1: A does not damp"), std::string::npos);
}

}  // namespace
}  // namespace saltus
