// A dear potential on few beads and long steps: a cheap one acts on all P beads, and what the dear one adds to it, V', on P' beads that have
// the low modes of the ring polymer,  q' = T q.  In normal modes, k' = 0 … (P'−1)/2 and their sines,
//   Q'_k' = √(P'/P) Q_k,   F_k = √(P/P') F'_k',   energy of the ring polymer  (P/P') Σ_l V'(q'_l),   virial of bead l  W'_l likewise.
// A step:  B'(dt/2) [the integrator's steps of dt/n under the cheap potential]^n B'(dt/2).
// References: Markland, Manolopoulos, J. Chem. Phys. 129, 024105 (2008); Tuckerman, Berne, Martyna, J. Chem. Phys. 97, 1990 (1992).
#pragma once

#include "saltus/dynamics/ring_forces.hpp"

namespace saltus {

/// Gives the state a ring of `beads` beads of the same atoms. Throws Error{usage} for an even number below that of the state (whose highest mode
/// has no partner there), none, or more.
void contract(AtomRing& state, std::size_t beads);

/// Positions of the beads [P · n] as those of the contracted ring [P' · n].
std::vector<Vec3> contracted_positions(const AtomRing& state, std::span<const Vec3> position_ang);

/// Puts cell and modes of the state into its contracted ring, whose forces are old then.
void follow(AtomRing& state);

/// B': velocities by the forces of the contracted ring, which are current.
void kick_by_contracted(AtomRing& state, double time_fs);

/// The state under the sum of both potentials: energies, forces and virial are the sums. A contracted bead's energy is spread over all beads where
/// P' < P. The state itself without a contracted ring.
AtomRing with_contracted(const AtomRing& state);

/// One step of dt_fs under both potentials, `inner_steps` of the integrator; the forces of both are current afterwards.
void apply_contracted(const RingIntegrator& integrator, AtomRing& state, double dt_fs, std::int64_t inner_steps, RingForces& forces);

}  // namespace saltus
