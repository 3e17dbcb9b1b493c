// Ring polymers: path-integral dynamics in the normal modes of the free ring polymer, as lists of steps.
//   H = Σ_j p_j²/2m + ½ m w_P² (q_j − q_{j+1})² + V(q_j),  w_P = P kB T/ħ,  sampled at the temperature P·T
//   BAOAB  B½ A½ O A½ B½ (far the smaller error of positions)    OBABO  O½ B½ A B½ O½ (exact momenta)
// References: Ceriotti, Parrinello, Markland, Manolopoulos, J. Chem. Phys. 133, 124104 (2010); Liu, Li, Liu, J. Chem. Phys. 145, 024103
// (2016); Rossi, Ceriotti, Manolopoulos, J. Chem. Phys. 140, 234116 (2014).
// Degrees of freedom are a flat array with a mass each: [n] for n copies in one dimension, [3·atoms] in three.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "saltus/base/random.hpp"
#include "saltus/dynamics/ring_gle.hpp"

namespace saltus {

/// Orthogonal modes Q_k = Σ_j C_jk q_j of a ring of any number of beads, and their frequencies w_k = 2 w_P sin(k π/P).
struct RingModes {
  std::size_t beads = 1;
  double temperature_kelvin = 0;         ///< T of the system; the ring polymer is sampled at beads · T
  std::vector<double> matrix;            ///< C, row j (bead), column k (mode): [beads · beads]
  std::vector<double> transposed;        ///< row k, column j
  std::vector<double> frequency_per_fs;  ///< [beads], angular; 0 of the centroid mode k = 0
};

/// Throws Error{usage} without beads and for a temperature that is not positive.
RingModes ring_modes(std::size_t beads, double temperature_kelvin);

/// All that a restart needs, and what is derived from it. Rows are modes or beads, columns degrees of freedom: [beads · n].
struct RingState {
  RingModes modes;
  std::vector<double> mass_amu;              ///< [n]
  std::vector<double> mode_position_ang;     ///< the centroid is row 0 / √beads
  std::vector<double> mode_velocity_ang_fs;
  std::vector<double> auxiliary_velocity_ang_fs;  ///< [beads · auxiliary · n] under generalised Langevin thermostats, or empty
  std::vector<double> position_ang;          ///< of the beads, when forces_current
  std::vector<double> force_ev_ang;          ///< −dV/dq of the beads there
  std::vector<double> mode_force_ev_ang;     ///< the same in modes
  std::vector<double> energy_ev;             ///< [beads] V of each bead there
  bool forces_current = false;
  std::int64_t step = 0;
  double time_fs = 0;
  Random random;
  double thermostat_ev = 0;                  ///< energy that the thermostats put in; H minus this is conserved

  std::size_t beads() const { return modes.beads; }
  std::size_t freedom() const { return mass_amu.size(); }
};

/// All beads in one call: positions [beads · n] → energies [beads] and forces [beads · n].
using BeadForces = std::function<void(std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang)>;

/// Every bead of degree i at centroid_ang[i] plus the spread of the free ring polymer; velocities thermal at beads · T.
/// Throws Error{usage} for masses that are not positive or sizes that differ.
RingState thermal_ring_state(const RingModes& modes, std::vector<double> mass_amu, std::span<const double> centroid_ang, const Random& random);

/// Rows of modes ↔ rows of beads, [beads · n].
void to_beads(const RingModes& modes, std::size_t freedom, std::span<const double> in_modes, std::span<double> in_beads);
void to_modes(const RingModes& modes, std::size_t freedom, std::span<const double> in_beads, std::span<double> in_modes);

/// Positions of the beads, energies and forces at the modes as they are; nothing to do when they are current.
/// Throws Error{numeric} with bead and degree of freedom for what is not finite; what `forces` throws.
void update_forces(RingState& state, const BeadForces& forces);

/// B: velocities by the forces of all beads.
struct RingKick {
  double fraction = 1;
  std::vector<double> rate = {};  ///< [beads] how fast time goes for a mode; empty: 1 for all
};
/// A: the free ring polymer, exactly: each mode turns by w_k dt, the centroid goes on straight.
struct RingDrift {
  double fraction = 1;
  std::vector<double> rate = {};  ///< as RingKick's
};
/// The bath of one mode; temperature as the ring polymer has it, beads · T where it is to be canonical.
struct ModeBath {
  double friction_per_fs = 0;
  double temperature_kelvin = 0;
};
/// O: v <- c v + sqrt((1 − c²) kB T_k/m) ξ, c = exp(−friction_k dt), of each mode with a friction, exact for any dt.
struct RingBath {
  double fraction = 1;
  std::vector<ModeBath> mode;  ///< [beads]
};
/// The velocities of all centroids by one factor that gives their kinetic energy its canonical distribution, exact for any dt
/// (Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007)).
struct CentroidRescaling {
  double fraction = 1;
  double temperature_kelvin = 0;  ///< beads · T
  double time_constant_fs = 0;
  std::size_t constrained = 0;    ///< degrees of freedom that do not move: 3 where the total momentum is zero
};
using RingStep = std::variant<RingKick, RingDrift, RingBath, CentroidRescaling, GleBath>;
using RingIntegrator = std::vector<RingStep>;

/// Throws what update_forces throws.
void apply(const RingStep& step, RingState& state, double dt_fs, const BeadForces& forces);
/// All steps in turn; the forces are current afterwards. Step number and time are the caller's.
void apply(const RingIntegrator& integrator, RingState& state, double dt_fs, const BeadForces& forces);

/// Ring-polymer molecular dynamics: constant energy.
struct NoRingThermostat {};
/// Langevin friction on the modes, 2 lambda w_k; on the centroid 1/centroid_time.
struct PileLocal {
  double centroid_time_fs = 100;
  double lambda = 1;
};
/// The same on the modes; the centroids together by stochastic velocity rescaling.
struct PileGlobal {
  double centroid_time_fs = 100;
  double lambda = 1;
};
/// One friction for all modes.
struct RingLangevin {
  double friction_per_fs = 0.01;
};
/// Thermostatted ring-polymer molecular dynamics: friction 2 lambda w_k on the modes, none on the centroid.
struct RingTrpmd {
  double lambda = 0.5;
};
/// Partially adiabatic centroid molecular dynamics: modes above the centroid have masses that put them all at one frequency W, m w_k²/W², with a
/// friction 2 lambda W; none on the centroid. In velocities scaled to the physical mass that is time going W/w_k as fast for mode k.
/// Reference: Hone, Rossky, Voth, J. Chem. Phys. 124, 154103 (2006).
struct RingCmd {
  double frequency_per_fs = 0;    ///< W; 0: P^(P/(P−1)) kB T/ħ, as in the reference
  double lambda = 1;
};
using RingThermostat = std::variant<NoRingThermostat, PileLocal, PileGlobal, RingLangevin, RingTrpmd, RingCmd, RingGle>;

/// Whether it leaves the centroids a dynamics that has time correlations: none, trpmd, cmd.
bool is_real_time(const RingThermostat& thermostat);

enum class Splitting { baoab, obabo };

/// constrained  degrees of freedom of the centroids that do not move: 3 where their total momentum is zero
///
/// Throws Error{usage} for a friction that is negative, a time constant that is not positive and what require_gle refuses.
RingIntegrator ring_integrator(Splitting splitting, const RingThermostat& thermostat, const RingModes& modes, std::size_t constrained = 0);

}  // namespace saltus
