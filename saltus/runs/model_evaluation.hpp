// A model on labelled frames: errors with intervals from blocks of consecutive frames, and its energies, forces and virials as a data set.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/training/label_errors.hpp"

namespace saltus::runs {

struct EvaluationInput {
  std::filesystem::path data;
  ReadOptions read;
  std::size_t every = 1;        ///< one frame in so many
  std::filesystem::path out;    ///< frames with what the model says in place of their labels; empty: not written
  std::size_t first = 0;        ///< frames before this, from 0, are left out
};

/// Errors are root mean squares; none where the data have no such label or the model no such prediction.
struct ModelErrors {
  std::string model;
  PotentialInfo info;
  std::size_t frames = 0;
  LabelErrors errors;
  /// 95 %, by leaving out one block each of at most ten: neighbouring frames of a trajectory err alike. None for a single frame.
  std::optional<Estimate> energy_raw_ev_per_atom, energy_aligned_ev_per_atom, force_ev_ang, stress_ev_ang3;
  std::vector<std::string> warnings;
};

/// Throws what the reader and the potential throw, with the frame; Error{usage} when the data hold no frame, or no label and nothing is
/// to be written.
ModelErrors evaluate_model(const Potential& potential, const std::string& name, const EvaluationInput& input, const Progress& progress = {});

}  // namespace saltus::runs
