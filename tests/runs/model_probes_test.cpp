// Probes of a model find the faults that are put into it, and none where there are none.
#include "saltus/runs/model_probes.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/potentials/lennard_jones.hpp"

namespace saltus::runs {
namespace {

constexpr double range_ang = 5;

/// A pair energy and its slope, with what is wrong with them, and a force on every atom along x.
class PairPotential : public Potential {
 public:
  std::function<double(double)> energy_ev = [](double r) { return r < range_ang ? 0.5 * std::pow(range_ang - r, 3) * std::exp(-r) : 0; };
  double force_factor = 1, force_along_x = 0;

  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return range_ang; }
  void evaluate(const Batch& batch, Want want, Workspace&, std::span<Evaluation> results) const override {
    const std::size_t n = batch.atoms->size();
    for (std::size_t b = 0; b < batch.count(); ++b) {
      Evaluation& result = results[b];
      result.energy_ev = 0;
      result.force_ev_ang.assign(want.forces ? n : 0, Vec3{force_along_x, 0, 0});
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < i; ++j) {
          const Vec3 r = batch.position_ang[b * n + j] - batch.position_ang[b * n + i];
          const double d = norm(r), h = 1e-5, slope = (energy_ev(d + h) - energy_ev(d - h)) / (2 * h);
          result.energy_ev += energy_ev(d);
          if (!want.forces || (d > range_ang - 2 * h && d < range_ang + 2 * h)) continue;
          const Vec3 f = force_factor * slope / d * r;
          result.force_ev_ang[i] += f;
          result.force_ev_ang[j] -= f;
        }
    }
  }

 private:
  PotentialInfo info_{.kind = "pair", .elements = {3, 14}};
};

Frame some_atoms() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3, 14, 3, 14}));
  frame.position_ang = {{0, 0, 0}, {2.6, 0.2, 0.1}, {0.3, 2.9, 0}, {0.1, 0.4, 3.1}};
  return frame;
}

ProbeSettings short_probe() {
  ProbeSettings settings;
  settings.steps = 100;
  return settings;
}

TEST(ModelProbes, SoundModelPasses) {
  const PairPotential sound;
  const ModelProbes p = probe_model(sound, some_atoms(), short_probe());
  EXPECT_EQ(p.formula, "Li2Si2");
  EXPECT_EQ(p.gradient.components, 12u);
  EXPECT_LT(p.gradient.relative(), 1e-5);
  EXPECT_TRUE(p.rotation.invariant());
  EXPECT_LT(p.rotation.energy_ev_per_atom, 1e-10);
  ASSERT_TRUE(p.scan);
  EXPECT_LT(p.scan->energy_jump_ev, 1e-6);
  ASSERT_EQ(p.dimers.size(), 3u);
  for (const DimerProbe& d : p.dimers) {
    EXPECT_TRUE(d.repulsive());
    EXPECT_EQ(d.minima, 0);
    EXPECT_EQ(d.depth_ev, 0);
    EXPECT_NEAR(d.wall_ev, sound.energy_ev(0.5), 1e-12);
    EXPECT_LT(d.cutoff_force_jump_ev_ang, 1e-5);
  }
  ASSERT_TRUE(p.conservation);
  EXPECT_EQ(p.conservation->failure, "");
  EXPECT_NEAR(p.conservation->length_ps, 0.1, 1e-12);
  EXPECT_LT(std::abs(p.conservation->drift_mev_per_atom_ps), 1);
  EXPECT_GT(p.microsecond_per_atom_step, 0);
}

TEST(ModelProbes, WellIsFound) {
  const LennardJones argon(lennard_jones_argon());
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({18, 18}));
  frame.position_ang = {{0, 0, 0}, {3.9, 0, 0}};
  const ModelProbes p = probe_model(argon, frame, short_probe());
  ASSERT_EQ(p.dimers.size(), 1u);
  EXPECT_NEAR(p.dimers[0].depth_ev, -lennard_jones_argon().species[0].epsilon_ev, 1e-6);
  EXPECT_NEAR(p.dimers[0].nearest_ang, 3.4 * std::pow(2, 1.0 / 6), 0.006);
  EXPECT_EQ(p.dimers[0].minima, 1);
  EXPECT_TRUE(p.dimers[0].repulsive());
}

