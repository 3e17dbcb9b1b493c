// Mapped files: their bytes, and what is no file.
#include "saltus/base/mapped_file.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saltus/base/error.hpp"

using namespace saltus;

namespace {

class MappedFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("saltus_mapped_" + std::to_string(::getpid()));
};

TEST_F(MappedFiles, HoldTheBytes) {
  const std::string content = std::string("bytes\0and", 9) + std::string(100000, 'x');
  std::ofstream(folder_ / "some", std::ios::binary) << content;
  std::ofstream(folder_ / "empty");
  EXPECT_EQ(MappedFile(folder_ / "some").bytes(), content);
  EXPECT_EQ(MappedFile(folder_ / "empty").bytes(), "");
}

TEST_F(MappedFiles, WhatIsNoFileIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const std::filesystem::path& path : {folder_ / "missing", folder_, folder_ / "pipe", std::filesystem::path("/dev/zero")}) {
    try {
      const MappedFile file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::file) << path;
      EXPECT_EQ(std::string(error.what()).rfind(path.string() + ": ", 0), 0u) << error.what();
    }
  }
}

}  // namespace
