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
  using S = DataSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this set", .required = true},
      Field<S>{.key = "file", .member = &S::file, .unit = "", .help = "of any format that 'saltus info' reads, relative to the plan",
               .required = true},
      Field<S>{.key = "energy_key", .member = &S::energy_key, .unit = "", .help = "property that holds the energy; empty = by the reader's rule"},
      Field<S>{.key = "forces_key", .member = &S::forces_key, .unit = "", .help = "property that holds the forces; empty = by the reader's rule"},
      Field<S>{.key = "topology", .member = &S::topology, .unit = "",
               .help = "file that names the atoms where the data do not, relative to the plan"},
      Field<S>{.key = "elements", .member = &S::elements, .unit = "", .help = "of the atom types 1, 2, … of the file, e.g. [\"Li\", \"Si\"]"},
      Field<S>{.key = "lammps_units", .member = &S::lammps_units, .unit = "",
               .help = "units of a LAMMPS dump that does not name them; empty = metal"},
      Field<S>{.key = "md_step_fs", .member = &S::md_step_fs, .unit = "fs", .help = "one MD step, where the file counts steps only; 0 = not known",
               .minimum = 0},
  };
  return table;
}

std::span<const Field<FitSettings>> fit_fields() {
  using S = FitSettings;
  static const std::array table{
      Field<S>{.key = "potential", .member = &S::potential, .unit = "", .help = "kind of potential", .choices = potentials()},
      Field<S>{.key = "cutoff_ang", .member = &S::cutoff_ang, .unit = "ang", .help = "range of the expansion", .minimum = 1, .maximum = 15, .one_or_more = true},
      Field<S>{.key = "body_order", .member = &S::body_order, .unit = "", .help = "atoms in one function, at most", .minimum = 2, .maximum = 4, .one_or_more = true},
      Field<S>{.key = "radial_two_body", .member = &S::radial_two_body, .unit = "", .help = "radial functions of the two-body part",
               .minimum = 1, .maximum = 64, .one_or_more = true},
      Field<S>{.key = "degree_three_body", .member = &S::degree_three_body, .unit = "", .help = "bound on the sum of n and l of a function",
               .minimum = 0, .maximum = 40, .one_or_more = true},
      Field<S>{.key = "l_max_three_body", .member = &S::l_max_three_body, .unit = "", .help = "largest angular momentum", .minimum = 0,
               .maximum = 12, .one_or_more = true},
      Field<S>{.key = "degree_four_body", .member = &S::degree_four_body, .unit = "", .help = "bound on the sum of n and l of a function",
               .minimum = 0, .maximum = 40, .one_or_more = true},
      Field<S>{.key = "l_max_four_body", .member = &S::l_max_four_body, .unit = "", .help = "largest angular momentum", .minimum = 0,
               .maximum = 12, .one_or_more = true},
      Field<S>{.key = "energy_weight", .member = &S::energy_weight, .unit = "",
               .help = "of an energy error in eV/atom beside a force error in eV/ang", .minimum = 0},
      Field<S>{.key = "test_fraction", .member = &S::test_fraction, .unit = "", .help = "last part of each set, held out", .minimum = 0.01,
               .maximum = 0.9},
      Field<S>{.key = "valid_fraction", .member = &S::valid_fraction, .unit = "", .help = "of each set, for the choice of ridge and settings",
               .minimum = 0.01, .maximum = 0.9},
      Field<S>{.key = "valid_blocks", .member = &S::valid_blocks, .unit = "", .help = "blocks of time the validation part consists of",
               .minimum = 1, .maximum = 100},
      Field<S>{.key = "gap_fs", .member = &S::gap_fs, .unit = "fs", .help = "left out between the parts", .minimum = 0},
      Field<S>{.key = "roughness_power", .member = &S::roughness_power, .unit = "", .help = "how the ridge grows with the roughness of a function",
               .minimum = 0, .maximum = 8, .one_or_more = true},
      Field<S>{.key = "ridge_tolerance", .member = &S::ridge_tolerance, .unit = "",
               .help = "the strongest ridge that loses no more than this of the validation loss", .minimum = 0, .maximum = 1},
      Field<S>{.key = "reference_ridge", .member = &S::reference_ridge, .unit = "", .help = "ridge of the reference energies", .minimum = 1e-12,
               .maximum = 1},
      Field<S>{.key = "repulsion_reach", .member = &S::repulsion_reach, .unit = "",
               .help = "end of the short-range repulsion over the sum of the covalent radii", .minimum = 0.5, .maximum = 4, .one_or_more = true},
      Field<S>{.key = "pairs_where_data_begin", .member = &S::pairs_where_data_begin, .unit = "",
               .help = "closer than the distance with so many closer pairs per frame, only the repulsion acts", .minimum = 0, .maximum = 100, .one_or_more = true},
  };
  return table;
}

