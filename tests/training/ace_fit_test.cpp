#include "saltus/training/ace_fit.hpp"

#include <cmath>
#include <filesystem>

#include <unistd.h>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/training/ace_design.hpp"

namespace saltus {
namespace {

/// Removes its folder at the end.
struct TemporaryFolder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("saltus_fit_test_" + std::to_string(::getpid()));
  TemporaryFolder() { std::filesystem::create_directories(path); }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

AceFitSettings small_settings() {
  AceFitSettings settings;
  settings.basis = {4.0, 4, 5, 4, 2, 3, 1};
  settings.gap_fs = 2;
  return settings;
}

/// Lithium and silicon without any coefficients.
AceParameters flat_model(const AceBasisSettings& basis, double closest_ang, double repulsion_end_ang) {
  AceParameters flat;
  flat.basis = basis;
  flat.elements = {3, 14};
  flat.reference_energy_ev = {0, 0};
  for (int k = 0; k < 4; ++k) {
    flat.radial.push_back(default_radial_pair(basis.cutoff_ang, closest_ang));
    flat.repulsion_end_ang.push_back(repulsion_end_ang);
  }
  flat.coefficient_ev.assign(2, std::vector<double>(make_ace_basis(basis, 2).size(), 0.0));
  return flat;
}

/// A bent lattice of lithium and silicon, rattled; labels from `truth`.
std::filesystem::path write_set(const std::filesystem::path& path, const Potential& truth, std::uint64_t seed, int frames, double rattle) {
  auto writer = create_trajectory(path);
  Random random(seed, 0);
  Workspace workspace;
  for (int k = 0; k < frames; ++k) {
    Frame frame;
    frame.cell = Cell(Mat3{{Vec3{5.2, 0, 0}, Vec3{0.3, 5.4, 0}, Vec3{0, 0.2, 5.6}}});
    std::vector<std::uint8_t> z;
    for (int a = 0; a < 2; ++a)
      for (int b = 0; b < 2; ++b)
        for (int c = 0; c < 2; ++c) {
          frame.position_ang.push_back(frame.cell.to_cartesian({a / 2.0, b / 2.0, c / 2.0}) +
                                       rattle * Vec3{random.normal(), random.normal(), random.normal()});
          z.push_back((a + b + c) % 2 ? 14 : 3);
        }
    frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
    frame.time_fs = k;
    frame.step = k;
    const Evaluation label = evaluate_one(truth, frame, {}, workspace);
    frame.energy_ev = label.energy_ev;
    frame.force_ev_ang = label.force_ev_ang;
    writer->write(frame);
  }
  writer->commit();
  return path;
}

/// A model with random coefficients whose radial functions are those that the fit will choose for the same data.
AceParameters random_truth(const AceParameters& shape, std::uint64_t seed) {
  AceParameters p = shape;
  Random random(seed, 0);
  const AceBasis basis = make_ace_basis(p.basis, 2);
  for (auto& coefficients : p.coefficient_ev)
    for (std::size_t f = 0; f < basis.size(); ++f) coefficients[f] = 0.3 * random.normal() / roughness(basis.function[f]);
  p.reference_energy_ev = {-2, -50};
  p.covariance_factor.clear();
  return p;
}

// Fitting the labels of a known ACE model must give back its energies and forces.
TEST(AceFit, RecoversAKnownModel) {
  TemporaryFolder folder;
  const AceFitSettings settings = small_settings();
  const AceParameters flat = flat_model(settings.basis, 1.9, 2.5);
  const auto positions_only = write_set(folder.path / "a.extxyz", AcePotential(flat), 1, 60, 0.12);
  // The fit's own radial functions for these positions: then the truth lies within its basis.
  AceParameters shape = fit_ace({{"a", positions_only, {}}}, {settings}, {}).parameters;
  const AcePotential truth(random_truth(shape, 2));
  const auto labelled = write_set(folder.path / "b.extxyz", truth, 1, 60, 0.12);
  const AceFit fit = fit_ace({{"b", labelled, {}}}, {settings}, {});
  ASSERT_EQ(fit.errors.size(), 3u);
  for (const SetErrors& e : fit.errors) {
    // Labels are exact; what is left is the bias of the ridge, small beside the size of the forces.
    EXPECT_LT(e.errors.forces.relative(), 0.02) << static_cast<int>(e.part);
    EXPECT_GT(e.errors.forces.reference_rms_ev_ang, 0.05);
    EXPECT_LT(e.errors.raw.rmse_ev_per_atom, 1e-3);
  }
  EXPECT_EQ(fit.parameters.metadata.at("stress_labels"), "none");

  // Same numbers with one thread.
  set_thread_count(1);
  const AceFit again = fit_ace({{"b", labelled, {}}}, {settings}, {});
  set_thread_count(0);
  EXPECT_EQ(again.parameters.coefficient_ev, fit.parameters.coefficient_ev);

  // The extrapolation measure: at most 1 on what was fitted, far above it for a strange configuration.
  const AcePotential potential(fit.parameters);
  Workspace workspace;
  Frame frame;
  auto reader = open_trajectory(labelled);
  reader->read_next(frame);
  for (const double g : evaluate_one(potential, frame, {.extrapolation = true}, workspace).extrapolation) EXPECT_LE(g, 1 + 1e-9);
  frame.position_ang[0] += Vec3{1.1, 0.4, 0.2};
  double largest = 0;
  for (const double g : evaluate_one(potential, frame, {.extrapolation = true}, workspace).extrapolation) largest = std::max(largest, g);
  EXPECT_GT(largest, 3);
}

// Labels of a three-body model: a basis that holds it must win on the validation blocks over one that does not, whatever the order given,
// and the model written is that of the winner alone.
TEST(AceFit, ValidationBlocksChooseAmongSettings) {
  TemporaryFolder folder;
  AceFitSettings base = small_settings();
  base.basis.body_order = 3;
  const AceParameters flat = flat_model(base.basis, 1.9, 2.5);
  const AcePotential truth(random_truth(flat, 4));
  const auto labelled = write_set(folder.path / "d.extxyz", truth, 6, 60, 0.12);
  const auto candidates = combinations(base, {.cutoff_ang = {3.0, 4.0}, .body_order = {2, 3}});
  ASSERT_EQ(candidates.size(), 4u);
  const AceFit fit = fit_ace({{"d", labelled, {}}}, candidates, {});
  ASSERT_EQ(fit.candidates.size(), 4u);
  const AceFitCandidate& chosen = fit.candidates[fit.chosen_candidate];
  EXPECT_EQ(chosen.settings.basis.body_order, 3);
  EXPECT_EQ(chosen.settings.basis.cutoff_ang, 4.0);
  for (const AceFitCandidate& other : fit.candidates) EXPECT_GE(other.chosen.valid_loss, chosen.chosen.valid_loss);
  EXPECT_EQ(fit_ace({{"d", labelled, {}}}, {chosen.settings}, {}).parameters.coefficient_ev, fit.parameters.coefficient_ev);
}

TEST(AceFit, CombinationsAreAllAndDistinct) {
  const auto all = combinations({}, {.body_order = {3, 4}, .degree_four_body = {4, 5}, .repulsion_reach = {1, 2}});
  EXPECT_EQ(all.size(), 6u);  // degree_four_body says nothing of body order 3
  EXPECT_EQ(combinations({}, {}).size(), 1u);
  EXPECT_THROW(combinations({}, {.degree_three_body = {1, 2, 3, 4, 5, 6, 7, 8, 9}, .l_max_three_body = {0, 1, 2, 3, 4, 5, 6, 7}}), Error);
}

// The rows are the derivatives of what the kernel sums up: rows · coefficients = energy and forces of that model.
TEST(AceDesign, RowsTimesCoefficientsAreTheModel) {
  TemporaryFolder folder;
  const AceParameters flat = flat_model(small_settings().basis, 2.0, 1.0);
  const std::size_t F = make_ace_basis(flat.basis, 2).size();
  const AcePotential base(flat);
  const AcePotential model(random_truth(flat, 5));
  const auto path = write_set(folder.path / "c.extxyz", model, 3, 1, 0.2);
  Frame frame;
  open_trajectory(path)->read_next(frame);
  const AceUnknowns unknowns{2, F};
  const std::size_t width = unknowns.count() + 1;
  std::vector<double> rows((1 + 3 * frame.size()) * width), functions(frame.size() * F), c(unknowns.count());
  ace_design_rows(base, frame, rows, functions);
  for (std::size_t s = 0; s < 2; ++s) {
    c[unknowns.constant(s)] = model.parameters().reference_energy_ev[s];
    for (std::size_t f = 0; f < F; ++f) c[unknowns.first_function(s) + f] = model.parameters().coefficient_ev[s][f];
  }
  for (std::size_t r = 0; r < 1 + 3 * frame.size(); ++r) {
    double sum = 0;
    for (std::size_t k = 0; k < c.size(); ++k) sum += rows[r * width + k] * c[k];
    EXPECT_NEAR(sum, rows[r * width + width - 1], 1e-9) << "row " << r;
  }
}

TEST(ReferenceEnergies, ExactForIndependentCompositionsAndSharedForDegenerateOnes) {
  const auto exact = reference_energies_ev({{1, 2}, {3, 1}, {2, 2}}, {-5, -5, -6}, 1e-12);  // e = (−1, −2)
  EXPECT_NEAR(exact[0], -1, 1e-6);
  EXPECT_NEAR(exact[1], -2, 1e-6);
  const auto shared = reference_energies_ev({{2, 2}, {2, 2}}, {-8, -8}, 1e-3);
  EXPECT_NEAR(shared[0], -2, 1e-9);
  EXPECT_NEAR(shared[1], -2, 1e-9);
}

TEST(LabelErrors, RawMeanAndCompositionAligned) {
  LabelErrorCollector collector;
  const auto add = [&](std::vector<std::uint8_t> z, double error) {
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
    frame.position_ang.assign(z.size(), Vec3{});
    frame.force_ev_ang.assign(z.size(), Vec3{1, 0, 0});
    frame.energy_ev = -10;
    Evaluation evaluation;
    evaluation.energy_ev = -10 + error;
    evaluation.force_ev_ang.assign(z.size(), Vec3{1, 0.3, 0});
    collector.add(frame, evaluation);
  };
  add({3, 3}, 0.2);        // 0.1 per lithium
  add({3, 14}, 0.4);       // and 0.3 per silicon
  add({3, 3, 14}, 0.5);
  const LabelErrors e = collector.finish();
  EXPECT_NEAR(e.composition_aligned.rmse_ev_per_atom, 0, 1e-7);
  EXPECT_NEAR(e.raw.mae_ev_per_atom, (0.1 + 0.2 + 0.5 / 3) / 3, 1e-12);
  EXPECT_GT(e.mean_aligned.rmse_ev_per_atom, 0.01);
  EXPECT_NEAR(e.forces.rmse_ev_ang, 0.3 / std::sqrt(3), 1e-12);
  EXPECT_NEAR(e.forces.relative(), 0.3, 1e-12);
  EXPECT_EQ(e.forces_of_element.at(14).components, 6u);
}

TEST(LabelErrors, StressIsMinusTheVirialOverTheVolume) {
  LabelErrorCollector collector;
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3}));
  frame.cell = Cell(Mat3{Vec3{2, 0, 0}, Vec3{0, 2, 0}, Vec3{0, 0, 5}});  // 20 Å³
  frame.position_ang = {{0, 0, 0}};
  frame.virial_ev = Mat3{Vec3{-2, 0, 4}, Vec3{0, 0, 0}, Vec3{4, 0, 0}};
  Evaluation evaluation;
  evaluation.virial_ev = Mat3{Vec3{-4, 0, 3}, Vec3{0, 0, 0}, Vec3{5, 0, 0}};  // the halves of an off-diagonal element need not be equal
  collector.add(frame, evaluation);
  const StressErrors stress = collector.finish().stress;
  EXPECT_EQ(stress.frames, 1u);
  EXPECT_NEAR(stress.rmse_ev_ang3, 0.1 / std::sqrt(6), 1e-15);
  EXPECT_NEAR(stress.mae_ev_ang3, 0.1 / 6, 1e-15);
  EXPECT_NEAR(stress.reference_rms_ev_ang3, std::sqrt((0.01 + 0.04) / 6), 1e-15);
  frame.virial_ev.reset();
  collector.add(frame, evaluation);
  EXPECT_EQ(collector.finish().stress.frames, 1u);
}

