// The gradient of a loss of energies, forces and stresses by the weights: against finite differences, and fused against plain operations.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models.hpp"
#include "saltus/base/random.hpp"
#include "saltus/training/torch/loss.hpp"

namespace {

using namespace saltus;
using namespace saltus::training;

/// Labels far enough from the model's that every term matters and no Huber border is near.
std::vector<Frame> labelled_frames(bool periodic) {
  std::vector<Frame> frames{water()};
  if (periodic) frames.push_back(salt());
  Random random(7, 0);
  for (Frame& frame : frames) {
    frame.energy_ev = -10 + random.normal();
    for (std::size_t i = 0; i < frame.size(); ++i) frame.force_ev_ang.push_back({random.normal(), random.normal(), random.normal()});
    if (frame.cell.volume_ang3() > 0) frame.virial_ev = Mat3{{Vec3{1, 0.2, 0.3}, Vec3{0.2, -2, 0.5}, Vec3{0.3, 0.5, 0.7}}};
  }
  return frames;
}

struct LossAndGradient {
  double loss;
  Tensors gradient;
};

LossAndGradient evaluate(const Trained& net, const Tensors& tensors, const std::vector<Frame>& frames, const FinetuneSettings& settings, bool with_gradient) {
  std::vector<const Frame*> pointers;
  Counts counts;
  for (const Frame& frame : frames) {
    pointers.push_back(&frame);
    const Counts c = count_labels(frame);
    counts.configurations += c.configurations;
    counts.force_components += c.force_components;
    counts.stress_components += c.stress_components;
  }
  Tensors leaves;
  torch::autograd::variable_list inputs;
  for (const auto& [name, tensor] : tensors) {
    leaves[name] = tensor.detach().set_requires_grad(with_gradient);
    inputs.push_back(leaves[name]);
  }
  const auto graph = net.graph(pointers);
  const Targets targets = make_targets(pointers, std::vector<double>(frames.size(), 1), {}, species_index(net.model.atomic_number), net.placement);
  const Network::Weights weights = [&](const std::string& name) -> const at::Tensor& { return leaves.at(name); };
  const Labels labels = predict(*net.network, graph, weights, true, with_gradient);
  const at::Tensor loss = loss_of(labels, targets, *graph, counts, settings, settings.energy_weight);
  LossAndGradient result{loss.item<double>(), {}};
  if (!with_gradient) return result;
  const auto gradients = torch::autograd::grad({loss}, inputs, {}, {}, false, true);
  std::size_t k = 0;
  for (const auto& [name, tensor] : tensors) {
    if (gradients[k].defined()) result.gradient[name] = gradients[k];
    ++k;
  }
  return result;
}

struct Case {
  const char* name;
  const std::string& file;
  bool periodic;
  const char* loss;
  std::size_t every;  // one tensor in so many
};

class LossGradient : public testing::TestWithParam<Case> {
 protected:
  FinetuneSettings settings;
  void SetUp() override {
    settings.loss = GetParam().loss;
    settings.force_weight = 3;
    settings.stress_weight = 20;
  }
};

TEST_P(LossGradient, IsThatOfFiniteDifferences) {
  const Trained net(read_published_model(GetParam().file), at::kDouble, true);
  const auto frames = labelled_frames(GetParam().periodic);
  const auto exact = evaluate(net, net.tensors, frames, settings, true);
  ASSERT_GT(exact.gradient.size(), 10u);
  Random random(11, 0);
  std::size_t checked = 0, count = 0;
  for (const auto& [name, gradient] : exact.gradient) {
    if (!is_weight(net.model, name) || count++ % GetParam().every != 0) continue;
    // The entry with the largest slope of a few taken at random: most belong to elements that are not there.
    const auto slopes = numbers(gradient);
    std::size_t entry = random.below(slopes.size());
    for (int k = 0; k < 2000; ++k)
      if (const auto other = random.below(slopes.size()); std::abs(slopes[other]) > std::abs(slopes[entry])) entry = other;
    const auto loss_at = [&](double step) {
      Tensors moved = net.tensors;
      moved[name] = moved[name].clone();
      moved[name].view({-1})[static_cast<std::int64_t>(entry)] += step;
      return evaluate(net, moved, frames, settings, false).loss;
    };
    // Fourth order: the remainder is far below the rounding of the loss over the step.
    const double h = 1e-4, difference = (8 * (loss_at(h) - loss_at(-h)) - (loss_at(2 * h) - loss_at(-2 * h))) / (12 * h);
    EXPECT_NEAR(slopes[entry], difference, 1e-7 * std::max(1.0, std::abs(exact.loss))) << name << " " << entry;
    checked += std::abs(slopes[entry]) > 1e-5;
  }
  EXPECT_GT(checked, 5u);
}

TEST_P(LossGradient, OfTheFusedConvolutionIsThatOfPlainOperations) {
  const PublishedModel model = read_published_model(GetParam().file);
  const Trained fused(model, at::kDouble, true), plain(model, at::kDouble, false);
  const auto frames = labelled_frames(GetParam().periodic);
  const auto a = evaluate(fused, fused.tensors, frames, settings, true), b = evaluate(plain, plain.tensors, frames, settings, true);
  EXPECT_NEAR(a.loss, b.loss, 1e-10 * std::abs(b.loss));
  ASSERT_EQ(a.gradient.size(), b.gradient.size());
  for (const auto& [name, gradient] : a.gradient) {
    const auto x = numbers(gradient), y = numbers(b.gradient.at(name));
    double difference = 0, largest = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      difference = std::max(difference, std::abs(x[k] - y[k]));
      largest = std::max(largest, std::abs(y[k]));
    }
    EXPECT_LE(difference, 1e-10 * largest + 1e-13) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, LossGradient,
                         testing::Values(Case{"SevenNet", sevennet_0, true, "mse", 5}, Case{"Mace", mace_swa, false, "mse", 1}, Case{"MatterSim", mattersim_small, true, "mse", 3}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
