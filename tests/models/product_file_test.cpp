#include "saltus/models/product_file.hpp"

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/models/yaml_tree.hpp"

namespace saltus {
namespace {

#define FOLDER SALTUS_SOURCE_DIR "/tests/golden/lammps/pace/"

std::string refusal(const std::string& text, ErrorKind kind) {
  try {
    read_product_model(text, "model");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return {};
}

std::string with(std::string text, const std::string& old, const std::string& now) {
  const auto at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), now);
}

TEST(ProductFile, HoldsWhatTheFilesSay) {
  const ProductModel pace = read_product_model(read_file(FOLDER "products.yace"), "products.yace");
  EXPECT_EQ(pace.family, "pace");
  EXPECT_EQ(pace.atomic_number, (std::vector<std::uint8_t>{14, 3}));
  EXPECT_EQ(pace.densities, 2);
  EXPECT_EQ(pace.bond.size(), 4u);
  EXPECT_DOUBLE_EQ(pace.bond[1].cutoff_ang, 4.2);
  EXPECT_DOUBLE_EQ(pace.cutoff_ang, 4.5);
  EXPECT_EQ(pace.function.size(), 14u);
  const ProductModel grace = read_product_model(read_file(FOLDER "grace_fs.yaml"), "grace_fs.yaml");
  EXPECT_EQ(grace.family, "grace_fs");
  EXPECT_TRUE(grace.real_harmonics);
  EXPECT_DOUBLE_EQ(grace.energy_scale, 1.75);
  EXPECT_TRUE(is_product_file(FOLDER "grace_fs.yaml"));
  EXPECT_FALSE(is_product_file(FOLDER "make.py"));
  EXPECT_FALSE(is_product_file(FOLDER "missing"));
}

TEST(ProductFile, RefusesWithThePlace) {
  const std::string good = read_file(FOLDER "products.yace");
  EXPECT_NE(refusal(with(good, "E0: [-100.5, ", "E0: ["), ErrorKind::format).find("model, line 2: 'E0' needs 2 values"), std::string::npos);
  EXPECT_NE(refusal(with(good, "elements: [Si", "elements: [Xx"), ErrorKind::format).find("line 1"), std::string::npos);
  refusal(with(good, "rcut: 4.2", "rcut: .nan"), ErrorKind::format);
  refusal(with(good, "rcut: 4.2", "rcut: 1e9"), ErrorKind::format);
  refusal(with(good, "nradmax: 3", "nradmax: 900"), ErrorKind::format);
  refusal(with(good, "[1, 0]:", "[1, 7]:"), ErrorKind::format);
  refusal(with(good, "[1, 0]:", "[0, 0]:"), ErrorKind::format);
  refusal(with(good, "rank: 4", "ranc: 4, rank: 4, mus: [0]"), ErrorKind::format);
  EXPECT_NE(refusal(with(good, "radbasename: SBessel", "radbasename: ACE.jl.base"), ErrorKind::unsupported).find("ACE.jl.base"), std::string::npos);
  EXPECT_NE(refusal(with(good, "inner_cutoff_type: distance", "inner_cutoff_type: zbl"), ErrorKind::unsupported).find("zbl"), std::string::npos);
  refusal(with(good, "functions:", "others:"), ErrorKind::format);
  for (std::size_t cut = 0; cut < good.size(); cut += 997)
    EXPECT_THROW(read_product_model(std::string_view(good).substr(0, cut), "cut"), Error) << cut;
}

TEST(YamlTree, IsBounded) {
  EXPECT_THROW(parse_yaml("a: &x [1, 2]\nb: *x\n", "x"), Error);
  EXPECT_THROW(parse_yaml("a: 1\n---\nb: 2\n", "x"), Error);
  EXPECT_THROW(parse_yaml(std::string(100000, '['), "x"), Error);
  EXPECT_THROW(parse_yaml("a: [1, 2", "x"), Error);
  EXPECT_THROW(parse_yaml(std::string_view("a\0b", 3), "x"), Error);
  EXPECT_THROW(parse_yaml("", "x"), Error);
  const YamlTree tree = parse_yaml("a: [1, 2.5]\n'b': {c: word}\n", "x");
  EXPECT_EQ(as_doubles(tree, require(tree, tree.root, "a")), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(as_text(tree, require(tree, require(tree, tree.root, "b"), "c")), "word");
  EXPECT_THROW(as_ints(tree, require(tree, tree.root, "a"), 0, 5), Error);
  EXPECT_EQ(find(tree, tree.root, "none"), nullptr);
}

}  // namespace
}  // namespace saltus
