// MatterSim files as mattersim itself saves them (tests/golden/models/mattersim_small), and what must be refused.
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"
#include "tests/models/archive_writer.hpp"

using namespace saltus;
using namespace saltus::test;

namespace {

std::filesystem::path small(const char* name) { return std::filesystem::path(SALTUS_SOURCE_DIR "/tests/golden/models/mattersim_small") / name; }

ErrorKind refusal(const std::string& bytes, std::string& message) {
  try {
    read_published_model(bytes, "m");
  } catch (const Error& error) {
    message = error.what();
    return error.kind();
  }
  message = "it was read";
  return ErrorKind::internal;
}

TEST(MatterSimFile, IsDescribed) {
  const PublishedModel model = read_published_model(small("oblong.pth"));
  EXPECT_STREQ(family(model), "mattersim");
  EXPECT_EQ(model.form, "checkpoint");
  EXPECT_EQ(model.cutoff_ang, 4.5);
  EXPECT_EQ(model.dtype, Dtype::f32);
  ASSERT_EQ(model.atomic_number.size(), 11u);
  EXPECT_EQ(model.atomic_number[10], 11);
  EXPECT_EQ(std::get<MatterSimModel>(model.architecture), (MatterSimModel{10, 3, 2, 3, 3.5}));
  // By upstream's print() of what it trains.
  EXPECT_EQ(model.parameters, 6320u);
  EXPECT_EQ(read_published_model(small("square.pth")).parameters, 7090u);
  // [in, out], of torch's [out, in].
  EXPECT_EQ(find_tensor(model.tensors, "layers.2.pair.g.0", {30, 10}).dtype, Dtype::f32);
  EXPECT_EQ(find_tensor(model.tensors, "embedding", {12, 10}).shape.size(), 2u);
}

// Version 1.0 saved no table of spherical Bessel functions: ours is upstream's.
TEST(MatterSimFile, TheTableOfTheFirstVersionIsKnown) {
  const PublishedModel square = read_published_model(small("square.pth")), first = read_published_model(small("first.pth"));
  EXPECT_EQ(square.architecture, first.architecture);
  EXPECT_EQ(square.tensors.tensors, first.tensors.tensors);
}

TEST(MatterSimFile, ConversionLosesNothing) {
  for (const char* const name : {"square.pth", "oblong.pth"}) {
    const PublishedModel model = read_published_model(small(name));
    const std::string bytes = safetensors_bytes(to_container(model));
    const PublishedModel again = read_published_model(bytes, "converted");
    EXPECT_EQ(again.architecture, model.architecture);
    EXPECT_EQ(again.tensors.tensors, model.tensors.tensors);
    EXPECT_EQ(again.source_hash, model.source_hash);
    EXPECT_EQ(again.cutoff_ang, model.cutoff_ang);
    EXPECT_EQ(again.atomic_number, model.atomic_number);
    EXPECT_EQ(again.parameters, model.parameters);
    EXPECT_TRUE(again.converted);
    EXPECT_EQ(safetensors_bytes(to_container(again)), bytes);
  }
}

std::string with_pickle(const std::function<void(std::string&)>& change) {
  const std::string bytes = read_file(small("oblong.pth"));
  const ZipArchive zip(bytes, "original");
  std::vector<ZipPart> parts;
  for (const ZipEntry& entry : zip.entries()) {
    ZipPart part;
    part.name = entry.name;
    part.content = zip.content(entry, 1 << 28);
    if (part.name.ends_with("data.pkl")) change(part.content);
    parts.push_back(std::move(part));
  }
  return zip_bytes(parts);
}

TEST(MatterSimFile, RefusesWhatIsNotKnown) {
  const auto expect = [](const std::string& from, const std::string& to, const std::string& part, ErrorKind kind = ErrorKind::unsupported) {
    SCOPED_TRACE(to);
    std::string message;
    const std::string bytes = with_pickle([&](std::string& pickle) {
      ASSERT_NE(pickle.find(from), std::string::npos) << from;
      pickle.replace(pickle.find(from), from.size(), to);
    });
    EXPECT_EQ(refusal(bytes, message), kind) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect("m3gnet", "m4gnet", "model_name is 'm4gnet', only m3gnet is read");
  expect("model_args", "model_argz", "of no family");
  expect("rbf.dn", "rbf.dm", "there is no rbf.dn", ErrorKind::format);
  expect("final.sigma.2.linear.bias", "final.sigma.2.linear.bios", "there is no final.sigma.2.linear.bias", ErrorKind::format);
  // A size that is not there is upstream's default, which does not fit.
  expect("units", "unita", "is not of the shape", ErrorKind::format);
  expect("max_z", "max_y", "is not of the shape", ErrorKind::format);
}

TEST(MatterSimFile, RefusesContainersThatDoNotFit) {
  const auto expect = [](const std::function<void(TensorFile&)>& change, const std::string& part) {
    TensorFile file = to_container(read_published_model(small("oblong.pth")));
    change(file);
    std::string message;
    EXPECT_EQ(refusal(safetensors_bytes(file), message), ErrorKind::format) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const auto architecture = [](const std::string& from, const std::string& to) {
    return [=](TensorFile& file) {
      std::string& text = file.metadata["architecture"];
      ASSERT_NE(text.find(from), std::string::npos) << text;
      text.replace(text.find(from), from.size(), to);
    };
  };
  expect([](TensorFile& f) { f.tensors.erase("layers.1.pair.radial"); }, "no tensor 'layers.1.pair.radial'");
  expect([](TensorFile& f) { f.tensors["layers.3.pair.radial"] = f.tensors.at("layers.1.pair.radial"); }, "'layers.3.pair.radial' is not expected");
  expect([](TensorFile& f) { f.tensors.erase("bessel_frequencies"); }, "bessel_frequencies");
  expect([](TensorFile& f) { f.metadata["species"] = "H He Li Be B C N O F Ne Mg"; }, "the elements are not those from H on");
  expect(architecture("\"layers\":3", "\"layers\":0"), "no layers");
  expect(architecture("\"layers\":3", "\"layers\":65"), "no layers");
  expect(architecture("\"radial\":2", "\"radial\":5"), "widths that are not");
  expect(architecture("\"units\":10", "\"units\":70000"), "widths that are not");
  expect(architecture("\"threebody_cutoff_ang\":3.5", "\"threebody_cutoff_ang\":-1"), "threebody_cutoff_ang is no distance");
}

// A state dictionary whose weights all lie in one storage, which would unfold to many times the file.
TEST(MatterSimFile, RefusesWeightsThatShareTheirBytes) {
  constexpr std::int32_t units = 80, stored = 3 * units * units;
  const auto archive_of = [](std::int32_t blocks) {
    std::vector<std::pair<std::string, std::string>> states;
    const auto add = [&](const std::string& name, std::int32_t rows, std::int32_t columns) { states.emplace_back(name, tensor_op("0", "FloatStorage", stored, 0, {rows, columns}, {columns, 1})); };
    add("atom_embedding.mlp.0.linear.weight", units, 3);
    add("edge_encoder.mlp.0.linear.weight", units, 1);
    for (const char* const name : {"n_1_pi_cutoff", "n_2_pi_cutoff", "fnr_weights", "dn", "en"}) add(std::string("rbf.") + name, 1, 1);
    add("sbf.factor", 1, 1);
    for (const char* const name : {"scale", "shift"}) states.emplace_back(std::string("normalizer.") + name, tensor_op("0", "FloatStorage", stored, 0, {3}, {1}));
    for (std::int32_t t = 0; t < blocks; ++t) {
      const std::string block = "graph_conv." + std::to_string(t) + ".";
      add(block + "three_body.atom_mlp.linear.weight", 1, units);
      add(block + "three_body.atom_mlp.linear.bias", 1, 1);
      for (const char* const branch : {"g.", "sigma."}) {
        add(block + "three_body.edge_gate_mlp." + branch + "0.linear.weight", units, 1);
        for (const char* const part : {"gated_mlp_edge.", "gated_mlp_atom."}) {
          add(block + part + branch + "0.linear.weight", units, 3 * units);
          add(block + part + branch + "0.linear.bias", 1, units);
          add(block + part + branch + "1.linear.weight", units, units);
          add(block + part + branch + "1.linear.bias", 1, units);
        }
      }
    }
    ZipPart data, storage;
    data.name = "m/data.pkl";
    data.content = pickled(dict_op({{"model_name", text_op("m3gnet")},
                                    {"model_args", dict_op({{"num_blocks", integer_op(blocks)}, {"units", integer_op(units)}, {"max_l", integer_op(1)}, {"max_n", integer_op(1)}, {"max_z", integer_op(2)}})},
                                    {"model", dict_op(states)}}));
    storage.name = "m/data/0";
    storage.content = std::string(4 * stored, '\x3f');
    return zip_bytes({data, storage});
  };
  std::string message;
  EXPECT_EQ(refusal(archive_of(16), message), ErrorKind::unsupported) << message;
  EXPECT_NE(message.find("share their bytes"), std::string::npos) << message;
}

TEST(MatterSimFile, EveryTruncationIsRefused) {
  const std::string bytes = read_file(small("oblong.pth"));
  std::string message;
  for (std::size_t size = 0; size < bytes.size(); size += 97) EXPECT_NE(refusal(bytes.substr(0, size), message), ErrorKind::internal) << size;
}

}  // namespace
