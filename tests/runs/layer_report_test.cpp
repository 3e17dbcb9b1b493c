// Layers, regions and the map of exit times from walkers whose answers are known.
#include <algorithm>
#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/runs/exit_map.hpp"
#include "saltus/runs/layer_report.hpp"
#include "saltus/runs/residence_report.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

constexpr double frame_fs = 100, frame_shift = 0.5825971579;  // of an edge that is watched at frames, in steps: -zeta(1/2)/sqrt(2 pi)
const Cell box(Mat3{{Vec3{21, 0, 0}, Vec3{0, 18, 0}, Vec3{0, 0, 30}}});

// O–H walkers that start 3 Å apart, handed over wrapped. The bond points anywhere anew with a probability per frame.
struct Walkers {
  double lateral_ang2_fs = 2e-4, normal_ang2_fs = 1e-4;
  double turns = 0.15;
  std::uint64_t seed = 1;
  std::size_t frames = 1000;
  bool hydrogens = true;
  double factor_beyond_middle = 1;  // of D along the normal where x > 10.5 Å

  void write(const std::filesystem::path& path) const {
    Random random(seed, 0);
    std::vector<std::uint8_t> elements;
    std::vector<Vec3> r, bond;
    for (int a = 0; a < 7; ++a)
      for (int b = 0; b < 6; ++b)
        for (int c = 0; c < 10; ++c) {
          r.push_back({3.0 * a + 1.5, 3.0 * b + 1.5, 3.0 * c + 1.5 + 0.9 * (random.uniform() - 0.5)});
          bond.push_back({0, 0, 0.97});
          elements.push_back(8);
          if (hydrogens) elements.push_back(1);
        }
    const auto atoms = std::make_shared<const Atoms>(atoms_of(elements));
    const double along = std::sqrt(2 * lateral_ang2_fs * frame_fs), across = std::sqrt(2 * normal_ang2_fs * frame_fs);
    const auto writer = create_trajectory(path);
    for (std::size_t t = 0; t < frames; ++t) {
      Frame frame;
      frame.atoms = atoms;
      frame.cell = box;
      frame.step = static_cast<std::int64_t>(t);
      frame.time_fs = frame_fs * static_cast<double>(t);
      for (std::size_t i = 0; i < r.size(); ++i) {
        frame.position_ang.push_back(box.wrap(r[i]));
        if (hydrogens) frame.position_ang.push_back(box.wrap(r[i] + bond[i]));
        const bool beyond = box.wrap(r[i]).x > 10.5;
        r[i] += Vec3{along * random.normal(), along * random.normal(), across * std::sqrt(beyond ? factor_beyond_middle : 1) * random.normal()};
        if (random.uniform() < turns) {
          const Vec3 anew{random.normal(), random.normal(), random.normal()};
          bond[i] = anew * (0.97 / norm(anew));
        }
      }
      writer->write(frame);
    }
    writer->commit();
  }
};

TrajectoryInput from(std::filesystem::path path) {
  TrajectoryInput input;
  input.path = std::move(path);
  return input;
}

SurfaceCoordinate oxygens() {
  SurfaceCoordinate coordinate;
  coordinate.molecules = "O";
  return coordinate;
}

LayerReport study(const Walkers& walkers, LayerSettings settings) {
  TemporaryFolder folder;
  walkers.write(folder / "walk.h5md");
  LayerStudy layers(std::move(settings));
  DistanceFollower* const followers[] = {&layers};
  read_passage_coordinates(from(folder / "walk.h5md"), oxygens(), {}, followers);
  return layers.report();
}

bool holds(const std::vector<std::string>& notes, const std::string& words) {
  return std::any_of(notes.begin(), notes.end(), [&](const std::string& note) { return note.find(words) != std::string::npos; });
}

