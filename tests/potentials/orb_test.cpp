// ORB against its own code in float64 (tests/golden/peers/models/small_orb.py), and against itself.
#include "saltus/potentials/orb.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/potentials/load.hpp"

namespace saltus {
namespace {

using nlohmann::json;

const std::filesystem::path folder = SALTUS_SOURCE_DIR "/tests/golden/models/orb";
constexpr const char* conservative = "orb-small-conservative-inf-v3.ckpt";
constexpr const char* few_neighbors = "orb-small-conservative-20-v3.ckpt";
constexpr const char* direct = "orb-small-direct-inf-v3.ckpt";
constexpr const char* second = "orb-small-v2.ckpt";

Orb load(const char* file, Dtype precision = Dtype::f64) { return Orb(read_published_model(folder / file), {.precision = precision}); }

Vec3 vector_of(const json& row) { return {row.at(0), row.at(1), row.at(2)}; }

Frame frame_of(const json& one) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(one.at("atomic_number").get<std::vector<std::uint8_t>>()));
  for (const auto& row : one.at("position_ang")) frame.position_ang.push_back(vector_of(row));
  if (one.at("cell_ang").is_null()) return frame;
  Mat3 rows;
  for (int k = 0; k < 3; ++k) rows[k] = vector_of(one.at("cell_ang").at(static_cast<std::size_t>(k)));
  frame.cell = Cell(rows);
  return frame;
}

json golden() {
  std::ifstream file(SALTUS_SOURCE_DIR "/tests/golden/peers/models/orb_energies.json");
  return json::parse(file);
}

Frame case_named(const json& document, const char* model, const std::string& name) {
  for (const auto& one : document.at(model))
    if (one.at("name") == name) return frame_of(one);
  throw std::runtime_error("no case " + name);
}

void expect_all_near(const std::vector<double>& found, const json& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], expected.at(k).get<double>(), tolerance) << k;
}

class OrbUpstream : public testing::TestWithParam<const char*> {};

TEST_P(OrbUpstream, LayersEnergiesForcesAndStresses) {
  const json document = golden();
  const Orb potential = load(GetParam());
  Workspace workspace;
  for (const auto& one : document.at(GetParam())) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const Frame frame = frame_of(one);
    const auto n = static_cast<double>(frame.size());
    const std::vector<OrbFeatures> features = potential.features(frame);
    const json& layers = one.at("layers");
    ASSERT_GE(features.size(), layers.size());
    for (std::size_t k = 0; k < layers.size(); ++k) {
      SCOPED_TRACE(k);
      const OrbFeatures& own = features[features.size() - layers.size() + k];
      expect_all_near(own.atom, layers[k].at("atom"), 1e-10);
      if (layers[k].at("edge_mean").empty()) continue;
      expect_all_near(own.edge_mean, layers[k].at("edge_mean"), 1e-10);
      expect_all_near(own.edge_mean_square, layers[k].at("edge_mean_square"), 1e-9);
    }
    const Evaluation found = evaluate_one(potential, frame, {.forces = true, .virial = true}, workspace);
    const double energy = one.at("energy_ev");
    EXPECT_NEAR(found.energy_ev, energy, 1e-9 * n * (1 + std::abs(energy) / n));
    double largest = 1;
    for (const auto& row : one.at("force_ev_ang")) largest = std::max(largest, norm(vector_of(row)));
    for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(found.force_ev_ang[i] - vector_of(one.at("force_ev_ang").at(i))), 0, 1e-9 * largest) << i;
    EXPECT_TRUE(found.atom_energy_ev.empty());
    if (one.at("stress_ev_ang3").is_null()) continue;
    ASSERT_TRUE(found.virial_ev);
    constexpr int row[6] = {0, 1, 2, 1, 0, 0}, column[6] = {0, 1, 2, 2, 2, 1};
    for (std::size_t k = 0; k < 6; ++k)
      EXPECT_NEAR(-(*found.virial_ev)[row[k]][column[k]] / frame.cell.volume_ang3(), one.at("stress_ev_ang3").at(k).get<double>(), 1e-9 * largest) << k;
  }
}
INSTANTIATE_TEST_SUITE_P(All, OrbUpstream, testing::Values(conservative, few_neighbors, direct, second), [](const auto& one) {
  std::string name = one.param;
  std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
  return name;
});

TEST(Orb, SaysWhetherForcesAreConservative) {
  EXPECT_TRUE(load(conservative).info().conservative);
  EXPECT_FALSE(load(direct).info().conservative);
  EXPECT_FALSE(load(second).info().conservative);
}

