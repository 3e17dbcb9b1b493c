#include "saltus/statics/minimizer.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

using Points = std::vector<Vec3>;

double product(std::span<const Vec3> a, std::span<const Vec3> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += dot(a[i], b[i]);
  return sum;
}

void add(Points& a, double factor, const Points& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
}

double largest(std::span<const Vec3> a) {
  double most = 0;
  for (const Vec3& v : a) most = std::max(most, norm2(v));
  return std::sqrt(most);
}

void bound(Points& step, double limit) {
  const double most = largest(step);
  if (most > limit)
    for (Vec3& v : step) v *= limit / most;
}

void check(const MinimizerSettings& s) {
  if (!(std::isfinite(s.largest_step_ang) && s.largest_step_ang > 0)) throw Error(ErrorKind::usage, "the largest step of a minimisation must be positive");
}

class Counted {
 public:
  explicit Counted(const Objective& objective) : objective_(objective) {}
  double operator()(const Points& point, Points& gradient) {
    ++calls;
    const double value = objective_(point, gradient);
    if (!std::isfinite(value) || !std::isfinite(product(gradient, gradient))) throw Error(ErrorKind::numeric, "energy or forces are not finite");
    return value;
  }
  std::size_t calls = 0;

 private:
  const Objective& objective_;
};

constexpr std::size_t memory = 20;
constexpr double first_curvature_ev_ang2 = 70;  // of bonds; gives the first step its length
constexpr int most_halvings = 10;

struct Pair {
  Points step, change;
  double inverse_product;
};

Points direction_of(const std::deque<Pair>& pairs, const Points& gradient) {
  Points d = gradient;
  std::vector<double> weight(pairs.size());
  for (std::size_t k = pairs.size(); k-- > 0;) {
    weight[k] = pairs[k].inverse_product * product(pairs[k].step, d);
    add(d, -weight[k], pairs[k].change);
  }
  double scale = 1 / first_curvature_ev_ang2;
  if (!pairs.empty()) scale = 1 / (pairs.back().inverse_product * product(pairs.back().change, pairs.back().change));
  for (Vec3& v : d) v *= scale;
  for (std::size_t k = 0; k < pairs.size(); ++k)
    add(d, weight[k] - pairs[k].inverse_product * product(pairs[k].change, d), pairs[k].step);
  for (Vec3& v : d) v *= -1;
  return d;
}

MinimizerEnd lbfgs(Counted& objective, Points& point, const MinimizerSettings& settings, const Converged& converged) {
  Points gradient(point.size()), next_gradient(point.size());
  double value = objective(point, gradient);
  std::deque<Pair> pairs;
  MinimizerEnd end;
  for (;; ++end.iterations) {
    end.evaluations = objective.calls;
    end.converged = converged(end.iterations);
    if (end.converged || end.iterations >= settings.max_iterations) return end;
    bool moved = false;
    for (int attempt = 0; attempt < 2 && !moved; ++attempt) {
      if (attempt == 1) pairs.clear();
      Points step = direction_of(pairs, gradient);
      if (!(product(step, gradient) < 0)) continue;
      bound(step, settings.largest_step_ang);
      for (int halving = 0; halving <= most_halvings && !moved; ++halving) {
        const Points trial = [&] {
          Points to = point;
          add(to, 1, step);
          return to;
        }();
        const double next = objective(trial, next_gradient), slope = product(step, gradient), next_slope = product(step, next_gradient);
        // Where the energy cannot resolve a step any more, the slope along it decides.
        moved = next <= value + 1e-4 * slope || (next <= value + 1e-9 * std::abs(value) && std::abs(next_slope) <= 0.9 * std::abs(slope));
        if (!moved) {
          for (Vec3& v : step) v *= 0.5;
          continue;
        }
        Points change = next_gradient;
        add(change, -1, gradient);
        const double curvature = product(step, change);
        if (curvature > 1e-10 * std::sqrt(product(step, step) * product(change, change))) {
          pairs.push_back({step, std::move(change), 1 / curvature});
          if (pairs.size() > memory) pairs.pop_front();
        }
        point = trial;
        gradient.swap(next_gradient);
        value = next;
      }
    }
    if (!moved) {
      value = objective(point, gradient);
      end.evaluations = objective.calls;
      return end;
    }
  }
}

// Parameters of the reference; times are in Å sqrt(amu/eV) for unit masses.
MinimizerEnd fire(Counted& objective, Points& point, const MinimizerSettings& settings, const Converged& converged) {
  constexpr double first_time = 0.1, longest_time = 1, longer = 1.1, shorter = 0.5, first_mix = 0.1, less_mix = 0.99;
  constexpr int patience = 5;
  Points gradient(point.size()), velocity(point.size());
  double time = first_time, mix = first_mix;
  int downhill = 0;
  MinimizerEnd end;
  for (;; ++end.iterations) {
    objective(point, gradient);
    end.evaluations = objective.calls;
    end.converged = converged(end.iterations);
    if (end.converged || end.iterations >= settings.max_iterations) return end;
    const double power = -product(gradient, velocity);
    if (power > 0) {
      const double turn = mix * std::sqrt(product(velocity, velocity) / product(gradient, gradient));
      for (std::size_t i = 0; i < point.size(); ++i) velocity[i] = (1 - mix) * velocity[i] - turn * gradient[i];
      if (++downhill > patience) {
        time = std::min(time * longer, longest_time);
        mix *= less_mix;
      }
    } else {
      velocity.assign(point.size(), Vec3{});
      time *= shorter;
      mix = first_mix;
      downhill = 0;
    }
    add(velocity, -time, gradient);
    Points step(point.size());
    add(step, time, velocity);
    bound(step, settings.largest_step_ang);
    add(point, 1, step);
  }
}

}  // namespace

MinimizerEnd minimize(const Objective& objective, std::vector<Vec3>& point_ang, const MinimizerSettings& settings, const Converged& converged) {
  check(settings);
  Counted counted(objective);
  return settings.method == Minimizer::lbfgs ? lbfgs(counted, point_ang, settings, converged) : fire(counted, point_ang, settings, converged);
}

}  // namespace saltus
