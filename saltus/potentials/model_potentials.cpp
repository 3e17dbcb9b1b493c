#include "saltus/potentials/model_potentials.hpp"

#include <numbers>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

// One configuration of n copies: x [n] (and q [n]), energies [n], forces as positions.
void evaluate_one(const HarmonicWell& well, double mass_amu, std::size_t n, const double* x, double* energy, double* force) {
  const double stiffness = mass_amu * well.angular_frequency_per_fs * well.angular_frequency_per_fs * units::ev_per_amu_ang2_fs2;
  for (std::size_t i = 0; i < n; ++i) {
    energy[i] = 0.5 * stiffness * x[i] * x[i];
    force[i] = -stiffness * x[i];
  }
}

void evaluate_one(const DoubleWell& well, double, std::size_t n, const double* x, double* energy, double* force) {
  const double inverse = 1 / (well.half_distance_ang * well.half_distance_ang), slope = 4 * well.barrier_ev * inverse;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = x[i] * x[i] * inverse - 1;
    energy[i] = well.barrier_ev * u * u;
    force[i] = -slope * u * x[i];
  }
}

void evaluate_one(const ProtonRocking& model, double mass_amu, std::size_t n, const double* x, double* energy, double* force) {
  evaluate_one(model.well, mass_amu, n, x, energy, force);
  const double frequency = model.rocking_angular_frequency_per_fs;
  const double stiffness = model.rocking_mass_amu * frequency * frequency * units::ev_per_amu_ang2_fs2;
  const double* q = x + n;
  double* force_q = force + n;
  for (std::size_t i = 0; i < n; ++i) {
    const double stretch = q[i] - model.coupling * x[i];
    energy[i] += 0.5 * stiffness * stretch * stretch;
    force_q[i] = -stiffness * stretch;
    force[i] += model.coupling * stiffness * stretch;
  }
}

}  // namespace

double angular_frequency_per_fs(double wavenumber_per_cm) { return 2 * std::numbers::pi * units::light_cm_per_fs * wavenumber_per_cm; }

std::size_t dimensions(const ModelPotential& potential) { return std::holds_alternative<ProtonRocking>(potential) ? 2 : 1; }

std::vector<double> masses_amu(const ModelSystem& system) {
  std::vector<double> mass(system.copies, system.mass_amu);
  if (const auto* model = std::get_if<ProtonRocking>(&system.potential)) mass.resize(2 * system.copies, model->rocking_mass_amu);
  return mass;
}

void evaluate(const ModelSystem& system, std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang) {
  const std::size_t width = system.copies * dimensions(system.potential), rows = width ? position_ang.size() / width : 0;
  if (width == 0 || rows * width != position_ang.size() || force_ev_ang.size() != position_ang.size() || energy_ev.size() != rows * system.copies)
    throw Error(ErrorKind::internal, "model system: sizes of positions, energies and forces do not fit");
  std::visit(
      [&](const auto& potential) {
        for (std::size_t row = 0; row < rows; ++row)
          evaluate_one(potential, system.mass_amu, system.copies, position_ang.data() + row * width, energy_ev.data() + row * system.copies,
                       force_ev_ang.data() + row * width);
      },
      system.potential);
}

}  // namespace saltus
