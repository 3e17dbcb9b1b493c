// Fit of the linear atomic cluster expansion to energies and forces: weighted, regularised least squares on normal
// equations accumulated in a stream; the ridge is chosen on validation blocks, the test block is never looked at.
#pragma once

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
};

struct TrainingSet {
  std::string name;
  std::filesystem::path path;
  ReadOptions options;
};

enum class SplitPart { train, valid, test };

/// Errors of one set on one of its parts.
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

struct AceFit {
  AceParameters parameters;
  std::vector<RidgeTrial> trials;
  double chosen_ridge = 0;
  std::size_t functions_per_element = 0;
  std::size_t unknowns = 0;
  std::vector<SetErrors> errors;    ///< per set: train, valid, test; of the final model (fitted on train and valid)
  std::vector<std::string> warnings;
};

/// Fits. Memory does not grow with the number of frames. Same result for any number of threads.
/// Throws Error{format} for frames without energy or forces, Error{usage} when a part has no frames,
/// Error{numeric} when no ridge gives a solution.
AceFit fit_ace(const std::vector<TrainingSet>& sets, const AceFitSettings& settings, const Progress& progress);

}  // namespace saltus
