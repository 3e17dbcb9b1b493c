#include "saltus/training/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace saltus {

namespace {

/// From `from` to `to` along half a cosine.
double half_cosine(double from, double to, double fraction) { return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * fraction)); }

constexpr double one_cycle_start = 0.1;  // of the highest rate

}  // namespace

double learning_rate(const FinetuneSettings& s, const PlateauState& plateau, std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch) {
  const double highest = s.learning_rate, last = s.final_factor * highest;
  const double done = static_cast<double>(epoch * steps_per_epoch + step), all = static_cast<double>(std::max<std::int64_t>(1, s.epochs * steps_per_epoch));
  double rate = highest;
  if (s.schedule == "exponential") rate = highest * std::pow(s.schedule_factor, static_cast<double>(epoch));
  else if (s.schedule == "step") rate = highest * std::pow(s.schedule_factor, static_cast<double>(epoch / std::max<std::int64_t>(1, s.schedule_epochs)));
  else if (s.schedule == "plateau") rate = highest * std::pow(s.schedule_factor, static_cast<double>(plateau.reductions));
  else if (s.schedule == "cosine") rate = half_cosine(highest, last, done / all);
  else if (s.schedule == "one_cycle") {
    const double warm = s.warmup_fraction * all;
    rate = done < warm ? half_cosine(one_cycle_start * highest, highest, done / warm) : half_cosine(highest, last, (done - warm) / std::max(1.0, all - warm));
  }
  if (epoch >= first_epoch_of_stage_two(s)) rate *= s.stage_two_rate_factor;
  return std::max(rate, s.min_learning_rate);
}

void update(PlateauState& plateau, const FinetuneSettings& settings, double valid_loss) {
  if (valid_loss < plateau.best) {
    plateau.best = valid_loss;
    plateau.bad_epochs = 0;
  } else if (++plateau.bad_epochs > settings.schedule_epochs) {
    ++plateau.reductions;
    plateau.bad_epochs = 0;
  }
}

std::int64_t first_epoch_of_stage_two(const FinetuneSettings& settings) {
  if (settings.stage_two_start <= 0) return settings.epochs;
  return static_cast<std::int64_t>(std::llround(settings.stage_two_start * static_cast<double>(settings.epochs)));
}

}  // namespace saltus