TEST(Orb, ForcesAndVirialAreDerivatives) {
  const json document = golden();
  const Orb potential = load(conservative);
  for (const char* const name : {"molecule", "skewed"}) {
    SCOPED_TRACE(name);
    Frame frame = case_named(document, conservative, name);
    Workspace workspace;
    const Evaluation at = evaluate_one(potential, frame, {.forces = true, .virial = true}, workspace);
    const double h = 1e-4;
    const auto energy = [&](const Frame& f) { return evaluate_one(potential, f, {.forces = false}, workspace).energy_ev; };
    for (std::size_t i = 0; i < frame.size(); ++i)
      for (int a = 0; a < 3; ++a) {
        Frame up = frame, down = frame;
        up.position_ang[i][a] += h;
        down.position_ang[i][a] -= h;
        EXPECT_NEAR(at.force_ev_ang[i][a], -(energy(up) - energy(down)) / (2 * h), 2e-6 * (1 + std::abs(at.force_ev_ang[i][a])));
      }
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b <= a; ++b) {
        const auto strained = [&](double e) {
          Mat3 strain = Mat3::identity();
          strain[a][b] += 0.5 * e;
          strain[b][a] += 0.5 * e;
          Frame f = frame;
          for (Vec3& r : f.position_ang) r = r * strain;
          if (f.cell.any_periodic()) f.cell = Cell(f.cell.rows_ang() * strain);
          return energy(f);
        };
        EXPECT_NEAR((*at.virial_ev)[a][b], -(strained(h) - strained(-h)) / (2 * h), 2e-6 * (1 + std::abs((*at.virial_ev)[a][b])));
      }
  }
}

TEST(Orb, SlopesComputedAgainAreTheSame) {
  const json document = golden();
  const Orb kept = load(conservative), again(read_published_model(folder / conservative), {.precision = Dtype::f64}, 0);
  for (const char* const name : {"molecule", "crystal"}) {
    const Frame frame = case_named(document, conservative, name);
    Workspace a, b;
    const Evaluation one = evaluate_one(kept, frame, {.forces = true, .virial = true}, a), two = evaluate_one(again, frame, {.forces = true, .virial = true}, b);
    EXPECT_EQ(one.energy_ev, two.energy_ev);
    EXPECT_EQ(one.force_ev_ang, two.force_ev_ang);
    EXPECT_EQ(one.virial_ev, two.virial_ev);
  }
}

TEST(Orb, OneWorkspaceServesAnyConfiguration) {
  const json document = golden();
  const Orb potential = load(conservative);
  Workspace workspace;
  for (const char* const name : {"crystal", "alone", "molecule", "skewed", "crystal"}) {
    const Frame frame = case_named(document, conservative, name);
    Workspace fresh;
    const Evaluation one = evaluate_one(potential, frame, {.forces = true, .virial = true}, workspace), two = evaluate_one(potential, frame, {.forces = true, .virial = true}, fresh);
    EXPECT_EQ(one.energy_ev, two.energy_ev);
    EXPECT_EQ(one.force_ev_ang, two.force_ev_ang);
  }
}

TEST(Orb, SinglePrecisionAgrees) {
  const json document = golden();
  for (const char* const file : {conservative, direct, second}) {
    const Orb wide = load(file), narrow = load(file, Dtype::f32);
    const Frame frame = case_named(document, file, "crystal");
    Workspace a, b;
    const Evaluation w = evaluate_one(wide, frame, {.forces = true, .virial = true}, a), n = evaluate_one(narrow, frame, {.forces = true, .virial = true}, b);
    EXPECT_NEAR(w.energy_ev, n.energy_ev, 1e-5 * static_cast<double>(frame.size()));
    for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(w.force_ev_ang[i] - n.force_ev_ang[i]), 0, 1e-4);
  }
}

TEST(Orb, TheNumberOfThreadsDoesNotMatter) {
  const json document = golden();
  const Orb potential = load(conservative, Dtype::f32);
  const Frame frame = case_named(document, conservative, "crystal");
  Workspace a, b;
  set_thread_count(1);
  const Evaluation one = evaluate_one(potential, frame, {.forces = true, .virial = true}, a);
  set_thread_count(2);
  const Evaluation two = evaluate_one(potential, frame, {.forces = true, .virial = true}, b);
  set_thread_count(0);
  EXPECT_EQ(one.energy_ev, two.energy_ev);
  EXPECT_EQ(one.force_ev_ang, two.force_ev_ang);
}

