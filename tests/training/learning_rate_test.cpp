// Schedules of the learning rate against their closed forms.
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/training/learning_rate.hpp"

namespace {

using namespace saltus;

FinetuneSettings settings_with(const char* schedule) {
  FinetuneSettings s;
  s.schedule = schedule;
  s.learning_rate = 0.01;
  s.epochs = 10;
  s.schedule_factor = 0.5;
  s.schedule_epochs = 3;
  s.final_factor = 0.1;
  s.warmup_fraction = 0.2;
  return s;
}

TEST(LearningRate, FollowsItsSchedule) {
  const PlateauState none;
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("constant"), none, 7, 3, 5), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("exponential"), none, 3, 4, 5), 0.01 / 8);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("step"), none, 2, 4, 5), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("step"), none, 7, 0, 5), 0.01 / 4);
  // Half a cosine from 0.01 to 0.001 over 50 steps.
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("cosine"), none, 0, 0, 5), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("cosine"), none, 5, 0, 5), 0.0055);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("cosine"), none, 2, 2, 5), 0.001 + 0.0045 * (1 + std::cos(std::numbers::pi * 12 / 50)));
  // Up from a tenth within the first 10 of 50 steps, down to a tenth in the other 40.
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("one_cycle"), none, 0, 0, 5), 0.001);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("one_cycle"), none, 1, 0, 5), 0.0055);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("one_cycle"), none, 2, 0, 5), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(settings_with("one_cycle"), none, 6, 0, 5), 0.0055);
}

TEST(LearningRate, FallsOnAPlateau) {
  const FinetuneSettings s = settings_with("plateau");
  PlateauState plateau;
  update(plateau, s, 1.0);
  for (int k = 0; k < 3; ++k) update(plateau, s, 1.0);  // three epochs without a better one are borne
  EXPECT_DOUBLE_EQ(learning_rate(s, plateau, 4, 0, 5), 0.01);
  update(plateau, s, 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(s, plateau, 5, 0, 5), 0.005);
  update(plateau, s, 0.5);
  EXPECT_EQ(plateau.bad_epochs, 0);
  EXPECT_DOUBLE_EQ(plateau.best, 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(s, plateau, 6, 0, 5), 0.005);
}

TEST(LearningRate, HasASecondStageAndALowerBound) {
  FinetuneSettings s = settings_with("constant");
  EXPECT_EQ(first_epoch_of_stage_two(s), 10);
  s.stage_two_start = 0.75;
  s.stage_two_rate_factor = 0.1;
  EXPECT_EQ(first_epoch_of_stage_two(s), 8);
  EXPECT_DOUBLE_EQ(learning_rate(s, {}, 7, 4, 5), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(s, {}, 8, 0, 5), 0.001);
  s.min_learning_rate = 0.002;
  EXPECT_DOUBLE_EQ(learning_rate(s, {}, 8, 0, 5), 0.002);
}

}  // namespace
