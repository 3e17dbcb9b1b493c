// Saltus with CP2K, LAMMPS, i-PI and ASE over a socket, where they are installed: tests/golden/peers/sockets/exchange.py runs both sides. The Python with i-PI
// and ASE is named by SALTUS_PEERS_PYTHON.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

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

std::vector<std::vector<double>> rows_of(const std::filesystem::path& log) {
  std::vector<std::vector<double>> rows;
  const auto lines = saltus::session::lines_of(saltus::read_file(log));
  for (std::size_t k = 1; k < lines.size(); ++k) {
    rows.emplace_back();
    std::stringstream line(lines[k]);
    for (std::string word; std::getline(line, word, ',');) rows.back().push_back(word.empty() ? 0 : std::stod(word));
  }
  return rows;
}

// The example of path integrals by CP2K: undisturbed; killed in the middle and continued with new clients; with one client killed and replaced.
TEST(SocketPeersSlow, Cp2kClientsComputeBeadsThroughKills) {
  if (!works("command -v cp2k.psmp")) GTEST_SKIP() << "cp2k.psmp is not installed";
  const Folder folder;
  const std::string name = "saltus_beads_" + std::to_string(::getpid());
  const auto outcome = outcome_of(R"sh(
example={source}/examples/path_integrals/ab_initio socket=)sh" + name + R"sh(
pimd() {
  exec saltus pimd --model socket:unix:$socket,wait_s=120,timeout_s=300 --init $example/h2o.extxyz --temperature-kelvin 300 --beads 4 --timestep-fs 0.25 --steps 12 --write-every 1     --beads-every 1 --set log_every=1 --set checkpoint_every=4 --set temperature_limit_factor=0 --out pimd --json --quiet > summary.json 2> warnings
}
frames_of() { cat $1 2>/dev/null | grep -c Iteration || true; }
tags_of() { saltus analyze wannier clients/*/centres.xyz --trajectory pimd/beads --out tagged.xyz --quiet >/dev/null 2>&1; grep -o 'bead=[0-9]*' tagged.xyz | sort | uniq -c; }
mkdir whole killed one
cd whole
( pimd ) & saltus=$!
sh $example/clients.sh $socket 4 & clients=$!
wait $saltus || cat warnings
wait $clients; tags_of

cd ../killed
( pimd ) & saltus=$!
sh $example/clients.sh $socket 4 & clients=$!
for try in $(seq 3000); do [ $(frames_of clients/1-2/centres.xyz) -ge 8 ] && break; sleep 0.1; done
kill -9 $saltus; wait $saltus 2>/dev/null; wait $clients
( pimd ) & saltus=$!
sh $example/clients.sh $socket 4 & clients=$!
wait $saltus || cat warnings
wait $clients; tags_of

cd ../one
( pimd ) & saltus=$!
sh $example/clients.sh $socket 4 & clients=$!
for try in $(seq 3000); do [ $(frames_of clients/1-2/centres.xyz) -ge 5 ] && break; sleep 0.1; done
for process in /proc/[0-9]*; do [ "$(readlink $process/cwd)" = "$PWD/clients/1-2" ] && kill -9 ${process#/proc/}; done
sh $example/clients.sh $socket 1 & newcomer=$!
wait $saltus || cat warnings
wait $clients $newcomer; tags_of
)sh", folder.path());
  ASSERT_EQ(outcome.exit_code, 0) << saltus::session::joined(outcome.lines);
  // Once for each run: all frames of all beads.
  std::vector<std::string> tags;
  for (const std::string& line : outcome.lines)
    if (line.find("bead=") != std::string::npos) tags.push_back(line.substr(line.find_first_not_of(' ')));
  std::vector<std::string> expected;
  for (int run = 0; run < 3; ++run)
    for (int bead = 0; bead < 4; ++bead) expected.push_back("13 bead=" + std::to_string(bead));
  EXPECT_EQ(tags, expected) << saltus::session::joined(outcome.lines);
  EXPECT_GE(json::parse(saltus::read_file(folder.path() / "killed/summary.json")).at("resumed_from_step").get<int>(), 4);
  EXPECT_EQ(json::parse(saltus::read_file(folder.path() / "one/summary.json")).at("warning_count"), 1);
  // New clients begin without a wave function: potentials (column 2, eV) agree as far as CP2K converges with an EPS_SCF of 1e-6.
  const auto whole = rows_of(folder.path() / "whole/pimd/log.csv");
  ASSERT_EQ(whole.size(), 13u);
  for (const char* other : {"killed", "one"}) {
    const auto rows = rows_of(folder.path() / other / "pimd/log.csv");
    ASSERT_EQ(rows.size(), whole.size()) << other;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      EXPECT_EQ(rows[k][0], whole[k][0]);
      EXPECT_NEAR(rows[k][2], whole[k][2], 1e-5) << other << ", step " << k;
    }
  }
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