TEST(Orb, PermutationTranslationAndLatticeVectors) {
  const json document = golden();
  const Orb potential = load(conservative);
  const Frame frame = case_named(document, conservative, "crystal");
  Workspace workspace;
  const Evaluation before = evaluate_one(potential, frame, {.forces = true}, workspace);
  Frame moved = frame;
  std::vector<std::uint8_t> z(frame.atoms->atomic_number.rbegin(), frame.atoms->atomic_number.rend());
  moved.atoms = std::make_shared<const Atoms>(atoms_of(z));
  std::reverse(moved.position_ang.begin(), moved.position_ang.end());
  for (std::size_t i = 0; i < moved.size(); ++i) moved.position_ang[i] += Vec3{0.3, -1.2, 5.5} + (i % 2 ? frame.cell.rows_ang()[1] : Vec3{});
  const Evaluation after = evaluate_one(potential, moved, {.forces = true}, workspace);
  EXPECT_NEAR(after.energy_ev, before.energy_ev, 1e-9);
  Vec3 sum;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    EXPECT_NEAR(norm(after.force_ev_ang[frame.size() - 1 - i] - before.force_ev_ang[i]), 0, 1e-9);
    sum += before.force_ev_ang[i];
  }
  EXPECT_NEAR(norm(sum), 0, 1e-10);
}

TEST(Orb, OneAtomHasItsReferenceEnergyAndAMean) {
  const Orb potential = load(conservative);
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3}));
  frame.position_ang = {{1, 2, 3}};
  Workspace workspace;
  const Evaluation found = evaluate_one(potential, frame, {.forces = true, .virial = true}, workspace);
  EXPECT_TRUE(std::isfinite(found.energy_ev));
  EXPECT_EQ(found.force_ev_ang[0], Vec3{});
}

TEST(Orb, DirectForcesOfAMoleculeHaveNoTorque) {
  const json document = golden();
  const PublishedModel model = [] {
    PublishedModel m = read_published_model(folder / direct);
    std::get<OrbModel>(m.architecture).repulsion.reset();
    m.tensors.tensors.at("forces.mean").bytes.assign(4, '\0');
    return m;
  }();
  const Orb potential(model, {.precision = Dtype::f64});
  for (const char* const name : {"molecule", "line"}) {
    const Frame frame = case_named(document, direct, name);
    Workspace workspace;
    const Evaluation found = evaluate_one(potential, frame, {.forces = true}, workspace);
    Vec3 force, torque;
    for (std::size_t i = 0; i < frame.size(); ++i) {
      force += found.force_ev_ang[i];
      torque += cross(frame.position_ang[i], found.force_ev_ang[i]);
    }
    EXPECT_GT(norm(found.force_ev_ang[0]), 1e-3);
    EXPECT_NEAR(norm(force), 0, 1e-12);
    EXPECT_NEAR(norm(torque), 0, 1e-12);
  }
}

TEST(Orb, UnknownElementsAndHeadsAreRefused) {
  EXPECT_THROW(load_potential(folder / conservative, {.head = "pbe"}), Error);
  const Orb potential = load(conservative);
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({118}));
  frame.position_ang = {{0, 0, 0}};
  Workspace workspace;
  EXPECT_THROW(evaluate_one(potential, frame, {}, workspace), Error);
}

/// Neighbours of atom 0 on the corners of an octahedron at 2 Å, one of them a little nearer, in any order of the atoms.
TEST(OrbGraph, TiesGoByAtomWhateverTheRounding) {
  const std::vector<Vec3> corner{{2, 0, 0}, {-2, 0, 0}, {0, 2, 0}, {0, -2, 0}, {0, 0, 2}, {0, 0, -1.9}};
  for (const double shift : {0.0, 1e-9, 123.456}) {
    std::vector<Vec3> position{{0, 0, 0}};
    position.insert(position.end(), corner.begin(), corner.end());
    for (Vec3& r : position) r += {shift, -0.7 * shift, 0.1 * shift};
    OrbGraph graph;
    build_orb_graph(build_neighbor_list(Cell(), position, 2.5), 2.5, 3, graph);
    ASSERT_EQ(graph.first[1], 3u);
    EXPECT_EQ(std::vector(graph.receiver.begin(), graph.receiver.begin() + 3), (std::vector<std::uint32_t>{6, 1, 2}));
    build_orb_graph(build_neighbor_list(Cell(), position, 2.5), 2.5, 6, graph);
    EXPECT_EQ(graph.first[1], 6u);
  }
}

TEST(OrbGraph, ImagesOfOneAtomGoByTheirVectors) {
  const Cell cell(Mat3{{Vec3{2, 0, 0}, Vec3{0, 2, 0}, Vec3{0, 0, 2}}});
  OrbGraph graph;
  const std::vector<Vec3> position{{0.3, 0.4, 0.5}};
  build_orb_graph(build_neighbor_list(cell, position, 2.5), 2.5, 2, graph);
  ASSERT_EQ(graph.edges(), 2u);
  EXPECT_NEAR(norm(graph.vector_ang[0] - Vec3{-2, 0, 0}), 0, 1e-12);
  EXPECT_NEAR(norm(graph.vector_ang[1] - Vec3{0, -2, 0}), 0, 1e-12);
  EXPECT_EQ(graph.received_first.back(), 2u);
}

}  // namespace
}  // namespace saltus