std::span<const Field<ModelSettings>> model_fields() {
  using S = ModelSettings;
  static const std::array table{
      Field<S>{.key = "file", .member = &S::file, .unit = "", .help = "model file in place of a fit, relative to the plan; a published one too", .required = true},
      Field<S>{.key = "arithmetic", .member = &S::arithmetic, .unit = "", .help = "of a network", .choices = arithmetics()},
      Field<S>{.key = "head", .member = &S::head, .unit = "", .help = "of a network with several heads or modalities"},
  };
  return table;
}

std::span<const Field<DistillSettings>> distill_fields() {
  using S = DistillSettings;
  static const std::array table{
      Field<S>{.key = "initial", .member = &S::initial, .unit = "", .help = "data set that holds the first configuration (default: the first)"},
      Field<S>{.key = "frame", .member = &S::frame, .unit = "", .help = "which frame of it, counted from 0", .minimum = 0},
      Field<S>{.key = "supercell", .member = &S::supercell, .unit = "", .help = "repeats of the cell along a, b, c", .minimum = 1,
               .maximum = 64, .size = 3},
      Field<S>{.key = "removed_atoms", .member = &S::removed_atoms, .unit = "", .help = "atoms taken out, by index from 0 after repeating",
               .minimum = 0},
      Field<S>{.key = "vacancies", .member = &S::vacancies, .unit = "", .help = "atoms taken out at random, after those", .minimum = 0},
      Field<S>{.key = "vacancy_element", .member = &S::vacancy_element, .unit = "", .help = "element of these"},
      Field<S>{.key = "temperatures_kelvin", .member = &S::temperatures_kelvin, .unit = "kelvin", .help = "a simulation under the model each",
               .minimum = 1, .maximum = 20000},
      Field<S>{.key = "timestep_fs", .member = &S::timestep_fs, .unit = "fs", .help = "time step", .minimum = 0.01, .maximum = 10},
      Field<S>{.key = "equilibration_ps", .member = &S::equilibration_ps, .unit = "ps", .help = "simulated first, not used", .minimum = 0},
      Field<S>{.key = "sampling_ps", .member = &S::sampling_ps, .unit = "ps", .help = "simulated and used, at each temperature", .minimum = 0.01},
      Field<S>{.key = "frames", .member = &S::frames, .unit = "", .help = "kept of each simulation", .minimum = 2, .maximum = 100000},
      Field<S>{.key = "rattled_frames", .member = &S::rattled_frames, .unit = "", .help = "frames with displaced atoms in strained cells",
               .minimum = 0, .maximum = 100000},
      Field<S>{.key = "rattle_ang", .member = &S::rattle_ang, .unit = "ang", .help = "largest standard deviation of the displacements", .minimum = 0,
               .maximum = 2},
      Field<S>{.key = "strain", .member = &S::strain, .unit = "", .help = "largest component of the strain", .minimum = 0, .maximum = 0.5},
      Field<S>{.key = "largest_force_ev_ang", .member = &S::largest_force_ev_ang, .unit = "ev_ang",
               .help = "rattled frames with a larger one are left out", .minimum = 0.1},
      Field<S>{.key = "seed_offset", .member = &S::seed_offset, .unit = "", .help = "added to the plan's seed", .minimum = 0},
  };
  return table;
}

