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

TEST(MatterSimFile, EveryTruncationIsRefused) {
  const std::string bytes = read_file(small("oblong.pth"));
  std::string message;
  for (std::size_t size = 0; size < bytes.size(); size += 97) EXPECT_NE(refusal(bytes.substr(0, size), message), ErrorKind::internal) << size;
}

}  // namespace
