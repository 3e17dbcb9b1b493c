#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/io/wannier.hpp"
#include "tests/io/malformed_cases.hpp"

namespace saltus {
namespace {

const std::string golden = std::string(SALTUS_SOURCE_DIR) + "/tests/golden/cp2k/zundel_wannier/";

const std::string block = "3\n Particles+Wannier centers. Iteration:1_0\n O 0 0 0\n X 0.5 0 0\n X -0.5 0.25 0\n";

TEST(Wannier, CentresBesideAtoms) {
  const auto reader = open_cp2k_wannier(golden + "HOMO_centers.xyz", golden + "wannier_spreads.out");
  WannierFrame frame;
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(formula(*frame.atoms), "H5O2");
  EXPECT_EQ(frame.position_ang.size(), 7u);
  ASSERT_EQ(frame.centre_ang.size(), 8u);  // 16 electrons
  EXPECT_EQ(frame.position_ang[0], (Vec3{3.03552928, 2.99700354, 3.94956657}));
  EXPECT_EQ(frame.centre_ang[7], (Vec3{2.7285146178, 3.0090202339, 3.5562883258}));
  // 1.66168041 bohr² by hand.
  EXPECT_NEAR(frame.spread_ang2[0], 1.66168041 * 0.280028520, 1e-7);
  EXPECT_EQ(frame.iteration, (std::vector<std::int64_t>{1, 0}));
  const auto atoms = frame.atoms;
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.iteration, (std::vector<std::int64_t>{1, 5}));
  EXPECT_EQ(frame.atoms, atoms);
  EXPECT_EQ(reader->count(), 3u);
  reader->seek(2);
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.iteration.back(), 10);
  EXPECT_NEAR(frame.spread_ang2[0], 1.73528796 * 0.280028520, 1e-7);
  EXPECT_FALSE(reader->read_next(frame));
  reader->seek(0);
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.centre_ang[7], (Vec3{2.7285146178, 3.0090202339, 3.5562883258}));
  EXPECT_THROW(reader->seek(4), Error);
}

// The centres on an oxygen: each within a bond length of it by minimum image (cubic cell of 8 Å), four to each.
TEST(Wannier, FourCentresOnEachOxygen) {
  const auto reader = open_cp2k_wannier(golden + "HOMO_centers.xyz");
  const Cell cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}});
  for (WannierFrame frame; reader->read_next(frame);) {
    int near[2] = {0, 0};
    for (const Vec3& centre : frame.centre_ang)
      for (std::size_t oxygen = 0; oxygen < 2; ++oxygen)
        if (norm(cell.minimum_image(centre - frame.position_ang[oxygen])) < 0.9) ++near[oxygen];
    EXPECT_EQ(near[0], 4);
    EXPECT_EQ(near[1], 4);
  }
}

TEST(Wannier, OnlyCentresWithSpreadsInTheFifthColumn) {
  const auto reader = open_cp2k_wannier_text("2\n1_7\nX 1 2 3 1.5\nX 4 5 6 2.5\n", "", "w");
  WannierFrame frame;
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.atoms->size(), 0u);
  EXPECT_TRUE(frame.position_ang.empty());
  EXPECT_EQ(frame.centre_ang[1], (Vec3{4, 5, 6}));
  EXPECT_NEAR(frame.spread_ang2[0], 1.5 * 0.529177210903, 1e-12);
  EXPECT_EQ(frame.iteration, (std::vector<std::int64_t>{1, 7}));
}

TEST(Wannier, LabelsOfBeadsAndOfASocket) {
  const auto reader = open_cp2k_wannier_text("1\n Iteration:2_3\nX 1 2 3\n1\n Particles+Wannier centers. Iteration:1\nX 1 2 3\n", "", "w");
  WannierFrame frame;
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.iteration, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(frame.spread_ang2.empty());
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.iteration, (std::vector<std::int64_t>{1}));
}

TEST(Wannier, TaggedFramesComeBack) {
  const auto source = open_cp2k_wannier(golden + "HOMO_centers.xyz");
  std::vector<WannierFrame> written(3);
  std::string text;
  for (std::size_t k = 0; k < 3; ++k) {
    ASSERT_TRUE(source->read_next(written[k]));
    written[k].step = 10 - static_cast<std::int64_t>(k);
    if (k > 0) written[k].bead = 7;
    if (k < 2) written[k].time_fs = 0.1 + static_cast<double>(k);
    if (k != 1) written[k].cell = Cell(Mat3{{Vec3{8, 0, 0}, Vec3{1.0 / 3, 8, 0}, Vec3{0, 0, 8}}}, {true, k == 0, true});
    append_tagged_wannier(text, written[k]);
  }
  const auto reader = open_cp2k_wannier_text(text, "", "w");
  for (const WannierFrame& before : written) {
    WannierFrame frame;
    ASSERT_TRUE(reader->read_next(frame));
    EXPECT_TRUE(frame.iteration.empty());
    EXPECT_EQ(*frame.atoms, *before.atoms);
    EXPECT_EQ(frame.position_ang, before.position_ang);
    EXPECT_EQ(frame.centre_ang, before.centre_ang);
    EXPECT_EQ(frame.step, before.step);
    EXPECT_EQ(frame.bead, before.bead);
    EXPECT_EQ(frame.time_fs, before.time_fs);
    ASSERT_EQ(frame.cell.has_value(), before.cell.has_value());
    if (frame.cell) {
      EXPECT_EQ(*frame.cell, *before.cell);
    }
  }
  WannierFrame without;
  EXPECT_THROW(append_tagged_wannier(text, without), Error);
}

