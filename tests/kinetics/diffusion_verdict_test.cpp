#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/diffusion_verdict.hpp"
#include "tests/kinetics/synthetic_exits.hpp"

namespace saltus::kinetics {
namespace {

constexpr double unit = 1e-3;

Synthetic layered() {
  return {"both", 10, true, [](double z) { return 0.5 * std::cos(2 * M_PI * z / 5); }, [](double z) { return unit * (0.18 + 0.05 * std::sin(2 * M_PI * z / 10)); }};
}

DiffusionProfileSettings quick() {
  DiffusionProfileSettings settings;
  settings.bootstrap = 30;
  return settings;
}

/// Exit times of each unit from a window, as [units, times].
std::vector<float> exit_times(const std::vector<std::vector<float>>& path, double centre, double half, std::size_t times) {
  std::vector<float> result(path.size() * times, 0);
  for (std::size_t p = 0; p < path.size(); ++p) {
    std::size_t exit = 0;
    for (std::size_t t = path[p].size(); t-- > 0;) {
      const double x = static_cast<double>(path[p][t]) - centre;
      if (std::abs(x) >= half) exit = t;
      else if (std::abs(x) < 0.1 && t + 400 < path[p].size() && exit > 0) ++result[p * times + std::min(times - 1, exit - t)];
    }
  }
  return result;
}

bool mentions(const std::vector<std::string>& texts, const std::string& what) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& t) { return t.find(what) != std::string::npos; });
}

class Verdict : public testing::Test {
 protected:
  void SetUp() override {
    paths = brownian_paths(layered(), 200, 2000, 100, 5);
    data = count_exits(layered(), paths, 100, {1, 1.5});
    profiles = profiles_over_half_width(data, quick());
    narrow = with_half_width(data, 1);
  }
  std::vector<std::vector<float>> paths;
  ExitData data, narrow;
  std::vector<HalfWidthProfile> profiles;
};

TEST_F(Verdict, MarkovianDataAreUsable) {
  ASSERT_EQ(profiles.size(), 2U);
  const DiffusionProfile& profile = profiles[0].profile;
  const std::vector<WindowCheck> windows = check_windows(narrow, profile);
  ASSERT_EQ(windows.size(), 10U);
  for (const WindowCheck& w : windows) {
    EXPECT_NEAR(w.cv2, w.cv2_model, 5 * w.cv2_error) << w.centre_ang;  // errors from few long stays, themselves uncertain
    ASSERT_TRUE(w.above);
    EXPECT_NEAR(w.above->value, w.above_model, 4 * w.above->error) << w.centre_ang;
  }
  EXPECT_NEAR(windows[0].curvature, 0.5 * 4 * M_PI * M_PI / 25, 0.5);

  std::vector<SurvivalCheck> survival;
  for (const std::size_t w : {2U, 5U}) {
    const std::vector<double> model = model_survival(narrow, profile, w, 200);
    survival.push_back(check_survival(exit_times(paths, narrow.window[w].window.centre_ang, 1, 400), paths.size(), model));
    EXPECT_LT(survival.back().distance, 0.06);
    EXPECT_GT(survival.back().probability, 0.005);
  }
  // halves of the time
  std::vector<std::vector<float>> first, second;
  for (const auto& p : paths) {
    first.emplace_back(p.begin(), p.begin() + 1000);
    second.emplace_back(p.begin() + 1000, p.end());
  }
  const ProfileDifference halves =
      compare_profiles(fit_diffusion_profile(count_exits(layered(), first, 100, {1}), quick()), fit_diffusion_profile(count_exits(layered(), second, 100, {1}), quick()));
  EXPECT_EQ(halves.points, 10U);
  EXPECT_LT(std::abs(halves.mean), 4 * halves.mean_error);
  EXPECT_GT(halves.probability, 0.005);

  const PlateauCheck plateau = check_plateau(profiles);
  ASSERT_TRUE(plateau.plateau_from_ang);
  EXPECT_EQ(*plateau.plateau_from_ang, 1);

  const DiffusionVerdict verdict = judge_diffusion({.profile = &profile, .data = &narrow, .windows = windows, .plateau = plateau, .halves = halves, .survival = survival, .steps_beyond_half_width = 0.0});
  EXPECT_EQ(verdict.usability, Usability::usable) << (verdict.reasons.empty() ? "" : verdict.reasons.front());
  EXPECT_TRUE(verdict.reasons.empty());
  EXPECT_TRUE(mentions(verdict.remarks, "F bends"));
  EXPECT_FALSE(plateau.still_falls);
  EXPECT_TRUE(mentions(verdict.remarks, "D of L = 1 and 1.5 Å differ by"));
  EXPECT_STREQ(name(verdict.usability), "usable");
}

