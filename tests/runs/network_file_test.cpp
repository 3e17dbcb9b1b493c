#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/network_file.hpp"
#include "saltus/runs/network_report.hpp"
#include "tests/kinetics/golden_network.hpp"

namespace saltus::runs {
namespace {

using nlohmann::json;

json chain() {
  return json::parse(R"({"cell_ang": [[3, 0, 0], [0, 8, 0], [1, 0, 8]],
    "sites": [{"position_ang": [0, 0, 0], "probability": 0.5}, {"position_ang": [1, 0, 0], "probability": 0.5}],
    "jumps": [{"from": 0, "to": 1, "image": [0, 0, 0], "rate_per_ps": 5}, {"from": 1, "to": 0, "image": [0, 0, 0], "rate_per_ps": 5},
              {"from": 1, "to": 0, "image": [1, 0, 0], "rate_per_ps": 0.01}, {"from": 0, "to": 1, "image": [-1, 0, 0], "rate_per_ps": 0.01}]})");
}

NetworkReport report_of(const json& document, const NetworkSettings& settings = {}) {
  return analyze_network(parse_network(document.dump(), "n.json"), "n.json", settings);
}

TEST(NetworkFile, ChainByImages) {
  const NetworkReport report = report_of(chain(), {{0, 2}, {{0, 0, 0}, {0.1, 0, 0}}, 0.05});
  const double d = 9 / (2 * (1 / 5.0 + 1 / 0.01));
  EXPECT_NEAR(report.diffusion_ang2_per_ps[0].x, d, 1e-13);
  EXPECT_NEAR(report.correlation_factor, d / (0.5 * (5 + 4 * 0.01)), 1e-13);
  EXPECT_EQ(report.times[0].msd_ang2, Mat3{});
  EXPECT_NEAR(report.times[1].scattering[0], 1, 1e-13);
  EXPECT_LT(report.times[1].scattering[1], 1);
  ASSERT_EQ(report.modes->size(), 1u);
  EXPECT_TRUE(report.modes->at(0).slower_than_trajectory);  // 1 / 10.02 ps against 0.05 ps
  EXPECT_EQ(report.paths[0].image, (Int3{1, 0, 0}));        // the slow path carries
  EXPECT_EQ(report.warnings.size(), 2u);                    // one-dimensional; a slow relaxation
}

TEST(NetworkFile, GoldenNetworksThroughAFile) {
  for (const char* name : {"net_sc.dat", "net_bcc.dat", "net_fcc.dat", "net_triclinic4.dat"}) {
    const kinetics::GoldenNetwork golden = kinetics::read_golden_network(name);
    const kinetics::SiteNetwork network = kinetics::site_network_of(golden.network, true);
    const std::string text = network_text(network, "golden");
    const NetworkReport report = analyze_network(parse_network(text, name), name);
    kinetics::expect_tensor(report.diffusion_ang2_per_ps, golden.d, 1e-12);
    kinetics::expect_tensor(report.uncorrelated_diffusion_ang2_per_ps, golden.d0, 1e-13);
    double shares = 0;
    for (const PathShare& path : report.paths) shares += path.share;
    EXPECT_NEAR(shares, 1, 1e-12);
    double taken = 0;
    for (const ModeShare& mode : *report.modes) taken += mode.share;
    EXPECT_NEAR(1 - taken, report.correlation_factor, 1e-12);
    EXPECT_EQ(network_text(parse_network(text, name), "golden"), text);
  }
}

TEST(NetworkFile, LagNetwork) {
  // Hops of 2 Å with probability 0.1 each way per 0.5 ps: D = 0.1 · 4 / 0.5.
  json document = json::parse(R"({"lag_ps": 0.5, "sites": [{}], "jumps": [
    {"from": 0, "to": 0, "displacement_ang": [2, 0, 0], "probability": 0.1, "count": 20},
    {"from": 0, "to": 0, "displacement_ang": [-2, -0.0, 0], "probability": 0.1, "count": 25}]})");
  const NetworkReport report = report_of(document, {{0, 0.5, 5}, {}, {}});
  EXPECT_NEAR(report.diffusion_ang2_per_ps[0].x, 0.8, 1e-15);
  EXPECT_NEAR(report.times[2].msd_ang2[0].x, 8, 1e-13);
  ASSERT_TRUE(report.error_ang2_per_ps);
  EXPECT_NEAR(report.error_ang2_per_ps->mean_ang2.value, 0.8 / 3, 1e-15);
  EXPECT_NEAR(std::log(report.error_ang2_per_ps->mean_ang2.high * 3 / 0.8), 1.959963984540054 * std::sqrt(0.8 / 45), 1e-12);
  EXPECT_THROW(report_of(document, {{0.7}, {}, {}}), Error);
  // Each lag multiplies the scattering by 1 - 0.2 (1 - cos k·d).
  EXPECT_NEAR(report_of(document, {{0, 1}, {{1, 0, 0}}, {}}).times[1].scattering[0], std::pow(1 - 0.2 * (1 - std::cos(2.0)), 2), 1e-15);
}

