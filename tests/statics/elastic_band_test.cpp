#include <cmath>

#include <gtest/gtest.h>

#include "crystals.hpp"
#include "saltus/base/error.hpp"
#include "saltus/statics/elastic_band.hpp"
#include "saltus/statics/relaxation.hpp"
#include "saltus/statics/vacancy_hops.hpp"

namespace saltus {
namespace {

// One atom in two wells at x = ∓1 with a curved valley between: E = h (x² - 1)² + t x + k (y - c (1 - x²))² / 2 + k z²/2.
class CurvedWells final : public Potential {
 public:
  CurvedWells(double height, double tilt) : h_(height), t_(tilt) { info_.kind = "curved wells"; }
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    for (std::size_t b = 0; b < batch.count(); ++b) {
      const auto [x, y, z] = batch.position_ang[b];
      const double off = y - c_ * (1 - x * x);
      results[b].energy_ev = h_ * (x * x - 1) * (x * x - 1) + t_ * x + k_ * (off * off + z * z) / 2;
      results[b].force_ev_ang = {{-(4 * h_ * x * (x * x - 1) + t_ + k_ * off * 2 * c_ * x), -k_ * off, -k_ * z}};
    }
    largest_batch = std::max(largest_batch, batch.count());
  }
  // Along the floor of the valley E = h (x² - 1)² + t x: its stationary points.
  double stationary(double x) const {
    for (int k = 0; k < 100; ++k) x -= (4 * h_ * x * (x * x - 1) + t_) / (h_ * (12 * x * x - 4));
    return x;
  }
  Vec3 floor(double x) const { return {x, c_ * (1 - x * x), 0}; }
  double energy(double x) const { return h_ * (x * x - 1) * (x * x - 1) + t_ * x; }

  mutable std::size_t largest_batch = 0;

 private:
  double h_, t_, k_ = 8, c_ = 0.6;
  PotentialInfo info_;
};

Frame one_atom(const Vec3& position) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3}));
  frame.position_ang = {position};
  return frame;
}

TEST(ElasticBand, SaddleOfACurvedValleyIsExact) {
  for (const double tilt : {0.0, 0.1}) {
    const CurvedWells wells(0.4, tilt);
    const double left = wells.stationary(-1), right = wells.stationary(1), top = wells.stationary(0);
    BandSettings settings;
    settings.force_tolerance_ev_ang = 1e-5;
    settings.minimizer.max_iterations = 5000;
    for (const std::size_t images : {std::size_t{4}, std::size_t{7}}) {
      settings.images = images;
      const Band band = find_path(one_atom(wells.floor(left)), one_atom(wells.floor(right)), wells, settings);
      ASSERT_TRUE(band.converged && band.climbed);
      EXPECT_EQ(band.image.size(), images + 2);
      EXPECT_EQ(wells.largest_batch, images);
      wells.largest_batch = 0;
      EXPECT_NEAR(band.forward_barrier_ev(), wells.energy(top) - wells.energy(left), 1e-8);
      EXPECT_NEAR(band.backward_barrier_ev(), wells.energy(top) - wells.energy(right), 1e-8);
      EXPECT_LT(norm(band.image[band.highest].position_ang[0] - wells.floor(top)), 1e-5);
      for (std::size_t k = 1; k < band.image.size(); ++k) EXPECT_GT(band.distance_ang[k], band.distance_ang[k - 1]);
    }
    // Springs alone put no image on the saddle when their number is even.
    settings.images = 4;
    settings.climb = false;
    const Band still = find_path(one_atom(wells.floor(left)), one_atom(wells.floor(right)), wells, settings);
    EXPECT_TRUE(still.converged);
    EXPECT_FALSE(still.climbed);
    EXPECT_LT(still.forward_barrier_ev(), wells.energy(top) - wells.energy(left) - 1e-3);
    // Images lie on the floor of the valley, evenly spaced.
    for (std::size_t k = 1; k + 1 < still.image.size(); ++k) {
      const Vec3& r = still.image[k].position_ang[0];
      EXPECT_NEAR(r.y, wells.floor(r.x).y, 0.04);
      EXPECT_NEAR(still.distance_ang[k], still.distance_ang.back() * static_cast<double>(k) / 5, 0.01);
    }
  }
}

