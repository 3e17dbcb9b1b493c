// What can be asked of a model without reference data: whether its forces are the gradient of its energy, whether it knows
// directions in space, whether pairs repel at short range and end smoothly at the cutoff, whether energy is conserved, what it costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus::runs {

struct ProbeSettings {
  std::size_t atoms = 4;             ///< displaced for the differences, spread evenly over the frame
  double displacement_ang = 0.01;    ///< h of F = −[8 (E(h) − E(−h)) − (E(2h) − E(−2h))]/(12 h), whose error is of order h⁴
  double temperature_kelvin = 300;   ///< of the velocities drawn for constant energy
  double timestep_fs = 0;            ///< of constant energy; 0: 0.5 fs with hydrogen, else 1 fs
  std::int64_t steps = 400;          ///< of constant energy; 0: not simulated
  std::uint64_t seed = 1;
};

/// Of the atoms that were displaced, along x, y and z.
struct GradientProbe {
  std::size_t components = 0;
  double largest_ev_ang = 0;         ///< |F − (−dE/dr)|
  double force_rms_ev_ang = 0;       ///< of all components of the frame
  std::size_t atom = 0;              ///< where it is largest, from 0
  double relative() const { return force_rms_ev_ang > 0 ? largest_ev_ang / force_rms_ev_ang : 0; }
};

/// The largest of three rotations of the whole frame, its cell included.
struct RotationProbe {
  double energy_ev_per_atom = 0;     ///< |E(Rr) − E(r)| per atom
  double force_ev_ang = 0;           ///< |F(Rr) − R F(r)| of one atom
  double relative = 0;               ///< force_ev_ang over the root mean square of the components
  /// Whether they agree within what single precision makes of it.
  bool invariant() const { return relative < 1e-3; }
};

/// One atom moved along a line in steps of `step_ang`, while neighbours come within the cutoff and leave it.
struct ScanProbe {
  double length_ang = 0, step_ang = 0;
  double energy_jump_ev = 0;         ///< largest of a step: what the energy changes by beside the work of the force
  double force_jump_ev_ang = 0;      ///< largest of a step: change of the force beside the mean of the changes before and after
};

/// Two isolated atoms.
struct DimerProbe {
  int first = 0, second = 0;         ///< atomic numbers
  std::string failure;               ///< why there is no scan; else empty
  double from_ang = 0, to_ang = 0;
  std::optional<double> not_finite_ang;       ///< first distance, from outside, whose energy or force is not finite
  /// Nearest distance below three quarters of the sum of covalent radii, from outside, at which the atoms attract; none: they repel all the way.
  std::optional<double> attractive_below_ang;
  std::optional<double> barrier_ev;           ///< highest energy before they attract, over that of separated atoms
  double wall_ev = 0;                ///< energy at from_ang over that of separated atoms
  double depth_ev = 0;               ///< lowest energy outside the short range, likewise; 0 or below
  double nearest_ang = 0;            ///< where that is
  int minima = 0;                    ///< of the energy outside the short range, deeper than 1 meV
  double cutoff_energy_jump_ev = 0, cutoff_force_jump_ev_ang = 0;  ///< largest between steps of 0.001 Å within 0.02 Å of the cutoff

  bool repulsive() const { return failure.empty() && !not_finite_ang && !attractive_below_ang; }
};

/// Velocity Verlet without a thermostat, from the frame.
struct ConservationProbe {
  std::string failure;               ///< why it ended; else empty
  double timestep_fs = 0, length_ps = 0;
  double drift_mev_per_atom_ps = 0;  ///< slope of the total energy
  double fluctuation_mev_per_atom = 0;  ///< standard deviation about that line
};

struct ModelProbes {
  std::string formula;
  std::size_t atoms = 0;
  GradientProbe gradient;
  RotationProbe rotation;
  std::optional<ScanProbe> scan;     ///< none: the frame is a single atom
  std::vector<DimerProbe> dimers;    ///< of all pairs of elements of the frame
  std::optional<ConservationProbe> conservation;
  double microsecond_per_atom_step = 0;  ///< energy and forces on one thread, time of the processor, the best of several
};

/// All of them. The number of threads is set to one for the cost, and back.
/// Throws what the potential throws of the frame itself; Error{usage} for a frame without atoms; Interrupted as `progress` does.
ModelProbes probe_model(const Potential& potential, const Frame& frame, const ProbeSettings& settings, const Progress& progress = {});

/// The elements of the frame that the model does not know, by symbol: "Li, Si"; empty: it knows all.
std::string unknown_elements(const Potential& potential, const Atoms& atoms);

/// One JSON object; null for what there is not.
std::string to_json_text(const ModelProbes& probes);

}  // namespace saltus::runs
