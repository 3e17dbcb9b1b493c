// Positions, and where wanted the cell, at the least enthalpy E + pV. The cell is moved by a symmetric deformation of the first one, so it
// does not turn; its nine numbers are made lengths by sqrt(n) (V/n)^(1/3), which gives them the stiffness of an atom's coordinates.
#pragma once

#include <cstddef>
#include <string_view>

#include "saltus/base/progress.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/statics/minimizer.hpp"

namespace saltus {

/// hydrostatic: the volume; anisotropic: lengths along x, y, z apart; full: all six strains.
enum class CellMotion { fixed, hydrostatic, anisotropic, full };

/// Throws Error{usage} for another name than these.
CellMotion cell_motion_named(std::string_view name);

struct RelaxationSettings {
  CellMotion cell = CellMotion::fixed;
  double pressure_ev_ang3 = 0;                 ///< external, where the cell moves
  double force_tolerance_ev_ang = 1e-3;        ///< largest force on an atom
  double stress_tolerance_ev_ang3 = 6.2e-5;    ///< largest component of stress + pressure that the cell can follow (0.01 GPa)
  MinimizerSettings minimizer;
};

struct Relaxation {
  Frame frame;                       ///< with energy, forces and virial
  bool converged = false;            ///< false: the iterations are used up, or no step went down any more
  std::size_t iterations = 0, evaluations = 0;
  double largest_force_ev_ang = 0;
  double largest_stress_ev_ang3 = 0;  ///< of stress + pressure in the directions that the cell can follow; 0 when fixed
  double first_energy_ev = 0;
};

/// Throws Error{usage} for settings that cannot be meant and a free cell that is not periodic along all axes, Error{numeric} for energies
/// that are not finite. A result that is not converged is returned, and says so.
Relaxation relax(const Frame& frame, const Potential& potential, const RelaxationSettings& settings, const Progress& progress = {});

/// Throws Error{unsupported} where the potential gave none.
void require_virial(const Evaluation& evaluation);

/// −virial / volume in eV/Å³, tension positive.
Mat3 stress_ev_ang3(const Mat3& virial_ev, const Cell& cell);

}  // namespace saltus
