#include "saltus/analysis/wannier_centres.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/molecular_dipoles.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus {
namespace {

struct Case {
  Atoms atoms;
  std::vector<Vec3> position, centre;
};

// Water in the plane z = 0: bond centres at 0.5 Å of the oxygen, lone pairs at 0.3 Å above and below, behind it.
Case water() {
  Case water{atoms_of({8, 1, 1}), {{0, 0, 0}, {0.77, 0.59, 0}, {-0.77, 0.59, 0}}, {}};
  const double oh = std::hypot(0.77, 0.59);
  for (const std::size_t h : {1, 2}) water.centre.push_back(0.5 / oh * water.position[h]);
  for (const double z : {0.26, -0.26}) water.centre.push_back({0, -0.15, z});
  return water;
}

// Every atom and centre moved by a lattice vector of its own.
void scatter(const Cell& cell, Case& all, Random& random) {
  for (auto* places : {&all.position, &all.centre})
    for (Vec3& r : *places) {
      Int3 image;
      for (int& k : image) k = static_cast<int>(5 * random.uniform()) - 2;
      r += cell.translation_ang(image);
    }
}

TEST(WannierCentres, BondsAndLonePairsOfWaterInASkewedCell) {
  const Cell cell(Mat3{{Vec3{5.5, 0, 0}, Vec3{2.6, 5.1, 0}, Vec3{-2.4, 2.5, 5}}});
  Random random(1, 0);
  for (int repeat = 0; repeat < 20; ++repeat) {
    Case w = water();
    scatter(cell, w, random);
    const auto centres = assign_wannier_centres(cell, w.atoms, w.position, w.centre);
    ASSERT_EQ(centres.size(), 4u);
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_EQ(centres[k].heavy, 0u);
      EXPECT_EQ(centres[k].partner, k < 2 ? k + 1 : no_atom);
      EXPECT_NEAR(norm(centres[k].from_heavy_ang), k < 2 ? 0.5 : std::hypot(0.15, 0.26), 1e-12);
    }
    EXPECT_EQ(centres_around(3, centres), (std::vector<int>{4, 1, 1}));
  }
}

// A second centre within the limit is a lone pair: a hydrogen holds one pair.
TEST(WannierCentres, AHydrogenTakesOneCentre) {
  Case w = water();
  w.centre[2] = 0.3 / norm(w.position[1]) * w.position[1] + Vec3{0, 0, 0.05};
  const auto centres = assign_wannier_centres(Cell(), w.atoms, w.position, w.centre);
  EXPECT_EQ(centres[0].partner, 1u);
  EXPECT_EQ(centres[2].partner, no_atom);
  EXPECT_EQ(centres[2].heavy, 0u);
}

// Formaldehyde: the two pairs of C=O lie between C and O and count at both; named from O, the heavier.
TEST(WannierCentres, BondsBetweenHeavyAtomsCountAtBoth) {
  const Atoms atoms = atoms_of({6, 8, 1, 1});
  const std::vector<Vec3> position{{0, 0, 0}, {1.21, 0, 0}, {-0.59, 0.94, 0}, {-0.59, -0.94, 0}};
  const std::vector<Vec3> centre{{0.75, 0, 0.3}, {0.75, 0, -0.3}, {-0.38, 0.6, 0}, {-0.38, -0.6, 0}, {1.35, 0.27, 0}, {1.35, -0.27, 0}};
  const auto centres = assign_wannier_centres(Cell(), atoms, position, centre);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(centres[k].heavy, 1u);
    EXPECT_EQ(centres[k].partner, 0u);
  }
  EXPECT_EQ(centres_around(4, centres), (std::vector<int>{4, 4, 1, 1}));
}

// O–H…O with the proton off the middle: the nearest centres of each oxygen, along the line.
TEST(WannierCentres, SharingOfAShortHydrogenBond) {
  const Cell cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}});
  Frame frame;
  frame.atoms = std::make_shared<Atoms>(atoms_of({8, 8, 1}));
  frame.cell = cell;
  frame.position_ang = {{3.5, 0, 0}, {-2.1, 0, 0}, {-3.4, 0, 0}};  // across the face: O–O 2.4 Å, H at 1.1 of the first
  const std::vector<Vec3> centre{{3.97, 0, 0}, {3.3, 0.2, 0}, {-2.48, 0, 0}, {-1.9, 0.2, 0}};
  const auto centres = assign_wannier_centres(cell, *frame.atoms, frame.position_ang, centre);
  const auto sharing = proton_sharing(frame, centres, {0, 2, 1});
  ASSERT_TRUE(sharing);
  EXPECT_NEAR(sharing->nu_ang, 1.1 - 1.3, 1e-12);
  EXPECT_NEAR(sharing->donor_acceptor_ang, 2.4, 1e-12);
  EXPECT_NEAR(sharing->donor_centre_ang, 0.47, 1e-12);
  EXPECT_NEAR(sharing->acceptor_centre_ang, 0.38, 1e-12);
  EXPECT_NEAR(sharing->lambda_ang(), 0.09, 1e-12);
  // With the labels the other way round both coordinates change their sign.
  const auto other = proton_sharing(frame, centres, {1, 2, 0});
  EXPECT_NEAR(other->nu_ang, 0.2, 1e-12);
  EXPECT_NEAR(other->lambda_ang(), -0.09, 1e-12);
  // An acceptor without centres.
  EXPECT_FALSE(proton_sharing(frame, std::span(centres).first(2), {0, 2, 1}));
}

