// Sites that follow a framework which bends: the field gives back what was put in.
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/assignment.hpp"
#include "saltus/analysis/following.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus {
namespace {

constexpr double edge = 4;
constexpr int repeats = 6;

/// A simple cubic framework with a transverse wave of wavelength 6 edges and rms amplitude 0.5 Å, ions in the cubes' centres that the wave carries
/// along, vibrating by 0.1 Å per component.
Paths bending(double uniform_ang, double wave_ang) {
  Paths paths;
  paths.cell = Cell(Mat3{{Vec3{repeats * edge, 0, 0}, Vec3{0, repeats * edge, 0}, Vec3{0, 0, repeats * edge}}});
  paths.frames = 100;
  paths.frame_spacing_fs = 10;
  Random random(8, 0);
  const double k = 2 * std::acos(-1.0) / (repeats * edge);
  for (std::size_t t = 0; t < paths.frames; ++t) {
    const double phase = 2 * std::acos(-1.0) * static_cast<double>(t) / 50;  // whole periods: the mean places are those of the lattice
    const auto field = [&](const Vec3& r) { return Vec3{uniform_ang * std::sin(phase), wave_ang * std::sin(k * r.x - phase), 0}; };
    for (int a = 0; a < repeats; ++a)
      for (int b = 0; b < repeats; ++b)
        for (int c = 0; c < repeats; ++c) {
          const Vec3 r = edge * Vec3{double(a), double(b), double(c)}, centre = r + 0.5 * edge * Vec3{1, 1, 1};
          paths.framework_ang.push_back(r + field(r));
          paths.mobile_ang.push_back(centre + field(centre) + 0.1 * Vec3{random.normal(), random.normal(), random.normal()});
        }
  }
  for (std::uint32_t k_atom = 0; k_atom < repeats * repeats * repeats; ++k_atom) {
    paths.framework.push_back(k_atom);
    paths.mobile.push_back(1000 + k_atom);
  }
  return paths;
}

double rms_offset(const Paths& paths, const std::vector<Vec3>& path) {
  const Int3 fold{repeats, repeats, repeats};
  const Sites sites = given_sites(paths.cell, fold, std::vector<Fractional>{{0.5, 0.5, 0.5}});
  const Vec3 u = assign_sites(sites, path, paths.frames, paths.frame_spacing_fs).report.offset_msq_ang2;
  return std::sqrt(u.x + u.y + u.z);
}

TEST(Following, TakesTheWaveOfTheFrameworkOut) {
  const Paths paths = bending(0, 0.5 * std::sqrt(2.0));
  const double vibration = 0.1 * std::sqrt(3.0);
  EXPECT_NEAR(rms_offset(paths, paths.site_path()), std::hypot(vibration, 0.5), 0.02);
  // What is left of the wave in a cube's centre: 1 - sum w cos(k x) / sum w over the planes of atoms at x = ±2, ±6, …, w = exp(-x² / 2s²), s = 2 Å.
  double weights = 0, kept = 0;
  for (int n = 0; n < 4; ++n) {
    const double x = edge * (n + 0.5), w = std::exp(-x * x / (2 * 4));
    weights += w;
    kept += w * std::cos(2 * std::acos(-1.0) / (repeats * edge) * x);
  }
  // The ions' own vibration moves them in the field: a hundredth of an ångström at most.
  EXPECT_NEAR(rms_offset(paths, following_path_ang(paths)), std::hypot(vibration, 0.5 * (1 - kept / weights)), 0.003);
}

TEST(Following, UniformMotionIsTakenOutExactly) {
  const Paths paths = bending(0.7, 0);
  EXPECT_NEAR(rms_offset(paths, following_path_ang(paths)), 0.1 * std::sqrt(3.0), 0.002);
}

TEST(Following, Errors) {
  Paths paths = bending(0, 0);
  paths.framework_ang.resize(paths.framework_ang.size() / 2);
  EXPECT_THROW(following_path_ang(paths), Error);
  paths.framework.clear();
  EXPECT_THROW(following_path_ang(paths), Error);
}

}  // namespace
}  // namespace saltus
