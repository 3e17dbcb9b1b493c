// Every variant of the architectures as it is trained, against the native kernels, which upstream's codes were compared with.
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "models.hpp"
#include "saltus/potentials/mace.hpp"
#include "saltus/potentials/mattersim.hpp"
#include "saltus/potentials/sevennet.hpp"
#include "tests/potentials/ace_model.hpp"
#include "tests/potentials/network_models.hpp"

namespace {

using namespace saltus;
using namespace saltus::training;

struct Variant {
  std::string name;
  PublishedModel (*make)();
  std::optional<std::string> head = {};  ///< the second of several
};

void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

class TrainedVariant : public testing::TestWithParam<Variant> {};

TEST_P(TrainedVariant, IsWhatTheKernelsEvaluate) {
  const PublishedModel model = GetParam().make();
  const NetworkSettings settings{.precision = Dtype::f64, .exact_radial = true, .head = GetParam().head};
  std::unique_ptr<Potential> native;
  if (std::holds_alternative<SevenNetModel>(model.architecture)) {
    native = std::make_unique<SevenNet>(model, settings);
  } else if (std::holds_alternative<MatterSimModel>(model.architecture)) {
    native = std::make_unique<MatterSim>(model, settings);
  } else {
    native = std::make_unique<Mace>(model, settings);
  }
  const Frame a = crowd_of(model.atomic_number, 2), b = crowd_of(model.atomic_number, 7);
  for (const bool fused : {false, true}) {
    Trained net(model, at::kDouble, fused);
    if (GetParam().head) net.network = make_network(model, net.placement, 1, fused);
    const Labels labels = net.predict_all({&a, &b});
    const auto energy = numbers(labels.energy_ev), force = numbers(labels.force_ev_ang), virial = numbers(labels.virial_ev);
    std::size_t row = 0, k = 0;
    for (const Frame* frame : {&a, &b}) {
      Workspace workspace;
      const Evaluation expected = evaluate_one(*native, *frame, {.forces = true, .virial = true}, workspace);
      double scale = 1e-3;
      for (const Vec3& f : expected.force_ev_ang) scale = std::max(scale, norm(f));
      EXPECT_NEAR(energy[k], expected.energy_ev, 1e-10 * std::max(1.0, std::abs(expected.energy_ev)));
      for (const Vec3& f : expected.force_ev_ang)
        for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(force[row++], f[axis], 1e-9 * scale);
      const Mat3& w = *expected.virial_ev;
      const double* found = virial.data() + 9 * k;
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) EXPECT_NEAR(found[3 * i + j] + found[3 * j + i], w[i][j] + w[j][i], 1e-8 * scale) << i << " " << j;
      ++k;
    }
  }
}

const Variant variants[] = {
    {"sevennet", [] { return random_sevennet(1); }},
    {"sevennet_parity", [] { return random_sevennet(2, {.channels = {9, 5, 3}, .parity = true, .xplor = false}); }},
    {"sevennet_l3_species", [] { return random_sevennet(3, {.channels = {8, 8, 6, 5}, .layers = 2, .species_self_connection = true, .xplor = false}); }},
    {"sevennet_modal", [] { return random_sevennet(4, {.modalities = 2}); }, "level_1"},
    {"sevennet_scalars", [] { return random_sevennet(5, {.channels = {12}, .layers = 2, .hidden = {8}}); }},
    {"mattersim", [] { return random_mattersim(1); }},
    {"mattersim_oblong", [] { return random_mattersim(2, {.units = 11, .layers = 3, .radial = 3, .angular = 2}); }},
    {"mace", [] { return random_mace(1); }},
    {"mace_hidden_vectors", [] { return random_mace(2, {.channels = 5, .l_max = 3, .l_hidden = 1, .correlation = 2, .residual_first = true}); }},
    {"mace_density", [] { return random_mace(3, {.correlation = 2, .density = true, .transform = true, .repulsion = true, .cutoff_on_basis = false}); }},
    {"mace_small", [] { return read_published_model(SALTUS_SOURCE_DIR "/tests/golden/models/mace/small.model"); }, "r2scan"},
    {"mace_fourfold", [] { return random_mace(4, {.channels = 17, .l_max = 1, .l_hidden = 1, .correlation = 4, .layers = 3, .scale_shift = false}); }},
    {"mace_heads", [] { return random_mace(5, {.correlation = 1, .layers = 1, .repulsion = true, .heads = 3}); }, "head_1"},
};

INSTANTIATE_TEST_SUITE_P(All, TrainedVariant, testing::ValuesIn(variants), [](const auto& each) { return each.param.name; });

}  // namespace
