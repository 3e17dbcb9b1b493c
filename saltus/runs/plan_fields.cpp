#include "saltus/runs/plan_fields.hpp"

#include <array>

#include "saltus/runs/choices.hpp"

namespace saltus::runs {

std::span<const Field<Plan>> plan_fields() {
  static const std::array table{
      Field<Plan>{.key = "title", .member = &Plan::title, .unit = "", .help = "heading of the report", .required = true},
      Field<Plan>{.key = "seed", .member = &Plan::seed, .unit = "", .help = "of every random choice of the plan", .minimum = 0},
  };
  return table;
}

std::span<const Field<DataSettings>> data_fields() {
  static const std::array table{
      Field<DataSettings>{.key = "name", .member = &DataSettings::name, .unit = "", .help = "how the plan calls this set", .required = true},
      Field<DataSettings>{.key = "file", .member = &DataSettings::file, .unit = "", .help = "extXYZ, relative to the plan", .required = true},
      Field<DataSettings>{.key = "energy_key", .member = &DataSettings::energy_key, .unit = "",
                          .help = "property that holds the energy; empty = by the reader's rule"},
      Field<DataSettings>{.key = "forces_key", .member = &DataSettings::forces_key, .unit = "",
                          .help = "property that holds the forces; empty = by the reader's rule"},
  };
  return table;
}

std::span<const Field<FitSettings>> fit_fields() {
  static const std::array table{
      Field<FitSettings>{.key = "cutoff_ang", .member = &FitSettings::cutoff_ang, .unit = "ang", .help = "range of the expansion",
                         .minimum = 1, .maximum = 15},
  };
  return table;
}

std::span<const Field<MdSettings>> md_fields() {
  using S = MdSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this simulation", .required = true},
      Field<S>{.key = "initial", .member = &S::initial, .unit = "", .help = "data set whose frame is the start (default: the first)"},
      Field<S>{.key = "frame", .member = &S::frame, .unit = "", .help = "which frame of it, from 0", .minimum = 0},
      Field<S>{.key = "supercell", .member = &S::supercell, .unit = "", .help = "repeats of the cell along a, b, c", .minimum = 1,
               .maximum = 64, .size = 3},
      Field<S>{.key = "vacancies", .member = &S::vacancies, .unit = "", .help = "atoms removed at random, after repeating", .minimum = 0},
      Field<S>{.key = "vacancy_element", .member = &S::vacancy_element, .unit = "", .help = "element they are taken from"},
      Field<S>{.key = "removed_atoms", .member = &S::removed_atoms, .unit = "", .help = "atoms removed by index, after repeating",
               .minimum = 0},
      Field<S>{.key = "temperature_kelvin", .member = &S::temperature_kelvin, .unit = "kelvin", .help = "of the thermostat", .required = true,
               .minimum = 1, .maximum = 20000},
      Field<S>{.key = "timestep_fs", .member = &S::timestep_fs, .unit = "fs", .help = "time step", .minimum = 0.01, .maximum = 10},
      Field<S>{.key = "equilibration_ps", .member = &S::equilibration_ps, .unit = "ps", .help = "simulated first, not used", .minimum = 0},
      Field<S>{.key = "production_ps", .member = &S::production_ps, .unit = "ps", .help = "simulated and used", .required = true,
               .minimum = 0.01},
      Field<S>{.key = "thermostat", .member = &S::thermostat, .unit = "", .help = "how the temperature is kept", .choices = thermostats()},
      Field<S>{.key = "thermostat_time_fs", .member = &S::thermostat_time_fs, .unit = "fs", .help = "relaxation time of the thermostat",
               .minimum = 1},
      Field<S>{.key = "frame_spacing_fs", .member = &S::frame_spacing_fs, .unit = "fs", .help = "between frames kept", .minimum = 0.01},
      Field<S>{.key = "log_spacing_fs", .member = &S::log_spacing_fs, .unit = "fs", .help = "between rows of the log", .minimum = 0.01},
      Field<S>{.key = "checkpoint_ps", .member = &S::checkpoint_ps, .unit = "ps", .help = "between checkpoints", .minimum = 0.001},
      Field<S>{.key = "skin_ang", .member = &S::skin_ang, .unit = "ang", .help = "of the neighbour list", .minimum = 0, .maximum = 5},
      Field<S>{.key = "max_extrapolation", .member = &S::max_extrapolation, .unit = "",
               .help = "the run stops where an atom is further than this from the training data (1 = its edge)", .minimum = 1},
      Field<S>{.key = "seed_offset", .member = &S::seed_offset, .unit = "", .help = "added to the plan's seed", .minimum = 0},
  };
  return table;
}

std::span<const Field<KineticsSettings>> kinetics_fields() {
  using S = KineticsSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this analysis", .required = true},
      Field<S>{.key = "md", .member = &S::md, .unit = "", .help = "simulation to analyse", .required = true},
      Field<S>{.key = "mobile", .member = &S::mobile, .unit = "", .help = "element that hops"},
      Field<S>{.key = "framework", .member = &S::framework, .unit = "", .help = "element that must not; its drift is removed"},
      Field<S>{.key = "core_radius_ang", .member = &S::core_radius_ang, .unit = "ang", .help = "of the cores of sites", .minimum = 0.05,
               .maximum = 5},
      Field<S>{.key = "lags_ps", .member = &S::lags_ps, .unit = "ps", .help = "lag times of the Markov models; empty = chosen by the length",
               .minimum = 1e-4},
      Field<S>{.key = "min_jumps", .member = &S::min_jumps, .unit = "", .help = "fewer completed jumps leave D undetermined", .minimum = 1},
      Field<S>{.key = "blocks", .member = &S::blocks, .unit = "", .help = "time blocks behind the intervals", .minimum = 4, .maximum = 1000},
  };
  return table;
}

}  // namespace saltus::runs
