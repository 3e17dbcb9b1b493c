#include "saltus/runs/pimd_plan.hpp"

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"

namespace saltus::runs {
namespace {

const std::string potential = "potential = { kind = \"harmonic\", wavenumber_per_cm = 3500 }\n", head = "[pimd]\n" + potential + "steps = 1000\n";

std::string refusal(const std::string& text, ErrorKind kind = ErrorKind::format) {
  try {
    parse_pimd_plan(text, "dir/plan.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(PimdPlan, HoldsWhatIsWritten) {
  const PimdPlan plan = parse_pimd_plan(
      "title = \"t\"\nseed = 4\n[pimd]\npotential = { kind = \"proton_rocking\", barrier_kcal_mol = 1.5, half_distance_ang = 0.22, rocking_mass_amu = 17, "
      "rocking_wavenumber_per_cm = 250, coupling = 0.5 }\nelement = \"D\"\ncopies = 8\nbeads = 15\ntemperature_kelvin = 100\ntimestep_fs = 0.5\nsteps = 5000\n"
      "equilibration_steps = 10\nthermostat = { kind = \"pile_g\", centroid_time_fs = 20, lambda = 0.5 }\nsplitting = \"obabo\"\n",
      "plan.toml");
  EXPECT_EQ(plan.title, "t");
  EXPECT_EQ(plan.seed, 4);
  EXPECT_EQ(plan.potential.rocking_mass_amu, 17);
  EXPECT_EQ(plan.mass_amu, 2.01410177785);
  EXPECT_EQ(plan.beads, 15);
  EXPECT_EQ(plan.thermostat.kind, "pile_g");
  EXPECT_EQ(plan.splitting, "obabo");
}

TEST(PimdPlan, HasDefaultsAndTheSeedOfTheTable) {
  const PimdPlan plan = parse_pimd_plan("seed = 4\n" + head + "seed = 5\nthermostat = { kind = \"trpmd\" }\n", "plan.toml");
  EXPECT_EQ(plan.seed, 5);
  EXPECT_EQ(plan.mass_amu, 1.00782503207);
  EXPECT_EQ(plan.thermostat.lambda, 0.5);
  EXPECT_EQ(parse_pimd_plan(head + "thermostat = { kind = \"trpmd\", lambda = 1 }\n", "plan.toml").thermostat.lambda, 1);
  EXPECT_EQ(parse_pimd_plan(head + "mass_amu = 3\n", "plan.toml").mass_amu, 3);
  EXPECT_NEAR(parse_pimd_plan(head + "element = \"Li\"\n", "plan.toml").mass_amu, 6.94, 0.01);
}

TEST(PimdPlan, IsRefusedWithFileLineAndRemedy) {
  EXPECT_EQ(refusal(head + "bead = 3\n"), "dir/plan.toml:4: unknown key 'bead' in [pimd] (did you mean 'beads'?)");
  EXPECT_EQ(refusal("sed = 1\n" + head), "dir/plan.toml:1: unknown key 'sed' in the plan (did you mean 'seed'?)");
  EXPECT_EQ(refusal("title = \"t\"\n"), "dir/plan.toml:1: the plan needs the table [pimd]");
  EXPECT_NE(refusal("[pimd]\nsteps = 1000\n").find("needs 'potential'"), std::string::npos);
  EXPECT_NE(refusal("[pimd]\n" + potential).find("[pimd] needs 'steps'"), std::string::npos);
  EXPECT_EQ(refusal("[pimd]\nsteps = 1000\npotential = { kind = \"harmonics\" }\n"),
            "dir/plan.toml:3: 'kind' cannot be 'harmonics' (did you mean 'harmonic'?); it is one of: harmonic, double_well, proton_rocking");
  EXPECT_EQ(refusal("[pimd]\nsteps = 1000\npotential = { kind = \"harmonic\" }\n"), "dir/plan.toml:3: 'potential' of [pimd] of kind harmonic needs 'wavenumber_per_cm'");
  EXPECT_EQ(refusal("[pimd]\nsteps = 1000\npotential = { kind = \"harmonic\", wavenumber_per_cm = 1, coupling = 1 }\n"),
            "dir/plan.toml:3: 'coupling' goes with proton_rocking, not with harmonic");
  EXPECT_EQ(refusal(head + "thermostat = { kind = \"langevin\", lambda = 1 }\n"), "dir/plan.toml:4: 'lambda' goes with pile_l and pile_g and trpmd and cmd, not with langevin");
  EXPECT_EQ(refusal(head + "thermostat = { kind = \"piglet\" }\n"), "dir/plan.toml:4: 'thermostat' of [pimd] of kind piglet needs 'gle_file'");
  EXPECT_EQ(refusal(head + "thermostat = { kind = \"trpmd\", gle_file = \"x\" }\n"), "dir/plan.toml:4: 'gle_file' goes with gle and piglet, not with trpmd");
  EXPECT_EQ(refusal(head + "thermostat = { kid = \"pile_l\" }\n"), "dir/plan.toml:4: unknown key 'kid' in 'thermostat' of [pimd] (did you mean 'kind'?)");
  EXPECT_NE(refusal(head + "thermostat = \"pile_l\"\n").find("plan.toml:4: 'thermostat' must be a table"), std::string::npos);
  EXPECT_EQ(refusal(head + "element = \"Q\"\n"), "dir/plan.toml:4: 'element': 'Q' is no element");
  EXPECT_EQ(refusal(head + "element = \"H\"\nmass_amu = 2\n"), "dir/plan.toml:5: give either 'element' or 'mass_amu'");
  EXPECT_EQ(refusal(head + "copies = 1\nsample_every = 100\n"), "dir/plan.toml:1: 1000 steps, sampled every 100, are too few for 32 blocks of 1 copies");
  EXPECT_NE(refusal(head + "beads = 0\n").find("plan.toml:4: 'beads' is 0, but must be"), std::string::npos);
  EXPECT_NE(refusal(head + "beads = 4096\ncopies = 10000000\n").find("10000000 copies of 4096 beads are more than"), std::string::npos);
  EXPECT_NE(refusal("[pimd\n").find("dir/plan.toml:1: "), std::string::npos);
}

TEST(PimdPlan, SaysThatOtherPotentialsAreToCome) {
  EXPECT_NE(refusal("[pimd]\nsteps = 1000\npotential = \"model.safetensors\"\n", ErrorKind::unsupported).find("dir/plan.toml:3: 'potential' must be a model system so far"), std::string::npos);
}

TEST(PimdPlan, ListsItsSettings) {
  const std::string text = pimd_settings_text();
  for (const char* line : {"[pimd]\n", "\nbeads = 32  #", "\n[pimd.potential]", "\n[pimd.thermostat]\nkind = \"pile_l\"", "baoab: kick"}) EXPECT_NE(text.find(line), std::string::npos) << line;
}

}  // namespace
}  // namespace saltus::runs