TEST(LabelErrors, CosineLeavesAtomsWithoutForceOut) {
  LabelErrorCollector collector;
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3, 3, 14}));
  frame.position_ang.assign(3, Vec3{});
  frame.force_ev_ang = {{1, 0, 0}, {0, 0, 0}, {0, 2, 0}};
  Evaluation evaluation;
  evaluation.force_ev_ang = {{3, 0, 0}, {1, 1, 1}, {0, 1, 1}};
  collector.add(frame, evaluation);
  const LabelErrors e = collector.finish();
  EXPECT_NEAR(e.forces.cosine, (1 + std::sqrt(0.5)) / 2, 1e-15);
  EXPECT_NEAR(e.forces_of_element.at(3).cosine, 1, 1e-15);
}

TEST(AceFit, RefusesUnlabelledFrames) {
  TemporaryFolder folder;
  auto writer = create_trajectory(folder.path / "u.extxyz");
  for (int k = 0; k < 20; ++k) {
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of({3}));
    frame.position_ang = {{0, 0, 0}};
    frame.time_fs = k;
    writer->write(frame);
  }
  writer->commit();
  try {
    fit_ace({{"u", folder.path / "u.extxyz", {}}}, {small_settings()}, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_NE(std::string(error.what()).find("frame 1"), std::string::npos);
  }
}

}  // namespace
}  // namespace saltus