// Of F = ½ cos 2πz/5: −F'' at the tops, smaller by what thirds of ± 1 Å average; nothing that is known where F is straight, nor where it is flat.
TEST_F(Verdict, CurvatureAndItsError) {
  const auto at = [&](double centre, double half) { return free_energy_curvature(narrow, profiles[0].profile.fitted, {centre, half, 0.1}); };
  const double exact = 0.5 * 4 * M_PI * M_PI / 25;
  EXPECT_NEAR(at(0, 1).value, -exact, 0.15 * exact);
  EXPECT_NEAR(at(2.5, 1).value, exact, 0.15 * exact);
  EXPECT_TRUE(significant(at(0, 1)) && significant(at(2.5, 1)));
  EXPECT_FALSE(significant(at(1.25, 1)));
  const Synthetic flat{"flat", 10, true, [](double) { return 0.0; }, [](double) { return 0.2 * unit; }};
  const ExitData counted = count_exits(flat, brownian_paths(flat, 100, 500, 100, 3), 100, {1});
  const FittedProfile fitted = free_energy_profile(counted);
  double square = 0;
  for (const WindowExits& w : counted.window) {
    const MeanWithError curvature = free_energy_curvature(counted, fitted, w.window);
    EXPECT_FALSE(significant(curvature)) << w.window.centre_ang;
    square += curvature.value * curvature.value / (curvature.error * curvature.error) / static_cast<double>(counted.window.size());
  }
  EXPECT_GT(square, 0.2);  // errors are those of the scatter
  EXPECT_LT(square, 3);
}

// D that falls with L, exit times that are spread too widely, curves of other motion, too coarse frames: each is found.
TEST_F(Verdict, FaultsAreFound) {
  const DiffusionProfile& profile = profiles[0].profile;
  std::vector<HalfWidthProfile> caged = profiles;
  for (ProfilePoint& p : caged[1].profile.points) {
    for (double* d : {&p.diffusion_ang2_fs.value, &p.diffusion_ang2_fs.low, &p.diffusion_ang2_fs.high}) *d *= 0.8;
  }
  const PlateauCheck plateau = check_plateau(caged);
  EXPECT_FALSE(plateau.plateau_from_ang);
  DiffusionVerdict verdict = judge_diffusion({.profile = &profile, .data = &narrow, .plateau = plateau});
  EXPECT_EQ(verdict.usability, Usability::biased);
  EXPECT_TRUE(mentions(verdict.reasons, "that of L = 1.5 Å"));
  EXPECT_TRUE(plateau.still_falls);
  EXPECT_TRUE(mentions(verdict.reasons, "no plateau: D still falls at the widest windows"));
  caged[1].censored = 0.2;  // what unfinished exits decide is not compared
  EXPECT_TRUE(check_plateau(caged).to_widest.empty());

  std::vector<WindowCheck> windows = check_windows(narrow, profile);
  for (WindowCheck& w : windows) w.cv2 *= 1.5;
  verdict = judge_diffusion({.profile = &profile, .data = &narrow, .windows = windows});
  EXPECT_EQ(verdict.usability, Usability::biased);
  EXPECT_TRUE(mentions(verdict.reasons, "Var T/T²"));

  windows = check_windows(narrow, profile);
  for (WindowCheck& w : windows) w.above->value = 1 - w.above->value + 0.1;
  EXPECT_TRUE(mentions(judge_diffusion({.profile = &profile, .data = &narrow, .windows = windows}).reasons, "sides of exits"));

  std::vector<double> other = model_survival(narrow, profile, 2, 200);
  for (double& s : other) s *= s;
  const SurvivalCheck far = check_survival(exit_times(paths, 2, 1, 400), paths.size(), other);
  EXPECT_LT(far.probability, 0.01);
  EXPECT_TRUE(mentions(judge_diffusion({.profile = &profile, .data = &narrow, .survival = std::span(&far, 1)}).reasons, "survival"));

  EXPECT_TRUE(mentions(judge_diffusion({.profile = &profile, .data = &narrow, .steps_beyond_half_width = 0.02}).reasons, "step farther than L"));

  ProfileDifference halves;
  halves.points = 10;
  halves.largest = 0.4;
  halves.probability = 1e-4;
  verdict = judge_diffusion({.profile = &profile, .data = &narrow, .halves = halves});
  EXPECT_EQ(verdict.usability, Usability::undetermined);
  EXPECT_TRUE(mentions(verdict.reasons, "first and second half"));

  DiffusionProfileSettings bare = quick();
  bare.bootstrap = 0;
  const DiffusionProfile without = fit_diffusion_profile(narrow, bare);
  EXPECT_EQ(judge_diffusion({.profile = &without, .data = &narrow}).usability, Usability::undetermined);
  const DiffusionProfile nothing;
  EXPECT_EQ(judge_diffusion({.profile = &nothing, .data = &narrow}).usability, Usability::undetermined);
  EXPECT_THROW(judge_diffusion({}), Error);
  EXPECT_THROW(check_survival({}, 2, other), Error);
}

TEST(VerdictOfFrames, CoarseFramesAreToldOf) {
  const Synthetic system{"free", 10, true, [](double) { return 0.0; }, [](double) { return 0.3 * unit; }};
  const auto paths = brownian_paths(system, 100, 400, 1000, 9);  // σ = 0.77 Å
  const ExitData data = count_exits(system, paths, 1000, {1});
  const DiffusionProfile profile = fit_diffusion_profile(data, quick());
  const DiffusionVerdict verdict = judge_diffusion({.profile = &profile, .data = &data});
  EXPECT_EQ(verdict.usability, Usability::biased);
  EXPECT_TRUE(mentions(verdict.reasons, "L < 2σ"));
}

}  // namespace
}  // namespace saltus::kinetics
