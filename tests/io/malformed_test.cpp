#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/io/extxyz.hpp"
#include "tests/io/malformed_cases.hpp"

namespace saltus {
namespace {

class Malformed : public testing::TestWithParam<MalformedCase> {};

TEST_P(Malformed, IsRefusedWithPlace) {
  const MalformedCase& bad = GetParam();
  try {
    const auto reader = open_extxyz_text(bad.content, "bad.xyz");
    Frame frame;
    while (reader->read_next(frame)) {
    }
    FAIL() << "was read without complaint";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    const std::string message = error.what();
    EXPECT_EQ(message.rfind("bad.xyz, frame ", 0), 0u) << message;
    EXPECT_NE(message.find(", line "), std::string::npos) << message;
    EXPECT_NE(message.find(bad.message), std::string::npos) << message;
    EXPECT_LT(message.size(), 400u) << message;
  }
}

INSTANTIATE_TEST_SUITE_P(Extxyz, Malformed, testing::ValuesIn(malformed_cases()),
                         [](const auto& instance) { return instance.param.name; });

// Every prefix of a good file is either refused, or whole frames; none crashes.
TEST(Truncated, EveryPrefix) {
  const std::string text =
      "2\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3 energy=-1.5 pbc=\"T T F\"\nLi 0 0 0\nSi 1 1 1.25\n"
      "1\nplain\nH 0 0 0\n";
  std::size_t refused = 0;
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto reader = open_extxyz_text(text.substr(0, length), "cut.xyz");
    Frame frame;
    try {
      while (reader->read_next(frame)) EXPECT_EQ(frame.size(), frame.atoms->size());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      ++refused;
    }
  }
  EXPECT_GT(refused, text.size() / 2);
}

}  // namespace
}  // namespace saltus
