// First passages from arrays whose D(z) and F(z) are known: the profile, its document, the verdict, and what is refused.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/io/npy_writer.hpp"
#include "saltus/kinetics/brownian_motion.hpp"
#include "saltus/runs/passage_output.hpp"

namespace saltus::runs {
namespace {

using Json = nlohmann::ordered_json;
using kinetics::LineEnds;

constexpr double frame_fs = 100, unit = 1e-3;  // Å²/fs of 1 Å²/ps

struct System {
  double length_ang = 20;
  LineEnds ends = LineEnds::periodic;
  std::function<double(double)> diffusion_ang2_ps = [](double) { return 0.23; }, free_energy_kt = [](double) { return 0.0; };
};

std::vector<float> frames_of(const System& system, std::size_t particles, std::size_t frames, std::uint64_t seed) {
  kinetics::BrownianSettings settings;
  settings.frame_interval_fs = frame_fs;
  settings.seed = seed;
  const kinetics::LineProfile profile({0, system.length_ang, system.ends}, [&](double z) { return unit * system.diffusion_ang2_ps(z); }, system.free_energy_kt);
  return kinetics::brownian_frames(kinetics::BrownianMotion(profile, settings), particles, frames);
}

PassageCoordinates coordinates_of(const std::vector<float>& z, std::size_t particles, double period_ang) {
  CoordinateSeries series(particles);
  for (std::size_t at = 0; at < z.size(); at += particles) series.append(std::span(z).subspan(at, particles));
  return {std::move(series), frame_fs, period_ang, "array"};
}

PassageSettings quick(std::vector<double> half_widths = {}) {
  PassageSettings settings;
  settings.half_widths_ang = std::move(half_widths);
  settings.bootstrap = 40;
  return settings;
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal(const std::vector<float>& z, std::size_t particles, double period_ang, const PassageSettings& settings = quick({1})) {
  return refusal([&] { study_passage(coordinates_of(z, particles, period_ang), settings); });
}

bool mentions(const std::vector<std::string>& texts, const std::string& what) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) { return text.find(what) != std::string::npos; });
}

bool flagged(const PassageReport& report, const std::string& what) {
  return std::any_of(report.windows.begin(), report.windows.end(), [&](const PassageWindow& row) { return mentions(row.flags, what); });
}

void expect_finite(const Json& value, const std::string& place) {
  if (value.is_structured())
    for (const auto& [key, below] : value.items()) expect_finite(below, place + "." + key);
  else EXPECT_FALSE(value.is_null()) << place;
}

TEST(PassageReport, FlatPeriodicDiffusionWithItsDocument) {
  constexpr std::size_t particles = 400;
  std::vector<float> z = frames_of({}, particles, 1200, 3);
  for (float& x : z) x = std::round(x * 4096) / 4096;  // so that wrapping is exact
  std::vector<float> wrapped = z;
  for (float& x : wrapped) x -= 20 * std::floor(x / 20);
  const PassageReport report = study_passage(coordinates_of(z, particles, 20), quick());
  const Json document = passage_document(report, quick());
  EXPECT_EQ(document, passage_document(study_passage(coordinates_of(wrapped, particles, 20), quick()), quick()));
  EXPECT_EQ(report.half_widths_ang, (std::vector<double>{1, 1.5, 2, 3}));

  ASSERT_EQ(document.at("profile").size(), 20u);
  double mean = 0, before = -1;
  int held = 0;
  for (const Json& point : document.at("profile")) {
    for (const char* key : {"z_ang", "diffusion_ang2_per_ps", "local_diffusion_ang2_per_ps", "free_energy_kt", "mean_exit_time_ps", "exit_above_fraction", "starts", "flags"}) ASSERT_TRUE(point.contains(key)) << key;
    expect_finite(point, "profile");
    const double at = point.at("z_ang");
    EXPECT_GE(at, 0);
    EXPECT_LT(at, 20);
    EXPECT_GT(at, before);
    before = at;
    const Json& d = point.at("diffusion_ang2_per_ps");
    EXPECT_NEAR(d.at("value").get<double>(), 0.23, 0.025) << at;
    EXPECT_NEAR(point.at("local_diffusion_ang2_per_ps").at("value").get<double>(), 0.23, 0.035) << at;
    EXPECT_NEAR(point.at("mean_exit_time_ps").at("value").get<double>(), 2.7, 0.4) << at;
    EXPECT_NEAR(point.at("exit_above_fraction").get<double>(), 0.5, 0.06) << at;
    EXPECT_NEAR(point.at("free_energy_kt").get<double>(), 0, 0.2) << at;
    EXPECT_GT(point.at("starts").get<double>(), 1000) << at;
    mean += d.at("value").get<double>() / 20;
    held += d.at("low") <= 0.23 && d.at("high") >= 0.23;
  }
  EXPECT_NEAR(mean, 0.23, 0.006);
  EXPECT_GE(held, 15);
  EXPECT_FALSE(flagged(report, "F is curved"));  // noise of the histogram is no curvature
  EXPECT_EQ(document.at("verdict").at("usability"), "usable") << document.at("verdict").at("reasons").dump();
  ASSERT_TRUE(report.plateau && report.plateau->plateau_from_ang);
  EXPECT_EQ(*report.plateau->plateau_from_ang, 1);
  const AnalysisPage page = passage_page(report, quick(), "First passages and D(z)");
  EXPECT_EQ(page.kind, "passage");
  EXPECT_GE(page.charts.size(), 7u);
  EXPECT_EQ(passage_estimates(report).size(), 3u);
}