std::span<const Field<RefineSettings>> refine_fields() {
  using S = RefineSettings;
  static const std::array table{
      Field<S>{.key = "initial", .member = &S::initial, .unit = "", .help = "data set that holds the first configuration (default: the first)"},
      Field<S>{.key = "frame", .member = &S::frame, .unit = "", .help = "which frame of it, counted from 0", .minimum = 0},
      Field<S>{.key = "supercell", .member = &S::supercell, .unit = "", .help = "repeats of the cell along a, b, c", .minimum = 1, .maximum = 64, .size = 3},
      Field<S>{.key = "removed_atoms", .member = &S::removed_atoms, .unit = "", .help = "atoms taken out, by index from 0 after repeating", .minimum = 0},
      Field<S>{.key = "vacancies", .member = &S::vacancies, .unit = "", .help = "atoms taken out at random, after those", .minimum = 0},
      Field<S>{.key = "vacancy_element", .member = &S::vacancy_element, .unit = "", .help = "element of these"},
      Field<S>{.key = "temperatures_kelvin", .member = &S::temperatures_kelvin, .unit = "kelvin", .help = "a simulation each, every round", .minimum = 1, .maximum = 20000},
      Field<S>{.key = "timestep_fs", .member = &S::timestep_fs, .unit = "fs", .help = "time step", .minimum = 0.01, .maximum = 10},
      Field<S>{.key = "sampling_ps", .member = &S::sampling_ps, .unit = "ps", .help = "simulated and used", .minimum = 0.01},
      Field<S>{.key = "frame_spacing_fs", .member = &S::frame_spacing_fs, .unit = "fs", .help = "between frames looked at", .minimum = 0.01},
      Field<S>{.key = "stop_extrapolation", .member = &S::stop_extrapolation, .unit = "", .help = "a simulation ends with an atom beyond (1 = edge of the training data)", .minimum = 0.1},
      Field<S>{.key = "select_extrapolation", .member = &S::select_extrapolation, .unit = "", .help = "frames with an atom beyond are candidates", .minimum = 0},
      Field<S>{.key = "committee", .member = &S::committee, .unit = "", .help = "members ([finetune]), trained from other seeds without other fifths of the data", .minimum = 2, .maximum = 16},
      Field<S>{.key = "stop_spread_ev_ang", .member = &S::stop_spread_ev_ang, .unit = "ev_ang", .help = "a simulation ends with an atom beyond: spread of its force, scaled to the error of unseen frames", .minimum = 1e-6},
      Field<S>{.key = "select_spread_ev_ang", .member = &S::select_spread_ev_ang, .unit = "ev_ang", .help = "frames with an atom beyond are candidates", .minimum = 0},
      Field<S>{.key = "difference_ang", .member = &S::difference_ang, .unit = "ang", .help = "RMS displacement between any two frames that are labelled, at least", .minimum = 0, .maximum = 10},
      Field<S>{.key = "frames_per_round", .member = &S::frames_per_round, .unit = "", .help = "labelled, at most", .minimum = 1, .maximum = 100000},
      Field<S>{.key = "held_out_every", .member = &S::held_out_every, .unit = "", .help = "one label in so many is never trained on", .minimum = 2, .maximum = 100},
      Field<S>{.key = "max_rounds", .member = &S::max_rounds, .unit = "", .help = "budget", .minimum = 1, .maximum = 1000},
      Field<S>{.key = "max_labels", .member = &S::max_labels, .unit = "", .help = "budget", .minimum = 1, .maximum = 1e6},
      Field<S>{.key = "force_limit_ev_ang", .member = &S::force_limit_ev_ang, .unit = "ev_ang", .help = "error on what is held out, and", .minimum = 1e-6},
      Field<S>{.key = "extrapolation_limit", .member = &S::extrapolation_limit, .unit = "", .help = "largest of the simulations: both kept, it is done", .minimum = 0},
      Field<S>{.key = "spread_limit_ev_ang", .member = &S::spread_limit_ev_ang, .unit = "ev_ang", .help = "largest of the simulations: both kept, it is done", .minimum = 0},
      Field<S>{.key = "jobs", .member = &S::jobs, .unit = "", .help = "CP2K calculations at once", .minimum = 1, .maximum = 100000},
      Field<S>{.key = "seed_offset", .member = &S::seed_offset, .unit = "", .help = "added to the plan's seed", .minimum = 0},
  };
  return table;
}

