#include "saltus/engines/cp2k_input.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {
namespace {

namespace fs = std::filesystem;

/// A data folder with few entries, in the form of CP2K's.
class Cp2kInput : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("cp2k_input_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    std::ofstream(folder_ / "BASIS_MOLOPT") << "# basis sets\n"
                                               "H SZV-MOLOPT-GTH SZV-MOLOPT-GTH-q1\n 1\n 2 0 1 7 2 1\n 0.1 0.2 0.3 0.4\n"
                                               "H  DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q1\n 1\n"
                                               "O  DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q6\n 1\n"
                                               "Li DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q3\n 1\n";
    std::ofstream(folder_ / "GTH_POTENTIALS") << "H GTH-PBE-q1 GTH-PBE\n    1\n 0.2 2 -4.1 0.7\n 0\n"
                                                 "H GTH-BLYP-q1 GTH-BLYP\n    1\n"
                                                 "O GTH-PBE-q6 GTH-PBE\n    2    4\n 0.2 2 -16 2.4\n"
                                                 "O GTH-BLYP-q6 GTH-BLYP\n    2    4\n"
                                                 "Li GTH-PBE-q3 GTH-PBE\n    3\n";
    std::ofstream(folder_ / "POTENTIAL_UZH") << "Li GTH-PBE-q1 GTH-GGA-q1\n    1\n";
    std::ofstream(folder_ / "MINE") << "Li OWN-GTH-q1\n 1\n";
    settings_.data_folder = folder_.string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Frame frame_of(std::vector<std::uint8_t> z, std::vector<Vec3> positions, const Cell& cell = {}) {
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
    frame.position_ang = std::move(positions);
    frame.cell = cell;
    return frame;
  }
  static Frame water() { return frame_of({8, 1, 1}, {{0, 0, 0.1}, {0, 0.76, -0.47}, {0, -0.76, -0.47}}); }
  static Cell cube(double edge, bool periodic) { return Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}}, {periodic, periodic, periodic}); }
  std::string refusal(const Frame& frame) const {
    try {
      cp2k_system(frame, settings_, folder_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
  Cp2kSettings settings_;
};

TEST_F(Cp2kInput, FindsPotentialsThatFitTheBasisSet) {
  const std::vector<std::string> elements{"O", "Li"};
  auto kinds = cp2k_kinds(settings_, elements, folder_);
  EXPECT_EQ(kinds[0].potential, "GTH-PBE-q6");
  EXPECT_EQ(kinds[0].electrons, 6);
  EXPECT_EQ(kinds[1].potential, "GTH-PBE-q3");
  EXPECT_EQ(kinds[1].electrons, 3);

  settings_.basis = {"DZVP-MOLOPT-SR-GTH", "Li=OWN-GTH-q1"};
  settings_.basis_files = {"BASIS_MOLOPT", "MINE"};
  kinds = cp2k_kinds(settings_, elements, folder_);
  EXPECT_EQ(kinds[1].basis, "OWN-GTH-q1");
  EXPECT_EQ(kinds[1].potential, "GTH-PBE-q1");
  EXPECT_EQ(kinds[1].potential_file.filename(), "POTENTIAL_UZH");

  settings_.potential = {"Li=GTH-PBE-q3"};
  EXPECT_THROW(cp2k_kinds(settings_, elements, folder_), Error);  // a basis set for one electron
}

TEST_F(Cp2kInput, SaysWhatThereIsForAnElement) {
  settings_.basis = {"DZVP-MOLOPT-SR-GHT"};
  const std::string said = refusal(water());
  EXPECT_NE(said.find("no basis set 'DZVP-MOLOPT-SR-GHT' for O (did you mean 'DZVP-MOLOPT-SR-GTH'?)"), std::string::npos) << said;
  settings_.basis = {"Xx=A"};
  EXPECT_NE(refusal(water()).find("'Xx' is no element"), std::string::npos);
  settings_.basis = {"A &END"};
  EXPECT_NE(refusal(water()).find("no name that CP2K has"), std::string::npos);
  settings_ = {};
  settings_.data_folder = "/nowhere";
  EXPECT_NE(refusal(water()).find("data folder"), std::string::npos);
}

TEST_F(Cp2kInput, AnIsolatedMoleculeGetsABoxAndLiesInItsMiddle) {
  const Cp2kSystem system = cp2k_system(water(), settings_, folder_);
  EXPECT_EQ(system.electrons, 8);
  EXPECT_EQ(system.cell.rows_ang()[0].x, 12);  // 1.52 Å of atoms and 5 Å on each side, rounded up
  EXPECT_FALSE(system.cell.any_periodic());
  EXPECT_NEAR(0.5 * (system.position_ang[1].y + system.position_ang[2].y), 6, 1e-12);
  EXPECT_NEAR(norm(system.position_ang[0] - system.position_ang[1]), norm(water().position_ang[0] - water().position_ang[1]), 1e-12);
  const std::string input = cp2k_label_input(system, settings_, 4, 20231);
  EXPECT_NE(input.find("PERIODIC NONE"), std::string::npos);
  EXPECT_NE(input.find("PSOLVER WAVELET"), std::string::npos);
  EXPECT_EQ(input.find("CELL_FILE_NAME"), std::string::npos);
  EXPECT_EQ(input.find("IGNORE_CONVERGENCE_FAILURE"), std::string::npos);
  EXPECT_NE(cp2k_label_input(system, settings_, 4, 20241).find("IGNORE_CONVERGENCE_FAILURE"), std::string::npos);
}

TEST_F(Cp2kInput, RefusesWhatCannotBeComputedSo) {
  EXPECT_NE(refusal(frame_of({8, 1}, {{0, 0, 0}, {0, 0, 1}})).size(), 1u);
  settings_.multiplicity = 2;
  EXPECT_NE(refusal(water()).find("8 electrons cannot have the multiplicity 2"), std::string::npos);
  settings_.multiplicity = 0;
  settings_.charge = 9;
  EXPECT_NE(refusal(water()).find("there are no electrons"), std::string::npos);
  settings_.charge = 0;
  settings_.electronic_temperature_kelvin = 300;
  EXPECT_NE(refusal(water()).find("needs solver = \"diagonalization\""), std::string::npos);
  settings_.electronic_temperature_kelvin = 0;
  settings_.k_points = {2, 2, 2};
  EXPECT_NE(refusal(water()).find("'k_points'"), std::string::npos);
  settings_.k_points = {1, 1, 1};
  EXPECT_NE(refusal(frame_of({1, 1}, {{0, 0, 0}, {0, 0, 0.7}}, Cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 9, 0}, Vec3{0, 0, 8}}}, {false, false, false}))).find("cubic"), std::string::npos);
  EXPECT_NE(refusal(frame_of({1, 1}, {{0, 0, 0}, {0, 0, 9}}, cube(8, false))).find("do not fit"), std::string::npos);
  EXPECT_NE(refusal(frame_of({1, 1}, {{0, 0, 0}, {0, 0, 1}}, Cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}}, {true, true, false}))).find("along some"), std::string::npos);
  settings_.poisson = "wavelet";
  EXPECT_NE(refusal(frame_of({1, 1}, {{0, 0, 0}, {0, 0, 1}}, cube(8, true))).find("does not go with"), std::string::npos);
}

