#include "saltus/potentials/qtip4pf.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <numbers>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kernels/ewald_waves.hpp"
#include "saltus/kernels/molecule_pairs.hpp"

namespace saltus {

namespace {

constexpr double alpha_per_ang = 0.5, k_max_per_ang = 4.6, onset_ang = 8, pair_cutoff_ang = 9, longest_bond_ang = 1.8;
constexpr std::size_t per_molecule = 3;

using Molecule = std::array<Vec3, per_molecule>;  // M, H, H relative to O; or forces on them

struct Buffers {
  std::vector<Vec3> oxygen, oxygen_force, fraction, wave_force;
  std::vector<Molecule> site, site_force;
  std::vector<double> charge, others, other_force;
  std::vector<std::size_t> other;
  kernels::EwaldScratch ewald;
};

struct WaterScratch final : Scratch {
  std::vector<VerletList> lists;             // [B] of oxygens
  std::vector<kernels::EwaldWaves> waves;    // one, or [B] when cells differ
  std::vector<Cell> waves_cell;
  std::mutex lock;
  std::vector<std::unique_ptr<Buffers>> idle;

  std::unique_ptr<Buffers> take() {
    const std::scoped_lock held(lock);
    if (idle.empty()) return std::make_unique<Buffers>();
    auto buffers = std::move(idle.back());
    idle.pop_back();
    return buffers;
  }
  void give_back(std::unique_ptr<Buffers> buffers) {
    const std::scoped_lock held(lock);
    idle.push_back(std::move(buffers));
  }
};

void check_order(const Atoms& atoms) {
  constexpr std::uint8_t order[per_molecule] = {8, 1, 1};
  for (std::size_t i = 0; i < atoms.size(); ++i)
    if (atoms.atomic_number[i] != order[i % per_molecule])
      throw Error(ErrorKind::unsupported, fmt::format("atom {} is {}: this water model takes molecules as O H H, one after the other, and needs {} here", i,
                                                      symbol_of(atoms.atomic_number[i]), symbol_of(order[i % per_molecule])));
  if (atoms.size() % per_molecule != 0)
    throw Error(ErrorKind::unsupported, fmt::format("{} atoms are no whole number of water molecules O H H", atoms.size()));
}

/// ∫ (1 − S) u R² dR of the Lennard-Jones energy u from the onset on: 2π N²/V times it is the energy that the cutoff leaves out in a uniform liquid.
double left_out_ev_ang3(const Qtip4pfParameters& p) {
  const auto energy = [&](double r) {
    const double s6 = std::pow(p.sigma_ang / r, 6);
    return 4 * p.epsilon_ev * s6 * (s6 - 1);
  };
  constexpr int steps = 200;  // Simpson's rule; even
  const double width = pair_cutoff_ang - onset_ang;
  double sum = 0;
  for (int k = 0; k <= steps; ++k) {
    const double x = static_cast<double>(k) / steps, r = onset_ang + x * width;
    sum += (k == 0 || k == steps ? 1 : k % 2 ? 4 : 2) * x * x * x * (10 - x * (15 - 6 * x)) * energy(r) * r * r;
  }
  const double s3 = std::pow(p.sigma_ang / pair_cutoff_ang, 3), volume = std::pow(p.sigma_ang, 3);
  return sum * width / steps / 3 + 4 * p.epsilon_ev * volume * (s3 * s3 * s3 / 9 - s3 / 3);
}

/// Stretches and bend of one molecule with bonds a, b: energy, and forces added to its H.
double add_bonds(const Qtip4pfParameters& p, const Vec3& a, const Vec3& b, Vec3& force_a, Vec3& force_b) {
  double energy = 0;
  const double length[2] = {norm(a), norm(b)};
  double pull[2];
  for (int k = 0; k < 2; ++k) {
    const double x = p.stretch_per_ang * (length[k] - p.bond_ang);
    energy += p.stretch_ev * x * x * (1 - x * (1 - 7.0 / 12 * x));
    pull[k] = -p.stretch_ev * p.stretch_per_ang * x * (2 - x * (3 - 7.0 / 3 * x)) / length[k];
  }
  force_a += pull[0] * a;
  force_b += pull[1] * b;
  const Vec3 u = a / length[0], v = b / length[1];
  const double sine = norm(cross(u, v)), cosine = dot(u, v), bend = std::atan2(sine, cosine) - p.angle_rad;
  energy += 0.5 * p.bend_ev_rad2 * bend * bend;
  if (sine > 1e-12) {  // a straight molecule has no direction to bend to
    const double torque = p.bend_ev_rad2 * bend / sine;
    force_a += (torque / length[0]) * (v - cosine * u);
    force_b += (torque / length[1]) * (u - cosine * v);
  }
  return energy;
}

/// What the waves hold of pairs within molecules, and of charges with themselves, taken off again.
double remove_own_waves(const std::array<double, per_molecule>& charge, const Molecule& site, Molecule& force, Mat3* virial) {
  double energy = 0;
  const double gauss = 2 * alpha_per_ang * std::numbers::inv_sqrtpi;
  for (std::size_t a = 0; a < per_molecule; ++a) {
    energy -= 0.5 * gauss * units::coulomb_ev_ang * charge[a] * charge[a];
    for (std::size_t b = 0; b < a; ++b) {
      const Vec3 d = site[a] - site[b];
      const double r2 = norm2(d), r = std::sqrt(r2), product = units::coulomb_ev_ang * charge[a] * charge[b];
      // erf(αr)/r and its derivative over r; where charges nearly coincide, by their series.
      const double y = alpha_per_ang * alpha_per_ang * r2;
      const double erf = y < 1e-4 ? gauss * (1 - y / 3 + y * y / 10) : std::erf(alpha_per_ang * r) / r;
      const double slope = y < 1e-4 ? -gauss * alpha_per_ang * alpha_per_ang * (2.0 / 3 - 0.4 * y) : (gauss * std::exp(-y) - erf) / r2;
      energy -= product * erf;
      const Vec3 on_a = (product * slope) * d;
      force[a] += on_a;
      force[b] -= on_a;
      if (virial) *virial += outer(d, on_a);
    }
  }
  return energy;
}

bool later(const Int3& image) { return image > Int3{0, 0, 0}; }

}  // namespace

Qtip4pfParameters qtip4pf_parameters() {
  using namespace units;
  return {.stretch_ev = 0.185 * ev_per_hartree, .stretch_per_ang = 1.21 / ang_per_bohr, .bond_ang = 1.78 * ang_per_bohr, .bend_ev_rad2 = 0.14 * ev_per_hartree,
          .angle_rad = 107.4 * std::numbers::pi / 180, .epsilon_ev = 2.95147e-4 * ev_per_hartree, .sigma_ang = 5.96946 * ang_per_bohr, .charge_m = -1.1128,
          .gamma = 0.73612};
}

Qtip4pf::Qtip4pf() {
  info_.kind = "qtip4pf";
  info_.elements = {8, 1};
  info_.trained_on_stress = true;
}

void Qtip4pf::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  static const Qtip4pfParameters p = qtip4pf_parameters();
  static const double left_out = left_out_ev_ang3(p);
  const std::array<double, per_molecule> charges{p.charge_m, -p.charge_m / 2, -p.charge_m / 2};
  const std::size_t atoms = batch.atoms->size(), molecules = atoms / per_molecule;
  check_order(*batch.atoms);
  auto* scratch = dynamic_cast<WaterScratch*>(workspace.scratch.get());
  if (!scratch) {
    workspace.scratch = std::make_unique<WaterScratch>();
    scratch = static_cast<WaterScratch*>(workspace.scratch.get());
  }
  scratch->lists.resize(batch.count());
  bool one_cell = true;
  for (const Cell& cell : batch.cell) one_cell = one_cell && cell == batch.cell[0];
  const std::size_t cells = one_cell ? std::min<std::size_t>(1, batch.count()) : batch.count();
  scratch->waves.resize(cells);
  scratch->waves_cell.resize(cells);
  for (std::size_t c = 0; c < cells; ++c) {
    const Cell& cell = batch.cell[c];
    const auto& periodic = cell.periodic();
    if (cell.any_periodic() && !(periodic[0] && periodic[1] && periodic[2]))
      throw Error(ErrorKind::unsupported, "this water model needs a cell that is periodic along all three vectors, or none: layers and wires have no Ewald sum here");
    if (!cell.any_periodic() || (scratch->waves_cell[c] == cell && !scratch->waves[c].plane.empty())) continue;
    scratch->waves[c] = kernels::ewald_waves(cell.rows_ang(), units::coulomb_ev_ang, alpha_per_ang, k_max_per_ang);
    scratch->waves_cell[c] = cell;
  }

