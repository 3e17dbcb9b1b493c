// MatterSim between its layers against upstream's (tests/golden/peers/models/energies.py), and against itself: in less memory, in float32,
// for collinear atoms, through the cutoffs, and of an atom alone.
#include "saltus/potentials/mattersim.hpp"

#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/potentials/triple_graph.hpp"
#include "tests/potentials/network_models.hpp"

namespace saltus {
namespace {

using nlohmann::json;

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/";
constexpr Want all{.forces = true, .virial = true, .atom_energies = true};
constexpr NetworkSettings wide{.precision = Dtype::f64, .exact_radial = false, .head = {}};

Vec3 vector_of(const json& row) { return {row.at(0), row.at(1), row.at(2)}; }

Frame crystal(std::uint64_t seed, std::size_t atoms = 12, std::uint8_t elements = 5, double edge_ang = 6.0) {
  Random random(seed, 0);
  Frame frame;
  std::vector<std::uint8_t> z;
  while (z.size() < atoms) {
    const Vec3 r{edge_ang * random.uniform(), edge_ang * random.uniform(), edge_ang * random.uniform()};
    bool free = true;
    for (const Vec3& other : frame.position_ang) free = free && norm(r - other) > 1.0;
    if (!free) continue;
    frame.position_ang.push_back(r);
    z.push_back(static_cast<std::uint8_t>(1 + z.size() % elements));
  }
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  frame.cell = Cell(Mat3{{Vec3{edge_ang, 0, 0}, Vec3{0.3 * edge_ang, edge_ang, 0}, Vec3{-0.2 * edge_ang, 0.1 * edge_ang, edge_ang}}});
  return frame;
}

Frame molecule(std::vector<std::uint8_t> z, std::vector<Vec3> positions) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  frame.position_ang = std::move(positions);
  return frame;
}

TEST(MatterSim, LayersAreUpstreams) {
  const json document = json::parse(std::ifstream(golden + "peers/models/mattersim_energies.json"));
  std::size_t compared = 0;
  for (const auto& [model, cases] : document.items()) {
    const MatterSim potential(read_published_model(std::filesystem::path(golden + "models/mattersim_small/" + model)), wide);
    for (const auto& one : cases) {
      if (!one.contains("atom_features")) continue;
      SCOPED_TRACE(model + " " + one.at("name").get<std::string>());
      std::vector<Vec3> positions;
      for (const auto& row : one.at("position_ang")) positions.push_back(vector_of(row));
      Frame frame = molecule(one.at("atomic_number").get<std::vector<std::uint8_t>>(), positions);
      if (!one.at("cell_ang").is_null()) {
        Mat3 rows;
        for (int k = 0; k < 3; ++k) rows[k] = vector_of(one.at("cell_ang").at(static_cast<std::size_t>(k)));
        frame.cell = Cell(rows);
      }
      Workspace workspace;
      evaluate_one(potential, frame, {.forces = false}, workspace);
      const MatterSim::Features found = MatterSim::features(workspace);
      const auto compare = [&](const std::vector<double>& values, const json& expected, std::size_t layer) {
        std::size_t k = 0;
        for (const auto& row : expected)
          for (const double value : row) {
            ASSERT_LT(k, values.size());
            EXPECT_NEAR(values[k], value, 1e-12 * (1 + std::abs(value))) << "layer " << layer << ", number " << k;
            ++k;
          }
        EXPECT_EQ(k, values.size());
        compared += k;
      };
      ASSERT_EQ(found.atoms.size(), one.at("atom_features").size());
      for (std::size_t t = 0; t < found.atoms.size(); ++t) compare(found.atoms[t], one.at("atom_features").at(t), t);
      compare(found.pair_sums, one.at("pair_feature_sums"), found.atoms.size());
    }
  }
  EXPECT_GT(compared, 1000u);
}

TEST(MatterSim, NeitherMemoryNorThreadsChangeABit) {
  const PublishedModel model = random_mattersim(4);
  const MatterSim keeps(model), repeats(model, {}, 0);
  const Frame frame = crystal(1, 40, 5, 9.0);
  const int threads = thread_count();
  set_thread_count(1);
  Workspace a, b, c;
  const Evaluation one = evaluate_one(keeps, frame, all, a), two = evaluate_one(repeats, frame, all, b);
  set_thread_count(2);
  const Evaluation three = evaluate_one(keeps, frame, all, c);
  set_thread_count(threads);
  for (const Evaluation* other : {&two, &three}) {
    EXPECT_EQ(one.energy_ev, other->energy_ev);
    for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_EQ(norm(one.force_ev_ang[i] - other->force_ev_ang[i]), 0) << i;
    for (int k = 0; k < 3; ++k) EXPECT_EQ(norm((*one.virial_ev)[k] - (*other->virial_ev)[k]), 0);
  }
}

TEST(MatterSim, Float32AgreesWithFloat64) {
  for (const char* const name : {"square.pth", "oblong.pth"}) {
    const PublishedModel model = read_published_model(std::filesystem::path(golden + "models/mattersim_small/" + name));
    const MatterSim narrow(model), exact(model, wide);
    EXPECT_EQ(narrow.precision(), Dtype::f32);
    const Frame frame = crystal(2);
    Workspace a, b;
    const Evaluation f = evaluate_one(narrow, frame, all, a), e = evaluate_one(exact, frame, all, b);
    EXPECT_NEAR(f.energy_ev, e.energy_ev, 2e-6 * std::abs(e.energy_ev));
    double largest = 0;
    for (const Vec3& force : e.force_ev_ang) largest = std::max(largest, norm(force));
    for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(f.force_ev_ang[i] - e.force_ev_ang[i]), 0, 2e-5 * largest);
  }
}

