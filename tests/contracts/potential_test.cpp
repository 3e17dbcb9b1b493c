// What every Potential must hold, run on each implementation.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/potentials/ace_model.hpp"
#include "tests/potentials/network_models.hpp"
#include "tests/potentials/units_of_three.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/potentials/committee.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/potentials/mace.hpp"
#include "saltus/potentials/mattersim.hpp"
#include "saltus/potentials/sevennet.hpp"

namespace saltus {
namespace {

struct Contract {
  std::string name;
  std::function<std::unique_ptr<Potential>()> make;
  double difference_tolerance = 1e-6;  ///< of differences, relative to the largest force
  double symmetry_tolerance = 1e-10;   ///< relative to the largest energy or force
  double step_ang = 1e-3;
  Frame (*frame)(std::uint64_t seed) = nullptr;  ///< what it can be evaluated on; nothing: any crowd of its elements
  std::size_t unit = 1;         ///< atoms that stay together
  bool feels_forces = true;     ///< it has some
  bool anchored = false;        ///< to a point in space: neither translations nor images
  bool atom_energies = true;    ///< it has them
  bool finite_range = true;     ///< atoms apart feel nothing, and any may meet
};

void PrintTo(const Contract& contract, std::ostream* out) { *out << contract.name; }

std::unique_ptr<Potential> sevennet(std::uint64_t seed, const SevenNetShape& shape, const NetworkSettings& settings) {
  return std::make_unique<SevenNet>(random_sevennet(seed, shape), settings);
}

std::unique_ptr<Potential> mace(std::uint64_t seed, const MaceShape& shape, const NetworkSettings& settings = {}) {
  return std::make_unique<Mace>(random_mace(seed, shape), settings);
}

Frame crowd(const Contract& contract, const Potential& potential, std::uint64_t seed) {
  return contract.frame ? contract.frame(seed) : crowd_of(potential.info().elements, seed);
}

Frame moved(const Frame& frame, const Mat3& map) {
  Frame result = frame;
  Mat3 rows = frame.cell.rows_ang();
  for (int k = 0; k < 3; ++k) rows[k] = map * rows[k];
  result.cell = Cell(rows);
  for (Vec3& r : result.position_ang) r = map * r;
  return result;
}

double largest(const std::vector<Vec3>& vectors) {
  double most = 0;
  for (const Vec3& v : vectors) most = std::max(most, norm(v));
  return most;
}

class PotentialContract : public testing::TestWithParam<Contract> {};

TEST_P(PotentialContract, ForceIsMinusTheGradient) {
  const auto potential = GetParam().make();
  Frame frame = crowd(GetParam(), *potential, 2);
  Workspace workspace;
  const Evaluation exact = evaluate_one(*potential, frame, {}, workspace);
  const double h = GetParam().step_ang, scale = largest(exact.force_ev_ang);
  if (GetParam().feels_forces) {
    ASSERT_GT(scale, 1e-3);
  }
  Vec3 sum;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    sum += exact.force_ev_ang[i];
    for (int axis = 0; axis < 3; ++axis) {
      const double kept = frame.position_ang[i][axis];
      const auto energy = [&](double shift) {
        frame.position_ang[i][axis] = kept + shift;
        return evaluate_one(*potential, frame, {.forces = false}, workspace).energy_ev;
      };
      const double slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h);  // error of order h⁴
      frame.position_ang[i][axis] = kept;
      EXPECT_NEAR(exact.force_ev_ang[i][axis], -slope, GetParam().difference_tolerance * scale) << i << " " << axis;
    }
  }
  if (!GetParam().anchored) {
    EXPECT_NEAR(norm(sum), 0, GetParam().symmetry_tolerance * scale);
  }
}

TEST_P(PotentialContract, VirialIsMinusTheStrainDerivative) {
  const auto potential = GetParam().make();
  const Frame frame = crowd(GetParam(), *potential, 3);
  Workspace workspace;
  const Evaluation exact = evaluate_one(*potential, frame, {.forces = false, .virial = true}, workspace);
  EXPECT_TRUE(exact.force_ev_ang.empty());
  double scale = 0;
  for (int a = 0; a < 3; ++a) scale = std::max(scale, norm((*exact.virial_ev)[a]));
  const double h = GetParam().step_ang / 5;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      const auto energy = [&](double amount) {
        Mat3 strain = Mat3::identity();
        strain[a][b] += amount;
        return evaluate_one(*potential, moved(frame, strain), {.forces = false}, workspace).energy_ev;
      };
      const double slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h);
      EXPECT_NEAR((*exact.virial_ev)[a][b], -slope, 3 * GetParam().difference_tolerance * scale) << a << b;
    }
}

