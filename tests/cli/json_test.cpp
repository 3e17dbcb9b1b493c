// --json of every verb that prints results: one document on stdout, whose keys are snake_case; nothing but it.
#include <algorithm>
#include <cctype>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "run_saltus.hpp"
#include "session.hpp"

namespace {

using namespace saltus;
using nlohmann::json;
using session::Folder;

void expect_snake_case(const json& value, const std::string& place) {
  if (value.is_array()) {
    for (const json& element : value) expect_snake_case(element, place);
    return;
  }
  if (!value.is_object()) return;
  for (const auto& [key, below] : value.items()) {
    // Elements, compositions, and what a model file calls its metadata are data, not names of ours.
    if (key == "elements" || key == "compositions" || key == "metadata" || key == "settings") continue;
    EXPECT_EQ(key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << place << ": " << key;
    expect_snake_case(below, place + "." + key);
  }
}

TEST(Json, IsOneDocumentForEveryVerb) {
  const Folder folder;
  std::filesystem::create_directory_symlink(SALTUS_SOURCE_DIR "/examples", folder.path() / "examples");
  const std::string data = "examples/li15si4/li15si4_900K.extxyz";
  const auto document = [&](const std::string& command) {
    const CommandResult result = run_saltus(command + " --json --quiet", folder.path());
    EXPECT_EQ(result.exit_code, 0) << command << "\n" << result.errors;
    const json parsed = json::parse(result.output, nullptr, false);
    EXPECT_TRUE(parsed.is_object()) << command << "\n" << result.output.substr(0, 400);
    EXPECT_TRUE(result.output.ends_with("\n")) << command;
    if (parsed.is_object()) expect_snake_case(parsed, command);
    return parsed;
  };
  document("info " + data);
  document("info --formats");
  document("explain examples/li15si4/plan.toml");
  const json msm = document("msm examples/markov/double_well.txt --lag 10 --lags 5,10 --pcca 2 --ck 2 --bayes 100 --from 2 --to 7");
  EXPECT_EQ(msm.at("states").size(), 12u);
  EXPECT_EQ(msm.at("lags").size(), 2u);
  document("msm examples/markov/double_well.txt --free --timescales 3");
  EXPECT_EQ(document("explain --settings").at("tables").size(), 15u);
  EXPECT_EQ(document("convert " + data + " few.extxyz --last 40").at("frames"), 40);
  EXPECT_EQ(document("sample " + data + " ten.extxyz --count 10").at("parts").at(0).at("frames"), 10);
  const json fit = document("fit " + data + " --out model.safetensors --body-order 2 --radial-two-body 6");
  EXPECT_EQ(fit.at("file"), "model.safetensors");
  EXPECT_GT(fit.at("errors").size(), 0u);
  document("info model.safetensors");
  const std::string published = SALTUS_SOURCE_DIR "/tests/golden/models/sevennet_small/modal.pth";
  EXPECT_EQ(document("models info " + published).at("elements"), json({"H", "Li", "O"}));
  EXPECT_EQ(document("models info builtin:shared_proton").at("parameters").at("oxygen_distance_ang"), 2.5);
  EXPECT_EQ(document("models convert " + published + " seven.safetensors").at("parameters"), 760);
  EXPECT_EQ(document("models verify seven.safetensors --source " + published).at("same_as_source"), true);
  EXPECT_GT(document("models list").at("files").size(), 5u);
  EXPECT_EQ(document("evaluate model.safetensors " + data + " --probes --probe-steps 20").at("models").at(0).at("dimers").size(), 3u);
  const json md = document("md --model model.safetensors --init " + data + " --temperature-kelvin 300 --steps 100 --out md");
  EXPECT_EQ(md.at("folder"), "md");
  EXPECT_EQ(md.at("step"), 100);
  document("info md/checkpoint");
  const json pimd = document("pimd examples/path_integrals/double_well.toml").at("estimates");
  for (const char* name : {"potential_energy", "kinetic_energy_virial", "kinetic_energy_primitive", "gyration_radius", "free_energy_at_centre_kcal_mol"}) {
    const auto row = std::find_if(pimd.begin(), pimd.end(), [&](const json& e) { return e.at("name") == name; });
    ASSERT_NE(row, pimd.end()) << name;
    EXPECT_LE(row->at("low"), row->at("value"));
    EXPECT_GE(row->at("high"), row->at("value"));
  }
  EXPECT_EQ(pimd.at(0).at("unit"), "mev_per_dof");
  document("analyze msd md/trajectory --species Li --blocks 2");
  document("analyze rdf " + data);
  document("analyze vacf " + data + " --longest-lag-fs 50");
  document("analyze vdos " + data + " --longest-lag-fs 50");
  const std::string centres = "examples/short_hydrogen_bond/data/centres.xyz.gz --charge 1 --trajectory examples/short_hydrogen_bond/data/zundel_300K.extxyz";
  EXPECT_EQ(document("analyze wannier " + centres).at("groups").size(), 2u);
  EXPECT_EQ(document("analyze dipole " + centres + " --longest-lag-fs 100").at("molecules").size(), 2u);
  const std::string zundel = "examples/short_hydrogen_bond/data/zundel_300K.extxyz";
  EXPECT_EQ(document("analyze proton " + zundel + " --temperature-kelvin 300 --against " + zundel).at("bonds").at(0).at("sign_changes"), 28);
  EXPECT_EQ(document("analyze hbonds " + zundel).at("kinds").at(0).at("name"), "O-H...O");
  EXPECT_EQ(document("analyze beads examples/path_integrals/oscillator_16.json examples/path_integrals/oscillator_32.json").at("quantities").size(), 4u);
  const std::string ladder = "examples/lattice_gas/ladder.json";
  EXPECT_EQ(document("network " + ladder + " --msd-times-ps 1,10 --scattering-k-per-ang 0.3,0,0").at("times").size(), 2u);
  EXPECT_EQ(document("propagate " + ladder + " --cells 20,1,1 --times-ps 1,10").at("profiles").size(), 3u);
  EXPECT_GT(document("simulate kmc " + ladder + " --cells 20,1,1 --carriers 6 --time-ps 500").at("events"), 0);
  EXPECT_GT(document("simulate lattice-gas sc --cells 3,3,3 --concentration 0.5 --time-ps 100").at("events"), 0);
  EXPECT_EQ(document("simulate brownian --diffusion 0.23 --period-ang 10 --particles 4 --time-ps 1 --out z.npy").at("profile").size(), 201u);
  document("simulate brownian --diffusion 0.23 --period-ang 10 --particles 60 --time-ps 60 --out many.npy");
  const json passage = document("passage --coordinates many.npy --frame-interval-fs 100 --period-ang 10 --windows 1,1.5 --bootstrap 20");
  EXPECT_EQ(passage.at("profile").size(), 20u);
  EXPECT_TRUE(passage.at("verdict").at("usability").is_string());
  EXPECT_EQ(document("simulate langevin --velocity-time-ps 0.05 --diffusion 0.23 --walls-ang 0,5 --particles 40 --time-ps 30 --precision 0.1").at("windows").size(), 3u);

  std::FILE* plan = std::fopen((folder.path() / "plan.toml").c_str(), "w");
  std::fprintf(plan, "title = \"fit only\"\n[[data]]\nname = \"a\"\nfile = \"%s\"\n[fit]\nbody_order = 2\nradial_two_body = 6\n", data.c_str());
  std::fclose(plan);
  const json run = document("run plan.toml");
  EXPECT_EQ(run.at("made"), 2);
  EXPECT_GT(run.at("estimates").size(), 0u);
  EXPECT_EQ(document("runs").at("runs").size(), 1u);
  EXPECT_GT(document("report").at("estimates").size(), 0u);
}

}  // namespace
