// Splitting steps. An integrator is a list of them:
//   velocity Verlet  B A B        Langevin  B A O A B (Leimkuhler and Matthews 2013)
//   stochastic velocity rescaling  B A B R (Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007))
// and behind any of them, at constant pressure, stochastic cell rescaling (cell_rescaling.hpp).
// A fraction is the part of the time step that a step of the list covers.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "saltus/dynamics/cell_rescaling.hpp"
#include "saltus/dynamics/forces.hpp"
#include "saltus/dynamics/state.hpp"

namespace saltus {

/// B: velocities by the forces.
struct Kick {
  double fraction = 1;
};
/// A: positions by the velocities.
struct Drift {
  double fraction = 1;
};
/// O: v <- c v + sqrt((1 - c²) kT/m) ξ, c = exp(-friction · dt), exact for any dt.
struct OrnsteinUhlenbeck {
  double fraction = 1;
  double temperature_kelvin = 0;
  double friction_per_fs = 0;
};
/// R: all velocities by one factor that gives the kinetic energy its canonical distribution, exact for any dt.
struct Rescale {
  double fraction = 1;
  double temperature_kelvin = 0;
  double time_constant_fs = 0;
};

using Step = std::variant<Kick, Drift, OrnsteinUhlenbeck, Rescale, CellRescaling>;
using Integrator = std::vector<Step>;

/// Throws Error{numeric} for forces that are not finite and for a rescaling of velocities that are all zero.
void apply(const Step& step, State& state, double dt_fs, Forces& forces);
/// All steps in turn; the state's forces are current afterwards. Step number and time are the caller's.
void apply(const Integrator& integrator, State& state, double dt_fs, Forces& forces);

struct NoThermostat {};
struct Langevin {
  double temperature_kelvin = 0;
  double friction_per_fs = 0.01;
};
struct VelocityRescaling {
  double temperature_kelvin = 0;
  double time_constant_fs = 100;
};
using Thermostat = std::variant<NoThermostat, Langevin, VelocityRescaling>;

/// Throws Error{usage} for a negative temperature, friction or time constant (zero too for the time constant), and for a
/// barostat without thermostat or at zero temperature.
Integrator integrator_with(const Thermostat& thermostat, const std::optional<Barostat>& barostat = std::nullopt);
/// False under Langevin friction.
bool conserves_momentum(const Thermostat& thermostat);

}  // namespace saltus
