#include "saltus/potentials/ace.hpp"

#include <cmath>
#include <filesystem>
#include <numbers>

#include <unistd.h>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/potentials/load.hpp"

#include "ace_model.hpp"

namespace saltus {
namespace {

// Closed forms: l⊗l→0 is a multiple of the identity; (1,1,2) is the traceless symmetric tensor. For an even sum the
// squared 3j symbols with m = 0, (1 1 2; 0 0 0)² = 2/15 and (2 2 2; 0 0 0)² = 2/35, (2 2 4; 0 0 0)² = 2/35 (Edmonds, Angular
// Momentum in Quantum Mechanics), are the squared m = 0 elements of the unit-norm tensor in the real basis too.
TEST(AceCoupling, ClosedForms) {
  for (int l = 0; l <= 4; ++l) {
    const auto c = invariant_coupling(l, l, 0);
    for (int a = 0; a <= 2 * l; ++a)
      for (int b = 0; b <= 2 * l; ++b)
        EXPECT_NEAR(c[static_cast<std::size_t>(a * (2 * l + 1) + b)], a == b ? 1 / std::sqrt(2 * l + 1) : 0, 1e-13);
  }
  const auto at_zero = [](int l1, int l2, int l3) {
    const auto c = invariant_coupling(l1, l2, l3);
    return c[static_cast<std::size_t>((l1 * (2 * l2 + 1) + l2) * (2 * l3 + 1) + l3)];
  };
  EXPECT_NEAR(std::pow(at_zero(1, 1, 2), 2), 2.0 / 15, 1e-13);
  EXPECT_NEAR(std::pow(at_zero(2, 2, 2), 2), 2.0 / 35, 1e-13);
  EXPECT_NEAR(std::pow(at_zero(2, 2, 4), 2), 2.0 / 35, 1e-13);
  for (const double v : invariant_coupling(1, 1, 1)) EXPECT_EQ(v, 0);
  for (const double v : invariant_coupling(1, 1, 3)) EXPECT_EQ(v, 0);
}

TEST(AceBasis, CountsOfASmallBasis) {
  // One species, three-body degree 2: (n1, n2, l) with n1 ≤ n2, n1 + n2 + 2l ≤ 2: 00,01,02,11 at l = 0, 00 at l = 1.
  EXPECT_EQ(make_ace_basis({5, 3, 4, 2, 2, 0, 0}, 1).size(), 4u + 5u);
  EXPECT_THROW(make_ace_basis({5, 5, 4, 2, 2, 0, 0}, 1), Error);
  EXPECT_THROW(make_ace_basis({-5, 4, 4, 2, 2, 0, 0}, 1), Error);
}

TEST(Ace, ForcesAreTheGradient) {
  const AcePotential potential(random_ace(1));
  Frame frame = skewed_cell(2);
  Workspace workspace;
  const Evaluation exact = evaluate_one(potential, frame, {.forces = true, .virial = true}, workspace);
  const double h = 1e-4;
  for (std::size_t i = 0; i < frame.size(); ++i)
    for (int axis = 0; axis < 3; ++axis) {
      const double kept = frame.position_ang[i][axis];
      frame.position_ang[i][axis] = kept + h;
      const double plus = evaluate_one(potential, frame, {}, workspace).energy_ev;
      frame.position_ang[i][axis] = kept - h;
      const double minus = evaluate_one(potential, frame, {}, workspace).energy_ev;
      frame.position_ang[i][axis] = kept;
      EXPECT_NEAR(exact.force_ev_ang[i][axis], -(plus - minus) / (2 * h), 1e-6);  // h² × third derivative
    }
  Vec3 sum;
  for (const Vec3& f : exact.force_ev_ang) sum += f;
  EXPECT_NEAR(norm(sum), 0, 1e-11);
}

TEST(Ace, VirialIsTheStrainDerivative) {
  const AcePotential potential(random_ace(1));
  const Frame frame = skewed_cell(3);
  Workspace workspace;
  const Mat3 virial = *evaluate_one(potential, frame, {.forces = false, .virial = true}, workspace).virial_ev;
  const double h = 1e-5;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      const auto strained = [&](double amount) {
        Mat3 strain = Mat3::identity();
        strain[a][b] += amount;
        Frame copy = frame;
        Mat3 rows = frame.cell.rows_ang();
        for (int k = 0; k < 3; ++k) rows[k] = strain * rows[k];
        copy.cell = Cell(rows);
        for (Vec3& r : copy.position_ang) r = strain * r;
        return evaluate_one(potential, copy, {}, workspace).energy_ev;
      };
      EXPECT_NEAR(virial[a][b], -(strained(h) - strained(-h)) / (2 * h), 1e-6) << a << b;
    }
}

TEST(Ace, RotationPermutationReflectionAndRepetition) {
  const AcePotential potential(random_ace(4));
  const Frame frame = skewed_cell(5);
  Workspace workspace;
  const Evaluation original = evaluate_one(potential, frame, {}, workspace);

  const double angle = 0.7;
  const Mat3 turn{{Vec3{std::cos(angle), -std::sin(angle), 0}, Vec3{std::sin(angle), std::cos(angle), 0}, Vec3{0, 0, 1}}};
  const Mat3 other{{Vec3{1, 0, 0}, Vec3{0, std::cos(1.9), -std::sin(1.9)}, Vec3{0, std::sin(1.9), std::cos(1.9)}}};
  for (const Mat3& rotation : {turn * other, Mat3{{Vec3{-1, 0, 0}, Vec3{0, -1, 0}, Vec3{0, 0, -1}}}}) {
    Frame turned = frame;
    Mat3 rows = frame.cell.rows_ang();
    for (int k = 0; k < 3; ++k) rows[k] = rotation * rows[k];
    turned.cell = Cell(rows);
    for (Vec3& r : turned.position_ang) r = rotation * r;
    const Evaluation result = evaluate_one(potential, turned, {}, workspace);
    EXPECT_NEAR(result.energy_ev, original.energy_ev, 1e-10);
    for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(result.force_ev_ang[i] - rotation * original.force_ev_ang[i]), 0, 1e-10);
  }

