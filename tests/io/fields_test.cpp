#include "saltus/io/fields.hpp"

#include <cmath>
#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "saltus/base/random.hpp"

namespace saltus {
namespace {

// The C library rounds correctly; so must the quick way.
TEST(Fields, PlainDecimalsAreRoundedAsTheCLibraryRoundsThem) {
  Random random(7, 0);
  std::size_t quick = 0;
  for (int k = 0; k < 200000; ++k) {
    const int decimals = static_cast<int>(random.uniform() * 17);
    const std::string text = fmt::format("{:.{}f}", std::exp(12 * random.uniform() - 4) * (random.uniform() < 0.5 ? -1 : 1), decimals);
    const std::string padded = text + (k % 2 == 0 ? " 77777777" : "");
    const char *at = padded.data(), *const end = at + padded.size();
    double value = 0;
    if (!read_plain_decimal(at, end, value)) {
      EXPECT_EQ(at, padded.data());
      continue;
    }
    ++quick;
    EXPECT_EQ(at - padded.data(), static_cast<std::ptrdiff_t>(text.size()));
    EXPECT_EQ(value, std::strtod(text.c_str(), nullptr)) << text;
  }
  EXPECT_GT(quick, 120000u);
}

TEST(Fields, WhatIsNoPlainDecimalIsLeftToTheSlowWay) {
  for (const std::string text : {"1", "-", "", ".5", "5.", "1e3", "1.5e3", "+1.5", "1.5x", "1.2.3", "1.234567890123456789", "nan", "1,5",
                                 "12345678901234567.5", "0.1234567a", "0.12345678a"}) {
    const char* at = text.data();
    double value = 0;
    EXPECT_FALSE(read_plain_decimal(at, text.data() + text.size(), value)) << text;
    EXPECT_EQ(at, text.data());
  }
  const std::string zero = "-0.0";
  const char* at = zero.data();
  double value = 1;
  EXPECT_TRUE(read_plain_decimal(at, at + zero.size(), value));
  EXPECT_TRUE(std::signbit(value) && value == 0);
}

}  // namespace
}  // namespace saltus
