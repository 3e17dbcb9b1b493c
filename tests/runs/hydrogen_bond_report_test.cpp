// Hydrogen bonds: made-up geometries, and bonds that form and break at known rates.
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/runs/hydrogen_bond_report.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

Vec3 turned(double degrees) { return {std::cos(degrees * std::numbers::pi / 180), std::sin(degrees * std::numbers::pi / 180), 0}; }

// O–H and an acceptor of element z at a distance, the hydrogen turned from the line.
Frame pair_frame(double distance_ang, double angle_degrees, int z = 8) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1, static_cast<std::uint8_t>(z)}));
  frame.position_ang = {{0, 0, 0}, 0.98 * turned(angle_degrees), {distance_ang, 0, 0}};
  return frame;
}

TEST(HydrogenBonds, HaveADistanceAndAnAngle) {
  const HydrogenBondSettings settings;
  const auto bonds = hydrogen_bonds(pair_frame(2.9, 12), settings);
  ASSERT_EQ(bonds.size(), 1u);
  EXPECT_EQ(bonds[0].donor, 0u);
  EXPECT_EQ(bonds[0].hydrogen, 1u);
  EXPECT_EQ(bonds[0].acceptor, 2u);
  EXPECT_NEAR(bonds[0].distance_ang, 2.9, 1e-12);
  EXPECT_NEAR(bonds[0].angle_degrees, 12, 1e-9);
  EXPECT_EQ(hydrogen_bonds(pair_frame(3.49, 29.9), settings).size(), 1u);
  EXPECT_TRUE(hydrogen_bonds(pair_frame(3.51, 5), settings).empty());
  EXPECT_TRUE(hydrogen_bonds(pair_frame(2.9, 30.1), settings).empty());
  EXPECT_EQ(hydrogen_bonds(pair_frame(2.9, 5, 7), settings).size(), 1u);
  EXPECT_TRUE(hydrogen_bonds(pair_frame(2.9, 5, 6), settings).empty());  // carbon accepts nothing
}

TEST(HydrogenBonds, OfAHydrogenThatCarbonHoldsThereAreNone) {
  Frame frame = pair_frame(2.9, 5);
  auto atoms = *frame.atoms;
  atoms.atomic_number[0] = 6;
  frame.atoms = std::make_shared<const Atoms>(atoms);
  EXPECT_TRUE(hydrogen_bonds(frame, {}).empty());
}

TEST(HydrogenBonds, ReachAcrossTheCellAndToImages) {
  Frame frame = pair_frame(2.9, 8);
  frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{4, 8, 0}, Vec3{-3, 2, 8}}});
  for (Vec3& r : frame.position_ang) r = frame.cell.wrap(r + Vec3{7.5, 7.9, -0.3});
  ASSERT_EQ(hydrogen_bonds(frame, {}).size(), 1u);
  EXPECT_NEAR(hydrogen_bonds(frame, {})[0].angle_degrees, 8, 1e-9);
  // A chain along a short vector: O–H bonded to its own image.
  Frame chain;
  chain.atoms = std::make_shared<const Atoms>(atoms_of({8, 1}));
  chain.cell = Cell(Mat3{{Vec3{2.7, 0, 0}, Vec3{0, 9, 0}, Vec3{0, 0, 9}}});
  chain.position_ang = {{0, 0, 0}, {0.98, 0, 0}};
  ASSERT_EQ(hydrogen_bonds(chain, {}).size(), 1u);
  EXPECT_EQ(hydrogen_bonds(chain, {})[0].acceptor, 0u);
}

