// The table of published files: hashes are those of the files at hand, and no row is there twice.
#include "saltus/models/published_files.hpp"

#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "saltus/base/sha256.hpp"

namespace saltus {
namespace {

TEST(PublishedFiles, FilesAtHandAreFound) {
  const std::filesystem::path models = SALTUS_SOURCE_DIR "/tests/golden/models";
  for (const char* name : {"sevennet/SevenNet-0_11July2024_deployed_serial.pt", "mace/MACE_SPICE.model", "mace/imagdau_mace01_swa.model", "mace/imagdau_mace01_swa_compiled.model"}) {
    const auto file = published_file_of(sha256_of_path(models / name));
    ASSERT_TRUE(file) << name;
    EXPECT_EQ(file->bytes, std::filesystem::file_size(models / name)) << name;
    EXPECT_EQ(std::string(name).substr(0, file->family.size()), file->family);
  }
  EXPECT_FALSE(published_file_of(sha256_of_path(models / "mace/small.model")));
  EXPECT_FALSE(published_file_of(""));
}

TEST(PublishedFiles, RowsAreComplete) {
  std::set<std::string_view> names, hashes;
  for (const PublishedFile& file : published_files()) {
    EXPECT_TRUE(names.insert(file.name).second) << file.name;
    EXPECT_FALSE(file.family.empty() || file.licence.empty() || file.source.empty()) << file.name;
    if (file.sha256.empty()) continue;
    EXPECT_TRUE(hashes.insert(file.sha256).second) << file.name;
    EXPECT_EQ(file.sha256.size(), 64u);
    EXPECT_EQ(file.sha256.find_first_not_of("0123456789abcdef"), std::string_view::npos);
    EXPECT_GT(file.bytes, 0u);
  }
}

}  // namespace
}  // namespace saltus
