// Zip archives: stored, deflated and zip64 entries, and what must be refused.
#include "saltus/models/zip_archive.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "tests/models/archive_writer.hpp"

using namespace saltus;
using saltus::test::zip_bytes;
using saltus::test::ZipPart;

namespace {

ZipPart part(std::string name, std::string content) {
  ZipPart made;
  made.name = std::move(name);
  made.content = std::move(content);
  return made;
}
template <class Change>
ZipPart changed(Change change) {
  ZipPart made = part("a/data.pkl", "some content");
  change(made);
  return made;
}

TEST(ZipArchive, HoldsStoredAndDeflatedEntries) {
  ZipPart deflate = part("a/code.py", std::string(100000, 'x'));
  deflate.deflate = true;
  ZipPart wide = part("a/wide", "0123456789");
  wide.zip64 = true;
  ZipPart streamed = part("a/streamed", "abc");
  streamed.descriptor = true;
  for (const bool zip64 : {false, true}) {
    const std::string bytes = zip_bytes({part("a/one", "first"), deflate, wide, streamed, part("a/empty", "")}, zip64);
    const ZipArchive zip(bytes, "a.zip");
    ASSERT_EQ(zip.entries().size(), 5u);
    EXPECT_EQ(zip.stored(*zip.find("a/one")), "first");
    EXPECT_EQ(zip.stored(*zip.find("a/wide")), "0123456789");
    EXPECT_EQ(zip.content(*zip.find("a/streamed"), 100), "abc");
    EXPECT_EQ(zip.content(*zip.find("a/empty"), 0), "");
    EXPECT_EQ(zip.content(*zip.find("a/code.py"), 100000), deflate.content);
    EXPECT_EQ(zip.find("one"), nullptr);
    // A stored entry is not copied.
    EXPECT_GE(zip.find("a/one")->packed.data(), bytes.data());
    EXPECT_LT(zip.find("a/one")->packed.data(), bytes.data() + bytes.size());
  }
}

TEST(ZipArchive, AcceptsAComment) {
  std::string bytes = zip_bytes({part("a", "content")});
  bytes[bytes.size() - 2] = 5;
  EXPECT_EQ(ZipArchive(bytes + "hello", "a.zip").entries().size(), 1u);
}

void expect_refused(const std::string& bytes, const std::string& message, ErrorKind kind = ErrorKind::format) {
  try {
    const ZipArchive zip(bytes, "a.zip");
    for (const ZipEntry& entry : zip.entries()) zip.content(entry, 1 << 20);
    FAIL() << "was read, expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("a.zip: ", 0), 0u) << error.what();
  }
}

TEST(ZipArchive, RefusesWhatIsDamaged) {
  expect_refused("", "not a zip archive");
  expect_refused(std::string(100000, 'x'), "no end of the central directory");
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.announced_bytes = 1000; })}), "stored in 12 bytes, but 1000 are announced");
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.announced_bytes = p.announced_packed = 1 << 30; })}), "do not lie before the central directory");
  // 14 bytes from the content on would reach into the directory.
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.announced_bytes = p.announced_packed = 14; })}), "do not lie before the central directory");
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.announced_offset = 1 << 30; })}), "no local header");
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.announced_offset = 3; })}), "no local header");
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.local_name = "b/data.pkl"; })}), "has another name");
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.zip64 = true; p.announced_offset = INT64_MAX; })}), "no local header");
  expect_refused(zip_bytes({part("a", "1"), part("a", "2")}), "'a' appears twice");
  ZipPart twin = part("b", "content");
  twin.announced_offset = 0;
  twin.local_name = "a";
  expect_refused(zip_bytes({part("a", "content"), twin}), "another name");
  std::string flipped = zip_bytes({part("a/data.pkl", "some content")});
  flipped[flipped.find("content")] ^= 1;
  expect_refused(flipped, "checksum");
  std::string cut = zip_bytes({part("a", std::string(1000, 'x'))});
  expect_refused(cut.substr(0, cut.size() - 1), "no end of the central directory");
}

TEST(ZipArchive, RefusesEntriesThatOverlap) {
  // The first entry is announced longer, so that the second lies within it.
  ZipPart first = part("a", "x");
  first.announced_bytes = first.announced_packed = 40;
  expect_refused(zip_bytes({first, part("b", std::string(40, 'y'))}), "'a' and 'b' overlap");
}

TEST(ZipArchive, RefusesWhatItDoesNotKnow) {
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.flags = 1; })}), "is encrypted", ErrorKind::unsupported);
  expect_refused(zip_bytes({changed([](ZipPart& p) { p.method = 14; })}), "compression method 14", ErrorKind::unsupported);
}

TEST(ZipArchive, InflatesNoMoreThanAsked) {
  ZipPart bomb = part("bomb", std::string(50'000'000, '\0'));
  bomb.deflate = true;
  const std::string bytes = zip_bytes({bomb});
  const ZipArchive zip(bytes, "a.zip");
  EXPECT_THROW(zip.content(zip.entries()[0], 1 << 20), Error);
  // What announces little and holds much is found out after little.
  bomb.announced_bytes = 1000;
  expect_refused(zip_bytes({bomb}), "do not hold the 1000 bytes announced");
  bomb.announced_bytes = 60'000'000;
  EXPECT_THROW(ZipArchive(zip_bytes({bomb}), "a.zip").content(ZipArchive(zip_bytes({bomb}), "a.zip").entries()[0], 70'000'000), Error);
}

TEST(ZipArchive, EveryTruncationIsRefused) {
  const std::string bytes = zip_bytes({part("a/data.pkl", "some content"), part("a/b", "more")}, true);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_THROW(ZipArchive(bytes.substr(0, size), "a.zip"), Error) << size;
}

}  // namespace