TEST_P(PotentialContract, RotationTurnsForcesAndVirial) {
  const auto potential = GetParam().make();
  const Frame frame = crowd(GetParam(), *potential, 4);
  Workspace workspace;
  const Want all{.forces = true, .virial = true, .atom_energies = true};
  const Evaluation original = evaluate_one(*potential, frame, all, workspace);
  const double scale = std::max(largest(original.force_ev_ang), std::abs(original.energy_ev)), limit = GetParam().symmetry_tolerance * scale;
  const Mat3 turn{{Vec3{std::cos(0.7), -std::sin(0.7), 0}, Vec3{std::sin(0.7), std::cos(0.7), 0}, Vec3{0, 0, 1}}};
  const Mat3 other{{Vec3{1, 0, 0}, Vec3{0, std::cos(1.9), -std::sin(1.9)}, Vec3{0, std::sin(1.9), std::cos(1.9)}}};
  const Mat3 rotation = turn * other;
  const Evaluation turned = evaluate_one(*potential, moved(frame, rotation), all, workspace);
  EXPECT_NEAR(turned.energy_ev, original.energy_ev, limit);
  for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(turned.force_ev_ang[i] - rotation * original.force_ev_ang[i]), 0, 3 * limit);
  const Mat3 virial = rotation * *original.virial_ev * transpose(rotation);
  for (int a = 0; a < 3; ++a) EXPECT_NEAR(norm((*turned.virial_ev)[a] - virial[a]), 0, 10 * limit);
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) EXPECT_NEAR((*original.virial_ev)[a][b], (*original.virial_ev)[b][a], 10 * limit);
}

TEST_P(PotentialContract, PermutationTranslationRepetitionAndOtherLatticeVectors) {
  const auto potential = GetParam().make();
  const Frame frame = crowd(GetParam(), *potential, 5);
  Workspace workspace;
  const Want all{.forces = true, .atom_energies = true};
  const Evaluation original = evaluate_one(*potential, frame, all, workspace);
  const double scale = std::max(largest(original.force_ev_ang), std::abs(original.energy_ev)), limit = GetParam().symmetry_tolerance * scale;
  Frame swapped = frame;
  Atoms atoms = *frame.atoms;
  const std::size_t unit = GetParam().unit, far = unit == 1 ? 5 : unit;
  for (std::size_t k = 0; k < unit; ++k) {
    std::swap(swapped.position_ang[k], swapped.position_ang[far + k]);
    std::swap(atoms.atomic_number[k], atoms.atomic_number[far + k]);
    std::swap(atoms.mass_amu[k], atoms.mass_amu[far + k]);
  }
  swapped.atoms = std::make_shared<const Atoms>(atoms);
  if (!GetParam().anchored)
    for (Vec3& r : swapped.position_ang) r += Vec3{0.3, -7.1, 11.9};
  const Evaluation permuted = evaluate_one(*potential, swapped, all, workspace);
  EXPECT_NEAR(permuted.energy_ev, original.energy_ev, limit);
  EXPECT_NEAR(norm(permuted.force_ev_ang[far] - original.force_ev_ang[0]), 0, 3 * limit);

  if (GetParam().atom_energies) {
    double sum = 0;
    ASSERT_EQ(original.atom_energy_ev.size(), frame.size());
    for (const double e : original.atom_energy_ev) sum += e;
    EXPECT_NEAR(sum, original.energy_ev, 1e-12 * scale);
  }
  if (GetParam().anchored) return;
  const Evaluation doubled = evaluate_one(*potential, repeated(frame, {2, 1, 1}), all, workspace);
  EXPECT_NEAR(doubled.energy_ev, 2 * original.energy_ev, 4 * limit);

  Frame sheared = frame;
  Mat3 rows = frame.cell.rows_ang();
  rows[2] += rows[0] - rows[1];
  sheared.cell = Cell(rows);
  EXPECT_NEAR(evaluate_one(*potential, sheared, all, workspace).energy_ev, original.energy_ev, limit);
}

