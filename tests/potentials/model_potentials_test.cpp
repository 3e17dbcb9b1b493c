#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/potentials/model_potentials.hpp"

namespace saltus {
namespace {

const double barrier_ev = 1.5 * units::ev_per_kcal_mol;
const ModelPotential potentials[] = {HarmonicWell{angular_frequency_per_fs(3500)}, DoubleWell{barrier_ev, 0.22},
                                     ProtonRocking{{barrier_ev, 0.22}, 17, angular_frequency_per_fs(250), 0.5}};

TEST(ModelPotentials, ForceIsTheNegativeGradient) {
  for (const ModelPotential& potential : potentials) {
    const ModelSystem system{potential, 1.008, 3};
    const std::size_t n = 3 * dimensions(potential);
    EXPECT_EQ(masses_amu(system).size(), n);
    std::vector<double> position(2 * n), force(2 * n), energy(6), other(6), unused(2 * n);
    for (std::size_t i = 0; i < 2 * n; ++i) position[i] = 0.3 * std::sin(1.0 + static_cast<double>(i));
    evaluate(system, position, energy, force);
    for (std::size_t i = 0; i < 2 * n; ++i) {
      const double step = 1e-5;
      double difference = 0;
      for (const double sign : {1.0, -1.0}) {
        std::vector<double> moved = position;
        moved[i] += sign * step;
        evaluate(system, moved, other, unused);
        difference += sign * std::accumulate(other.begin(), other.end(), 0.0);
      }
      EXPECT_NEAR(force[i], -difference / (2 * step), 1e-6);
    }
  }
}

TEST(ModelPotentials, HaveTheirBarriersAndFrequencies) {
  EXPECT_NEAR(angular_frequency_per_fs(1), 1.8836516e-4, 1e-10);
  std::vector<double> energy(1), force(1);
  evaluate({potentials[0], 2, 1}, std::vector{0.1}, energy, force);
  const double w = angular_frequency_per_fs(3500);
  EXPECT_NEAR(energy[0], 0.5 * 2 * w * w * 0.01 * units::ev_per_amu_ang2_fs2, 1e-12);
  evaluate({potentials[1], 1, 1}, std::vector{0.0}, energy, force);
  EXPECT_NEAR(energy[0], barrier_ev, 1e-15);
  evaluate({potentials[1], 1, 1}, std::vector{-0.22}, energy, force);
  EXPECT_NEAR(energy[0], 0, 1e-15);
  force.resize(2);
  evaluate({potentials[2], 1, 1}, std::vector{0.22, 0.11}, energy, force);
  EXPECT_NEAR(energy[0], 0, 1e-15);
  EXPECT_EQ(masses_amu({potentials[2], 1, 1}), (std::vector<double>{1, 17}));
}

TEST(ModelPotentials, RefuseArraysThatDoNotFit) {
  std::vector<double> energy(1), force(3);
  EXPECT_THROW(evaluate({potentials[2], 1, 1}, std::vector<double>(3), energy, force), Error);
}

}  // namespace
}  // namespace saltus
