// Refinement: a potential goes where it does not know its way, CP2K says what is there, and it is fitted again.
//
// A round: MD with the potential → frames beyond the edge of its training data, different from each other → labels by CP2K → some are
// held out, the others join the training data → fit → errors on all that is held out, before and after. Rounds go on until error and
// extrapolation are within their limits or the budget is spent.
//
// folder/round-1/md-900K/        the simulation (molecular_dynamics.hpp)
// folder/round-1/chosen.extxyz   frames to be labelled   cp2k/   their calculations   labels.extxyz   what came of them
// folder/round-1/train.extxyz, held_out.extxyz, model.safetensors, round.json
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/engines/cp2k_settings.hpp"
#include "saltus/runs/ab_initio_labels.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

struct RefinementSettings {
  std::vector<double> temperatures_kelvin{900};  ///< a simulation each, every round
  double timestep_fs = 2;
  double sampling_ps = 5;
  double frame_spacing_fs = 20;
  double stop_extrapolation = 30;      ///< a simulation ends beyond: what it would see there is of no use
  double select_extrapolation = 1;     ///< frames beyond are candidates
  double difference_ang = 0.2;         ///< root mean square displacement between any two frames that are labelled
  std::int64_t frames_per_round = 20;
  std::int64_t held_out_every = 4;     ///< one label in so many is never trained on
  std::int64_t max_rounds = 3;
  std::int64_t max_labels = 200;
  double force_limit_ev_ang = 0.1;     ///< both limits kept: done
  double extrapolation_limit = 2;
  std::int64_t jobs = 1;
  std::uint64_t seed = 0;
};

struct HeldOutErrors {
  std::size_t frames = 0;
  double force_rmse_ev_ang = 0, force_rms_ev_ang = 0, energy_rmse_aligned_ev_per_atom = 0;
};

struct SimulationOutcome {
  double temperature_kelvin = 0, simulated_ps = 0, max_extrapolation = 0;
  std::string ended_early;             ///< why; empty when it came to its end
};

struct RefinementRound {
  std::vector<SimulationOutcome> simulations;  ///< with the potential of the round before
  std::size_t candidates = 0;
  LabelQuality labels;
  std::size_t trained = 0, held_out = 0;       ///< of this round
  std::optional<HeldOutErrors> before, after;  ///< of the potentials before and after, on all frames held out so far
};

struct Refinement {
  std::vector<RefinementRound> rounds;
  std::vector<SimulationOutcome> last_check;   ///< simulations with the last potential, where the rounds were spent
  std::string ended;                           ///< why there are no more rounds
  bool within_limits = false;
  std::filesystem::path model;                 ///< the last
  std::vector<std::string> warnings;
};

struct RefinementInput {
  std::filesystem::path model;                 ///< the first
  Frame start;
  std::vector<TrainingSet> sets;
  std::vector<AceFitSettings> candidates;      ///< settings of the fits
  Cp2kSettings method;
  std::filesystem::path base_folder;
};

/// Begins or continues in `folder`. Throws Error{unsupported} for a potential that measures no extrapolation; what the simulations, CP2K and
/// fits throw.
Refinement refine(const RefinementSettings& settings, const RefinementInput& input, const std::filesystem::path& folder, const Progress& progress, const Stop& stop);

/// One JSON object: rounds with their figures.
std::string to_json_text(const Refinement& refinement);

}  // namespace saltus::runs
