// saltus md and saltus serve as programs, over a socket: the same dynamics as without one; clients that die, none at all, Ctrl-C.
#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../engines/scripted_peer.hpp"
#include "child.hpp"
#include "run_saltus.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/dynamics/checkpoint.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "session.hpp"

namespace saltus {
namespace {

namespace fs = std::filesystem;

class Socket : public ::testing::Test {
 protected:
  Socket() {
    save_lennard_jones(path("argon.safetensors"), lennard_jones_argon());
    Frame cube;
    cube.cell = Cell(Mat3{{Vec3{5.5, 0, 0}, Vec3{0, 5.5, 0}, Vec3{0, 0, 5.5}}});
    cube.position_ang = {{0, 0, 0}, {0, 2.75, 2.75}, {2.75, 0, 2.75}, {2.75, 2.75, 0}};
    cube.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
    Frame crystal = repeated(cube, {2, 2, 2});
    Workspace workspace;
    const Evaluation labels = evaluate_one(LennardJones(lennard_jones_argon()), crystal, {}, workspace);
    crystal.energy_ev = labels.energy_ev;
    crystal.force_ev_ang = labels.force_ev_ang;
    std::string text;
    append_extxyz(text, crystal);
    write_file_atomically(path("argon.extxyz"), text);
  }

  std::string path(const std::string& name) const { return folder_.path() / name; }
  /// A socket in the folder: no two tests share one.
  std::string model(const std::string& settings = "") const { return "socket:unix:socket,prefix=" + path("") + settings; }

  std::vector<std::string> md(const std::string& out, const std::string& of, const std::string& steps = "200") const {
    return {SALTUS_BINARY, "md", "--model", of, "--init", path("argon.extxyz"), "--temperature-kelvin", "80", "--thermostat", "none", "--timestep-fs", "2", "--steps", steps, "--seed", "3",
            "--write-every", "10", "--trajectory-precision", "double", "--log-every", "10", "--out", path(out)};
  }
  pid_t serve(const std::string& messages = "client") const {
    return start_child({SALTUS_BINARY, "serve", path("argon.safetensors"), "--frame", path("argon.extxyz"), "--unix", "socket", "--prefix", path(""), "--json"}, path(messages));
  }
  int run(const std::vector<std::string>& words) const { return wait_for_child(start_child(words, path("messages"))); }
  std::string messages() const { return read_file(path("messages")); }

  void expect_same_dynamics(const std::string& one, const std::string& other) const {
    const auto a = read_frames(path(one) + "/trajectory"), b = read_frames(path(other) + "/trajectory");
    ASSERT_EQ(a.size(), 21u);
    ASSERT_EQ(b.size(), a.size());
    // Forces differ in their last bits, by the units of the wire.
    for (std::size_t k = 0; k < a.size(); ++k)
      for (std::size_t i = 0; i < a[k].size(); ++i) ASSERT_NEAR(norm(a[k].position_ang[i] - b[k].position_ang[i]), 0, 1e-10) << k << " " << i;
    const auto log = runs::read_md_log(path(one) + "/log.csv"), other_log = runs::read_md_log(path(other) + "/log.csv");
    ASSERT_EQ(log.size(), other_log.size());
    for (std::size_t k = 0; k < log.size(); ++k) EXPECT_NEAR(log[k].conserved_ev, other_log[k].conserved_ev, 2e-6) << k;
  }

  /// A client that answers what is no answer, until it is cut off.
  void babble() const {
    test::Peer peer = test::connect_unix(path("socket"));
    EXPECT_EQ(peer.word(), "STATUS");
    peer.send("NONSENSE    ");
    EXPECT_EQ(peer.read(1), "");
  }
  nlohmann::json summary(const std::string& out) const { return nlohmann::json::parse(read_file(path(out) + "/summary.json")); }