  Frame swapped = frame;
  Atoms atoms = *frame.atoms;
  std::swap(swapped.position_ang[0], swapped.position_ang[5]);
  std::swap(atoms.atomic_number[0], atoms.atomic_number[5]);
  swapped.atoms = std::make_shared<const Atoms>(atoms);
  const Evaluation permuted = evaluate_one(potential, swapped, {}, workspace);
  EXPECT_NEAR(permuted.energy_ev, original.energy_ev, 1e-10);
  EXPECT_NEAR(norm(permuted.force_ev_ang[5] - original.force_ev_ang[0]), 0, 1e-10);

  const Evaluation doubled = evaluate_one(potential, repeated(frame, {2, 1, 2}), {}, workspace);
  EXPECT_NEAR(doubled.energy_ev, 4 * original.energy_ev, 1e-9);
}

TEST(Ace, EnergyIsSmoothThroughTheCutoffAndAtomsRepel) {
  const AcePotential potential(random_ace(6));
  Frame pair;
  pair.atoms = std::make_shared<const Atoms>(atoms_of({3, 14}));
  Workspace workspace;
  const auto energy = [&](double r) {
    pair.position_ang = {{0, 0, 0}, {0.6 * r, 0, 0.8 * r}};
    return evaluate_one(potential, pair, {}, workspace).energy_ev;
  };
  EXPECT_DOUBLE_EQ(energy(4.5), -101.75);  // isolated atoms: the reference energies
  EXPECT_NEAR(energy(4.499), -101.75, 1e-8);
  for (double r = 0.9; r > 0.1; r *= 0.9) EXPECT_GT(energy(0.9 * r), energy(r));
}

TEST(Ace, BatchEqualsSinglesAndThreadsDoNotMatter) {
  const AcePotential potential(random_ace(7));
  const Frame a = repeated(skewed_cell(8), {2, 2, 2});
  Frame b = a;
  Random random(9, 0);
  for (Vec3& r : b.position_ang) r += Vec3{0.05 * random.normal(), 0.05 * random.normal(), 0.05 * random.normal()};
  std::vector<Vec3> both = a.position_ang;
  both.insert(both.end(), b.position_ang.begin(), b.position_ang.end());
  const std::vector<Cell> cells{a.cell, b.cell};
  Workspace workspace, single;
  std::vector<Evaluation> results(2);
  set_thread_count(2);
  potential.evaluate({a.atoms.get(), cells, both}, {.forces = true, .virial = true}, workspace, results);
  set_thread_count(1);
  for (std::size_t k = 0; k < 2; ++k) {
    const Evaluation one = evaluate_one(potential, k ? b : a, {.forces = true, .virial = true}, single);
    EXPECT_EQ(one.energy_ev, results[k].energy_ev);
    EXPECT_EQ(one.force_ev_ang, results[k].force_ev_ang);
    EXPECT_EQ(*one.virial_ev, *results[k].virial_ev);
  }
  set_thread_count(0);
}

