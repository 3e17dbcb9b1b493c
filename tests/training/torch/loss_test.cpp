// Losses by hand.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "models.hpp"
#include "saltus/training/torch/loss.hpp"

namespace {

using namespace saltus;
using namespace saltus::training;

at::Tensor column(const std::vector<double>& values) { return at::tensor(at::ArrayRef<double>(values), at::kDouble); }

TEST(Loss, HuberIsASquareAndThenALine) {
  const auto value = numbers(huber(column({0.005, -0.01, 0.03, -2}), at::full({}, 0.01, at::kDouble)));
  EXPECT_DOUBLE_EQ(value[0], 0.5 * 0.005 * 0.005);
  EXPECT_DOUBLE_EQ(value[1], 0.5 * 0.01 * 0.01);
  EXPECT_DOUBLE_EQ(value[2], 0.01 * (0.03 - 0.005));
  EXPECT_DOUBLE_EQ(value[3], 0.01 * (2 - 0.005));
}

TEST(Loss, TheUniversalOneNarrowsForLargeForces) {
  const at::Tensor force = column({99, 0, 0, 100, 0, 0, 0, 200, 0, 0, 0, 300}).reshape({4, 3});
  const auto width = numbers(conditional_width(force, 0.01));
  const double expected[] = {0.01, 0.007, 0.004, 0.001};
  for (std::size_t k = 0; k < 4; ++k) EXPECT_DOUBLE_EQ(width[k], expected[k]);
}

/// Two configurations of one and two atoms in a cell of 10 Å³ with known errors.
struct Known {
  Frame one = frame_of({1}, {{0, 0, 0}}), two = frame_of({1, 1}, {{0, 0, 0}, {0, 0, 1}}, Cell({{Vec3{1, 0, 0}, Vec3{0, 2, 0}, Vec3{0, 0, 5}}}, {true, true, true}));
  Placement placement{at::kDouble, at::kCPU};
  Labels labels;
  Graph graph;
  Counts counts;

  Known() {
    one.energy_ev = 1;
    one.force_ev_ang = {{0, 0, 0}};
    two.energy_ev = 4;
    two.force_ev_ang = {{1, 0, 0}, {0, 0, 0}};
    two.virial_ev = Mat3{{Vec3{1, 2, 3}, Vec3{2, 4, 5}, Vec3{3, 5, 6}}};
    labels.energy_ev = column({1.5, 3});
    labels.force_ev_ang = column({0.1, 0, 0, 1, 0.2, 0, 0, 0, -0.3}).reshape({3, 3});
    labels.virial_ev = at::cat({at::zeros({9}, at::kDouble), column({1.5, 2, 3, 2, 4, 5, 3, 4, 6})}).reshape({2, 3, 3});
    graph.configuration = at::tensor(at::ArrayRef<std::int64_t>({0, 1, 1}), at::kLong);
    for (const Frame* frame : {&one, &two}) {
      const Counts c = count_labels(*frame);
      counts.configurations += c.configurations;
      counts.force_components += c.force_components;
      counts.stress_components += c.stress_components;
    }
  }
  double loss(const FinetuneSettings& settings, const std::vector<double>& weight, const std::vector<double>& offset = {}) const {
    const Frame* frames[] = {&one, &two};
    return loss_of(labels, make_targets(frames, weight, offset, species_index({1}), placement), graph, counts, settings, settings.energy_weight).item<double>();
  }
};

TEST(Loss, IsTheWeightedMeanOfEachKindOfError) {
  const Known known;
  EXPECT_EQ(known.counts.configurations, 2);
  EXPECT_EQ(known.counts.force_components, 9);
  EXPECT_EQ(known.counts.stress_components, 6);
  FinetuneSettings s;
  s.loss = "mse";
  s.energy_weight = 2;
  s.force_weight = 3;
  s.stress_weight = 5;
  // Energies per atom: 0.5 and −0.5. Forces: 0.1, 0.2, −0.3. Stress −virial/10: xx −0.05, yz symmetrised +0.05.
  const double energy = 2 * (0.25 + 0.25) / 2, forces = 3 * (0.01 + 0.04 + 0.09) / 9, stress = 5 * (0.0025 + 0.0025) / 6;
  EXPECT_NEAR(known.loss(s, {1, 1}), energy + forces + stress, 1e-14);
  // The weight of a configuration is on all it has.
  EXPECT_NEAR(known.loss(s, {1, 0}), 2 * 0.25 / 2 + 3 * 0.01 / 9, 1e-14);
  // A head of its own takes its reference energies from the labels: errors 0.75 and −0.25.
  EXPECT_NEAR(known.loss(s, {1, 1}, {0.25}), 2 * (0.5625 + 0.0625) / 2 + forces + stress, 1e-14);
  s.stress_loss_unit = "kbar";
  EXPECT_NEAR(known.loss(s, {1, 1}), energy + forces + stress * 1602.1766208 * 1602.1766208, 1e-6);
}

}  // namespace