  const auto evaluate_configuration = [&](std::size_t c, Buffers& work) {
    const Cell& cell = batch.cell[c];
    const bool periodic = cell.any_periodic();
    const std::span<const Vec3> position = batch.position_ang.subspan(c * atoms, atoms);
    Evaluation& result = results[c];
    double energy = 0;
    Mat3 virial;
    Mat3* const strain = want.virial ? &virial : nullptr;
    std::vector<Vec3>& force = result.force_ev_ang;
    force.assign(atoms, Vec3{});

    work.oxygen.resize(molecules);
    work.site.resize(molecules);
    work.oxygen_force.assign(molecules, Vec3{});
    work.site_force.assign(molecules, Molecule{});
    for (std::size_t m = 0; m < molecules; ++m) {
      const std::size_t first = m * per_molecule;
      for (std::size_t k = 0; k < per_molecule; ++k)
        if (!is_finite(position[first + k])) throw Error(ErrorKind::numeric, fmt::format("position of atom {} is not finite", first + k));
      work.oxygen[m] = position[first];
      Molecule& site = work.site[m];
      for (std::size_t k = 1; k < per_molecule; ++k) {
        site[k] = position[first + k] - position[first];
        if (norm2(site[k]) > longest_bond_ang * longest_bond_ang) site[k] = cell.minimum_image(site[k]);
        if (norm2(site[k]) > longest_bond_ang * longest_bond_ang)
          throw Error(ErrorKind::unsupported, fmt::format("atom {} (H) is {:.2f} Å from atom {}, the O of its molecule; this water model takes molecules as O H H, one after the other, "
                                                          "and cannot break them", first + k, norm(site[k]), first));
      }
      site[0] = (0.5 * (1 - p.gamma)) * (site[1] + site[2]);
      energy += add_bonds(p, site[1], site[2], work.site_force[m][1], work.site_force[m][2]);
      work.oxygen_force[m] -= work.site_force[m][1] + work.site_force[m][2];
      if (strain)
        for (std::size_t k = 1; k < per_molecule; ++k) virial += outer(site[k], work.site_force[m][k]);
      if (periodic) energy += remove_own_waves(charges, site, work.site_force[m], strain);
    }

    const kernels::MoleculePairLaw law{.charge = charges, .coulomb = units::coulomb_ev_ang, .epsilon = p.epsilon_ev, .sigma = p.sigma_ang, .periodic = periodic,
                                       .alpha = alpha_per_ang, .onset = onset_ang, .cutoff = pair_cutoff_ang};
    VerletList& verlet = scratch->lists[c];
    if (periodic) verlet.update(cell, work.oxygen, pair_cutoff_ang, workspace.skin_ang);
    const NeighborList& list = verlet.list();
    double pair_strain[6] = {};
    for (std::size_t m = 0; m < molecules; ++m) {
      const std::size_t most = periodic ? list.first[m + 1] - list.first[m] : molecules - m - 1;
      const std::size_t stride = (most + kernels::molecule_lanes - 1) / kernels::molecule_lanes * kernels::molecule_lanes;
      if (work.others.size() < kernels::molecule_rows * stride) {
        work.others.resize(kernels::molecule_rows * stride);
        work.other_force.resize(kernels::molecule_rows * stride);
        work.other.resize(stride);
      }
      std::size_t count = 0;
      const auto pack = [&](std::size_t other, const Vec3& d) {
        double* const row = work.others.data() + count;
        const auto put = [&](std::size_t at, const Vec3& r) {
          row[at * stride] = r.x;
          row[(at + 1) * stride] = r.y;
          row[(at + 2) * stride] = r.z;
        };
        put(0, d);
        for (std::size_t k = 0; k < per_molecule; ++k) put(3 + 3 * k, d + work.site[other][k]);
        work.other[count++] = other;
      };
      if (periodic) {
        for (std::size_t k = list.first[m]; k < list.first[m + 1]; ++k)
          if ((list.neighbor[k] > m || (list.neighbor[k] == m && later(list.image[k]))) && norm2(list.displacement_ang[k]) < pair_cutoff_ang * pair_cutoff_ang)
            pack(list.neighbor[k], list.displacement_ang[k]);
      } else {
        for (std::size_t other = m + 1; other < molecules; ++other) pack(other, work.oxygen[other] - work.oxygen[m]);
      }
      if (count == 0) continue;
      double own[kernels::molecule_rows] = {}, own_force[kernels::molecule_rows], of_pairs[6];
      for (std::size_t k = 0; k < per_molecule; ++k)
        for (int axis = 0; axis < 3; ++axis) own[3 + 3 * k + static_cast<std::size_t>(axis)] = work.site[m][k][axis];
      energy += kernels::molecule_pairs(law, own, count, stride, work.others.data(), own_force, work.other_force.data(), strain ? of_pairs : nullptr);
      if (strain)
        for (std::size_t k = 0; k < 6; ++k) pair_strain[k] += of_pairs[k];
      const auto add = [&](std::size_t molecule, const double* row, std::size_t step) {
        work.oxygen_force[molecule] += Vec3{row[0], row[step], row[2 * step]};
        for (std::size_t k = 0; k < per_molecule; ++k) work.site_force[molecule][k] += Vec3{row[(3 + 3 * k) * step], row[(4 + 3 * k) * step], row[(5 + 3 * k) * step]};
      };
      add(m, own_force, 1);
      for (std::size_t k = 0; k < count; ++k) add(work.other[k], work.other_force.data() + k, stride);
    }
    if (strain) {
      const auto [xx, yy, zz, xy, xz, yz] = pair_strain;
      virial += Mat3{{Vec3{xx, xy, xz}, Vec3{xy, yy, yz}, Vec3{xz, yz, zz}}};
    }

    if (periodic) {
      work.fraction.resize(atoms);
      work.charge.resize(atoms);
      for (std::size_t m = 0; m < molecules; ++m)
        for (std::size_t k = 0; k < per_molecule; ++k) {
          const Fractional f = cell.to_fractional(work.oxygen[m] + work.site[m][k]);
          work.fraction[m * per_molecule + k] = {f.a, f.b, f.c};
          work.charge[m * per_molecule + k] = charges[k];
        }
      work.wave_force.assign(atoms, Vec3{});
      energy += kernels::add_ewald_waves(scratch->waves[one_cell ? 0 : c], work.fraction, work.charge, work.ewald, work.wave_force, strain);
      for (std::size_t i = 0; i < atoms; ++i) work.site_force[i / per_molecule][i % per_molecule] += work.wave_force[i];
      const double tail = 2 * std::numbers::pi * static_cast<double>(molecules * molecules) / cell.volume_ang3() * left_out;
      energy += tail;
      for (int axis = 0; axis < 3; ++axis) virial[axis][axis] += tail;
    }

    for (std::size_t m = 0; m < molecules; ++m) {
      const Molecule& on = work.site_force[m];
      const Vec3 shared = (0.5 * (1 - p.gamma)) * on[0];
      force[m * per_molecule + 1] = on[1] + shared;
      force[m * per_molecule + 2] = on[2] + shared;
      force[m * per_molecule] = work.oxygen_force[m] + p.gamma * on[0];
    }
    result.energy_ev = energy;
    result.virial_ev.reset();
    if (want.virial) result.virial_ev = virial;
    if (!want.forces) force.clear();
    result.atom_energy_ev.clear();
    result.extrapolation.clear();
  };
  parallel_chunks(batch.count(), 1, [&](std::size_t begin, std::size_t end) {
    auto work = scratch->take();
    for (std::size_t c = begin; c < end; ++c) evaluate_configuration(c, *work);
    scratch->give_back(std::move(work));
  });
}

}  // namespace saltus
