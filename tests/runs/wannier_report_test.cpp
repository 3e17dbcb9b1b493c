// Reports of Wannier centres and dipoles: H5O2+ beside NumPy and CP2K, beads of PINT and of a socket, made-up series.
#include <cmath>
#include <fstream>
#include <numbers>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/block_estimates.hpp"
#include "saltus/runs/dipole_report.hpp"
#include "saltus/runs/wannier_report.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::json;

const std::string source = SALTUS_SOURCE_DIR;
const std::string zundel_data = source + "/examples/short_hydrogen_bond/data/";
const std::string water = source + "/tests/golden/cp2k/water_pint_wannier/";

Cell cubic(double length) { return Cell(Mat3{{Vec3{length, 0, 0}, Vec3{0, length, 0}, Vec3{0, 0, length}}}); }

WannierInput zundel() {
  WannierInput input;
  input.centres = {zundel_data + "centres.xyz.gz"};
  input.cell = cubic(8);
  input.charge = 1;
  return input;
}

const json& expected() {
  static const json values = json::parse(read_file(source + "/tests/golden/numpy/zundel_wannier/expected.json"));
  return values;
}

void expect_error(const std::function<void()>& call, ErrorKind kind, const std::string& part) {
  try {
    call();
    FAIL() << "no error, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

// tests/golden/numpy/zundel_wannier: the same definitions, written apart.
TEST(WannierReport, ZundelAsNumpyHasIt) {
  WannierInput input = zundel();
  input.spreads = {zundel_data + "spreads.out.gz"};
  const WannierReport report = analyze_wannier(input, {});
  EXPECT_EQ(report.frames, expected().at("frames").get<std::size_t>());
  EXPECT_EQ(report.centres, 8u);
  EXPECT_EQ(report.beads, 0u);
  EXPECT_EQ(report.blocks, 10u);
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  const auto near = [](const Estimate& ours, const char* key) { EXPECT_NEAR(ours.value, expected().at(key).get<double>(), 1e-9) << key; };
  ASSERT_EQ(report.groups.size(), 2u);
  EXPECT_EQ(report.groups[0].name, "O-H bond");
  EXPECT_EQ(report.groups[1].name, "O lone pair");
  EXPECT_EQ(report.groups[0].per_frame, 5);
  EXPECT_EQ(report.groups[1].per_frame, 3);
  near(report.groups[0].distance_ang, "bond_ang");
  near(report.groups[1].distance_ang, "lone_ang");
  near(*report.groups[0].spread_ang2, "bond_spread_ang2");
  near(*report.groups[1].spread_ang2, "lone_spread_ang2");
  EXPECT_NEAR(report.groups[0].deviation_ang, expected().at("bond_sd_ang").get<double>(), 1e-9);
  EXPECT_NEAR(report.groups[1].deviation_ang, expected().at("lone_sd_ang").get<double>(), 1e-9);
  double integral = 0;
  for (const Estimate& e : report.groups[0].density_per_ang) integral += 0.01 * e.value;
  EXPECT_NEAR(integral, 1, 1e-12);
  ASSERT_EQ(report.sharing.size(), 1u);
  const SharingGroup& group = report.sharing[0];
  EXPECT_EQ(group.name, "O-H-O");
  near(group.donor_acceptor_ang, "donor_acceptor_ang");
  near(group.nu_ang, "nu_ang");
  near(group.lambda_ang, "lambda_ang");
  near(group.donor_centre_ang, "donor_centre_ang");
  near(group.acceptor_centre_ang, "acceptor_centre_ang");
  near(group.correlation, "correlation");
  near(group.slope, "slope");
  near(group.lambda_at_zero_ang, "lambda_at_zero_ang");
  EXPECT_LT(group.correlation.high, -0.7);
  EXPECT_LT(group.correlation.low, group.correlation.value);
  ASSERT_EQ(report.bonds.size(), 1u);
  EXPECT_EQ(report.bonds[0].atoms.hydrogen, 2u);
  EXPECT_EQ(report.records.size(), 232u);
  EXPECT_EQ(report.records[1].step, 5);
  double joint = 0, density = 0;
  for (std::size_t k = 0; k < group.nu_at_ang.size(); ++k) {
    density += 0.05 * group.nu_density_per_ang[k].value;
    for (const double value : group.joint_per_ang2[k]) joint += value * 0.05 * 0.02;
  }
  EXPECT_NEAR(density, 1, 1e-12);
  EXPECT_NEAR(joint, 1, 1e-12);
  EXPECT_NE(report.verdict.back().find("not told from zero"), std::string::npos) << report.verdict.back();
}

TEST(WannierReport, WrongChargeValenceAndSettingsAreRefused) {
  WannierInput input = zundel();
  input.charge = 0;
  expect_error([&] { analyze_wannier(input, {}); }, ErrorKind::format, "frame 1: 8 centres hold 16 electrons, but H5O2 of charge 0 has 17 outside the cores: give --charge 1");
  input.charge = 1;
  input.valence_electrons[8] = 7;
  expect_error([&] { analyze_wannier(input, {}); }, ErrorKind::format, "give --charge 3");
  input = zundel();
  input.cell.reset();
  expect_error([&] { analyze_wannier(input, {}); }, ErrorKind::usage, "give --trajectory, --cell-ang, or --isolated");
  WannierSettings settings;
  settings.bin_ang = 0;
  expect_error([&] { analyze_wannier(zundel(), settings); }, ErrorKind::usage, "must be positive");
  settings.bin_ang = 1e-9;
  expect_error([&] { analyze_wannier(zundel(), settings); }, ErrorKind::usage, "makes more than 2000");
}

// Without minimum images the centres of H5O2+ lie in other cells than their atoms; that is said.
TEST(WannierReport, CentresAwayFromTheirAtomsAreNoticed) {
  WannierInput input = zundel();
  input.cell = Cell();
  const WannierReport report = analyze_wannier(input, {});
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_NE(report.warnings.back().find("in 232 of 232 frames an atom of C, N, O or F has not four centres around it, the first: step 0, atom"), std::string::npos) << report.warnings.back();
}

// Beads of PINT by their labels: 2 bonds at about 0.54 Å, 2 lone pairs at about 0.32 Å of the oxygen.
TEST(WannierReport, BeadsOfPint) {
  WannierInput input;
  input.centres = {water + "pint.xyz"};
  input.cell = cubic(5.5);
  const WannierReport report = analyze_wannier(input, {});
  EXPECT_EQ(report.frames, 6u);
  EXPECT_EQ(report.steps, 3u);
  EXPECT_EQ(report.beads, 2u);
  ASSERT_EQ(report.groups.size(), 2u);
  EXPECT_EQ(report.groups[0].per_frame, 2);
  EXPECT_NEAR(report.groups[0].distance_ang.value, 0.54, 0.01);
  EXPECT_EQ(report.groups[1].per_frame, 2);
  EXPECT_NEAR(report.groups[1].distance_ang.value, 0.32, 0.01);
  EXPECT_TRUE(report.warnings.empty());
  const WannierTags tags = tag_wannier_frames(input);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(tags.frames[k].bead, static_cast<std::int32_t>(k % 2));
    EXPECT_EQ(tags.frames[k].step, static_cast<std::int64_t>(k / 2));
  }
}

// A client's labels say nothing: no beads, no tagged file, without a trajectory or files apart.
TEST(WannierTags, OfASocketNeedPositionsOrFilesApart) {
  const TemporaryFolder folder;
  WannierInput input;
  input.centres = {water + "driver.xyz"};
  input.cell = cubic(5.5);
  const WannierReport report = analyze_wannier(input, {});
  EXPECT_EQ(report.beads, 0u);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_EQ(report.warnings[0], "the labels name no bead and no step: the frames are taken in their order");
  expect_error([&] { write_tagged_wannier(input, folder / "out.xyz"); }, ErrorKind::usage, "name no step and no bead");
  input.centres.push_back(water + "driver.xyz");
  EXPECT_EQ(analyze_wannier(input, {}).beads, 2u);
  const std::string text = read_file(water + "driver.xyz");
  input.centres[1] = folder.write("short.xyz", text.substr(0, text.find("       7", 5)));
  expect_error([&] { analyze_wannier(input, {}); }, ErrorKind::usage, "hold 3, 1 frames");
}

/// Waters of three beads over four steps in a skewed cell, and the files of centres that two clients print of them.
struct SocketRun {
  TemporaryFolder folder;
  std::vector<Frame> frames;
  WannierInput input;
  std::vector<std::vector<std::string>> printed;  // [file] frames of centres

  SocketRun() : printed(2) {
    Random random(7, 0);
    const Cell cell(Mat3{{Vec3{5.5, 0, 0}, Vec3{1.5, 5.3, 0}, Vec3{0.3, -1, 5.8}}});
    const auto atoms = std::make_shared<Atoms>(atoms_of({8, 1, 1}));
    for (int step = 0; step < 4; ++step)
      for (int bead = 0; bead < 3; ++bead) {
        Frame frame;
        frame.atoms = atoms;
        frame.cell = cell;
        frame.step = 10 * step;
        frame.time_fs = 2.5 * step;
        frame.bead = bead;
        for (const Vec3& r : {Vec3{0, 0, 0}, Vec3{0.77, 0.59, 0}, Vec3{-0.77, 0.59, 0}})
          frame.position_ang.push_back(r + Vec3{7, 0, 0} + 0.05 * Vec3{random.normal(), random.normal(), random.normal()});
        frames.push_back(frame);
      }
    // The second client took the first two beads of odd steps; it gave the beads in another order.
    for (const std::size_t k : {0, 1, 2, 5, 6, 7, 8, 11}) print(0, k);
    for (const std::size_t k : {4, 3, 10, 9}) print(1, k);
  }
  void print(std::size_t file, std::size_t k) {
    const Frame& frame = frames[k];
    std::string text = "7\n Particles+Wannier centers. Iteration:1\n";
    const auto add = [&](const char* label, const Vec3& r) {
      const Vec3 wrapped = frame.cell.wrap(r + Vec3{5e-8, -5e-8, 0});
      text += fmt::format("{} {:.10f} {:.10f} {:.10f}\n", label, wrapped.x, wrapped.y, wrapped.z);
    };
    add("O", frame.position_ang[0]);
    for (const std::size_t h : {1, 2}) add("H", frame.position_ang[h]);
    for (const std::size_t h : {1, 2}) add("X", 0.5 * (frame.position_ang[0] + frame.position_ang[h]));
    for (const double z : {0.3, -0.3}) add("X", frame.position_ang[0] + Vec3{0, -0.1, z});
    printed[file].push_back(text);
  }
  const WannierInput& written() {
    input.centres.clear();
    for (std::size_t file = 0; file < printed.size(); ++file) {
      std::string text;
      for (const std::string& frame : printed[file]) text += frame;
      input.centres.push_back(folder.write(fmt::format("client{}.xyz", file), text));
    }
    input.trajectory = folder / "beads.h5md";
    const auto writer = create_trajectory(input.trajectory);
    for (const Frame& frame : frames) writer->write(frame);
    writer->commit();
    return input;
  }
};

TEST(WannierTags, OfASocketByPositions) {
  SocketRun run;
  const WannierTags tags = tag_wannier_frames(run.written());
  ASSERT_EQ(tags.frames.size(), 12u);
  EXPECT_TRUE(tags.periodic);
  EXPECT_EQ(tags.cells.size(), 1u);
  const std::size_t file_of[] = {0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0};
  for (std::size_t k = 0; k < 12; ++k) {
    EXPECT_EQ(tags.frames[k].bead, static_cast<std::int32_t>(k % 3));
    EXPECT_EQ(tags.frames[k].step, 10 * static_cast<std::int64_t>(k / 3));
    EXPECT_NEAR(*tags.frames[k].time_fs, 2.5 * static_cast<double>(k / 3), 1e-12);
    EXPECT_EQ(tags.frames[k].file, file_of[k]);
  }
  // The tagged file is read back as what it is, and gives the same numbers.
  const std::filesystem::path out = run.folder / "tagged.xyz";
  EXPECT_EQ(write_tagged_wannier(run.input, out), 12u);
  WannierInput tagged;
  tagged.centres = {out};
  const WannierReport before = analyze_wannier(run.input, {}), after = analyze_wannier(tagged, {});
  EXPECT_EQ(after.beads, 3u);
  EXPECT_EQ(after.steps, 4u);
  ASSERT_EQ(before.groups.size(), 2u);
  ASSERT_EQ(after.groups.size(), 2u);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(before.groups[k].distance_ang.value, after.groups[k].distance_ang.value);
    EXPECT_EQ(before.groups[k].distance_ang.low, after.groups[k].distance_ang.low);
  }
}

