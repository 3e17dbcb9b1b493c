// Sites and rates of a synthetic crystal whose truth is known: carriers from kinetic Monte Carlo in a skewed cell, vibrations, and a
// framework that vibrates and drifts.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/analysis/assignment.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/kinetics/jump_rates.hpp"
#include "saltus/kinetics/lattice_gas.hpp"
#include "saltus/kinetics/lattices.hpp"
#include "saltus/runs/plan_stages.hpp"
#include "saltus/runs/sites_report.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::ordered_json;

const Cell primitive(Mat3{{Vec3{5.2, 0, 0}, Vec3{1.9, 4.8, 0}, Vec3{-1.3, 1.1, 5.5}}});
const std::vector<Fractional> truth{{0.1, 0.2, 0.3}, {0.55, 0.7, 0.6}};
const std::vector<Fractional> host{{0.35, 0.95, 0.9}, {0.85, 0.4, 0.05}};
constexpr double spacing_ps = 0.008;
const std::array<std::pair<Int3, double>, 4> ways{{{{0, 0, 0}, 1.0}, {{-1, 0, 0}, 0.5}, {{0, -1, 0}, 0.3}, {{0, 0, -1}, 0.7}}};

/// 0 → 1 in the cell of `ways` at its rate per ps, and back at twice of it: probabilities 2/3 and 1/3.
kinetics::SiteNetwork network() {
  kinetics::SiteNetwork result;
  result.n_sites = 2;
  result.cell_rows_ang = primitive.rows_ang();
  for (const Fractional& f : truth) result.position_ang.push_back(primitive.to_cartesian(f));
  for (const auto& [image, rate] : ways) {
    const Vec3 d = result.position_ang[1] - result.position_ang[0] + primitive.translation_ang(image);
    result.jumps.push_back({0, 1, rate, d, image, std::nullopt});
    result.jumps.push_back({1, 0, 2 * rate, -d, Int3{-image[0], -image[1], -image[2]}, std::nullopt});
  }
  return result;
}

/// Unwrapped positions [frame][carrier] with vibrations.
std::vector<Vec3> carriers(const kinetics::SiteNetwork& net, const Int3& cells, std::int64_t count, std::size_t frames, std::uint64_t seed) {
  const Cell small(*net.cell_rows_ang);
  const kinetics::ConnectedNetwork connected = kinetics::connect(net);
  kinetics::LatticeGas gas(kinetics::tile(net, connected, cells), count, connected.network.pi, Random(seed, 1));
  Random random(seed, 2);
  std::vector<Vec3> path;
  for (std::size_t f = 0; f < frames; ++f) {
    gas.run_until(static_cast<double>(f) * spacing_ps);
    for (std::size_t c = 0; c < gas.carriers(); ++c)
      path.push_back(net.position_ang[static_cast<std::size_t>(gas.type_of(c))] + small.translation_ang(gas.cell_of(c)) +
                     0.25 * Vec3{random.normal(), random.normal(), random.normal()});
  }
  return path;
}

struct Crystal {
  kinetics::SiteNetwork network;
  std::vector<Fractional> host;
  Vec3 origin_ang;
  bool shuffled = false;
};

constexpr Int3 cells{4, 4, 4};
constexpr std::int64_t carrier_count = 10;
constexpr std::size_t frame_count = 2000;

std::filesystem::path write_crystal(const Crystal& crystal, const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
  const Cell small(*crystal.network.cell_rows_ang), large = repeated(small, cells);
  constexpr std::int64_t count = carrier_count;
  const std::vector<Vec3> moving = carriers(crystal.network, cells, count, frame_count, 11);
  std::vector<Vec3> rest;
  for (int a = 0; a < cells[0]; ++a)
    for (int b = 0; b < cells[1]; ++b)
      for (int c = 0; c < cells[2]; ++c)
        for (const Fractional& f : crystal.host) rest.push_back(small.to_cartesian(f) + small.translation_ang({a, b, c}));
  std::vector<std::uint8_t> element(static_cast<std::size_t>(count) + rest.size(), 14);
  for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) element[k] = 3;
  std::vector<std::size_t> order(element.size());
  std::iota(order.begin(), order.end(), 0u);
  Random shuffle(3, 0);
  if (crystal.shuffled)
    for (std::size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[shuffle.below(k)]);
  std::vector<std::uint8_t> ordered;
  for (const std::size_t k : order) ordered.push_back(element[k]);
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(ordered));
  frame.cell = large;
  WriteOptions options;
  options.position_decimals = 4;
  const auto writer = create_trajectory(path, options);
  Random random(12, 0);
  for (std::size_t f = 0; f < frame_count; ++f) {
    const Vec3 drift = crystal.origin_ang + static_cast<double>(f) * Vec3{2e-4, -1e-4, 3e-4};
    std::vector<Vec3> all(moving.begin() + static_cast<std::ptrdiff_t>(f * count), moving.begin() + static_cast<std::ptrdiff_t>((f + 1) * count));
    for (const Vec3& r : rest) all.push_back(r + 0.08 * Vec3{random.normal(), random.normal(), random.normal()});
    frame.position_ang.clear();
    for (const std::size_t k : order) frame.position_ang.push_back(large.wrap(all[k] + drift));
    frame.time_fs = static_cast<double>(f) * 1000 * spacing_ps;
    frame.step = static_cast<std::int64_t>(f);
    writer->write(frame);
  }
  writer->commit();
  return path;
}

