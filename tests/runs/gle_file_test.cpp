#include "saltus/runs/gle_file.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

using List = std::vector<double>;

std::string refusal(const std::string& text, ErrorKind kind = ErrorKind::format) {
  try {
    parse_gle_file(text, "m.gle");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(GleFile, OfRawExports) {
  const GleFile one = parse_gle_file("# PIGLET\r\n# T=300 K\r\n# A MATRIX: (picoseconds^-1)\r\n 1.5e+0  2\r\n -2.0 3 \r\n\r\n# C MATRIX: (K)\r\n600 1\r\n1 700\r\n", "m");
  EXPECT_EQ(one.matrices.size, 2u);
  EXPECT_EQ(one.matrices.drift_per_fs, (List{1.5e-3, 2e-3, -2e-3, 3e-3}));
  EXPECT_EQ(one.matrices.covariance_kelvin, (List{600, 1, 1, 700}));
  EXPECT_EQ(one.temperature_kelvin, 300);
  const GleFile modes = parse_gle_file("# A MATRIX: (femtoseconds^-1)\n# Matrix for normal mode: 0\n1\n# Matrix for normal mode: 1\n2\n# Matrix for normal mode: 2\n3\n# C MATRIX: (eV)\n1\n1\n1\n", "m");
  EXPECT_EQ(modes.matrices.pairs(), 3u);
  EXPECT_EQ(modes.matrices.drift_per_fs, (List{1, 2, 3}));
  EXPECT_NEAR(modes.matrices.covariance_kelvin[2], 11604.518, 1e-3);
  EXPECT_FALSE(modes.temperature_kelvin);
  const GleFile atomic = parse_gle_file("# A MATRIX: (atomic time units^-1)\n1\n# C MATRIX: (atomic energy units)\n1", "m");
  EXPECT_NEAR(atomic.matrices.drift_per_fs[0], 41.341373, 1e-5);
  EXPECT_NEAR(atomic.matrices.covariance_kelvin[0], 315775.02, 1e-1);
}

TEST(GleFile, OfInputsOfIpi) {
  const GleFile whole = parse_gle_file(
      "<simulation>\n<!-- <A shape='(1,1)'> [9] </A> -->\n<thermostat mode='nm_gle'>\n <A shape='(2,2,2)'>\n[ 1.0e-3, 2e-3,\n -2e-3, 1e-3,\n 3e-3, 4e-3,\n -4e-3, 3e-3 ]\n </A>\n"
      " <C shape='(2,2,2)' units='kelvin'> [600, 0, 0, 600, 900, 0, 0, 800] </C>\n</thermostat></simulation>\n",
      "m");
  EXPECT_EQ(whole.matrices.pairs(), 2u);
  EXPECT_EQ(whole.matrices.size, 2u);
  EXPECT_NEAR(whole.matrices.drift_per_fs[5], 4e-3 / units::fs_per_atomic_time, 1e-12);
  EXPECT_EQ(whole.matrices.covariance_kelvin, (List{600, 0, 0, 600, 900, 0, 0, 800}));
  const GleFile alone = parse_gle_file("<A shape=\"(1,1)\" units = \"picosecond^-1\">[5]</A>", "m");
  EXPECT_EQ(alone.matrices.drift_per_fs, (List{5e-3}));
  EXPECT_TRUE(alone.matrices.covariance_kelvin.empty());
}

TEST(GleFile, OfInputsOfCp2k) {
  const GleFile one = parse_gle_file("&GLE\n NDIM 2\n A_SCALE [ps^-1] 2.0\n A_LIST 1 2\n A_LIST -2 3\n C_SCALE [K_e] 1\n C_LIST 300 0\n C_LIST 0 400\n&END GLE\n", "m");
  EXPECT_EQ(one.matrices.drift_per_fs, (List{2e-3, 4e-3, -4e-3, 6e-3}));
  EXPECT_EQ(one.matrices.covariance_kelvin, (List{300, 0, 0, 400}));
}

TEST(GleFile, IsRefusedWithLineAndRemedy) {
  EXPECT_NE(refusal("").find("m.gle: no matrix A: expected <A …> as i-PI has it"), std::string::npos);
  EXPECT_NE(refusal("# C MATRIX: (K)\n1\n").find("no matrix A"), std::string::npos);
  EXPECT_NE(refusal("1 2\n").find("m.gle:1: expected a line '# A MATRIX: (UNIT)' before the numbers"), std::string::npos);
  EXPECT_NE(refusal("# A MATRIX: (per day)\n1\n").find("m.gle:1: the unit of A is 'per day', but must be one of: ps^-1"), std::string::npos);
  EXPECT_NE(refusal("# A MATRIX\n1\n").find("m.gle:1: the unit of A is missing: # A MATRIX: (ps^-1)"), std::string::npos);
  EXPECT_NE(refusal("# A MATRIX: (ps^-1)\n1\n# C MATRIX: (ps^-1)\n1\n").find("m.gle:3: the unit of C is 'ps^-1'"), std::string::npos);
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\n1 2\n3\n"), "m.gle:3: 1 numbers in a row of A, whose first row has 2");
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\n1 2\n3 4\n5 6\n"), "m.gle: A has 3 rows of 2 numbers, which are no square matrices");
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\n1 x\n"), "m.gle:2: 'x' is no finite number");
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\nnan\n"), "m.gle:2: 'nan' is no finite number");
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\n"), "m.gle: A has no numbers");
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\n1\n# A MATRIX: (ps^-1)\n"), "m.gle:3: a second matrix A: leave those of one thermostat");
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\n1 2\n# Matrix for normal mode: 1\n3 4\n"), "m.gle:3: 'Matrix for normal mode: 1' comes after 1 rows of 2 numbers of A");
  EXPECT_EQ(refusal("# A MATRIX: (ps^-1)\n1\n2\n# C MATRIX: (K)\n1\n"), "m.gle: A is 2 times 1×1, C 1 times 1×1: they must be alike");
  EXPECT_EQ(refusal("# T=0.026 eV\n"), "m.gle:1: 'T=0.026 eV': expected a temperature in K");
  EXPECT_EQ(refusal("<A shape='(2,2)'> 1 2 3 </A>"), "m.gle:1: 3 numbers in <A>, whose shape is '(2,2)'");
  EXPECT_EQ(refusal("\n<A shape='(2,3)'> 1 2 3 4 5 6 </A>"), "m.gle:2: a shape of '(2,3)' is no square matrix, nor one for each mode");
  EXPECT_EQ(refusal("<A shape='(1e9,1)'> </A>"), "m.gle:1: a shape of '(1e9,1)'");
  EXPECT_NE(refusal("<A> 1 </A>").find("<A> needs its shape"), std::string::npos);
  EXPECT_EQ(refusal("<A shape='(1,1)'> 1"), "m.gle:1: <A> is not closed by </A>");
  EXPECT_EQ(refusal("<A shape='(1,1)'>1</A>\n<A shape='(1,1)'>1</A>"), "m.gle:1: several <A>: leave the matrices of one thermostat");
  EXPECT_NE(refusal("<A shape='(1,1)' units='terahertz'>1</A>").find("the unit of A is 'terahertz', but must be one of"), std::string::npos);
  EXPECT_NE(refusal("A_LIST 1\n").find("m.gle: A has no unit"), std::string::npos);
  EXPECT_EQ(refusal("A_SCALE 1\n"), "m.gle:1: A_SCALE needs its unit in brackets: A_SCALE [ps^-1] 1");
  EXPECT_NE(refusal("<A shape='(65,65)'> </A>", ErrorKind::unsupported).find("at most 64 and 4096 are read"), std::string::npos);
}

class RingGleFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "gle_file_test";
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  RingGle read(const std::string& text, bool per_mode, std::size_t beads, double temperature_kelvin) {
    write_file_atomically(folder_ / "m.gle", text);
    return read_ring_gle(folder_ / "m.gle", per_mode, beads, temperature_kelvin);
  }
  std::string refusal(const std::string& text, bool per_mode, std::size_t beads, double temperature_kelvin) {
    try {
      read(text, per_mode, beads, temperature_kelvin);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
      return error.what();
    }
    return "accepted";
  }
  fs::path folder_;
};

TEST_F(RingGleFile, WithoutCovarianceIsCanonical) {
  const RingGle gle = read("# A MATRIX: (ps^-1)\n0 7\n-7 5\n", false, 4, 300);
  EXPECT_EQ(gle.matrices.covariance_kelvin, (List{1200, 0, 0, 1200}));
  EXPECT_TRUE(is_canonical(gle, 4, 300));
  EXPECT_FALSE(is_canonical(gle, 4, 301));
  EXPECT_FALSE(is_canonical(read("# A MATRIX: (ps^-1)\n5\n# C MATRIX: (K)\n1300\n", false, 4, 300), 4, 300));
}

TEST_F(RingGleFile, MustBeForTheseBeadsAndThisTemperature) {
  const std::string one = "# A MATRIX: (ps^-1)\n5\n", two = "# T=300 K\n# A MATRIX: (ps^-1)\n5\n9\n# C MATRIX: (K)\n600\n2000\n";
  EXPECT_EQ(refusal(two, true, 2, 300), "accepted");
  EXPECT_NE(refusal(two, true, 3, 300).find("m.gle: piglet needs matrices for each of the 3 beads, but there are 2"), std::string::npos);
  EXPECT_NE(refusal(one, true, 3, 300).find("one pair for all modes is the thermostat gle"), std::string::npos);
  EXPECT_NE(refusal(two, false, 2, 300).find("one for each mode is the thermostat piglet"), std::string::npos);
  EXPECT_NE(refusal(two, true, 2, 310).find("made for 300 K, but the temperature is 310 K"), std::string::npos);
  EXPECT_NE(refusal(two.substr(10), true, 2, 310).find("C holds the centroid at 600 K, but 2 beads at 310 K have it at 620 K"), std::string::npos);
  EXPECT_NE(refusal("# A MATRIX: (ps^-1)\n-5\n", false, 1, 300).find("m.gle: generalised Langevin thermostat: "), std::string::npos);
}

TEST_F(RingGleFile, IsToldByItsNumbers) {
  const RingGle ps = read("# A MATRIX: (ps^-1)\n5\n", false, 1, 300), fs = read("# other words\n# A MATRIX: (fs^-1)\n0.005\n", false, 1, 300);
  EXPECT_EQ(identity_of(ps), identity_of(fs));
  EXPECT_NE(identity_of(ps), identity_of(read("# A MATRIX: (ps^-1)\n5.0000001\n", false, 1, 300)));
  EXPECT_NE(identity_of(ps), identity_of(read("# A MATRIX: (ps^-1)\n5\n", false, 1, 301)));
}

}  // namespace
}  // namespace saltus::runs
