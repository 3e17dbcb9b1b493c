// What a stage says of its models, on random walks whose chain is known exactly.
#include "saltus/runs/kinetics_model.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/site_scattering.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::ordered_json;
using kinetics::KineticsInput;
using kinetics::NetworkMove;

constexpr double cell_ang = 3, spacing_fs = 20;
const std::vector<Vec3> sites{{0, 0, 0}, {1.4, 0.3, 0.2}};

/// A chain of probabilities per frame: x leads over both sites, y from site 0 to its image, z from site 1 to its.
const kinetics::JumpNetwork walk{{0.4, 0.6},
                                 {{0, 1, 0.006, {1.4, 0.3, 0.2}}, {1, 0, 0.004, {-1.4, -0.3, -0.2}},
                                  {0, 1, 0.003, {-1.6, 0.3, 0.2}}, {1, 0, 0.002, {1.6, -0.3, -0.2}},
                                  {0, 0, 0.005, {0, cell_ang, 0}}, {0, 0, 0.005, {0, -cell_ang, 0}},
                                  {1, 1, 0.002, {0, 0, cell_ang}}, {1, 1, 0.002, {0, 0, -cell_ang}}}};

/// Independent walkers. `trapping`: probability per frame that a walker at site 0 is held there, unseen, until a thousandth lets it go.
KineticsInput walkers(int carriers, std::int64_t frames, std::uint64_t seed, double trapping = 0) {
  KineticsInput input;
  input.visits.n_states = 2;
  input.visits.n_carriers = carriers;
  input.visits.n_frames = frames;
  input.site_ang = sites;
  input.lattice_rows_ang = {Vec3{cell_ang, 0, 0}, Vec3{0, cell_ang, 0}, Vec3{0, 0, cell_ang}};
  input.n_particles = static_cast<std::size_t>(carriers);
  input.frame_spacing_fs = spacing_fs;
  input.position_ang.resize(static_cast<std::size_t>(frames * carriers));
  Random random(seed, 0);
  for (int c = 0; c < carriers; ++c) {
    int site = random.uniform() < walk.pi[0] ? 0 : 1;
    Vec3 cell;
    bool held = false;
    std::vector<int> state;
    std::vector<Int3> image;
    for (std::int64_t t = 0; t < frames; ++t) {
      state.push_back(site);
      image.push_back({static_cast<int>(cell.x), static_cast<int>(cell.y), static_cast<int>(cell.z)});
      input.position_ang[static_cast<std::size_t>(t * carriers + c)] = sites[static_cast<std::size_t>(site)] + cell_ang * cell;
      if (held) held = random.uniform() > 0.001;
      else if (site == 0) held = random.uniform() < trapping;
      double draw = random.uniform();
      for (const NetworkMove& move : walk.moves) {
        if (held || move.from != site) continue;
        draw -= move.weight;
        if (draw >= 0) continue;
        const Vec3 shift = (1 / cell_ang) * (move.displacement_ang - (sites[static_cast<std::size_t>(move.to)] - sites[static_cast<std::size_t>(move.from)]));
        cell += Vec3{std::round(shift.x), std::round(shift.y), std::round(shift.z)};
        site = move.to;
        break;
      }
    }
    append_states(input.visits, c, state, image);
  }
  return input;
}

struct Reading {
  kinetics::KineticsEstimate estimate;
  json page;
  std::vector<NamedEstimate> estimates;

  const NamedEstimate& named(const std::string& name) const {
    for (const NamedEstimate& entry : estimates)
      if (entry.name == name) return entry;
    throw std::runtime_error("no estimate " + name);
  }
};

Reading reading_of(const KineticsInput& input, std::vector<std::int64_t> lags = {}) {
  kinetics::EstimationSettings settings;
  settings.lag_frames = std::move(lags);
  Reading reading{estimate_kinetics(input, settings), {}, {}};
  add_model_reading(input, reading.estimate, settings.n_blocks, {}, reading.page, reading.estimates);
  return reading;
}

bool covers(const Estimate& estimate, double truth) { return estimate.low <= truth && truth <= estimate.high; }