SitesReport report_of(const std::filesystem::path& path, const std::optional<double>& symmetry_ang = {}) {
  TrajectoryInput input;
  input.path = path;
  SitesSettings settings;
  settings.mobile = 3;
  settings.framework = 14;
  settings.density.fold = cells;
  settings.symmetry_ang = symmetry_ang;
  return analyze_sites(input, settings);
}

double distance_ang(const SitesReport& report, std::size_t site, const Vec3& r) {
  return norm(report.sites.cell.minimum_image(report.sites.cell.to_cartesian(report.sites.position[site]) - r));
}

TEST(SitesReport, FindsSitesAndRatesOfASkewedCrystal) {
  const SitesReport report = report_of(write_crystal({network(), host, {}}, "skewed.extxyz"));
  ASSERT_EQ(report.sites.size(), 2u);
  std::array<std::size_t, 2> site{};
  for (std::size_t k = 0; k < 2; ++k) {
    const Vec3 r = primitive.to_cartesian(truth[k]);
    site[k] = distance_ang(report, 0, r) < distance_ang(report, 1, r) ? 0 : 1;
    EXPECT_LT(distance_ang(report, site[k], r), 0.1);
  }
  EXPECT_NE(site[0], site[1]);
  // 10 carriers on 64 cells, two thirds of them on the first site.
  for (std::size_t k = 0; k < 2; ++k) {
    const SiteFigures& f = report.figures[site[k]];
    ASSERT_TRUE(f.occupation_interval);
    const double expected = (k == 0 ? 2 : 1) / 3.0 * 10 / 64;
    EXPECT_NEAR(f.occupation, expected, 0.25 * expected);
    EXPECT_LE(f.residence_fs.low, f.residence_fs.value);
  }
  // Only the four ways and their reverses are seen often. The interval of one among eight may miss the truth by chance and the blocking of a
  // thirteenth of the ways by the other carriers: half of it more is allowed.
  std::size_t matched = 0;
  for (const auto& jump : report.jumps.classes) {
    if (jump.events < 15) continue;
    const kinetics::JumpMember& m = jump.members[0];
    const bool forth = static_cast<std::size_t>(m.from) == site[0];
    ASSERT_NE(m.from, m.to);
    const Vec3 d = report.sites.cell.to_cartesian(report.sites.position[static_cast<std::size_t>(m.to)]) -
                   report.sites.cell.to_cartesian(report.sites.position[static_cast<std::size_t>(m.from)]) + report.sites.cell.translation_ang(m.image);
    for (const auto& [image, rate] : ways) {
      const Vec3 way = primitive.to_cartesian(truth[1]) - primitive.to_cartesian(truth[0]) + primitive.translation_ang(image);
      if (norm(d - (forth ? way : -way)) > 0.2) continue;
      ++matched;
      const double per_ps = 1 / spacing_ps, expected = (forth ? 1 : 2) * rate * (1 - 10.0 / 128);
      const double low = jump.rate_per_frame.low * per_ps, high = jump.rate_per_frame.high * per_ps, value = jump.rate_per_frame.value * per_ps;
      EXPECT_GT(expected, value - 1.5 * (value - low));
      EXPECT_LT(expected, value + 1.5 * (high - value));
    }
  }
  EXPECT_EQ(matched, 8u);
  ASSERT_TRUE(report.network);
  const kinetics::ConnectedNetwork connected = kinetics::connect(*report.network);
  EXPECT_FALSE(connected.broken);
  EXPECT_EQ(connected.percolating_ang.size(), 3u);
  const double found = kinetics::trace(kinetics::network_transport(kinetics::network_moments(connected.network)).diffusion_ang2);
  const double exact = kinetics::trace(kinetics::network_transport(kinetics::network_moments(kinetics::connect(network()).network)).diffusion_ang2);
  EXPECT_NEAR(found, exact, 0.2 * exact);
  EXPECT_NEAR(report.diagnosis.far_fraction, 0, 0.001);
  EXPECT_TRUE(report.diagnosis.missing.empty());
}

