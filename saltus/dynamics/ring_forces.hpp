// Forces on the beads of ring polymers of atoms: all beads are one batch of the potential.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "saltus/dynamics/ring_fourth_order.hpp"
#include "saltus/dynamics/ring_polymer.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// A ring polymer of all atoms: degree of freedom 3 i + axis is that of atom i.
struct AtomRing {
  std::shared_ptr<const Atoms> atoms;  ///< their masses are those of the ring
  Cell cell;                           ///< of all beads
  RingState ring;
  bool begun = false;                  ///< the first frames and log row are out
  std::vector<double> bare_energy_ev, bare_force_ev_ang;  ///< [beads], [beads · 3n] of the potential itself, where the ring has those of a fourth-order
                                                          ///< factorisation, of the last evaluation; else empty
  std::optional<Mat3> virial_ev;       ///< mean over the beads, of the last evaluation, where it was measured
  std::optional<double> max_extrapolation;        ///< largest over beads and atoms since the last log row, if measured
  std::optional<double> max_force_spread_ev_ang;  ///< likewise, of a committee
  std::int64_t cell_moves = 0, cell_moves_accepted = 0;  ///< of the barostat
  std::vector<Vec3> reference_ang;     ///< [beads · n] positions of the beads' last neighbour searches; empty before the first
  Cell reference_cell;                 ///< the cell there
  std::vector<Vec3> displaced_reference_ang;  ///< likewise of the displaced beads of a fourth-order factorisation
  std::vector<AtomRing> contracted;    ///< none, or a ring of fewer beads under what a second potential adds (ring_contraction.hpp)

  std::size_t size() const { return atoms->size(); }
};

/// Beads of all atoms around a frame, as widely as hydrogen of a stretching vibration of 3500/cm spreads at the most (the free ring polymer may
/// spread beyond what a potential knows); velocities thermal. Throws Error{usage} for a frame without atoms, or a temperature or masses that are not positive.
AtomRing atom_ring(const Frame& frame, std::size_t beads, double temperature_kelvin, const Random& random);

/// Frame of bead `bead`, with forces and energy of the potential where they are current.
Frame frame_of_bead(const AtomRing& state, std::size_t bead);
/// Frame of the centroids, with their velocities; without energy.
Frame frame_of_centroids(const AtomRing& state);

class RingForces {
 public:
  /// The potential must outlive this.
  RingForces(const Potential& potential, double skin_ang);
  /// What a second potential adds acts on state.contracted, and is updated, saved and restored with it. `correction` must outlive this.
  void correct_by(const Potential& correction);
  /// The beads have energies and forces of a factorisation; not with a correction, nor where virials are measured.
  void factorize_by(const RingFactorization& factorization) { factorization_ = factorization; }
  const RingFactorization& factorization() const { return factorization_; }
  /// Whether other programs compute.
  bool remote() const { return potential_.info().remote || (correction_ && correction_->remote()); }

  /// Brings energies and forces of all beads up to date; does nothing when they are.
  /// Throws Error{numeric} that names bead and atom of a force that is not finite.
  void update(AtomRing& state);
  /// The same as a function of flat arrays, for the steps of an integrator on state.ring. `state` must outlive it.
  BeadForces of(AtomRing& state);

  /// Means over the beads of the energy that they have, correction or factorisation included, of rings at other positions, [rings · beads · n], with
  /// masses [n] (which matter to a factorisation): [rings]. All are one batch; neighbour lists of its own.
  std::vector<double> mean_energies_ev(const AtomRing& state, std::span<const Vec3> position_ang, std::span<const double> mass_amu);

  /// Whether updates measure extrapolation and spread too (only where the potential can); with a correction, its.
  void measure_doubt(bool wanted);
  /// Whether updates measure the virial too; they throw Error{unsupported} where the potential gives none.
  void measure_virial(bool wanted);
  /// [beads] of the last update, with a correction its; the vectors are empty for what was not measured.
  std::span<const Evaluation> evaluations() const { return correction_ ? correction_->evaluations() : results_; }

  /// Rebuilds the neighbour lists where they were built when the state was saved.
  void restore(const AtomRing& state);
  /// Puts the positions of the last neighbour searches into the state.
  void save_reference(AtomRing& state) const;

 private:
  void evaluate(AtomRing& state, std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang);
  void evaluate_displaced(const AtomRing& state, std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang);
  void rebuild(Workspace& workspace, const AtomRing& state, std::span<const Vec3> reference_ang);

  const Potential& potential_;
  std::unique_ptr<RingForces> correction_;
  RingFactorization factorization_;
  Workspace workspace_, displaced_workspace_, other_workspace_;
  std::vector<Cell> cells_;
  std::vector<Vec3> positions_;
  std::vector<Evaluation> results_, other_results_;
  bool measure_doubt_ = false, measure_virial_ = false;
};

}  // namespace saltus