// What CP2K printed of three geometries that a server sent, the oxygen 0, 0.02 and 0.04 bohr aside: printed 1e-8 Å away by its own bohr.
TEST(WannierTags, OfCp2kBehindASocket) {
  const TemporaryFolder folder;
  WannierInput input;
  input.centres = {water + "driver.xyz"};
  input.trajectory = folder / "beads.extxyz";
  const auto writer = create_trajectory(input.trajectory);
  for (const int bead : {2, 0, 1}) {
    Frame frame;
    Atoms atoms = atoms_of({8, 1, 1});
    atoms.mass_amu[1] = 2.014;  // a deuteron, which CP2K prints as H
    frame.atoms = std::make_shared<Atoms>(atoms);
    frame.cell = cubic(5.5);
    frame.position_ang = {{2.75 + 0.02 * bead * units::ang_per_bohr, 2.75, 2.75}, {3.52, 3.30, 2.75}, {1.98, 3.30, 2.75}};
    frame.step = 40;
    frame.time_fs = 10;
    frame.bead = bead;
    writer->write(frame);
  }
  writer->commit();
  const WannierTags tags = tag_wannier_frames(input);
  ASSERT_EQ(tags.frames.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(tags.frames[k].bead, static_cast<std::int32_t>(k));
    EXPECT_EQ(tags.frames[k].frame, k);
    EXPECT_EQ(tags.frames[k].step, 40);
  }
  EXPECT_EQ(analyze_wannier(input, {}).groups.at(0).per_frame, 2);
}