TEST(SitesReport, OrderOfAtomsAndOriginDoNotMatter) {
  const SitesReport one = report_of(write_crystal({network(), host, {}}, "one.extxyz"));
  const Vec3 origin{2.11, -1.37, 0.83};
  const SitesReport other = report_of(write_crystal({network(), host, origin, true}, "other.extxyz"));
  ASSERT_EQ(one.sites.size(), other.sites.size());
  for (std::size_t k = 0; k < 2; ++k) {
    const Vec3 r = one.sites.cell.to_cartesian(one.sites.position[k]) + origin;
    EXPECT_LT(std::min(distance_ang(other, 0, r), distance_ang(other, 1, r)), 0.05);  // a quarter of the grid
  }
  // Sites that lie a few hundredths of an ångström elsewhere see a few entries into cores in other frames.
  EXPECT_NEAR(static_cast<double>(other.visits.report.jumps), static_cast<double>(one.visits.report.jumps), 0.01 * static_cast<double>(one.visits.report.jumps));
}

TEST(SitesReport, StatesInTimeAreThoseOfTheVisits) {
  const SitesReport report = report_of(write_crystal({network(), host, {}}, "states.extxyz"));
  const SiteStates folded_states = states_of(report, true), all = states_of(report, false);
  EXPECT_EQ(folded_states.site.size(), frame_count * static_cast<std::size_t>(carrier_count));
  EXPECT_LT(*std::max_element(folded_states.site.begin(), folded_states.site.end()), 2);
  EXPECT_GT(*std::max_element(all.site.begin(), all.site.end()), 2);
  for (std::size_t k = 0; k < all.site.size(); k += 97) {
    if (all.site[k] < 0) continue;
    // Both numberings lead to the same place.
    const auto in_cell = static_cast<std::size_t>(all.site[k]);
    const std::size_t cell = in_cell / 2;
    const int a = static_cast<int>(cell / 16) + 4 * all.image[3 * k], b = static_cast<int>(cell / 4 % 4) + 4 * all.image[3 * k + 1],
              c = static_cast<int>(cell % 4) + 4 * all.image[3 * k + 2];
    EXPECT_EQ(static_cast<std::int32_t>(in_cell % 2), folded_states.site[k]);
    EXPECT_EQ((Int3{a, b, c}), (Int3{folded_states.image[3 * k], folded_states.image[3 * k + 1], folded_states.image[3 * k + 2]}));
  }
}

// 95 % intervals of all eight rates over 300 runs of one carrier, from positions: given sites, cores, events over exposure. What hides between frames
// (stays of 25 frames at least) takes 2 % off the rates, a tenth of their error.
TEST(SitesReport, RatesLieWithinTheirIntervals) {
  constexpr std::size_t frames = 2500;
  const Int3 tiling{4, 4, 4};
  const Cell large = repeated(primitive, tiling);
  const Sites sites = given_sites(large, tiling, truth);
  int held = 0, all = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const SiteVisits visits = assign_sites(sites, carriers(network(), tiling, 1, frames, seed), frames, 1000 * spacing_ps);
    const kinetics::TransitionCounts counts = kinetics::count_transitions(site_trajectory_of(visits, 2), 1);
    const std::vector<double> exposure = kinetics::exposure_frames(counts);
    for (const auto& [image, rate] : ways)
      for (const bool forth : {true, false}) {
        const int from = forth ? 0 : 1;
        if (!(exposure[static_cast<std::size_t>(from)] > 0)) continue;
        double events = 0;
        for (const auto& e : counts.entries)
          if (e.from == from && e.to == 1 - from && e.image == (forth ? image : Int3{-image[0], -image[1], -image[2]})) events += static_cast<double>(e.count);
        const Estimate per_ps = kinetics::event_rate(events, exposure[static_cast<std::size_t>(from)] * spacing_ps);
        const double expected = (forth ? 1 : 2) * rate;
        held += per_ps.low <= expected && expected <= per_ps.high;
        ++all;
      }
  }
  const double coverage = static_cast<double>(held) / all;
  EXPECT_GE(coverage, 0.935);  // 2400 intervals: a standard error of 0.5 %
  EXPECT_LE(coverage, 0.99);
}

