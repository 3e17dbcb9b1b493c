// Path integrals under clients of a socket that print Wannier centres as CP2K does: beads keep their clients, a run that is stopped, loses a client and goes on
// leaves the log of an undisturbed one, and every frame of centres finds its bead. The clients are threads that write CP2K's file; tests/cli/socket_peers_test.cpp
// has CP2K itself.
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/engines/socket_client.hpp"
#include "saltus/engines/socket_potential.hpp"
#include "saltus/runs/ring_dynamics.hpp"
#include "saltus/runs/ring_settings.hpp"
#include "saltus/runs/wannier_series.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

constexpr double edge_ang = 5.5;

Frame water() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 1}));
  frame.cell = Cell(Mat3{{Vec3{edge_ang, 0, 0}, Vec3{0, edge_ang, 0}, Vec3{0, 0, edge_ang}}});
  frame.position_ang = {{2.75, 2.75, 2.75}, {3.52, 3.30, 2.75}, {1.98, 3.30, 2.75}};
  return frame;
}

/// Harmonic bonds, and a file of atoms and centres: two on the bonds, two on the oxygen. Whichever client gives answer number `dies_at` of all dies in the middle of it.
class Printing final : public Potential {
 public:
  Printing(const fs::path& file, std::shared_ptr<std::atomic<int>> answers, int dies_at) : file_(file), answers_(std::move(answers)), dies_at_(dies_at) {}
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    for (std::size_t b = 0; b < batch.count(); ++b) {
      const auto r = batch.position_ang.subspan(3 * b, 3);
      results[b] = {};
      results[b].force_ev_ang.assign(3, Vec3{});
      results[b].virial_ev = Mat3{};
      for (const auto& [i, j, length, stiffness] : {Bond{0, 1, 0.96, 35}, Bond{0, 2, 0.96, 35}, Bond{1, 2, 1.51, 10}}) {
        const Vec3 d = r[j] - r[i];
        const Vec3 force = d * (stiffness * (norm(d) - length) / norm(d));
        results[b].energy_ev += 0.5 * stiffness * (norm(d) - length) * (norm(d) - length);
        results[b].force_ev_ang[i] += force;
        results[b].force_ev_ang[j] -= force;
      }
      print(r);
    }
    if (++*answers_ == dies_at_) throw Error(ErrorKind::numeric, "killed");
  }

 private:
  struct Bond {
    std::size_t first, second;
    double length_ang, stiffness_ev_ang2;
  };
  void print(std::span<const Vec3> r) const {
    file_ << "       7\n Particles+Wannier centers. Iteration:1\n";
    const auto row = [&](const char* label, Vec3 at) {
      for (int axis = 0; axis < 3; ++axis) at[axis] -= edge_ang * std::round(at[axis] / edge_ang);
      file_ << fmt::format("  {} {:20.10f} {:20.10f} {:20.10f}\n", label, at.x, at.y, at.z);
    };
    for (std::size_t i = 0; i < 3; ++i) row(i == 0 ? "O" : "H", r[i]);
    for (std::size_t i = 1; i < 3; ++i) row("X", r[0] + 0.55 * (r[i] - r[0]));
    for (const double z : {0.3, -0.3}) row("X", r[0] + Vec3{0, -0.1, z});
    file_.flush();
  }
  mutable std::ofstream file_;
  std::shared_ptr<std::atomic<int>> answers_;
  int dies_at_;
  PotentialInfo info_;
};

