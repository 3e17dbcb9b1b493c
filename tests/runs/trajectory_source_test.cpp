// Frames as an analysis wants them: thinned out and timed by steps where they are beads of ring polymers.
#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/runs/density_report.hpp"
#include "saltus/runs/msd_report.hpp"
#include "saltus/runs/rdf_report.hpp"
#include "saltus/runs/trajectory_source.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

std::filesystem::path write_rings(const std::filesystem::path& path, int steps, int beads) {
  const auto writer = create_trajectory(path);
  for (int step = 0; step < steps; ++step)
    for (int bead = 0; bead < beads; ++bead) {
      Frame frame;
      frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1}));
      frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 7}}});
      frame.position_ang = {{0, 0, 0}, {1 + 0.01 * bead, 0.02 * step, 0}};
      frame.step = step;
      frame.time_fs = 2 * step;
      frame.bead = bead;
      writer->write(frame);
    }
  writer->commit();
  return path;
}

TEST(TrajectorySource, StepsOfRingPolymersStayTogether) {
  TemporaryFolder folder;
  TrajectoryInput input{write_rings(folder / "beads.extxyz", 10, 4), {}};
  input.every = 3;
  input.skip_fs = 5;
  TrajectorySource source(input, false);
  EXPECT_EQ(source.beads(), 4u);
  source.first();
  EXPECT_EQ(source.left(), 12u);
  std::string seen;
  for (Frame frame; source.next(frame);) seen += std::to_string(frame.step) + "." + std::to_string(*frame.bead) + " ";
  EXPECT_EQ(seen, "3.0 3.1 3.2 3.3 6.0 6.1 6.2 6.3 9.0 9.1 9.2 9.3 ");
  EXPECT_EQ(source.left(), 0u);

  input.skip_fs = 0;
  input.time_step_fs = 7;
  TrajectorySource timed(input, false);
  std::vector<double> times;
  for (Frame frame; timed.next(frame);)
    if (frame.bead == 1) times.push_back(frame.time_fs);
  EXPECT_EQ(times, (std::vector<double>{0, 21, 42, 63}));
}

TEST(TrajectorySource, BeadsHaveNoMotionInTime) {
  TemporaryFolder folder;
  const TrajectoryInput beads{write_rings(folder / "beads.h5md", 40, 2), {}};
  MsdSettings settings;
  settings.mobile = 1;
  settings.blocks = 4;
  try {
    analyze_msd(beads, settings);
    FAIL() << "beads were taken for a trajectory";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("beads of ring polymers"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("--bead"), std::string::npos);
  }
  TrajectoryInput one = beads;
  one.read.bead = 1;
  const MsdReport report = analyze_msd(one, settings);
  EXPECT_EQ(report.frames, 40u);
  EXPECT_NE(report.warnings.at(0).find("no dynamics"), std::string::npos);
  // What does not follow motion takes all of them.
  EXPECT_EQ(analyze_rdf(beads, {{{8, 1}}, 3, 0.05, 1, 0}, 4).frames, 80u);
}

TEST(TrajectorySource, BlocksOfTimeDivideNoStep) {
  TemporaryFolder folder;
  // Steps are all alike: what differs between beads must not count as an error.
  const auto writer = create_trajectory(folder / "beads.h5md");
  for (int step = 0; step < 6; ++step)
    for (int bead = 0; bead < 5; ++bead) {
      Frame frame;
      frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1}));
      frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 7}}});
      frame.position_ang = {{0.1, 0.1, 0.1}, {1.1 + 0.1 * bead, 0.1, 0.1}};
      frame.step = step;
      frame.bead = bead;
      writer->write(frame);
    }
  writer->commit();
  const RdfReport rdf = analyze_rdf({folder / "beads.h5md", {}}, {{{8, 1}}, 3, 0.05, 1, 0}, 4);
  EXPECT_EQ(rdf.blocks, 4u);
  for (const Estimate& g : rdf.pairs.at(0).g) EXPECT_NEAR(g.high - g.low, 0, 1e-12);
  const DensityReport density = analyze_density({folder / "beads.h5md", {}}, {1, std::nullopt, 0.5}, 4);
  for (const Estimate& e : density.along[0].density_per_ang3) EXPECT_NEAR(e.high - e.low, 0, 1e-12);
}

}  // namespace
}  // namespace saltus::runs
