#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/analysis/rdf.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

using testing_frames::next_of;
using testing_frames::positions_of;
using testing_frames::read_frames;

TEST(Rdf, CountsOfAseWithImagesBeyondTheCell) {
  std::ifstream file(std::string(SALTUS_SOURCE_DIR) + "/tests/golden/ase/rdf_images/counts.txt");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name, a, b;
    words >> name >> a >> b;
    const Frame frame = read_frames("tests/golden/ase/rdf_images/" + name + ".extxyz").at(0);
    PairHistogram histogram;
    histogram.bin_ang = 0.1;
    histogram.count.assign(80, 0);
    const auto a_ang = positions_of(frame, *atomic_number_of(a)), b_ang = positions_of(frame, *atomic_number_of(b));
    if (a == b) add_pairs(histogram, frame.cell, a_ang, a_ang);
    else add_pairs(histogram, frame.cell, a_ang, b_ang);
    std::vector<std::int64_t> expected(80);
    for (auto& count : expected) words >> count;
    ASSERT_TRUE(words) << line.substr(0, 20);
    EXPECT_EQ(histogram.count, expected) << name << " " << a << " " << b;
    ++cases;
  }
  EXPECT_EQ(cases, 6);
}

TEST(Rdf, FaceCentredCubicShells) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({14}));
  frame.cell = Cell(Mat3{{Vec3{0, 2, 2}, Vec3{2, 0, 2}, Vec3{2, 2, 0}}});  // primitive cell, a = 4
  frame.position_ang = {{0.3, 0.1, -9}};
  RdfAnalysis analysis({{{14, 14}}, 7.05, 0.1, 1});
  analysis.fold(analysis.map(frame));
  const Rdf rdf = analysis.finish().at(0);
  const auto within = [&](double r) { return rdf.coordination[static_cast<std::size_t>(r / 0.1)]; };
  EXPECT_EQ(rdf.r_ang.size(), 71u);
  EXPECT_DOUBLE_EQ(rdf.r_ang[0], 0.05);
  EXPECT_DOUBLE_EQ(within(2.7), 0);
  EXPECT_DOUBLE_EQ(within(2.9), 12);   // a/√2 = 2.83
  EXPECT_DOUBLE_EQ(within(4.1), 18);   // a
  EXPECT_DOUBLE_EQ(within(5.0), 42);   // a√1.5 = 4.90
  EXPECT_DOUBLE_EQ(within(5.75), 54);  // a√2 = 5.66
  EXPECT_DOUBLE_EQ(within(6.4), 78);   // a√2.5 = 6.32
  EXPECT_DOUBLE_EQ(within(7.0), 86);   // a√3 = 6.93
  // g of the first shell: 12 / (density · shell volume).
  const double shell = 4.0 / 3 * M_PI * (std::pow(2.9, 3) - std::pow(2.8, 3));
  EXPECT_NEAR(rdf.g[28], 12 / (4.0 / 64 * shell), 1e-9);
}

TEST(Rdf, IdealGasIsOneAndThreadsDoNotMatter) {
  Random random(5, 0);
  const auto atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(60, 3)));
  auto mixed = *atoms;
  for (std::size_t i = 0; i < 20; ++i) mixed.atomic_number[i] = 14;
  const auto shared = std::make_shared<const Atoms>(mixed);
  std::vector<Frame> frames(50);
  for (std::size_t t = 0; t < frames.size(); ++t) {
    Frame& f = frames[t];
    f.atoms = shared;
    f.cell = Cell(Mat3{{Vec3{6 + 0.006 * static_cast<double>(t), 0, 0}, Vec3{2, 6, 0}, Vec3{1, -2, 6}}});
    for (int i = 0; i < 60; ++i) f.position_ang.push_back(f.cell.to_cartesian({random.uniform(), random.uniform(), random.uniform()}));
  }
  std::vector<std::vector<Rdf>> results;
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    RdfAnalysis every({{{3, 14}, {14, 14}}, 8, 0.5, 1}), some({{{3, 3}}, 8, 0.5, 7});
    Analysis* const list[] = {&every, &some};
    run_analyses(next_of(frames), list);
    results.push_back(every.finish());
    EXPECT_EQ(some.finish().at(0).frames, 8u);
  }
  set_thread_count(0);
  EXPECT_EQ(results[0][0].g, results[1][0].g);
  EXPECT_EQ(results[0][1].coordination, results[1][1].coordination);
  // Beyond the first bins: 40 000 independent pairs, each seen at about nine distances: well within 5 %.
  for (std::size_t k = 6; k < 16; ++k) EXPECT_NEAR(results[0][0].g[k], 1, 0.05) << k;
  // Same species: an atom's images lie at fixed distances, the rest is (N − 1)/N of an ideal gas.
  double mean = 0;
  for (std::size_t k = 10; k < 16; ++k) mean += results[0][1].g[k] / 6;
  EXPECT_NEAR(mean, 1, 0.05);
}

