// SevenNet, MACE and MatterSim against upstream's own code in float64: tests/golden/peers/models/energies.py.
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/models/published_model.hpp"
#include "saltus/potentials/load.hpp"

namespace saltus {
namespace {

using nlohmann::json;


Vec3 vector_of(const json& row) { return {row.at(0), row.at(1), row.at(2)}; }

/// Of models whose file holds float64, or float32.
struct Tolerance {
  double wide, narrow;
};

/// Every case of every model of a document.
void check(const std::string& models, const std::string& document, Tolerance energies, Tolerance forces, bool exact) {
  std::ifstream file(SALTUS_SOURCE_DIR "/tests/golden/peers/models/" + document);
  const json cases_of = json::parse(file);
  ASSERT_FALSE(cases_of.empty());
  for (const auto& [model, cases] : cases_of.items()) {
    SCOPED_TRACE(model);
    std::set<std::string> heads;
    for (const auto& one : cases) heads.insert(one.at("head").get<std::string>());
    for (const std::string& head : heads) {
      NetworkSettings settings{.precision = Dtype::f64, .exact_radial = exact, .head = {}};
      if (heads.size() > 1) settings.head = head;
      const std::filesystem::path path = std::filesystem::path(SALTUS_SOURCE_DIR "/tests/golden/models") / models / model;
      const bool wide = read_published_model(path).dtype == Dtype::f64;
      const double energy_tolerance = wide ? energies.wide : energies.narrow, force_tolerance = wide ? forces.wide : forces.narrow;
      const auto potential = load_potential(path, settings);
      Workspace workspace;
      for (const auto& one : cases) {
        if (one.at("head") != head) continue;
        SCOPED_TRACE(head + " " + one.at("name").get<std::string>());
        Frame frame;
        frame.atoms = std::make_shared<const Atoms>(atoms_of(one.at("atomic_number").get<std::vector<std::uint8_t>>()));
        for (const auto& row : one.at("position_ang")) frame.position_ang.push_back(vector_of(row));
        const bool periodic = !one.at("cell_ang").is_null();
        Mat3 rows;
        if (periodic) {
          for (int k = 0; k < 3; ++k) rows[k] = vector_of(one.at("cell_ang").at(static_cast<std::size_t>(k)));
          frame.cell = Cell(rows);
        }
        const Evaluation found = evaluate_one(*potential, frame, {.forces = true, .virial = true, .atom_energies = true, .extrapolation = false}, workspace);
        const double atoms = static_cast<double>(frame.size()), size = 1 + std::abs(one.at("energy_ev").get<double>()) / atoms;
        EXPECT_NEAR(found.energy_ev, one.at("energy_ev").get<double>(), energy_tolerance * atoms * size);
        double largest = 1;
        for (const auto& row : one.at("force_ev_ang")) largest = std::max(largest, norm(vector_of(row)));
        for (std::size_t i = 0; i < frame.size(); ++i) {
          EXPECT_NEAR(found.atom_energy_ev[i], one.at("atom_energy_ev").at(i).get<double>(), energy_tolerance * size * 10);
          EXPECT_NEAR(norm(found.force_ev_ang[i] - vector_of(one.at("force_ev_ang").at(i))), 0, force_tolerance * largest) << i;
        }
        if (!periodic) continue;
        const double volume = std::abs(determinant(rows));
        for (int k = 0; k < 3; ++k)
          EXPECT_NEAR(norm((-1 / volume) * (*found.virial_ev)[k] - vector_of(one.at("stress_ev_ang3").at(static_cast<std::size_t>(k)))), 0, force_tolerance * largest);
      }
    }
  }
}

// Rounding of float64 through some 10⁵ operations; in files of float32 the radial networks' fan-in is rounded to float32, in upstream's
// evaluation in float64 it is not.
TEST(Upstream, SevenNetExactly) { check("sevennet_small", "sevennet_energies.json", {1e-7, 1e-7}, {1e-7, 1e-7}, true); }
TEST(Upstream, MaceExactly) { check("mace", "mace_energies.json", {1e-11, 1e-8}, {1e-10, 2e-7}, true); }
// The tables' tolerance, 1e-9 of the largest weight, in every layer.
TEST(Upstream, SevenNetByTables) { check("sevennet_small", "sevennet_energies.json", {1e-7, 1e-7}, {1e-6, 1e-6}, false); }
TEST(Upstream, MaceByTables) { check("mace", "mace_energies.json", {1e-7, 1e-7}, {1e-6, 1e-6}, false); }

// No radial tables: rounding alone, of networks without normalisation.
TEST(Upstream, MatterSim) { check("mattersim_small", "mattersim_energies.json", {1e-11, 1e-11}, {1e-9, 1e-9}, false); }

}  // namespace
}  // namespace saltus
