// Shared protons: made-up trajectories whose distributions are known, and the Zundel cation.
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/proton_report.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

constexpr double kt_ev = units::boltzmann_ev_per_kelvin * 300;

// O, H, O on a slanted line in a skewed cell, the hydrogen at nu; all wrapped into the cell.
Frame bond_frame(double nu_ang, double r_ang, const Vec3& off_ang = {}) {
  static const auto atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 8}));
  const Vec3 axis = Vec3{1, 2, -2} / 3;
  Frame frame;
  frame.atoms = atoms;
  frame.cell = Cell(Mat3{{Vec3{6, 0, 0}, Vec3{3.4, 6, 0}, Vec3{-2, 1, 6}}});
  const Vec3 donor{5.5, 0.3, 0.2};
  for (const Vec3& r : {donor, donor + (r_ang + nu_ang) / 2 * axis + off_ang, donor + r_ang * axis}) frame.position_ang.push_back(frame.cell.wrap(r));
  return frame;
}

// x = nu/2 in V = h((x/a)² − 1)², by Metropolis steps.
struct DoubleWell {
  double height_ev, half_ang, x_ang;
  double potential_kt(double x) const { return height_ev / kt_ev * std::pow(x * x / (half_ang * half_ang) - 1, 2); }
  void move(Random& random) {
    const double trial = x_ang + 0.4 * (random.uniform() - 0.5);
    if (random.uniform() < std::exp(potential_kt(x_ang) - potential_kt(trial))) x_ang = trial;
  }
};

ProtonReportSettings settings_of(std::vector<ProtonBond> bonds = {}) {
  ProtonReportSettings settings;
  settings.bonds = std::move(bonds);
  return settings;
}

bool holds(const Estimate& e, double value) { return e.low <= value && value <= e.high; }

TEST(ProtonReport, IntervalsCoverAKnownDoubleWell) {
  TemporaryFolder folder;
  const double height_ev = 0.8 * units::ev_per_kcal_mol;
  const int sets = 60;
  int mean = 0, distance = 0, barrier = 0, flank = 0;
  double sum = 0;
  for (int set = 0; set < sets; ++set) {
    Random random(41, static_cast<std::uint64_t>(set));
    DoubleWell well{height_ev, 0.2, 0.2};
    const auto writer = create_trajectory(folder / "set.h5md");
    for (int k = 0; k < 2000; ++k) {
      for (int move = 0; move < 6; ++move) well.move(random);
      writer->write(bond_frame(2 * well.x_ang, 2.45 + 0.04 * random.normal()));
    }
    writer->commit();
    ProtonReportSettings settings = settings_of({{0, 1, 2}});
    settings.symmetric = true;
    const ProtonReport report = analyze_proton({folder / "set.h5md", {}}, settings);
    const ProtonDistribution& d = report.bonds.back().values;
    mean += holds(d.nu_ang, 0);
    distance += holds(d.r_ang, 2.45);
    barrier += d.barrier_ev && holds(*d.barrier_ev, height_ev);
    sum += d.barrier_ev->value / sets;
    // Between two places, free energies differ by those of the well.
    const std::size_t inner = 80, outer = 96;  // nu 0.0125 and 0.4125
    const double expected = kt_ev * (well.potential_kt(0.00625) - well.potential_kt(0.20625));
    const Estimate difference_ev = difference(d.free_energy_ev[inner], d.free_energy_ev[outer]);
    flank += holds(difference_ev, expected);
  }
  EXPECT_NEAR(sum, height_ev, 0.06 * height_ev);
  for (const int covered : {mean, distance, barrier}) {
    EXPECT_GE(covered, 0.85 * sets);
  }
  EXPECT_GE(flank, 0.85 * sets);
}

