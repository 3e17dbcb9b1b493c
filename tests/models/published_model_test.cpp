// Published models against what upstream's own modules hold after loading, byte for byte; and what must be refused.
#include "saltus/models/published_model.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/models/e3nn_tensors.hpp"
#include "saltus/models/species.hpp"
#include "saltus/models/torch_archive.hpp"
#include "tests/models/archive_writer.hpp"

using namespace saltus;
using namespace saltus::test;

namespace {

const std::filesystem::path golden = SALTUS_SOURCE_DIR "/tests/golden";
const std::filesystem::path swa = golden / "models/mace/imagdau_mace01_swa.model", spice = golden / "models/mace/MACE_SPICE.model",
                            compiled = golden / "models/mace/imagdau_mace01_swa_compiled.model",
                            seven = golden / "models/sevennet/SevenNet-0_11July2024_deployed_serial.pt";
std::filesystem::path small(const char* name) { return golden / "models/sevennet_small" / name; }

const nlohmann::json& expected() {
  static const nlohmann::json document = nlohmann::json::parse(std::ifstream(golden / "peers/models/expected.json"));
  return document;
}

std::string columns_hash(const Tensor& matrix, std::size_t first, std::size_t count) {
  const std::size_t size = size_bytes(matrix.dtype), columns = matrix.shape.at(1);
  std::string bytes;
  for (std::size_t row = 0; row < matrix.shape.at(0); ++row) bytes += matrix.bytes.substr((row * columns + first) * size, count * size);
  return sha256(bytes);
}

// Name of a path in expected.json: block of the feature, degree of the harmonic, output irrep, its first channel.
template <class Layer>
std::string path_key(const Layer& layer, const ConvolutionPath& path) {
  return std::to_string(path.feature) + " " + std::to_string(path.harmonic_degree) + " " + text(layer.convolution_out.at(path.output).irrep) + " " + std::to_string(path.first_channel);
}

template <class Layer>
std::size_t compare_paths(const PublishedModel& model, const std::vector<Layer>& layers, const char* prefix, const nlohmann::json& paths) {
  std::size_t compared = 0;
  for (std::size_t t = 0; t < layers.size(); ++t) {
    const std::string name = std::string(prefix) + std::to_string(t) + ".radial." + std::to_string(layers[t].radial_widths.size() - 2);
    const Tensor& matrix = model.tensors.tensors.at(name);
    EXPECT_EQ(paths.at(name).size(), layers[t].paths.size()) << name;
    for (const ConvolutionPath& path : layers[t].paths) {
      const std::string key = path_key(layers[t], path);
      EXPECT_EQ(columns_hash(matrix, path.first_weight, path.channels), paths.at(name).value(key, "")) << name << ", path " << key;
      ++compared;
    }
  }
  return compared;
}

void compare(const std::filesystem::path& file) {
  SCOPED_TRACE(file.filename().string());
  const PublishedModel model = read_published_model(file);
  const auto& document = expected().at(file.filename().string());
  const auto& tensors = document.at("tensors");
  for (const auto& [name, entry] : tensors.items()) {
    const auto found = model.tensors.tensors.find(name);
    ASSERT_NE(found, model.tensors.tensors.end()) << name;
    EXPECT_EQ(saltus::name(found->second.dtype), entry.at(0).get<std::string>()) << name;
    EXPECT_EQ(found->second.shape, entry.at(1).get<std::vector<std::size_t>>()) << name;
    EXPECT_EQ(sha256(found->second.bytes), entry.at(2).get<std::string>()) << name;
  }
  EXPECT_EQ(model.tensors.tensors.size(), tensors.size() + document.at("paths").size());
  const std::size_t compared = std::holds_alternative<MaceModel>(model.architecture)
                                   ? compare_paths(model, std::get<MaceModel>(model.architecture).layers, "interactions.", document.at("paths"))
                                   : compare_paths(model, std::get<SevenNetModel>(model.architecture).layers, "layers.", document.at("paths"));
  EXPECT_GT(compared, 0u);
}

TEST(PublishedModel, HoldsWhatUpstreamHolds) {
  compare(swa);
  compare(spice);
  for (const char* const name : {"parity.pth", "modal.pth", "degree3.pth", "old.pth"}) compare(small(name));
}

TEST(PublishedModel, MaceModuleAndItsTorchScriptAreOne) {
  const PublishedModel module = read_published_model(swa), script = read_published_model(compiled);
  EXPECT_EQ(module.architecture, script.architecture);
  EXPECT_EQ(module.tensors.tensors, script.tensors.tensors);
  EXPECT_EQ(module.form, "module");
  EXPECT_EQ(script.form, "TorchScript");
  EXPECT_EQ(script.version, "30003ddde736a44f977bccdc497a4b3432e38b03");
}

TEST(PublishedModel, MaceIsDescribed) {
  const PublishedModel model = read_published_model(swa);
  EXPECT_STREQ(family(model), "mace");
  EXPECT_EQ(model.atomic_number, (std::vector<std::uint8_t>{1, 6, 8}));
  EXPECT_EQ(model.cutoff_ang, 4);
  EXPECT_EQ(model.dtype, Dtype::f64);
  EXPECT_EQ(model.source_hash, "8a100c3db4e39ad8a821d610ef6e216640aacd8c1faf25740c4163a45548a8ba");
  const auto& mace = std::get<MaceModel>(model.architecture);
  EXPECT_TRUE(mace.scale_shift);
  EXPECT_EQ(mace.harmonics_degree, 2);
  EXPECT_EQ(mace.cutoff_function.order, 5);
  EXPECT_FALSE(mace.distance_transform || mace.repulsion);
  EXPECT_EQ(mace.radial_activation, (ScaledActivation{Activation::silu, 1.6791767923989418}));
  EXPECT_EQ(mace.readout_activation, mace.radial_activation);
  EXPECT_EQ(mace.heads, (std::vector<std::string>{"Default"}));
  ASSERT_EQ(mace.layers.size(), 2u);
  EXPECT_EQ(mace.layers[0].interaction, MaceInteraction::agnostic);
  EXPECT_EQ(mace.layers[1].interaction, MaceInteraction::agnostic_residual);
  EXPECT_EQ(mace.layers[0].avg_num_neighbors, 9.86205556634933);
  EXPECT_EQ(mace.layers[1].radial_widths, (std::vector<std::size_t>{8, 64, 64, 64, 96}));
  EXPECT_EQ(mace.layers[1].readout_hidden, (std::vector<std::size_t>{16}));
  EXPECT_EQ(get_doubles(model.tensors, "atomic_energies", {1, 3}), (std::vector<double>{-10.707211383396714, -48.847445262804705, -102.57117256025786}));
  EXPECT_EQ(get_doubles(model.tensors, "scale", {1}), (std::vector<double>{2.1775450203295486}));
}

TEST(PublishedModel, OldMaceWithPlainAttributesIsDescribed) {
  const PublishedModel model = read_published_model(spice);
  EXPECT_EQ(model.atomic_number, (std::vector<std::uint8_t>{1, 3, 6, 7, 8, 9, 11, 12, 15, 16, 17, 19, 20, 35, 53}));
  EXPECT_EQ(model.cutoff_ang, 4.5);
  EXPECT_EQ(model.dtype, Dtype::f32);
  const auto& mace = std::get<MaceModel>(model.architecture);
  EXPECT_EQ(mace.layers[0].correlation, 3);
  EXPECT_EQ(mace.layers[0].avg_num_neighbors, 15.586853981018066);
  EXPECT_EQ(find_tensor(model.tensors, "products.1.0e.u.3", {1, 16, 16, 16, 23}).dtype, Dtype::f32);
}

TEST(PublishedModel, SevenNetIsDescribed) {
  const PublishedModel model = read_published_model(seven);
  EXPECT_STREQ(family(model), "sevennet");
  EXPECT_EQ(model.version, "0.9.1");
  EXPECT_EQ(model.cutoff_ang, 5);
  ASSERT_EQ(model.atomic_number.size(), 89u);
  EXPECT_EQ(model.atomic_number[0], 89);  // Ac, alphabetical
  EXPECT_EQ(model.parameters, 842440u);   // upstream's count of what it trains
  const auto& net = std::get<SevenNetModel>(model.architecture);
  EXPECT_EQ(net.cutoff_function, CutoffFunction(XplorCutoff{4.5}));
  EXPECT_TRUE(net.unit_vectors);
  ASSERT_EQ(net.layers.size(), 5u);
  EXPECT_EQ(net.layers[1].features_in, *parse_irreps("128x0e+64x1e+32x2e"));
  EXPECT_EQ(net.layers[1].convolution_out, *parse_irreps("224x0e+384x1e+352x2e"));
  EXPECT_EQ(net.layers[1].gate_in, *parse_irreps("224x0e+64x1e+32x2e"));
  EXPECT_EQ(net.layers[1].gates, 96u);
  EXPECT_EQ(net.layers[1].radial_widths.back(), 960u);
  EXPECT_EQ(net.layers[4].radial_widths.back(), 224u);
  EXPECT_FLOAT_EQ(static_cast<float>(net.layers[3].denominator), 35.98957f);
  EXPECT_EQ(get_doubles(model.tensors, "energy_scale", {1, 89})[7], static_cast<double>(1.73f));
  // The checkpoint that the sevenn package ships, of 10 MB, gives the same tensors by another code path: the digest was taken from it.
  std::string all;
  for (const auto& [name, tensor] : model.tensors.tensors) all += name + sha256(tensor.bytes);
  EXPECT_EQ(sha256(all), "ba9c2fced6ae30aa3fa031ce7cb3624f7093e3d37d49bbc6063c99666f6bfadd");
}

TEST(PublishedModel, CheckpointsAreDescribed) {
  const auto net = [](const char* name) { return std::get<SevenNetModel>(read_published_model(small(name)).architecture); };
  const SevenNetModel parity = net("parity.pth"), modal = net("modal.pth"), degree3 = net("degree3.pth"), old = net("old.pth");
  EXPECT_TRUE(parity.odd_harmonics);
  EXPECT_EQ(parity.cutoff_function, CutoffFunction(PolynomialCutoff{5}));
  EXPECT_EQ(parity.layers[0].self_connection, SelfConnection::species);
  EXPECT_EQ(parity.odd_scalar_activation.function, Activation::tanh);
  EXPECT_EQ(modal.modalities, (std::vector<std::string>{"PBE", "R2SCAN"}));
  EXPECT_TRUE(modal.modal_embedding && modal.modal_linear_1 && modal.modal_linear_2 && modal.modal_readout);
  EXPECT_EQ(degree3.harmonics_degree, 3);
  EXPECT_EQ(degree3.layers[0].features_out, *parse_irreps("4x0e+3x1e+2x2e+2x3e"));
  EXPECT_TRUE(degree3.unit_vectors);
  EXPECT_FALSE(old.unit_vectors);  // sevenn 0.9 without a word on it
  // Weights of sevenn 0.9 follow the features; of later ones, the outputs.
  EXPECT_TRUE(std::is_sorted(old.layers[1].paths.begin(), old.layers[1].paths.end(), [](const auto& a, const auto& b) { return a.feature < b.feature; }));
  EXPECT_TRUE(std::is_sorted(modal.layers[1].paths.begin(), modal.layers[1].paths.end(), [](const auto& a, const auto& b) { return a.output < b.output; }));
}

TEST(PublishedModel, ConversionLosesNothing) {
  for (const auto& file : {swa, compiled, spice, seven, small("parity.pth"), small("modal.pth"), small("old.pth")}) {
    SCOPED_TRACE(file.string());
    PublishedModel model = read_published_model(file);
    const std::string bytes = safetensors_bytes(to_container(model));
    const PublishedModel again = read_published_model(bytes, "converted");
    EXPECT_EQ(again.architecture, model.architecture);
    EXPECT_EQ(again.tensors.tensors, model.tensors.tensors);
    EXPECT_EQ(again.source_hash, model.source_hash);
    EXPECT_EQ(again.cutoff_ang, model.cutoff_ang);
    EXPECT_EQ(again.atomic_number, model.atomic_number);
    EXPECT_EQ(again.parameters, model.parameters);
    EXPECT_EQ(again.form, model.form);
    EXPECT_TRUE(again.converted);
    EXPECT_EQ(safetensors_bytes(to_container(again)), bytes);
  }
}

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

// The container of a small model with one thing changed.
template <class Change>
std::string changed_container(Change change) {
  TensorFile file = to_container(read_published_model(small("modal.pth")));
  change(file);
  return safetensors_bytes(file);
}
void replace(std::string& text, const std::string& from, const std::string& to) {
  ASSERT_NE(text.find(from), std::string::npos) << from;
  text.replace(text.find(from), from.size(), to);
}

TEST(PublishedModel, RefusesContainersThatDoNotFit) {
  const auto expect = [](const std::string& bytes, const std::string& part, ErrorKind kind = ErrorKind::format) {
    std::string message;
    EXPECT_EQ(refusal(bytes, message), kind) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(changed_container([](TensorFile& f) { f.tensors.erase("layers.1.radial.0"); }), "no tensor 'layers.1.radial.0'");
  expect(changed_container([](TensorFile& f) { f.tensors["more"] = f.tensors.begin()->second; }), "'more' is not expected");
  expect(changed_container([](TensorFile& f) { f.tensors["readout.1.bias"] = f.tensors.at("readout.0.0e"); }), "'readout.1.bias' does not fit its matrix");
  expect(changed_container([](TensorFile& f) { f.tensors["readout.7.bias"] = f.tensors.at("readout.0.0e"); }), "'readout.7.bias' is not expected");
  expect(changed_container([](TensorFile& f) { f.tensors["readout.1.0e"].shape = {1, 2}; }), "readout.1.0e");
  expect(changed_container([](TensorFile& f) { f.metadata.erase("architecture"); }), "architecture");
  expect(changed_container([](TensorFile& f) { f.metadata["architecture"] = "[]"; }), "an object is expected");
  expect(changed_container([](TensorFile& f) { f.metadata["architecture"] = std::string(100000, '['); }), "architecture");
  expect(changed_container([](TensorFile& f) { replace(f.metadata["architecture"], "\"feature\":0", "\"feature\":9"); }), "leads nowhere");
  expect(changed_container([](TensorFile& f) { replace(f.metadata["architecture"], "\"first_weight\":0", "\"first_weight\":900000000"); }), "does not fit");
  expect(changed_container([](TensorFile& f) { replace(f.metadata["architecture"], "\"gates\":", "\"gates\":-"); }), "from 0 to 1e9");
  expect(changed_container([](TensorFile& f) { replace(f.metadata["architecture"], "silu", "gelu"); }), "'gelu' is not known", ErrorKind::unsupported);
  expect(changed_container([](TensorFile& f) { f.metadata["species"] = "H Li"; }), "embedding.0e");
  expect(changed_container([](TensorFile& f) { f.metadata["units"] = "bohr, hartree"; }), "units", ErrorKind::unsupported);
  expect(changed_container([](TensorFile& f) { f.metadata["family"] = "ace"; }), "no family of published models", ErrorKind::unsupported);
}

// A torch archive with another pickle, and its storages as they were.
std::string with_pickle(const std::filesystem::path& file, const std::function<void(std::string&)>& change) {
  const std::string bytes = read_file(file);
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

TEST(PublishedModel, RefusesWhatIsNotKnown) {
  const auto expect = [](const std::filesystem::path& file, const std::string& from, const std::string& to, const std::string& part, ErrorKind kind = ErrorKind::unsupported) {
    SCOPED_TRACE(to);
    std::string message;
    EXPECT_EQ(refusal(with_pickle(file, [&](std::string& pickle) { replace(pickle, from, to); }), message), kind) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(swa, "mace.modules.blocks\nRealAgnosticResidualInteractionBlock", "mace.modules.blocks\nRealAgnosticResidualNonLinearInteractionBlock",
         "interactions.1 is a mace.modules.blocks.RealAgnosticResidualNonLinearInteractionBlock");
  expect(swa, "BesselBasis", "GaussianBasis", "radial_embedding.bessel_fn is a mace.modules.radial.GaussianBasis");
  expect(swa, "ScaleShiftMACE", "AtomicDipolesMACE", "AtomicDipolesMACE is not read");
  expect(swa, "torch.nn.functional\nsilu", "torch.nn.functional\ngelu", "only silu");
  expect(swa, "cmace.modules.models\nScaleShiftMACE", "cos\nsystem", "of no family");
  expect(swa, "avg_num_neighbors", "avg_num_neighbers", "has no avg_num_neighbors", ErrorKind::format);
  expect(small("modal.pth"), "XPLOR", "XPL0R", "cutoff_function_name XPL0R");
  expect(small("modal.pth"), "linear.weight", "linear.weighs", "there is no onehot_to_feature_x.linear.weight", ErrorKind::format);
  expect(small("parity.pth"), "nequip", "nequiq", "is not read");
  expect(small("degree3.pth"), "0.13.0", "1.13.0", "version 1.13.0 of sevenn is not read");
  expect(small("degree3.pth"), "4x0e+3x1e", "4x0e+5x1e", "weights, its irreps need", ErrorKind::format);
}

// Pickles that would keep a reader busy for ever, were it to walk them or to look names up again and again.
TEST(PublishedModel, HostilePicklesEndSoon) {
  const auto archive = [](const std::string& opcodes) {
    ZipPart data;
    data.name = "m/data.pkl";
    data.content = pickled(opcodes);
    return zip_bytes({data});
  };
  const std::string root = global_op("mace.modules.models", "MACE") + ")\x81";
  std::string many = "}(";
  for (int k = 0; k < 20'000; ++k) many += text_op("a" + std::to_string(k)) + "N";
  many += "u";
  std::string message;
  // A module that is its own child, and one of very many attributes.
  EXPECT_EQ(refusal(archive(root + std::string("q\x01", 2) + "}(" + text_op("node_embedding") + std::string("h\x01", 2) + text_op("atomic_numbers") + "](K\x01" "e" + text_op("r_max") + "K\x05ub"), message), ErrorKind::format) << message;
  EXPECT_NE(message.find("module node_embedding (mace.modules.models.MACE) has no linear"), std::string::npos) << message;
  EXPECT_EQ(refusal(archive(root + many + "b"), message), ErrorKind::unsupported) << message;
  EXPECT_NE(message.find("more than 10000 attributes"), std::string::npos) << message;
  EXPECT_EQ(refusal(archive(dict_op({{"config", many}, {"model_state_dict", "}"}})), message), ErrorKind::unsupported) << message;
  // A million elements, and elements that are none.
  EXPECT_EQ(refusal(archive(root + dict_op({{"atomic_numbers", "](" + std::string(1'000'000, 'N') + "e"}}) + "b"), message), ErrorKind::unsupported) << message;
  EXPECT_EQ(refusal(archive(root + dict_op({{"atomic_numbers", std::string("](K\0e", 5)}}) + "b"), message), ErrorKind::format) << message;
}

TEST(PublishedModel, EveryTruncationIsRefused) {
  const std::string bytes = read_file(small("parity.pth"));
  std::string message;
  for (std::size_t size = 0; size < bytes.size(); size += 97) EXPECT_NE(refusal(bytes.substr(0, size), message), ErrorKind::internal) << size;
}

TEST(PublishedModel, FlippedBitsAreRefusedOrHarmless) {
  // One bit in every hundredth byte: what is in a checksummed entry is noticed; what is not read does not matter.
  const std::string bytes = read_file(small("parity.pth"));
  const PublishedModel model = read_published_model(bytes, "m");
  std::size_t refused = 0;
  for (std::size_t at = 13; at < bytes.size(); at += 101) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    try {
      EXPECT_EQ(read_published_model(damaged, "m").tensors.tensors, model.tensors.tensors) << at;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50u);
}

// The tables of signs, against the two versions of e3nn.
TEST(Couplings, AreThoseOfBothConventions) {
  const auto negative = [](const char* version) {
    std::set<std::vector<int>> triples;
    const auto document = nlohmann::json::parse(std::ifstream(golden / "peers/models" / (std::string("couplings_") + version + ".json")));
    for (const auto& triple : document.at("negative_first")) triples.insert(triple.get<std::vector<int>>());
    return triples;
  };
  const auto older = negative("0.4.4"), newer = negative("0.5.6");
  std::size_t changed = 0;
  for (int a = 1; a <= 4; ++a)
    for (int b = 1; b <= 4; ++b)
      for (int c = std::max(1, std::abs(a - b)); c <= std::min(4, a + b); ++c) {
        std::vector<double> values(static_cast<std::size_t>((2 * a + 1) * (2 * b + 1) * (2 * c + 1)), 0);
        values[3] = older.contains({a, b, c}) ? -1 : 1;
        EXPECT_EQ(coupling_sign(a, b, c, values, 1, "here"), 1);
        values[3] = -values[3];
        EXPECT_EQ(coupling_sign(a, b, c, values, 1, "here"), -1);
        const bool differs = older.contains({a, b, c}) != newer.contains({a, b, c});
        EXPECT_EQ(coupling_sign_of_e3nn_05(a, b, c, "here"), differs ? -1 : 1);
        changed += differs ? 1 : 0;
      }
  EXPECT_EQ(changed, 9u);
  EXPECT_THROW(coupling_sign(1, 1, 1, std::vector<double>(27, 1), 1, "here"), Error);
  EXPECT_THROW(coupling_sign_of_e3nn_05(5, 5, 5, "here"), Error);
}

TEST(Species, AreReadAndWritten) {
  std::vector<std::uint8_t> all;
  for (int z = 1; z <= 118; ++z) all.push_back(static_cast<std::uint8_t>(z));
  EXPECT_EQ(numbers_of_symbols(symbols_of_numbers(all)), all);
  EXPECT_EQ(symbols_of_numbers({1, 6, 8, 92, 118}), "H C O U Og");
  EXPECT_EQ(numbers_of_symbols(" Li  Si\n"), (std::vector<std::uint8_t>{3, 14}));
  for (const char* const wrong : {"", "H H", "h", "Xx"}) EXPECT_FALSE(numbers_of_symbols(wrong)) << wrong;
}

}  // namespace
