// Plans: resolved values, and what is said of those that cannot be meant.
#include "saltus/runs/plan.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::runs {
namespace {

const std::string head = "title = \"t\"\n[[data]]\nname = \"a\"\nfile = \"a.extxyz\"\n";  // four lines
const std::string md = "[[md]]\nname = \"m\"\ntemperature_kelvin = 800\nproduction_ps = 5\n";

std::string refusal(const std::string& text) {
  try {
    parse_plan(text, "dir/plan.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    return error.what();
  }
  return "accepted";
}

TEST(Plan, FillsInDefaultsAndSaysSo) {
  const Plan plan = parse_plan(head + md + "[[kinetics]]\nname = \"k\"\nmd = \"m\"\n", "dir/plan.toml");
  ASSERT_EQ(plan.md.size(), 1u);
  EXPECT_EQ(plan.md[0].temperature_kelvin, 800);
  EXPECT_EQ(plan.md[0].timestep_fs, 2);
  EXPECT_EQ(plan.md[0].initial, "a");
  EXPECT_EQ(plan.kinetics.at(0).fold, (std::vector<std::int64_t>{1, 1, 1}));
  const nlohmann::ordered_json document = explain_json(plan);
  bool seen = false;
  for (const auto& section : document.at("settings"))
    if (section.at("table") == "md")
      for (const auto& value : section.at("values")) {
        if (value.at("key") == "temperature_kelvin") {
          EXPECT_FALSE(value.at("default").get<bool>());
        }
        if (value.at("key") != "timestep_fs") continue;
        seen = true;
        EXPECT_TRUE(value.at("default").get<bool>());
        EXPECT_EQ(value.at("value"), 2);
        EXPECT_EQ(value.at("unit"), "fs");
      }
  EXPECT_TRUE(seen);
  EXPECT_NE(explain_text(plan).find("*timestep_fs"), std::string::npos);
}

TEST(Plan, MatricesOfThermostatsLieInItsFolderAndAreInputs) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "plan_matrices_test";
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "m.gle", "# A MATRIX: (ps^-1)\n5\n");
  const std::string run = "[[pimd]]\nname = \"p\"\ntemperature_kelvin = 300\nsteps = 10\nthermostat = \"gle\"\ngle_file = \"m.gle\"\n";
  const std::vector<Stage> stages = stages_of(parse_plan(head + run, folder / "plan.toml"));
  const auto stage = std::find_if(stages.begin(), stages.end(), [](const Stage& s) { return s.name == "pimd-p"; });
  ASSERT_NE(stage, stages.end());
  EXPECT_EQ(stage->input_files, (std::vector<std::filesystem::path>{folder / "m.gle"}));
  EXPECT_EQ(stage->settings.find("gle_file"), std::string::npos);
  std::filesystem::remove_all(folder);
  EXPECT_NE(refusal(head + run).find("m.gle"), std::string::npos);
}

TEST(Plan, TooManyCombinationsOfFitSettingsAreRefusedBeforeAnythingRuns) {
  const Plan plan = parse_plan(head + "[fit]\ndegree_three_body = [1, 2, 3, 4, 5, 6, 7, 8, 9]\nl_max_three_body = [0, 1, 2, 3, 4, 5, 6, 7]\n", "plan.toml");
  EXPECT_THROW(explain_text(plan), Error);
  EXPECT_THROW(stages_of(plan), Error);
}

TEST(Plan, SimulationsWithModelsNeedNoFit) {
  const std::string with_model = "[[md]]\nname = \"m\"\nmodel = \"sevennet.pt\"\ntemperature_kelvin = 800\nproduction_ps = 5\n";
  const Plan plan = parse_plan(head + with_model, "dir/plan.toml");
  EXPECT_FALSE(plan.fits);
  EXPECT_EQ(plan.md.at(0).max_extrapolation, 0);
  const std::vector<Stage> stages = stages_of(plan);
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[1].name, "md-m");
  EXPECT_EQ(stages[1].depends_on, std::vector<std::string>{"data-a"});
  EXPECT_EQ(stages[1].input_files, std::vector<std::filesystem::path>{"dir/sevennet.pt"});
  EXPECT_EQ(stages[1].settings.find("sevennet"), std::string::npos);
  EXPECT_NE(stages[1].settings.find("arithmetic"), std::string::npos);
  EXPECT_TRUE(parse_plan(head + with_model + "[[md]]\nname = \"fitted\"\ntemperature_kelvin = 800\nproduction_ps = 5\n", "plan.toml").fits);
  EXPECT_TRUE(parse_plan(head + "[fit]\n" + with_model, "plan.toml").fits);
  EXPECT_NE(refusal(head + md + "head = \"mp\"\n").find("'head' goes with 'model'"), std::string::npos);
  EXPECT_NE(refusal(head + with_model + "arithmetic = \"float16\"\n").find("float32"), std::string::npos);
  // A built-in model has no file; its name with all parameters counts.
  const std::string built_in = "[[md]]\nname = \"m\"\nmodel = \"builtin:shared_proton\"\ntemperature_kelvin = 300\nproduction_ps = 5\n";
  const Stage stage = stages_of(parse_plan(head + built_in, "dir/plan.toml")).at(1);
  EXPECT_TRUE(stage.input_files.empty());
  EXPECT_NE(stage.settings.find("builtin:shared_proton?oxygen_distance_ang=2.5"), std::string::npos);
  EXPECT_NE(refusal(head + "[model]\nfile = \"builtin:qtip4pf\"\n").find("is named in [[md]]"), std::string::npos);
}

