// MACE against upstream's predictions on the solvent clusters beside the models (float64).
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/potentials/mace.hpp"

namespace saltus {
namespace {

#define MODELS SALTUS_SOURCE_DIR "/tests/golden/models/mace/"

struct Reference {
  Frame frame;
  double energy_ev = 0;
  std::vector<Vec3> force_ev_ang;
};

/// The frames with upstream's MACE_energy and MACE_forces; columns are found by Properties.
std::vector<Reference> references() {
  std::ifstream file(MODELS "imagdau_solvent_train_20.xyz");
  std::vector<Reference> result;
  for (std::string line; std::getline(file, line);) {
    const std::size_t atoms = std::stoul(line);
    std::string comment;
    std::getline(file, comment);
    const auto value = [&](const std::string& key) {
      const std::size_t at = comment.find(key + "=") + key.size() + 1;
      return comment.substr(at, comment.find(' ', at) - at);
    };
    std::map<std::string, std::size_t> first;
    std::size_t column = 0;
    std::istringstream properties(value("Properties"));
    for (std::string name, type, width; std::getline(properties, name, ':') && std::getline(properties, type, ':') && std::getline(properties, width, ':');) {
      first[name] = column;
      column += std::stoul(width);
    }
    Reference reference;
    reference.energy_ev = std::stod(value("MACE_energy"));
    std::vector<std::uint8_t> z;
    for (std::size_t i = 0; i < atoms; ++i) {
      std::getline(file, line);
      std::istringstream words(line);
      std::vector<std::string> word;
      for (std::string w; words >> w;) word.push_back(w);
      const auto vector = [&](std::size_t k) { return Vec3{std::stod(word.at(k)), std::stod(word.at(k + 1)), std::stod(word.at(k + 2))}; };
      z.push_back(static_cast<std::uint8_t>(*atomic_number_of(word.at(first.at("species")))));
      reference.frame.position_ang.push_back(vector(first.at("pos")));
      reference.force_ev_ang.push_back(vector(first.at("MACE_forces")));
    }
    reference.frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
    result.push_back(reference);
  }
  return result;
}

TEST(Mace, SolventFramesExactly) {
  const Mace exact(read_published_model(MODELS "imagdau_mace01_swa.model"), {.precision = {}, .exact_radial = true, .head = {}});
  EXPECT_EQ(exact.precision(), Dtype::f64);
  const auto frames = references();
  ASSERT_EQ(frames.size(), 20u);
  Workspace workspace;
  for (const Reference& reference : frames) {
    const Evaluation found = evaluate_one(exact, reference.frame, {}, workspace);
    EXPECT_NEAR(found.energy_ev, reference.energy_ev, 1e-9);
    for (std::size_t i = 0; i < reference.frame.size(); ++i)
      EXPECT_NEAR(norm(found.force_ev_ang[i] - reference.force_ev_ang[i]), 0, 1e-7);  // the text has eight decimals
  }
}

TEST(Mace, SolventFramesByTablesAndInFloat32) {
  const PublishedModel model = read_published_model(MODELS "imagdau_mace01_swa.model");
  const Mace table(model), narrow(model, {.precision = Dtype::f32, .exact_radial = false, .head = {}});
  Workspace workspace, other;
  for (const Reference& reference : references()) {
    const auto atoms = static_cast<double>(reference.frame.size());
    const Evaluation found = evaluate_one(table, reference.frame, {}, workspace), rough = evaluate_one(narrow, reference.frame, {}, other);
    EXPECT_NEAR(found.energy_ev, reference.energy_ev, 1e-8 * atoms);
    EXPECT_NEAR(rough.energy_ev, reference.energy_ev, 1e-5 * atoms);
    for (std::size_t i = 0; i < reference.frame.size(); ++i) {
      EXPECT_NEAR(norm(found.force_ev_ang[i] - reference.force_ev_ang[i]), 0, 1e-7);
      EXPECT_NEAR(norm(rough.force_ev_ang[i] - reference.force_ev_ang[i]), 0, 1e-4);
    }
  }
}

TEST(Mace, IsolatedAtomsHaveTheirReferenceEnergies) {
  const Mace potential(read_published_model(MODELS "MACE_SPICE.model"), {.precision = Dtype::f64, .exact_radial = false, .head = {}});
  const std::vector<std::uint8_t> elements{1, 3, 6, 7, 8, 9, 11, 12, 15, 16, 17, 19, 20, 35, 53};
  EXPECT_EQ(potential.info().elements, elements);
  const double energy[] = {-16.342691,   -199.324844,  -1037.609497, -1490.690918,  -2048.263916,  -2718.468262,  -4412.176270, -5425.063965,
                           -9291.145508, -10836.945313, -12524.333984, -16322.230469, -18422.808594, -70046.4375, -8103.181152};
  Workspace workspace;
  for (std::size_t k = 0; k < elements.size(); ++k) {
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of({elements[k]}));
    frame.position_ang = {{0.1, 0.2, 0.3}};
    const Evaluation found = evaluate_one(potential, frame, {}, workspace);
    EXPECT_NEAR(found.energy_ev, energy[k], 1e-6 * std::abs(energy[k]));  // float32 in the file, printed to six decimals
    EXPECT_EQ(norm(found.force_ev_ang[0]), 0);
  }
}

}  // namespace
}  // namespace saltus
