// Generalised Langevin thermostats of ring polymers: the velocity v of a mode with auxiliary ones s, a linear process with memory.
//   (v, s) ← T (v, s) + S ξ/√m,   T = exp(−A t),   S Sᵀ = kB (C − T C Tᵀ): exact for any t; free particles come to have the covariance kB C/m
// C = P T 1 is canonical for any A; other C give each frequency a temperature of its own, the quantum one with one bead or few.
// References: Ceriotti, Bussi, Parrinello, Phys. Rev. Lett. 102, 020601 and 103, 030603 (2009), J. Chem. Theory Comput. 6, 1170 (2010);
// Ceriotti, Manolopoulos, Phys. Rev. Lett. 109, 100604 (2012), of matrices for each mode (PIGLET).
#pragma once

#include <cstddef>
#include <vector>

namespace saltus {

struct RingState;

/// One pair of matrices for all modes, or one for each; the first row and column are the velocity's.
struct GleMatrices {
  std::size_t size = 1;                    ///< 1 + auxiliary velocities
  std::vector<double> drift_per_fs;        ///< A, row major: [pairs · size · size]
  std::vector<double> covariance_kelvin;   ///< C of the velocities times mass, over kB, as the ring polymer has it (P T where canonical): likewise

  std::size_t pairs() const { return drift_per_fs.size() / (size * size); }
};

/// Throws Error{usage} unless there is one pair or one for each bead, all numbers are finite, every A damps (eigenvalues with positive real
/// parts), every C is symmetric within 1e-6 of its diagonal and positive, and the noise C − T C Tᵀ is positive at all times.
void require_gle(const GleMatrices& matrices, std::size_t beads);

/// T and S/√kB of each pair for one length of time: [pairs · size · size].
struct GlePropagator {
  double time_fs = 0;
  std::vector<double> turn, noise_root_kelvin;
};

/// Throws Error{usage} where the noise is not positive.
GlePropagator gle_propagator(const GleMatrices& matrices, double time_fs);

/// The step. Not to be applied by two threads at a time: it keeps the propagator of the last length of time.
struct GleBath {
  double fraction = 1;
  GleMatrices matrices;
  mutable GlePropagator last = {};
};

/// Auxiliary velocities that the state lacks are drawn from C. Takes a row of deviates for each mode and velocity, auxiliary ones included.
void propagate(const GleBath& bath, RingState& state, double dt_fs);

/// The thermostat.
struct RingGle {
  GleMatrices matrices;
};

}  // namespace saltus
