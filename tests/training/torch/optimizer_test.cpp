// Adam by hand: under a constant gradient every step is the learning rate; AMSGrad and both kinds of decay in two steps.
#include <cmath>

#include <gtest/gtest.h>

#include "models.hpp"
#include "saltus/training/torch/optimizer.hpp"

namespace {

using namespace saltus;
using namespace saltus::training;

Tensors one(const char* name, double value) { return {{name, at::full({1}, value, at::kDouble)}}; }
double value_of(const Tensors& tensors, const char* name) { return tensors.at(name).item<double>(); }

TEST(Adam, StepsByTheRateUnderAConstantGradient) {
  FinetuneSettings s;
  Tensors p = one("w", 1);
  Adam adam(s, p);
  for (int k = 1; k <= 5; ++k) {
    adam.step(p, one("w", -3), 0.1);
    EXPECT_NEAR(value_of(p, "w"), 1 + 0.1 * k * 3 / (3 + 1e-8), 1e-13);
  }
}

TEST(Adam, AmsgradKeepsTheLargestSquare) {
  for (const bool amsgrad : {false, true}) {
    FinetuneSettings s;
    s.amsgrad = amsgrad;
    Tensors p = one("w", 0);
    Adam adam(s, p);
    adam.step(p, one("w", 1), 0.1);
    const double first = value_of(p, "w");
    EXPECT_NEAR(first, -0.1 / (1 + 1e-8), 1e-15);
    adam.step(p, one("w", 0), 0.1);
    // mean 0.9·0.1, square 0.999·0.001 or still 0.001, both corrected for the start from zero.
    const double square = amsgrad ? 0.001 : 0.000999;
    EXPECT_NEAR(value_of(p, "w") - first, -0.1 / (1 - 0.81) * 0.09 / (std::sqrt(square / (1 - 0.999 * 0.999)) + 1e-8), 1e-14) << amsgrad;
  }
}

TEST(Adam, DecaysChosenParameters) {
  FinetuneSettings s;
  s.weight_decay = 0.5;
  s.decayed = {"a*"};
  for (const char* optimizer : {"adam", "adamw"}) {
    s.optimizer = optimizer;
    Tensors p{{"a", at::full({1}, 2.0, at::kDouble)}, {"b", at::full({1}, 2.0, at::kDouble)}};
    Adam adam(s, p);
    adam.step(p, {{"a", at::full({1}, 1e-3, at::kDouble)}, {"b", at::full({1}, 1e-3, at::kDouble)}}, 0.1);
    const bool apart = s.optimizer == "adamw";
    EXPECT_NEAR(value_of(p, "a"), apart ? 2 * (1 - 0.05) - 0.1 * 1e-3 / (1e-3 + 1e-8) : 2 - 0.1 * 1.001 / (1.001 + 1e-8), 1e-12);
    EXPECT_NEAR(value_of(p, "b"), 2 - 0.1 * 1e-3 / (1e-3 + 1e-8), 1e-12);
  }
}

TEST(Adam, LeavesWhatHasNoGradient) {
  Tensors p{{"a", at::full({1}, 2.0, at::kDouble)}, {"b", at::full({1}, 2.0, at::kDouble)}};
  Adam adam(FinetuneSettings{}, p);
  adam.step(p, one("a", 1), 0.1);
  EXPECT_EQ(value_of(p, "b"), 2);
}

TEST(Gradients, AreClippedByTheNormOfAll) {
  Tensors g{{"a", at::tensor(at::ArrayRef<double>({3.0, 0.0}), at::kDouble)}, {"b", at::tensor(at::ArrayRef<double>({4.0}), at::kDouble)}};
  EXPECT_DOUBLE_EQ(clip_gradients(g, 10), 5);
  EXPECT_EQ(numbers(g["a"])[0], 3);
  EXPECT_DOUBLE_EQ(clip_gradients(g, 1), 5);
  EXPECT_NEAR(numbers(g["a"])[0], 0.6, 1e-6);
  EXPECT_NEAR(numbers(g["b"])[0], 0.8, 1e-6);
  EXPECT_DOUBLE_EQ(clip_gradients(g, 0), std::hypot(numbers(g["a"])[0], numbers(g["b"])[0]));
}

TEST(Averages, RampUpToTheirDecay) {
  Tensors a = one("w", 0);
  average(a, one("w", 1), 0.99, 1);  // d = 2/11
  EXPECT_NEAR(value_of(a, "w"), 9.0 / 11, 1e-15);
  average(a, one("w", 0), 0.99, 10'000);
  EXPECT_NEAR(value_of(a, "w"), 0.99 * 9 / 11, 1e-15);
}

}  // namespace
