// Refinement: a potential goes where it does not know its way, CP2K says what is there, and it is trained again.
//
// A round: MD with the potential → frames that it doubts, different from each other → labels by CP2K → some are held out, the others
// join the training data → training → errors on all that is held out, before and after. Rounds go on until error and doubt are within
// their limits or the budget is spent. Doubt is the extrapolation of an atom beyond the training data, where the potential measures it,
// or the spread of the force on an atom among the members of a committee, times what makes it the error, in the root mean square, of labelled
// frames that were not trained on (members that saw much the same data agree too well).
//
// folder/round-1/md-900K/        the simulation (molecular_dynamics.hpp)
// folder/round-1/chosen.extxyz   frames to be labelled   cp2k/   their calculations   labels.extxyz   what came of them
// folder/round-1/train.extxyz, model.safetensors
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/engines/cp2k_settings.hpp"
#include "saltus/runs/ab_initio_labels.hpp"
#include "saltus/potentials/network_settings.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

struct RefinementSettings {
  std::vector<double> temperatures_kelvin{900};  ///< a simulation each, every round
  double timestep_fs = 2;
  double sampling_ps = 5;
  double frame_spacing_fs = 20;
  double stop_extrapolation = 30;      ///< a simulation ends beyond: what it would see there is of no use
  double select_extrapolation = 1;     ///< frames beyond are candidates
  double stop_spread_ev_ang = 2;       ///< likewise, of a committee
  double select_spread_ev_ang = 0.1;
  double difference_ang = 0.2;         ///< root mean square displacement between any two frames that are labelled
  std::int64_t frames_per_round = 20;
  std::int64_t held_out_every = 4;     ///< one label in so many is never trained on
  std::int64_t max_rounds = 3;
  std::int64_t max_labels = 200;
  double force_limit_ev_ang = 0.1;     ///< both limits kept: done
  double extrapolation_limit = 2;
  double spread_limit_ev_ang = 0.2;    ///< in its place, of a committee
  std::int64_t committee = 3;          ///< members, where a published model is fine-tuned
  std::int64_t jobs = 1;
  std::uint64_t seed = 0;
};

struct HeldOutErrors {
  std::size_t frames = 0;
  double force_rmse_ev_ang = 0, force_rms_ev_ang = 0, energy_rmse_aligned_ev_per_atom = 0;
};

struct SimulationOutcome {
  double temperature_kelvin = 0, simulated_ps = 0;
  double doubt = 0;                    ///< largest measured: extrapolation or scaled spread, eV/Å
  std::string ended_early;             ///< why; empty when it came to its end
};

struct RefinementRound {
  std::vector<SimulationOutcome> simulations;  ///< with the potential of the round before
  double spread_factor = 1;                    ///< of that potential
  std::size_t candidates = 0;
  LabelQuality labels;
  std::size_t trained = 0, held_out = 0;       ///< of this round
  std::optional<HeldOutErrors> before, after;  ///< of the potentials before and after, on all frames held out so far
};

struct Refinement {
  bool committee = false;                      ///< doubt is the spread of its members, eV/Å, not the extrapolation
  std::vector<RefinementRound> rounds;
  std::vector<SimulationOutcome> last_check;   ///< simulations with the last potential, where the rounds were spent
  std::string ended;                           ///< why there are no more rounds
  bool within_limits = false;
  std::filesystem::path model;                 ///< the last
  std::vector<std::string> warnings;
};

/// Trains on the data of the plan and on `added`, files of labels all of which are trained on, and returns the model, written in `folder`.
/// What is there of an earlier call is gone on from. Warnings are appended.
using PotentialMaker = std::function<std::filesystem::path(const std::vector<std::filesystem::path>& added, const std::filesystem::path& folder, const Progress& progress,
                                                           const Stop& stop, std::vector<std::string>& warnings)>;

struct RefinementInput {
  std::filesystem::path model;                 ///< the first; empty: `train` makes it, with nothing added
  NetworkSettings network;                     ///< how it is evaluated
  PotentialMaker train;
  Frame start;
  std::vector<Frame> unseen;                   ///< labelled frames that are not trained on, to scale the spread by; not needed without a committee
  Cp2kSettings method;
  std::filesystem::path base_folder;
};

/// Trains by fits of the expansion; the model is model.safetensors.
PotentialMaker refit(std::vector<TrainingSet> sets, std::vector<AceFitSettings> candidates);

/// Root mean square error of the forces of a committee over that of its spread, on labelled frames. Throws Error{usage} without
/// frames, Error{numeric} where its members do not differ.
double spread_factor(const Potential& committee, const std::vector<Frame>& frames);

/// Begins or continues in `folder`. Throws Error{unsupported} for a potential that measures no doubt; what the simulations, CP2K and
/// training throw.
Refinement refine(const RefinementSettings& settings, const RefinementInput& input, const std::filesystem::path& folder, const Progress& progress, const Stop& stop);

/// One JSON object: rounds with their figures.
std::string to_json_text(const Refinement& refinement);

}  // namespace saltus::runs
