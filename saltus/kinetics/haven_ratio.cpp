#include "saltus/kinetics/haven_ratio.hpp"

#include <cmath>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::kinetics {

Vec3 collective_position(std::span<const Vec3> position) {
  Vec3 sum;
  for (const Vec3& r : position) sum += r;
  if (!position.empty()) sum *= 1 / std::sqrt(static_cast<double>(position.size()));
  return sum;
}

std::optional<Estimate> haven_ratio(const DiffusionFit& tracer, const DiffusionFit& collective) {
  if (tracer.replicate_ang2_fs.size() != collective.replicate_ang2_fs.size())
    throw Error(ErrorKind::usage, "the Haven ratio needs both coefficients from the same time blocks");
  std::vector<double> ratio;
  for (std::size_t b = 0; b < tracer.replicate_ang2_fs.size(); ++b) {
    if (!(tracer.replicate_ang2_fs[b] > 0) || !(collective.replicate_ang2_fs[b] > 0)) return {};
    ratio.push_back(tracer.replicate_ang2_fs[b] / collective.replicate_ang2_fs[b]);
  }
  if (!(tracer.diffusion_ang2_fs.value > 0) || !(collective.diffusion_ang2_fs.value > 0)) return {};
  return jackknife_estimate_of_positive(tracer.diffusion_ang2_fs.value / collective.diffusion_ang2_fs.value, ratio);
}

}  // namespace saltus::kinetics