TEST(PassageReport, LayersAndSlowWallsBetweenWalls) {
  System slit{20, LineEnds::walls};
  const auto from_wall = [](double z) { return std::min(z, 20 - z); };
  slit.diffusion_ang2_ps = [&](double z) { return 0.23 - 0.13 * std::exp(-from_wall(z) / 3); };
  slit.free_energy_kt = [&](double z) { return 0.9 * std::exp(-from_wall(z) / 2) * std::cos(2 * std::numbers::pi * from_wall(z) / 3); };
  const std::vector<float> z = frames_of(slit, 500, 2000, 5);
  PassageSettings settings = quick();
  settings.wall_low_ang = 0;
  settings.wall_high_ang = 20;
  const PassageReport report = study_passage(coordinates_of(z, 500, 0), settings);
  const Json profile = passage_document(report, quick()).at("profile");
  ASSERT_GE(profile.size(), 18u);
  double square = 0;
  for (const Json& point : profile) {
    expect_finite(point, "profile");
    const double at = point.at("z_ang"), off = point.at("diffusion_ang2_per_ps").at("value").get<double>() / slit.diffusion_ang2_ps(at) - 1;
    EXPECT_LT(std::abs(off), 0.25) << at;
    square += off * off / static_cast<double>(profile.size());
  }
  EXPECT_LT(std::sqrt(square), 0.08);
  // F up to a constant: differences between places
  const auto f = [&](double at) { return report.profile.fitted.free_energy_kt(at); };
  EXPECT_NEAR(f(1.5) - f(3), slit.free_energy_kt(1.5) - slit.free_energy_kt(3), 0.12);
  EXPECT_NEAR(f(18.5) - f(10), slit.free_energy_kt(18.5) - slit.free_energy_kt(10), 0.12);
  EXPECT_TRUE(flagged(report, "F is curved"));
  EXPECT_TRUE(flagged(report, "a wall lies within the window"));
  for (const PassageWindow& row : report.windows) {
    if (std::abs(report.data.window[row.window].window.centre_ang - 10) < 3) {
      EXPECT_FALSE(mentions(row.flags, "F is curved"));
    }
  }
}

// Particles that rattle fast within 0.35 Å while they diffuse leave narrow windows sooner than D says: D(L) falls with L.
TEST(PassageReport, ARattleIsSeenInTheWidths) {
  constexpr std::size_t particles = 500;
  std::vector<float> z = frames_of({}, particles, 2000, 7);
  const double keep = std::exp(-2.0);
  for (std::size_t p = 0; p < particles; ++p) {
    Random random(11, p);
    double rattle = 0.35 * random.normal();
    for (std::size_t at = p; at < z.size(); at += particles) {
      z[at] += static_cast<float>(rattle);
      rattle = keep * rattle + 0.35 * std::sqrt(1 - keep * keep) * random.normal();
    }
  }
  const PassageReport report = study_passage(coordinates_of(z, particles, 20), quick());
  ASSERT_EQ(report.over_half_width.size(), 4u);
  double before = 1;
  for (const kinetics::HalfWidthProfile& one : report.over_half_width) {
    double mean = 0;
    for (const kinetics::ProfilePoint& point : one.profile.points) mean += point.diffusion_ang2_fs.value / unit / static_cast<double>(one.profile.points.size());
    EXPECT_LT(mean, before) << one.half_width_ang;
    EXPECT_GT(mean, 0.23);
    before = mean;
  }
  ASSERT_TRUE(report.plateau);
  EXPECT_TRUE(report.plateau->still_falls);
  EXPECT_FALSE(report.plateau->plateau_from_ang);
  EXPECT_EQ(report.verdict.usability, kinetics::Usability::biased);
  EXPECT_TRUE(mentions(report.verdict.reasons, "no plateau: D still falls at the widest"));
  EXPECT_TRUE(mentions(report.verdict.reasons, "D of L = 1 Å"));
}