TEST(Ace, KernelAgreesWithTheFunctionsOneByOne) {
  const AceParameters parameters = random_ace(10);
  const AcePotential potential(parameters);
  const Frame frame = skewed_cell(11);
  Workspace workspace;
  const Evaluation result = evaluate_one(potential, frame, {.forces = false, .atom_energies = true}, workspace);
  const NeighborList list = build_neighbor_list(frame.cell, frame.position_ang, 4.5);
  std::vector<int> species;
  for (const auto z : frame.atoms->atomic_number) species.push_back(z == 14);
  kernels::AceNeighbors neighbors;
  std::vector<std::uint32_t> pair;
  std::vector<double> density(2 * static_cast<std::size_t>(potential.basis().shape.features())), value(potential.basis().size());
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const auto s = static_cast<std::size_t>(species[i]);
    gather_neighbors(list, i, species, 2, parameters.radial, neighbors, pair);
    kernels::ace_densities(potential.model(), species[i], neighbors, density, {});
    evaluate_functions(potential.basis(), density, value);
    double energy = parameters.reference_energy_ev[s];
    for (std::size_t f = 0; f < value.size(); ++f) energy += parameters.coefficient_ev[s][f] * value[f];
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      const std::size_t j = list.neighbor[p];
      energy += 0.5 * zbl_repulsion(zbl_pair(frame.atoms->atomic_number[i], frame.atoms->atomic_number[j],
                                             parameters.repulsion_end_ang[s * 2 + static_cast<std::size_t>(species[j])]),
                                    norm(list.displacement_ang[p])).energy_ev;
    }
    EXPECT_NEAR(result.atom_energy_ev[i], energy, 1e-10);
  }
}

TEST(Ace, FileHoldsTheModel) {
  const auto path = std::filesystem::temp_directory_path() / ("saltus_ace_test_" + std::to_string(::getpid()) + ".safetensors");
  AceParameters parameters = random_ace(12);
  const std::size_t functions = parameters.coefficient_ev[0].size();
  for (int s = 0; s < 2; ++s) {
    parameters.covariance_factor.emplace_back(functions * functions, 0.0);
    for (std::size_t f = 0; f < functions; ++f) parameters.covariance_factor.back()[f * functions + f] = 1 + 0.01 * static_cast<double>(f);
  }
  parameters.extrapolation_scale = {2, 3};
  parameters.metadata["stress_labels"] = "none";
  save_ace(path, parameters);
  const auto loaded = load_potential(path);
  EXPECT_EQ(loaded->info().kind, "ace");
  EXPECT_FALSE(loaded->info().trained_on_stress);
  const AcePotential original(parameters);
  const Frame frame = skewed_cell(13);
  Workspace w1, w2;
  const Evaluation a = evaluate_one(original, frame, {.forces = true, .extrapolation = true}, w1);
  const Evaluation b = evaluate_one(*loaded, frame, {.forces = true, .extrapolation = true}, w2);
  EXPECT_EQ(a.energy_ev, b.energy_ev);
  EXPECT_EQ(a.force_ev_ang, b.force_ev_ang);
  EXPECT_EQ(a.extrapolation, b.extrapolation);
  ASSERT_EQ(a.extrapolation.size(), frame.size());

  std::string bytes = read_file(path);
  write_file_atomically(path, bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(load_potential(path), Error);
  std::filesystem::remove(path);
}

TEST(Ace, RefusesUnknownElements) {
  const AcePotential potential(random_ace(1));
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3, 8}));
  frame.position_ang = {{0, 0, 0}, {2, 0, 0}};
  Workspace workspace;
  try {
    evaluate_one(potential, frame, {}, workspace);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  }
}

}  // namespace
}  // namespace saltus
