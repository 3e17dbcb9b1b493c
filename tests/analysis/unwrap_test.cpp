#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/unwrap.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

using testing_frames::next_of;

Vec3 normal3(Random& random) { return {random.normal(), random.normal(), random.normal()}; }

TEST(Unwrapper, WrappedAndUnwrappedInputGiveTheTruePathInASkewedCell) {
  Random random(1, 0);
  const Cell cell(Mat3{{Vec3{5, 0, 0}, Vec3{4.2, 4.6, 0}, Vec3{-2.8, 3.1, 5.5}}});
  std::vector<Vec3> truth(20);
  for (Vec3& r : truth) r = cell.to_cartesian({random.uniform(), random.uniform(), random.uniform()});
  Unwrapper wrapped, unwrapped;
  const std::vector<Vec3> start = truth;
  for (int t = 0; t < 3000; ++t) {
    std::vector<Vec3> inside;
    for (const Vec3& r : truth) inside.push_back(cell.wrap(r));
    wrapped.add(cell, inside);
    unwrapped.add(cell, truth);
    for (Vec3& r : truth) r += 0.3 * normal3(random);
  }
  // Positions after the last added frame: undo nothing, compare displacements of both and with image·cell.
  double farthest = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EXPECT_NEAR(norm(wrapped.position_ang()[i] - unwrapped.position_ang()[i]), 0, 1e-10);
    EXPECT_EQ(wrapped.image()[i], unwrapped.image()[i]);
    EXPECT_NEAR(norm(wrapped.position_ang()[i] - wrapped.wrapped_ang()[i] - cell.translation_ang(wrapped.image()[i])), 0, 1e-12);
    farthest = std::max(farthest, norm(wrapped.position_ang()[i] - start[i]));
  }
  EXPECT_GT(farthest, 20);
  EXPECT_EQ(wrapped.steps().steps, 20 * 2999);
  EXPECT_EQ(wrapped.steps().undetermined, 0);
}

TEST(Unwrapper, FollowsTheTruePathExactly) {
  Random random(2, 0);
  const Cell cell(Mat3{{Vec3{6, 0, 0}, Vec3{0, 7, 0}, Vec3{0, 0, 8}}});
  Vec3 truth{1, 2, 3};
  const Vec3 start = truth;
  Unwrapper unwrapper;
  unwrapper.add(cell, std::vector<Vec3>{truth});
  for (int t = 0; t < 5000; ++t) {
    truth += 0.4 * normal3(random);
    unwrapper.add(cell, std::vector<Vec3>{cell.wrap(truth)});
  }
  EXPECT_NEAR(norm(unwrapper.position_ang()[0] - truth), 0, 1e-9) << norm(truth - start);
}

// Walkers in a box whose lattice vectors fluctuate by 1 %, each by itself, cubic or skewed; the wrapped coordinate is carried from box
// to box, as in the reference. The toroidal path is the true one to rounding; wrapped + image·cell drifts away from it without bound.
TEST(Unwrapper, FluctuatingBoxKeepsDisplacements) {
  for (const Mat3& shape : {Mat3{{Vec3{10, 0, 0}, Vec3{0, 10, 0}, Vec3{0, 0, 10}}}, Mat3{{Vec3{11, 0, 0}, Vec3{9, 10, 0}, Vec3{-8, 7, 12}}}}) {
    Random random(3, 0);
    const std::size_t walkers = 50;
    const int frames = 10000;
    std::vector<Vec3> truth(walkers), inside(walkers);
    for (std::size_t i = 0; i < walkers; ++i) inside[i] = truth[i] = {10 * random.uniform(), 10 * random.uniform(), 10 * random.uniform()};
    const std::vector<Vec3> origin = truth;
    std::vector<Vec3> start;
    Unwrapper unwrapper;
    Cell box(shape);
    for (Vec3& r : inside) r = box.wrap(r);
    for (int t = 0; t < frames; ++t) {
      if (t > 0) {
        Mat3 rows = shape;
        for (int k = 0; k < 3; ++k) rows[k] *= 1 + 0.01 * random.normal();
        box = Cell(rows);
        for (std::size_t i = 0; i < walkers; ++i) {
          const Vec3 step = 0.5 * normal3(random);
          truth[i] += step;
          inside[i] = box.wrap(inside[i] + step);
        }
      }
      unwrapper.add(box, inside);
      if (t == 0) start = unwrapper.position_ang();
    }
    double msd = 0, exact = 0, by_images = 0;
    for (std::size_t i = 0; i < walkers; ++i) {
      const Vec3 moved = unwrapper.position_ang()[i] - start[i];
      msd += norm2(moved);
      exact += norm2(truth[i] - origin[i]);
      by_images = std::max(by_images, norm(unwrapper.wrapped_ang()[i] + box.translation_ang(unwrapper.image()[i]) - start[i] - moved));
      EXPECT_NEAR(norm(moved - (truth[i] - origin[i])), 0, 1e-9);
    }
    EXPECT_NEAR(msd, exact, 0.01 * exact);
    EXPECT_GT(by_images, 0.3);
    EXPECT_FALSE(unwrapper.constant_cell());
    EXPECT_EQ(unwrapper.steps().undetermined, 0);
  }
}

