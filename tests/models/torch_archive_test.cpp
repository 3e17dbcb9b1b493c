// Torch archives made by hand: views of storages, and what must be refused.
#include "saltus/models/torch_archive.hpp"

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/models/torch_module.hpp"
#include "tests/models/archive_writer.hpp"

using namespace saltus;
using namespace saltus::test;
using namespace std::string_literals;

namespace {

std::string floats(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += little(value);
  return bytes;
}

std::string archive(const std::string& opcodes, const std::string& storage, std::vector<ZipPart> more = {}) {
  ZipPart data, numbers;
  data.name = "m/data.pkl";
  data.content = pickled(opcodes);
  numbers.name = "m/data/0";
  numbers.content = storage;
  more.insert(more.begin(), {data, numbers});
  return zip_bytes(more);
}

const std::string six = floats({0, 1, 2, 3, 4, 5});

TEST(TorchArchive, CopiesStridedViews) {
  const auto values = [](const std::vector<std::int32_t>& shape, const std::vector<std::int32_t>& stride, std::int32_t offset) {
    const std::string bytes = archive(tensor_op("0", "FloatStorage", 6, offset, shape, stride), six);
    const TorchArchive torch(bytes, "m.pt");
    return values_of(*torch.tensor(torch.data().root()));
  };
  EXPECT_EQ(values({2, 3}, {3, 1}, 0), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values({3, 2}, {1, 3}, 0), (std::vector<double>{0, 3, 1, 4, 2, 5}));  // transposed
  EXPECT_EQ(values({2}, {2}, 1), (std::vector<double>{1, 3}));
  EXPECT_EQ(values({2, 2, 1}, {3, 1, 1}, 1), (std::vector<double>{1, 2, 4, 5}));
  EXPECT_EQ(values({}, {}, 4), (std::vector<double>{4}));
  EXPECT_EQ(values({0, 1000000000}, {1, 1}, 0), (std::vector<double>{}));
  EXPECT_EQ(values({3, 2}, {1, 1}, 0), (std::vector<double>{0, 1, 1, 2, 2, 3}));  // rows that overlap
}

TEST(TorchArchive, UnderstandsParametersAndDictionaries) {
  const std::string bytes = archive(dict_op({{"w", global_op("torch._utils", "_rebuild_parameter") + tuple_op({tensor_op("0", "FloatStorage", 6, 2, {2}, {1}), "\x88", "}"}) + "R"}, {"n", "K\x05"}}), six);
  const TorchArchive torch(bytes, "m.pt");
  const auto w = torch.data().find(torch.data().root(), "w"), n = torch.data().find(torch.data().root(), "n");
  EXPECT_EQ(values_of(*torch.tensor(*w)), (std::vector<double>{2, 3}));
  EXPECT_FALSE(torch.tensor(*n));
  EXPECT_EQ(torch.all_tensors().size(), 1u);
}

void expect_refused(const std::string& bytes, const std::string& message, ErrorKind kind = ErrorKind::format) {
  try {
    const TorchArchive torch(bytes, "m.pt");
    for (const TensorView& view : torch.all_tensors()) copy(view);
    FAIL() << "was read, expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("m.pt", 0), 0u) << error.what();
  }
}

TEST(TorchArchive, RefusesViewsThatLeaveTheirStorage) {
  const auto expect = [](const std::string& tensor, const std::string& message) { expect_refused(archive(tensor, six), message); };
  expect(tensor_op("0", "FloatStorage", 6, 0, {7}, {1}), "does not lie in its storage");
  expect(tensor_op("0", "FloatStorage", 6, 6, {1}, {1}), "does not lie in its storage");
  expect(tensor_op("0", "FloatStorage", 6, 0, {2, 3}, {4, 1}), "does not lie in its storage");
  expect(tensor_op("0", "FloatStorage", 6, -1, {2}, {1}), "no offset");
  expect(tensor_op("0", "FloatStorage", 6, 5, {2}, {-1}), "negative");
  expect(tensor_op("0", "FloatStorage", 6, 0, {-2}, {1}), "negative");
  expect(tensor_op("0", "FloatStorage", 6, 0, {2, 3}, {1}), "no offset, shape or strides");
  expect(tensor_op("0", "FloatStorage", 7, 0, {6}, {1}), "only 24 bytes are there");
  expect(tensor_op("0", "DoubleStorage", 6, 0, {6}, {1}), "only 24 bytes are there");
  expect(tensor_op("0", "FloatStorage", -6, 0, {6}, {1}), "without a name or size");
  expect(tensor_op("1", "FloatStorage", 6, 0, {6}, {1}), "not in the archive");
  expect(tensor_op("../data/0", "FloatStorage", 6, 0, {6}, {1}), "not in the archive");
  // Strides of zero would make 2^62 elements of one, and products that wrap around.
  expect(tensor_op("0", "FloatStorage", 6, 0, {2147483647, 2147483647}, {0, 0}), "repeats those of its storage");
  expect(tensor_op("0", "FloatStorage", 6, 0, {2147483647, 2147483647, 2147483647, 2147483647}, {2147483647, 0, 0, 0}), "does not lie");
  expect(tensor_op("0", "FloatStorage", 6, 7, {0}, {1}), "begins behind its storage");
  expect(tensor_op("0", "FloatStorage", 6, 0, std::vector<std::int32_t>(100, 1), std::vector<std::int32_t>(100, 1)), "100 dimensions");
}

TEST(TorchArchive, RefusesWhatItDoesNotKnow) {
  expect_refused(archive(tensor_op("0", "ComplexFloatStorage", 3, 0, {3}, {1}), six), "ComplexFloatStorage", ErrorKind::unsupported);
  ZipPart order;
  order.name = "m/byteorder";
  order.content = "big";
  expect_refused(archive("N", six, {order}), "byte order 'big'", ErrorKind::unsupported);
  expect_refused("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"s, "before version 1.6", ErrorKind::unsupported);
  expect_refused("just text", "not a torch file");
  ZipPart twin;
  twin.name = "n/data.pkl";
  twin.content = pickled("N");
  expect_refused(archive("N", six, {twin}), "two entries are called data.pkl");
  expect_refused(zip_bytes({}), "no data.pkl");
  ZipPart packed;
  packed.name = "m/data/1";
  packed.content = six;
  packed.deflate = true;
  expect_refused(archive(tensor_op("1", "FloatStorage", 6, 0, {6}, {1}), six, {packed}), "is compressed", ErrorKind::unsupported);
}

TEST(TorchArchive, DamagedStoragesAreNoticed) {
  std::string bytes = archive(tensor_op("0", "FloatStorage", 6, 0, {6}, {1}), six);
  bytes[bytes.find(six) + 5] ^= 1;
  expect_refused(bytes, "checksum");
}

TEST(TorchArchive, TakesNumpyNumbers) {
  const std::string dtype = global_op("numpy", "dtype") + tuple_op({text_op("i8"), "\x89", "\x88"}) + "R" + tuple_op({"K\x03", text_op("<"), "N", "N", "N", "J\xff\xff\xff\xff", "J\xff\xff\xff\xff", "K\x00"s}) + "b";
  const std::string number = global_op("_codecs", "encode") + tuple_op({text_op("\xc3\xa9\x00\x00\x00\x00\x00\x00\x00"s), text_op("latin1")}) + "R";
  const std::string bytes = archive(global_op("numpy.core.multiarray", "scalar") + tuple_op({dtype, number}) + "R", six);
  const TorchArchive torch(bytes, "m.pt");
  EXPECT_EQ(number_of(torch, torch.data().root()), 233);  // é is the byte 0xe9
}

TEST(Irreps, AreReadAndWritten) {
  EXPECT_EQ(text(*parse_irreps("128x0e+64x1o + 2e")), "128x0e+64x1o+1x2e");
  EXPECT_EQ(dimension(*parse_irreps("128x0e+64x1o+32x2e")), 128u + 3 * 64 + 5 * 32);
  EXPECT_EQ(text(simplified(*parse_irreps("2x0e+0x1o+3x0e+1x1o+4x0e"))), "5x0e+1x1o+4x0e");
  EXPECT_EQ(channels(*parse_irreps("2x0e+3x0e+1x0o"), {0, 1}), 5u);
  for (const char* const wrong : {"x0e", "1x", "-1x0e", "1x0f", "1x0", "1x99e", "1000001x0e", "1x0e+", "1x0e++1x0e", "1.5x0e"}) EXPECT_FALSE(parse_irreps(wrong)) << wrong;
  std::string many = "1x0e";
  for (int k = 0; k < 256; ++k) many += "+1x0e";
  EXPECT_FALSE(parse_irreps(many));
}

}  // namespace