TEST(ProtonReport, SaysWhereThereIsNoBarrier) {
  TemporaryFolder folder;
  Random random(5, 0);
  const auto writer = create_trajectory(folder / "single.h5md");
  for (int k = 0; k < 3000; ++k) writer->write(bond_frame(0.15 * random.normal(), 2.4));
  writer->commit();
  for (const bool symmetric : {true, false}) {
    ProtonReportSettings settings = settings_of({{0, 1, 2}});
    settings.symmetric = symmetric;
    const ProtonDistribution d = analyze_proton({folder / "single.h5md", {}}, settings).bonds.back().values;
    ASSERT_TRUE(d.barrier_ev);
    EXPECT_LT(d.barrier_ev->value, 0.05 * kt_ev);
    EXPECT_EQ(d.barrier_ev->low, 0);
    EXPECT_NE(d.barrier_note.find("no barrier"), std::string::npos) << d.barrier_note;
    EXPECT_NEAR(d.nu_deviation_ang.value, 0.15, 0.006);
    double area = 0;
    for (const Estimate& e : d.density_per_ang) area += 0.025 * e.value;
    EXPECT_NEAR(area, 1, 1e-12);
  }
}

TEST(ProtonReport, BeadsAndCentroids) {
  TemporaryFolder folder;
  constexpr int beads = 8, steps = 1500;
  const double along = 0.1, across = 0.06;
  const Vec3 axis = Vec3{1, 2, -2} / 3, first = Vec3{2, -1, 0} / std::sqrt(5.0), second = cross(axis, first);
  Random random(9, 0);
  const auto writer = create_trajectory(folder / "beads.extxyz");
  int both = 0;
  double nu_sum = 0, nu_of_mean = 0;
  for (int step = 0; step < steps; ++step) {
    const double centre = 0.1 * random.normal();
    bool below = false, above = false;
    Vec3 mean;
    for (int bead = 0; bead < beads; ++bead) {
      const Vec3 off = along * random.normal() * axis + across * (random.normal() * first + random.normal() * second);
      mean += off / beads;
      Frame frame = bond_frame(centre, 2.5, off);
      frame.bead = bead;
      frame.step = step;
      frame.time_fs = step;
      writer->write(frame);
      const Vec3 h = (2.5 + centre) / 2 * axis + off;
      const double nu = norm(h) - norm(h - 2.5 * axis);
      nu_sum += nu / (beads * steps);
      below = below || nu < 0;
      above = above || nu > 0;
    }
    both += below && above;
    const Vec3 h = (2.5 + centre) / 2 * axis + mean;
    nu_of_mean += (norm(h) - norm(h - 2.5 * axis)) / steps;
  }
  Frame left_over = bond_frame(0, 2.5);
  left_over.bead = 0;
  writer->write(left_over);
  writer->commit();
  const ProtonReport report = analyze_proton({folder / "beads.extxyz", {}}, settings_of({{0, 1, 2}}));
  EXPECT_EQ(report.beads, 8u);
  EXPECT_EQ(report.steps, 1500u);
  EXPECT_NE(report.warnings.at(0).find("lacks beads"), std::string::npos);
  const ProtonBondReport& all = report.bonds.back();
  ASSERT_TRUE(all.spread && all.centroid);
  const double shrunk = std::sqrt((beads - 1.0) / beads);
  EXPECT_NEAR(all.spread->along_ang.value, along * shrunk, 0.002);
  EXPECT_NEAR(all.spread->across_ang.value, across * shrunk, 0.001);
  EXPECT_LT(all.spread->across_ang.low, across * shrunk);
  EXPECT_GT(all.spread->across_ang.high, across * shrunk);
  EXPECT_NEAR(all.spread->delocalised.value, static_cast<double>(both) / steps, 1e-12);
  EXPECT_NEAR(all.values.nu_ang.value, nu_sum, 1e-9);
  EXPECT_NEAR(all.centroid->nu_ang.value, nu_of_mean, 1e-9);
  // sd of nu: 2 · along on top of the centres; of centroids an eighth of that variance.
  EXPECT_NEAR(all.values.nu_deviation_ang.value, std::sqrt(0.01 + 4 * along * along), 0.01);
  EXPECT_NEAR(all.centroid->nu_deviation_ang.value, std::sqrt(0.01 + 4 * along * along / beads), 0.01);
  EXPECT_FALSE(report.bonds.front().sign_changes);

  // One bead is a trajectory of its own.
  TrajectoryInput one{folder / "beads.extxyz", {}};
  one.read.bead = 3;
  const ProtonReport single = analyze_proton(one, settings_of({{0, 1, 2}}));
  EXPECT_EQ(single.beads, 0u);
  EXPECT_EQ(single.steps, 1500u);
  EXPECT_FALSE(single.bonds.back().spread);
}

