// How far own dynamics are from a reference trajectory, and what chance alone makes of it.
#include "saltus/runs/trajectory_agreement.hpp"

#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/runs/molecular_dynamics.hpp"

namespace saltus::runs {
namespace {

constexpr std::size_t blocks = 10, points = 200;

/// Means of ten blocks of normal values around a curve.
std::vector<Estimate> noisy_curve(Random& random, double shift) {
  std::vector<Estimate> curve;
  for (std::size_t k = 0; k < points; ++k) {
    const double centre = 2 + std::sin(0.1 * static_cast<double>(k) + shift);
    std::vector<double> values;
    double mean = 0;
    for (std::size_t b = 0; b < blocks; ++b) {
      values.push_back(centre + 0.3 * random.normal());
      mean += values.back() / blocks;
    }
    curve.push_back(kinetics::jackknife_estimate(mean, kinetics::leave_one_out_means(values)));
  }
  return curve;
}

TEST(Deviation, OfTwoSamplesOfOneCurveIsWhatChanceMakes) {
  Random random(1, 0);
  double value = 0, chance = 0;
  for (int k = 0; k < 50; ++k) {
    const Deviation d = deviation_between(noisy_curve(random, 0), blocks, noisy_curve(random, 0), blocks);
    value += d.value / 50;
    chance += d.by_chance.value() / 50;
  }
  // 50 · 200 points: their mean scatters by less than one percent; the mean root of a variance from ten blocks is 2.7 % low.
  EXPECT_NEAR(chance / value, 0.973, 0.03);
  const Deviation apart = deviation_between(noisy_curve(random, 0), blocks, noisy_curve(random, 1), blocks);
  EXPECT_GT(apart.value, 3 * *apart.by_chance);
}

TEST(Deviation, IsOneWhereNothingIsCommonAndHasNoChanceWithoutBlocks) {
  const std::vector<Estimate> p{{1, 1, 1}, {0, 0, 0}}, q{{0, 0, 0}, {3, 3, 3}};
  const Deviation d = deviation_between(p, 0, q, blocks);
  EXPECT_EQ(d.value, 1);
  EXPECT_FALSE(d.by_chance);
  EXPECT_EQ(deviation_between(p, 0, p, 0).value, 0);
}

Frame argon() {
  Frame cube;
  cube.cell = Cell(Mat3{{Vec3{5.4, 0, 0}, Vec3{0, 5.4, 0}, Vec3{0, 0, 5.4}}});
  cube.position_ang = {{0, 0, 0}, {0, 2.7, 2.7}, {2.7, 0, 2.7}, {2.7, 2.7, 0}};
  cube.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
  return repeated(cube, {2, 2, 2});
}

struct Reference {
  TemporaryFolder folder;
  AgreementSettings settings;

  Reference() {
    MolecularDynamicsSettings md;
    md.seed = 7;
    md.temperature_kelvin = 40;
    md.write_velocities = true;
    md.loop.timestep_fs = 2;
    md.loop.equilibration_steps = 500;
    md.loop.steps = 6000;
    md.loop.write_stride = 10;
    md.loop.thermostat = VelocityRescaling{40, 100};
    run_molecular_dynamics(md, argon(), LennardJones(lennard_jones_argon()), "model", folder / "md");
    settings.reference.path = folder / "md" / "trajectory";
    settings.longest_lag_fs = 600;
  }
};

TEST(TrajectoryAgreement, OfAPotentialWithItselfAndWithAStifferOne) {
  const Reference reference;
  const LennardJones same(lennard_jones_argon());
  const TrajectoryAgreement own = compare_trajectories(same, reference.settings);
  EXPECT_NEAR(own.temperature_kelvin, 40, 5);
  EXPECT_EQ(own.timestep_fs, 2);
  EXPECT_NEAR(own.length_ps, 12, 1e-9);
  ASSERT_EQ(own.pairs.size(), 1u);
  EXPECT_LT(own.pairs[0].rdf.value, 3 * own.pairs[0].rdf.by_chance.value());
  EXPECT_LT(own.spectrum->value, 3 * own.spectrum->by_chance.value());
  LennardJonesParameters changed = lennard_jones_argon();
  for (auto& species : changed.species) species.epsilon_ev *= 4;
  const TrajectoryAgreement stiff = compare_trajectories(LennardJones(changed), reference.settings);
  EXPECT_GT(stiff.pairs[0].rdf.value, 3 * own.pairs[0].rdf.value);
  EXPECT_GT(stiff.spectrum->value, 3 * own.spectrum->value);
}

TEST(TrajectoryAgreement, SaysWhatIsMissing) {
  Reference reference;
  reference.settings.reference.path = std::filesystem::path(SALTUS_SOURCE_DIR) / "tests/golden/models/mace/imagdau_solvent_train_20.xyz";
  EXPECT_THROW(compare_trajectories(LennardJones(lennard_jones_argon()), reference.settings), Error);
}

}  // namespace
}  // namespace saltus::runs