std::span<const Field<MdSettings>> md_fields() {
  using S = MdSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this simulation", .required = true},
      Field<S>{.key = "model", .member = &S::model, .unit = "", .help = "model file, e.g. a published SevenNet or MACE, builtin:NAME, socket:unix:NAME or socket:HOST:PORT; empty = the potential of the plan"},
      Field<S>{.key = "arithmetic", .member = &S::arithmetic, .unit = "", .help = "of a network", .choices = arithmetics()},
      Field<S>{.key = "head", .member = &S::head, .unit = "", .help = "of a network with several heads or modalities"},
      Field<S>{.key = "initial", .member = &S::initial, .unit = "", .help = "data set that holds the first configuration (default: the first)"},
      Field<S>{.key = "frame", .member = &S::frame, .unit = "", .help = "which frame of it, counted from 0", .minimum = 0},
      Field<S>{.key = "supercell", .member = &S::supercell, .unit = "", .help = "repeats of the cell along a, b, c", .minimum = 1,
               .maximum = 64, .size = 3},
      Field<S>{.key = "removed_atoms", .member = &S::removed_atoms, .unit = "", .help = "atoms taken out, by index from 0 after repeating",
               .minimum = 0},
      Field<S>{.key = "vacancies", .member = &S::vacancies, .unit = "", .help = "atoms taken out at random, after those", .minimum = 0},
      Field<S>{.key = "vacancy_element", .member = &S::vacancy_element, .unit = "", .help = "element of these"},
      Field<S>{.key = "temperature_kelvin", .member = &S::temperature_kelvin, .unit = "kelvin", .help = "of velocities and thermostat",
               .required = true, .minimum = 1, .maximum = 20000},
      Field<S>{.key = "timestep_fs", .member = &S::timestep_fs, .unit = "fs", .help = "time step", .minimum = 0.01, .maximum = 10},
      Field<S>{.key = "equilibration_ps", .member = &S::equilibration_ps, .unit = "ps",
               .help = "simulated first under Langevin friction, not used", .minimum = 0},
      Field<S>{.key = "production_ps", .member = &S::production_ps, .unit = "ps", .help = "simulated and used", .required = true,
               .minimum = 0.01},
      Field<S>{.key = "thermostat", .member = &S::thermostat, .unit = "", .help = "of the production", .choices = thermostats()},
      Field<S>{.key = "thermostat_time_fs", .member = &S::thermostat_time_fs, .unit = "fs", .help = "its relaxation time", .minimum = 1},
      Field<S>{.key = "barostat", .member = &S::barostat, .unit = "", .help = "what of the cell may change, equilibration included", .choices = barostats()},
      Field<S>{.key = "pressure_gpa", .member = &S::pressure_gpa, .unit = "gpa", .help = "of the barostat"},
      Field<S>{.key = "barostat_time_ps", .member = &S::barostat_time_ps, .unit = "ps", .help = "its relaxation time", .minimum = 0.001},
      Field<S>{.key = "compressibility_per_gpa", .member = &S::compressibility_per_gpa, .unit = "per_gpa",
               .help = "estimate of it, for the relaxation time to be true; the averages do not depend on it", .minimum = 1e-6},
      Field<S>{.key = "trust_stress", .member = &S::trust_stress, .unit = "", .help = "the model was trained on stress, although its file does not say so"},
      Field<S>{.key = "frame_spacing_fs", .member = &S::frame_spacing_fs, .unit = "fs", .help = "between frames kept", .minimum = 0.01},
      Field<S>{.key = "trajectory_precision", .member = &S::trajectory_precision, .unit = "", .help = "of the numbers in them",
               .choices = precisions()},
      Field<S>{.key = "log_spacing_fs", .member = &S::log_spacing_fs, .unit = "fs", .help = "between rows of the log", .minimum = 0.01},
      Field<S>{.key = "checkpoint_ps", .member = &S::checkpoint_ps, .unit = "ps", .help = "between checkpoints", .minimum = 0.001},
      Field<S>{.key = "skin_ang", .member = &S::skin_ang, .unit = "ang", .help = "of the neighbour list", .minimum = 0, .maximum = 5},
      Field<S>{.key = "max_extrapolation", .member = &S::max_extrapolation, .unit = "",
               .help = "the run stops with an atom beyond (1 = edge of the training data; 0 = never, the default with a model)", .minimum = 0},
      Field<S>{.key = "max_force_spread_ev_ang", .member = &S::max_force_spread_ev_ang, .unit = "ev_ang",
               .help = "of a committee: the run stops with an atom beyond; 0 = no limit", .minimum = 0},
      Field<S>{.key = "seed_offset", .member = &S::seed_offset, .unit = "", .help = "added to the plan's seed", .minimum = 0},
  };
  return table;
}