TEST(KineticsModel, SaysWhatIsKnownOfAMarkovChain) {
  const Reading reading = reading_of(walkers(12, 40000, 3), {1, 10, 50, 200});
  ASSERT_TRUE(reading.estimate.reported);

  const json& test = reading.page.at("chapman_kolmogorov");
  EXPECT_EQ(test.at("passed"), true) << test.at("text");
  EXPECT_EQ(test.at("sets").size(), 2u);
  EXPECT_EQ(reading.named("chapman_kolmogorov").estimate->value, 1);
  double population = 0;
  for (const json& set : test.at("sets")) population += set.at("population").get<double>();
  EXPECT_NEAR(population, 1, 1e-12);

  const json& modes = reading.page.at("modes");
  ASSERT_EQ(modes.at("rows").size(), 1u);
  const json& mode = modes.at("rows")[0];
  const double time_ps = -spacing_fs / 1000 / std::log(1 - 0.009 - 0.006);
  EXPECT_LE(mode.at("low").get<double>(), time_ps);
  EXPECT_GE(mode.at("high").get<double>(), time_ps);
  EXPECT_LT(mode.at("value")[0].get<double>() * mode.at("value")[1].get<double>(), 0);

  // As counted against the exact chain, and the model of the reported lag likewise.
  std::size_t points = 0, inside = 0;
  for (const json& curve : reading.page.at("scattering").at("curves")) {
    const double k = curve.at("k_per_ang");
    const auto exact = [&](double time) {
      const std::int64_t steps[] = {std::llround(1000 * time / spacing_fs)};
      double sum = 0;
      for (const Vec3& axis : {Vec3{k, 0, 0}, Vec3{0, k, 0}, Vec3{0, 0, k}}) sum += kinetics::lag_scattering(walk, axis, steps)[0] / 3;
      return sum;
    };
    for (std::size_t n = 0; n < curve.at("time_ps").size(); ++n) {
      ++points;
      const double value = exact(curve.at("time_ps")[n]);
      inside += curve.at("low")[n].get<double>() <= value && value <= curve.at("high")[n].get<double>();
    }
    for (std::size_t n = 0; n < 3; ++n) EXPECT_NEAR(curve.at("model")[n].get<double>(), exact(curve.at("model_ps")[n]), 0.02);
  }
  EXPECT_EQ(points, 16u);
  EXPECT_GE(inside, 13u);

  // One way along each axis, by construction.
  const std::vector<std::vector<int>> way{{0, 1}, {0}, {1}};
  const json& directions = reading.page.at("channels").at("directions");
  ASSERT_EQ(directions.size(), 3u);
  for (std::size_t x = 0; x < 3; ++x) {
    ASSERT_EQ(directions[x].at("channels").size(), 1u);
    const json& channel = directions[x].at("channels")[0];
    EXPECT_NEAR(channel.at("share").get<double>(), 1, 1e-9);
    auto members = channel.at("sites").get<std::vector<int>>();
    std::sort(members.begin(), members.end());
    EXPECT_EQ(members, way[x]);
    std::vector<int> image(3, 0);
    image[x] = 1;
    EXPECT_EQ(channel.at("image").get<std::vector<int>>(), image);
    double share = 0;
    for (const json& path : directions[x].at("paths")) share += path[5].get<double>();
    EXPECT_NEAR(share, 1, 1e-9);
  }
  // A chain without memory: D of the jumps is D.
  const double exact = kinetics::trace(kinetics::network_transport(kinetics::network_moments(walk)).diffusion_ang2) / 3 * 1000 / spacing_fs;
  EXPECT_TRUE(covers(*reading.named("diffusion_memoryless").estimate, exact));
}

TEST(KineticsModel, SeesHiddenMemory) {
  const Reading reading = reading_of(walkers(12, 40000, 4, 0.02), {20, 40});
  const json& test = reading.page.at("chapman_kolmogorov");
  EXPECT_EQ(test.at("passed"), false) << test.at("text");
  EXPECT_EQ(reading.named("chapman_kolmogorov").estimate->value, 0);
}

TEST(KineticsModel, WithoutJumpsThereIsNothingToSay) {
  KineticsInput input = walkers(2, 400, 1);
  input.visits = {2, 2, 400, {}};
  append_states(input.visits, 0, std::vector<int>(400, 0));
  append_states(input.visits, 1, std::vector<int>(400, 1));
  const Reading reading = reading_of(input);
  EXPECT_FALSE(reading.page.contains("channels"));
  EXPECT_FALSE(reading.page.contains("modes"));
}

}  // namespace
}  // namespace saltus::runs
