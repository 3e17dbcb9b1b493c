// State: all that a restart needs. Kinetic energy, temperature, initial velocities.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/base/random.hpp"

namespace saltus {

struct State {
  std::shared_ptr<const Atoms> atoms;
  Cell cell;
  std::vector<Vec3> position_ang;      ///< [n] unwrapped: they accumulate over cell boundaries
  std::vector<Vec3> velocity_ang_fs;   ///< [n]
  std::vector<Vec3> force_ev_ang;      ///< [n] at position_ang when forces_current
  double energy_ev = 0;                ///< potential energy at position_ang when forces_current
  std::optional<Mat3> virial_ev;       ///< of the last evaluation, where it was measured
  bool forces_current = false;
  std::int64_t step = 0;               ///< negative during equilibration
  double time_fs = 0;
  Random random;
  double thermostat_ev = 0;            ///< energy the thermostats put in, enthalpy the barostat; total energy (+ pV) minus this is conserved
  std::int64_t cell_moves = 0, cell_moves_accepted = 0;  ///< of the barostat
  std::optional<double> max_extrapolation;  ///< largest since the last log row, if measured
  std::optional<double> max_force_spread_ev_ang;  ///< likewise
  bool begun = false;                  ///< the first frame and log row are out
  std::vector<Vec3> reference_ang;     ///< [n] positions of the last neighbour search; empty before the first
  Cell reference_cell;                 ///< of that search

  std::size_t size() const { return position_ang.size(); }
};

/// State at a frame: positions as given, velocities of the frame or zero.
/// Throws Error{usage} for a frame without atoms.
State state_of(const Frame& frame, const Random& random);

/// Frame with positions, velocities, forces and energy of the state.
Frame frame_of(const State& state);

double kinetic_energy_ev(const State& state);

/// 3n - 3 when the total momentum is conserved and zero (velocity Verlet, velocity rescaling), 3n under Langevin friction.
std::int64_t degrees_of_freedom(std::size_t atoms, bool momentum_conserved);

/// 2 K / (degrees of freedom · kB); 0 without degrees of freedom.
double temperature_kelvin(double kinetic_ev, std::int64_t degrees_of_freedom);

/// Subtracts the velocity of the centre of mass.
void remove_center_of_mass_velocity(State& state);

/// Maxwell-Boltzmann velocities from `random`; not rescaled, the centre of mass moves.
void draw_velocities(State& state, double temperature_kelvin, Random& random);

}  // namespace saltus