std::span<const Field<PimdSettings>> pimd_run_fields() {
  using S = PimdSettings;
  static const std::vector<Field<S>> table = [] {
    std::vector<Field<S>> rows{
        Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this simulation", .required = true},
        Field<S>{.key = "model", .member = &S::model, .unit = "", .help = "as of [[md]]; empty = the potential of the plan"},
        Field<S>{.key = "reference_model", .member = &S::reference_model, .unit = "", .help = "a cheap model on all beads and short steps, beside which the model is needed on contracted_beads and long ones; empty = none"},
        Field<S>{.key = "arithmetic", .member = &S::arithmetic, .unit = "", .help = "of a network", .choices = arithmetics()},
        Field<S>{.key = "head", .member = &S::head, .unit = "", .help = "of a network with several heads or modalities"},
        Field<S>{.key = "initial", .member = &S::initial, .unit = "", .help = "data set that holds the first configuration (default: the first)"},
        Field<S>{.key = "frame", .member = &S::frame, .unit = "", .help = "which frame of it, counted from 0", .minimum = 0},
        Field<S>{.key = "supercell", .member = &S::supercell, .unit = "", .help = "repeats of the cell along a, b, c", .minimum = 1, .maximum = 64, .size = 3},
        Field<S>{.key = "removed_atoms", .member = &S::removed_atoms, .unit = "", .help = "atoms taken out, by index from 0 after repeating", .minimum = 0},
        Field<S>{.key = "vacancies", .member = &S::vacancies, .unit = "", .help = "atoms taken out at random, after those", .minimum = 0},
        Field<S>{.key = "vacancy_element", .member = &S::vacancy_element, .unit = "", .help = "element of these"},
    };
    for (const Field<RingSettings>& field : ring_fields()) {
      Field<S> row{.key = field.key, .member = &S::name, .unit = field.unit, .help = field.help, .minimum = field.minimum, .maximum = field.maximum, .size = field.size,
                   .choices = field.choices, .one_or_more = field.one_or_more};
      std::visit([&](auto member) { row.member = static_cast<std::remove_reference_t<decltype(std::declval<S>().*member)> S::*>(member); }, field.member);
      rows.push_back(row);
    }
    rows.push_back({.key = "seed_offset", .member = &S::seed_offset, .unit = "", .help = "added to the plan's seed", .minimum = 0});
    return rows;
  }();
  return table;
}

std::span<const Field<ProtonSettings>> proton_fields() {
  using S = ProtonSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this analysis", .required = true},
      Field<S>{.key = "pimd", .member = &S::pimd, .unit = "", .help = "path-integral runs of the plan, compared: of one bead the frames, else all beads and the centroids"},
      Field<S>{.key = "trajectories", .member = &S::trajectories, .unit = "", .help = "files beside them"},
      Field<S>{.key = "temperature_kelvin", .member = &S::temperature_kelvin, .unit = "kelvin", .help = "of the files; runs know theirs", .minimum = 0},
      Field<S>{.key = "largest_distance_ang", .member = &S::largest_distance_ang, .unit = "ang", .help = "largest mean distance of donor and acceptor", .minimum = 0.1},
      Field<S>{.key = "elements", .member = &S::elements, .unit = "", .help = "of donors and acceptors"},
      Field<S>{.key = "symmetric", .member = &S::symmetric, .unit = "", .help = "donor and acceptor are equivalent: nu and −nu count as one"},
      Field<S>{.key = "bin_ang", .member = &S::bin_ang, .unit = "ang", .help = "width of a bin of nu", .minimum = 1e-3, .maximum = 1},
      Field<S>{.key = "group", .member = &S::group, .unit = "", .help = "element of the centres of groups whose rocking is followed; empty = none"},
      Field<S>{.key = "blocks", .member = &S::blocks, .unit = "", .help = "of time, behind the intervals", .minimum = 4, .maximum = 1000},
  };
  return table;
}

