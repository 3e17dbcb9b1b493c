// Systems of the dynamics tests: solid argon, free particles, harmonic wells.
#pragma once

#include <limits>
#include <memory>

#include "saltus/atoms/frame.hpp"
#include "saltus/dynamics/state.hpp"
#include "saltus/potentials/lennard_jones.hpp"

namespace saltus::test {

// Face-centred cubic argon, repeats³ cubes of four atoms, lattice constant 5.3 Å.
inline Frame argon_crystal(int repeats) {
  Frame cube;
  cube.cell = Cell(Mat3{{Vec3{5.3, 0, 0}, Vec3{0, 5.3, 0}, Vec3{0, 0, 5.3}}});
  cube.position_ang = {{0, 0, 0}, {0, 2.65, 2.65}, {2.65, 0, 2.65}, {2.65, 2.65, 0}};
  cube.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
  return repeated(cube, {repeats, repeats, repeats});
}

inline State argon_state(int repeats, double temperature_kelvin, std::uint64_t seed) {
  State state = state_of(argon_crystal(repeats), Random(seed, 1));
  Random velocities(seed, 2);
  draw_velocities(state, temperature_kelvin, velocities);
  return state;
}

// Far from each other, without periodicity: for potentials that act on each atom alone.
inline State separate_atoms(std::size_t n, std::uint64_t seed) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(n, 18)));
  frame.position_ang.resize(n);
  return state_of(frame, Random(seed, 1));
}

// E = k/2 sum r²; k = 0 are free particles. From the call poison_at the force on atom 1 is NaN,
// from extrapolate_at atom 2 extrapolates.
class HarmonicWells final : public Potential {
 public:
  explicit HarmonicWells(double stiffness_ev_ang2) : stiffness_(stiffness_ev_ang2) { info_.kind = "harmonic"; }
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want want, Workspace&, std::span<Evaluation> results) const override {
    const std::size_t n = batch.atoms->size();
    for (std::size_t c = 0; c < batch.count(); ++c) {
      Evaluation& result = results[c];
      result.energy_ev = 0;
      result.force_ev_ang.resize(n);
      result.extrapolation.assign(want.extrapolation ? n : 0, 0.5);
      for (std::size_t i = 0; i < n; ++i) {
        const Vec3& r = batch.position_ang[c * n + i];
        result.energy_ev += 0.5 * stiffness_ * norm2(r);
        result.force_ev_ang[i] = -stiffness_ * r;
      }
      ++calls;
      if (calls >= poison_at) result.force_ev_ang[1].y = std::numeric_limits<double>::quiet_NaN();
      if (calls >= extrapolate_at && want.extrapolation) result.extrapolation[2] = 7;
    }
  }
  void with_extrapolation() { info_.has_extrapolation = true; }

  mutable std::int64_t calls = 0;
  std::int64_t poison_at = std::numeric_limits<std::int64_t>::max();
  std::int64_t extrapolate_at = std::numeric_limits<std::int64_t>::max();

 private:
  double stiffness_;
  PotentialInfo info_;
};

}  // namespace saltus::test
