#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/segments.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

Frame numbered_frame(int k) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3, 14}));
  frame.position_ang = {{k + 0.25, 0, 0}, {0, 1.0 / 3, 0}};
  frame.step = k;
  frame.time_fs = 2 * k;
  return frame;
}

std::vector<std::int64_t> steps_of(const std::filesystem::path& folder) {
  std::vector<std::int64_t> steps;
  for (const auto& frame : read_frames(folder)) steps.push_back(frame.step);
  return steps;
}

TEST(Segments, AreJoinedInOrder) {
  TemporaryFolder folder;
  const auto path = folder / "trajectory";
  SegmentWriter writer(path);
  EXPECT_EQ(writer.commit_segment(), 0u);  // no frames, no segment
  for (int k = 0; k < 12; ++k) {
    writer.write(numbered_frame(k));
    if (k % 5 == 4) {
      EXPECT_EQ(writer.commit_segment(), static_cast<std::size_t>(k / 5 + 1));
    }
  }
  EXPECT_EQ(steps_of(path), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));  // the third is not complete
  writer.commit_segment();
  EXPECT_TRUE(std::filesystem::exists(path / "000003.h5md"));
  const auto reader = open_trajectory(path);
  EXPECT_EQ(reader->count(), 12u);
  Frame frame, first;
  for (const std::size_t k : {11u, 0u, 5u, 4u, 10u}) {
    reader->seek(k);
    ASSERT_TRUE(reader->read_next(frame));
    EXPECT_EQ(frame.step, static_cast<std::int64_t>(k));
    if (!first.atoms) first = frame;
    EXPECT_EQ(frame.atoms, first.atoms);
  }
  reader->seek(4);
  for (std::int64_t k = 4; k < 12; ++k) {
    ASSERT_TRUE(reader->read_next(frame));
    EXPECT_EQ(frame.step, k);
  }
  EXPECT_FALSE(reader->read_next(frame));
  reader->seek(12);
  EXPECT_FALSE(reader->read_next(frame));
  EXPECT_THROW(reader->seek(13), Error);
}

// Interrupted behind a checkpoint and resumed there, the folder is byte for byte that of the uninterrupted run.
TEST(Segments, ResumedIsTheSameBytes) {
  TemporaryFolder folder;
  WriteOptions options;
  options.single_precision = false;
  const auto write = [&](SegmentWriter& writer, int first, int last) {
    for (int k = first; k < last; ++k) {
      writer.write(numbered_frame(k));
      if (k % 3 == 2) writer.commit_segment();
    }
  };
  SegmentWriter straight(folder / "straight", options);
  write(straight, 0, 12);
  {
    SegmentWriter interrupted(folder / "resumed", options);
    write(interrupted, 0, 11);
    // A kill leaves the part file of the segment under way.
    std::filesystem::copy_file(folder / "resumed/000001.h5md", folder / "resumed/000004.h5md.part77");
  }
  SegmentWriter resumed(folder / "resumed", options, 2);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "resumed"), {}), 2);
  write(resumed, 6, 12);
  for (const char* name : {"000001.h5md", "000002.h5md", "000003.h5md", "000004.h5md"})
    EXPECT_EQ(read_file(folder / "straight" / name), read_file(folder / "resumed" / name));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "resumed"), {}), 4);
}

void write_text_segment(const TemporaryFolder& folder, const char* name, int k) {
  std::string text;
  append_extxyz(text, numbered_frame(k));
  folder.write(name, text);
}

// Folders of an earlier version: read, dropped, but not continued, and not mixed with the other kind.
TEST(Segments, OfExtxyzAreRead) {
  TemporaryFolder folder;
  write_text_segment(folder, "000001.extxyz", 0);
  write_text_segment(folder, "000002.extxyz", 1);
  EXPECT_EQ(steps_of(folder.path()), (std::vector<std::int64_t>{0, 1}));
  try {
    SegmentWriter(folder.path(), {}, 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("not continued"), std::string::npos) << error.what();
  }
  EXPECT_EQ(folder.entries(), 2u);
  const auto writer = create_trajectory(folder / "000003.h5md");
  writer->write(numbered_frame(2));
  writer->commit();
  try {
    open_trajectory(folder.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_NE(std::string(error.what()).find("H5MD and extXYZ segments"), std::string::npos) << error.what();
  }
  drop_segments_after(folder.path(), 2);
  EXPECT_EQ(steps_of(folder.path()), (std::vector<std::int64_t>{0, 1}));
  SegmentWriter anew(folder.path());
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Segments, OtherFilesArePassedOverAndHolesRefused) {
  TemporaryFolder folder;
  EXPECT_THROW(open_trajectory(folder.path()), Error);
  SegmentWriter writer(folder.path());
  for (int k = 0; k < 3; ++k) {
    writer.write(numbered_frame(k));
    writer.commit_segment();
  }
  folder.write("000004.h5md.part123", "2\ncut");
  folder.write("log.csv", "x");
  folder.write("7.h5md", "no segment name");
  EXPECT_EQ(steps_of(folder.path()), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_THROW(SegmentWriter(folder.path(), {}, 5), Error);
  std::filesystem::remove(folder / "000002.h5md");
  try {
    open_trajectory(folder.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_NE(std::string(error.what()).find("000002.h5md is missing"), std::string::npos);
  }
  drop_segments_after(folder.path(), 0);
  EXPECT_EQ(folder.entries(), 2u);  // log.csv and 7.h5md are not ours
  drop_segments_after(folder / "not_there", 0);
}

}  // namespace
}  // namespace saltus
