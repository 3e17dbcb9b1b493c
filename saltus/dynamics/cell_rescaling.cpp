#include "saltus/dynamics/cell_rescaling.hpp"

#include <cmath>
#include <tuple>
#include <utility>

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

Proposal proposal_at(const CellRescaling& c, const Strained& system, double interval_fs) {
  const Barostat& b = c.barostat;
  const double volume = system.volume_ang3(), kt = units::boltzmann_ev_per_kelvin * c.temperature_kelvin;
  const double rate = b.compressibility_ang3_ev * interval_fs / (3 * b.time_constant_fs);
  const Mat3 internal = scaled(system.internal_ev(), 1 / volume);
  const double target = b.pressure_ev_ang3 - (c.momentum_conserved ? kt / volume : 0);
  return {scaled(projected(sum(internal, scaled(Mat3::identity(), -target)), b.freedom), rate), rate * kt / volume};
}

/// Atoms and their momenta. The forces, with the virial, are current.
class StrainedAtoms final : public Strained {
 public:
  StrainedAtoms(State& state, Forces& forces) : state_(state), forces_(forces) {}
  double volume_ang3() const override { return state_.cell.volume_ang3(); }
  double energy_ev() const override { return state_.energy_ev + kinetic_energy_ev(state_); }
  Mat3 internal_ev() const override { return sum(twice_kinetic_tensor_ev(state_), *state_.virial_ev); }
  void strain(const Mat3& stretch, const Mat3& shrink) override {
    before_ = {state_.cell, state_.position_ang, state_.velocity_ang_fs, state_.force_ev_ang, state_.energy_ev, state_.virial_ev};
    state_.cell = Cell(state_.cell.rows_ang() * stretch, state_.cell.periodic());
    for (Vec3& r : state_.position_ang) r = r * stretch;
    for (Vec3& v : state_.velocity_ang_fs) v = v * shrink;
    state_.forces_current = false;
    forces_.update(state_);
  }
  void undo() override {
    std::tie(state_.cell, state_.position_ang, state_.velocity_ang_fs, state_.force_ev_ang, state_.energy_ev, state_.virial_ev) = std::move(before_);
  }

 private:
  State& state_;
  Forces& forces_;
  std::tuple<Cell, std::vector<Vec3>, std::vector<Vec3>, std::vector<Vec3>, double, std::optional<Mat3>> before_;
};

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

StrainOutcome try_strain(const CellRescaling& c, double interval_fs, Strained& system, Random& random) {
  const Barostat& b = c.barostat;
  const Proposal forth = proposal_at(c, system, interval_fs);
  const double volume = system.volume_ang3(), enthalpy = system.energy_ev() + b.pressure_ev_ang3 * volume;
  if (!(norm2(forth.mean) <= largest_strain * largest_strain)) {
    const Mat3 internal = system.internal_ev();
    throw Error(ErrorKind::numeric,
                fmt::format("the pressure of {:.4g} GPa would strain the cell by {:.3g} at once; begin nearer to equilibrium, or with a longer time "
                            "constant or a smaller compressibility of the barostat",
                            (internal[0][0] + internal[1][1] + internal[2][2]) / (3 * volume) * units::gpa_per_ev_ang3, std::sqrt(norm2(forth.mean))));
  }
  const Mat3 s = sum(forth.mean, scaled(noise(b.freedom, random), std::sqrt(2 * forth.spread)));
  const double chance = random.uniform();
  if (!(norm2(s) <= largest_strain * largest_strain)) return {};

  system.strain(exponential(s), exponential(scaled(s, -1)));
  const Proposal back = proposal_at(c, system, interval_fs);
  const double change = system.energy_ev() + b.pressure_ev_ang3 * system.volume_ang3() - enthalpy;
  const double growth = std::log(system.volume_ang3() / volume);
  const double log_ratio = -change / (units::boltzmann_ev_per_kelvin * c.temperature_kelvin) +
                           (1 + (c.momentum_conserved ? 1 : 0) + 0.5 * dimensions(b.freedom)) * growth -
                           norm2(sum(s, back.mean)) / (4 * back.spread) + norm2(sum(s, scaled(forth.mean, -1))) / (4 * forth.spread);
  if (std::log(chance) < log_ratio) return {true, change};
  system.undo();
  return {};
}

void advance(const CellRescaling& c, State& state, double dt_fs, Forces& forces) {
  if (state.step % c.barostat.stride != 0) return;
  forces.update(state);
  StrainedAtoms atoms(state, forces);
  const StrainOutcome outcome = try_strain(c, dt_fs * static_cast<double>(c.barostat.stride), atoms, state.random);
  ++state.cell_moves;
  state.cell_moves_accepted += outcome.accepted;
  state.thermostat_ev += outcome.enthalpy_change_ev;
}

double pressure_ev_ang3(const State& state, std::int64_t degrees_of_freedom) {
  const Mat3& w = *state.virial_ev;
  const double kinetic = static_cast<double>(state.size()) * units::boltzmann_ev_per_kelvin *
                         temperature_kelvin(kinetic_energy_ev(state), degrees_of_freedom);
  return (kinetic + (w[0][0] + w[1][1] + w[2][2]) / 3) / state.cell.volume_ang3();
}

}  // namespace saltus
