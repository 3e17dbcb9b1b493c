// The plan file: a whole study as one TOML file, parsed once into these structs. Below this nobody sees TOML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/runs/distillation.hpp"
#include "saltus/runs/fields.hpp"
#include "saltus/runs/refinement.hpp"
#include "saltus/runs/ring_settings.hpp"
#include "saltus/training/ace_fit.hpp"
#include "saltus/training/finetune_settings.hpp"

namespace saltus::runs {

struct DataSettings {
  std::string name;
  std::string file;
  std::string energy_key;
  std::string forces_key;
  std::string topology;
  std::vector<std::string> elements;
  std::string lammps_units;
  double md_step_fs = 0;
};

/// Settings with several values are tried in all combinations; the validation blocks choose.
struct FitSettings {
  std::string potential = "ace";
  std::vector<double> cutoff_ang{AceBasisSettings{}.cutoff_ang};
  std::vector<std::int64_t> body_order{AceBasisSettings{}.body_order};
  std::vector<std::int64_t> radial_two_body{AceBasisSettings{}.radial_two_body};
  std::vector<std::int64_t> degree_three_body{AceBasisSettings{}.degree_three_body};
  std::vector<std::int64_t> l_max_three_body{AceBasisSettings{}.l_max_three_body};
  std::vector<std::int64_t> degree_four_body{AceBasisSettings{}.degree_four_body};
  std::vector<std::int64_t> l_max_four_body{AceBasisSettings{}.l_max_four_body};
  double energy_weight = AceFitSettings{}.energy_weight;
  double test_fraction = AceFitSettings{}.test_fraction;
  double valid_fraction = AceFitSettings{}.valid_fraction;
  std::int64_t valid_blocks = AceFitSettings{}.valid_blocks;
  double gap_fs = AceFitSettings{}.gap_fs;
  std::vector<double> roughness_power{AceFitSettings{}.roughness_power};
  double ridge_tolerance = AceFitSettings{}.ridge_tolerance;
  double reference_ridge = AceFitSettings{}.reference_ridge;
  std::vector<double> repulsion_reach{AceFitSettings{}.repulsion_reach};
  std::vector<double> pairs_where_data_begin{AceFitSettings{}.pairs_where_data_begin};
};

/// A model file that is there, in place of a fit.
struct ModelSettings {
  std::string file;
  std::string arithmetic = "file";
  std::string head;
};

/// A fast expansion, with the settings of the fit, from what the model says of frames that it samples.
struct DistillSettings {
  std::string initial;
  std::int64_t frame = 0;
  std::vector<std::int64_t> supercell{1, 1, 1};
  std::vector<std::int64_t> removed_atoms;
  std::int64_t vacancies = 0;
  std::string vacancy_element = "Li";
  std::vector<double> temperatures_kelvin = SamplingSettings{}.temperature_kelvin;
  double timestep_fs = SamplingSettings{}.timestep_fs;
  double equilibration_ps = SamplingSettings{}.equilibration_ps;
  double sampling_ps = SamplingSettings{}.sampling_ps;
  std::int64_t frames = SamplingSettings{}.frames;
  std::int64_t rattled_frames = SamplingSettings{}.rattled_frames;
  double rattle_ang = SamplingSettings{}.rattle_ang;
  double strain = SamplingSettings{}.strain;
  double largest_force_ev_ang = SamplingSettings{}.largest_force_ev_ang;
  std::int64_t seed_offset = 0;
};

/// The fit, or the fine-tuned model as a committee, taken further: simulations, labels by CP2K where it is in doubt, trained again.
struct RefineSettings : RefinementSettings {
  std::string initial;
  std::int64_t frame = 0;
  std::vector<std::int64_t> supercell{1, 1, 1};
  std::vector<std::int64_t> removed_atoms;
  std::int64_t vacancies = 0;
  std::string vacancy_element = "Li";
  std::int64_t seed_offset = 0;
};

struct MdSettings {
  std::string name;
  std::string model;       ///< empty: the fit of the plan
  std::string arithmetic = "file";
  std::string head;
  std::string initial;
  std::int64_t frame = 0;
  std::vector<std::int64_t> supercell{1, 1, 1};
  std::vector<std::int64_t> removed_atoms;
  std::int64_t vacancies = 0;
  std::string vacancy_element = "Li";
  double temperature_kelvin = 0;
  double timestep_fs = 2;
  double equilibration_ps = 5;
  double production_ps = 0;
  std::string thermostat = "csvr";
  double thermostat_time_fs = 200;
  std::string barostat = "none";
  double pressure_gpa = 0;
  double barostat_time_ps = 1;
  double compressibility_per_gpa = 0.1;
  bool trust_stress = false;
  double frame_spacing_fs = 20;
  std::string trajectory_precision = "single";
  double log_spacing_fs = 100;
  double checkpoint_ps = 10;
  double skin_ang = 1;
  double max_extrapolation = 20;  ///< 0: no limit
  double max_force_spread_ev_ang = 0;
  std::int64_t seed_offset = 0;
};

struct PimdSettings : RingSettings {
  std::string name;
  std::string model;       ///< empty: the potential of the plan
  std::string reference_model;  ///< empty: none
  std::string arithmetic = "file";
  std::string head;
  std::string initial;
  std::int64_t frame = 0;
  std::vector<std::int64_t> supercell{1, 1, 1};
  std::vector<std::int64_t> removed_atoms;
  std::int64_t vacancies = 0;
  std::string vacancy_element = "Li";
  std::int64_t seed_offset = 0;
};

/// Shared protons of path-integral runs of the plan, and of trajectories from elsewhere, side by side.
struct ProtonSettings {
  std::string name;
  std::vector<std::string> pimd;
  std::vector<std::string> trajectories;
  double temperature_kelvin = 0;   ///< of the trajectories; simulations know theirs
  double largest_distance_ang = 2.5;
  std::vector<std::string> elements{"O", "N"};
  bool symmetric = false;
  double bin_ang = 0.025;
  std::string group;
  std::int64_t blocks = 10;
};

/// Wannier centres of AIMD.
struct CentresSettings {
  std::string name;
  std::string centres;
  std::string spreads;
  std::string trajectory;
  std::int64_t charge = 0;
  double largest_distance_ang = 2.5;
};

/// Of a simulation of the plan, or of a trajectory from elsewhere: one of `md` and `trajectory` is set.
struct KineticsSettings {
  std::string name;
  std::string md;
  std::string trajectory;
  std::string topology;
  double time_step_fs = 0;
  double temperature_kelvin = 0;
  std::string mobile = "Li";
  std::string framework = "Si";
  std::vector<std::int64_t> fold;
  bool symmetry = false;
  double symmetry_tolerance_ang = 0.3;
  double core_radius_ang = 0;
  std::vector<double> lags_ps;
  std::vector<double> msd_fit_ps;
  std::int64_t blocks = 10;
  std::int64_t min_jumps = 100;
};

/// First passages and D(z) of a simulation of the plan, of a trajectory or of an array: one of `md`, `trajectory` and `coordinates` is set.
struct FirstPassageSettings {
  std::string name;
  std::string md;
  std::string trajectory;
  std::string topology;
  double time_step_fs = 0;
  std::string coordinates;
  double frame_interval_fs = 0;
  double period_ang = 0;
  std::string molecules = "all";
  std::string surface;
  std::string normal = "c";
  std::string distance = "plane";
  std::string side = "upper";
  double interface_width_ang = 2.4;
  std::string whole = "bonds";
  std::int64_t every = 1;
  double skip_ps = 0;
  std::vector<double> walls_ang;
  std::vector<double> half_widths_ang;
  double start_half_width_ang = 0.1;
  double spacing_ang = 1;
  std::vector<double> range_ang;
  std::vector<double> centres_ang;
  double bin_ang = 0.1;
  double knot_spacing_ang = 1;
  double penalty_sigma = 0;
  std::int64_t time_blocks = 0;
  std::int64_t bootstrap = 100;
  std::int64_t seed_offset = 0;
};

struct ArrheniusSettings {
  std::string name;
  std::vector<std::string> kinetics;
  std::vector<double> at_kelvin{300};
};

struct Plan {
  std::filesystem::path file;
  std::string title;
  std::int64_t seed = 0;
  std::vector<DataSettings> data;  ///< empty: nothing is fitted or simulated
  std::optional<ModelSettings> model;
  std::optional<FinetuneSettings> finetune;  ///< of the model, with the defaults of its family
  FitSettings fit;
  std::optional<DistillSettings> distill;
  std::optional<Cp2kSettings> cp2k;
  std::optional<RefineSettings> refine;  ///< of the fit, by cp2k
  bool fits = false;               ///< whether the plan has a fit: not where all its simulations have models
  std::vector<MdSettings> md;
  std::vector<PimdSettings> pimd;
  std::vector<ProtonSettings> proton;
  std::vector<CentresSettings> wannier;
  std::vector<KineticsSettings> kinetics;
  std::vector<FirstPassageSettings> passage;
  std::vector<ArrheniusSettings> arrhenius;
  std::vector<ResolvedSection> settings;  ///< everything as resolved, in the order of the file's tables
};

/// Reads and checks a plan. Relative data files are taken relative to the plan's folder. A plan that fine-tunes a model reads
/// that file too, for the defaults of its family.
/// Throws Error{file} when it cannot be read, Error{format} with file and line for anything wrong in it.
Plan read_plan(const std::filesystem::path& file);

/// The same from text; `file` is used for messages and relative paths only.
Plan parse_plan(std::string_view text, const std::filesystem::path& file);

/// The settings of one table ("md", "cell75") as a canonical JSON object text.
std::string settings_json(const Plan& plan, std::string_view table, std::string_view name = {});

}  // namespace saltus::runs
