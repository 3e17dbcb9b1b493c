// The training networks against values of the upstream codes, and the fused convolution against plain operations.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models.hpp"

namespace {

using namespace saltus;
using namespace saltus::training;

struct Variant {
  at::ScalarType type;
  bool fused;
};

class SevenNetParity : public testing::TestWithParam<Variant> {
 protected:
  const Trained net{read_published_model(sevennet_0), GetParam().type, GetParam().fused};
};

// tests/golden/models/README.md: float32 values of sevenn, which agree with its own tests.
TEST_P(SevenNetParity, Water) {
  const Frame frame = water();
  const Labels labels = net.predict_all({&frame});
  EXPECT_NEAR(numbers(labels.energy_ev)[0], -12.7828083, 2e-5);
  const auto f = numbers(labels.force_ev_ang);
  const double expected[] = {0, -13.619620, 7.593702, 0, 9.391849, -10.172188, 0, 4.227772, 2.578486};
  for (std::size_t k = 0; k < 9; ++k) EXPECT_NEAR(f[k], expected[k], 1e-4) << k;
  const auto virial = numbers(labels.virial_ev);  // −dE/dε, symmetrised
  const double upstream[] = {0, 1.200774, 4.556221, 0, -8.171772, 0};  // xx yy zz xy yz zx
  const auto symmetric = [&](std::size_t i, std::size_t j) { return (virial[3 * i + j] + virial[3 * j + i]) / 2; };
  EXPECT_NEAR(symmetric(0, 0), upstream[0], 1e-4);
  EXPECT_NEAR(symmetric(1, 1), upstream[1], 1e-4);
  EXPECT_NEAR(symmetric(2, 2), upstream[2], 1e-4);
  EXPECT_NEAR(symmetric(0, 1), upstream[3], 1e-4);
  EXPECT_NEAR(symmetric(1, 2), upstream[4], 1e-4);
  EXPECT_NEAR(symmetric(2, 0), upstream[5], 1e-4);
}

TEST_P(SevenNetParity, SkewedSalt) {
  const Frame frame = salt();
  const auto graph = net.graph({&frame});
  EXPECT_EQ(graph->edges, 58);
  const Labels labels = net.predict_all({&frame});
  EXPECT_NEAR(numbers(labels.energy_ev)[0], -3.77919817, 2e-5);
  const auto f = numbers(labels.force_ev_ang);
  const double expected[] = {12.666704, 0.047264, 0.047759};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(f[axis], expected[axis], 1e-4);
    EXPECT_NEAR(f[3 + axis], -expected[axis], 1e-4);
  }
  const auto virial = numbers(labels.virial_ev);
  const double volume = frame.cell.volume_ang3(), xx = 0.643913, xy = -0.045436, zx = -0.045445;
  EXPECT_NEAR(virial[0] / volume, xx, 1e-5);
  EXPECT_NEAR((virial[1] + virial[3]) / (2 * volume), xy, 1e-5);
  EXPECT_NEAR((virial[2] + virial[6]) / (2 * volume), zx, 1e-5);
}

TEST_P(SevenNetParity, SeveralConfigurationsAreEachAsAlone) {
  const Frame a = water(), b = salt();
  const Labels both = net.predict_all({&a, &b}), first = net.predict_all({&a}), second = net.predict_all({&b});
  const double tolerance = GetParam().type == at::kDouble ? 1e-12 : 2e-5;
  EXPECT_NEAR(numbers(both.energy_ev)[0], numbers(first.energy_ev)[0], tolerance);
  EXPECT_NEAR(numbers(both.energy_ev)[1], numbers(second.energy_ev)[0], tolerance);
  const auto all = numbers(both.force_ev_ang), last = numbers(second.force_ev_ang);
  for (std::size_t k = 0; k < last.size(); ++k) EXPECT_NEAR(all[9 + k], last[k], tolerance);
}

INSTANTIATE_TEST_SUITE_P(All, SevenNetParity, testing::Values(Variant{at::kFloat, false}, Variant{at::kFloat, true}, Variant{at::kDouble, false}, Variant{at::kDouble, true}),
                         [](const auto& test) { return std::string(test.param.type == at::kFloat ? "Single" : "Double") + (test.param.fused ? "Fused" : "Plain"); });

class MaceParity : public testing::TestWithParam<bool> {};

// MACE_energy and MACE_forces of the frames were written by mace-torch in float64; forces with eight decimals.
TEST_P(MaceParity, Solvents) {
  const Trained net(read_published_model(mace_swa), at::kDouble, GetParam());
  ReadOptions options;
  options.energy_key = "MACE_energy";
  options.forces_key = "MACE_forces";
  const std::vector<Frame> frames = read_frames(mace_frames, options);
  ASSERT_EQ(frames.size(), 20u);
  std::vector<const Frame*> pointers;
  for (const Frame& frame : frames) pointers.push_back(&frame);
  const Labels labels = net.predict_all(pointers);
  const auto energy = numbers(labels.energy_ev), force = numbers(labels.force_ev_ang);
  std::size_t row = 0;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    EXPECT_NEAR(energy[k], *frames[k].energy_ev, 1e-9) << k;
    for (const Vec3& f : frames[k].force_ev_ang)
      for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(force[row++], f[axis], 1e-7) << k;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MaceParity, testing::Bool(), [](const auto& test) { return test.param ? "Fused" : "Plain"; });

}  // namespace
