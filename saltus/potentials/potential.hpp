// The interface of everything that gives energies and forces: constant after loading, shared by threads, batched.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/atoms/neighbor_list.hpp"

namespace saltus {

/// B configurations of the same atoms; viewed, not copied.
struct Batch {
  const Atoms* atoms = nullptr;
  std::span<const Cell> cell;          ///< [B]
  std::span<const Vec3> position_ang;  ///< [B*n], configuration after configuration
  std::size_t count() const { return cell.size(); }
};

/// What is asked for; the energy always is.
struct Want {
  bool forces = true;
  bool virial = false;
  bool atom_energies = false;
  bool extrapolation = false;
  bool spread = false;          ///< of the members of a committee
};

struct Evaluation {
  double energy_ev = 0;
  std::vector<Vec3> force_ev_ang;        ///< [n] if wanted
  std::optional<Mat3> virial_ev;         ///< −dE/d(strain) = Σ r⊗f if wanted
  std::vector<double> atom_energy_ev;    ///< [n] if wanted and the potential has them
  std::vector<double> extrapolation;     ///< [n] if wanted and the potential has it; > 1 = beyond the training data
  std::optional<double> energy_spread_ev;    ///< if wanted and the potential has members
  std::vector<double> force_spread_ev_ang;   ///< [n] if wanted and the potential has members
};

/// A potential's own buffers, kept between calls.
struct Scratch {
  virtual ~Scratch() = default;
};

/// Scratch of one caller; never shared by two calls at once.
struct Workspace {
  double skin_ang = 0;                  ///< of the Verlet lists; 0 rebuilds whenever an atom moves
  std::vector<VerletList> lists;        ///< one per configuration of the batch
  std::unique_ptr<Scratch> scratch;     ///< owned by the potential that used it last
  std::vector<Workspace> children;      ///< for potentials made of others
};

struct PotentialInfo {
  std::string kind;                     ///< "ace", "lennard_jones", …
  std::vector<std::uint8_t> elements;   ///< atomic numbers it knows
  bool conservative = true;             ///< forces are the gradient of the energy
  bool trained_on_stress = false;       ///< false: pressures are untrained, constant-pressure runs refuse it
  bool has_extrapolation = false;
  bool has_spread = false;              ///< it has members whose spread can be asked for
  bool remote = false;                  ///< other programs compute: a call may fail, or throw Interrupted, where the same call succeeds later
};

class Potential {
 public:
  virtual ~Potential() = default;
  virtual const PotentialInfo& info() const = 0;
  virtual double cutoff_ang() const = 0;
  /// Evaluates all configurations of the batch. `results` has batch.count() entries; their buffers are reused.
  /// Throws Error{unsupported} for an element it does not know, Error{numeric} for positions that are not finite.
  virtual void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const = 0;
};

/// One configuration.
Evaluation evaluate_one(const Potential& potential, const Frame& frame, Want want, Workspace& workspace);

}  // namespace saltus