TEST(NetworkFile, RoundTrip) {
  const std::string text = network_text(parse_network(chain().dump(), "n.json"));
  EXPECT_EQ(network_text(parse_network(text, "n.json")), text);
  EXPECT_NE(text.find("\"image\":[-1,0,0]"), std::string::npos);
}

struct Malformed {
  const char* name;
  std::function<void(json&)> change;
  const char* message;
};

TEST(NetworkFile, RefusesWhatItCannotMean) {
  const std::vector<Malformed> cases{
      {"no sites", [](json& d) { d.erase("sites"); }, "'sites' is missing"},
      {"empty sites", [](json& d) { d["sites"] = json::array(); }, "at least one site"},
      {"sites as object", [](json& d) { d["sites"] = json::object(); }, "at least one site"},
      {"no jumps", [](json& d) { d.erase("jumps"); }, "'jumps' is missing"},
      {"empty jumps", [](json& d) { d["jumps"] = json::array(); }, "at least one jump"},
      {"site out of range", [](json& d) { d["jumps"][2]["to"] = 2; }, "jumps[2].to: there is no site 2"},
      {"negative site", [](json& d) { d["jumps"][2]["from"] = -1; }, "jumps[2].from: there is no site -1"},
      {"huge site", [](json& d) { d["jumps"][2]["from"] = 18446744073709551615u; }, "jumps[2].from"},
      {"most negative site", [](json& d) { d["jumps"][2]["from"] = std::numeric_limits<std::int64_t>::min(); }, "jumps[2].from"},
      {"site as real", [](json& d) { d["jumps"][2]["from"] = 0.5; }, "whole number"},
      {"negative rate", [](json& d) { d["jumps"][1]["rate_per_ps"] = -1e-9; }, "jumps[1].rate_per_ps: must not be negative"},
      {"rate null", [](json& d) { d["jumps"][1]["rate_per_ps"] = nullptr; }, "'rate_per_ps' is missing"},
      {"rate as text", [](json& d) { d["jumps"][1]["rate_per_ps"] = "5"; }, "expected a number"},
      {"both ways to say where", [](json& d) { d["jumps"][0]["displacement_ang"] = {1, 0, 0}; }, "either 'image' or"},
      {"neither", [](json& d) { d["jumps"][0].erase("image"); }, "either 'image' or"},
      {"image of two", [](json& d) { d["jumps"][0]["image"] = {0, 0}; }, "three values"},
      {"image of reals", [](json& d) { d["jumps"][0]["image"] = {0, 0, 0.5}; }, "whole number"},
      {"image without cell", [](json& d) { d["cell_ang"] = nullptr; }, "needs cell_ang"},
      {"image without positions", [](json& d) { for (auto& s : d["sites"]) s["position_ang"] = nullptr; }, "needs cell_ang"},
      {"position of one", [](json& d) { d["sites"][1].erase("position_ang"); }, "1 of 2 sites have position_ang"},
      {"probability of one", [](json& d) { d["sites"][1].erase("probability"); }, "1 of 2 sites have probability"},
      {"probability zero", [](json& d) { d["sites"][1]["probability"] = 0; }, "must be positive"},
      {"probabilities of two", [](json& d) { d["sites"][1]["probability"] = 1.5; }, "sum to 2"},
      {"not stationary", [](json& d) { d["sites"][0]["probability"] = 0.4; d["sites"][1]["probability"] = 0.6; }, "not stationary"},
      {"flat cell", [](json& d) { d["cell_ang"][2] = {0, 16, 0}; }, "not independent"},
      {"cell of two", [](json& d) { d["cell_ang"] = {{1, 0}, {0, 1}}; }, "three values"},
      {"missing reverse", [](json& d) { d["jumps"].erase(3); }, "jump 2: its reverse, from site 0 to site 1 by"},
      {"reverse of another image", [](json& d) { d["jumps"][3]["image"] = {-1, 0, 1}; }, "its reverse"},
      {"jump that moves nothing", [](json& d) { d["jumps"][0]["to"] = 0; }, "moves nothing"},
      {"unknown key", [](json& d) { d["jumps"][0]["rates_per_ps"] = 1; }, "did you mean 'rate_per_ps'"},
      {"unknown key above", [](json& d) { d["site"] = 1; }, "did you mean 'sites'"},
      {"probability in a network of rates", [](json& d) { d["jumps"][0]["probability"] = 1; }, "unknown key"},
      {"lag negative", [](json& d) { d["lag_ps"] = -1; }, "lag_ps: must be positive"},
      {"count negative", [](json& d) { d["jumps"][0]["count"] = -1; }, "count"},
      {"label number", [](json& d) { d["sites"][0]["label"] = 1; }, "expected text"},
  };
  for (const Malformed& malformed : cases) {
    json document = chain();
    malformed.change(document);
    try {
      report_of(document);
      ADD_FAILURE() << malformed.name << ": accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format) << malformed.name;
      EXPECT_TRUE(std::string(error.what()).starts_with("n.json: ")) << error.what();
      EXPECT_NE(std::string(error.what()).find(malformed.message), std::string::npos) << malformed.name << ": " << error.what();
    }
  }
}

