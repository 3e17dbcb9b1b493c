// Forces on demand: a potential with its workspace, evaluated when the positions of a State have moved.
#pragma once

#include <vector>

#include "saltus/dynamics/state.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

class Forces {
 public:
  /// The potential must outlive this.
  Forces(const Potential& potential, double skin_ang);

  /// Brings energy and forces of the state up to date; does nothing when they are.
  /// Throws Error{numeric} that names the first atom with a force that is not finite.
  void update(State& state);

  /// Whether updates measure the extrapolation and the spread too (only where the potential can).
  void measure_doubt(bool wanted);
  /// Whether updates measure the virial too; they throw Error{unsupported} where the potential gives none.
  void measure_virial(bool wanted) { measure_virial_ = wanted; }
  /// [n] of the last update, or empty when it was not measured.
  const std::vector<double>& extrapolation() const { return evaluation_.extrapolation; }
  const std::vector<double>& force_spread_ev_ang() const { return evaluation_.force_spread_ev_ang; }

  /// Rebuilds the neighbour lists where they were built when the state was saved.
  void restore(const State& state);
  /// Puts positions and cell of the last neighbour search into the state; no positions before the first.
  void save_reference(State& state) const;

 private:
  const Potential& potential_;
  Workspace workspace_;
  Evaluation evaluation_;
  bool measure_doubt_ = false, measure_virial_ = false;
};

}  // namespace saltus
