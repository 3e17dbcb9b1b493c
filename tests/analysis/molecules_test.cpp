#include "saltus/analysis/molecules.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/covalent_bonds.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus {
namespace {

Frame frame_of(std::vector<std::uint8_t> z, std::vector<Vec3> r, const Mat3& rows) {
  Frame frame;
  frame.cell = Cell(rows);
  frame.atoms = std::make_shared<const Atoms>(atoms_of(std::move(z)));
  frame.position_ang = std::move(r);
  return frame;
}

const Mat3 skewed{{Vec3{10, 0, 0}, Vec3{4, 9, 0}, Vec3{-3, 4, 12}}};

TEST(Molecules, CentreOfMassOfAMoleculeAcrossTheBoundaryOfASkewedCell) {
  const Vec3 oxygen{0.1, 0.2, 0.1}, h1{-0.6, 0.7, 0.1}, h2{0.3, -0.4, -0.7};
  Frame whole = frame_of({8, 1, 1, 18}, {oxygen, h1, h2, {5, 5, 5}}, skewed), wrapped = whole;
  for (Vec3& r : wrapped.position_ang) r = whole.cell.wrap(r);
  const std::vector<std::uint32_t> water{0, 1, 2};
  const auto groups = molecules_of(wrapped, water, MoleculeRule::bonds);
  ASSERT_EQ(groups.size(), 1u);
  const auto& m = whole.atoms->mass_amu;
  const Vec3 expected = (m[0] * oxygen + m[1] * h1 + m[2] * h2) / (m[0] + m[1] + m[2]);
  const Vec3 found = molecule_points(groups, wrapped.cell, wrapped.position_ang)[0];
  EXPECT_LT(norm(whole.cell.minimum_image(found - expected)), 1e-12);
  EXPECT_LT(norm(molecule_points(groups, whole.cell, whole.position_ang)[0] - expected), 1e-12);
}

TEST(Molecules, SelectedAtomsHangOnTheNearestSelectedOneAlongBonds) {
  // A chain of 12 carbons longer than half the cell; every third is selected.
  std::vector<Vec3> r;
  for (int k = 0; k < 12; ++k) r.push_back({1.5 * k, 0, 0});
  Frame frame = frame_of(std::vector<std::uint8_t>(12, 6), r, {{Vec3{30, 0, 0}, Vec3{0, 20, 0}, Vec3{0, 0, 20}}});
  const std::vector<std::uint32_t> selected{0, 3, 6, 9};
  for (Vec3& p : frame.position_ang) p = frame.cell.wrap(p + Vec3{20, 0, 0});
  const auto groups = molecules_of(frame, selected, MoleculeRule::bonds);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups.atom, selected);
  EXPECT_EQ(groups.from, (std::vector<std::uint32_t>{0, 0, 1, 2}));
  EXPECT_NEAR(molecule_points(groups, frame.cell, frame.position_ang)[0].x, 26.75, 1e-12);  // 20 + 1.5 · 4.5
}

TEST(Molecules, ResiduesAndAtoms) {
  Frame frame = frame_of({8, 1, 8, 1}, {{0, 0, 0}, {5, 0, 0}, {1, 5, 0}, {1, 6, 0}}, {{Vec3{20, 0, 0}, Vec3{0, 20, 0}, Vec3{0, 0, 20}}});
  const std::vector<std::uint32_t> all{0, 1, 2, 3};
  EXPECT_THROW(molecules_of(frame, all, MoleculeRule::residues), Error);
  Atoms named = *frame.atoms;
  named.labels = std::make_shared<const AtomLabels>(AtomLabels{{}, {"A", "A", "A", "A"}, {1, 1, 2, 2}});
  frame.atoms = std::make_shared<const Atoms>(named);
  const auto residues = molecules_of(frame, all, MoleculeRule::residues);
  ASSERT_EQ(residues.size(), 2u);
  EXPECT_EQ(residues.first, (std::vector<std::uint32_t>{0, 2, 4}));
  EXPECT_EQ(molecules_of(frame, all, MoleculeRule::bonds).size(), 2u);
  EXPECT_EQ(molecules_of(frame, all, MoleculeRule::atoms).size(), 4u);
  EXPECT_EQ(molecule_formulas(*frame.atoms, molecule_of_each_atom(frame, MoleculeRule::bonds)).front(), "HO");
  const std::vector<std::uint32_t> beyond{4};
  EXPECT_THROW(molecules_of(frame, beyond, MoleculeRule::atoms), Error);
}

// By all pairs, as the rule is written.
TEST(Molecules, BondsAreThoseOfAllPairs) {
  Random random(7, 0);
  std::vector<std::uint8_t> z;
  std::vector<Vec3> r;
  const Cell cell(skewed);
  for (int k = 0; k < 60; ++k) {
    z.push_back(k % 3 == 0 ? 8 : k % 7 == 0 ? 3 : 1);
    r.push_back(cell.to_cartesian({random.uniform(), random.uniform(), random.uniform()}));
  }
  z.push_back(53), r.push_back({1, 1, 1}), z.push_back(53), r.push_back({4.2, 1, 1});
  const Atoms atoms = atoms_of(z);
  std::size_t hydrogens = 0;
  for (const CovalentBond& bond : covalent_bonds(cell, atoms, r)) {
    const double length = norm(cell.minimum_image(r[bond.first] - r[bond.second]));
    EXPECT_NEAR(bond.length_ang, length, 1e-12);
    if (z[bond.second] != 1) continue;
    ++hydrogens;
    for (std::size_t j = 0; j < z.size(); ++j) {
      if (z[j] == 1) continue;
      EXPECT_LE(bond.length_ang, norm(cell.minimum_image(r[j] - r[bond.second])) + 1e-12);
    }
  }
  EXPECT_EQ(hydrogens, static_cast<std::size_t>(std::count(z.begin(), z.end(), 1)));
  // A hydrogen that is far from everything belongs to the nearest heavy atom all the same.
  const Cell wide(Mat3{{Vec3{100, 0, 0}, Vec3{0, 100, 0}, Vec3{0, 0, 100}}});
  const std::vector<Vec3> apart{{0, 0, 0}, {20, 0, 0}, {30, 0, 0}};
  const auto far = covalent_bonds(wide, atoms_of({8, 1, 8}), apart);
  ASSERT_EQ(far.size(), 1u);
  EXPECT_EQ(far[0].first, 2u);
}

}  // namespace
}  // namespace saltus
