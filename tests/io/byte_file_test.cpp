#include "saltus/io/byte_file.hpp"

#include <string>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

TEST(ByteFile, BytesAtAnyOffsetWithAnyReadAhead) {
  TemporaryFolder folder;
  Random random(2, 0);
  std::string content(100'000, '\0');
  for (char& c : content) c = static_cast<char>(static_cast<int>(256 * random.uniform()));
  const auto path = folder.write("bytes", content);
  ByteFile file(path), memory{std::string_view(content)};
  EXPECT_EQ(file.size(), content.size());
  for (int k = 0; k < 2000; ++k) {
    const auto offset = static_cast<std::size_t>(100'001 * random.uniform());
    const auto count = static_cast<std::size_t>(static_cast<double>(content.size() - offset + 1) * random.uniform());
    const auto ahead = static_cast<std::size_t>(20'000 * random.uniform());
    const std::string_view expected = std::string_view(content).substr(offset, count);
    ASSERT_EQ(std::string_view(file.at(offset, count, ahead), count), expected);
    ASSERT_EQ(std::string_view(memory.at(offset, count, ahead), count), expected);
  }
}

TEST(ByteFile, NothingBehindTheEnd) {
  ByteFile file{std::string_view("12345")};
  EXPECT_TRUE(file.holds(5, 0));
  EXPECT_FALSE(file.holds(6, 0));
  EXPECT_FALSE(file.holds(2, ~std::uint64_t{0}));
  EXPECT_THROW(file.at(3, 3), Error);
  EXPECT_THROW(file.at(~std::uint64_t{0}, 2), Error);
  EXPECT_THROW(ByteFile(std::filesystem::path("/")), Error);
}

TEST(ByteFile, NumbersOfEitherByteOrder) {
  const char bytes[] = "\x3f\xf0\x00\x00\x00\x00\x00\x01";
  EXPECT_EQ(load<std::uint32_t>(bytes, std::endian::big), 0x3ff00000u);
  EXPECT_EQ(load<std::uint32_t>(bytes, std::endian::little), 0x0000f03fu);
  EXPECT_EQ(load<double>(bytes, std::endian::big), 1 + 0x1p-52);
  EXPECT_EQ(load<float>(bytes, std::endian::big), 1.875f);
}

}  // namespace
}  // namespace saltus
