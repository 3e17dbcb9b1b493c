#include "saltus/potentials/qtip4pf.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "tests/potentials/units_of_three.hpp"

namespace saltus {
namespace {

const Want all{.forces = true, .virial = true};

Frame water_of(const std::vector<Vec3>& position_ang, const Cell& cell = {}) {
  Frame frame;
  std::vector<std::uint8_t> z;
  for (std::size_t i = 0; i < position_ang.size(); ++i) z.push_back(i % 3 ? 1 : 8);
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  frame.cell = cell;
  frame.position_ang = position_ang;
  return frame;
}

Evaluation evaluate_water(const Frame& frame) {
  Workspace workspace;
  return evaluate_one(Qtip4pf(), frame, all, workspace);
}

/// Bonds a, b and the angle between them, O at the origin.
std::vector<Vec3> molecule(double a, double b, double angle) { return {{0, 0, 0}, {a, 0, 0}, {b * std::cos(angle), b * std::sin(angle), 0}}; }

std::string refusal(const Frame& frame, ErrorKind kind) {
  try {
    evaluate_water(frame);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return {};
}

// LAMMPS adds no energy beyond the cutoff; what is left of both, its mesh and our real space, is 1e-6 of the forces.
TEST(Qtip4pf, LiquidAndClusterAsInLammps) {
  const auto expected = nlohmann::json::parse(read_file(SALTUS_SOURCE_DIR "/tests/golden/lammps/qtip4pf/expected.json"));
  const auto vectors = [&](const char* key) {
    std::vector<Vec3> list;
    for (const auto& r : expected.at(key)) list.push_back({r[0], r[1], r[2]});
    return list;
  };
  const double edge = expected.at("cell_ang");
  const Frame frame = water_of(vectors("position_ang"), Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}}));
  const Evaluation found = evaluate_water(frame);
  const auto force = vectors("force_ev_ang");
  for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(found.force_ev_ang[i] - force[i]), 0, 2e-6) << i;
  // 2π N²/V ∫ (1 − S) u R² dR, by the trapezoidal rule.
  const Qtip4pfParameters p = qtip4pf_parameters();
  double tail = 0;
  constexpr double step = 1e-3;
  for (double r = 8; r < 200; r += step) {
    const double x = std::min(r - 8, 1.0), s6 = std::pow(p.sigma_ang / r, 6);
    tail += step * x * x * x * (10 - x * (15 - 6 * x)) * 4 * p.epsilon_ev * s6 * (s6 - 1) * r * r;
  }
  tail *= 2 * std::numbers::pi * 32 * 32 / (edge * edge * edge);
  EXPECT_NEAR(tail, -0.10343, 1e-4);
  EXPECT_NEAR(found.energy_ev, expected.at("energy_ev").get<double>() + tail, 3e-5);
  const auto& virial = expected.at("virial_xx_yy_zz_xy_xz_yz_ev");
  const Mat3& v = *found.virial_ev;
  for (int a = 0; a < 3; ++a) EXPECT_NEAR(v[a][a], virial[static_cast<std::size_t>(a)].get<double>() + tail, 5e-5);
  EXPECT_NEAR(v[0][1], virial[3].get<double>(), 5e-5);
  EXPECT_NEAR(v[0][2], virial[4].get<double>(), 5e-5);
  EXPECT_NEAR(v[1][2], virial[5].get<double>(), 5e-5);
  // Eight molecules of it alone, nothing cut off: the same sums, to rounding of LAMMPS's own constants.
  std::vector<Vec3> alone = frame.position_ang;
  alone.resize(24);
  const Evaluation cluster = evaluate_water(water_of(alone));
  const auto cluster_force = vectors("cluster_force_ev_ang");
  EXPECT_NEAR(cluster.energy_ev, expected.at("cluster_energy_ev").get<double>(), 1e-8);
  for (std::size_t i = 0; i < 24; ++i) EXPECT_NEAR(norm(cluster.force_ev_ang[i] - cluster_force[i]), 0, 1e-8) << i;
}

