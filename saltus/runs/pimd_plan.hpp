// The plan of `saltus pimd`: one [pimd] table, and what it resolves to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "saltus/runs/fields.hpp"

namespace saltus::runs {

/// What does not go with the kind stays 0.
struct PimdPotential {
  std::string kind;
  double wavenumber_per_cm = 0;
  double barrier_kcal_mol = 0;
  double half_distance_ang = 0;
  double rocking_mass_amu = 0;
  double rocking_wavenumber_per_cm = 0;
  double coupling = 0;
};

struct PimdThermostat {
  std::string kind = "pile_l";
  double centroid_time_fs = 100;
  double lambda = 1;             ///< of trpmd 0.5 where the plan does not say
  double friction_per_fs = 0.01;
  std::string gle_file;          ///< from the folder of the plan
};

struct PimdPlan {
  std::string file;
  std::string title;
  PimdPotential potential;
  PimdThermostat thermostat;
  std::string element = "H";
  double mass_amu = 0;           ///< resolved: of the element where the plan does not give it
  std::int64_t copies = 64;
  std::int64_t beads = 32;
  double temperature_kelvin = 300;
  double timestep_fs = 0.25;
  std::int64_t steps = 0;
  std::int64_t equilibration_steps = 2000;
  std::string splitting = "baoab";
  std::int64_t sample_every = 4;
  std::int64_t blocks = 32;
  std::int64_t seed = 1;
};

std::span<const Field<PimdPotential>> pimd_potential_fields();
std::span<const Field<PimdThermostat>> pimd_thermostat_fields();
std::span<const Field<PimdPlan>> pimd_fields();

/// Mass of an isotope of hydrogen, H, D or T, or the standard mass of another element. Throws Error{usage}.
double nucleus_mass_amu(const std::string& element);

/// Throws Error{format} with file and line for what is wrong, Error{unsupported} for a potential that is no model system.
PimdPlan parse_pimd_plan(std::string_view toml, const std::filesystem::path& file);
PimdPlan read_pimd_plan(const std::filesystem::path& file);

/// All settings with their defaults, as a TOML file with remarks.
std::string pimd_settings_text();

}  // namespace saltus::runs