TEST(NetworkFile, RefusesWhatIsNoJson) {
  for (const std::string text : {"", "{", "[]", "NaN", "{\"sites\": NaN}", "{\"sites\": [{}], \"sites\": [{}]}", "{\"sites\": 1e999}", "\xff\xfe{}", "null",
                                 "{\"cell_ang\": [[1,0,0],[0,1,0],[0,0,1e308]]}"}) {
    try {
      parse_network(text, "n.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format) << text;
    }
  }
  EXPECT_THROW(parse_network(std::string(1000000, '['), "deep.json"), Error);
  EXPECT_THROW(read_network("no_such.json"), Error);
}

TEST(NetworkFile, NumbersBeyondReckoning) {
  for (const auto& [length, kind] : {std::pair{1e150, ErrorKind::numeric}, std::pair{1e200, ErrorKind::format}}) {
    const json document{{"sites", {json::object()}},
                        {"jumps", {{{"from", 0}, {"to", 0}, {"displacement_ang", {length, 0, 0}}, {"rate_per_ps", 1e20}},
                                   {{"from", 0}, {"to", 0}, {"displacement_ang", {-length, 0, 0}}, {"rate_per_ps", 1e20}}}}};
    try {
      report_of(document);
      ADD_FAILURE() << length;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
    }
  }
}

// Detailed balance fails: what is said, and the numbers that stay.
TEST(NetworkFile, DrivenNetworkSaysSo) {
  json document = chain();
  document["jumps"][0]["rate_per_ps"] = 20;
  for (auto& site : document["sites"]) site.erase("probability");
  const NetworkReport report = report_of(document, {{1, 10}, {{0.1, 0, 0}}, {}});
  ASSERT_TRUE(report.connected.broken);
  EXPECT_NEAR(report.connected.broken->affinity, std::log(4.0), 1e-12);
  EXPECT_NE(report.warnings[0].find("detailed balance fails: along the cycle"), std::string::npos);
  EXPECT_NE(report.warnings[0].find("4 times"), std::string::npos);
  EXPECT_TRUE(report.paths.empty());
  // Mean velocity: the net flux J times the period; J = (w1 w2 - u1 u2) / (w1 + w2 + u1 + u2) for two sites in a ring.
  EXPECT_NEAR(report.drift_ang_per_ps.x, 3 * (20 * 0.01 - 5 * 0.01) / (20 + 0.01 + 5 + 0.01), 1e-14);
}

}  // namespace
}  // namespace saltus::runs
