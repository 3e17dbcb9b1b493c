#include "saltus/kinetics/frame_correction.hpp"

#include <cmath>

namespace saltus::kinetics {

double drift_factor(double p_plus) {
  const double half = p_plus - 0.5;
  if (std::abs(half) < 1e-3) return 1 - 4.0 / 3 * half * half;
  return 2 * (2 * p_plus - 1) / std::log(p_plus / (1 - p_plus));
}

std::optional<double> corrected_diffusion(double mean_time, double p_plus, const ExitWindow& window, double frame_interval) {
  if (!(p_plus > 0 && p_plus < 1)) return {};
  const double g = drift_factor(p_plus), half = window.half_width_ang, start = window.start_half_width_ang;
  const double a = mean_time - g * (0.25 + frame_shift * frame_shift) * frame_interval, b = g * frame_shift * half * std::sqrt(frame_interval);
  if (!(a > 0)) return {};
  const double s = (b + std::sqrt(b * b + a * g * (half * half - start * start / 3))) / a;
  return s * s / 2;
}

}  // namespace saltus::kinetics