TEST(Plan, StagesComeInOrderWithTheirDependencies) {
  const Plan plan = parse_plan(head + md + "[[kinetics]]\nname = \"k\"\nmd = \"m\"\n", "plan.toml");
  const std::vector<Stage> stages = stages_of(plan);
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[0].name, "data-a");
  EXPECT_EQ(stages[1].depends_on, std::vector<std::string>{"data-a"});
  EXPECT_EQ(stages[2].depends_on, (std::vector<std::string>{"fit", "data-a"}));
  EXPECT_EQ(stages[3].depends_on, std::vector<std::string>{"md-m"});
}

TEST(Plan, AModelTakesThePlaceOfAFitAndCanBeDistilled) {
  const Plan given = parse_plan(head + "[model]\nfile = \"m.safetensors\"\n" + md, "dir/plan.toml");
  const std::vector<Stage> two = stages_of(given);
  ASSERT_EQ(two.size(), 3u);
  EXPECT_EQ(two[1].name, "model");
  EXPECT_EQ(two[1].input_files, std::vector<std::filesystem::path>{"dir/m.safetensors"});
  EXPECT_EQ(two[2].depends_on, (std::vector<std::string>{"model", "data-a"}));

  const std::string teacher = "[model]\nfile = \"m.safetensors\"\n", student = "[distill]\ntemperatures_kelvin = [300, 600]\n";
  const Plan distilled = parse_plan(head + teacher + "[fit]\nbody_order = 3\n" + student + md, "plan.toml");
  EXPECT_EQ(distilled.distill->initial, "a");
  const std::vector<Stage> stages = stages_of(distilled);
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[2].name, "distill");
  EXPECT_EQ(stages[2].depends_on, (std::vector<std::string>{"model", "data-a"}));
  EXPECT_NE(stages[2].settings.find("\"body_order\":3"), std::string::npos);
  EXPECT_EQ(stages[3].depends_on, (std::vector<std::string>{"distill", "data-a"}));

  EXPECT_NE(refusal(head + teacher + "[fit]\nbody_order = 3\n").find(":7: the potential is either fitted, [fit], or there, [model]"), std::string::npos);
  EXPECT_NE(refusal(head + student).find(":5: [distill] needs a model to learn from"), std::string::npos);
  EXPECT_NE(refusal(head + teacher + "[distill]\ntemperatures_kelvin = [300, 300]\n").find("each once"), std::string::npos);
  EXPECT_EQ(refusal(head + teacher + "[distill]\ninitial = \"b\"\n"), "dir/plan.toml:8: 'initial': there is no [[data]] named 'b' (did you mean 'a'?)");
}

TEST(Plan, AFitCanBeRefinedByCp2k) {
  const std::string cp2k = "[cp2k]\npreset = \"metal\"\ncutoff_ry = 120\n", refine = "[refine]\nmax_rounds = 2\n";
  const Plan plan = parse_plan(head + cp2k + refine + md, "dir/plan.toml");
  EXPECT_EQ(plan.cp2k->solver, "diagonalization");
  EXPECT_EQ(plan.cp2k->cutoff_ry, 120);
  EXPECT_EQ(plan.refine->initial, "a");
  const std::vector<Stage> stages = stages_of(plan);
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[2].name, "refine");
  EXPECT_EQ(stages[2].depends_on, (std::vector<std::string>{"fit", "data-a"}));
  EXPECT_EQ(stages[3].depends_on, (std::vector<std::string>{"refine", "data-a"}));
  // How CP2K is started changes no number.
  EXPECT_EQ(stages[2].settings, stages_of(parse_plan(head + cp2k + "ranks = 4\n" + refine + md, "dir/plan.toml"))[2].settings);

  EXPECT_NE(refusal(head + refine + md).find(":5: [refine] needs labels: [cp2k]"), std::string::npos);
  EXPECT_NE(refusal(head + cp2k + md).find("[cp2k] goes with [refine]"), std::string::npos);
  EXPECT_NE(refusal(head + "[model]\nfile = \"m.safetensors\"\n" + cp2k + refine + md).find("goes on from a fit"), std::string::npos);
  EXPECT_NE(refusal(head + cp2k + refine + "committee = 3\n").find(":10: 'committee' goes with [finetune]"), std::string::npos);
  EXPECT_NE(refusal(head + "[cp2k]\npreset = \"mettle\"\n" + refine).find(":6: there is no preset 'mettle' (did you mean 'metal'?)"), std::string::npos);
}

