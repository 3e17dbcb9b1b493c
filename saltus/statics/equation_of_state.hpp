// Equation of state of Birch and Murnaghan, third order: a cubic polynomial of the energy in x = V^(-2/3), fitted by least squares,
//   E = E0 + 9 V0 B0/16 [2 y² + (B0' − 4) y³],  y = (V0/V)^(2/3) − 1.
// Reference: Birch, Phys. Rev. 71, 809 (1947).
#pragma once

#include <span>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/potentials/potential.hpp"
#include "saltus/statics/relaxation.hpp"

namespace saltus {

struct BirchMurnaghan {
  double energy_ev = 0, volume_ang3 = 0, bulk_ev_ang3 = 0, bulk_derivative = 0;  ///< at the least energy
  double rms_ev = 0;                  ///< of the residuals
};

/// Throws Error{usage} for fewer than five points or volumes that are not positive, Error{numeric} when the fit has no minimum.
BirchMurnaghan fit_birch_murnaghan(std::span<const double> volume_ang3, std::span<const double> energy_ev);
double energy_ev(const BirchMurnaghan& fit, double volume_ang3);

struct EquationOfStateSettings {
  std::size_t points = 9;
  double range = 0.06;                ///< of the volume over the frame's, on both sides
  RelaxationSettings relaxation;      ///< at each volume; its cell is fixed (the shape is the frame's)
};

struct EquationOfState {
  std::vector<double> volume_ang3, energy_ev;  ///< [points], of the frame
  BirchMurnaghan fit;
  std::vector<BirchMurnaghan> without;  ///< [points] fits that leave out one point each: replicates of a jackknife
  std::size_t not_converged = 0, evaluations = 0;
};

/// Throws Error{usage} for settings that cannot be meant, and as relax() and the fit.
EquationOfState equation_of_state(const Frame& frame, const Potential& potential, const EquationOfStateSettings& settings, const Progress& progress = {});

}  // namespace saltus
