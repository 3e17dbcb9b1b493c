// Saltus with CP2K, LAMMPS, i-PI and ASE over a socket, where they are installed: tests/golden/peers/sockets/exchange.py runs both sides. The Python with i-PI
// and ASE is named by SALTUS_PEERS_PYTHON.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "session.hpp"

namespace {

using nlohmann::json;
using saltus::session::Folder;
using saltus::session::outcome_of;

std::string python() {
  const char* named = std::getenv("SALTUS_PEERS_PYTHON");
  return named ? named : "python3";
}

bool works(const std::string& command) { return outcome_of(command + " >/dev/null", "/").exit_code == 0; }

/// What exchange.py says of a case; null where it failed.
json summary_of(const std::string& name, int exit_code = 0) {
  const Folder folder;
  const auto outcome = outcome_of(python() + " {source}/tests/golden/peers/sockets/exchange.py " + name + " out", folder.path());
  EXPECT_EQ(outcome.exit_code, 0) << saltus::session::joined(outcome.lines);
  if (outcome.exit_code != 0) return {};
  json summary = json::parse(saltus::read_file(folder.path() / "out/summary.json"));
  EXPECT_EQ(summary.at("saltus_exit"), exit_code) << summary.dump(1);
  return summary;
}

std::vector<double> numbers(const json& summary, const char* key) { return summary.is_object() ? summary.at(key).get<std::vector<double>>() : std::vector<double>(); }

double range(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return values.empty() ? std::nan("") : *high - *low;
}

TEST(SocketPeersSlow, Cp2kComputesForSaltusMd) {
  if (!works("command -v cp2k.psmp")) GTEST_SKIP() << "cp2k.psmp is not installed";
  const json summary = summary_of("cp2k");
  ASSERT_TRUE(summary.is_object());
  EXPECT_EQ(numbers(summary, "energies_of_cp2k_hartree").size(), 11u);
  EXPECT_LT(summary.at("largest_energy_difference_ev").get<double>(), 1e-6);  // the log has six decimals
  EXPECT_LT(range(numbers(summary, "conserved_ev")), 0.005);
  EXPECT_EQ(summary.at("client_exit"), 0);
}

TEST(SocketPeersSlow, LammpsComputesForSaltusMd) {
  if (!works("command -v lmp")) GTEST_SKIP() << "lmp is not installed";
  const json summary = summary_of("lammps");
  ASSERT_TRUE(summary.is_object());
  EXPECT_EQ(numbers(summary, "potential_ev").size(), 21u);
  EXPECT_LT(summary.at("largest_energy_difference_ev").get<double>(), 2e-6);  // constants of LAMMPS have eight digits, the log six decimals
}

TEST(SocketPeersSlow, SaltusServesIpiPlainAndBatched) {
  if (!works(python() + " -c 'import ipi, ase'")) GTEST_SKIP() << "i-PI is not installed";
  const json plain = summary_of("ipi_plain"), batched = summary_of("ipi_batched");
  ASSERT_TRUE(plain.is_object() && batched.is_object());
  const auto one = numbers(plain, "potential_ev"), four = numbers(batched, "potential_ev");
  ASSERT_EQ(one.size(), 4u);
  EXPECT_EQ(one, four);
  EXPECT_EQ(plain.at("saltus").at("configurations"), 32);
  EXPECT_EQ(batched.at("saltus").at("batch"), 4);
  EXPECT_EQ(batched.at("saltus").at("configurations"), 32);
}

TEST(SocketPeersSlow, AseMovesAndComputes) {
  if (!works(python() + " -c 'import ase'")) GTEST_SKIP() << "ASE is not installed";
  const json client = summary_of("ase_client"), server = summary_of("ase_server", 3);  // ASE ends without EXIT
  ASSERT_TRUE(client.is_object() && server.is_object());
  EXPECT_LT(range(numbers(client, "conserved_ev")), 1e-4);
  EXPECT_EQ(numbers(server, "energy_ev").size(), 3u);
}

}  // namespace
