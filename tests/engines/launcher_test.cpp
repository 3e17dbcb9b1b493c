// Which words start CP2K on several ranks, here and in a Slurm allocation.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "saltus/engines/cp2k_program.hpp"

namespace saltus {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

TEST(Launcher, AsSetWithTheNumberFilledIn) {
  EXPECT_EQ(launcher_words("mpiexec -n {ranks} --quiet", 4), (Words{"mpiexec", "-n", "4", "--quiet"}));
  EXPECT_EQ(launcher_words("auto", 1), Words{});
}

TEST(Launcher, InAnAllocationSrunOnItsTasks) {
  const fs::path folder = fs::path(testing::TempDir()) / ("launcher_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "srun") << "#!/bin/sh\n";
  fs::permissions(folder / "srun", fs::perms::owner_all);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder.string() + ":" + path).c_str(), 1);
  ::setenv("SLURM_JOB_ID", "7", 1);
  ::setenv("SLURM_NTASKS", "6", 1);
  EXPECT_EQ(launcher_words("auto", 0), (Words{"srun", "--exact", "--ntasks", "6", "--cpus-per-task", "1"}));
  EXPECT_EQ(launcher_words("auto", 2), (Words{"srun", "--exact", "--ntasks", "2", "--cpus-per-task", "1"}));
  ::unsetenv("SLURM_JOB_ID");
  ::unsetenv("SLURM_NTASKS");
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(launcher_words("auto", 0), Words{});
  fs::remove_all(folder);
}

}  // namespace
}  // namespace saltus