TEST_F(Cp2kInput, OddElectronsAreADoubletUnrestricted) {
  const Cp2kSystem system = cp2k_system(frame_of({8, 1}, {{0, 0, 0}, {0, 0, 1}}), settings_, folder_);
  const std::string input = cp2k_label_input(system, settings_, 1, 20231);
  EXPECT_NE(input.find("MULTIPLICITY 2"), std::string::npos);
  EXPECT_NE(input.find("UKS"), std::string::npos);
}

TEST_F(Cp2kInput, AMetalHasSmearingAndEmptyOrbitals) {
  settings_.solver = "diagonalization";
  settings_.electronic_temperature_kelvin = 1000;
  std::vector<std::uint8_t> z(54, 3);
  std::vector<Vec3> positions;
  for (int i = 0; i < 54; ++i) positions.push_back({3.0 * (i % 3), 3.0 * (i / 3 % 3), 1.5 * (i / 9)});
  const Cp2kSystem system = cp2k_system(frame_of(z, positions, cube(9, true)), settings_, folder_);
  const std::string input = cp2k_dynamics_input(system, settings_, {.steps = 7}, std::vector<Vec3>(54, Vec3{0.01, 0, 0}), true, 20231);
  EXPECT_NE(input.find("ELECTRONIC_TEMPERATURE [K] 1000"), std::string::npos);
  EXPECT_NE(input.find("ADDED_MOS 16"), std::string::npos);  // a fifth of 81
  EXPECT_NE(input.find("STEPS 7"), std::string::npos);
  EXPECT_NE(input.find("RESTART_FILE_NAME aimd-1.restart"), std::string::npos);
  const auto begin = input.find("    &END COORD\n    &VELOCITY\n"), end = input.find("    &END VELOCITY\n    &KIND Li\n");
  ASSERT_NE(begin, std::string::npos) << input;
  ASSERT_NE(end, std::string::npos) << input;
  const std::string velocities = input.substr(begin, end - begin);
  EXPECT_EQ(std::count(velocities.begin(), velocities.end(), '\n'), 2 + 54);
  EXPECT_NE(velocities.find(fmt::format("\n      {:.16e} {:.16e} {:.16e}\n", 0.01 / units::ang_fs_per_bohr_atomic_time, 0.0, 0.0)), std::string::npos) << velocities;
  EXPECT_EQ(cp2k_dynamics_input(system, settings_, {.steps = 7}, {}, true, 20231).find("VELOCITY"), std::string::npos);
  EXPECT_EQ(input.find("&OT"), std::string::npos);
}

}  // namespace
}  // namespace saltus
