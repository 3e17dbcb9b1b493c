// Constant pressure by stochastic cell rescaling: cell, positions and momenta strained together, r -> r e^S, p -> p e^-S, by
//   S = beta dt/(3 tau) (P - p + c kT/V) + sqrt(2 D dt) xi,   D = kT beta/(3 V tau),
// S symmetric (the cell does not turn), in the directions that the cell may change in. Each strain is a proposal that is
// accepted or rejected (Metropolis), so the isothermal-isobaric ensemble holds for any dt:
//   density  V^N exp(-(U + pV)/kT) dV  of the volume; shapes by the measure that is invariant under strain.
// References: Bernetti and Bussi, J. Chem. Phys. 153, 114107 (2020); Del Tatto, Raiteri, Bernetti, Bussi, Appl. Sci. 12, 1139 (2022);
// Roberts and Tweedie, Bernoulli 2, 341 (1996) for the acceptance.
#pragma once

#include <cstdint>
#include <string_view>

#include "saltus/base/units.hpp"
#include "saltus/dynamics/forces.hpp"
#include "saltus/dynamics/state.hpp"

namespace saltus {

/// isotropic: the volume; anisotropic: lengths along x, y, z apart; flexible: all six strains.
enum class CellFreedom { isotropic, anisotropic, flexible };

/// Throws Error{usage} for another name than these.
CellFreedom cell_freedom_named(std::string_view name);
std::string_view name(CellFreedom freedom);

struct Barostat {
  CellFreedom freedom = CellFreedom::isotropic;
  double pressure_ev_ang3 = 0;
  double time_constant_fs = 1000;      ///< relaxation time of the volume where the compressibility is the one below
  double compressibility_ang3_ev = 0.1 * units::gpa_per_ev_ang3;
  std::int64_t stride = 10;            ///< steps between strains; each costs one evaluation
};

struct CellRescaling {
  Barostat barostat;
  double temperature_kelvin = 0;
  bool momentum_conserved = true;      ///< the momentum of the centre of mass is zero and does not scale: c = 1, else 0
};

/// Throws Error{usage} for numbers that cannot be meant.
void check(const CellRescaling& rescaling);

/// What a strain acts on. Its weight is exp(-(energy + pV)/kT), but for the measure dV and, with c = 1, one more factor V.
class Strained {
 public:
  virtual ~Strained() = default;
  virtual double volume_ang3() const = 0;
  virtual double energy_ev() const = 0;
  virtual Mat3 internal_ev() const = 0;  ///< internal stress times volume: kinetic part and virial
  /// r -> r stretch, p -> p shrink; what is above is that of the new state.
  virtual void strain(const Mat3& stretch, const Mat3& shrink) = 0;
  /// All as before the last strain.
  virtual void undo() = 0;
};

struct StrainOutcome {
  bool accepted = false;
  double enthalpy_change_ev = 0;       ///< of energy + pV, 0 when rejected
};

/// Proposes the strain of one interval, and accepts or undoes it. Throws Error{numeric} when the pressure would strain the cell by more than a
/// half at once.
StrainOutcome try_strain(const CellRescaling& rescaling, double interval_fs, Strained& system, Random& random);

/// Strains the state at steps that the stride divides; energy, forces and virial are current afterwards where it did.
/// Throws Error{numeric} when the pressure would strain the cell by more than a half at once.
void advance(const CellRescaling& rescaling, State& state, double dt_fs, Forces& forces);

/// N kB T / V + trace(virial) / 3V, T by the given degrees of freedom. The state has a virial and a volume.
double pressure_ev_ang3(const State& state, std::int64_t degrees_of_freedom);

}  // namespace saltus
