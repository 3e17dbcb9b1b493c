#include "saltus/potentials/builtin.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/potentials/model_potentials.hpp"
#include "saltus/potentials/shared_proton.hpp"

namespace saltus {
namespace {

std::string refusal(const std::string& model) {
  try {
    load_potential(model);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage) << model;
    return error.what();
  }
  ADD_FAILURE() << model << " was not refused";
  return {};
}

TEST(Builtin, NamesAreReadStrictly) {
  EXPECT_TRUE(is_builtin("builtin:qtip4pf"));
  EXPECT_FALSE(is_builtin("builtin.safetensors"));
  EXPECT_EQ(identity(builtin_choice("builtin:qtip4pf")), "builtin:qtip4pf");
  EXPECT_EQ(identity(builtin_choice("builtin:shared_proton")), "builtin:shared_proton?oxygen_distance_ang=2.5");
  EXPECT_EQ(identity(builtin_choice("builtin:harmonic?wavenumber_per_cm=3.5e3")), "builtin:harmonic?wavenumber_per_cm=3500");
  const std::pair<const char*, const char*> wrong[] = {{"builtin:", "no built-in model is called ''"},
                                                       {"builtin:qtip4p", "did you mean 'qtip4pf'?"},
                                                       {"builtin:qtip4pf?", "no parameter ''"},
                                                       {"builtin:qtip4pf?gamma=1", "it has none"},
                                                       {"builtin:harmonic", "needs 'wavenumber_per_cm'"},
                                                       {"builtin:harmonic?wavenumbers_per_cm=1", "did you mean 'wavenumber_per_cm'?"},
                                                       {"builtin:harmonic?wavenumber_per_cm", "not ''"},
                                                       {"builtin:harmonic?wavenumber_per_cm=", "not ''"},
                                                       {"builtin:harmonic?wavenumber_per_cm=nan", "not 'nan'"},
                                                       {"builtin:harmonic?wavenumber_per_cm=-1", "from 0.001"},
                                                       {"builtin:harmonic?wavenumber_per_cm=1x", "not '1x'"},
                                                       {"builtin:harmonic?wavenumber_per_cm=1&wavenumber_per_cm=2", "given twice"},
                                                       {"builtin:harmonic?wavenumber_per_cm=1&", "no parameter ''"},
                                                       {"builtin:shared_proton?oxygen_distance_ang=9", "to 3, not '9'"}};
  for (const auto& [model, part] : wrong) EXPECT_NE(refusal(model).find(part), std::string::npos) << model << ": " << refusal(model);
  EXPECT_THROW(load_potential("builtin:qtip4pf", {.precision = Dtype::f64, .exact_radial = false, .head = {}}), Error);
}

TEST(Builtin, HarmonicAtomsHaveTheirWavenumber) {
  const auto potential = load_potential("builtin:harmonic?wavenumber_per_cm=3500");
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({1, 8}));
  frame.position_ang = {{0.1, 0, 0}, {0, 0.2, -0.1}};
  Workspace workspace;
  const Evaluation found = evaluate_one(*potential, frame, {}, workspace);
  const double w = angular_frequency_per_fs(3500);
  for (std::size_t i = 0; i < 2; ++i) {
    const double stiffness = frame.atoms->mass_amu[i] * w * w * units::ev_per_amu_ang2_fs2;
    EXPECT_NEAR(norm(found.force_ev_ang[i] + stiffness * frame.position_ang[i]), 0, 1e-12);
  }
  EXPECT_EQ(evaluate_one(*load_potential("builtin:ideal_gas"), frame, {}, workspace).energy_ev, 0);
}

/// Energy and forces of H at distance `from` from the first of two oxygens, all on a line.
Evaluation on_a_line(const Potential& potential, double oxygens_ang, double from) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 8}));
  frame.position_ang = {{0, 0, 0}, {0, 0, from}, {0, 0, oxygens_ang}};
  Workspace workspace;
  return evaluate_one(potential, frame, {}, workspace);
}

TEST(SharedProton, BarrierVanishesBelowTheCriticalDistance) {
  const SharedProtonParameters parameters;
  const SharedProton potential(parameters);
  for (const double distance : {2.38, 2.45, 2.5, 2.6, 2.8}) {
    double least = 1e9;
    for (double from = 0.8; from < distance / 2 + 1e-9; from += 1e-4) least = std::min(least, on_a_line(potential, distance, from).energy_ev);
    const double barrier = on_a_line(potential, distance, distance / 2).energy_ev - least;
    EXPECT_NEAR(barrier, parameters.barrier_ev(distance), 1e-6) << distance;
  }
  EXPECT_EQ(parameters.barrier_ev(2.45), 0);
  EXPECT_NEAR(parameters.barrier_ev(2.6) / units::ev_per_kcal_mol, 2.5, 0.2);
}

TEST(SharedProton, OxygensRestAtTheirDistance) {
  for (const double distance : {2.3, 2.45, 2.5, 2.7}) {
    SharedProtonParameters parameters;
    parameters.oxygen_distance_ang = distance;
    const SharedProton potential(parameters);
    // H where its energy is least: in the middle, or where exp(−a(r₁−r₀)) + exp(−a(r₂−r₀)) = 1.
    const double a = parameters.morse_per_ang(), e = std::exp(-a * (distance / 2 - parameters.bond_ang));
    const double off = distance > parameters.critical_ang ? std::acosh(1 / (2 * e)) / a : 0;
    const Evaluation rest = on_a_line(potential, distance, distance / 2 + off);
    for (const Vec3& f : rest.force_ev_ang) EXPECT_NEAR(norm(f), 0, 1e-10) << distance;
    EXPECT_GT(on_a_line(potential, distance + 0.02, distance / 2 + 0.01 + off).energy_ev, rest.energy_ev);
    EXPECT_GT(on_a_line(potential, distance - 0.02, distance / 2 - 0.01 + off).energy_ev, rest.energy_ev);
  }
}

TEST(SharedProton, RefusesOtherUnits) {
  const SharedProton potential({});
  Workspace workspace;
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 1}));
  frame.position_ang = {{0, 0, 0}, {0, 0, 1}, {0, 0, 2.4}};
  EXPECT_THROW(evaluate_one(potential, frame, {}, workspace), Error);
  EXPECT_THROW(on_a_line(potential, 3.5, 1), Error);
}

}  // namespace
}  // namespace saltus