TEST_P(PotentialContract, BatchEqualsSinglesAndThreadsDoNotMatter) {
  const auto potential = GetParam().make();
  const Frame a = repeated(crowd(GetParam(), *potential, 8), {3, 2, 2});
  Frame b = a;
  Random random(9, 0);
  for (Vec3& r : b.position_ang) r += Vec3{0.05 * random.normal(), 0.05 * random.normal(), 0.05 * random.normal()};
  std::vector<Vec3> both = a.position_ang;
  both.insert(both.end(), b.position_ang.begin(), b.position_ang.end());
  const std::vector<Cell> cells{a.cell, b.cell};
  Workspace workspace, single;
  std::vector<Evaluation> results(2);
  const Want all{.forces = true, .virial = true, .atom_energies = true};
  set_thread_count(2);
  potential->evaluate({a.atoms.get(), cells, both}, all, workspace, results);
  set_thread_count(1);
  for (std::size_t k = 0; k < 2; ++k) {
    const Evaluation one = evaluate_one(*potential, k ? b : a, all, single);
    EXPECT_EQ(one.energy_ev, results[k].energy_ev);
    EXPECT_EQ(one.force_ev_ang, results[k].force_ev_ang);
    EXPECT_EQ(*one.virial_ev, *results[k].virial_ev);
    EXPECT_EQ(one.atom_energy_ev, results[k].atom_energy_ev);
  }
  set_thread_count(0);
}

TEST_P(PotentialContract, PairsAreSmoothThroughTheCutoffAndAtomsAloneFeelNothing) {
  if (!GetParam().finite_range) GTEST_SKIP() << "it has no range, or atoms that must stay together";
  const auto potential = GetParam().make();
  const auto& known = potential->info().elements;
  Frame pair;
  pair.atoms = std::make_shared<const Atoms>(atoms_of({known.front(), known.back()}));
  Workspace workspace;
  const double cutoff = potential->cutoff_ang();
  const auto at = [&](double r) {
    pair.position_ang = {{0, 0, 0}, {0.6 * r, 0, 0.8 * r}};
    return evaluate_one(*potential, pair, {.forces = true, .virial = true}, workspace);
  };
  const Evaluation apart = at(1.1 * cutoff);
  EXPECT_EQ(norm(apart.force_ev_ang[0]), 0);
  double alone = 0;
  for (const auto z : {known.front(), known.back()}) {
    Frame one;
    one.atoms = std::make_shared<const Atoms>(atoms_of({z}));
    one.position_ang = {{1, 2, 3}};
    alone += evaluate_one(*potential, one, {}, workspace).energy_ev;
  }
  EXPECT_NEAR(apart.energy_ev, alone, 1e-12 * (1 + std::abs(alone)));
  const Evaluation near = at(cutoff * (1 - 1e-7)), inside = at(0.6 * cutoff);
  EXPECT_NEAR(near.energy_ev, apart.energy_ev, 1e-6 * (1 + std::abs(alone)));
  EXPECT_NEAR(near.force_ev_ang[1].z, 0, 1e-4 * (1 + std::abs(inside.force_ev_ang[1].z)));
  // Steps of a scan: the energy changes by no more than the force explains.
  double last = at(0.5 * cutoff).energy_ev;
  for (double r = 0.5 * cutoff; r < 1.02 * cutoff; r += 0.002 * cutoff) {
    const Evaluation next = at(r + 0.002 * cutoff), middle = at(r + 0.001 * cutoff);
    const double slope = 0.6 * middle.force_ev_ang[1].x + 0.8 * middle.force_ev_ang[1].z;
    EXPECT_NEAR(next.energy_ev - last, -slope * 0.002 * cutoff, 1e-5 * (1 + std::abs(alone)) + 0.02 * std::abs(next.energy_ev - last)) << r;
    last = next.energy_ev;
  }
}

TEST_P(PotentialContract, RefusesWhatItCannotEvaluate) {
  const auto potential = GetParam().make();
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({potential->info().elements[0], 118}));
  frame.position_ang = {{0, 0, 0}, {2, 0, 0}};
  Workspace workspace;
  if (const auto& known = potential->info().elements; std::find(known.begin(), known.end(), 118) == known.end()) try {
      evaluate_one(*potential, frame, {}, workspace);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::unsupported);
    }
  frame.atoms = std::make_shared<const Atoms>(atoms_of({potential->info().elements[0], potential->info().elements[0]}));
  frame.position_ang[1].x = std::nan("");
  EXPECT_THROW(evaluate_one(*potential, frame, {}, workspace), Error);
}

Contract of_units(std::string name, const char* model, Frame (*frame)(std::uint64_t seed), bool atom_energies) {
  return {.name = std::move(name), .make = [model] { return load_potential(model); }, .frame = frame, .unit = 3, .atom_energies = atom_energies, .finite_range = false};
}