// Beside a wall the local estimate is of motion that the wall reflects.
TEST(PassageReport, LocalDiffusionAtWalls) {
  PassageSettings settings = quick({1});
  settings.wall_low_ang = 0;
  settings.wall_high_ang = 12;
  const PassageReport report = study_passage(coordinates_of(frames_of({12, LineEnds::walls}, 500, 1500, 8), 500, 0), settings);
  ASSERT_EQ(report.windows.size(), 20u);
  for (const PassageWindow& row : report.windows) {
    ASSERT_TRUE(row.local.corrected_ang2_fs.estimate) << row.window;
    const Estimate& d = *row.local.corrected_ang2_fs.estimate;
    EXPECT_NEAR(d.value / unit, 0.23, 0.03) << report.data.window[row.window].window.centre_ang;
    EXPECT_GT(d.high, d.low);
    EXPECT_EQ(row.local.wald_ang2_fs.estimate.has_value(), row.window > 1 && row.window < 18);
  }
}

TEST(PassageReport, WindowsWhereAsked) {
  const std::vector<float> z = frames_of({}, 100, 1000, 9);
  PassageSettings settings = quick({1, 1});
  settings.range_ang = {-4, 4};  // through the end of the period
  const PassageReport across = study_passage(coordinates_of(z, 100, 20), settings);
  EXPECT_EQ(across.windows.size(), 20u);
  EXPECT_EQ(across.half_widths_ang.size(), 1u);
  const Json document = passage_document(across, settings);
  for (const Json& point : document.at("profile")) {
    const double at = point.at("z_ang");
    EXPECT_TRUE((at >= 0 && at < 4) || (at > 16 && at < 20)) << at;
    EXPECT_NEAR(point.at("diffusion_ang2_per_ps").at("value").get<double>(), 0.23, 0.1) << at;
  }
  settings.range_ang.reset();
  settings.centres_ang = {25, 5, 12};
  const PassageReport chosen = study_passage(coordinates_of(z, 100, 20), settings);
  ASSERT_EQ(chosen.windows.size(), 2u);
  EXPECT_EQ(chosen.data.window[0].window.centre_ang, 5);
  settings.centres_ang.clear();
  settings.range_ang = {0, 30};
  EXPECT_NE(refusal(z, 100, 20, settings).find("more than the period of 20"), std::string::npos);
  settings.range_ang = {5, 5};
  EXPECT_NE(refusal(z, 100, 20, settings).find("there is none"), std::string::npos);
  // Widths that do not fit into a quarter of a short period are left out.
  EXPECT_EQ(study_passage(coordinates_of(frames_of({7}, 100, 1000, 9), 100, 7), quick()).half_widths_ang, (std::vector<double>{1, 1.5}));
}

TEST(PassageReport, BlocksOfTimeStandInForParticles) {
  const PassageReport report = study_passage(coordinates_of(frames_of({8}, 1, 30000, 4), 1, 8), quick({1}));
  EXPECT_EQ(report.data.units(), 20u);
  for (const kinetics::ProfilePoint& point : report.profile.points) {
    EXPECT_LT(point.diffusion_ang2_fs.low, 0.23 * unit * 1.1);
    EXPECT_GT(point.diffusion_ang2_fs.high, 0.23 * unit * 0.9);
    EXPECT_GT(point.diffusion_ang2_fs.high / point.diffusion_ang2_fs.low, 1.05);
  }
}

TEST(PassageReport, CoarseFramesAreToldOf) {
  System slit{20, LineEnds::walls};
  std::vector<float> z = frames_of(slit, 200, 2400, 6), coarse;
  for (std::size_t at = 0; at < z.size(); at += 40 * 200) coarse.insert(coarse.end(), z.begin() + static_cast<std::ptrdiff_t>(at), z.begin() + static_cast<std::ptrdiff_t>(at) + 200);
  PassageCoordinates coordinates = coordinates_of(coarse, 200, 0);
  coordinates.frame_interval_fs = 4000;  // steps of 1.4 Å
  PassageSettings settings = quick({1});
  settings.wall_low_ang = 0;
  settings.wall_high_ang = 20;
  const PassageReport report = study_passage(std::move(coordinates), settings);
  EXPECT_TRUE(flagged(report, "frames too far apart"));
  EXPECT_TRUE(flagged(report, "steps between frames are longer than the half-width"));
  EXPECT_NE(report.verdict.usability, kinetics::Usability::usable);
  // Where sides cannot be told, there is no number at all.
  EXPECT_NE(refusal(z, 200, 4, quick({1.9})).find("half the period"), std::string::npos);
}