TEST(Qtip4pf, OneMoleculeByItsFormula) {
  const Qtip4pfParameters p = qtip4pf_parameters();
  // Table I of the paper, in its units and to its digits.
  EXPECT_NEAR(p.stretch_ev / units::ev_per_kcal_mol, 116.09, 5e-3);
  EXPECT_NEAR(p.stretch_per_ang, 2.287, 5e-4);
  EXPECT_NEAR(p.bond_ang, 0.9419, 5e-5);
  EXPECT_NEAR(p.bend_ev_rad2 / units::ev_per_kcal_mol, 87.85, 5e-3);
  EXPECT_NEAR(p.epsilon_ev / units::ev_per_kcal_mol, 0.1852, 5e-5);
  EXPECT_NEAR(p.sigma_ang, 3.1589, 5e-5);
  const Evaluation rest = evaluate_water(water_of(molecule(p.bond_ang, p.bond_ang, p.angle_rad)));
  EXPECT_NEAR(rest.energy_ev, 0, 1e-14);
  for (const Vec3& f : rest.force_ev_ang) EXPECT_NEAR(norm(f), 0, 1e-13);
  const double x = p.stretch_per_ang * 0.1;
  EXPECT_NEAR(evaluate_water(water_of(molecule(p.bond_ang + 0.1, p.bond_ang, p.angle_rad - 0.2))).energy_ev,
              p.stretch_ev * x * x * (1 - x + 7.0 / 12 * x * x) + 0.5 * p.bend_ev_rad2 * 0.04, 1e-13);
}

// Wilson's G matrix of a bent molecule (Wilson, Decius, Cross, Molecular Vibrations, table of chapter 4): w² of the antisymmetric stretch is
// f (1/m_H + (1 − cos θ)/m_O); those of the symmetric modes are the eigenvalues of G F.
TEST(Qtip4pf, VibrationsOfOneMolecule) {
  const Qtip4pfParameters p = qtip4pf_parameters();
  Frame frame = water_of(molecule(p.bond_ang, p.bond_ang, p.angle_rad));
  std::vector<double> dynamical(81);
  constexpr double h = 1e-3;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto forces_at = [&](double shift) {
      Frame moved = frame;
      moved.position_ang[i / 3][static_cast<int>(i % 3)] += shift;
      return evaluate_water(moved).force_ev_ang;
    };
    const auto up = forces_at(h), down = forces_at(-h);
    for (std::size_t j = 0; j < 9; ++j)
      dynamical[i * 9 + j] = -(up[j / 3][static_cast<int>(j % 3)] - down[j / 3][static_cast<int>(j % 3)]) / (2 * h) /
                             std::sqrt(frame.atoms->mass_amu[i / 3] * frame.atoms->mass_amu[j / 3]);
  }
  double trace = 0, square = 0;  // Σ λ and Σ λ² of the three vibrations; the rest are zero
  for (std::size_t i = 0; i < 9; ++i) {
    trace += dynamical[i * 9 + i];
    for (std::size_t j = 0; j < 9; ++j) square += dynamical[i * 9 + j] * dynamical[j * 9 + i];
  }
  const double light = 1 / frame.atoms->mass_amu[1], heavy = 1 / frame.atoms->mass_amu[0], c = std::cos(p.angle_rad), s = std::sin(p.angle_rad);
  const double f = 2 * p.stretch_ev * p.stretch_per_ang * p.stretch_per_ang, k = p.bend_ev_rad2;
  const double antisymmetric = f * (light + heavy * (1 - c));
  const double g11 = light + heavy * (1 + c), g12 = -std::numbers::sqrt2 * heavy * s / p.bond_ang, g22 = 2 / (p.bond_ang * p.bond_ang) * (light + heavy * (1 - c));
  const double sum = g11 * f + g22 * k, product = (g11 * g22 - g12 * g12) * f * k;
  EXPECT_NEAR(trace, antisymmetric + sum, 2e-5 * trace);  // what fourth derivatives leave of the difference
  EXPECT_NEAR(square, antisymmetric * antisymmetric + sum * sum - 2 * product, 4e-5 * square);
  const double per_cm = std::sqrt(antisymmetric / units::ev_per_amu_ang2_fs2) / (2 * std::numbers::pi * units::light_cm_per_fs);
  EXPECT_NEAR(per_cm, 4000, 100);
}

