// End to end: one vacancy hops on the lithium sites of Li15Si4 (kinetic Monte Carlo), all atoms vibrate, the crystal
// drifts, frames are wrapped. Sites, occupations and the whole sequence of jumps must come back.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/assignment.hpp"
#include "saltus/analysis/framework.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/rdf.hpp"
#include "saltus/base/random.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

struct Stop {
  std::size_t frame;   // in which the ion is half way
  std::uint32_t site;
  Int3 image;
};

struct Walk {
  std::vector<Frame> frames;
  std::vector<Vec3> site_ang;               // of the lattice
  std::vector<std::vector<Stop>> stops;     // [ion]
  std::size_t jumps = 0;
};

constexpr std::size_t frames = 6000;
constexpr std::size_t flight = 4;  // frames a jump takes

Walk vacancy_walk() {
  const Frame crystal = testing_frames::read_frames("examples/li15si4/li15si4_900K.extxyz", 1).at(0);
  const Cell& cell = crystal.cell;
  Walk walk;
  walk.site_ang = testing_frames::positions_of(crystal, 3);
  const std::vector<Vec3> silicon = testing_frames::positions_of(crystal, 14);
  Random random(41, 0);
  const auto normal3 = [&] { return Vec3{random.normal(), random.normal(), random.normal()}; };

  std::vector<std::uint8_t> elements(59, 3);
  elements.resize(75, 14);
  const auto atoms = std::make_shared<const Atoms>(atoms_of(elements));
  std::vector<int> ion_on(60, -1);          // site → ion
  std::vector<Vec3> home(59), before(59);   // unwrapped
  std::vector<std::size_t> departed(59, 0);
  walk.stops.resize(59);
  std::uint32_t vacancy = 59;
  for (std::uint32_t s = 0; s < 59; ++s) {
    ion_on[s] = static_cast<int>(s);
    home[s] = before[s] = walk.site_ang[s];
    walk.stops[s].push_back({0, s, {0, 0, 0}});
  }
  std::size_t next_jump = 50;
  for (std::size_t t = 0; t < frames; ++t) {
    if (t == next_jump) {
      std::vector<std::uint32_t> around;
      for (std::uint32_t s = 0; s < 60; ++s)
        if (s != vacancy && norm(cell.minimum_image(walk.site_ang[s] - walk.site_ang[vacancy])) < 3.1) around.push_back(s);
      const std::uint32_t from = around[random.below(around.size())];
      const auto ion = static_cast<std::size_t>(ion_on[from]);
      before[ion] = home[ion];
      home[ion] += cell.minimum_image(walk.site_ang[vacancy] - walk.site_ang[from]);
      departed[ion] = t;
      const Fractional f = cell.to_fractional(home[ion] - walk.site_ang[vacancy]);
      walk.stops[ion].push_back({t + flight / 2, vacancy,
                                 {static_cast<int>(std::lround(f.a)), static_cast<int>(std::lround(f.b)), static_cast<int>(std::lround(f.c))}});
      ion_on[vacancy] = static_cast<int>(ion);
      ion_on[from] = -1;
      vacancy = from;
      ++walk.jumps;
      next_jump = t + 6 + static_cast<std::size_t>(-12 * std::log(random.uniform()));
    }
    Frame frame;
    frame.atoms = atoms;
    frame.cell = cell;
    frame.time_fs = 20.0 * static_cast<double>(t);
    const double x = static_cast<double>(t);
    const Vec3 drift{0.004 * x, 2 * std::sin(0.002 * x), -0.001 * x};
    for (std::size_t ion = 0; ion < 59; ++ion) {
      const double share = departed[ion] ? std::min(1.0, static_cast<double>(t - departed[ion] + 1) / flight) : 1;
      frame.position_ang.push_back(cell.wrap(before[ion] + share * (home[ion] - before[ion]) + drift + 0.22 * normal3()));
    }
    for (const Vec3& r : silicon) frame.position_ang.push_back(cell.wrap(r + drift + 0.12 * normal3()));
    walk.frames.push_back(std::move(frame));
  }
  return walk;
}