TEST(MatterSim, AnAtomAloneFeelsNothing) {
  const MatterSim potential(random_mattersim(5));
  Workspace workspace;
  const Evaluation found = evaluate_one(potential, molecule({6}, {{1, 2, 3}}), all, workspace);
  EXPECT_EQ(norm(found.force_ev_ang[0]), 0);
  EXPECT_EQ(found.atom_energy_ev[0], found.energy_ev);
  // Beyond the cutoff two atoms are two atoms alone.
  const Evaluation two = evaluate_one(potential, molecule({6, 6}, {{0, 0, 0}, {4.001, 0, 0}}), all, workspace);
  EXPECT_NEAR(two.energy_ev, 2 * found.energy_ev, 1e-12);
  EXPECT_EQ(norm(two.force_ev_ang[0]), 0);
}

TEST(MatterSim, NothingJumpsAtTheCutoffs) {
  const MatterSim potential(random_mattersim(6));
  Workspace workspace;
  // The third atom passes the cutoff of triples (3.4 Å), then that of pairs (4 Å).
  const auto at = [&](double x) { return evaluate_one(potential, molecule({6, 8, 1}, {{0, 0, 0}, {-1.2, 0.8, 0}, {x, 0, 0}}), all, workspace); };
  for (const double cutoff : {3.4, 4.0}) {
    const Evaluation before = at(cutoff - 1e-6), after = at(cutoff + 1e-6);
    EXPECT_NEAR(before.energy_ev, after.energy_ev, 1e-4);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(norm(before.force_ev_ang[i] - after.force_ev_ang[i]), 0, 1e-4);
  }
}

TEST(MatterSim, ForcesOfNearlyCollinearAtomsAreTheGradient) {
  const MatterSim potential(random_mattersim(7));
  Workspace workspace;
  for (const double bend : {0.0, 1e-5, 1e-2}) {
    Frame frame = molecule({6, 8, 8}, {{0, 0, 0}, {-1.2, 0, 0}, {1.3, bend, 0}});
    const Evaluation exact = evaluate_one(potential, frame, all, workspace);
    for (std::size_t i = 0; i < 3; ++i)
      for (int axis = 0; axis < 2; ++axis) {
        constexpr double h = 1e-6;
        const double kept = frame.position_ang[i][axis];
        const auto energy = [&](double shift) {
          frame.position_ang[i][axis] = kept + shift;
          return evaluate_one(potential, frame, {.forces = false}, workspace).energy_ev;
        };
        const double slope = (energy(h) - energy(-h)) / (2 * h);
        frame.position_ang[i][axis] = kept;
        EXPECT_NEAR(exact.force_ev_ang[i][axis], -slope, 1e-6 * (1 + std::abs(slope))) << bend << " " << i << axis;
      }
  }
}

TEST(MatterSim, RefusesWhatItIsNot) {
  EXPECT_THROW(MatterSim(random_mattersim(1), {.precision = Dtype::f16}), Error);
  EXPECT_THROW(MatterSim(random_mattersim(1), {.head = "PBE"}), Error);
  const MatterSim potential(random_mattersim(1, {.elements = 7}));
  Workspace workspace;
  EXPECT_THROW(evaluate_one(potential, molecule({8}, {{0, 0, 0}}), all, workspace), Error);
  EXPECT_THROW(evaluate_one(potential, molecule({1, 1}, {{0, 0, 0}, {0, 0, 0}}), all, workspace), Error);
  EXPECT_THROW(MatterSim::features(Workspace{}), Error);
}

// Three near pairs at right angles and one opposite: the sums by hand.
TEST(TripleGraph, SumsOverOtherNearPairs) {
  const Frame frame = molecule({1, 1, 1, 1}, {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {-1.5, 0, 0}});
  TripleGraph graph;
  build_triple_graph(build_neighbor_list(frame.cell, frame.position_ang, 2.0), 2.0, 1.2, graph);
  ASSERT_EQ(graph.first_near[1], 2u);  // of atom 0: 1 and 2
  std::vector<double> b(graph.near.size() * 2), s(b.size());
  for (std::size_t m = 0; m < graph.near.size(); ++m) {
    b[2 * m] = 2 + static_cast<double>(m);
    b[2 * m + 1] = 5 + static_cast<double>(m);
  }
  sum_triples(graph, 0, {2, 1}, b, s);
  const double y0 = 0.5 / std::sqrt(3.14159265358979);
  EXPECT_NEAR(s[0], y0 * b[2], 1e-12);
  EXPECT_NEAR(s[2], y0 * b[0], 1e-12);
  EXPECT_NEAR(s[1], 0, 1e-12);  // cos 90°
}

}  // namespace
}  // namespace saltus