TEST(Plan, UnknownKeysGetDidYouMeanAndALine) {
  EXPECT_EQ(refusal("title = \"t\"\nseeed = 3\n"), "dir/plan.toml:2: unknown key 'seeed' in the plan (did you mean 'seed'?)");
  EXPECT_EQ(refusal(head + md + "productoin_ps = 5\n"),
            "dir/plan.toml:9: unknown key 'productoin_ps' in [[md]] (did you mean 'production_ps'?)");
  EXPECT_NE(refusal(head + "[fit]\ncutof_ang = 5\n").find(":6: unknown key 'cutof_ang' in [fit] (did you mean 'cutoff_ang'?)"), std::string::npos);
}

TEST(Plan, WrongTypesAndRangesAreNamedWithTheLine) {
  EXPECT_EQ(refusal(head + md + "timestep_fs = \"two\"\n"), "dir/plan.toml:9: 'timestep_fs' must be a number, found text");
  EXPECT_EQ(refusal(head + md + "supercell = [1, 2]\n"), "dir/plan.toml:9: 'supercell' must have 3 entries, found 2");
  EXPECT_EQ(refusal(head + md + "supercell = [1, 2, 0]\n"), "dir/plan.toml:9: 'supercell' is 0, but must be between 1 and 64");
  EXPECT_EQ(refusal(head + md + "timestep_fs = -1\n"), "dir/plan.toml:9: 'timestep_fs' is -1 fs, but must be between 0.01 and 10");
  EXPECT_EQ(refusal(head + md + "timestep_fs = nan\n"), "dir/plan.toml:9: 'timestep_fs' must be finite");
  EXPECT_NE(refusal(head + md + "thermostat = \"langevn\"\n").find("did you mean 'langevin'?"), std::string::npos);
  EXPECT_NE(refusal(head + md + "barostat = \"isotropc\"\n").find("did you mean 'isotropic'?"), std::string::npos);
  EXPECT_NE(refusal(head + md + "barostat_time_ps = 0\n"), "");
  EXPECT_NE(refusal(head + "[md]\n").find(":5: 'md' is a list of tables: write [[md]]"), std::string::npos);
  EXPECT_NE(refusal("title = ").find("dir/plan.toml:1: "), std::string::npos);
}

TEST(Plan, SettingsOfTheFitTakeOneValueOrSeveral) {
  const Plan plan = parse_plan(head + "[fit]\ncutoff_ang = [5, 6.5]\nbody_order = 3\n", "plan.toml");
  EXPECT_EQ(plan.fit.cutoff_ang, (std::vector<double>{5, 6.5}));
  EXPECT_EQ(plan.fit.body_order, std::vector<std::int64_t>{3});
  const auto settings = nlohmann::json::parse(settings_json(plan, "fit"));
  EXPECT_EQ(settings.at("cutoff_ang"), (nlohmann::json{5.0, 6.5}));
  EXPECT_EQ(settings.at("body_order"), 3);
  EXPECT_EQ(refusal(head + "[fit]\ncutoff_ang = [5, 50]\n"), "dir/plan.toml:6: 'cutoff_ang' is 50 ang, but must be between 1 and 15");
  EXPECT_EQ(refusal(head + "[fit]\ncutoff_ang = []\n"), "dir/plan.toml:6: 'cutoff_ang' needs at least one value");
  EXPECT_EQ(refusal(head + "[fit]\ncutoff_ang = \"far\"\n"), "dir/plan.toml:6: 'cutoff_ang' must be a number, found text");
}