/// One session: four clients, each with a file, and what the server says at the end.
struct Session {
  fs::path folder, run;
  std::string socket;
  int number = 0;

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (int k = 0; k < 4; ++k) all.push_back(folder / fmt::format("centres-{}-{}.xyz", number, k));
    return all;
  }
  RingDynamicsSummary operator()(const RingDynamicsSettings& settings, const std::function<bool()>& stop = {}, int dies_at = 0) const {
    std::vector<std::unique_ptr<Printing>> potentials;
    std::vector<std::future<ServeSummary>> clients;
    const auto answers = std::make_shared<std::atomic<int>>(0);
    std::atomic<int> connected = 0;
    WarningList heard;
    SocketSettings at;
    at.address = unix_address(socket);
    at.wait_s = at.timeout_s = 20;
    at.warn = [&](const std::string& text) { heard.add(text); };
    RingDynamicsSummary summary;
    {
      const SocketPotential server(at);
      for (const fs::path& file : files()) {
        potentials.push_back(std::make_unique<Printing>(file, answers, dies_at));
        ServeSettings serving;
        serving.address = at.address;
        clients.push_back(std::async(std::launch::async, [&potential = *potentials.back(), &connected, serving] {
          bool asked = false;  // the first time when it is connected and waits
          return serve(potential, water(), serving, {}, [&] {
            if (!asked) ++connected;
            asked = true;
            return false;
          });
        }));
      }
      for (int k = 0; connected < 4 && k < 20000; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      summary = run_atom_ring_dynamics(settings, water(), server, "socket", run, {}, stop, heard);
    }
    int died = 0;
    for (std::future<ServeSummary>& client : clients) {
      try {
        client.get();
      } catch (const Error& error) {
        EXPECT_NE(std::string_view(error.what()).find("killed"), std::string_view::npos) << error.what();
        ++died;
      }
    }
    EXPECT_EQ(died, dies_at > 0 ? 1 : 0);
    return summary;
  }
};

RingDynamicsSettings short_run(const std::string& precision) {
  RingSettings words;
  words.temperature_kelvin = 300;
  words.beads = 4;
  words.timestep_fs = 0.5;
  words.steps = 16;
  words.log_every = words.write_every = words.beads_every = 1;
  words.checkpoint_every = 5;
  words.temperature_limit_factor = 0;
  words.trajectory_precision = precision;
  return ring_dynamics_of(words, 2);
}

/// How many frames of each bead.
std::map<std::int32_t, int> beads_of(const std::vector<fs::path>& files, const fs::path& trajectory) {
  WannierInput input;
  for (const fs::path& file : files)
    if (fs::file_size(file) > 0) input.centres.push_back(file);  // a client that came late may have been given no bead
  input.trajectory = trajectory;
  std::map<std::int32_t, int> count;
  for (const WannierTag& tag : tag_wannier_frames(input).frames) ++count[tag.bead.value()];
  return count;
}

class AbInitioBeads : public ::testing::TestWithParam<const char*> {
 protected:
  TemporaryFolder folder_;
  Session session(const std::string& name, int number) const {
    return {folder_.path(), folder_.path() / name, fmt::format("saltus_beads_{}_{}", ::getpid(), number), number};
  }
};

TEST_P(AbInitioBeads, EveryFrameOfCentresFindsItsBeadThroughStopsAndDeaths) {
  const RingDynamicsSettings settings = short_run(GetParam());
  const Session whole = session("whole", 1), first = session("parts", 2), second = session("parts", 3);
  ASSERT_TRUE(whole(settings).finished);
  const std::map<std::int32_t, int> all{{0, 17}, {1, 17}, {2, 17}, {3, 17}};
  EXPECT_EQ(beads_of(whole.files(), whole.run / "beads"), all);

  int steps = 0;
  const auto stopped = first(settings, [&] { return ++steps == 7; });
  EXPECT_FALSE(stopped.finished);
  EXPECT_EQ(stopped.step, 7);
  const auto finished = second(settings, {}, 14);
  EXPECT_TRUE(finished.finished);
  EXPECT_EQ(finished.resumed_from_step, 7);
  EXPECT_EQ(finished.warnings.count, 1u);
  EXPECT_EQ(read_file(second.run / "log.csv"), read_file(whole.run / "log.csv"));
  std::vector<fs::path> files = first.files();
  for (const fs::path& file : second.files()) files.push_back(file);
  EXPECT_EQ(beads_of(files, second.run / "beads"), all);
}

INSTANTIATE_TEST_SUITE_P(Precisions, AbInitioBeads, ::testing::Values("single", "double"), [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace saltus::runs
