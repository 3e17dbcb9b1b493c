// Comparisons of models: plans, rows that say why, going on from what is done, the page.
#include "saltus/runs/comparison.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

ComparisonPlan plan_of(const std::string& text) { return parse_comparison_plan(text, "plan.toml"); }

void expect_refused(const std::string& text, const std::string& words) {
  try {
    plan_of(text);
    FAIL() << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

const std::string data_text = "[[data]]\nname = \"a\"\nfile = \"a.extxyz\"\n";

TEST(ComparisonPlan, IsReadWithDefaults) {
  const ComparisonPlan plan = plan_of("title = \"t\"\n[[model]]\nname = \"x\"\nfile = \"x.pt\"\nfinetune = true\nsettings = [\"batch=2\"]\n[[model]]\nname = \"y\"\nnote = \"none here\"\n" + data_text +
                                      "[budget]\nepochs = 3\n[md]\nmobile = \"Li\"\n");
  ASSERT_EQ(plan.models.size(), 2u);
  EXPECT_TRUE(plan.models[0].finetune);
  EXPECT_EQ(plan.models[1].note, "none here");
  EXPECT_EQ(plan.budget.epochs, 3);
  EXPECT_EQ(plan.budget.test_fraction, 0.2);
  ASSERT_TRUE(plan.md);
  EXPECT_EQ(plan.md->data, "a");
  EXPECT_FALSE(plan_of("[[model]]\nname = \"x\"\nfile = \"x.pt\"\n" + data_text).md);
}

TEST(ComparisonPlan, SaysWhatIsWrong) {
  const std::string model = "[[model]]\nname = \"x\"\nfile = \"x.pt\"\n";
  expect_refused(data_text, "at least one [[model]]");
  expect_refused(model, "at least one [[data]]");
  expect_refused(model + model + data_text, "two [[model]] are called 'x'");
  expect_refused("[[model]]\nname = \"x\"\n" + data_text, "either 'file' or 'note'");
  expect_refused("[[model]]\nname = \"a/b\"\nfile = \"x\"\n" + data_text, "folder");
  expect_refused("[[model]]\nname = \"..\"\nfile = \"x\"\n" + data_text, "folder");
  expect_refused("[[model]]\nname = \"x\"\nfile = \"x\"\nsettings = [\"batch=2\"]\n" + data_text, "finetune = true");
  expect_refused("[[model]]\nname = \"x\"\nfile = \"x\"\nfinetune = true\nsettings = [\"epochs=2\"]\n" + data_text, "[budget]");
  expect_refused("[[model]]\nname = \"x\"\nfile = \"x\"\nfinetune = 1\n" + data_text, "true or false");
  expect_refused(model + data_text + "[md]\ndata = \"b\"\n", "no [[data]] is called 'b'");
  expect_refused(model + data_text + "[md]\nmobile = \"Xx\"\n", "no element");
  expect_refused(model + data_text + "[[md]]\nmobile = \"Li\"\n", "write [md]");
  expect_refused(model + data_text + "[budget]\nepoch = 1\n", "did you mean 'epochs'");
  expect_refused("model = 1\n" + data_text, "list of tables");
}

TEST(ComparisonPlan, SettingsTextIsAPlan) {
  std::string text = comparison_settings_text();
  EXPECT_NE(text.find("[budget]"), std::string::npos);
  EXPECT_NE(text.find("test_fraction = 0.2"), std::string::npos);
}

/// Argon that vibrates about a simple cubic lattice under Lennard-Jones labels, with velocities.
void write_argon(const std::filesystem::path& path) {
  const LennardJones potential(lennard_jones_argon());
  Random random(3, 0);
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(27, 18)));
  frame.cell = Cell(Mat3{{Vec3{11.4, 0, 0}, Vec3{0, 11.4, 0}, Vec3{0, 0, 11.4}}});
  const auto writer = create_trajectory(path);
  Workspace workspace;
  for (int k = 0; k < 60; ++k) {
    frame.position_ang.clear();
    frame.velocity_ang_fs.clear();
    for (int i = 0; i < 27; ++i) {
      frame.position_ang.push_back({3.8 * (i % 3) + 0.1 * random.normal(), 3.8 * (i / 3 % 3) + 0.1 * random.normal(), 3.8 * (i / 9) + 0.1 * random.normal()});
      frame.velocity_ang_fs.push_back({1e-3 * random.normal(), 1e-3 * random.normal(), 1e-3 * random.normal()});
    }
    const Evaluation e = evaluate_one(potential, frame, {.forces = true}, workspace);
    frame.energy_ev = e.energy_ev;
    frame.force_ev_ang = e.force_ev_ang;
    frame.step = k;
    frame.time_fs = 4.0 * k;
    writer->write(frame);
  }
  writer->commit();
}

struct Study {
  TemporaryFolder folder;
  ComparisonPlan plan;

