#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"

namespace saltus {
namespace {

// Known answers of Philox 4x32-10 from the reference implementation's kat_vectors (Random123).
TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, MomentsOfNormalAndGamma) {
  Random random(7, 1);
  double sum = 0, square = 0, gamma = 0;
  const int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    sum += x;
    square += x * x;
    gamma += random.gamma(2.5);
  }
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));               // five standard errors
  EXPECT_NEAR(square / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(gamma / n, 2.5, 5 * std::sqrt(2.5 / n));
}

// FIPS 180-4 examples.
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Text, DidYouMean) {
  const std::vector<std::string> keys{"temperature_kelvin", "timestep_fs", "steps"};
  EXPECT_EQ(nearest_word("temprature_kelvin", keys), "temperature_kelvin");
  EXPECT_EQ(nearest_word("pressure", keys), std::nullopt);
}

}  // namespace
}  // namespace saltus
