// A tiny study of real data through all stages: the reported values follow the data and the seed.
#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::runs {
namespace {

constexpr const char* plan_text = R"(title = "tiny"
seed = 1
[[data]]
name = "set"
file = "set.extxyz"
[fit]
body_order = 3
radial_two_body = 6
degree_three_body = 3
l_max_three_body = 2
valid_blocks = 1
[[md]]
name = "cell"
temperature_kelvin = 300
equilibration_ps = 0.1
production_ps = 1.6
log_spacing_fs = 20
frame_spacing_fs = 20
max_extrapolation = 1000
[[kinetics]]
name = "cell"
md = "cell"
blocks = 4
)";

struct Study {
  TemporaryFolder folder;

  void write_data(std::size_t first, std::size_t count) {
    const auto reader = open_trajectory(std::filesystem::path(SALTUS_SOURCE_DIR) / "examples/li15si4/li15si4_900K.extxyz");
    const auto writer = create_trajectory(folder / "set.extxyz");
    reader->seek(first);
    Frame frame;
    for (std::size_t k = 0; k < count && reader->read_next(frame); ++k) writer->write(frame);
    writer->commit();
  }
  RunOutcome run(const std::string& text) {
    folder.write("plan.toml", text);
    const Plan plan = read_plan(folder / "plan.toml");
    return run_stages(header_of(plan), stages_of(plan), folder / "runs", {});
  }
  std::map<std::string, nlohmann::ordered_json> values() {
    const Registry registry(folder / "runs", false);
    const nlohmann::ordered_json document = report_json(registry, *registry.latest_run());
    std::map<std::string, nlohmann::ordered_json> result;
    for (const auto& estimate : document.at("estimates")) result[estimate.at("name")] = estimate.at("value");
    return result;
  }
};

TEST(StudySlow, ReportedValuesFollowDataAndSeed) {
  Study study;
  study.write_data(0, 150);
  EXPECT_EQ(study.run(plan_text).made, 4u);
  const auto first = study.values();
  for (const char* name : {"diffusion_msd", "diffusion_msm", "force_rmse_relative_set", "energy_rmse_aligned_set", "ns_per_day", "temperature_mean"})
    EXPECT_TRUE(first.contains(name)) << name;
  EXPECT_TRUE(first.at("diffusion_msd").is_null());  // nothing hops in 1.6 ps at 300 K
  EXPECT_TRUE(first.at("diffusion_msm").is_null());
  EXPECT_TRUE(study.run(plan_text).nothing_to_do);

  // The same trajectory as one from elsewhere.
  std::filesystem::path trajectory;
  for (const auto& entry : std::filesystem::directory_iterator(study.folder / "runs" / "artifacts"))
    if (entry.path().filename().string().starts_with("md-cell-")) trajectory = entry.path() / "trajectory";
  EXPECT_EQ(study.run("title = \"own\"\n[[kinetics]]\nname = \"cell\"\nblocks = 4\ntrajectory = \"" + trajectory.string() + "\"\n").made, 1u);
  const auto own = study.values();
  EXPECT_EQ(own.at("jumps"), first.at("jumps"));
  EXPECT_EQ(own.at("diffusion_msd"), first.at("diffusion_msd"));
  EXPECT_FALSE(own.contains("ns_per_day"));

  std::string other_seed = plan_text;
  other_seed.replace(other_seed.find("seed = 1"), 8, "seed = 2");
  EXPECT_EQ(study.run(other_seed).made, 2u);  // the fit draws nothing at random
  const auto second = study.values();
  EXPECT_EQ(second.at("force_rmse_relative_set"), first.at("force_rmse_relative_set"));
  EXPECT_NE(second.at("temperature_mean"), first.at("temperature_mean"));

  study.write_data(20, 150);
  EXPECT_EQ(study.run(plan_text).made, 4u);
  const auto third = study.values();
  EXPECT_NE(third.at("force_rmse_relative_set"), first.at("force_rmse_relative_set"));
  EXPECT_NE(third.at("temperature_mean"), first.at("temperature_mean"));
}

}  // namespace
}  // namespace saltus::runs