TEST(Plan, WhatDataFilesLeaveOut) {
  const Plan plan = parse_plan(head + "topology = \"names.extxyz\"\nelements = [\"Li\", \"Si\"]\nlammps_units = \"real\"\nmd_step_fs = 0.5\n",
                               "dir/plan.toml");
  const ReadOptions options = read_options(plan, plan.data.at(0));
  EXPECT_EQ(options.topology, "dir/names.extxyz");
  EXPECT_EQ(options.type_elements, (std::vector<std::uint8_t>{3, 14}));
  EXPECT_EQ(options.lammps_units, "real");
  EXPECT_EQ(options.time_step_fs, 0.5);
  const std::vector<std::filesystem::path> inputs{"dir/a.extxyz", "dir/names.extxyz"};
  EXPECT_EQ(stages_of(plan).at(0).input_files, inputs);
  EXPECT_EQ(refusal(head + "elements = [\"Li\", \"Xx\"]\n"), "dir/plan.toml:5: 'elements': 'Xx' is no element");
  EXPECT_NE(refusal(head + "md_step_fs = -1\n").find("must be"), std::string::npos);
  EXPECT_TRUE(read_options(plan, DataSettings{}).topology.empty());
}

TEST(Plan, MissingAndDanglingNamesAreRefused) {
  EXPECT_NE(refusal("title = \"t\"\n").find("at least one [[data]]"), std::string::npos);
  EXPECT_NE(refusal(head + "[[md]]\nname = \"m\"\ntemperature_kelvin = 800\n").find(":5: [[md]] needs 'production_ps'"), std::string::npos);
  EXPECT_NE(refusal(head + md + "initial = \"b\"\n").find(":9: 'initial': there is no [[data]] named 'b'"), std::string::npos);
  EXPECT_NE(refusal(head + md + "[[kinetics]]\nname = \"k\"\nmd = \"n\"\n").find(":11: 'md': there is no [[md]] named 'n'"), std::string::npos);
  EXPECT_NE(refusal(head + md + md).find("used by two [[md]]"), std::string::npos);
  EXPECT_NE(refusal(head + "[[data]]\nname = \"../x\"\nfile = \"a\"\n").find("use letters, digits"), std::string::npos);
}

TEST(Plan, TrajectoriesFromElsewhereNeedNoSimulation) {
  const std::string own = "title = \"t\"\n[[kinetics]]\nname = \"k\"\ntrajectory = \"run.xtc\"\ntopology = \"run.gro\"\ntime_step_fs = 50\ntemperature_kelvin = 700\n";
  const Plan plan = parse_plan(own, "dir/plan.toml");
  const std::vector<Stage> stages = stages_of(plan);
  ASSERT_EQ(stages.size(), 1u);
  EXPECT_EQ(stages[0].input_files, (std::vector<std::filesystem::path>{"dir/run.xtc", "dir/run.gro"}));
  EXPECT_TRUE(stages[0].depends_on.empty());
  EXPECT_EQ(plan.kinetics.at(0).fold, (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_NE(refusal("title = \"t\"\n[[kinetics]]\nname = \"k\"\n").find(":2: [[kinetics]] 'k' needs either 'md'"), std::string::npos);
  EXPECT_NE(refusal(head + md + "[[kinetics]]\nname = \"k\"\nmd = \"m\"\ntrajectory = \"x\"\n").find("needs either"), std::string::npos);
  EXPECT_NE(refusal(head + md + "[[kinetics]]\nname = \"k\"\nmd = \"m\"\ntemperature_kelvin = 3\n").find(":12: 'temperature_kelvin' goes with"), std::string::npos);
  EXPECT_FALSE(plan.kinetics.at(0).symmetry);
  EXPECT_EQ(parse_plan(own + "symmetry = true\nsymmetry_tolerance_ang = 0.1\n", "plan.toml").kinetics.at(0).symmetry_tolerance_ang, 0.1);
  EXPECT_NE(refusal(own + "symmetry_tolerance_ang = 0.1\n").find("'symmetry_tolerance_ang' goes with 'symmetry = true'"), std::string::npos);
  EXPECT_NE(refusal(own + "[fit]\nbody_order = 3\n").find("at least one [[data]]"), std::string::npos);
}

TEST(Plan, TheExamplesAndStudiesAreValid) {
  for (const char* name : {"examples/li15si4/plan.toml", "examples/li15si4/small.toml", "docs/studies/li15si4/plan.toml"}) {
    const Plan plan = read_plan(std::filesystem::path(SALTUS_SOURCE_DIR) / name);
    EXPECT_FALSE(plan.kinetics.empty()) << name;
    for (const Stage& stage : stages_of(plan))
      for (const std::filesystem::path& file : stage.input_files) EXPECT_TRUE(std::filesystem::exists(file)) << file;
  }
}

}  // namespace
}  // namespace saltus::runs
