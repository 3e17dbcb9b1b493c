// The stage refine where a published model is fine-tuned: a committee, whose spread says where labels are wanted.
#include "saltus/runs/plan_stages.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/held_out.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/registry.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

/// Hydrogen pairs under the spring of tests/runs/fake_cp2k.sh, bonds of 1.1 to 1.3 Å, and a plan that refines a MACE model tuned on them.
class RefineStage : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("refine_stage_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "data");
    std::ofstream(folder_ / "data/BASIS_MOLOPT") << "H DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q1\n 1\n";
    std::ofstream(folder_ / "data/GTH_POTENTIALS") << "H GTH-PBE-q1 GTH-PBE\n    1\n";
    std::ofstream(folder_ / "data/POTENTIAL_UZH") << "H GTH-PBE-q1 GTH-PBE\n    1\n";
    const auto writer = create_trajectory(folder_ / "pairs.extxyz");
    const double spring = 0.05 * units::ev_per_hartree / (units::ang_per_bohr * units::ang_per_bohr);
    for (int k = 0; k < 40; ++k) {
      const double bond = 1.1 + 0.2 * (7 * k % 40) / 39.0, pull = spring * (bond - 1.2);
      Frame frame;
      frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>{1, 1}));
      frame.position_ang = {{1, 1, 1}, {1 + bond, 1, 1}};
      frame.cell = Cell(Mat3{{Vec3{20, 0, 0}, Vec3{0, 20, 0}, Vec3{0, 0, 20}}});
      frame.energy_ev = 0.5 * spring * (bond - 1.2) * (bond - 1.2);
      frame.force_ev_ang = {{pull, 0, 0}, {-pull, 0, 0}};
      frame.time_fs = 1000.0 * k;
      writer->write(frame);
    }
    writer->commit();
    fs::copy_file(fs::path(SALTUS_SOURCE_DIR) / "tests/golden/models/mace/imagdau_mace01_swa.model", folder_ / "mace.model");
    std::ofstream(folder_ / "plan.toml") << R"(title = "t"
seed = 5
[[data]]
name = "pairs"
file = "pairs.extxyz"
[model]
file = "mace.model"
[finetune]
epochs = 4
batch = 4
learning_rate = 0.003
[cp2k]
preset = "metal"
check_program = false
program = ")" << SALTUS_SOURCE_DIR
                                         << R"(/tests/runs/fake_cp2k.sh"
data_folder = ")" << (folder_ / "data").string()
                                         << R"("
[refine]
committee = 2
temperatures_kelvin = [2000]
timestep_fs = 0.25
frame_spacing_fs = 5
sampling_ps = 0.05
select_spread_ev_ang = 0.0001
stop_spread_ev_ang = 1000
spread_limit_ev_ang = 0.00001
difference_ang = 0.001
frames_per_round = 6
held_out_every = 3
max_rounds = 1
)";
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST_F(RefineStage, ACommitteeOfTunedModelsIsTrainedOnTheLabelsOfWhatItDoubts) {
  if (!fs::exists(fs::path(SALTUS_BINARY).parent_path() / "saltus-train")) GTEST_SKIP() << "built without libtorch";
  const Plan plan = read_plan(folder_ / "plan.toml");
  const auto run = [&] { return run_stages(header_of(plan), stages_of(plan), folder_ / "runs", {}); };
  const RunOutcome outcome = run();
  EXPECT_TRUE(run().nothing_to_do);
  const Registry registry(folder_ / "runs", false);
  const auto record = registry.run(outcome.run);
  const auto [artifact, name] = *registry.artifact(record->stages.back().key);
  const fs::path place = folder_ / "runs/artifacts" / name;

  // Two members that differ, each begun from the published model and trained on the labels too.
  const auto committee = load_potential(place / "model.safetensors");
  EXPECT_TRUE(committee->info().has_spread);
  EXPECT_NE(read_file(place / "round-1/member-0.safetensors"), read_file(place / "round-1/member-1.safetensors"));
  const auto trained_frames = [&](const fs::path& model) { return nlohmann::json::parse(read_file(model)).at("train_frames").get<int>(); };
  const auto tuned = std::find_if(record->stages.begin(), record->stages.end(), [](const StageRecord& stage) { return stage.name == "finetune"; });
  const int alone = trained_frames(folder_ / "runs/artifacts" / registry.artifact(tuned->key)->second / "model_finetune.json");
  const int labels = static_cast<int>(read_frames(place / "round-1/train.extxyz").size());
  EXPECT_GE(labels, 2);
  EXPECT_EQ(trained_frames(place / "round-1/member-0_finetune.json"), alone + labels);
  EXPECT_LT(trained_frames(place / "start/member-1_finetune.json"), alone);  // another part is left out
  EXPECT_NEAR(trained_frames(place / "start/member-1_finetune.json"), 0.8 * alone, 1);

  std::map<std::string, NamedEstimate> found;
  for (const NamedEstimate& e : artifact.result.estimates) found[e.name] = e;
  EXPECT_GT(found.at("max_force_spread_round_1").estimate->value, 0.0001);
  EXPECT_EQ(found.at("max_force_spread_last").unit, "ev_ang");
  EXPECT_GT(found.at("force_rmse_before_round_1").estimate->value, 0);
  const nlohmann::json document = nlohmann::json::parse(read_file(place / "refine.json"));
  EXPECT_EQ(document.at("measure"), "max_force_spread_ev_ang");
  EXPECT_EQ(document.at("last_check").size(), 1u);

  // The spread is scaled to the error: on the frames that it was scaled by, both have one root mean square.
  std::vector<Frame> unseen = held_out_frames(plan, 60);
  EXPECT_EQ(unseen.size(), 8u);  // the last fifth
  const auto first = load_potential(place / "start/model.safetensors");
  const double factor = document.at("rounds").at(0).at("spread_factor");
  double error = 0, spread = 0;
  Workspace workspace;
  for (const Frame& frame : unseen) {
    const Evaluation evaluation = evaluate_one(*first, frame, {.forces = true, .spread = true}, workspace);
    for (std::size_t i = 0; i < frame.size(); ++i) {
      error += norm2(evaluation.force_ev_ang[i] - frame.force_ev_ang[i]);
      spread += factor * factor * evaluation.force_spread_ev_ang[i] * evaluation.force_spread_ev_ang[i];
    }
  }
  EXPECT_NEAR(spread, error, 1e-9 * error);
}

}  // namespace
}  // namespace saltus::runs
