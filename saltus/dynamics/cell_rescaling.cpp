#include "saltus/dynamics/cell_rescaling.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

// Beyond, a proposal is rejected unseen (its reverse would be too), so where the mean of the proposals lies there the cell would stand still.
constexpr double largest_strain = 0.5;

Mat3 scaled(const Mat3& m, double s) { return {{s * m[0], s * m[1], s * m[2]}}; }
Mat3 sum(Mat3 a, const Mat3& b) { return a += b; }
double norm2(const Mat3& m) { return norm2(m[0]) + norm2(m[1]) + norm2(m[2]); }

/// e^m by its series, for |m| <= 1/2: the sixteenth term is below 1e-18.
Mat3 exponential(const Mat3& m) {
  Mat3 result = Mat3::identity(), term = Mat3::identity();
  for (int k = 1; k <= 16; ++k) {
    term = scaled(term * m, 1.0 / k);
    result += term;
  }
  return result;
}

int dimensions(CellFreedom freedom) { return freedom == CellFreedom::isotropic ? 1 : freedom == CellFreedom::anisotropic ? 3 : 6; }

/// The part of a tensor in the directions that are free; orthogonal in the Frobenius product.
Mat3 projected(const Mat3& m, CellFreedom freedom) {
  Mat3 result;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      if (freedom == CellFreedom::flexible) result[a][b] = (m[a][b] + m[b][a]) / 2;
      else if (a == b) result[a][a] = freedom == CellFreedom::anisotropic ? m[a][a] : (m[0][0] + m[1][1] + m[2][2]) / 3;
    }
  return result;
}

/// Standard normal in the free directions.
Mat3 noise(CellFreedom freedom, Random& random) {
  Mat3 result;
  if (freedom == CellFreedom::isotropic) return scaled(Mat3::identity(), random.normal() / std::sqrt(3.0));
  for (int a = 0; a < 3; ++a) result[a][a] = random.normal();
  if (freedom == CellFreedom::flexible)
    for (int a = 0; a < 3; ++a)
      for (int b = a + 1; b < 3; ++b) result[a][b] = result[b][a] = random.normal() / std::sqrt(2.0);
  return result;
}

/// Sum of m v ⊗ v.
Mat3 twice_kinetic_tensor_ev(const State& state) {
  Mat3 tensor;
  for (std::size_t i = 0; i < state.size(); ++i) {
    const Vec3& v = state.velocity_ang_fs[i];
    tensor += outer((state.atoms->mass_amu[i] * units::ev_per_amu_ang2_fs2) * v, v);
  }
  return tensor;
}

// What a proposal is made from: the mean strain and the variance parameter D dt.
struct Proposal {
  Mat3 mean;
  double spread = 0;
};

Proposal proposal_at(const CellRescaling& c, const State& state, double interval_fs) {
  const Barostat& b = c.barostat;
  const double volume = state.cell.volume_ang3(), kt = units::boltzmann_ev_per_kelvin * c.temperature_kelvin;
  const double rate = b.compressibility_ang3_ev * interval_fs / (3 * b.time_constant_fs);
  const Mat3 internal = scaled(sum(twice_kinetic_tensor_ev(state), *state.virial_ev), 1 / volume);
  const double target = b.pressure_ev_ang3 - (c.momentum_conserved ? kt / volume : 0);
  return {scaled(projected(sum(internal, scaled(Mat3::identity(), -target)), b.freedom), rate), rate * kt / volume};
}

double enthalpy_ev(const State& state, double pressure) {
  return state.energy_ev + kinetic_energy_ev(state) + pressure * state.cell.volume_ang3();
}

void strain(State& state, const Mat3& s) {
  const Mat3 stretch = exponential(s), shrink = exponential(scaled(s, -1));
  state.cell = Cell(state.cell.rows_ang() * stretch, state.cell.periodic());
  for (Vec3& r : state.position_ang) r = r * stretch;
  for (Vec3& v : state.velocity_ang_fs) v = v * shrink;
  state.forces_current = false;
}

void require(bool holds, const char* what, double value) {
  if (!holds || !std::isfinite(value)) throw Error(ErrorKind::usage, fmt::format("barostat: the {}, not {}", what, value));
}

}  // namespace

