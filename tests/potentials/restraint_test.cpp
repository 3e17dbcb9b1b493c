#include "saltus/potentials/restraint.hpp"

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/potentials/lennard_jones.hpp"

namespace saltus {
namespace {

Frame pair_across_a_skewed_cell() {
  Frame frame;
  frame.cell = Cell(Mat3{{Vec3{12, 0, 0}, Vec3{4, 13, 0}, Vec3{-3, 2, 14}}});
  frame.position_ang = {{0.3, 0.2, 0.1}, {11.2, 12.6, 13.4}, {5, 5, 5}};
  frame.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18}));
  return frame;
}

TEST(Restraint, ForceAndVirialAreDerivativesOfTheEnergy) {
  const LennardJones argon(lennard_jones_argon());
  const RestrainedPotential potential(argon, {{0, 1, 2.6, 3.0}, {1, 2, 6, 0.4}});
  Frame frame = pair_across_a_skewed_cell();
  Workspace workspace;
  const Evaluation exact = evaluate_one(potential, frame, {.virial = true}, workspace);
  constexpr double h = 1e-5;
  const auto energy = [&](const Frame& at) { return evaluate_one(potential, at, {.forces = false}, workspace).energy_ev; };
  for (std::size_t i = 0; i < 3; ++i)
    for (int axis = 0; axis < 3; ++axis) {
      Frame up = frame, down = frame;
      up.position_ang[i][axis] += h;
      down.position_ang[i][axis] -= h;
      EXPECT_NEAR(exact.force_ev_ang[i][axis], -(energy(up) - energy(down)) / (2 * h), 1e-7);
    }
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      const auto strained = [&](double e) {
        Frame at = frame;
        Mat3 rows = frame.cell.rows_ang();
        for (int k = 0; k < 3; ++k) rows[k][a] += e * frame.cell.rows_ang()[k][b];
        at.cell = Cell(rows);
        for (std::size_t i = 0; i < 3; ++i) at.position_ang[i][a] += e * frame.position_ang[i][b];
        return energy(at);
      };
      EXPECT_NEAR((*exact.virial_ev)[a][b], -(strained(h) - strained(-h)) / (2 * h), 1e-6);
    }
}

TEST(Restraint, RefusesWhatCannotBeMeant) {
  const LennardJones argon(lennard_jones_argon());
  EXPECT_THROW(RestrainedPotential(argon, {{1, 1, 2.6, 3}}), Error);
  EXPECT_THROW(RestrainedPotential(argon, {{0, 1, -2.6, 3}}), Error);
  EXPECT_THROW(RestrainedPotential(argon, {{0, 1, 2.6, 0}}), Error);
  const RestrainedPotential beyond(argon, {{0, 3, 2.6, 3}});
  Workspace workspace;
  EXPECT_THROW(evaluate_one(beyond, pair_across_a_skewed_cell(), {}, workspace), Error);
}

}  // namespace
}  // namespace saltus
