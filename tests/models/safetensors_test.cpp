// safetensors: the reference implementation's bytes, round trips, and what must be refused.
#include "saltus/models/safetensors.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"

using namespace saltus;

namespace {

const std::filesystem::path golden = SALTUS_SOURCE_DIR "/tests/golden/safetensors/python_save/model.safetensors";

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}

std::string file_of(const std::string& header, const std::string& data = "") {
  return with_length(header.size(), header + data);
}

TensorFile parsed(const std::string& bytes) { return parse_safetensors(bytes, "m.safetensors"); }

struct Malformed {
  const char* what;
  std::string bytes;
  const char* message;  // a part of it
  ErrorKind kind = ErrorKind::format;
};

const std::string eight(8, 'x');
const std::string sixteen(16, 'x');

const Malformed malformed[] = {
    {"empty", "", "not a safetensors file"},
    {"nine_bytes", with_length(1, "{"), "not a safetensors file"},
    {"text", "just some text, longer than ten bytes", "header of"},
    {"cut_in_header", with_length(100, "{\"a\":"), "header of 100 bytes in a file of 13"},
    {"length_overflows", with_length(~std::uint64_t{0}, "{}      "), "header of"},
    {"not_an_object", file_of("[1,2,3]  "), "does not begin with '{'"},
    {"leading_blank", file_of(" {}     "), "does not begin with '{'"},
    {"bad_json", file_of("{\"a\":}  "), "not valid JSON"},
    {"unclosed", file_of("{\"a\":{  "), "not valid JSON"},
    {"text_after_header", file_of("{} {}   "), "not valid JSON"},
    {"not_utf8", file_of("{\"\xff\xfe\":{}}"), "not valid JSON"},
    {"tensor_is_number", file_of(R"({"a":7})"), "entry 'a': unexpected"},
    {"null_tensor", file_of(R"({"a":null})"), "unexpected or repeated: null"},
    {"deep", file_of("{\"a\":" + std::string(100000, '[')), "unexpected"},
    {"deep_objects", file_of(R"({"a":{"shape":{"b":{"c":1}}}})"), "unexpected or repeated: an object for 'shape'"},
    {"nested_shape", file_of(R"({"a":{"dtype":"F64","shape":[[1]],"data_offsets":[0,8]}})", eight), "an array for 'shape'"},
    {"unknown_field", file_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8],"code":"x"}})", eight), "a text for 'code'"},
    {"unknown_dtype", file_of(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,8]}})", eight), "element type 'F4'", ErrorKind::unsupported},
    {"no_dtype", file_of(R"({"a":{"shape":[1],"data_offsets":[0,8]}})", eight), "needs dtype"},
    {"no_offsets", file_of(R"({"a":{"dtype":"F64","shape":[1]}})", eight), "needs dtype"},
    {"three_offsets", file_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8,9]}})", eight), "has 3 numbers"},
    {"negative_extent", file_of(R"({"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}})", eight), "a negative number"},
    {"fractional_extent", file_of(R"({"a":{"dtype":"F64","shape":[1.5],"data_offsets":[0,8]}})", eight), "not an integer"},
    {"huge_extent", file_of(R"({"a":{"dtype":"F64","shape":[99999999999999999999999],"data_offsets":[0,8]}})", eight), "not an integer"},
    {"product_overflows", file_of(R"({"a":{"dtype":"F64","shape":[4294967296,4294967296,2],"data_offsets":[0,8]}})", eight), "does not fit 8 bytes"},
    {"product_wraps_to_size", file_of(R"({"a":{"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]}})", eight), "does not fit 8 bytes"},
    {"offsets_reversed", file_of(R"({"a":{"dtype":"F64","shape":[0],"data_offsets":[8,0]}})", eight), "data_offsets 8 to 0"},
    {"offsets_beyond_end", file_of(R"({"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})", eight), "cut short?"},
    {"overlap", file_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", eight), "overlap or gap"},
    {"gap", file_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}})", sixteen), "overlap or gap"},
    {"data_left_over", file_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", sixteen), "8 bytes follow"},
    {"duplicate_tensor", file_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}})", sixteen), "'a' appears twice"},
    {"duplicate_field", file_of(R"({"a":{"dtype":"F64","dtype":"F32","shape":[1],"data_offsets":[0,8]}})", eight), "repeated"},
    {"duplicate_metadata_key", file_of(R"({"__metadata__":{"k":"1","k":"2"}})"), "'k' appears twice"},
    {"duplicate_metadata", file_of(R"({"__metadata__":{},"__metadata__":{}})"), "appears twice"},
    {"metadata_not_text", file_of(R"({"__metadata__":{"k":7}})"), "a number for 'k'"},
    {"metadata_is_text", file_of(R"({"__metadata__":"x"})"), "entry '__metadata__'"},
};

class RefusedFile : public testing::TestWithParam<Malformed> {};

TEST_P(RefusedFile, WithKindAndPlace) {
  try {
    parsed(GetParam().bytes);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), GetParam().kind);
    EXPECT_TRUE(std::string(error.what()).starts_with("m.safetensors: ")) << error.what();
    EXPECT_NE(std::string(error.what()).find(GetParam().message), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Safetensors, RefusedFile, testing::ValuesIn(malformed),
                         [](const auto& test) { return std::string(test.param.what); });