TEST(Rdf, IsolatedAtomsHavePartnersWithoutImages) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 1}));
  frame.position_ang = {{0, 0, 0}, {0.96, 0, 0}, {-0.24, 0.93, 0}};
  RdfAnalysis analysis({{{8, 1}, {1, 1}, {8, 8}}, 2, 0.1, 1, 100});
  for (int k = 0; k < 3; ++k) analysis.fold(analysis.map(frame));
  const auto rdf = analysis.finish();
  EXPECT_EQ(rdf[0].coordination.back(), 2);
  EXPECT_EQ(rdf[1].coordination.back(), 1);
  EXPECT_EQ(rdf[2].coordination.back(), 0);
  const auto shell = [](double from, double to) { return 4 * 3.141592653589793 / 3 * (to * to * to - from * from * from); };
  EXPECT_NEAR(rdf[0].g[9], 2 / (2 / 100.0 * shell(0.9, 1.0)), 1e-12);  // 0.96 twice among 2 H in 100 Å³
  EXPECT_NEAR(rdf[1].g[15], 1 / (1 / 100.0 * shell(1.5, 1.6)), 1e-12);  // 1.52, one partner
  EXPECT_EQ(rdf[2].g.back(), 0);
}

TEST(Rdf, LeavingABlockOutIsTheRdfOfTheOthers) {
  const auto frames = read_frames("examples/li15si4/li15si4_900K.extxyz", 20);
  const auto of = [&](std::size_t begin, std::size_t end) {
    RdfAnalysis analysis({{{3, 14}}, 5, 0.1, 1});
    for (std::size_t k = 0; k < frames.size(); ++k)
      if (k < begin || k >= end) analysis.fold(analysis.map(frames[k]));
    return analysis;
  };
  const auto without = of(0, 0).leaving_one_block_out(4);
  ASSERT_EQ(without.size(), 4u);
  for (std::size_t b = 0; b < 4; ++b) {
    const Rdf expected = of(5 * b, 5 * b + 5).finish().at(0);
    for (std::size_t k = 0; k < expected.g.size(); ++k) {
      EXPECT_NEAR(without[b][0].g[k], expected.g[k], 1e-12);
      EXPECT_NEAR(without[b][0].coordination[k], expected.coordination[k], 1e-12);
    }
  }
  RdfAnalysis single({{{3, 14}}, 5, 0.1, 1});
  single.fold(single.map(frames[0]));
  EXPECT_TRUE(single.leaving_one_block_out(4).empty());
}

TEST(Rdf, RefusesWhatItCannotMean) {
  EXPECT_THROW(RdfAnalysis({{}, 8, 0.1, 1}), Error);
  EXPECT_THROW(RdfAnalysis({{{3, 3}}, 8, 0, 1}), Error);
  EXPECT_THROW(RdfAnalysis({{{3, 3}}, -8, 0.1, 1}), Error);
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3}));
  frame.position_ang = {{0, 0, 0}};
  RdfAnalysis isolated({{{3, 3}}, 8, 0.1, 1});
  EXPECT_THROW(isolated.map(frame), Error);
  frame.cell = Cell(Mat3{{Vec3{4, 0, 0}, Vec3{0, 4, 0}, Vec3{0, 0, 4}}}, {true, true, false});
  EXPECT_THROW(isolated.map(frame), Error);
  frame.cell = Cell(frame.cell.rows_ang());
  EXPECT_NO_THROW(isolated.map(frame));
  EXPECT_THROW(RdfAnalysis({{{3, 3}}, 8, 0.1, 1, 100}).map(frame), Error);
  RdfAnalysis missing({{{3, 11}}, 8, 0.1, 1});
  EXPECT_THROW(missing.map(frame), Error);
}

}  // namespace
}  // namespace saltus