TEST(PassageReport, WallsThatAreNone) {
  const std::vector<float> z = frames_of({20, LineEnds::walls}, 100, 1000, 2);
  PassageSettings settings = quick({1});
  settings.wall_low_ang = 2;
  EXPECT_NE(refusal(z, 100, 0, settings).find("beyond the walls"), std::string::npos);
  settings.wall_low_ang = 20;
  settings.wall_high_ang = 0;
  EXPECT_NE(refusal(z, 100, 0, settings).find("first must lie below the second"), std::string::npos);
  // A few positions beyond: told how many.
  std::vector<float> few = z;
  few[5000] = -0.4F;
  settings.wall_low_ang = 0;
  settings.wall_high_ang = 20;
  EXPECT_TRUE(mentions(study_passage(coordinates_of(few, 100, 0), settings).warnings, "1 of 100000 positions"));
  EXPECT_TRUE(study_passage(coordinates_of(z, 100, 0), settings).warnings.empty());
  // The ends of a period are no walls.
  EXPECT_NE(refusal(frames_of({}, 100, 1000, 2), 100, 20, settings).find("reached through them"), std::string::npos);
}

TEST(PassageReport, WhatGivesNoNumberSaysWhy) {
  EXPECT_NE(refusal({1, 2, 3}, 3, 0).find("1 frame; exits need at least two"), std::string::npos);
  EXPECT_NE(refusal({}, 3, 0).find("0 frames"), std::string::npos);
  EXPECT_NE(refusal(std::vector<float>(300, 4.0F), 3, 0).find("4 Å in all 100 frames"), std::string::npos);
  EXPECT_NE(refusal(std::vector<float>(300, 4.0F), 3, 20).find("nothing moves"), std::string::npos);
  std::vector<float> far = frames_of({}, 10, 100, 1);
  for (float& z : far) z += 1e9F;
  EXPECT_NE(refusal(far, 10, 20).find("beyond ± 1e+05 Å"), std::string::npos);
  const std::vector<float> few = frames_of({}, 10, 12, 1);
  EXPECT_NE(refusal(few, 10, 20).find("none of 20 windows can be used"), std::string::npos);
  EXPECT_NE(refusal(few, 10, 20).find("20 from two units are needed"), std::string::npos);
  const std::vector<float> z = frames_of({}, 50, 500, 1);
  EXPECT_NE(refusal(z, 50, 20, quick({10})).find("fills the period"), std::string::npos);
  EXPECT_NE(refusal(z, 50, 20, quick({9.6})).find("half the period"), std::string::npos);
  EXPECT_NE(refusal(z, 50, 20, quick({1, -1})).find("must be positive"), std::string::npos);
}

TEST(PassageReport, ArraysFromFiles) {
  const TemporaryFolder folder;
  const std::vector<float> z = frames_of({}, 50, 500, 1);
  const auto write = [&](const char* name, const std::vector<float>& values) {
    NpyRows rows(folder / name, values.size() / 50, 50);
    rows.append(values);
    rows.commit();
  };
  write("z.npy", z);
  EXPECT_EQ(open_passage_array(folder / "z.npy", 100, 20).series.particles(), 50u);
  EXPECT_NE(refusal([&] { open_passage_array(folder / "z.npy", 0, 20); }).find("time between its frames"), std::string::npos);
  EXPECT_NE(refusal([&] { open_passage_array(folder / "z.npy", 100, -1); }).find("period"), std::string::npos);
  std::vector<float> broken = z;
  broken[123] = std::numeric_limits<float>::quiet_NaN();
  write("nan.npy", broken);
  EXPECT_NE(refusal([&] { open_passage_array(folder / "nan.npy", 100, 20); }).find("frame 2, particle 23"), std::string::npos);
}

constexpr const char* three_atoms = "3\nLattice=\"6 0 0 0 6 0 0 0 6\" Properties=species:S:1:pos:R:3 Time=0\nO 0 0 0\nH 0.9 0 0\nH 0 0.9 0\n";

TEST(PassageReport, TrajectoriesThatDoNotFit) {
  const TemporaryFolder folder;
  folder.write("two.extxyz", std::string(three_atoms) + three_atoms);
  folder.write("changes.extxyz", std::string(three_atoms) + "1\nLattice=\"6 0 0 0 6 0 0 0 6\" Properties=species:S:1:pos:R:3 Time=1\nO 0 0 0\n");
  const auto read = [&](const char* file, const char* molecules, const char* surface = "") {
    return refusal([&] {
      TrajectoryInput input;
      input.path = folder / file;
      input.time_step_fs = 1;
      SurfaceCoordinate coordinate;
      coordinate.molecules = molecules;
      coordinate.surface = surface;
      read_passage_coordinates(input, coordinate);
    });
  };
  EXPECT_EQ(read("two.extxyz", "element O"), "accepted");
  EXPECT_NE(read("two.extxyz", "element Si").find("Si"), std::string::npos);
  EXPECT_NE(read("two.extxyz", "element O", "element Si").find("Si"), std::string::npos);
  EXPECT_NE(read("changes.extxyz", "element O"), "accepted");
}

}  // namespace
}  // namespace saltus::runs