TEST(ElasticBand, AtomsTakeTheShortWayThroughTheCellAndPairsKeepTheirDistance) {
  Frame start = test::fcc_cube(test::nearest_distance_ang());
  start = repeated(start, {2, 2, 2});
  const HopEnds ends = ends_of_hop(start, 0, 1);
  Frame after = ends.after;
  for (Vec3& r : after.position_ang) r = after.cell.wrap(r + Vec3{1e-9, 1e-9, 1e-9});
  BandSettings settings;
  settings.images = 3;
  for (const FirstPath kind : {FirstPath::linear, FirstPath::pair_distances}) {
    settings.first_path = kind;
    const std::vector<Frame> path = first_path(ends.before, after, settings);
    ASSERT_EQ(path.size(), 5u);
    for (std::size_t k = 1; k < path.size(); ++k)
      for (std::size_t i = 0; i < path[k].size(); ++i) EXPECT_LT(norm(path[k].position_ang[i] - path[k - 1].position_ang[i]), 1.5);
    double nearest = 1e9;
    for (std::size_t i = 1; i < path[2].size(); ++i) nearest = std::min(nearest, norm(start.cell.minimum_image(path[2].position_ang[i] - path[2].position_ang[0])));
    // Half way the mover passes between four atoms at sqrt(3)/2 of the distance of neighbours; they make way.
    if (kind == FirstPath::linear) EXPECT_NEAR(nearest, std::sqrt(3) / 2 * test::nearest_distance_ang(), 1e-6);
    else EXPECT_GT(nearest, 1.02 * std::sqrt(3) / 2 * test::nearest_distance_ang());
  }
}

TEST(ElasticBand, RefusesEndsThatDoNotBelongTogether) {
  const LennardJones potential = test::nearest_neighbor_argon();
  const Frame cube = test::fcc_cube(4), other = test::fcc_cube(4.1), krypton = test::fcc_cube(4, 36);
  const auto kind = [&](const Frame& a, const Frame& b) {
    try {
      find_path(a, b, potential, {});
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind(cube, cube), ErrorKind::usage);
  EXPECT_EQ(kind(cube, other), ErrorKind::usage);
  EXPECT_EQ(kind(cube, krypton), ErrorKind::usage);
  EXPECT_EQ(kind(cube, without_atoms(cube, {0})), ErrorKind::usage);
}

// Face-centred cubic: one kind of site, hops to 12 nearest and 6 second neighbours, 6 and 3 per atom.
// Sites at 0, 0.2 and 0.3 eV whose barriers miss a little: energies that fit all of them best, and a saddle between its two barriers.
TEST(VacancyHops, EnergiesOfSitesAndSaddlesAgreeAroundCycles) {
  std::vector<VacancyHop> hops(3);
  for (std::size_t k = 0; k < 3; ++k) hops[k].vacancy_kind = k, hops[k].mover_kind = (k + 1) % 3;
  // Saddles at 0.5, 0.6, 0.7; the changes 0.203, 0.1 and -0.3 add up to 0.003, of which each of three hops takes a third.
  const std::vector<HopBarrier> barriers{{0.5, 0.297}, {0.4, 0.3}, {0.4, 0.7}};
  const HopEnergies e = consistent_energies(hops, barriers);
  EXPECT_NEAR(e.site_ev[0], 0, 1e-12);
  EXPECT_NEAR(e.site_ev[1], 0.202, 1e-12);
  EXPECT_NEAR(e.site_ev[2], 0.301, 1e-12);
  EXPECT_NEAR(e.saddle_ev[0], (0.5 + 0.202 + 0.297) / 2, 1e-12);
  EXPECT_NEAR(e.largest_misfit_ev, 0.0005, 1e-12);
}

TEST(VacancyHops, KindsAndMultiplicitiesOfACubicCrystal) {
  const Frame crystal = repeated(test::fcc_cube(4), {3, 3, 3});
  const auto hops = distinct_vacancy_hops(crystal, 18, 6);
  ASSERT_EQ(hops.size(), 2u);
  EXPECT_NEAR(hops[0].distance_ang, 4, 1e-9);
  EXPECT_EQ(hops[0].members.size(), 6u * 108);
  for (const HopMember& hop : hops[0].members)
    EXPECT_NEAR(norm(crystal.position_ang[hop.to] + crystal.cell.translation_ang(hop.image) - crystal.position_ang[hop.from]), 4, 1e-9);
  EXPECT_NEAR(hops[1].distance_ang, 4 * std::sqrt(2), 1e-9);
  EXPECT_EQ(hops[1].members.size(), 3u * 108);
  // An atom of another element makes kinds of sites.
  Frame doped = crystal;
  Atoms atoms = *crystal.atoms;
  atoms.atomic_number[0] = 36;
  doped.atoms = std::make_shared<const Atoms>(atoms);
  std::size_t all = 0;
  const auto of_doped = distinct_vacancy_hops(doped, 18, 4.5);
  for (const VacancyHop& hop : of_doped) all += hop.members.size();
  EXPECT_GT(of_doped.size(), 3u);
  EXPECT_EQ(all, 6u * 108 - 12);
  EXPECT_THROW(distinct_vacancy_hops(crystal, 18, 9), Error);
  EXPECT_THROW(distinct_vacancy_hops(crystal, 3, 4), Error);
  EXPECT_THROW(ends_of_hop(crystal, 3, 3), Error);
}

}  // namespace
}  // namespace saltus
