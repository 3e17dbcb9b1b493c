// The stage that fine-tunes: its program as a child, and where libtorch is, a small plan from data to a trained model.
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/trainer_program.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

Error error_of(const std::string& script) {
  try {
    run_trainer(shell(script), {}, {});
  } catch (const Error& error) {
    return error;
  }
  return {ErrorKind::usage, "no error"};
}

TEST(Trainer, ItsLinesAreForwardedButItsWarningsAndErrors) {
  std::vector<std::string> lines;
  run_trainer(shell("echo out; echo 'epoch 1' >&2; echo 'saltus: warning: w' >&2; printf 'epoch 2\\n' >&2"), {}, [&](const std::string& line) { lines.push_back(line); });
  EXPECT_EQ(lines, (std::vector<std::string>{"epoch 1", "epoch 2"}));
}

TEST(Trainer, ItsErrorIsOurs) {
  const Error error = error_of("echo 'saltus: error: set.extxyz: no forces' >&2; echo 'second line' >&2; exit 4");
  EXPECT_EQ(error.kind(), ErrorKind::format);
  EXPECT_STREQ(error.what(), "set.extxyz: no forces\nsecond line");
  EXPECT_EQ(error_of("exit 4").kind(), ErrorKind::internal);
  EXPECT_STREQ(error_of("exit 9").what(), "saltus-train ended with exit code 9");
  EXPECT_NE(std::string(error_of("kill -9 $$").what()).find("killed by signal 9"), std::string::npos);
  EXPECT_THROW(run_trainer({"/no/such/program"}, {}, {}), Error);
}

TEST(Trainer, IsAskedToEndAndWaitedFor) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::string> lines;
  const auto trained = [&] { run_trainer(shell("trap 'echo saved >&2; exit 143' TERM; while :; do sleep 0.05; done"),
                                         [&] { return std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(300); }, [&](const std::string& line) { lines.push_back(line); }); };
  EXPECT_THROW(trained(), Interrupted);
  EXPECT_EQ(lines, std::vector<std::string>{"saved"});
}

/// The clusters of the MACE example, labelled by xtb, as an AIMD run would be.
struct Study {
  TemporaryFolder folder;

  Study() {
    ReadOptions read;
    read.energy_key = "energy_xtb";
    read.forces_key = "forces_xtb";
    const fs::path models = fs::path(SALTUS_SOURCE_DIR) / "tests/golden/models/mace";
    const auto reader = open_trajectory(models / "imagdau_solvent_train_20.xyz", read);
    const auto writer = create_trajectory(folder / "set.extxyz");
    Frame frame;
    for (std::size_t k = 0; reader->read_next(frame); ++k) {
      if (k < 3) continue;  // atoms alone
      *frame.energy_ev *= 1.2;  // as another level of theory might have it
      for (Vec3& f : frame.force_ev_ang) f = 1.2 * f;
      frame.time_fs = 10.0 * static_cast<double>(k);
      writer->write(frame);
    }
    writer->commit();
    fs::copy_file(models / "imagdau_mace01_swa.model", folder / "mace.model");
  }
  Plan plan(const std::string& settings) const {
    folder.write("plan.toml", "title = \"t\"\nseed = 5\n[[data]]\nname = \"clusters\"\nfile = \"set.extxyz\"\n[model]\nfile = \"mace.model\"\n[finetune]\n" + settings);
    return read_plan(folder / "plan.toml");
  }
  RunOutcome run(const Plan& plan, const Stop& stop = {}) const { return run_stages(header_of(plan), stages_of(plan), folder / "runs", {{}, {}, {}, stop}); }
};

TEST(FinetuneStage, ItsDefaultsAreThoseOfTheFamily) {
  const Study study;
  const Plan plan = study.plan("epochs = 7\n");
  FinetuneSettings expected = published_recipe("mace");
  expected.epochs = 7;
  expected.seed = 5;
  EXPECT_EQ(*plan.finetune, expected);
  const std::vector<Stage> stages = stages_of(plan);
  ASSERT_EQ(stages.size(), 3u);
  EXPECT_EQ(stages[2].name, "finetune");
  EXPECT_EQ(stages[2].depends_on, (std::vector<std::string>{"model", "data-clusters"}));
  try {
    study.plan("epoch = 7\n");
    FAIL() << "an unknown key was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("unknown key 'epoch' in [finetune] (did you mean 'epochs'?)"), std::string::npos) << error.what();
  }
}

TEST(FinetuneStage, TrainsOrSaysWhatIsMissing) {
  const Study study;
  const Plan plan = study.plan("epochs = 6\nbatch = 3\ngap_fs = 0\nlearning_rate = 0.001\n");
  const fs::path beside = fs::path(SALTUS_BINARY).parent_path();
  if (!fs::exists(beside / "saltus-train")) {
    try {
      study.run(plan);
      FAIL() << "trained without libtorch";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::unsupported);
      EXPECT_NE(std::string(error.what()).find("stage finetune: finetune needs the program saltus-train"), std::string::npos) << error.what();
    }
    return;
  }
  const RunOutcome outcome = study.run(plan);
  EXPECT_EQ(outcome.made, 3u);
  EXPECT_TRUE(study.run(plan).nothing_to_do);
  const Registry registry(study.folder / "runs", false);
  const auto run = registry.run(outcome.run);
  const auto [artifact, name] = *registry.artifact(run->stages.back().key);
  std::map<std::string, NamedEstimate> found;
  for (const NamedEstimate& e : artifact.result.estimates) found[e.name] = e;
  // The reference energies are re-estimated.
  EXPECT_GT(found.at("energy_rmse_raw_before_clusters").estimate->value, 400);
  EXPECT_LT(found.at("energy_rmse_raw_after_clusters").estimate->value, 100);
  const NamedEstimate forces = found.at("force_rmse_after_clusters");
  EXPECT_TRUE(forces.has_interval);
  EXPECT_LT(forces.estimate->low, forces.estimate->value);
  EXPECT_EQ(forces.unit, "mev_ang");
  EXPECT_NE(forces.estimate->value, found.at("force_rmse_before_clusters").estimate->value);
  const PublishedModel model = read_published_model(study.folder / "runs/artifacts" / name / "model.safetensors");
  EXPECT_STREQ(family(model), "mace");
  EXPECT_FALSE(fs::exists(study.folder / "runs/artifacts" / name / "model.safetensors.checkpoint"));
}

}  // namespace
}  // namespace saltus::runs