TEST(HydrogenBondReport, RatesOfBreakingAndFormingAreFound) {
  TemporaryFolder folder;
  constexpr std::size_t pairs = 60, frames = 4000;
  const double breaks = 0.1, forms = 0.05, spacing_fs = 10;
  std::vector<std::uint8_t> elements;
  for (std::size_t k = 0; k < pairs; ++k) elements.insert(elements.end(), {8, 1, 7});
  const auto atoms = std::make_shared<const Atoms>(atoms_of(elements));
  Random random(3, 0);
  std::vector<bool> bonded(pairs, true);
  const auto writer = create_trajectory(folder / "pairs.h5md");
  for (std::size_t t = 0; t < frames + 100; ++t) {
    Frame frame;
    frame.atoms = atoms;
    frame.step = static_cast<std::int64_t>(t);
    frame.time_fs = spacing_fs * static_cast<double>(t);
    for (std::size_t k = 0; k < pairs; ++k) {
      bonded[k] = random.uniform() < (bonded[k] ? 1 - breaks : forms);
      const Vec3 place{20.0 * static_cast<double>(k), 0, 0};
      frame.position_ang.insert(frame.position_ang.end(), {place, place + 0.98 * turned(10), place + Vec3{bonded[k] ? 2.8 : 4.0, 0, 0}});
    }
    if (t >= 100) writer->write(frame);
  }
  writer->commit();
  const HydrogenBondReport report = analyze_hydrogen_bonds({folder / "pairs.h5md", {}}, {});
  const double share = forms / (breaks + forms);
  const auto near = [](const Estimate& e, double expected) {
    EXPECT_LT(e.low, e.high);
    EXPECT_NEAR(e.value, expected, 2 * (e.high - e.low)) << e.low << " … " << e.high;
  };
  near(report.bonds, share * pairs);
  near(report.bonds_per_atom, share);
  ASSERT_EQ(report.elements.size(), 1u);
  EXPECT_EQ(report.elements[0].name, "O-H...N");
  near(report.atoms.at(0).donated, share);
  EXPECT_EQ(report.atoms.at(0).accepted.value, 0);
  near(report.fraction_with[0], 1 - share);
  near(report.fraction_with[1], share);
  EXPECT_NEAR(report.distance_ang.value, 2.8, 1e-5);
  EXPECT_NEAR(report.angle_degrees.value, 10, 1e-3);
  ASSERT_FALSE(report.lag_fs.empty());
  int covered = 0, all = 0;
  for (std::size_t l = 1; l < report.lag_fs.size() && report.lag_fs[l] < 300; ++l) {
    const double n = report.lag_fs[l] / spacing_fs;
    const double unbroken = std::pow(1 - breaks, n), again = share + (1 - share) * std::pow(1 - breaks - forms, n);
    const Estimate &s = report.continuous.correlation[l], &c = report.intermittent.correlation[l];
    EXPECT_NEAR(s.value, unbroken, 0.01);
    EXPECT_NEAR(c.value, again, 0.01);
    covered += (s.low <= unbroken && unbroken <= s.high) + (c.low <= again && again <= c.high);
    all += 2;
  }
  EXPECT_GE(covered, 0.75 * all);
  ASSERT_TRUE(report.continuous.lifetime_fs);
  near(*report.continuous.lifetime_fs, spacing_fs * (1 / breaks - 0.5));
  EXPECT_FALSE(report.intermittent.lifetime_fs);  // a pair that is never far comes back
  EXPECT_NE(report.intermittent.note.find("undetermined"), std::string::npos);
}

TEST(HydrogenBondReport, CorrelationsAreThoseCountedOneByOne) {
  const Atoms atoms = atoms_of({8, 1, 8});
  HydrogenBondAnalysis analysis(atoms, {});
  const std::string bonded = "1101110010111111000110101011100111011111";
  for (std::size_t t = 0; t < bonded.size(); ++t) {
    Frame frame = pair_frame(bonded[t] == '1' ? 2.8 : 3.8, 5);
    frame.time_fs = 2 * static_cast<double>(t);
    analysis.fold(analysis.map(frame));
  }
  ASSERT_TRUE(analysis.follows_time());
  const std::vector<std::int64_t> lags{0, 1, 2, 5, 9};
  const auto sums = analysis.correlations(lags, 4);
  for (std::size_t l = 0; l < lags.size(); ++l)
    for (std::size_t b = 0; b < 4; ++b) {
      double h = 0, unbroken = 0, again = 0;
      for (std::size_t t = 10 * b; t < 10 * b + 10; ++t) {
        const std::size_t end = t + static_cast<std::size_t>(lags[l]);
        if (bonded[t] != '1' || end >= bonded.size()) continue;
        h += 1;
        again += bonded[end] == '1';
        unbroken += bonded.substr(t, end - t + 1).find('0') == std::string::npos;
      }
      EXPECT_EQ(sums[b].bonded[l], h);
      EXPECT_EQ(sums[b].continuous[l], unbroken);
      EXPECT_EQ(sums[b].intermittent[l], again);
    }
}

TEST(HydrogenBondReport, BeadsArePooledAndHaveNoLifetimes) {
  TemporaryFolder folder;
  const auto writer = create_trajectory(folder / "beads.extxyz");
  for (int step = 0; step < 40; ++step)
    for (int bead = 0; bead < 4; ++bead) {
      Frame frame = pair_frame(bead < 3 ? 2.8 : 3.8, 5);
      frame.step = step;
      frame.time_fs = step;
      frame.bead = bead;
      writer->write(frame);
    }
  writer->commit();
  const HydrogenBondReport report = analyze_hydrogen_bonds({folder / "beads.extxyz", {}}, {});
  EXPECT_EQ(report.steps, 40u);
  EXPECT_EQ(report.bonds.value, 0.75);
  EXPECT_EQ(report.bonds.low, 0.75);  // blocks are steps, which are all alike
  EXPECT_TRUE(report.lag_fs.empty());
  EXPECT_NE(report.warnings.back().find("no lifetimes"), std::string::npos);
}

TEST(HydrogenBondReport, WhatCannotBeMeantIsRefused) {
  EXPECT_THROW(HydrogenBondAnalysis(atoms_of({8, 1}), {.largest_ang = -1}), Error);
  EXPECT_THROW(HydrogenBondAnalysis(atoms_of({8, 1}), {.largest_angle_degrees = 120}), Error);
  EXPECT_THROW(HydrogenBondAnalysis(atoms_of({3, 1}), {}), Error);
  EXPECT_THROW(HydrogenBondAnalysis(atoms_of({8, 3}), {}), Error);
}

}  // namespace
}  // namespace saltus::runs
