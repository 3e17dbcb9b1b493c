// SevenNet against its published reference values (float32, upstream's own tests) and against itself in the other precision.
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/potentials/sevennet.hpp"

namespace saltus {
namespace {

const PublishedModel& sevennet_0() {
  static const PublishedModel model = read_published_model(SALTUS_SOURCE_DIR "/tests/golden/models/sevennet/SevenNet-0_11July2024_deployed_serial.pt");
  return model;
}

Frame water() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 1}));
  frame.position_ang = {{0, 0.2, 0.12}, {0, 0.76, -0.48}, {0, -0.76, -0.48}};
  return frame;
}

Frame rock_salt() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({11, 17}));
  frame.position_ang = {{0, 0, 0}, {2.815, 0, 0}};
  frame.cell = Cell(Mat3{{Vec3{1, 2.815, 2.815}, Vec3{2.815, 0, 2.815}, Vec3{2.815, 2.815, 0}}});
  return frame;
}

constexpr Want all{.forces = true, .virial = true, .atom_energies = true, .extrapolation = false};

void expect_force(const Vec3& found, const Vec3& expected) {
  for (int a = 0; a < 3; ++a) EXPECT_NEAR(found[a], expected[a], 1e-4);  // float32 reference
}

void check_references(const NetworkSettings& settings) {
  const SevenNet potential(sevennet_0(), settings);
  EXPECT_EQ(potential.cutoff_ang(), 5);
  EXPECT_EQ(potential.info().elements.size(), 89u);
  Workspace workspace;
  const Evaluation h2o = evaluate_one(potential, water(), all, workspace);
  EXPECT_NEAR(h2o.energy_ev, -12.7828083, 2e-5);
  const double atomic[] = {-6.249352, -3.141562, -3.391896};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(h2o.atom_energy_ev[i], atomic[i], 2e-5);
  expect_force(h2o.force_ev_ang[0], {0, -13.619620, 7.593702});
  expect_force(h2o.force_ev_ang[1], {0, 9.391849, -10.172188});
  expect_force(h2o.force_ev_ang[2], {0, 4.227772, 2.578486});
  const Mat3& v = *h2o.virial_ev;
  EXPECT_NEAR(v[0][0], 0, 1e-4);
  EXPECT_NEAR(v[1][1], 1.200774, 1e-4);
  EXPECT_NEAR(v[2][2], 4.556221, 1e-4);
  EXPECT_NEAR(v[1][2], -8.171772, 1e-4);

  const Frame salt = rock_salt();
  const Evaluation nacl = evaluate_one(potential, salt, all, workspace);
  EXPECT_NEAR(nacl.energy_ev, -3.77919817, 2e-5);
  EXPECT_NEAR(nacl.atom_energy_ev[0], -1.849392, 2e-5);
  EXPECT_NEAR(nacl.atom_energy_ev[1], -1.929806, 2e-5);
  expect_force(nacl.force_ev_ang[0], {12.666704, 0.047264, 0.047759});
  expect_force(nacl.force_ev_ang[1], {-12.666704, -0.047264, -0.047759});
  const double volume = std::abs(determinant(salt.cell.rows_ang()));
  const Mat3& w = *nacl.virial_ev;  // upstream's stress has the sign of the virial
  const double stress[] = {0.643913, 0.036439, 0.036440, -0.045436, -0.005991, -0.045445};
  const double found[] = {w[0][0], w[1][1], w[2][2], w[0][1], w[1][2], w[2][0]};
  for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(found[k] / volume, stress[k], 1e-5);
}

TEST(SevenNet0, ReferenceValuesInFloat32) { check_references({}); }
TEST(SevenNet0, ReferenceValuesInFloat64) { check_references({.precision = Dtype::f64, .exact_radial = false, .head = {}}); }
TEST(SevenNet0, ReferenceValuesWithoutTables) { check_references({.precision = Dtype::f64, .exact_radial = true, .head = {}}); }

TEST(SevenNet0, TablesAndFloat32AgreeWithTheNetworkItselfInFloat64) {
  const SevenNet exact(sevennet_0(), {.precision = Dtype::f64, .exact_radial = true, .head = {}}),
      table(sevennet_0(), {.precision = Dtype::f64, .exact_radial = false, .head = {}}), narrow(sevennet_0());
  EXPECT_EQ(narrow.precision(), Dtype::f32);
  for (const Frame& frame : {water(), rock_salt()}) {
    Workspace a, b, c;
    const Evaluation e = evaluate_one(exact, frame, all, a), t = evaluate_one(table, frame, all, b), f = evaluate_one(narrow, frame, all, c);
    EXPECT_NEAR(t.energy_ev, e.energy_ev, 1e-8 * static_cast<double>(frame.size()));
    EXPECT_NEAR(f.energy_ev, e.energy_ev, 1e-6 * std::abs(e.energy_ev));
    for (std::size_t i = 0; i < frame.size(); ++i) {
      EXPECT_NEAR(norm(t.force_ev_ang[i] - e.force_ev_ang[i]), 0, 1e-7);
      EXPECT_NEAR(norm(f.force_ev_ang[i] - e.force_ev_ang[i]), 0, 2e-5);
    }
  }
}

}  // namespace
}  // namespace saltus