TEST(LayerReport, IntervalsCoverLateralDiffusionAndRelaxation) {
  int covered = 0, times_covered = 0, all = 0;
  double sum = 0, time_sum = 0;
  const double relaxation_fs = -frame_fs / std::log(1 - 0.15);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const LayerReport report = study({.seed = seed, .frames = 600}, {.edges_ang = {2, 8, 14, 26}});
    ASSERT_EQ(report.rows.size(), 3u);
    ASSERT_TRUE(report.lateral && report.orientation && report.hydrogen_bonds);
    for (const LayerRow& row : report.rows) {
      ASSERT_TRUE(row.lateral_ang2_fs.estimate) << row.lateral_ang2_fs.reason;
      const Estimate d = *row.lateral_ang2_fs.estimate;
      EXPECT_EQ(row.lateral_note, "");
      EXPECT_LT(d.high - d.low, 1.2e-4);
      covered += d.low <= 2e-4 && 2e-4 <= d.high;
      sum += d.value;
      EXPECT_NEAR(row.molecules, 420.0 * (row.layer.high_ang - row.layer.low_ang) / 30, 15);
      EXPECT_GT(row.survival.front().value, row.survival.back().value);
      EXPECT_NEAR(row.lateral_from_fs * 5, row.lateral_to_fs, 0.3 * row.lateral_to_fs);
      for (const auto& time : {row.first_fs, row.second_fs}) {
        ASSERT_TRUE(time.estimate) << time.reason;
        times_covered += time.estimate->low <= relaxation_fs && relaxation_fs <= time.estimate->high;
        time_sum += time.estimate->value;
      }
      ++all;
    }
    for (const Estimate& e : report.density_per_ang3) EXPECT_NEAR(e.value, 420 / box.volume_ang3(), 0.02);
    EXPECT_EQ(report.density_z_ang.size(), 300u);
    EXPECT_TRUE(holds(report.notes, "half a block of time"));
  }
  EXPECT_GE(covered, 7) << "of " << all;
  EXPECT_NEAR(sum / all, 2e-4, 0.08e-4);
  EXPECT_GE(times_covered, 13) << "of " << 2 * all;
  EXPECT_NEAR(time_sum / (2 * all), relaxation_fs, 0.03 * relaxation_fs);
}

TEST(LayerReport, NoticesThatMotionIsNotDiffusion) {
  TemporaryFolder folder;
  Random random(9, 0);
  std::vector<Vec3> r, v;
  std::vector<std::uint8_t> elements(200, 3);
  for (int i = 0; i < 200; ++i) {
    r.push_back(box.to_cartesian({random.uniform(), random.uniform(), random.uniform()}));
    v.push_back({0.01 * random.normal(), 0.01 * random.normal(), 0});
  }
  const auto atoms = std::make_shared<const Atoms>(atoms_of(elements));
  const auto writer = create_trajectory(folder / "gas.h5md");
  for (int t = 0; t < 300; ++t) {
    Frame frame;
    frame.atoms = atoms;
    frame.cell = box;
    frame.step = t;
    frame.time_fs = 10 * t;
    for (std::size_t i = 0; i < r.size(); ++i) frame.position_ang.push_back(box.wrap(r[i] + frame.time_fs * v[i]));
    writer->write(frame);
  }
  writer->commit();
  LayerStudy layers({.edges_ang = {5, 20}});
  DistanceFollower* const followers[] = {&layers};
  SurfaceCoordinate coordinate;
  coordinate.molecules = "all";
  coordinate.rule = MoleculeRule::atoms;
  read_passage_coordinates(from(folder / "gas.h5md"), coordinate, {}, followers);
  EXPECT_NE(layers.report().rows[0].lateral_note.find("not yet diffusion"), std::string::npos);
}

