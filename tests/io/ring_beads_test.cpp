// Frames of ring polymers: the bead in files, and the frames of one bead.
#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/ring_beads.hpp"
#include "saltus/io/segments.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

constexpr int beads = 3;

Frame bead_frame(int step, int bead) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1}));
  frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{2, 8, 0}, Vec3{0, -1, 7}}});
  frame.position_ang = {{0.125, 0.25, 0.5 * step}, {0.125 * bead, 1, 0.5 * step}};
  frame.step = 10 * step;
  frame.time_fs = 5 * step;
  frame.bead = bead;
  return frame;
}

void write_rings(TrajectoryWriter& writer, int first, int last) {
  for (int step = first; step < last; ++step)
    for (int bead = 0; bead < beads; ++bead) writer.write(bead_frame(step, bead));
}

void expect_rings(const std::vector<Frame>& frames, int steps) {
  ASSERT_EQ(frames.size(), static_cast<std::size_t>(steps * beads));
  for (int k = 0; k < steps * beads; ++k) {
    const Frame expected = bead_frame(k / beads, k % beads);
    const Frame& frame = frames[static_cast<std::size_t>(k)];
    EXPECT_EQ(frame.bead, expected.bead) << k;
    EXPECT_EQ(frame.step, expected.step);
    EXPECT_EQ(frame.time_fs, expected.time_fs);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_LT(norm(frame.position_ang[i] - expected.position_ang[i]), 1e-5);
  }
}

TEST(RingBeads, AreWrittenAndReadBackByEveryFormatThatHoldsThem) {
  TemporaryFolder folder;
  WriteOptions twice;
  twice.single_precision = false;
  for (const auto& [name, options] : {std::pair{"a.extxyz", WriteOptions{}}, {"b.h5md", WriteOptions{}}, {"c.h5md", twice}}) {
    const auto writer = create_trajectory(folder / name, options);
    write_rings(*writer, 0, 1500);  // more than a block of the H5MD writer
    writer->commit();
    expect_rings(read_frames(folder / name), 1500);
  }
}

TEST(RingBeads, OfAFrameReadBeforeAreForgotten) {
  TemporaryFolder folder;
  for (const char* name : {"a.extxyz", "b.h5md"}) {
    Frame classical = bead_frame(0, 0);
    classical.bead.reset();
    const auto writer = create_trajectory(folder / name);
    writer->write(classical);
    writer->commit();
    Frame recycled = bead_frame(1, 2);
    ASSERT_TRUE(open_trajectory(folder / name)->read_next(recycled));
    EXPECT_FALSE(recycled.bead);
  }
}

TEST(RingBeads, AnH5mdFileHasThemInAllFramesOrInNone) {
  TemporaryFolder folder;
  Frame classical = bead_frame(0, 0);
  classical.bead.reset();
  for (const auto& [first, second] : {std::pair{bead_frame(0, 0), classical}, {classical, bead_frame(0, 1)}}) {
    const auto writer = create_trajectory(folder / "mixed.h5md");
    writer->write(first);
    EXPECT_THROW(writer->write(second), Error);
  }
}

TEST(RingBeads, OfTextMustBeNumbers) {
  const auto read = [](const std::string& bead) {
    Frame frame;
    open_extxyz_text("1\npbc=\"F F F\" bead=" + bead + "\nH 0 0 0\n", "text")->read_next(frame);
    return frame.bead;
  };
  EXPECT_EQ(read("0"), 0);
  EXPECT_EQ(read("2147483647"), 2147483647);
  for (const char* bad : {"-1", "2147483648", "1.5", "x", "\"0 1\"", "\"\""}) EXPECT_THROW(read(bad), Error) << bad;
}

TEST(RingBeads, SegmentsHoldRepeatedSteps) {
  TemporaryFolder folder;
  SegmentWriter writer(folder / "beads");
  for (int segment = 0; segment < 3; ++segment) {
    for (int step = 2 * segment; step < 2 * segment + 2; ++step)
      for (int bead = 0; bead < beads; ++bead) writer.write(bead_frame(step, bead));
    writer.commit_segment();
  }
  expect_rings(read_frames(folder / "beads"), 6);
  ReadOptions one;
  one.bead = 1;
  const auto reader = open_trajectory(folder / "beads", one);
  EXPECT_EQ(reader->count(), 6u);
  Frame frame;
  for (const std::size_t k : {5u, 0u, 3u}) {
    reader->seek(k);
    ASSERT_TRUE(reader->read_next(frame));
    EXPECT_EQ(frame.bead, 1);
    EXPECT_EQ(frame.step, static_cast<std::int64_t>(10 * k));
  }
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.step, 40);
  reader->seek(6);
  EXPECT_FALSE(reader->read_next(frame));
  EXPECT_THROW(reader->seek(7), Error);
}

TEST(RingBeads, OneOfThemIsChosen) {
  TemporaryFolder folder;
  const auto path = folder / "beads.extxyz";
  auto writer = create_trajectory(path);
  write_rings(*writer, 0, 4);
  writer->write(bead_frame(4, 0));  // of a step that was cut off
  writer->commit();
  EXPECT_EQ(beads_of(*open_trajectory(path)), 3u);
  for (int bead = 0; bead < beads; ++bead) {
    ReadOptions one;
    one.bead = bead;
    const auto frames = read_frames(path, one);
    ASSERT_EQ(frames.size(), bead == 0 ? 5u : 4u);
    EXPECT_EQ(open_trajectory(path, one)->count(), frames.size());
    for (std::size_t k = 0; k < frames.size(); ++k) {
      EXPECT_EQ(frames[k].bead, bead);
      EXPECT_EQ(frames[k].step, static_cast<std::int64_t>(10 * k));
    }
  }
  const auto message = [&](const std::filesystem::path& file, int bead) {
    ReadOptions one;
    one.bead = bead;
    try {
      read_frames(file, one);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message(path, 3).find("there is no bead 3; the first step has 3 of them, 0 … 2"), std::string::npos) << message(path, 3);
  writer = create_trajectory(folder / "other_order.extxyz");
  for (const int bead : {0, 1, 2, 0, 2, 1}) writer->write(bead_frame(0, bead));
  writer->commit();
  EXPECT_NE(message(folder / "other_order.extxyz", 1).find("frame 5: bead 2 where bead 1 is expected"), std::string::npos);
  Frame classical = bead_frame(0, 0);
  classical.bead.reset();
  writer = create_trajectory(folder / "classical.extxyz");
  writer->write(classical);
  writer->commit();
  EXPECT_NE(message(folder / "classical.extxyz", 0).find("are not beads"), std::string::npos);
  EXPECT_EQ(beads_of(*open_trajectory(folder / "classical.extxyz")), 0u);
}

}  // namespace
}  // namespace saltus
