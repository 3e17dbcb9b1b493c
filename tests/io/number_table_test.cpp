#include <fstream>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/io/number_table.hpp"

namespace saltus {
namespace {

// The kind of the error and its text.
std::pair<ErrorKind, std::string> refusal(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  return {ErrorKind::internal, "read without an error"};
}

TEST(NumberTable, TextWithCommentsAndBlanks) {
  const NumberTable table = number_table_of("# counts\n\n 1 2.5e3\t-0 \r\n+3 4 5 # and so on\n");
  EXPECT_EQ(table.rows, 2u);
  EXPECT_EQ(table.columns, 3u);
  EXPECT_EQ(table.value, (std::vector<double>{1, 2500, 0, 3, 4, 5}));
  EXPECT_TRUE(table.note.empty());
  EXPECT_NE(number_table_of("1 2\n3 4").note, "");
}

TEST(NumberTable, StatesOfCarriers) {
  const StateTable table = state_table_of("0 5\n1 -1\n-7 2147483647\n");
  EXPECT_EQ(table.carrier, (std::vector<std::vector<std::int32_t>>{{0, 1, -1}, {5, -1, 2147483647}}));
}

TEST(NumberTable, RefusesWithThePlace) {
  const auto numbers = [](std::string_view text) { return refusal([text] { number_table_of(text); }); };
  const auto states = [](std::string_view text) { return refusal([text] { state_table_of(text); }); };
  for (const auto& [found, word] : {std::pair(numbers("1 2\n3\n"), "line 2"), std::pair(numbers("1 2\n3 4 5\n"), "line 2"), std::pair(numbers("1 x\n"), "'x'"),
                                    std::pair(numbers("1 nan\n"), "finite"), std::pair(numbers("1 inf\n"), "finite"), std::pair(numbers(""), "no numbers"),
                                    std::pair(numbers("# nothing\n\n"), "no numbers"), std::pair(states("0\n1.5\n"), "line 2"),
                                    std::pair(states("0\n2147483648\n"), "2147483647"), std::pair(states("99999999999999999999\n"), "whole"),
                                    std::pair(states("0 1\n0\n"), "line 2")}) {
    EXPECT_EQ(found.first, ErrorKind::format) << found.second;
    EXPECT_NE(found.second.find(word), std::string::npos) << found.second;
  }
  EXPECT_EQ(refusal([] { read_number_table("/nonexistent/counts.txt"); }).first, ErrorKind::file);
  EXPECT_EQ(refusal([] { read_state_table("/"); }).first, ErrorKind::file);
}

std::string npy(const std::string& type, bool fortran, const std::string& shape, const std::string& numbers) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (" + shape + "), }\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + numbers;
}

TEST(NumberTable, Arrays) {
  const std::vector<double> value{1.0 / 3, -2, 1e300, 0, 5, 6};
  const NumberTable again = number_table_of(npy_bytes(3, 2, value));
  EXPECT_EQ(again.rows, 3u);
  EXPECT_EQ(again.columns, 2u);
  EXPECT_EQ(again.value, value);
  const std::string bytes{0, 1, 2, 3, -1, 5};
  EXPECT_EQ(state_table_of(npy("|i1", false, "3, 2", bytes)).carrier, (std::vector<std::vector<std::int32_t>>{{0, 2, -1}, {1, 3, 5}}));
  EXPECT_EQ(state_table_of(npy("|i1", true, "3, 2", bytes)).carrier, (std::vector<std::vector<std::int32_t>>{{0, 1, 2}, {3, -1, 5}}));
  EXPECT_EQ(state_table_of(npy("<i2", false, "3,", bytes)).carrier, (std::vector<std::vector<std::int32_t>>{{256, 770, 1535}}));
  EXPECT_EQ(state_table_of(npy(">u2", false, "3,", bytes)).carrier, (std::vector<std::vector<std::int32_t>>{{1, 515, 65285}}));
  EXPECT_EQ(state_table_of(npy(">i8", false, "1,", std::string{0, 0, 0, 0, 0, 0, 1, 2})).carrier, (std::vector<std::vector<std::int32_t>>{{258}}));
  EXPECT_EQ(number_table_of(npy("|u1", false, "2, 3", bytes)).value, (std::vector<double>{0, 1, 2, 3, 255, 5}));

  const auto kind = [](const std::string& file) { return refusal([&] { number_table_of(file); }).first; };
  EXPECT_EQ(kind(npy("<f8", false, "2, 2", std::string(31, 0))), ErrorKind::format);
  EXPECT_EQ(kind(npy("<f8", false, "2, 2", std::string(33, 0))), ErrorKind::format);
  EXPECT_EQ(kind(npy("<f8", false, "0, 2", "")), ErrorKind::format);
  EXPECT_EQ(kind(npy("<f8", false, "", std::string(8, 0))), ErrorKind::unsupported);
  EXPECT_EQ(kind(npy("<f8", false, "1, 1, 1", std::string(8, 0))), ErrorKind::unsupported);
  EXPECT_EQ(kind(npy("<c8", false, "1, 1", std::string(8, 0))), ErrorKind::unsupported);
  EXPECT_EQ(kind(npy("<f8", false, "4611686018427387904, 4", "")), ErrorKind::unsupported);
  EXPECT_EQ(kind(npy("<f8", false, "1, 1", std::string{0, 0, 0, 0, 0, 0, -16, 127})), ErrorKind::format);  // infinity
  EXPECT_EQ(refusal([] { state_table_of(npy_bytes(1, 1, {1})); }).first, ErrorKind::unsupported);  // floats are no states
}

}  // namespace
}  // namespace saltus