TEST(LayerReport, SaysWhatIsLeftOut) {
  const LayerReport dry = study({.frames = 30, .hydrogens = false}, {.edges_ang = {2, 8}});
  EXPECT_FALSE(dry.orientation || dry.hydrogen_bonds);
  EXPECT_TRUE(dry.lateral);
  EXPECT_TRUE(holds(dry.notes, "no hydrogen atoms"));
  EXPECT_TRUE(layer_document(dry)["layers"][0].contains("lateral_diffusion_ang2_per_ps"));
  EXPECT_FALSE(layer_document(dry)["layers"][0].contains("orientation_first_ps"));

  TemporaryFolder folder;
  Walkers{.frames = 30}.write(folder / "walk.h5md");
  LayerStudy around({{0, 4, 7}});
  DistanceFollower* const followers[] = {&around};
  SurfaceCoordinate coordinate;
  coordinate.molecules = "O and not index 0";
  coordinate.surface = "index 0";
  coordinate.kind = "sphere";
  read_passage_coordinates(from(folder / "walk.h5md"), coordinate, {}, followers);
  const LayerReport shells = around.report();
  EXPECT_FALSE(shells.lateral);
  EXPECT_TRUE(shells.orientation);
  EXPECT_TRUE(holds(shells.notes, "around atoms"));
  EXPECT_TRUE(shells.density_z_ang.empty());
  EXPECT_NE(layer_table(shells).find("P2 OH"), std::string::npos);
}

TEST(LayerReport, RefusesEdgesThatCannotBeMeant) {
  EXPECT_THROW(LayerStudy({{3}}), Error);
  EXPECT_THROW(LayerStudy({{3, 3}}), Error);
  EXPECT_THROW(LayerStudy({{3, 5, 4}}), Error);
  EXPECT_THROW(LayerStudy({{0, std::nan("")}}), Error);
  EXPECT_THROW(study({.frames = 5}, {.edges_ang = {0, 20, 40}}), Error);  // the period is 30 Å
  EXPECT_THROW(LayerStudy({{0, 3}}).report(), Error);
}

TEST(Residence, OfFreeDiffusion) {
  constexpr double diffusion = 2e-4, width = 3;
  const double step = std::sqrt(2 * diffusion * frame_fs), edge = width / 2 + frame_shift * step;
  const double expected = (edge * edge - width * width / 12) / (2 * diffusion) - frame_fs / 2;  // from anywhere within; trapezoids count half a frame less
  int covered = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random(seed, 7);
    PassageCoordinates coordinates{CoordinateSeries(200), frame_fs, 20, "walkers"};
    std::vector<double> z(200);
    for (double& one : z) one = 20 * random.uniform();
    for (int t = 0; t < 4000; ++t) {
      coordinates.series.append(z);
      for (double& one : z) one += step * random.normal();
    }
    const auto regions = residence_in_regions(coordinates, {{{4, 7}, {18.5, 21.5}}, {2000, 0, 40}});
    ASSERT_EQ(regions.size(), 4u);  // 0 and 40 fs are both less than a frame
    for (const std::size_t k : {0u, 2u}) {
      EXPECT_EQ(regions[k].escape_fs, 0);
      ASSERT_TRUE(regions[k].correlation.residence_time_fs.estimate) << regions[k].correlation.residence_time_fs.reason;
      const Estimate e = *regions[k].correlation.residence_time_fs.estimate;
      EXPECT_NEAR(e.value, expected, 0.08 * expected);
      covered += e.low <= expected && expected <= e.high;
      EXPECT_EQ(regions[k + 1].escape_fs, 2000);
      const auto& forgiven = regions[k + 1].correlation.residence_time_fs.estimate;
      EXPECT_TRUE(!forgiven || forgiven->value > 1.3 * e.value);
    }
    const auto document = residence_document(regions);
    EXPECT_EQ(document[1]["escape_ps"], 2);
  }
  EXPECT_GE(covered, 7) << "of 10";
  PassageCoordinates one{CoordinateSeries(1), frame_fs, 0, "one"};
  EXPECT_THROW(residence_in_regions(one, {{{3, 3}}}), Error);
  EXPECT_THROW(residence_in_regions(one, {{{3, 4}}, {-1}}), Error);
  for (int t = 0; t < 40; ++t) one.series.append(std::vector<double>{3.5});
  EXPECT_THROW(residence_in_regions(one, {{{3, 4}}, {5000}}), Error);  // an excursion as long as the longest lag
}

