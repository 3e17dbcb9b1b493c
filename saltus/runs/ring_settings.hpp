// Settings of path-integral dynamics of atoms, as options and plans name them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/runs/fields.hpp"
#include "saltus/runs/ring_dynamics.hpp"

namespace saltus::runs {

struct RingSettings {
  std::int64_t beads = 32;
  double temperature_kelvin = 0;
  std::vector<std::string> masses;
  std::string thermostat = "pile_l";
  double centroid_time_fs = 100;
  double lambda = 0;                 ///< 0: 1, of trpmd 0.5
  double cmd_wavenumber_per_cm = 0;
  double friction_per_fs = 0.01;
  std::string gle_file;
  std::string splitting = "baoab";
  std::string factorization = "primitive";
  double suzuki_chin_alpha = 0;
  std::string barostat = "none";
  double pressure_gpa = 0;
  double barostat_time_ps = 1;
  double compressibility_per_gpa = 0.1;
  double timestep_fs = 0.25;
  std::int64_t inner_steps = 1;
  std::int64_t contracted_beads = 0;
  std::int64_t equilibration_steps = 0;
  std::int64_t steps = 0;
  std::int64_t write_every = 10;
  std::int64_t beads_every = 0;
  bool write_velocities = false;
  bool write_forces = false;
  std::string trajectory_precision = "single";
  std::int64_t log_every = 10;
  bool tensors = false;
  std::vector<std::string> isotopes;
  std::vector<std::string> momentum;
  std::vector<double> momentum_displacements_ang;
  std::vector<std::string> restraints;
  double restraint_stiffness_ev_ang2 = 50;
  std::int64_t checkpoint_every = 2000;
  std::int64_t extrapolation_every = 20;
  double max_extrapolation = 0;      ///< 0: no limit
  double max_force_spread_ev_ang = 0;
  double temperature_limit_factor = 10;
  bool trust_stress = false;
  double skin_ang = 1;
};

std::span<const Field<RingSettings>> ring_fields();

/// Sets what a TOML text names and leaves the rest. Throws Error{format} with `source_name` and line.
void read_ring_settings(std::string_view toml, const std::string& source_name, RingSettings& settings);

/// Sets each KEY=VALUE, the last of equal keys counts. Throws Error{usage} for words that are none and values that cannot be.
void set_ring_settings(const std::vector<std::string>& words, RingSettings& settings);

/// All settings with their defaults, as a TOML file with remarks.
std::string ring_settings_text();

/// Throws Error{usage} without temperature or steps, for masses, isotopes and restraints that are none, and what read_ring_gle throws.
RingDynamicsSettings ring_dynamics_of(const RingSettings& settings, std::uint64_t seed);

}  // namespace saltus::runs