CellFreedom cell_freedom_named(std::string_view text) {
  for (const CellFreedom freedom : {CellFreedom::isotropic, CellFreedom::anisotropic, CellFreedom::flexible})
    if (text == name(freedom)) return freedom;
  throw Error(ErrorKind::usage, fmt::format("'{}' is no freedom of the cell: isotropic, anisotropic or flexible", text));
}

std::string_view name(CellFreedom freedom) {
  return freedom == CellFreedom::isotropic ? "isotropic" : freedom == CellFreedom::anisotropic ? "anisotropic" : "flexible";
}

void check(const CellRescaling& c) {
  require(c.temperature_kelvin > 0, "temperature must be positive", c.temperature_kelvin);
  require(true, "pressure must be finite", c.barostat.pressure_ev_ang3);
  require(c.barostat.time_constant_fs > 0, "time constant must be positive", c.barostat.time_constant_fs);
  require(c.barostat.compressibility_ang3_ev > 0, "compressibility must be positive", c.barostat.compressibility_ang3_ev);
  require(c.barostat.stride > 0, "stride must be positive", static_cast<double>(c.barostat.stride));
}

void advance(const CellRescaling& c, State& state, double dt_fs, Forces& forces) {
  const Barostat& b = c.barostat;
  if (state.step % b.stride != 0) return;
  forces.update(state);
  const double interval = dt_fs * static_cast<double>(b.stride);
  const Proposal forth = proposal_at(c, state, interval);
  if (!(norm2(forth.mean) <= largest_strain * largest_strain))
    throw Error(ErrorKind::numeric,
                fmt::format("the pressure of {:.4g} GPa would strain the cell by {:.3g} at once; begin nearer to equilibrium, or with a longer time "
                            "constant or a smaller compressibility of the barostat",
                            pressure_ev_ang3(state, degrees_of_freedom(state.size(), c.momentum_conserved)) * units::gpa_per_ev_ang3,
                            std::sqrt(norm2(forth.mean))));
  const Mat3 s = sum(forth.mean, scaled(noise(b.freedom, state.random), std::sqrt(2 * forth.spread)));
  const double chance = state.random.uniform();
  ++state.cell_moves;
  if (!(norm2(s) <= largest_strain * largest_strain)) return;

  const Cell cell = state.cell;
  const std::vector<Vec3> position = state.position_ang, velocity = state.velocity_ang_fs, force = state.force_ev_ang;
  const double energy = state.energy_ev, enthalpy = enthalpy_ev(state, b.pressure_ev_ang3);
  const std::optional<Mat3> virial = state.virial_ev;
  strain(state, s);
  forces.update(state);

  const Proposal back = proposal_at(c, state, interval);
  const double change = enthalpy_ev(state, b.pressure_ev_ang3) - enthalpy;
  const double growth = std::log(state.cell.volume_ang3() / cell.volume_ang3());
  const double log_ratio = -change / (units::boltzmann_ev_per_kelvin * c.temperature_kelvin) +
                           (1 + (c.momentum_conserved ? 1 : 0) + 0.5 * dimensions(b.freedom)) * growth -
                           norm2(sum(s, back.mean)) / (4 * back.spread) + norm2(sum(s, scaled(forth.mean, -1))) / (4 * forth.spread);
  if (std::log(chance) < log_ratio) {
    ++state.cell_moves_accepted;
    state.thermostat_ev += change;
    return;
  }
  state.cell = cell;
  state.position_ang = position;
  state.velocity_ang_fs = velocity;
  state.force_ev_ang = force;
  state.energy_ev = energy;
  state.virial_ev = virial;
}

double pressure_ev_ang3(const State& state, std::int64_t degrees_of_freedom) {
  const Mat3& w = *state.virial_ev;
  const double kinetic = static_cast<double>(state.size()) * units::boltzmann_ev_per_kelvin *
                         temperature_kelvin(kinetic_energy_ev(state), degrees_of_freedom);
  return (kinetic + (w[0][0] + w[1][1] + w[2][2]) / 3) / state.cell.volume_ang3();
}

}  // namespace saltus