std::span<const Field<CentresSettings>> wannier_fields() {
  using S = CentresSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this analysis", .required = true},
      Field<S>{.key = "centres", .member = &S::centres, .unit = "", .help = "file of Wannier centres of CP2K (IONS+CENTERS)", .required = true},
      Field<S>{.key = "spreads", .member = &S::spreads, .unit = "", .help = "file of their spreads; empty = none"},
      Field<S>{.key = "trajectory", .member = &S::trajectory, .unit = "", .help = "trajectory of the same run: cell, times, beads", .required = true},
      Field<S>{.key = "charge", .member = &S::charge, .unit = "", .help = "of the cell, e", .minimum = -100, .maximum = 100},
      Field<S>{.key = "largest_distance_ang", .member = &S::largest_distance_ang, .unit = "ang", .help = "largest mean distance of donor and acceptor", .minimum = 0.1},
  };
  return table;
}

std::span<const Field<KineticsSettings>> kinetics_fields() {
  using S = KineticsSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this analysis", .required = true},
      Field<S>{.key = "md", .member = &S::md, .unit = "", .help = "simulation to analyse"},
      Field<S>{.key = "trajectory", .member = &S::trajectory, .unit = "", .help = "file to analyse instead: a simulation made elsewhere"},
      Field<S>{.key = "topology", .member = &S::topology, .unit = "", .help = "file that names its atoms, where it does not itself"},
      Field<S>{.key = "time_step_fs", .member = &S::time_step_fs, .unit = "fs", .help = "between its frames; 0 = as the file says", .minimum = 0},
      Field<S>{.key = "temperature_kelvin", .member = &S::temperature_kelvin, .unit = "kelvin", .help = "of that simulation; 0 = not known",
               .minimum = 0, .maximum = 20000},
      Field<S>{.key = "mobile", .member = &S::mobile, .unit = "", .help = "element that hops"},
      Field<S>{.key = "framework", .member = &S::framework, .unit = "", .help = "element that must stay crystalline; its drift is removed"},
      Field<S>{.key = "fold", .member = &S::fold, .unit = "", .help = "cells of sites along a, b, c (default: the supercell of the simulation)",
               .minimum = 1, .maximum = 64, .size = 3},
      Field<S>{.key = "symmetry", .member = &S::symmetry, .unit = "", .help = "impose the space group of the mean framework on the sites"},
      Field<S>{.key = "symmetry_tolerance_ang", .member = &S::symmetry_tolerance_ang, .unit = "ang", .help = "within which it is found",
               .minimum = 1e-4, .maximum = 5},
      Field<S>{.key = "core_radius_ang", .member = &S::core_radius_ang, .unit = "ang",
               .help = "of every site; 0 = 0.4 of the distance to the nearest other", .minimum = 0, .maximum = 5},
      Field<S>{.key = "lags_ps", .member = &S::lags_ps, .unit = "ps", .help = "of the Markov models; empty = spaced evenly on a log scale",
               .minimum = 1e-4},
      Field<S>{.key = "msd_fit_ps", .member = &S::msd_fit_ps, .unit = "ps", .help = "first and last lag of the fit; empty = chosen by plateau",
               .minimum = 0},
      Field<S>{.key = "blocks", .member = &S::blocks, .unit = "", .help = "time blocks behind the intervals", .minimum = 4, .maximum = 1000},
      Field<S>{.key = "min_jumps", .member = &S::min_jumps, .unit = "", .help = "fewer completed jumps leave D undetermined", .minimum = 1},
  };
  return table;
}