TEST(VacancyWalk, SitesAndEveryJumpComeBack) {
  const Walk walk = vacancy_walk();
  PathAnalysis path_analysis({3, 14});
  RdfAnalysis rdf_analysis({{{3, 14}}, 6, 0.1, 100});
  Analysis* const list[] = {&path_analysis, &rdf_analysis};
  ASSERT_EQ(run_analyses(testing_frames::next_of(walk.frames), list), frames);
  const Paths paths = path_analysis.finish();
  EXPECT_TRUE(paths.warnings.empty());
  EXPECT_EQ(rdf_analysis.finish().at(0).frames, 60u);
  const FrameworkCheck check = check_framework(paths.cell, paths.framework_ang, paths.frames, paths.frame_spacing_fs);
  EXPECT_TRUE(check.crystalline) << check.reason;
  EXPECT_NEAR(check.msd_long_ang2, 6 * 0.12 * 0.12 * 15 / 16, 0.01);  // relative to their own mean

  // The frame of the framework keeps the mean thermal displacement of the first frame, 0.12/√16 Å per component.
  const Sites sites = find_sites(paths.cell, paths.site_path(), paths.frames, {});
  ASSERT_EQ(sites.size(), 60u);
  std::vector<std::uint32_t> lattice_site(60);
  std::vector<Int3> lattice_image(60);
  Vec3 offset;
  for (std::uint32_t s = 0; s < 60; ++s) {
    const Vec3 r = sites.cell.to_cartesian(sites.position[s]);
    double best = 1e9;
    Vec3 shortest;
    for (std::uint32_t k = 0; k < 60; ++k) {
      const Vec3 d = sites.cell.minimum_image(r - walk.site_ang[k]);
      if (norm(d) < best) {
        best = norm(d);
        shortest = d;
        lattice_site[s] = k;
      }
    }
    offset += shortest / 60.0;
    EXPECT_LT(best, 0.1);
    const Fractional f = sites.cell.to_fractional(r - shortest - walk.site_ang[lattice_site[s]]);
    lattice_image[s] = {static_cast<int>(std::lround(f.a)), static_cast<int>(std::lround(f.b)), static_cast<int>(std::lround(f.c))};
    EXPECT_NEAR(sites.occupation[s], 59.0 / 60, 0.25);
  }
  EXPECT_LT(norm(offset), 0.1);

  const SiteVisits visits = assign_sites(sites, paths.site_path(), paths.frames, paths.frame_spacing_fs);
  EXPECT_TRUE(visits.report.warnings.empty()) << visits.report.warnings.front();
  EXPECT_GT(walk.jumps, 300u);
  EXPECT_EQ(visits.report.jumps, static_cast<std::int64_t>(walk.jumps));
  EXPECT_LT(visits.report.undefined_fraction, 1e-3);
  double sum = 0;
  for (const double x : visits.occupation) sum += x;
  EXPECT_NEAR(sum, 59, 0.01);
  // Vibrations 3 × 0.22², a little more while under way.
  EXPECT_NEAR(visits.report.offset_msq_ang2.x, 0.22 * 0.22, 0.01);

  for (std::size_t ion = 0; ion < 59; ++ion) {
    const auto& found = visits.ion[ion];
    const auto& truth = walk.stops[ion];
    ASSERT_EQ(found.size(), truth.size()) << "ion " << ion;
    // Unwrapped paths start wrapped, so images of an ion may differ by the one of its start.
    Int3 shift{};
    for (std::size_t k = 0; k < found.size(); ++k) {
      const std::uint32_t s = found[k].site;
      ASSERT_EQ(lattice_site[s], truth[k].site) << "ion " << ion << " stop " << k;
      for (std::size_t a = 0; a < 3; ++a) {
        const int image = found[k].image[a] + lattice_image[s][a] - truth[k].image[a];
        if (k == 0) shift[a] = image;
        EXPECT_EQ(image, shift[a]) << "ion " << ion << " stop " << k;
      }
      if (k > 0) {
        EXPECT_NEAR(static_cast<double>(found[k].first_frame), static_cast<double>(truth[k].frame), 4);
        EXPECT_EQ(found[k].first_frame, found[k - 1].last_frame + 1);
      }
    }
    EXPECT_EQ(found.back().last_frame, static_cast<std::int64_t>(frames) - 1);
  }

  const CoreSensitivity sensitivity = core_sensitivity(sites, visits, paths.site_path());
  EXPECT_NEAR(static_cast<double>(sensitivity.jumps_smaller), static_cast<double>(walk.jumps), 0.02 * static_cast<double>(walk.jumps));
  EXPECT_NEAR(static_cast<double>(sensitivity.jumps_larger), static_cast<double>(walk.jumps), 0.02 * static_cast<double>(walk.jumps));
}

}  // namespace
}  // namespace saltus
