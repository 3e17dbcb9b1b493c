#include <cmath>
#include <unistd.h>

#include <gtest/gtest.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/potentials/lennard_jones.hpp"

namespace saltus {
namespace {

LennardJonesParameters argon_krypton() {
  return {{{18, 0.0103, 3.4}, {36, 0.0141, 3.65}}, 5.0, 7.5};
}

// Argon and krypton on a disturbed grid in a skewed cell narrower than the cutoff.
Frame mixture(std::uint64_t seed) {
  Frame frame;
  frame.cell = Cell(Mat3{{Vec3{7.4, 0, 0}, Vec3{1.6, 7.1, 0}, Vec3{-1.1, 0.9, 7.3}}});
  Random random(seed, 0);
  std::vector<std::uint8_t> z;
  for (int a = 0; a < 2; ++a)
    for (int b = 0; b < 2; ++b)
      for (int c = 0; c < 2; ++c) {
        frame.position_ang.push_back(frame.cell.to_cartesian(
            {(a + 0.15 * random.uniform()) / 2, (b + 0.15 * random.uniform()) / 2, (c + 0.15 * random.uniform()) / 2 + 3}));
        z.push_back(c == 0 ? 18 : 36);
      }
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  return frame;
}

double energy(const Potential& potential, const Frame& frame) {
  Workspace workspace;
  return evaluate_one(potential, frame, {.forces = false}, workspace).energy_ev;
}

TEST(LennardJones, PairAtItsMinimumAndAtZero) {
  const LennardJones potential({{{18, 0.0103, 3.4}}, 8.0, 9.0});
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({18, 18}));
  frame.position_ang = {{0, 0, 0}, {3.4 * std::pow(2.0, 1.0 / 6), 0, 0}};
  EXPECT_NEAR(energy(potential, frame), -0.0103, 1e-15);
  frame.position_ang[1].x = 3.4;
  EXPECT_NEAR(energy(potential, frame), 0, 1e-15);
  frame.position_ang[1].x = 9.0;
  EXPECT_EQ(energy(potential, frame), 0);
  frame.position_ang[1].x = 8.5;  // half way of the switch: S = 1/2
  const double s6 = std::pow(3.4 / 8.5, 6);
  EXPECT_NEAR(energy(potential, frame), 0.5 * 4 * 0.0103 * (s6 * s6 - s6), 1e-16);
}

TEST(LennardJones, ForcesAreTheGradientOfTheEnergy) {
  const LennardJones potential(argon_krypton());
  Frame frame = mixture(1);
  Workspace workspace;
  const Evaluation at = evaluate_one(potential, frame, {}, workspace);
  constexpr double h = 1e-5;
  for (std::size_t i = 0; i < frame.size(); ++i)
    for (int axis = 0; axis < 3; ++axis) {
      const double here = frame.position_ang[i][axis];
      frame.position_ang[i][axis] = here + h;
      const double up = energy(potential, frame);
      frame.position_ang[i][axis] = here - h;
      const double down = energy(potential, frame);
      frame.position_ang[i][axis] = here;
      EXPECT_NEAR(at.force_ev_ang[i][axis], -(up - down) / (2 * h), 2e-9) << i << ' ' << axis;
    }
}

TEST(LennardJones, VirialIsTheStrainDerivative) {
  const LennardJones potential(argon_krypton());
  const Frame frame = mixture(2);
  Workspace workspace;
  const Evaluation at = evaluate_one(potential, frame, {.virial = true}, workspace);
  constexpr double h = 1e-5;
  const auto strained = [&](int a, int b, double size) {
    Mat3 map = Mat3::identity();
    map[a][b] += size;
    Frame bent = frame;
    bent.cell = Cell(frame.cell.rows_ang() * map);
    for (Vec3& r : bent.position_ang) r = r * map;
    return energy(potential, bent);
  };
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b)
      EXPECT_NEAR((*at.virial_ev)[a][b], -(strained(a, b, h) - strained(a, b, -h)) / (2 * h), 2e-8) << a << b;
}

TEST(LennardJones, BatchEqualsSingleAndThreadsDoNotMatter) {
  const LennardJones potential(argon_krypton());
  const Frame a = repeated(mixture(3), {3, 3, 3}), b = repeated(mixture(4), {3, 3, 3});
  std::vector<Vec3> positions = a.position_ang;
  positions.insert(positions.end(), b.position_ang.begin(), b.position_ang.end());
  const std::vector<Cell> cells{a.cell, b.cell};
  const Want want{.virial = true, .atom_energies = true};
  Workspace batch_workspace, single_workspace;
  std::vector<Evaluation> both(2);
  set_thread_count(2);
  potential.evaluate({a.atoms.get(), cells, positions}, want, batch_workspace, both);
  set_thread_count(1);
  const Evaluation single = evaluate_one(potential, b, want, single_workspace);
  set_thread_count(0);
  EXPECT_EQ(both[1].energy_ev, single.energy_ev);
  EXPECT_EQ(both[1].force_ev_ang, single.force_ev_ang);
  EXPECT_EQ(both[1].virial_ev, single.virial_ev);
  EXPECT_EQ(both[1].atom_energy_ev, single.atom_energy_ev);
}

TEST(LennardJones, FileRoundTrip) {
  const auto path = std::filesystem::path(::testing::TempDir()) / ("saltus_lj_" + std::to_string(::getpid()) + ".safetensors");
  save_lennard_jones(path, argon_krypton());
  const LennardJonesParameters read = lennard_jones_from(read_safetensors(path));
  std::filesystem::remove(path);
  ASSERT_EQ(read.species.size(), 2u);
  EXPECT_EQ(read.species[1].atomic_number, 36);
  EXPECT_EQ(read.species[1].epsilon_ev, 0.0141);
  EXPECT_EQ(read.species[0].sigma_ang, 3.4);
  EXPECT_EQ(read.onset_ang, 5.0);
  EXPECT_EQ(read.cutoff_ang, 7.5);
}

TEST(LennardJones, RefusesWhatItCannotMean) {
  const auto kind = [](const LennardJonesParameters& parameters) {
    try {
      LennardJones potential(parameters);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind({{}, 1, 2}), ErrorKind::usage);
  EXPECT_EQ(kind({{{18, 1, 1}}, 2, 2}), ErrorKind::usage);
  EXPECT_EQ(kind({{{18, -1, 1}}, 1, 2}), ErrorKind::usage);
  EXPECT_EQ(kind({{{18, 1, 1}, {18, 1, 1}}, 1, 2}), ErrorKind::usage);
  Frame lithium;
  lithium.atoms = std::make_shared<const Atoms>(atoms_of({3}));
  lithium.position_ang = {{0, 0, 0}};
  const LennardJones argon(lennard_jones_argon());
  try {
    energy(argon, lithium);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
    EXPECT_NE(std::string(error.what()).find("Li"), std::string::npos);
  }
}

}  // namespace
}  // namespace saltus
