#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/units.hpp"
#include "saltus/dynamics/displaced_path.hpp"
#include "saltus/dynamics/ring_estimators.hpp"
#include "saltus/potentials/model_potentials.hpp"

namespace saltus {
namespace {

constexpr double mass = 1.00782503207, kelvin = 300, kt = units::boltzmann_ev_per_kelvin * kelvin;

// Averages over the Gaussian beads of an oscillator, without sampling: with q_j of covariance C the ratio is
// exp(−a x²), a = κ Σ s_j²/(2 P kT) − (κ/(P kT))² Σ_ij s_i C_ij s_j/2, and kT/2 + ħ² a/m is the kinetic energy of the beads at every P.
TEST(DisplacedPath, OfAnOscillatorHasTheKineticEnergyOfItsBeads) {
  for (const double wavenumber : {500.0, 3500.0})
    for (const std::size_t beads : {1u, 4u, 7u, 32u}) {
      const RingModes modes = ring_modes(beads, kelvin);
      const double w = angular_frequency_per_fs(wavenumber), m = mass * units::ev_per_amu_ang2_fs2, stiffness = m * w * w, count = static_cast<double>(beads);
      double own = 0, linear = 0, kinetic = 0;
      for (std::size_t k = 0; k < beads; ++k) {
        const double variance = count * kt / (m * (w * w + modes.frequency_per_fs[k] * modes.frequency_per_fs[k]));
        double mode = 0;
        for (std::size_t j = 0; j < beads; ++j) mode += modes.matrix[j * beads + k] * displaced_fraction(j, beads);
        own += mode * mode;
        linear += mode * mode * variance;
        kinetic += 0.5 * stiffness * variance / count;
      }
      const double a = stiffness * own / (2 * count * kt) - 0.5 * std::pow(stiffness / (count * kt), 2) * linear;
      EXPECT_NEAR(0.5 * kt + units::hbar_ev_fs * units::hbar_ev_fs / m * a, kinetic, 1e-9 * kinetic) << wavenumber << " 1/cm, " << beads << " beads";
    }
}

/// V = 3 x + ½ 40 x² of each coordinate of every atom.
class Slope : public Potential {
 public:
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    const std::size_t n = batch.atoms->size();
    largest_batch = std::max(largest_batch, batch.count());
    for (std::size_t b = 0; b < batch.count(); ++b) {
      results[b] = {};
      for (std::size_t i = 0; i < n; ++i) {
        const Vec3& r = batch.position_ang[b * n + i];
        results[b].energy_ev += 3 * (r.x + r.y + r.z) + 20 * norm2(r);
        results[b].force_ev_ang.push_back({-3 - 40 * r.x, -3 - 40 * r.y, -3 - 40 * r.z});
      }
    }
  }
  PotentialInfo info_;
  mutable std::size_t largest_batch = 0;
};

TEST(DisplacedPath, EnergiesAreThoseOfTheMovedAtomInOneBatchPerAxis) {
  constexpr std::size_t beads = 5;
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(Atoms{{1, 8, 1}, {mass, 16, mass}});
  frame.position_ang = {{0, 0, 0}, {1, 0, 0}, {2, 0.5, 0}};
  const Slope potential;
  AtomRing state = atom_ring(frame, beads, kelvin, Random(1, 1));
  RingForces forces(potential, 1);
  forces.update(state);
  const auto species = ring_species(*frame.atoms);
  const DisplacedAtom who = displaced_atom(species.front(), beads, 3);  // second atom, second round
  EXPECT_EQ(who.atom, 2u);
  EXPECT_EQ(who.cut, 2u);
  const std::vector<double> length{0.1, 0.4};
  const auto energy = displaced_energies_ev(state, forces, who, length);
  ASSERT_EQ(energy.size(), 6u);
  EXPECT_EQ(potential.largest_batch, 2 * 2 * beads);
  constexpr double fraction[beads] = {-0.4, -0.2, 0, 0.2, 0.4};
  for (int axis = 0; axis < 3; ++axis)
    for (std::size_t x = 0; x < 2; ++x) {
      double odd = 0, even = 0;
      for (std::size_t j = 0; j < beads; ++j) {
        const double q = state.ring.position_ang[(who.cut + j) % beads * 9 + 3 * who.atom + static_cast<std::size_t>(axis)];
        odd += fraction[j] * length[x] * (3 + 40 * q) / beads;
        even += 20 * fraction[j] * fraction[j] * length[x] * length[x] / beads;
      }
      EXPECT_NEAR(energy[static_cast<std::size_t>(axis) * 2 + x], even - kt * std::log(std::cosh(odd / kt)), 1e-10);
    }
}

TEST(DisplacedPath, EveryAtomAndCutComes) {
  const RingSpecies species{"H", 1, mass, {4, 7, 9, 11}};
  std::vector<int> seen(4 * 12);
  for (std::int64_t turn = 0; turn < 48; ++turn) {
    const DisplacedAtom who = displaced_atom(species, 12, turn);
    ++seen[static_cast<std::size_t>(std::find(species.atom.begin(), species.atom.end(), who.atom) - species.atom.begin()) * 12 + who.cut];
  }
  for (const int count : seen) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace saltus
