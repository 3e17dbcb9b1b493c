// [[pimd]], [[proton]] and [[wannier]] of a plan, from data to the numbers of the report.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::runs {
namespace {

constexpr const char* frame_text = R"(3
Properties=species:S:1:pos:R:3:forces:R:3 energy=0.1 pbc="F F F"
O 0 0 0 0.1 0 0
H 1.1 0 0 -0.1 0 0
O 2.6 0 0 0 0 0.1
)";

// A model whose barrier at 2.6 Å a classical proton feels and a quantum one hardly does.
constexpr const char* head = R"(title = "shared"
seed = 2
[[data]]
name = "start"
file = "start.extxyz"
)";

std::string pimd(const std::string& name, int beads, const std::string& more = "") {
  return "[[pimd]]\nname = \"" + name + "\"\nmodel = \"builtin:shared_proton?oxygen_distance_ang=2.5\"\ntemperature_kelvin = 300\nbeads = " + std::to_string(beads) +
         "\nsteps = 4000\nequilibration_steps = 400\ntimestep_fs = 0.5\nbeads_every = 10\nlog_every = 20\n" + more;
}

const std::string plan_text = head + pimd("classical", 1) + pimd("H", 12) + pimd("D", 12, "masses = [\"H=D\"]\nseed_offset = 1\n") +
                              "[[proton]]\nname = \"p\"\npimd = [\"classical\", \"H\", \"D\"]\nlargest_distance_ang = 3\nsymmetric = true\nblocks = 8\n";

struct Study {
  TemporaryFolder folder;
  RunOutcome run(const std::string& text) {
    folder.write("start.extxyz", frame_text);
    folder.write("plan.toml", text);
    const Plan plan = read_plan(folder / "plan.toml");
    return run_stages(header_of(plan), stages_of(plan), folder / "runs", {});
  }
  nlohmann::ordered_json report() {
    const Registry registry(folder / "runs", false);
    return report_json(registry, *registry.latest_run());
  }
};

TEST(PathIntegralStages, ClassicalAndQuantumProtonsSideBySide) {
  Study study;
  EXPECT_EQ(study.run(plan_text).made, 5u);
  EXPECT_TRUE(study.run(plan_text).nothing_to_do);
  std::map<std::string, nlohmann::ordered_json> of;
  const nlohmann::ordered_json report = study.report();
  for (const auto& estimate : report.at("estimates"))
    if (estimate.at("stage").get<std::string>() == "proton-p") of[estimate.at("name")] = estimate;
  // Zero-point motion spreads the beads along the bond, of H more than of D; a classical atom has no beads.
  const double h = of.at("spread_along_H").at("value"), d = of.at("spread_along_D").at("value");
  EXPECT_GT(h, 0.05);
  EXPECT_LT(d, 0.9 * h);
  EXPECT_LT(of.at("isotope_spread_along_D_H").at("high").get<double>(), 0);
  EXPECT_FALSE(of.contains("spread_along_classical"));
  for (const char* name : {"donor_acceptor_classical", "donor_acceptor_H", "barrier_D", "barrier_H_centroids", "delocalised_H"}) EXPECT_TRUE(of.contains(name)) << name;

  // The isotope alone makes another simulation; the classical run is found again.
  std::string other = plan_text;
  other.replace(other.find("\"H=D\""), 5, "\"H=T\"");
  EXPECT_EQ(study.run(other).made, 2u);
}

std::string refusal(const std::string& text) {
  try {
    parse_plan(text, "dir/plan.toml");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(PathIntegralStages, ADearModelBesideACheapOne) {
  Study study;
  const std::string two = head + pimd("two", 6, "reference_model = \"builtin:shared_proton?oxygen_distance_ang=2.52\"\ncontracted_beads = 3\ninner_steps = 2\n");
  EXPECT_EQ(study.run(two).made, 2u);
  EXPECT_NE(refusal(head + pimd("a", 4, "inner_steps = 2\n")).find("reference"), std::string::npos);
}

TEST(PathIntegralStages, WannierCentresOfTheExample) {
  Study study;
  const std::string data = std::string(SALTUS_SOURCE_DIR) + "/examples/short_hydrogen_bond/data/";
  EXPECT_EQ(study.run("title = \"w\"\n[[wannier]]\nname = \"aimd\"\ncharge = 1\ncentres = \"" + data + "centres.xyz.gz\"\ntrajectory = \"" + data + "zundel_300K.extxyz\"\n").made, 1u);
  bool seen = false;
  const nlohmann::ordered_json report = study.report();
  for (const auto& estimate : report.at("estimates")) {
    if (estimate.at("name") != "distance: O-H bond") continue;
    seen = true;
    EXPECT_NEAR(estimate.at("value").get<double>(), 0.48795, 1e-4);  // tests/golden/numpy/zundel_wannier
  }
  EXPECT_TRUE(seen);
}

TEST(PathIntegralStages, WhatCannotBeMeantIsSaidWithItsLine) {
  EXPECT_NE(refusal(std::string(head) + "[[pimd]]\nname = \"a\"\nmodel = \"m.pt\"\nsteps = 5\n").find("needs 'temperature_kelvin'"), std::string::npos);
  EXPECT_NE(refusal(head + pimd("a", 4, "masses = [\"H=cheese\"]\n")).find("no mass"), std::string::npos);
  EXPECT_NE(refusal(head + pimd("a", 4, "restraints = [\"0,1=2\"]\n")).find("0-1=2.6"), std::string::npos);
  EXPECT_NE(refusal(head + pimd("a", 4, "thermostat = \"pile_k\"\n")).find("did you mean"), std::string::npos);
  EXPECT_NE(refusal(head + pimd("a", 4) + "[[proton]]\nname = \"p\"\npimd = [\"b\"]\n").find("no [[pimd]] named 'b'"), std::string::npos);
  EXPECT_NE(refusal(head + pimd("a", 4) + "[[proton]]\nname = \"p\"\n").find("needs 'pimd'"), std::string::npos);
  EXPECT_NE(refusal(head + pimd("a", 4) + "[[proton]]\nname = \"p\"\ntrajectories = [\"t.xyz\"]\n").find("temperature_kelvin"), std::string::npos);
}

}  // namespace
}  // namespace saltus::runs
