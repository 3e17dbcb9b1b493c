// GRACE of one and two layers against upstream's own code in float64: tests/golden/models/grace/make.py.
#include "saltus/potentials/grace.hpp"

#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/potentials/load.hpp"

namespace saltus {
namespace {

#define FOLDER SALTUS_SOURCE_DIR "/tests/golden/models/grace/"

const Want all{.forces = true, .virial = true, .atom_energies = true};

const nlohmann::json& expected() {
  static const nlohmann::json json = nlohmann::json::parse(read_file(FOLDER "expected.json"));
  return json;
}

Frame frame_of(const nlohmann::json& json) {
  Frame frame;
  std::vector<std::uint8_t> z;
  for (const std::string symbol : json.at("elements")) z.push_back(*atomic_number_of(symbol));
  const auto row = [](const nlohmann::json& r) { return Vec3{r[0], r[1], r[2]}; };
  for (const auto& r : json.at("position_ang")) frame.position_ang.push_back(row(r));
  const auto& cell = json.at("cell_ang");
  frame.cell = Cell(Mat3{{row(cell[0]), row(cell[1]), row(cell[2])}});
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  return frame;
}

const nlohmann::json& named(const std::string& name) {
  for (const auto& frame : expected().at("frames"))
    if (frame.at("name") == name) return frame;
  throw std::runtime_error(name);
}

// Upstream has √(r² + 10⁻¹⁰) for r; forces and virials there are differences of energies. Our radial functions are tables.
TEST(Grace, EnergiesForcesAndVirialsOfUpstream) {
  for (const char* model : {"one_layer", "two_layers"}) {
    const auto potential = load_potential(std::string(FOLDER) + model + ".npz");
    EXPECT_EQ(potential->info().elements, (std::vector<std::uint8_t>{3, 8, 14}));
    Workspace workspace;
    for (const auto& want : expected().at("models").at(model)) {
      const Frame frame = frame_of(named(want.at("frame")));
      const Evaluation found = evaluate_one(*potential, frame, all, workspace);
      for (std::size_t i = 0; i < frame.size(); ++i) {
        EXPECT_NEAR(found.atom_energy_ev[i], want.at("atom_energy_ev")[i].get<double>(), 1e-8) << model << " " << want.at("frame") << " " << i;
        for (int axis = 0; axis < 3; ++axis)
          EXPECT_NEAR(found.force_ev_ang[i][axis], want.at("force_ev_ang")[i][static_cast<std::size_t>(axis)].get<double>(), 2e-6) << model << " " << want.at("frame") << " " << i;
      }
      constexpr int row[6] = {0, 1, 2, 0, 0, 1}, column[6] = {0, 1, 2, 1, 2, 2};
      for (int k = 0; k < 6; ++k)
        EXPECT_NEAR((*found.virial_ev)[row[k]][column[k]], want.at("virial_ev")[static_cast<std::size_t>(k)].get<double>(), 2e-5) << model << " " << want.at("frame") << " " << k;
    }
  }
}

TEST(Grace, ForcesAreTheGradientThroughTheCutoffToo) {
  for (const char* model : {"one_layer", "two_layers"}) {
    const auto potential = load_potential(std::string(FOLDER) + model + ".npz");
    Frame pair;
    pair.atoms = std::make_shared<const Atoms>(atoms_of({3, 14}));
    Workspace workspace;
    const auto energy = [&](double r) {
      pair.position_ang = {{0, 0, 0}, {0.6 * r, 0, 0.8 * r}};
      return evaluate_one(*potential, pair, all, workspace);
    };
    double alone = 0;
    for (const std::uint8_t z : {std::uint8_t{3}, std::uint8_t{14}}) {
      Frame one;
      one.atoms = std::make_shared<const Atoms>(atoms_of({z}));
      one.position_ang = {{1, 1, 1}};
      const Evaluation e = evaluate_one(*potential, one, all, workspace);
      EXPECT_EQ(norm(e.force_ev_ang[0]), 0);
      alone += e.energy_ev;
    }
    EXPECT_NEAR(energy(4.6).energy_ev, alone, 1e-12);
    EXPECT_NEAR(energy(4.4999).energy_ev, alone, 1e-6);
    for (const double r : {1.1, 2.3, 3.9, 4.47}) {
      const Evaluation e = energy(r);
      const double slope = (energy(r + 1e-5).energy_ev - energy(r - 1e-5).energy_ev) / 2e-5;
      EXPECT_NEAR(0.6 * e.force_ev_ang[0].x + 0.8 * e.force_ev_ang[0].z, slope, 1e-6 * std::max(1.0, std::abs(slope))) << model << " " << r;
      EXPECT_NEAR(e.force_ev_ang[0].y, 0, 1e-10);
    }
  }
}

TEST(Grace, RotationRepetitionBatchAndErrors) {
  const auto potential = load_potential(FOLDER "two_layers.npz");
  Workspace workspace;
  const Frame frame = frame_of(named("skewed"));
  const Evaluation one = evaluate_one(*potential, frame, all, workspace);
  // z → x → y: axes change places.
  Frame turned = frame;
  const auto turn = [](const Vec3& v) { return Vec3{v.z, v.x, v.y}; };
  Mat3 rows = frame.cell.rows_ang();
  for (int k = 0; k < 3; ++k) rows[k] = turn(rows[k]);
  turned.cell = Cell(rows);
  for (Vec3& r : turned.position_ang) r = turn(r);
  const Evaluation other = evaluate_one(*potential, turned, all, workspace);
  EXPECT_NEAR(other.energy_ev, one.energy_ev, 1e-9);
  for (std::size_t i = 0; i < frame.size(); ++i) EXPECT_NEAR(norm(other.force_ev_ang[i] - turn(one.force_ev_ang[i])), 0, 1e-9);
  Vec3 sum;
  for (const Vec3& f : one.force_ev_ang) sum += f;
  EXPECT_NEAR(norm(sum), 0, 1e-9);
  Frame twice = frame;
  Atoms atoms = *frame.atoms;
  rows = frame.cell.rows_ang();
  for (std::size_t i = 0; i < frame.size(); ++i) {
    twice.position_ang.push_back(frame.position_ang[i] + rows[1]);
    atoms.atomic_number.push_back(frame.atoms->atomic_number[i]);
    atoms.mass_amu.push_back(frame.atoms->mass_amu[i]);
  }
  twice.atoms = std::make_shared<const Atoms>(atoms);
  rows[1] = 2.0 * rows[1];
  twice.cell = Cell(rows);
  EXPECT_NEAR(evaluate_one(*potential, twice, all, workspace).energy_ev, 2 * one.energy_ev, 1e-9);
  std::vector<Vec3> positions = frame.position_ang;
  positions.insert(positions.end(), frame.position_ang.begin(), frame.position_ang.end());
  const std::vector<Cell> cells(2, frame.cell);
  std::vector<Evaluation> both(2);
  potential->evaluate({frame.atoms.get(), cells, positions}, all, workspace, both);
  for (const Evaluation& e : both) EXPECT_EQ(e.energy_ev, one.energy_ev);
  Frame iron;
  iron.atoms = std::make_shared<const Atoms>(atoms_of({26}));
  iron.position_ang = {{0, 0, 0}};
  EXPECT_THROW(evaluate_one(*potential, iron, all, workspace), Error);
}

TEST(Grace, DamagedFilesAreRefused) {
  const std::string good = read_file(FOLDER "one_layer.npz");
  for (std::size_t cut = 0; cut < good.size(); cut += 1999)
    EXPECT_THROW(read_grace_model(std::string_view(good).substr(0, cut), "cut"), Error) << cut;
  std::string bad = good;
  for (std::size_t k = 100; k < bad.size(); k += 501) {
    bad[k] = static_cast<char>(bad[k] ^ 0x55);
    try {  // bytes that do not matter, of dates, may change
      read_grace_model(bad, "bad");
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::format || error.kind() == ErrorKind::unsupported) << error.what();
    }
    bad[k] = good[k];
  }
  EXPECT_FALSE(is_grace_file(FOLDER "make.py"));
  EXPECT_TRUE(is_grace_file(FOLDER "two_layers.npz"));
}

}  // namespace
}  // namespace saltus