TEST(ProtonReport, BeadsInAnotherOrderAreRefused) {
  TemporaryFolder folder;
  const auto writer = create_trajectory(folder / "beads.extxyz");
  for (const int bead : {0, 1, 1, 0}) {
    Frame frame = bond_frame(0, 2.5);
    frame.bead = bead;
    writer->write(frame);
  }
  writer->commit();
  try {
    analyze_proton({folder / "beads.extxyz", {}}, settings_of({{0, 1, 2}}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_NE(std::string(error.what()).find("step 2: bead 1 where bead 0 is expected"), std::string::npos) << error.what();
  }
}

TEST(ProtonReport, FindsTheBondOfTheZundelCation) {
  const TrajectoryInput input{SALTUS_SOURCE_DIR "/examples/short_hydrogen_bond/data/zundel_300K.extxyz", {}};
  const ProtonReport report = analyze_proton(input, settings_of());
  ASSERT_EQ(report.bonds.size(), 2u);
  EXPECT_EQ(report.bonds[0].name, "O2-H3...O1");  // bound to the second oxygen in the first frame
  const ProtonDistribution& d = report.bonds[0].values;
  // As the README of the data states them, of O1 and O2 in the other order.
  EXPECT_NEAR(d.r_ang.value, 2.444, 5e-4);
  EXPECT_NEAR(d.r_deviation_ang.value, 0.046, 5e-4);
  EXPECT_NEAR(d.nu_ang.value, -0.005, 5e-4);
  EXPECT_NEAR(d.nu_deviation_ang.value, 0.123, 5e-4);
  EXPECT_EQ(report.bonds[0].sign_changes, 28u);
  EXPECT_TRUE(holds(d.nu_ang, 0));
}

TEST(ProtonReport, BondsThatCannotBeMeant) {
  TemporaryFolder folder;
  const auto writer = create_trajectory(folder / "long.extxyz");
  writer->write(bond_frame(-0.8, 2.8));
  writer->commit();
  const auto message = [&](const ProtonReportSettings& settings) {
    try {
      analyze_proton({folder / "long.extxyz", {}}, settings);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message(settings_of()).find("below 2.5 Å"), std::string::npos);
  EXPECT_NE(message(settings_of({{0, 1, 7}})).find("names atom 8, but there are 3"), std::string::npos);
  EXPECT_NE(message(settings_of({{0, 2, 1}})).find("a donor, a hydrogen and an acceptor"), std::string::npos);
  ProtonReportSettings longer;
  longer.largest_mean_ang = 3;
  EXPECT_EQ(message(longer), "no error");
}

TEST(ProtonBonds, AnAngleLeavesOutWhatSharesNoProton) {
  // A carboxyl group: O…O is 2.2 Å, and the hydrogen of one of them is no bridge.
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({6, 8, 8, 1}));
  frame.position_ang = {{0, 0, 0}, {1.1, 0.6, 0}, {-1.1, 0.6, 0}, {1.1, 1.57, 0}};
  const int oxygen[] = {8};
  ProtonBondSearch search(frame, oxygen, 2.5);
  search.fold(search.map(frame));
  EXPECT_TRUE(search.finish().empty());
}

}  // namespace
}  // namespace saltus::runs