TEST(Safetensors, ReadsTheReferenceImplementation) {
  const TensorFile file = read_safetensors(golden);
  EXPECT_EQ(file.tensors.size(), 9u);
  EXPECT_EQ(get_doubles(file, "weights", {2, 3}),
            (std::vector<double>{0.5, -1.25, 3.0e-300, std::numbers::pi, -0.0, 1.0e17}));
  EXPECT_TRUE(std::signbit(get_doubles(file, "weights", {any_size, 3})[4]));
  EXPECT_EQ(get_integers(file, "species", {any_size}), (std::vector<std::int64_t>{3, 14}));
  EXPECT_EQ(get_doubles(file, "centres_Å", {1, 2}), (std::vector<double>{1.5, -2.5}));
  EXPECT_EQ(get_integers(file, "indices", {2, 1}), (std::vector<std::int64_t>{7, -8}));
  EXPECT_EQ(get_integers(file, "bytes", {3}), (std::vector<std::int64_t>{0, 255, 128}));
  EXPECT_EQ(get_doubles(file, "scalar", {}), (std::vector<double>{2.5}));
  EXPECT_TRUE(get_doubles(file, "nothing", {0, 4}).empty());
  EXPECT_EQ(find_tensor(file, "flags", {3}).dtype, Dtype::boolean);
  EXPECT_EQ(find_tensor(file, "half", {3}).dtype, Dtype::f16);
  EXPECT_EQ(get_metadata(file, "note"), "quotes \" and \\, tab\t, ünïcode");
}

TEST(Safetensors, WritesTheBytesOfTheReferenceImplementation) {
  EXPECT_EQ(safetensors_bytes(read_safetensors(golden)), read_file(golden));
}

TEST(Safetensors, RoundTrip) {
  TensorFile file;
  put(file, "b", {2, 2}, std::vector<double>{1, 2.5, -3, 1e-310});
  put(file, "a", {3}, std::vector<std::int64_t>{-1, 0, std::numeric_limits<std::int64_t>::max()});
  put(file, "empty", {0}, std::vector<double>{});
  file.metadata = {{"family", "ace"}, {"", "an empty key"}};
  const auto path = std::filesystem::path(testing::TempDir()) / "round_trip.safetensors";
  write_safetensors(path, file);
  const TensorFile back = read_safetensors(path);
  EXPECT_EQ(back.tensors, file.tensors);
  EXPECT_EQ(back.metadata, file.metadata);
  EXPECT_EQ(back.source, path.string());
  EXPECT_TRUE(looks_like_safetensors(read_file(path).substr(0, 16), std::filesystem::file_size(path)));
  std::filesystem::remove(path);
}

TEST(Safetensors, EmptyFileHasAHeaderOnly) {
  EXPECT_EQ(safetensors_bytes({}), with_length(8, "{}      "));
  EXPECT_TRUE(parsed(safetensors_bytes({})).tensors.empty());
}

TEST(Safetensors, EveryCutIsRefused) {
  const std::string whole = read_file(golden);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(parsed(whole.substr(0, size)), Error) << "cut to " << size << " bytes";
}

TEST(Safetensors, EveryFlippedByteIsReadOrRefused) {
  const std::string whole = read_file(golden);
  for (std::size_t k = 0; k < whole.size(); ++k)
    for (const char mask : {'\x01', '\x20', '\x7f'}) {
      std::string changed = whole;
      changed[k] = static_cast<char>(changed[k] ^ mask);
      try {
        parsed(changed);
      } catch (const Error&) {
      }
    }
}

TEST(Safetensors, GettersSayWhatIsWrong) {
  TensorFile file;
  file.source = "m.safetensors";
  put(file, "x", {2}, std::vector<double>{1, 2});
  put(file, "n", {1}, std::vector<std::int64_t>{1});
  file.tensors["big"] = {Dtype::u64, {1}, std::string(8, '\xff')};
  EXPECT_THROW(get_doubles(file, "y", {2}), Error);
  EXPECT_THROW(get_doubles(file, "x", {3}), Error);
  EXPECT_THROW(get_doubles(file, "x", {2, 1}), Error);
  EXPECT_THROW(get_doubles(file, "n", {1}), Error);
  EXPECT_THROW(get_integers(file, "x", {2}), Error);
  EXPECT_THROW(get_integers(file, "big", {1}), Error);
  EXPECT_THROW(get_metadata(file, "family"), Error);
}

TEST(Safetensors, WriterRefusesWhatCannotBeReadBack) {
  TensorFile file;
  EXPECT_THROW(put(file, "x", {3}, std::vector<double>{1, 2}), Error);
  put(file, "x", {2}, std::vector<double>{1, 2});
  EXPECT_THROW(put(file, "x", {2}, std::vector<double>{1, 2}), Error);
  file.tensors["short"] = {Dtype::f64, {2}, std::string(8, '\0')};
  EXPECT_THROW(safetensors_bytes(file), Error);
  file.tensors = {{"__metadata__", {Dtype::u8, {0}, ""}}};
  EXPECT_THROW(safetensors_bytes(file), Error);
  file.tensors = {{"not utf-8 \xff", {Dtype::u8, {0}, ""}}};
  EXPECT_THROW(safetensors_bytes(file), Error);
}

TEST(Safetensors, MissingMetadataKeysAreListed) {
  TensorFile file;
  file.source = "m.safetensors";
  for (const char* key : model_metadata_keys) file.metadata[key] = "x";
  EXPECT_NO_THROW(require_metadata(file, model_metadata_keys));
  file.metadata.erase("units");
  file.metadata.erase("species");
  try {
    require_metadata(file, model_metadata_keys);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "m.safetensors: the metadata lacks units, species; was this file written by Saltus?");
  }
}

TEST(Safetensors, ADirectoryAndAMissingFileAreFileErrors) {
  for (const auto& path : {std::filesystem::path(testing::TempDir()), std::filesystem::path("no/such/file")}) try {
      read_safetensors(path);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::file);
    }
}

}  // namespace