TEST(Qtip4pf, DimerIsSumsOverSites) {
  const Qtip4pfParameters p = qtip4pf_parameters();
  std::vector<Vec3> position = molecule(0.97, 0.93, 1.9);
  for (const Vec3& r : molecule(0.95, 0.99, 1.8)) position.push_back({2.9 + r.z, 0.3 + r.x, 0.4 - r.y});
  const double together = evaluate_water(water_of(position)).energy_ev;
  double expected = 0;
  for (int m = 0; m < 2; ++m) expected += evaluate_water(water_of({position.begin() + 3 * m, position.begin() + 3 * m + 3})).energy_ev;
  std::vector<Vec3> site = position;
  for (std::size_t m = 0; m < 6; m += 3) site[m] = p.gamma * position[m] + (0.5 * (1 - p.gamma)) * (position[m + 1] + position[m + 2]);
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 3; b < 6; ++b)
      expected += units::coulomb_ev_ang * p.charge_m * p.charge_m * (a ? -0.5 : 1) * (b > 3 ? -0.5 : 1) / norm(site[a] - site[b]);
  const double s6 = std::pow(p.sigma_ang / norm(position[3] - position[0]), 6);
  expected += 4 * p.epsilon_ev * s6 * (s6 - 1);
  EXPECT_NEAR(together, expected, 1e-12);
}

TEST(Qtip4pf, AtomsMayBeWrappedAndListsDoNotMatter) {
  const Frame frame = water_crowd(11);
  const Evaluation whole = evaluate_water(frame);
  Frame wrapped = frame;
  for (Vec3& r : wrapped.position_ang) r = frame.cell.wrap(r);
  ASSERT_NE(wrapped.position_ang, frame.position_ang);
  EXPECT_NEAR(evaluate_water(wrapped).energy_ev, whole.energy_ev, 1e-10);
  // A list kept from elsewhere gives the same bits as a new one.
  Workspace kept;
  kept.skin_ang = 2;
  Frame moved = frame;
  for (Vec3& r : moved.position_ang) r.x += 0.4;
  moved.position_ang[0].y += 0.1;
  const Qtip4pf potential;
  evaluate_one(potential, moved, all, kept);
  const Evaluation again = evaluate_one(potential, frame, all, kept);
  EXPECT_EQ(again.energy_ev, whole.energy_ev);
  EXPECT_EQ(again.force_ev_ang, whole.force_ev_ang);
}

TEST(Qtip4pf, FarApartInALargeCellIsIsolated) {
  // Two molecules of dipole 2.3 D each in a cube of 40 Å: images add some 4π μ²/(3V).
  std::vector<Vec3> position = molecule(0.97, 0.93, 1.9);
  for (const Vec3& r : molecule(0.95, 0.99, 1.8)) position.push_back({2.9 + r.z, 0.3 + r.x, 0.4 - r.y});
  const double isolated = evaluate_water(water_of(position)).energy_ev;
  const double periodic = evaluate_water(water_of(position, Cell(Mat3{{Vec3{40, 0, 0}, Vec3{0, 40, 0}, Vec3{0, 0, 40}}}))).energy_ev;
  EXPECT_NEAR(periodic, isolated, 1e-3);
  EXPECT_NE(periodic, isolated);
}

TEST(Qtip4pf, RefusesWhatIsNoWater) {
  Frame frame = water_crowd(1);
  Atoms atoms = *frame.atoms;
  std::swap(atoms.atomic_number[3], atoms.atomic_number[4]);
  Frame other = frame;
  other.atoms = std::make_shared<const Atoms>(atoms);
  EXPECT_NE(refusal(other, ErrorKind::unsupported).find("atom 3 is H"), std::string::npos);
  EXPECT_NE(refusal(water_of({{0, 0, 0}, {1, 0, 0}}), ErrorKind::unsupported).find("whole number"), std::string::npos);
  EXPECT_NE(refusal(water_of({{0, 0, 0}, {1, 0, 0}, {0, 3, 0}}), ErrorKind::unsupported).find("atom 2 (H) is 3.00 Å from atom 0"), std::string::npos);
  Frame layer = frame;
  layer.cell = Cell(frame.cell.rows_ang(), {true, true, false});
  EXPECT_NE(refusal(layer, ErrorKind::unsupported).find("along all three"), std::string::npos);
  Frame vast = frame;
  vast.cell = Cell(Mat3{{Vec3{1e4, 0, 0}, Vec3{0, 1e4, 0}, Vec3{0, 0, 1e4}}});
  EXPECT_NE(refusal(vast, ErrorKind::unsupported).find("too many waves"), std::string::npos);
  EXPECT_EQ(evaluate_water(water_of({})).energy_ev, 0);
}

}  // namespace
}  // namespace saltus