TEST(WannierTags, RepeatedForcesAreToleratedMissingFramesAreNot) {
  SocketRun run;
  run.print(1, 8);  // asked for again of the other client
  run.written();
  const WannierTags tags = tag_wannier_frames(run.input);
  EXPECT_EQ(tags.frames.size(), 12u);
  EXPECT_EQ(tags.frames[8].file, 1u);
  ASSERT_EQ(tags.notes.size(), 1u);
  EXPECT_NE(tags.notes[0].find("1 frames of centres are of a step and bead that comes again"), std::string::npos) << tags.notes[0];

  run.frames.erase(run.frames.begin() + 9, run.frames.end());
  run.written();
  expect_error([&] { tag_wannier_frames(run.input); }, ErrorKind::format, "3 of 13 frames of centres equal no frame of ");
  run.input.leave_out_unmatched = true;
  const WannierTags rest = tag_wannier_frames(run.input);
  EXPECT_EQ(rest.frames.size(), 9u);
  EXPECT_EQ(rest.notes.size(), 2u);
}

// Beads that begin at one geometry are told by their order; a frame that could be two of them is not.
TEST(WannierTags, EqualGeometries) {
  SocketRun run;
  run.frames[1].position_ang = run.frames[0].position_ang;
  run.printed[0][1] = run.printed[0][0];
  EXPECT_EQ(tag_wannier_frames(run.written()).frames.size(), 12u);
  run.printed[0].erase(run.printed[0].begin());
  run.written();
  expect_error([&] { tag_wannier_frames(run.input); }, ErrorKind::format, "1 of 11 frames of centres equal several frames of ");
}