std::span<const Field<FirstPassageSettings>> passage_fields() {
  using S = FirstPassageSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this analysis", .required = true},
      Field<S>{.key = "md", .member = &S::md, .unit = "", .help = "simulation to analyse"},
      Field<S>{.key = "trajectory", .member = &S::trajectory, .unit = "", .help = "file to analyse instead: a simulation made elsewhere"},
      Field<S>{.key = "topology", .member = &S::topology, .unit = "", .help = "file that names its atoms, where it does not itself"},
      Field<S>{.key = "time_step_fs", .member = &S::time_step_fs, .unit = "fs", .help = "between its frames; 0 = as the file says", .minimum = 0},
      Field<S>{.key = "coordinates", .member = &S::coordinates, .unit = "", .help = "or an array [frames, particles] of a coordinate, in ang (.npy)"},
      Field<S>{.key = "frame_interval_fs", .member = &S::frame_interval_fs, .unit = "fs", .help = "between frames of the array", .minimum = 0},
      Field<S>{.key = "period_ang", .member = &S::period_ang, .unit = "ang", .help = "of the array's coordinate; 0 = none", .minimum = 0},
      Field<S>{.key = "molecules", .member = &S::molecules, .unit = "", .help = "selection: the centre of these atoms of each molecule is followed"},
      Field<S>{.key = "surface", .member = &S::surface, .unit = "", .help = "selection that distances are taken from; empty = the coordinate along the normal itself"},
      Field<S>{.key = "normal", .member = &S::normal, .unit = "", .help = "of the surface: a, b, c, x, y, z or three numbers"},
      Field<S>{.key = "distance", .member = &S::distance, .unit = "", .help = "from what of the surface", .choices = surface_shapes()},
      Field<S>{.key = "side", .member = &S::side, .unit = "", .help = "of an interface", .choices = interface_sides()},
      Field<S>{.key = "interface_width_ang", .member = &S::interface_width_ang, .unit = "ang", .help = "smearing of its atoms", .minimum = 0.1, .maximum = 100},
      Field<S>{.key = "whole", .member = &S::whole, .unit = "", .help = "what makes atoms a molecule", .choices = molecule_rules()},
      Field<S>{.key = "every", .member = &S::every, .unit = "", .help = "one frame in so many", .minimum = 1},
      Field<S>{.key = "skip_ps", .member = &S::skip_ps, .unit = "ps", .help = "of the beginning left out", .minimum = 0},
      Field<S>{.key = "walls_ang", .member = &S::walls_ang, .unit = "ang", .help = "[low] or [low, high]: walls that reflect; empty = none"},
      Field<S>{.key = "half_widths_ang", .member = &S::half_widths_ang, .unit = "ang", .help = "of windows, D(z) of the first; empty = 1, 1.5, 2 and 3, as far as they fit", .minimum = 1e-3},
      Field<S>{.key = "start_half_width_ang", .member = &S::start_half_width_ang, .unit = "ang", .help = "starts are within ± this of the middle", .minimum = 1e-3},
      Field<S>{.key = "spacing_ang", .member = &S::spacing_ang, .unit = "ang", .help = "of windows; less where fewer than 20 would fit", .minimum = 1e-3},
      Field<S>{.key = "range_ang", .member = &S::range_ang, .unit = "ang", .help = "[low, high] of the windows; empty = the period, between the walls, or where molecules are"},
      Field<S>{.key = "centres_ang", .member = &S::centres_ang, .unit = "ang", .help = "of windows; empty = as the spacing says"},
      Field<S>{.key = "bin_ang", .member = &S::bin_ang, .unit = "ang", .help = "of the density behind F", .minimum = 1e-3},
      Field<S>{.key = "knot_spacing_ang", .member = &S::knot_spacing_ang, .unit = "ang", .help = "of ln D", .minimum = 1e-2},
      Field<S>{.key = "penalty_sigma", .member = &S::penalty_sigma, .unit = "", .help = "of a second difference of ln D; 0 = from the data", .minimum = 0},
      Field<S>{.key = "time_blocks", .member = &S::time_blocks, .unit = "", .help = "intervals from so many blocks of time; 0 = from molecules, or 20 blocks where there are fewer", .minimum = 0, .maximum = 1000},
      Field<S>{.key = "bootstrap", .member = &S::bootstrap, .unit = "", .help = "draws behind the intervals", .minimum = 20, .maximum = 10000},
      Field<S>{.key = "seed_offset", .member = &S::seed_offset, .unit = "", .help = "added to the plan's seed", .minimum = 0},
  };
  return table;
}

std::span<const Field<ArrheniusSettings>> arrhenius_fields() {
  using S = ArrheniusSettings;
  static const std::array table{
      Field<S>{.key = "name", .member = &S::name, .unit = "", .help = "how the plan calls this fit", .required = true},
      Field<S>{.key = "kinetics", .member = &S::kinetics, .unit = "", .help = "analyses at two temperatures or more", .required = true},
      Field<S>{.key = "at_kelvin", .member = &S::at_kelvin, .unit = "kelvin", .help = "temperatures to give D at, by the line", .minimum = 1, .maximum = 20000},
  };
  return table;
}

}  // namespace saltus::runs