// Carriers on the corners of cubes, a framework in their centres: Pm-3m, and six jumps that are one.
TEST(SitesReport, PoolsTheJumpsOfACubicCrystal) {
  const kinetics::SiteNetwork cubic = kinetics::lattice_network("sc", 4, 1);
  const SitesReport report = report_of(write_crystal({cubic, {{0.5, 0.5, 0.5}}, {}}, "cubic.extxyz"), 0.3);
  ASSERT_TRUE(report.symmetry);
  EXPECT_EQ(report.symmetry->group.symbol, "Pm-3m");
  ASSERT_EQ(report.symmetry->label.size(), 1u);
  EXPECT_TRUE(report.symmetry->label[0] == "1a" || report.symmetry->label[0] == "1b") << report.symmetry->label[0];  // by the choice of origin
  EXPECT_TRUE(report.symmetry->pooled);
  ASSERT_EQ(report.sites.size(), 1u);
  EXPECT_LT(distance_ang(report, 0, {0, 0, 0}), 0.1);
  const kinetics::JumpClass& jump = report.jumps.classes.at(0);
  EXPECT_EQ(jump.members.size(), 6u);
  EXPECT_GT(jump.events, 500);
  const double free = 1 - 9.0 / 63;  // another site free, given the carrier's own
  EXPECT_NEAR(jump.rate_per_frame.value / spacing_ps, free, 3 * std::sqrt(report.jump_dispersion / static_cast<double>(jump.events)));
  const Mat3 d = kinetics::network_transport(kinetics::network_moments(kinetics::connect(*report.network).network)).diffusion_ang2;
  EXPECT_NEAR(d[0].x, d[1].y, 1e-9);
  EXPECT_NEAR(d[0].x, d[2].z, 1e-9);
  EXPECT_NEAR(d[0].y, 0, 1e-9);
}

/// The page of a kinetics stage on a trajectory.
json kinetics_page(const std::filesystem::path& trajectory, const std::string& settings) {
  const Plan plan = parse_plan("title = \"t\"\n[[kinetics]]\nname = \"k\"\nfold = [4, 4, 4]\ntrajectory = \"" + trajectory.string() + "\"\n" + settings, "plan.toml");
  StageContext context{std::filesystem::path(testing::TempDir()) / "kinetics-symmetry", {}, {}, {}};
  std::filesystem::create_directories(context.folder);
  stages_of(plan).back().run(context);
  return json::parse(read_file(context.folder / "kinetics.json"));
}

TEST(SitesReport, AKineticsStageImposesTheSymmetryThatSitesFinds) {
  const std::filesystem::path path = write_crystal({kinetics::lattice_network("sc", 4, 1), {{0.5, 0.5, 0.5}}, {}}, "stage.extxyz");
  const json free = kinetics_page(path, "").at("sites"), bound = kinetics_page(path, "symmetry = true\n").at("sites");
  EXPECT_EQ(free.at("text").get<std::string>().find("Space group"), std::string::npos);
  EXPECT_EQ(free.at("columns").size() + 1, bound.at("columns").size());
  EXPECT_NE(bound.at("text").get<std::string>().find("Space group Pm-3m (number 221) of the mean framework within 0.3 Å"), std::string::npos);
  const SitesReport report = report_of(path, 0.3);
  ASSERT_EQ(bound.at("rows").size(), 1u);
  const json& row = bound.at("rows")[0];
  EXPECT_EQ(row.back(), report.symmetry->label.at(0));
  EXPECT_EQ(row[1], report.sites.position.at(0).a);
  EXPECT_EQ(row[2], report.sites.position.at(0).b);
  EXPECT_EQ(row[3], report.sites.position.at(0).c);
  EXPECT_NE(row[1], free.at("rows")[0][1]);  // off the special position by what the run's length leaves
}

TEST(SitesReport, Errors) {
  const std::filesystem::path path = write_crystal({network(), host, {}}, "errors.extxyz");
  TrajectoryInput input;
  input.path = path;
  SitesSettings settings;
  settings.mobile = 3;
  settings.symmetry_ang = 0.3;
  EXPECT_THROW(analyze_sites(input, settings), Error);  // symmetry without a framework
  settings.symmetry_ang.reset();
  settings.mobile = 11;
  EXPECT_THROW(analyze_sites(input, settings), Error);
  settings.mobile = 3;
  settings.blocks = 5000;
  EXPECT_THROW(analyze_sites(input, settings), Error);
}

}  // namespace
}  // namespace saltus::runs
