// The factor of stochastic velocity rescaling, exact for any time step.
// Reference: Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007), equation (A7).
#pragma once

#include <cstddef>

#include "saltus/base/random.hpp"

namespace saltus {

/// What to multiply all velocities by, so that their kinetic energy has its canonical distribution; negative now and then.
///
/// kinetic_ev   of the velocities, positive
/// freedom      degrees of freedom that it is in, at least 1
/// relaxations  time step over the relaxation time
///
/// Throws Error{numeric} when the kinetic energy is not positive.
double velocity_rescaling_factor(double kinetic_ev, std::size_t freedom, double temperature_kelvin, double relaxations, Random& random);

}  // namespace saltus