TEST(ExitMap, ShowsWhereMoleculesLeaveFaster) {
  TemporaryFolder folder;
  const Walkers walkers{.lateral_ang2_fs = 1e-6, .normal_ang2_fs = 1e-4, .frames = 1500, .hydrogens = false, .factor_beyond_middle = 4};
  walkers.write(folder / "walk.h5md");
  ExitMapStudy study({.half_width_ang = 1, .spacing_ang = 3});
  DistanceFollower* const followers[] = {&study};
  read_passage_coordinates(from(folder / "walk.h5md"), oxygens(), {}, followers);
  const ExitMap map = study.map();
  EXPECT_EQ(map.grid.count, (Int3{7, 6, 10}));
  const auto expected = [](double diffusion) {
    const double edge = 1 + frame_shift * std::sqrt(2 * diffusion * frame_fs);
    return edge * edge / (2 * diffusion);
  };
  int covered = 0;
  for (const std::size_t slab : {0u, 1u, 2u, 4u, 5u, 6u}) {  // the middle one holds both
    const double time = expected(slab < 3 ? 1e-4 : 4e-4);
    const Estimate e = map.along_fs[0][slab];
    EXPECT_NEAR(e.value, time, 0.06 * time) << slab;
    covered += e.low <= time && time <= e.high;
  }
  EXPECT_GE(covered, 4) << "of 6";
  double sum[2] = {0, 0}, cells[2] = {0, 0};
  for (std::size_t c = 0; c < map.grid.size(); ++c) {
    EXPECT_EQ(map.half_interval_fs[c] > 0, map.time_fs[c] > 0);
    if (!(map.time_fs[c] > 0) || map.grid.point(c)[0] == 3) continue;
    EXPECT_GE(map.exits[c], 20);
    const bool fast = map.grid.point(c)[0] > 3;
    sum[fast] += map.time_fs[c];
    cells[fast] += 1;
  }
  for (const bool fast : {false, true}) {
    EXPECT_GT(cells[fast], 170);
    EXPECT_NEAR(sum[fast] / cells[fast], expected(fast ? 4e-4 : 1e-4), 0.08 * expected(fast ? 4e-4 : 1e-4));
  }
  write_exit_map(map, folder / "map.cube");
  for (const char* name : {"map.cube", "map-exits.cube", "map-interval.cube"}) EXPECT_NE(read_file(folder / name).find("first exit time"), std::string::npos) << name;
  EXPECT_GE(exit_map_document(map, folder / "map.cube")["cells_with_value"], 400);
}

TEST(ExitMap, LeavesThinCellsEmptyAndRefusesWhatCannotBe) {
  TemporaryFolder folder;
  Walkers{.normal_ang2_fs = 1e-4, .frames = 60, .hydrogens = false}.write(folder / "walk.h5md");
  const auto map_with = [&](ExitMapSettings settings) {
    ExitMapStudy study(settings);
    DistanceFollower* const followers[] = {&study};
    read_passage_coordinates(from(folder / "walk.h5md"), oxygens(), {}, followers);
    return study.map();
  };
  const ExitMap map = map_with({.half_width_ang = 1, .spacing_ang = 1});
  EXPECT_GT(map.censored, 0);
  for (std::size_t c = 0; c < map.grid.size(); ++c)
    EXPECT_TRUE(map.exits[c] >= 20 || map.time_fs[c] == 0);
  EXPECT_THROW(map_with({.half_width_ang = 15}), Error);          // half the period
  EXPECT_THROW(map_with({.spacing_ang = 0.1}), Error);            // 11 million cells
  EXPECT_THROW(ExitMapStudy({.half_width_ang = 0}), Error);
}

}  // namespace
}  // namespace saltus::runs