  explicit Study(const std::string& more = "") {
    write_argon(folder.path() / "argon.extxyz");
    save_lennard_jones(folder.path() / "right.safetensors", lennard_jones_argon());
    LennardJonesParameters wrong = lennard_jones_argon();
    wrong.species[0].epsilon_ev *= 1.5;
    save_lennard_jones(folder.path() / "wrong.safetensors", wrong);
    wrong.species[0].atomic_number = 36;
    save_lennard_jones(folder.path() / "krypton.safetensors", wrong);
    std::string text = "seed = 2\nprobe_steps = 50\n[budget]\ngap_fs = 4\n[[data]]\nname = \"argon\"\nfile = \"argon.extxyz\"\n[md]\nequilibration_ps = 0.02\nmobile = \"Ar\"\n" + more;
    for (const char* name : {"right", "wrong", "krypton", "missing"}) text += std::string("[[model]]\nname = \"") + name + "\"\nfile = \"" + name + ".safetensors\"\n";
    text += "[[model]]\nname = \"other\"\nnote = \"no published weights here\"\n";
    plan = parse_comparison_plan(text, folder.path() / "plan.toml");
  }
};

TEST(Comparison, EveryModelIsARow) {
  const Study study;
  const Comparison all = compare_models(study.plan, study.folder.path() / "out");
  ASSERT_EQ(all.models.size(), 5u);
  const ModelComparison &right = all.models[0], &wrong = all.models[1];
  ASSERT_EQ(right.before.size(), 1u);
  EXPECT_EQ(right.before[0].frames, 12u);
  EXPECT_LT(right.before[0].force_ev_ang->value, 1e-8);
  EXPECT_NEAR(wrong.before[0].force_relative.value(), 0.5, 1e-6);
  EXPECT_TRUE(right.after.empty());
  ASSERT_TRUE(right.probes);
  EXPECT_TRUE(right.probes->at("rotation").at("invariant").get<bool>());
  ASSERT_TRUE(right.trajectory && right.trajectory->agreement) << right.md_reason;
  EXPECT_EQ(right.trajectory->agreement->pairs.size(), 1u);
  EXPECT_EQ(all.models[2].reason, "does not know Ar");
  EXPECT_NE(all.models[3].reason.find("cannot open"), std::string::npos) << all.models[3].reason;
  EXPECT_EQ(all.models[4].reason, "no published weights here");

  const std::string text = text_of(all);
  EXPECT_NE(text.find("no published weights here"), std::string::npos);
  const AnalysisPage page = page_of(all);
  ASSERT_EQ(page.tables.size(), 3u);
  for (const PageTable& table : page.tables)
    for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.columns.size()) << table.name;
  ASSERT_GE(page.charts.size(), 2u);
  EXPECT_EQ(page.charts[0].curves.size(), 3u);  // AIMD and two models
  EXPECT_NE(html_of(page).find("krypton"), std::string::npos);
  EXPECT_EQ(document_of(all).at("models").size(), 5u);
}

TEST(Comparison, FineTuningThatCannotBeIsSaid) {
  Study study;
  study.plan.models.resize(1);
  study.plan.models[0].finetune = true;
  const Comparison all = compare_models(study.plan, study.folder.path() / "out");
  EXPECT_NE(all.models[0].finetune_reason, "");
  EXPECT_EQ(all.models[0].before.size(), 1u);
  EXPECT_TRUE(all.models[0].after.empty());
}

TEST(Comparison, WhatIsDoneIsTaken) {
  Study study;
  study.plan.models.resize(1);
  const auto out = study.folder.path() / "out";
  const auto document = document_of(compare_models(study.plan, out)).dump();
  const auto file = out / "right" / "errors_before.json";
  const auto stamp = std::filesystem::last_write_time(file);
  EXPECT_EQ(document_of(compare_models(study.plan, out)).dump(), document);
  EXPECT_EQ(std::filesystem::last_write_time(file), stamp);

  // Other settings begin anew.
  for (ResolvedSection& section : study.plan.settings)
    for (ResolvedValue& value : section.values)
      if (value.key == "every") value.json = "2";
  study.plan.every = 2;
  EXPECT_EQ(compare_models(study.plan, out).models[0].before[0].frames, 6u);
}

TEST(Comparison, LeavesFoldersOfOthersAlone) {
  Study study;
  study.plan.models.resize(1);
  std::filesystem::create_directories(study.folder.path() / "out" / "right");
  std::ofstream(study.folder.path() / "out" / "right" / "mine.txt") << "mine";
  EXPECT_THROW(compare_models(study.plan, study.folder.path() / "out"), Error);
  EXPECT_TRUE(std::filesystem::exists(study.folder.path() / "out" / "right" / "mine.txt"));
}

TEST(Comparison, InterruptedIsResumable) {
  const Study study;
  int asked = 0;
  try {
    compare_models(study.plan, study.folder.path() / "out", {}, [&] { return ++asked > 20; });
    FAIL();
  } catch (const Interrupted& interrupted) {
    EXPECT_TRUE(interrupted.resumable);
  }
  EXPECT_EQ(compare_models(study.plan, study.folder.path() / "out").models.size(), 5u);
}

}  // namespace
}  // namespace saltus::runs