  /// Until the log of a run reaches a step.
  bool reaches(const std::string& out, std::int64_t step) const {
    for (int k = 0; k < 6000; ++k) {
      std::error_code none;
      if (fs::file_size(path(out) + "/log.csv", none) > 100 && !none) {
        const std::string log = read_file(path(out) + "/log.csv");
        if (log.find(fmt::format("\n{},", step)) != std::string::npos) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  session::Folder folder_;
};

TEST_F(Socket, MdWithAClientIsMdWithTheModel) {
  ASSERT_EQ(run(md("direct", path("argon.safetensors"))), 0) << messages();
  const pid_t client = serve();
  ASSERT_EQ(run(md("served", model())), 0) << messages();
  EXPECT_EQ(wait_for_child(client), 0) << read_file(path("client"));
  EXPECT_NE(read_file(path("client")).find("\"configurations\": 201"), std::string::npos) << read_file(path("client"));
  expect_same_dynamics("direct", "served");
}

TEST_F(Socket, WithoutClientsThereIsAnErrorThatSaysHowToStartOne) {
  EXPECT_EQ(run(md("out", model(",wait_s=0.2"))), 3);
  EXPECT_NE(messages().find(path("socket") + ": no client came within 0.2 s (wait_s); start one, for example: saltus serve MODEL --frame FRAME --unix"), std::string::npos) << messages();
  EXPECT_FALSE(fs::exists(path("socket")));
}

// The only client dies between two checkpoints: nothing that was computed is lost.
TEST_F(Socket, MdGoesOnWhereItsLastClientDied) {
  ASSERT_EQ(run(md("direct", path("argon.safetensors"))), 0) << messages();
  const pid_t first = serve();
  const pid_t server = start_child(md("served", model(",wait_s=0.3")), path("messages"));
  ASSERT_TRUE(reaches("served", 50)) << messages();
  ::kill(first, SIGKILL);
  wait_for_child(first);
  ASSERT_EQ(wait_for_child(server), 3) << messages();
  EXPECT_NE(messages().find("warning: " + path("socket") + ": client 1 (process " + std::to_string(first) + ")"), std::string::npos) << messages();
  EXPECT_NE(messages().find("no client was left for 0.3 s"), std::string::npos) << messages();
  EXPECT_GE(read_checkpoint(path("served") + "/checkpoint").state.step, 50);
  const pid_t second = serve();
  ASSERT_EQ(run(md("served", model())), 0) << messages();
  EXPECT_EQ(wait_for_child(second), 0);
  expect_same_dynamics("direct", "served");
  // The summary remembers what was said before the run was continued.
  EXPECT_EQ(summary("direct").at("warning_count"), 0);
  EXPECT_EQ(summary("served").at("warning_count"), 1);
  EXPECT_NE(summary("served").at("warnings").at(0).get<std::string>().find("client 1 (process " + std::to_string(first) + ")"), std::string::npos) << summary("served").dump();
}

TEST_F(Socket, TheSummaryKeepsWhatWasSaidOfABadClient) {
  const pid_t server = start_child(md("served", model()), path("messages"));
  babble();
  babble();
  const pid_t client = serve();
  ASSERT_EQ(wait_for_child(server), 0) << messages();
  EXPECT_EQ(wait_for_child(client), 0);
  EXPECT_NE(messages().find("warnings            2: see "), std::string::npos) << messages();
  EXPECT_EQ(summary("served").at("warning_count"), 2);
  EXPECT_NE(summary("served").at("warnings").at(1).get<std::string>().find("NONSENSE"), std::string::npos) << summary("served").dump();
}

TEST_F(Socket, CtrlCEndsAServerThatWaits) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const pid_t server = start_child(md("out", model()), path("messages"));
    for (int k = 0; k < 2000 && !fs::exists(path("socket")); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ::kill(server, signal);
    EXPECT_EQ(wait_for_child(server), 128 + signal) << messages();
    EXPECT_NE(messages().find("stopped at the first forces; what is done is kept"), std::string::npos) << messages();
    EXPECT_FALSE(fs::exists(path("socket")));
  }
}

TEST_F(Socket, CtrlCInTheMiddleLosesNothing) {
  ASSERT_EQ(run(md("direct", path("argon.safetensors"))), 0) << messages();
  pid_t client = serve();
  const pid_t server = start_child(md("served", model()), path("messages"));
  ASSERT_TRUE(reaches("served", 30)) << messages();
  ::kill(client, SIGSTOP);  // so that the server waits for it
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ::kill(server, SIGINT);
  const int status = wait_for_child(server);
  ::kill(client, SIGCONT);
  const int client_status = wait_for_child(client);
  if (status == 0) return;  // it was done before the signals met it
  EXPECT_EQ(status, 130) << messages();
  EXPECT_TRUE(client_status == 0 || client_status == 3) << read_file(path("client"));  // EXIT, or cut off where it could not hear it
  client = serve();
  ASSERT_EQ(run(md("served", model())), 0) << messages();
  EXPECT_EQ(wait_for_child(client), 0) << read_file(path("client"));
  expect_same_dynamics("direct", "served");
}

TEST_F(Socket, CtrlCEndsAClientThatWaits) {
  const pid_t client = serve("messages");
  // It listens for signals before it says what it serves.
  for (int k = 0; k < 6000 && (!fs::exists(path("messages")) || messages().find(" serves at ") == std::string::npos); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::kill(client, SIGINT);
  EXPECT_EQ(wait_for_child(client), 130) << messages();
}

TEST_F(Socket, PlansSimulateUnderClients) {
  write_file_atomically(path("plan.toml"), "title = \"remote\"\n[[data]]\nname = \"argon\"\nfile = \"argon.extxyz\"\n[[md]]\nname = \"ar\"\nmodel = \"" + model() +
                                               "\"\ntemperature_kelvin = 80\nequilibration_ps = 0.02\nproduction_ps = 0.2\nlog_spacing_fs = 20\n");
  auto clients = std::async(std::launch::async, [this] {
    babble();
    return wait_for_child(serve());
  });
  const auto first = run_saltus("run plan.toml", folder_.path());
  EXPECT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(clients.get(), 0) << read_file(path("client"));
  const auto warnings = nlohmann::json::parse(run_saltus("report --json", folder_.path()).output).at("warnings");
  ASSERT_EQ(warnings.size(), 2u) << warnings.dump();
  EXPECT_EQ(warnings[0].at("stage"), "md-ar");
  EXPECT_NE(warnings[0].at("text").get<std::string>().find("NONSENSE"), std::string::npos) << warnings.dump();
  EXPECT_NE(warnings[1].at("text").get<std::string>().find("measures neither"), std::string::npos) << warnings.dump();
  // Done once, it needs no client again.
  const auto second = run_saltus("run plan.toml", folder_.path());
  EXPECT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_TRUE(second.output.starts_with("nothing to do")) << second.output;
}

}  // namespace
}  // namespace saltus