TEST(WannierTags, OtherAtomsOrMixedLabelsAreRefused) {
  const TemporaryFolder folder;
  WannierInput input;
  input.cell = cubic(5.5);
  input.centres = {water + "pint.xyz", water + "driver.xyz"};
  expect_error([&] { tag_wannier_frames(input); }, ErrorKind::usage, "of another kind than those before");
  input.centres = {water + "pint.xyz"};
  input.trajectory = source + "/tests/golden/peers/analyses/zundel_200.extxyz";
  expect_error([&] { tag_wannier_frames(input); }, ErrorKind::format, "frame 1: its atoms, H5O2, are not those of ");
}

// The molecular dynamics of H5O2+ beside its trajectory: steps and times, and the cell although it is not periodic.
TEST(WannierTags, OfMolecularDynamicsByPositions) {
  WannierInput input;
  input.centres = {source + "/tests/golden/cp2k/zundel_wannier/HOMO_centers.xyz"};
  input.trajectory = source + "/tests/golden/peers/analyses/zundel_200.extxyz";
  input.charge = 1;
  const WannierTags tags = tag_wannier_frames(input);
  ASSERT_EQ(tags.frames.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(tags.frames[k].step, static_cast<std::int64_t>(5 * k));
    EXPECT_NEAR(*tags.frames[k].time_fs, 2.5 * static_cast<double>(k), 1e-9);
    EXPECT_FALSE(tags.frames[k].bead);
  }
  EXPECT_FALSE(tags.periodic);
  EXPECT_EQ(analyze_wannier(input, {}).groups.at(0).per_frame, 5);
}

TEST(BlockEstimates, RatiosOfSums) {
  StretchSums sums(4);
  for (int k = 0; k < 8; ++k) sums.add(std::vector<double>{1.0 + k % 2, 3.0 * (1 + k % 2) + (k < 4 ? 0.1 : -0.1)});
  const BlockEstimates estimates(sums, 4);
  EXPECT_EQ(estimates.blocks(), 4u);
  EXPECT_NEAR(estimates.ratio(1, 0).value, 3, 1e-12);
  // Block ratios 3 ± 0.2/3; jackknife of equal weights: SE = s/√4 with s² = 4/3·(0.2/3)²; t(95 %, 3) = 3.1824.
  EXPECT_NEAR(estimates.ratio(1, 0).high - 3, 3.182446 * 0.2 / 3 / std::sqrt(3.0), 1e-6);
  EXPECT_TRUE(std::isnan(estimates.of([](std::span<const double> s) { return 1 / (s[0] - 9); }).low));
}

}  // namespace
}  // namespace saltus::runs
