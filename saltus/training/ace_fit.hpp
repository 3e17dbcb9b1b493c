// Fit of the linear atomic cluster expansion to energies and forces: weighted, regularised least squares on normal
// equations accumulated in a stream; ridge and settings are chosen on validation blocks, the test block is never looked at.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/ace.hpp"
#include "saltus/training/label_errors.hpp"

namespace saltus {

struct AceFitSettings {
  AceBasisSettings basis;
  double energy_weight = 30;        ///< weight of an energy error per atom (eV) beside a force-component error (eV/Å)
  double test_fraction = 0.2;       ///< last part of each set, never used for the fit or for choices
  double valid_fraction = 0.15;     ///< validation blocks inside the rest
  int valid_blocks = 2;
  double gap_fs = 50;               ///< left out at each border between blocks
  double roughness_power = 2;       ///< the ridge grows with (roughness of the function)^power
  double ridge_tolerance = 0.05;    ///< the strongest ridge is taken that loses no more than this of the best validation loss
  double reference_ridge = 1e-3;    ///< of the reference energies over composition
  double repulsion_reach = 2;       ///< end of the short-range repulsion over the sum of the covalent radii
  /// The data on a pair of elements begin where a frame has so many pairs closer, on average. Closer pairs are too few to fix
  /// an interaction: there the radial functions saturate and the repulsion speaks, so that a fit cannot invent a hole.
  double pairs_where_data_begin = 0.5;
  int radial_power = 0;             ///< 0: radial functions that saturate; 1 to 3: the polynomials, which LAMMPS' pace style has too

  bool operator==(const AceFitSettings&) const = default;
};

/// Values to try of each setting that the data may choose; empty = as the base settings say.
struct AceFitGrid {
  std::vector<double> cutoff_ang = {};
  std::vector<std::int64_t> body_order = {}, radial_two_body = {}, degree_three_body = {}, l_max_three_body = {};
  std::vector<std::int64_t> degree_four_body = {}, l_max_four_body = {};
  std::vector<double> roughness_power = {}, repulsion_reach = {}, pairs_where_data_begin = {};
};

/// All combinations of the grid's values, each once: four-body settings make no difference below body order 4, nor
/// three-body ones below 3. Throws Error{usage} for more than 64.
std::vector<AceFitSettings> combinations(const AceFitSettings& base, const AceFitGrid& grid);

struct TrainingSet {
  std::string name;
  std::filesystem::path path;
  ReadOptions options;
  bool all_train = false;  ///< not split: every frame is fitted to, what is held out lies elsewhere
};

enum class SplitPart { train, valid, test };

/// Errors of one set on one of its parts; there are none of a part without frames.
struct SetErrors {
  std::string set;
  SplitPart part = SplitPart::train;
  LabelErrors errors;
  std::vector<ParityPoint> energy_parity, force_parity;
};

/// One regularisation tried.
struct RidgeTrial {
  double ridge = 0;                 ///< relative to the scaled normal matrix
  double train_force_rmse_ev_ang = 0, valid_force_rmse_ev_ang = 0;
  double valid_energy_rmse_ev_per_atom = 0;
  double valid_loss = 0;            ///< what the choice minimises
};

/// One combination of settings with the ridge that suits it.
struct AceFitCandidate {
  AceFitSettings settings;
  std::size_t functions_per_element = 0;
  RidgeTrial chosen;
};

struct AceFit {
  AceParameters parameters;
  std::vector<AceFitCandidate> candidates;  ///< in the order given
  std::size_t chosen_candidate = 0;
  std::vector<RidgeTrial> trials;           ///< of the chosen candidate
  double chosen_ridge = 0;
  std::size_t functions_per_element = 0;
  std::size_t unknowns = 0;
  std::vector<SetErrors> errors;    ///< per set: train, valid, test; of the final model (fitted on train and valid)
  std::vector<std::string> warnings;
};

/// Fits with those settings among the candidates that lose least on the validation blocks. Candidates must agree in how the
/// sets are split and energies are weighted. Memory does not grow with the number of frames. Same result for any number of threads.
/// Throws Error{format} for frames without energy or forces, Error{usage} when a part has no frames or there is no candidate,
/// Error{numeric} when no ridge gives a solution.
AceFit fit_ace(const std::vector<TrainingSet>& sets, const std::vector<AceFitSettings>& candidates, const Progress& progress);

}  // namespace saltus
