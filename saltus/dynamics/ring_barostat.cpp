#include "saltus/dynamics/ring_barostat.hpp"

#include <cmath>
#include <utility>

#include "saltus/dynamics/ring_contraction.hpp"
#include "saltus/dynamics/ring_estimators.hpp"

namespace saltus {

namespace {

/// The centroids. The forces, with the virial, are current.
class StrainedCentroids final : public Strained {
 public:
  StrainedCentroids(AtomRing& state, RingForces& forces) : state_(state), forces_(forces) {}
  double volume_ang3() const override { return state_.cell.volume_ang3(); }
  // Positions are strained and momenta are not: V^N belongs to the weight.
  double energy_ev() const override { return potential_energy_ev(with_contracted(state_).ring) - ideal_ev() * std::log(volume_ang3()); }
  Mat3 internal_ev() const override {
    const AtomRing whole = with_contracted(state_);
    const RingState& ring = whole.ring;
    const std::size_t n = ring.freedom();
    Mat3 tensor = *whole.virial_ev;
    for (std::size_t k = 1; k < ring.beads(); ++k)
      for (std::size_t i = 0; i < n; i += 3) {
        const double* q = ring.mode_position_ang.data() + k * n + i;
        const double* f = ring.mode_force_ev_ang.data() + k * n + i;
        for (int a = 0; a < 3; ++a)
          for (int b = 0; b < 3; ++b) tensor[a][b] -= q[a] * f[b] / static_cast<double>(ring.beads());
      }
    for (int a = 0; a < 3; ++a) tensor[a][a] += ideal_ev();
    return tensor;
  }
  void strain(const Mat3& stretch, const Mat3&) override {
    before_ = state_;
    state_.cell = Cell(state_.cell.rows_ang() * stretch, state_.cell.periodic());
    for (std::size_t i = 0; i < state_.ring.freedom(); i += 3) {
      double* centroid = state_.ring.mode_position_ang.data() + i;
      const Vec3 moved = Vec3{centroid[0], centroid[1], centroid[2]} * stretch;
      for (int axis = 0; axis < 3; ++axis) centroid[axis] = moved[axis];
    }
    state_.ring.forces_current = false;
    if (!state_.contracted.empty()) follow(state_);
    forces_.update(state_);
  }
  void undo() override { state_ = std::move(before_); }

 private:
  double ideal_ev() const { return static_cast<double>(state_.size()) * units::boltzmann_ev_per_kelvin * state_.ring.modes.temperature_kelvin; }

  AtomRing& state_;
  RingForces& forces_;
  AtomRing before_;
};

}  // namespace

bool strains_at(const Barostat& barostat, std::int64_t step) { return step % barostat.stride == 0; }

void strain_cell(const Barostat& barostat, AtomRing& state, double dt_fs, RingForces& forces) {
  forces.measure_doubt(false);
  forces.measure_virial(true);
  forces.update(state);
  const double before = potential_energy_ev(with_contracted(state).ring);
  StrainedCentroids centroids(state, forces);
  const CellRescaling rescaling{barostat, state.ring.modes.temperature_kelvin, false};
  const StrainOutcome outcome = try_strain(rescaling, dt_fs * static_cast<double>(barostat.stride), centroids, state.ring.random);
  ++state.cell_moves;
  state.cell_moves_accepted += outcome.accepted;
  state.ring.thermostat_ev += static_cast<double>(state.ring.beads()) * (potential_energy_ev(with_contracted(state).ring) - before);
}

}  // namespace saltus