TEST(WannierCentres, HydrogenAloneIsNotSupported) {
  EXPECT_THROW(assign_wannier_centres(Cell(), atoms_of({1, 1}), std::vector<Vec3>{{0, 0, 0}, {0.7, 0, 0}}, std::vector<Vec3>{{0.35, 0, 0}}), Error);
}

TEST(WannierCentres, ValenceElectronsOfGth) {
  const int expected[][2] = {{1, 1}, {3, 3}, {6, 4}, {7, 5}, {8, 6}, {11, 9}, {14, 4}, {17, 7}, {26, 16}, {35, 7}, {48, 12}, {53, 7}, {54, 8}};
  for (const auto& [z, electrons] : expected) EXPECT_EQ(gth_valence_electrons(z), electrons) << z;
  EXPECT_FALSE(gth_valence_electrons(55));
  EXPECT_FALSE(gth_valence_electrons(0));
}

// μ_y = Σ Z y − 2 Σ X_y by hand, whatever the images; the two waters do not mix.
TEST(MolecularDipoles, OfWatersWhateverTheirImages) {
  const Case one = water();
  double by_hand = 0.59 * 2;
  for (const Vec3& x : one.centre) by_hand -= 2 * x.y;
  const Cell cell(Mat3{{Vec3{6, 0, 0}, Vec3{1, 6, 0}, Vec3{0, -1, 6}}});
  Case two{atoms_of({8, 1, 1, 8, 1, 1}), one.position, one.centre};
  for (const Vec3& r : one.position) two.position.push_back(r + Vec3{2.5, 2.5, 2.5});
  for (const Vec3& x : one.centre) two.centre.push_back(x + Vec3{2.5, 2.5, 2.5});
  Random random(2, 0);
  scatter(cell, two, random);
  const std::vector<int> electrons{6, 1, 1, 6, 1, 1};
  const auto centres = assign_wannier_centres(cell, two.atoms, two.position, two.centre);
  const auto dipoles = molecular_dipoles(cell, two.atoms, two.position, centres, electrons);
  ASSERT_EQ(dipoles.size(), 2u);
  for (std::size_t m = 0; m < 2; ++m) {
    EXPECT_EQ(dipoles[m].atoms, (std::vector<std::uint32_t>{static_cast<std::uint32_t>(3 * m), static_cast<std::uint32_t>(3 * m + 1), static_cast<std::uint32_t>(3 * m + 2)}));
    EXPECT_EQ(dipoles[m].charge, 0);
    EXPECT_TRUE(dipoles[m].whole);
    EXPECT_NEAR(norm(dipoles[m].dipole_e_ang - Vec3{0, by_hand, 0}), 0, 1e-12);
  }
  const Vec3 total = total_dipole_e_ang(two.atoms, gathered(cell, two.position), centres, electrons);
  EXPECT_NEAR(norm(total - Vec3{0, 2 * by_hand, 0}), 0, 1e-11);
}

// A charge has the dipole of its parts about the centre of mass: OH− with all eight electrons on the oxygen.
TEST(MolecularDipoles, OfAnIonAboutItsCentreOfMass) {
  const Atoms atoms = atoms_of({8, 1});
  const std::vector<Vec3> position{{0.1, 0, 0}, {1.1, 0, 0}}, centre(4, Vec3{0.1, 0, 0});
  const auto centres = assign_wannier_centres(Cell(), atoms, position, centre, 1e-3);
  const auto dipoles = molecular_dipoles(Cell(), atoms, position, centres, std::vector<int>{6, 1});
  ASSERT_EQ(dipoles.size(), 1u);
  EXPECT_EQ(dipoles[0].charge, -1);
  const double com = 1.008 / (15.999 + 1.008);
  EXPECT_NEAR(dipoles[0].dipole_e_ang.x, 1 + com, 1e-12);  // +1 at H, −2 at O, about com: (1 − com) + 2 com
}

// A chain of carbon that closes through the cell has no dipole of its own.
TEST(MolecularDipoles, AChainThroughTheCellIsNotWhole) {
  const Cell cell(Mat3{{Vec3{3, 0, 0}, Vec3{0, 9, 0}, Vec3{0, 0, 9}}});
  const Atoms atoms = atoms_of({6, 6});
  const std::vector<Vec3> position{{0, 0, 0}, {1.4, 0, 0}};
  const auto dipoles = molecular_dipoles(cell, atoms, position, {}, std::vector<int>{4, 4});
  ASSERT_EQ(dipoles.size(), 1u);
  // Both bonds of two atoms are one minimum image, so a longer chain shows it.
  const Cell longer(Mat3{{Vec3{4.2, 0, 0}, Vec3{0, 9, 0}, Vec3{0, 0, 9}}});
  const auto chain = molecular_dipoles(longer, atoms_of({6, 6, 6}), std::vector<Vec3>{{0, 0, 0}, {1.4, 0, 0}, {2.8, 0, 0}}, {}, std::vector<int>{4, 4, 4});
  ASSERT_EQ(chain.size(), 1u);
  EXPECT_FALSE(chain[0].whole);
}

}  // namespace
}  // namespace saltus
