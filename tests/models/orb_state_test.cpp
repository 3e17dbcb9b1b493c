// State dictionaries of ORB: what is recognised, and what is refused, with the reason.
#include "saltus/models/orb_state.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <cstring>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "tests/models/archive_writer.hpp"

namespace saltus {
namespace {

const std::filesystem::path folder = SALTUS_SOURCE_DIR "/tests/golden/models/orb";
constexpr const char* conservative = "orb-small-conservative-inf-v3.ckpt";
constexpr const char* second = "orb-small-v2.ckpt";

std::string bytes_of(const char* name) {
  std::ifstream file(folder / name, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

/// The archive with its pickle changed.
std::string with_pickle(const std::string& bytes, const std::function<void(std::string&)>& change) {
  const ZipArchive zip(bytes, "test");
  std::vector<test::ZipPart> parts;
  for (const ZipEntry& entry : zip.entries()) {
    test::ZipPart part;
    part.name = std::string(entry.name);
    part.content = zip.content(entry, 1 << 24);
    if (part.name.ends_with("data.pkl")) change(part.content);
    parts.push_back(std::move(part));
  }
  return test::zip_bytes(parts);
}

/// Every text of the pickle that begins with `old` begins with `fresh` instead.
std::string renamed(const std::string& bytes, const std::string& old, const std::string& fresh) {
  return with_pickle(bytes, [&](std::string& pickle) {
    std::size_t count = 0;
    for (std::size_t at = 5; (at = pickle.find(old, at)) != std::string::npos; at += fresh.size()) {
      std::uint32_t length = 0;
      std::memcpy(&length, pickle.data() + at - 4, 4);
      if (pickle[at - 5] != 'X') continue;
      const std::string longer = test::little(static_cast<std::uint32_t>(length - old.size() + fresh.size()));
      pickle.replace(at - 4, 4 + old.size(), longer + fresh);
      ++count;
    }
    EXPECT_GT(count, 0u) << old;
  });
}

void expect_refusal(const std::string& bytes, ErrorKind kind, const std::string& words, const std::string& source = conservative) {
  SCOPED_TRACE(words);
  try {
    read_published_model(bytes, source);
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(OrbState, IsDescribed) {
  const PublishedModel model = read_published_model(folder / conservative);
  EXPECT_STREQ(family(model), "orb");
  EXPECT_EQ(model.form, "state dictionary");
  EXPECT_EQ(model.cutoff_ang, 6);
  EXPECT_EQ(model.dtype, Dtype::f32);
  EXPECT_EQ(model.atomic_number.size(), 88u);
  const auto& orb = std::get<OrbModel>(model.architecture);
  EXPECT_TRUE(orb.conservative && orb.spherical && orb.repulsion && orb.repulsion_mean);
  EXPECT_FALSE(orb.layer_norm || orb.stress_head);
  EXPECT_EQ(orb.harmonics_degree, 3);
  EXPECT_NEAR(orb.bessel_prefactor, std::sqrt(2 / 6.0), 1e-7);
  EXPECT_EQ(orb.channels, 8u);
  EXPECT_EQ(orb.layers, 2u);
  EXPECT_EQ(orb.hidden, (std::vector<std::size_t>{12, 12}));
  EXPECT_EQ(orb.head_hidden, (std::vector<std::size_t>{10}));
  EXPECT_EQ(orb.max_neighbors, 120u);
  EXPECT_EQ(find_tensor(model.tensors, "layers.1.edge.0", {24, 12}).dtype, Dtype::f32);

  const auto v2 = std::get<OrbModel>(read_published_model(folder / second).architecture);
  EXPECT_FALSE(v2.conservative || v2.spherical || v2.repulsion);
  EXPECT_TRUE(v2.layer_norm && v2.stress_head);
  EXPECT_EQ(v2.activation, Activation::shifted_softplus);
  EXPECT_EQ(v2.gaussians, 20u);
  EXPECT_EQ(v2.max_neighbors, 20u);
}

TEST(OrbState, TheNameSaysHowManyNeighbours) {
  const std::string bytes = bytes_of(conservative);
  const auto neighbors = [&](const char* name) { return std::get<OrbModel>(read_published_model(bytes, name).architecture).max_neighbors; };
  EXPECT_EQ(neighbors("a/orb-v3-conservative-20-omat-20250404.ckpt"), 20u);
  EXPECT_EQ(neighbors("orb-v3-conservative-inf-mpa-20250404.ckpt"), 120u);
  for (const char* const name : {"tuned.ckpt", "orb-20-inf-.ckpt", "x-20-/tuned.ckpt"}) expect_refusal(bytes, ErrorKind::unsupported, "how many neighbours", name);
}

TEST(OrbState, OldNamesAreThoseOfTheSecondVersion) {
  std::string bytes = bytes_of(second);
  const PublishedModel expected = read_published_model(bytes, second);
  for (const auto& [own, old] : {std::pair("heads.energy.", "graph_head."), std::pair("heads.forces.", "node_head."), std::pair("heads.stress.", "stress_head.")})
    bytes = renamed(bytes, own, old);
  const PublishedModel found = read_published_model(bytes, second);
  EXPECT_EQ(found.tensors.tensors, expected.tensors.tensors);
  EXPECT_EQ(found.architecture, expected.architecture);
}

TEST(OrbState, OtherVariantsAreRefusedByName) {
  const std::string bytes = bytes_of(conservative);
  expect_refusal(renamed(bytes, "model._decoder.", "model.conditioner."), ErrorKind::unsupported, "charge and spin");
  expect_refusal(renamed(bytes, "model._decoder.", "model.model._decoder."), ErrorKind::unsupported, "denoising");
  expect_refusal(renamed(bytes, "heads.energy.", "heads.energy-d3."), ErrorKind::unsupported, "without a head for the energy");
  expect_refusal(renamed(bytes, "heads.confidence.", "heads.dipole."), ErrorKind::unsupported, "heads.dipole.");
  expect_refusal(renamed(bytes, "heads.", "tails."), ErrorKind::unsupported, "without heads");
  expect_refusal(renamed(bytes, "grad_forces_normalizer.", "grad_torque_normalizer."), ErrorKind::unsupported, "neither a conservative model");
  expect_refusal(renamed(bytes, "model.gnn_stacks.1.", "model.gnn_stacks.2."), ErrorKind::unsupported, "model.gnn_stacks.2.");
  expect_refusal(renamed(bytes, "model.gnn_stacks.1._send_attn", "model.gnn_stacks.1._sent_attn"), ErrorKind::format, "_send_attn");
  expect_refusal(renamed(bytes, "model.rbf_transform.bessel", "model.rbf_transform.other"), ErrorKind::unsupported, "neither the second nor the third version");
  expect_refusal(renamed(bytes, "heads.energy.mlp.NN-1.", "heads.energy.mlp.NN-7."), ErrorKind::unsupported, "layers");
}

TEST(OrbState, DamagedFilesAreRefused) {
  const std::string bytes = bytes_of(conservative);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 97) EXPECT_THROW(read_published_model(bytes.substr(0, size), conservative), Error);
  Random random(3, 0);
  std::size_t read = 0;
  for (int k = 0; k < 300; ++k) {
    const std::string damaged = with_pickle(bytes, [&](std::string& pickle) {
      for (int flips = 0; flips < 1 + k % 3; ++flips) pickle[static_cast<std::size_t>(random.uniform() * static_cast<double>(pickle.size()))] ^= static_cast<char>(1 << (k % 8));
    });
    try {
      check_published_model(read_published_model(damaged, conservative));
      ++read;
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::format || error.kind() == ErrorKind::unsupported) << error.what();
    }
  }
  EXPECT_LT(read, 200u);
}

TEST(OrbState, ContainersAreTheSameModelOrRefused) {
  for (const char* const name : {conservative, "orb-small-conservative-20-v3.ckpt", "orb-small-direct-inf-v3.ckpt", second}) {
    const PublishedModel model = read_published_model(folder / name);
    const PublishedModel again = read_published_model(safetensors_bytes(to_container(model)), "again");
    EXPECT_EQ(again.architecture, model.architecture);
    EXPECT_EQ(again.tensors.tensors, model.tensors.tensors);
    EXPECT_EQ(again.atomic_number, model.atomic_number);
    EXPECT_EQ(again.cutoff_ang, 6);
  }
  const PublishedModel model = read_published_model(folder / conservative);
  const auto refused = [&](const std::function<void(OrbModel&)>& change) {
    PublishedModel other = model;
    change(std::get<OrbModel>(other.architecture));
    EXPECT_THROW(from_container(to_container(other)), Error);
  };
  refused([](OrbModel& m) { m.layers = 3; });
  refused([](OrbModel& m) { m.layers = 0; });
  refused([](OrbModel& m) { m.layers = 1'000'000'000; });
  refused([](OrbModel& m) { m.hidden = {12}; });
  refused([](OrbModel& m) { m.hidden.clear(); });
  refused([](OrbModel& m) { m.hidden = {1'000'000'000}; });
  refused([](OrbModel& m) { m.harmonics_degree = 9; });
  refused([](OrbModel& m) { m.max_neighbors = 0; });
  refused([](OrbModel& m) { m.conservative = false; });
  refused([](OrbModel& m) { m.layer_norm = true; });
  refused([](OrbModel& m) { m.activation = Activation::tanh; });
  refused([](OrbModel& m) { m.cutoff_function.order = 0; });
}

}  // namespace
}  // namespace saltus