Contract of_independent(std::string name, const char* model, bool feels_forces) {
  return {.name = std::move(name), .make = [model] { return load_potential(model); }, .feels_forces = feels_forces, .anchored = true, .finite_range = false};
}

const NetworkSettings float64{.precision = Dtype::f64, .exact_radial = false, .head = {}};

const Contract contracts[] = {
    {"ace", [] { return std::make_unique<AcePotential>(random_ace(1)); }},
    {"committee",
     [] {
       std::vector<std::unique_ptr<Potential>> members;
       for (const std::uint64_t seed : {1, 2, 3}) members.push_back(std::make_unique<AcePotential>(random_ace(seed)));
       return std::make_unique<Committee>(std::move(members));
     }},
    {"sevennet", [] { return sevennet(1, {}, {}); }},
    {"sevennet_exact", [] { return sevennet(1, {}, {.precision = {}, .exact_radial = true, .head = {}}); }},
    {"sevennet_parity", [] { return sevennet(2, {.channels = {9, 5, 3}, .parity = true, .xplor = false}, {}); }},
    {"sevennet_l3_species", [] { return sevennet(3, {.channels = {8, 8, 6, 5}, .layers = 2, .species_self_connection = true, .xplor = false}, {}); }},
    {"sevennet_modal", [] { return sevennet(4, {.modalities = 2}, {.precision = {}, .exact_radial = false, .head = "level_1"}); }},
    {"sevennet_scalars", [] { return sevennet(5, {.channels = {12}, .layers = 2, .hidden = {8}}, {}); }},
    {"sevennet_float32", [] { return sevennet(1, {}, {.precision = Dtype::f32, .exact_radial = false, .head = {}}); }, 2e-3, 2e-5, 1e-2},
    {"mace", [] { return mace(1, {}); }},
    {"mace_exact", [] { return mace(1, {}, {.precision = {}, .exact_radial = true, .head = {}}); }},
    {"mace_hidden_vectors", [] { return mace(2, {.channels = 5, .l_max = 3, .l_hidden = 1, .correlation = 2, .residual_first = true}); }},
    {"mace_density", [] { return mace(3, {.correlation = 2, .density = true, .transform = true, .repulsion = true, .cutoff_on_basis = false}); }},
    {"mace_fourfold", [] { return mace(4, {.channels = 17, .l_max = 1, .l_hidden = 1, .correlation = 4, .layers = 3, .scale_shift = false}); }},
    {"mace_heads", [] { return mace(5, {.correlation = 1, .layers = 1, .repulsion = true, .heads = 3}, {.precision = {}, .exact_radial = false, .head = "head_2"}); }},
    {"mace_spice", [] { return load_potential(SALTUS_SOURCE_DIR "/tests/golden/models/mace/MACE_SPICE.model", float64); }},
    {"sevennet_0", [] { return load_potential(SALTUS_SOURCE_DIR "/tests/golden/models/sevennet/SevenNet-0_11July2024_deployed_serial.pt", float64); }, 2e-6, 1e-10, 3e-4},
    {"mattersim", [] { return std::make_unique<MatterSim>(random_mattersim(1)); }},
    {"mattersim_oblong", [] { return std::make_unique<MatterSim>(random_mattersim(2, {.units = 11, .layers = 3, .radial = 2, .angular = 3}), NetworkSettings{}, 0); }},
    {"mattersim_float32", [] { return std::make_unique<MatterSim>(random_mattersim(1), NetworkSettings{.precision = Dtype::f32}); }, 2e-3, 2e-5, 1e-2},
    of_units("qtip4pf", "builtin:qtip4pf", water_crowd, false),
    of_units("shared_proton", "builtin:shared_proton", shared_proton_crowd, true),
    of_units("shared_proton_short", "builtin:shared_proton?oxygen_distance_ang=2.35", shared_proton_crowd, true),
    of_independent("harmonic", "builtin:harmonic?wavenumber_per_cm=3500", true),
    of_independent("ideal_gas", "builtin:ideal_gas", false),
    {"mace_float32", [] { return mace(1, {}, {.precision = Dtype::f32, .exact_radial = false, .head = {}}); }, 2e-3, 2e-5, 1e-2},
};

INSTANTIATE_TEST_SUITE_P(All, PotentialContract, testing::ValuesIn(contracts), [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace saltus
