// The stage between kinetics and page: which D it takes, what it leaves out, what it says.
#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/plan_stages.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::ordered_json;

constexpr double energy_ev = 0.31, prefactor = 3.5;

double law(double kelvin) { return prefactor * std::exp(-energy_ev / (units::boltzmann_ev_per_kelvin * kelvin)); }

struct Arrhenius : testing::Test {
  TemporaryFolder folder;
  std::string text = "title = \"t\"\n";

  void add_analysis(const std::string& name, double kelvin, bool known = true) {
    text += "[[kinetics]]\nname = \"" + name + "\"\ntrajectory = \"x.xyz\"\ntemperature_kelvin = " + std::to_string(kelvin) + "\n";
    const double d = law(kelvin);
    const json value{{"value", d}, {"low", 0.9 * d}, {"high", 1.1 * d}};
    std::filesystem::create_directories(folder / name);
    write_file_atomically(folder / name / "kinetics.json", json{{"coefficients_ang2_per_ps", {{"msd", known ? value : json(nullptr)}, {"msm", value}}}}.dump());
  }
  StageResult run(const std::string& entry) {
    const Plan plan = parse_plan(text + entry, folder / "plan.toml");
    const Stage stage = stages_of(plan).back();
    EXPECT_EQ(stage.kind, "arrhenius");
    StageContext context{folder / "out", {}, {}, {}};
    std::filesystem::create_directories(context.folder);
    for (const std::string& name : stage.depends_on) context.inputs.emplace(name, folder / name.substr(std::string("kinetics-").size()));
    return stage.run(context);
  }
  static const NamedEstimate& named(const StageResult& result, const std::string& name) {
    for (const NamedEstimate& estimate : result.estimates)
      if (estimate.name == name) return estimate;
    throw std::runtime_error(name + " is not there");
  }
};

TEST_F(Arrhenius, FindsTheLawAndMarksWhatIsExtrapolated) {
  for (const double kelvin : {500.0, 600.0, 700.0, 800.0}) add_analysis("at" + std::to_string(int(kelvin)), kelvin);
  const StageResult result = run("[[arrhenius]]\nname = \"all\"\nkinetics = [\"at500\", \"at600\", \"at700\", \"at800\"]\nat_kelvin = [300, 650]\n");
  for (const std::string route : {"msd", "msm"}) {
    const NamedEstimate& energy = named(result, "activation_energy_" + route);
    EXPECT_NEAR(energy.estimate->value, energy_ev, 1e-10);
    EXPECT_LT(energy.estimate->low, energy_ev);
    EXPECT_GT(energy.estimate->high, energy_ev);
    EXPECT_NEAR(named(result, "prefactor_" + route).estimate->value, prefactor, 1e-9);
    const NamedEstimate& far = named(result, "diffusion_" + route + "_300_kelvin");
    EXPECT_NEAR(far.estimate->value, law(300), 1e-9 * law(300));
    EXPECT_NE(far.note.find("extrapolated from 500 to 800 K"), std::string::npos);
    const NamedEstimate& near = named(result, "diffusion_" + route + "_650_kelvin");
    EXPECT_EQ(near.note.find("extrapolated"), std::string::npos);
    EXPECT_LT(near.estimate->high / near.estimate->low, far.estimate->high / far.estimate->low);
  }
  EXPECT_TRUE(result.warnings.empty());
  const json page = json::parse(read_file(folder / "out" / "arrhenius.json"));
  ASSERT_EQ(page.at("routes").size(), 2u);
  EXPECT_EQ(page.at("routes")[0].at("at")[0].at("extrapolated"), true);
  EXPECT_EQ(page.at("routes")[0].at("at")[1].at("extrapolated"), false);
  EXPECT_NEAR(page.at("routes")[0].at("curve").at("kelvin")[0].get<double>(), 300, 1e-9);
}

TEST_F(Arrhenius, UndeterminedValuesAreLeftOutAndNamed) {
  add_analysis("low", 500);
  add_analysis("high", 800, false);
  const StageResult result = run("[[arrhenius]]\nname = \"two\"\nkinetics = [\"low\", \"high\"]\n");
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("from the MSD is undetermined and left out: high"), std::string::npos);
  EXPECT_FALSE(named(result, "activation_energy_msd").estimate);
  EXPECT_NEAR(named(result, "activation_energy_msm").estimate->value, energy_ev, 1e-10);
}

TEST_F(Arrhenius, PlansThatCannotBeMeantAreRefused) {
  add_analysis("a", 500);
  add_analysis("b", 500);
  const auto refusal = [&](const std::string& entry) -> std::string {
    try {
      parse_plan(text + entry, "plan.toml");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(refusal("[[arrhenius]]\nname = \"x\"\nkinetics = [\"a\", \"b\"]\n").find("two temperatures"), std::string::npos);
  EXPECT_NE(refusal("[[arrhenius]]\nname = \"x\"\nkinetics = [\"a\", \"c\"]\n").find("no [[kinetics]] named 'c'"), std::string::npos);
  text += "[[kinetics]]\nname = \"d\"\ntrajectory = \"x.xyz\"\n";
  EXPECT_NE(refusal("[[arrhenius]]\nname = \"x\"\nkinetics = [\"a\", \"d\"]\n").find("'d' has no 'temperature_kelvin'"), std::string::npos);
}

}  // namespace
}  // namespace saltus::runs