// A step of half the cell may have gone either way.
TEST(Unwrapper, HalfTheCellIsNotDetermined) {
  const Cell cell(Mat3{{Vec3{6, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}});
  for (const double x : {2.3, 2.5, 3.0}) {
    Unwrapper unwrapper;
    unwrapper.add(cell, std::vector<Vec3>{{1, 1, 1}});
    unwrapper.add(cell, std::vector<Vec3>{{1 + x, 1, 1}});
    EXPECT_EQ(unwrapper.steps().flagged, x > 2.4 ? 1 : 0);
    EXPECT_EQ(unwrapper.steps().undetermined, x > 2.9 ? 1 : 0);
  }
}

TEST(Unwrapper, RefusesWhatIsNotFinite) {
  Unwrapper unwrapper;
  const Cell cell(Mat3{{Vec3{3, 0, 0}, Vec3{0, 3, 0}, Vec3{0, 0, 3}}});
  EXPECT_THROW(unwrapper.add(cell, std::vector<Vec3>{{NAN, 0, 0}}), Error);
  unwrapper.add(cell, std::vector<Vec3>{{1, 0, 0}});
  EXPECT_THROW(unwrapper.add(cell, std::vector<Vec3>(2)), Error);
  EXPECT_THROW(unwrapper.add(cell, std::vector<Vec3>{{1e300, 0, 0}}), Error);
}

// Two lithium on paths of their own, four silicon vibrating; everything drifts, in the frames given wrapped or not.
std::vector<Frame> drifting_frames(bool wrapped, double breathing) {
  Random random(4, 0);
  const auto atoms = std::make_shared<const Atoms>(atoms_of({3, 14, 14, 3, 14, 14}));
  std::vector<Vec3> home{{1, 1, 1}, {0, 0, 0}, {4, 0, 0}, {2, 3, 5}, {0, 4, 0}, {0, 0, 4}};
  std::vector<Frame> frames;
  for (int t = 0; t < 400; ++t) {
    Frame f;
    f.atoms = atoms;
    f.time_fs = 10 + 4.0 * t;
    const double scale = 1 + breathing * std::sin(0.1 * t);
    f.cell = Cell(Mat3{{Vec3{8 * scale, 0, 0}, Vec3{2 * scale, 8 * scale, 0}, Vec3{0, 0, 8 * scale}}});
    const Vec3 drift{0.05 * t, -0.02 * t, 0.01 * t};
    for (std::size_t i = 0; i < home.size(); ++i) {
      const bool lithium = atoms->atomic_number[i] == 3;
      if (lithium) home[i] += 0.1 * normal3(random);
      Vec3 r = scale * (home[i] + drift + (lithium ? Vec3{} : 0.1 * normal3(random)));
      f.position_ang.push_back(wrapped ? f.cell.wrap(r) : r);
    }
    frames.push_back(f);
  }
  return frames;
}

Paths paths_of(const std::vector<Frame>& frames) {
  PathAnalysis analysis({3, 14});
  Analysis* const list[] = {&analysis};
  EXPECT_EQ(run_analyses(next_of(frames), list), frames.size());
  return analysis.finish();
}

TEST(Paths, FrameworkFrameIsFreeOfDriftAndOfWrapping) {
  for (const double breathing : {0.0, 0.01}) {
    const Paths a = paths_of(drifting_frames(true, breathing)), b = paths_of(drifting_frames(false, breathing));
    ASSERT_EQ(a.frames, 400u);
    EXPECT_EQ(a.mobile, (std::vector<std::uint32_t>{0, 3}));
    EXPECT_EQ(a.framework, (std::vector<std::uint32_t>{1, 2, 4, 5}));
    EXPECT_DOUBLE_EQ(a.frame_spacing_fs, 4);
    EXPECT_DOUBLE_EQ(a.first_time_fs, 10);
    EXPECT_EQ(a.constant_cell, breathing == 0);
    for (std::size_t k = 0; k < a.mobile_ang.size(); ++k) {
      EXPECT_NEAR(norm((a.mobile_ang[k] - a.mobile_ang[k % 2]) - (b.mobile_ang[k] - b.mobile_ang[k % 2])), 0, 1e-9);
      EXPECT_NEAR(norm((a.site_path()[k] - a.site_path()[k % 2]) - (b.site_path()[k] - b.site_path()[k % 2])), 0, 1e-9);
    }
    // The silicon stays where it is, the drift is what was put in.
    for (std::size_t k = 0; k < a.framework_ang.size(); ++k) {
      EXPECT_LT(norm(a.framework_site_path()[k] - a.framework_site_path()[k % 4]), 1.2);
    }
    if (breathing == 0) {
      EXPECT_NEAR(norm(a.drift_ang[399] - Vec3{0.05 * 399, -0.02 * 399, 0.01 * 399}), 0, 0.5);
    }
  }
}

TEST(Paths, GivenAwayAndThinnedOut) {
  for (const double breathing : {0.0, 0.01}) {
    const std::vector<Frame> frames = drifting_frames(true, breathing);
    const Paths kept = paths_of(frames);
    PathSettings settings{3, 14};
    settings.framework_frames = 30;
    std::vector<Vec3> taken;
    settings.take_mobile = [&](std::span<const Vec3> path) { taken.insert(taken.end(), path.begin(), path.end()); };
    PathAnalysis analysis(settings);
    Analysis* const list[] = {&analysis};
    run_analyses(next_of(frames), list);
    const Paths paths = analysis.finish();
    EXPECT_EQ(taken, kept.mobile_ang);
    EXPECT_TRUE(paths.mobile_ang.empty() && paths.mobile_on_lattice_ang.empty() && paths.drift_ang.empty());
    // 400 frames: every 16th are 25, every 8th would be 50.
    ASSERT_EQ(paths.framework_every, 16u);
    ASSERT_EQ(paths.framework_ang.size(), 25u * 4);
    ASSERT_EQ(paths.framework_site_path().size(), 25u * 4);
    for (std::size_t k = 0; k < 100; ++k) {
      const std::size_t there = k / 4 * 16 * 4 + k % 4;
      EXPECT_EQ(paths.framework_ang[k], kept.framework_ang[there]);
      EXPECT_EQ(paths.framework_site_path()[k], kept.framework_site_path()[there]);
    }
  }
}

TEST(Paths, IsolatedAtomsGoWhereTheyGo) {
  std::vector<Frame> frames(5);
  for (std::size_t t = 0; t < frames.size(); ++t) {
    frames[t].atoms = std::make_shared<const Atoms>(atoms_of({1, 8}));
    frames[t].time_fs = static_cast<double>(t);
    frames[t].position_ang = {{7.0 * static_cast<double>(t * t), 0, 0}, {0, 0, 1}};
  }
  PathAnalysis analysis({1, std::nullopt});
  Analysis* const list[] = {&analysis};
  run_analyses(next_of(frames), list);
  const Paths paths = analysis.finish();
  EXPECT_EQ(paths.mobile_ang[4].x, 112);
  EXPECT_EQ(paths.steps.largest_ang, 49);
  EXPECT_EQ(paths.steps.flagged, 0);
  EXPECT_FALSE(paths.cell.any_periodic());
}

TEST(Paths, RefusesWhatItCannotMean) {
  auto frames = drifting_frames(true, 0);
  const auto run = [&](const std::vector<Frame>& f, PathSettings settings = {3, 14}) {
    PathAnalysis analysis(settings);
    Analysis* const list[] = {&analysis};
    run_analyses(next_of(f), list);
    return analysis.finish();
  };
  EXPECT_THROW(run(frames, {14, 14}), Error);
  EXPECT_THROW(run(frames, {11, 14}), Error);
  EXPECT_THROW(run({}), Error);
  auto gap = frames;
  gap.erase(gap.begin() + 100);
  EXPECT_THROW(run(gap), Error);
  auto other = frames;
  other[200].atoms = std::make_shared<const Atoms>(atoms_of({3, 14, 14, 14, 14, 14}));
  try {
    run(other);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
    EXPECT_NE(std::string(error.what()).find("frame 201"), std::string::npos) << error.what();
  }
  auto jump = frames;
  jump[50].position_ang[0] += {3.9, 3.9, 3.9};
  try {
    run(jump);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_NE(std::string(error.what()).find("not determined"), std::string::npos) << error.what();
  }
  auto far = frames;
  for (std::size_t t = 50; t < far.size(); ++t) far[t].position_ang[0] += {3.6, 0, 0};
  EXPECT_EQ(run(far).warnings.size(), 1u);
  EXPECT_TRUE(run(frames).warnings.empty());
}

}  // namespace
}  // namespace saltus
