// [[passage]] of a plan: of a simulation, of a trajectory and of an array.
#include <span>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/npy_writer.hpp"
#include "saltus/kinetics/brownian_motion.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::runs {
namespace {

using Json = nlohmann::ordered_json;

struct Study {
  TemporaryFolder folder;
  RunOutcome run(const std::string& text) {
    folder.write("plan.toml", text);
    const Plan plan = read_plan(folder / "plan.toml");
    return run_stages(header_of(plan), stages_of(plan), folder / "runs", {});
  }
  Json report() {
    const Registry registry(folder / "runs", false);
    return report_json(registry, *registry.latest_run());
  }
  /// A file of the only artifact that has one of this name.
  Json file(const std::string& name) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "runs"))
      if (entry.path().filename() == name) return Json::parse(read_file(entry.path()));
    return {};
  }
  void write_array(std::uint64_t seed = 1) const {
    const kinetics::LineProfile line({0, 12, kinetics::LineEnds::periodic}, [](double) { return 0.23e-3; }, [](double) { return 0.0; });
    kinetics::BrownianSettings settings;
    settings.seed = seed;
    const std::vector<float> z = kinetics::brownian_frames(kinetics::BrownianMotion(line, settings), 100, 600);
    NpyRows rows(folder / "z.npy", 600, 100);
    rows.append(z);
    rows.commit();
  }
};

const std::string of_array = "title = \"first passages\"\nseed = 3\n[[passage]]\nname = \"z\"\ncoordinates = \"z.npy\"\nframe_interval_fs = 100\nperiod_ang = 12\nbootstrap = 30\nhalf_widths_ang = [1, 2]\n";

TEST(PassageStage, OfAnArray) {
  Study study;
  study.write_array();
  EXPECT_EQ(study.run(of_array).made, 1u);
  EXPECT_TRUE(study.run(of_array).nothing_to_do);
  const Json document = study.file("passage.json");
  ASSERT_EQ(document.at("profile").size(), 20u);
  for (const Json& point : document.at("profile")) EXPECT_NEAR(point.at("diffusion_ang2_per_ps").at("value").get<double>(), 0.23, 0.06);
  const Json page = study.file("page.json");
  EXPECT_EQ(page.at("kind"), "passage");
  EXPECT_GT(page.at("charts").size(), 5u);
  EXPECT_EQ(page.at("charts").at(0).at("name"), "passage_diffusion_z");
  bool seen = false;
  const Json report = study.report();
  for (const Json& estimate : report.at("estimates"))
    if (estimate.at("stage") == "passage-z" && estimate.at("name") == "diffusion_middle") {
      seen = true;
      EXPECT_LE(estimate.at("low").get<double>(), 0.25);
      EXPECT_GE(estimate.at("high").get<double>(), 0.21);
    }
  EXPECT_TRUE(seen);
  // What the array holds counts, and so does the seed of the draws.
  study.write_array(2);
  EXPECT_EQ(study.run(of_array).made, 1u);
  EXPECT_EQ(study.run(of_array + "seed_offset = 1\n").made, 1u);
}

TEST(PassageStage, OfASimulationOfThePlan) {
  Study study;
  const std::string water = std::string(SALTUS_SOURCE_DIR) + "/examples/path_integrals/water_32.extxyz";
  const std::string plan = "title = \"water\"\nseed = 1\n[[data]]\nname = \"water\"\nfile = \"" + water +
                           "\"\n[[md]]\nname = \"w\"\nmodel = \"builtin:qtip4pf\"\ntemperature_kelvin = 400\ntimestep_fs = 0.5\nequilibration_ps = 0.5\nproduction_ps = 6\nframe_spacing_fs = 20\n"
                           "[[passage]]\nname = \"oxygen\"\nmd = \"w\"\nmolecules = \"element O\"\nstart_half_width_ang = 0.2\nhalf_widths_ang = [1]\nbootstrap = 20\n";
  EXPECT_NE(explain_text(parse_plan(plan, study.folder / "plan.toml")).find("passage-oxygen"), std::string::npos);
  EXPECT_EQ(study.run(plan).made, 3u);
  const Json document = study.file("passage.json");
  EXPECT_EQ(document.at("particles"), 32);
  EXPECT_NEAR(document.at("frames").get<int>(), 300, 1);
  EXPECT_GT(document.at("period_ang").get<double>(), 9);
  EXPECT_GE(document.at("profile").size(), 10u);
  for (const Json& point : document.at("profile")) {
    EXPECT_GT(point.at("diffusion_ang2_per_ps").at("value").get<double>(), 0.02);
    EXPECT_LT(point.at("diffusion_ang2_per_ps").at("value").get<double>(), 5);
  }
  // A wider start is another analysis of the same simulation.
  std::string other = plan;
  other.replace(other.find("start_half_width_ang = 0.2"), 26, "start_half_width_ang = 0.3");
  EXPECT_EQ(study.run(other).made, 1u);
}

std::string refusal(const std::string& more) {
  try {
    parse_plan("title = \"t\"\n[[passage]]\nname = \"a\"\n" + more, "dir/plan.toml");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(PassageStage, WhatCannotBeMeantIsSaidWithItsLine) {
  EXPECT_EQ(refusal("trajectory = \"t.xtc\"\ntopology = \"t.gro\"\nsurface = \"resname GRA\"\nwalls_ang = [0]\n"), "accepted");
  EXPECT_NE(refusal("").find("plan.toml:2: [[passage]] 'a' needs one of 'md'"), std::string::npos);
  EXPECT_NE(refusal("trajectory = \"t.xtc\"\ncoordinates = \"z.npy\"\n").find("needs one of"), std::string::npos);
  EXPECT_NE(refusal("coordinates = \"z.npy\"\n").find("needs 'frame_interval_fs'"), std::string::npos);
  EXPECT_NE(refusal("coordinates = \"z.npy\"\nframe_interval_fs = 100\nsurface = \"element C\"\n").find("6: 'surface' goes with 'md' or 'trajectory'"), std::string::npos);
  EXPECT_NE(refusal("trajectory = \"t.xtc\"\nperiod_ang = 20\n").find("'period_ang' goes with 'coordinates'"), std::string::npos);
  EXPECT_NE(refusal("trajectory = \"t.xtc\"\nwalls_ang = [20, 0]\n").find("'walls_ang' is [low] or [low, high]"), std::string::npos);
  EXPECT_NE(refusal("trajectory = \"t.xtc\"\nrange_ang = [1]\n").find("'range_ang' is [low, high]"), std::string::npos);
  EXPECT_NE(refusal("trajectory = \"t.xtc\"\ndistance = \"plan\"\n").find("did you mean"), std::string::npos);
  EXPECT_NE(refusal("trajectory = \"t.xtc\"\nwindow = 1\n").find("unknown key 'window' in [[passage]]"), std::string::npos);
  EXPECT_NE(refusal("trajectory = \"t.xtc\"\ntime_blocks = 1\n").find("two blocks or more"), std::string::npos);
  EXPECT_NE(refusal("md = \"b\"\n").find("no [[md]] named 'b'"), std::string::npos);
}

}  // namespace
}  // namespace saltus::runs