struct MalformedPair {
  std::string name, centres, spreads, message;
};
void PrintTo(const MalformedPair& malformed, std::ostream* out) { *out << malformed.name; }

class WannierMalformed : public testing::TestWithParam<MalformedPair> {};

TEST_P(WannierMalformed, IsRefusedWithPlace) {
  const auto& bad = GetParam();
  try {
    const auto reader = open_cp2k_wannier_text(bad.centres, bad.spreads, "w");
    WannierFrame frame;
    while (reader->read_next(frame)) {
    }
    FAIL() << "was read without complaint";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    const std::string message = error.what();
    EXPECT_EQ(message.rfind(bad.spreads.empty() ? "w, frame " : "w (spreads), frame ", 0), 0u) << message;
    EXPECT_NE(message.find(bad.message), std::string::npos) << message;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cp2k, WannierMalformed,
    testing::Values(MalformedPair{"empty", "", "", "the file is empty"},
                    MalformedPair{"count_word", "x\n", "", "'x' is not an integer"},
                    MalformedPair{"count_zero", "0\n1_0\n", "", "is not between 1 and"},
                    MalformedPair{"count_beyond_the_file", "999999999\n1_0\nX 0 0 0\n", "", "ends after 1 of 999999999 rows"},
                    MalformedPair{"no_label", "1\n", "", "ends before the label"},
                    MalformedPair{"label_word", "1\n Iteration:one\nX 0 0 0\n", "", "no iteration label"},
                    MalformedPair{"tags_without_step", "1\nbead=1\nX 0 0 0\n", "", "no step=5 in"},
                    MalformedPair{"step_word", "1\nstep=x\nX 0 0 0\n", "", "step: 'x' is not an integer"},
                    MalformedPair{"negative_bead", "1\nstep=1 bead=-1\nX 0 0 0\n", "", "bead=-1 is no bead"},
                    MalformedPair{"short_lattice", "1\nstep=1 Lattice=\"1 2 3\"\nX 0 0 0\n", "", "Lattice has 3 numbers"},
                    MalformedPair{"flat_lattice", "1\nstep=1 Lattice=\"1 0 0 1 0 0 0 0 1\"\nX 0 0 0\n", "", ""},
                    MalformedPair{"pbc_word", "1\nstep=1 pbc=\"T T x\"\nX 0 0 0\n", "", "pbc: 'x' is neither T nor F"},
                    MalformedPair{"open_quote", "1\nstep=1 Lattice=\"1\nX 0 0 0\n", "", ""},
                    MalformedPair{"no_centres", "1\n1_0\nO 0 0 0\n", "", "no Wannier centre (X)"},
                    MalformedPair{"unknown_element", "1\n1_0\nXx 0 0 0\n", "", "unknown element 'Xx'"},
                    MalformedPair{"two_numbers", "1\n1_0\nX 0 0\n", "", "expected a label and three numbers"},
                    MalformedPair{"nan", "1\n1_0\nX 0 nan 0\n", "", "column 3: 'nan' is not finite"},
                    MalformedPair{"some_spreads", "2\n1_0\nX 0 0 0 1\nX 0 0 0\n", "", "1 of 2 centres have a spread"},
                    MalformedPair{"cut", "1\n1_0\nX 0 0 0.5", "", "ends within row 1"},
                    MalformedPair{"blank_between", block + "\n" + block, "", "blank line before a frame"},
                    MalformedPair{"other_label", block, "2\n1_5\n1 1.0 1.0\n2 1.0 1.0\n", "the label 1_5 is not that of the centres, 1_0"},
                    MalformedPair{"other_count", block, "1\n1_0\n1 1.0 1.0\n", "1 spreads for 2 centres"},
                    MalformedPair{"spreads_end", block + block, "2\n1_0\n1 1.0 1.0\n2 1.0 1.0\n Total 2 2\n", "the file ends, but w goes on"},
                    MalformedPair{"spread_word", block, "2\n1_0\n1 big 1.0\n2 1.0 1.0\n", "'big' is not a number"},
                    MalformedPair{"spreads_out_of_order", block, "2\n1_0\n2 1.0 1.0\n1 1.0 1.0\n", "not in order"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace saltus
