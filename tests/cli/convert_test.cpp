// saltus convert: there and back through every format that can be written and read, and killed while it writes.
#include <chrono>
#include <cmath>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>

#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/cli/child.hpp"
#include "tests/cli/run_saltus.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

namespace fs = std::filesystem;

const std::string examples = SALTUS_SOURCE_DIR "/examples/li15si4/";
const std::string data_set = examples + "li15si4_900K.extxyz";

// A float has 24 binary digits.
constexpr double float_rounding = 0x1p-24;

// Errors allowed, of each kind of number; 0: the same double.
struct Precision {
  double position_ang = 0;           // absolute
  double cell_ang = 0, time_fs = 0;  // absolute
  double vectors = 0;                // of velocities and forces, relative
  bool only_positions = false;       // no energy, velocities, forces, masses
};

void expect_equal(const std::vector<Frame>& read, const std::vector<Frame>& original, const Precision& precision) {
  ASSERT_EQ(read.size(), original.size());
  const auto near = [](const std::vector<Vec3>& a, const std::vector<Vec3>& b, double absolute, double relative) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      for (int axis = 0; axis < 3; ++axis) ASSERT_NEAR(a[i][axis], b[i][axis], absolute + relative * std::abs(b[i][axis])) << i << ' ' << axis;
  };
  for (std::size_t k = 0; k < read.size(); ++k) {
    SCOPED_TRACE("frame " + std::to_string(k + 1));
    const Frame &a = read[k], &b = original[k];
    EXPECT_EQ(*a.atoms, *b.atoms);
    EXPECT_EQ(a.cell.periodic(), b.cell.periodic());
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) EXPECT_NEAR(a.cell.rows_ang()[i][j], b.cell.rows_ang()[i][j], precision.cell_ang);
    near(a.position_ang, b.position_ang, precision.position_ang, 0);
    EXPECT_EQ(a.step, b.step);
    EXPECT_NEAR(a.time_fs, b.time_fs, precision.time_fs);
    if (precision.only_positions) continue;
    EXPECT_EQ(a.energy_ev, b.energy_ev);
    EXPECT_EQ(a.virial_ev, b.virial_ev);
    near(a.velocity_ang_fs, b.velocity_ang_fs, 0, precision.vectors);
    near(a.force_ev_ang, b.force_ev_ang, 0, precision.vectors);
  }
}

struct Way {
  std::string name, file, options;
  Precision precision;
};

class RoundTrip : public testing::TestWithParam<Way> {};

// DFT data with energies, forces, velocities, steps and times; every 18th frame of each set.
TEST_P(RoundTrip, ReadsBackToThePrecisionOfTheFormat) {
  const Way& way = GetParam();
  for (const char* set : {"li15si4_900K.extxyz", "li15si4_vacancy_1200K.extxyz"}) {
    TemporaryFolder folder;
    ASSERT_EQ(run_saltus("sample " + examples + set + " original.extxyz --every 18", folder.path()).exit_code, 0);
    auto result = run_saltus("convert original.extxyz " + way.file + " " + way.options, folder.path());
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    const std::string topology = way.precision.only_positions ? " --topology original.extxyz" : "";
    result = run_saltus("convert " + way.file + " back.extxyz" + topology, folder.path());
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    expect_equal(read_frames(folder / "back.extxyz"), read_frames(folder / "original.extxyz"), way.precision);
    // Once more through the same format nothing is lost.
    ASSERT_EQ(run_saltus("convert back.extxyz again_" + way.file + " " + way.options, folder.path()).exit_code, 0);
    ASSERT_EQ(run_saltus("convert again_" + way.file + " again.extxyz" + topology, folder.path()).exit_code, 0);
    EXPECT_EQ(read_file(folder / "again.extxyz"), read_file(folder / "back.extxyz"));
  }
}

// Text has as many digits as reading back to the same double needs. Single precision: positions are wrapped into the cell of
// 10.6 Å, where half a unit in the last place of a float is 2^-21 Å. DCD: positions of up to 32 Å as floats; the cell by lengths
// and cosines in doubles; the time step as a float in AKMA units, over less than 1000 fs.
INSTANTIATE_TEST_SUITE_P(
    Formats, RoundTrip,
    testing::Values(Way{"extxyz", "way.extxyz", "", {}}, Way{"xyz", "way.xyz", "", {}},
                    Way{"h5md_double", "way.h5md", "--precision double", {}},
                    Way{"h5md_single", "way.h5md", "", {.position_ang = 0x1p-21, .vectors = 1.01 * float_rounding}},
                    Way{"dcd", "way.dcd", "", {.position_ang = 0x1p-20, .cell_ang = 1e-12, .time_fs = 1000 * float_rounding, .only_positions = true}}),
    [](const auto& instance) { return instance.param.name; });

// The file is there whole, or not at all.
TEST(Convert, KilledAtRandomMomentsItLeavesNoHalfWrittenFile) {
  TemporaryFolder folder;
  Random random(17, 0);
  for (const char* name : {"out.h5md", "out.extxyz", "out.dcd"}) {
    const auto convert = [&] { return start_child({SALTUS_BINARY, "convert", data_set, folder / name}, folder / "messages"); };
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(wait_for_child(convert()), 0) << read_file(folder / "messages");
    const auto duration = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin);
    const std::string whole = read_file(folder / name);
    int kills = 0;
    for (int attempt = 0; kills < kills_wanted() && attempt < 20 * kills_wanted(); ++attempt) {
      fs::remove(folder / name);
      const pid_t child = convert();
      std::this_thread::sleep_for(random.uniform() * duration);
      ::kill(child, SIGKILL);
      const int status = wait_for_child(child);
      ASSERT_TRUE(status == 0 || status == -SIGKILL) << status;
      if (status == -SIGKILL) ++kills;
      if (status == -SIGKILL && !fs::exists(folder / name)) continue;
      ASSERT_TRUE(read_file(folder / name) == whole) << name << " after " << kills << " kills";
    }
    EXPECT_EQ(kills, kills_wanted()) << name;
  }
}

// A number at the end of a file may lack digits: told by every command, once.
TEST(Convert, ALastLineWithoutEndIsTold) {
  TemporaryFolder folder;
  folder.write("open.xyz", "1\nenergy=1\nH 0 0 0.5\n1\nenergy=2\nH 0 0 1.25");
  const std::string note = "line 6, the last, has no end: the file may be cut off";
  EXPECT_NE(run_saltus("info open.xyz", folder.path()).output.find(note), std::string::npos);
  EXPECT_NE(run_saltus("info open.xyz --json", folder.path()).output.find(note), std::string::npos);
  for (const char* command : {"convert open.xyz out.xyz", "sample open.xyz out.xyz --every 1", "convert open.xyz out.xyz --json"}) {
    const auto result = run_saltus(command, folder.path());
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.errors.rfind("saltus: note: open.xyz: " + note, 0), 0u) << result.errors;
    EXPECT_EQ(read_frames(folder / "out.xyz").at(1).position_ang[0].z, 1.25);
  }
  const auto whole = run_saltus("convert out.xyz again.xyz", folder.path());
  EXPECT_EQ(whole.errors, "");
}

}  // namespace
}  // namespace saltus