TEST(ModelProbes, ForcesThatAreNoGradient) {
  PairPotential wrong;
  wrong.force_factor = 1.1;
  const ModelProbes p = probe_model(wrong, some_atoms(), short_probe());
  EXPECT_GT(p.gradient.relative(), 0.05);
  EXPECT_TRUE(p.rotation.invariant());
  EXPECT_GT(std::abs(p.conservation->drift_mev_per_atom_ps) + p.conservation->fluctuation_mev_per_atom, 1);
}

TEST(ModelProbes, DirectionsInSpace) {
  PairPotential wrong;
  wrong.force_along_x = 0.2;
  const ModelProbes p = probe_model(wrong, some_atoms(), short_probe());
  EXPECT_FALSE(p.rotation.invariant());
  EXPECT_GT(p.rotation.force_ev_ang, 0.1);
  EXPECT_LT(p.rotation.energy_ev_per_atom, 1e-10);
}

TEST(ModelProbes, JumpAtTheCutoff) {
  PairPotential cut;
  cut.energy_ev = [](double r) { return r < range_ang ? 0.01 + 5 * std::exp(-r) : 0; };
  const ModelProbes p = probe_model(cut, some_atoms(), short_probe());
  for (const DimerProbe& d : p.dimers) {
    EXPECT_NEAR(d.cutoff_energy_jump_ev, 0.01 + 5 * std::exp(-5.0), 5e-5);
    EXPECT_NEAR(d.cutoff_force_jump_ev_ang, 5 * std::exp(-5.0), 5e-5);
  }
}

TEST(ModelProbes, AtomsThatFallIntoEachOther) {
  PairPotential hole;
  hole.energy_ev = [](double r) { return r < range_ang ? 0.5 * std::pow(range_ang - r, 3) * std::exp(-r) - 40 * std::exp(-std::pow(r / 0.7, 4)) : 0; };
  const ModelProbes p = probe_model(hole, some_atoms(), short_probe());
  for (const DimerProbe& d : p.dimers) {
    EXPECT_FALSE(d.repulsive());
    ASSERT_TRUE(d.attractive_below_ang);
    EXPECT_NEAR(*d.attractive_below_ang, 1.05, 0.15);
    EXPECT_GT(*d.barrier_ev, 5);
    EXPECT_LT(d.wall_ev, *d.barrier_ev);
  }
}

TEST(ModelProbes, NotFinite) {
  PairPotential bad;
  bad.energy_ev = [](double r) { return r < 1 ? std::nan("") : r < range_ang ? std::pow(range_ang - r, 3) : 0; };
  const ModelProbes p = probe_model(bad, some_atoms(), short_probe());
  ASSERT_TRUE(p.dimers[0].not_finite_ang);
  EXPECT_NEAR(*p.dimers[0].not_finite_ang, 1, 0.02);
  const auto document = nlohmann::json::parse(to_json_text(p));
  EXPECT_TRUE(document.at("dimers").at(0).at("wall_ev").is_null());
}

TEST(ModelProbes, ThreadsAreAsBefore) {
  const int before = thread_count();
  probe_model(PairPotential{}, some_atoms(), {.atoms = 1, .steps = 0});
  EXPECT_EQ(thread_count(), before);
}

TEST(ModelProbes, ElementsAndEmptyFrames) {
  const PairPotential sound;
  EXPECT_EQ(unknown_elements(sound, *some_atoms().atoms), "");
  EXPECT_EQ(unknown_elements(sound, atoms_of({1, 3, 8})), "H, O");
  Frame none;
  none.atoms = std::make_shared<const Atoms>(atoms_of({}));
  EXPECT_THROW(probe_model(sound, none, short_probe()), Error);
}

}  // namespace
}  // namespace saltus::runs
