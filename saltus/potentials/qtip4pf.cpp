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

constexpr double alpha_per_ang = 0.54, k_max_per_ang = 4.6, onset_ang = 8, pair_cutoff_ang = 9, longest_bond_ang = 1.8, largest_cell_ang3 = 5e6;
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

/// One configuration on its way: what is known of it, and what has been found.
struct Configuration {
  const Cell& cell;
  std::span<const Vec3> position;
  bool periodic;
  Buffers& work;
  double energy = 0;
  Mat3 virial;
  Mat3* strain;  // virial, or null where it is not wanted

  std::size_t molecules() const { return position.size() / per_molecule; }
};

constexpr Qtip4pfParameters parameters{.stretch_ev = 0.185 * units::ev_per_hartree,
                                       .stretch_per_ang = 1.21 / units::ang_per_bohr,
                                       .bond_ang = 1.78 * units::ang_per_bohr,
                                       .bend_ev_rad2 = 0.14 * units::ev_per_hartree,
                                       .angle_rad = 107.4 * std::numbers::pi / 180,
                                       .epsilon_ev = 2.95147e-4 * units::ev_per_hartree,
                                       .sigma_ang = 5.96946 * units::ang_per_bohr,
                                       .charge_m = -1.1128,
                                       .gamma = 0.73612};
constexpr std::array<double, per_molecule> charges{parameters.charge_m, -parameters.charge_m / 2, -parameters.charge_m / 2};

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
double left_out_ev_ang3() {
  const Qtip4pfParameters& p = parameters;
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
double add_bonds(const Vec3& a, const Vec3& b, Vec3& force_a, Vec3& force_b) {
  const Qtip4pfParameters& p = parameters;
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
double remove_own_waves(const Molecule& site, Molecule& force, Mat3* virial) {
  double energy = 0;
  const double gauss = 2 * alpha_per_ang * std::numbers::inv_sqrtpi;
  for (std::size_t a = 0; a < per_molecule; ++a) {
    energy -= 0.5 * gauss * units::coulomb_ev_ang * charges[a] * charges[a];
    for (std::size_t b = 0; b < a; ++b) {
      const Vec3 d = site[a] - site[b];
      const double r2 = norm2(d), r = std::sqrt(r2), product = units::coulomb_ev_ang * charges[a] * charges[b];
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

/// Places of the sites, and what goes on within molecules.
void add_molecules(Configuration& c) {
  Buffers& work = c.work;
  work.oxygen.resize(c.molecules());
  work.site.resize(c.molecules());
  work.oxygen_force.assign(c.molecules(), Vec3{});
  work.site_force.assign(c.molecules(), Molecule{});
  for (std::size_t m = 0; m < c.molecules(); ++m) {
    const std::size_t first = m * per_molecule;
    for (std::size_t k = 0; k < per_molecule; ++k)
      if (!is_finite(c.position[first + k])) throw Error(ErrorKind::numeric, fmt::format("position of atom {} is not finite", first + k));
    work.oxygen[m] = c.position[first];
    Molecule &site = work.site[m], &force = work.site_force[m];
    for (std::size_t k = 1; k < per_molecule; ++k) {
      site[k] = c.position[first + k] - c.position[first];
      if (norm2(site[k]) > longest_bond_ang * longest_bond_ang) site[k] = c.cell.minimum_image(site[k]);
      if (norm2(site[k]) > longest_bond_ang * longest_bond_ang)
        throw Error(ErrorKind::unsupported, fmt::format("atom {} (H) is {:.2f} Å from atom {}, the O of its molecule; this water model takes molecules as O H H, "
                                                        "one after the other, and cannot break them", first + k, norm(site[k]), first));
    }
    site[0] = (0.5 * (1 - parameters.gamma)) * (site[1] + site[2]);
    c.energy += add_bonds(site[1], site[2], force[1], force[2]);
    work.oxygen_force[m] -= force[1] + force[2];
    if (c.strain)
      for (std::size_t k = 1; k < per_molecule; ++k) c.virial += outer(site[k], force[k]);
    if (c.periodic) c.energy += remove_own_waves(site, force, c.strain);
  }
}

/// The other molecules of the pairs of molecule m, each pair once, with the places of their sites from the oxygen of m; returns their number.
std::size_t pack_others(const Configuration& c, const NeighborList& list, std::size_t m, std::size_t stride) {
  Buffers& work = c.work;
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
  if (!c.periodic) {
    for (std::size_t other = m + 1; other < c.molecules(); ++other) pack(other, work.oxygen[other] - work.oxygen[m]);
    return count;
  }
  for (std::size_t k = list.first[m]; k < list.first[m + 1]; ++k)
    if ((list.neighbor[k] > m || (list.neighbor[k] == m && later(list.image[k]))) && norm2(list.displacement_ang[k]) < pair_cutoff_ang * pair_cutoff_ang)
      pack(list.neighbor[k], list.displacement_ang[k]);
  return count;
}

/// Pairs of molecules; `list` holds the oxygens of a periodic cell.
void add_pairs(Configuration& c, const NeighborList& list) {
  Buffers& work = c.work;
  const kernels::MoleculePairLaw law{.charge = charges, .coulomb = units::coulomb_ev_ang, .epsilon = parameters.epsilon_ev, .sigma = parameters.sigma_ang, .periodic = c.periodic,
                                     .alpha = alpha_per_ang, .onset = onset_ang, .cutoff = pair_cutoff_ang};
  const auto add = [&](std::size_t molecule, const double* row, std::size_t step) {
    work.oxygen_force[molecule] += Vec3{row[0], row[step], row[2 * step]};
    for (std::size_t k = 0; k < per_molecule; ++k) work.site_force[molecule][k] += Vec3{row[(3 + 3 * k) * step], row[(4 + 3 * k) * step], row[(5 + 3 * k) * step]};
  };
  for (std::size_t m = 0; m < c.molecules(); ++m) {
    const std::size_t most = c.periodic ? list.first[m + 1] - list.first[m] : c.molecules() - m - 1;
    const std::size_t stride = (most + kernels::molecule_lanes - 1) / kernels::molecule_lanes * kernels::molecule_lanes;
    if (work.other.size() < stride) {
      work.others.resize(kernels::molecule_rows * stride);
      work.other_force.resize(kernels::molecule_rows * stride);
      work.other.resize(stride);
    }
    const std::size_t count = pack_others(c, list, m, stride);
    if (count == 0) continue;
    double own[kernels::molecule_rows] = {}, own_force[kernels::molecule_rows], strain[6];
    for (std::size_t k = 0; k < per_molecule; ++k)
      for (int axis = 0; axis < 3; ++axis) own[3 + 3 * k + static_cast<std::size_t>(axis)] = work.site[m][k][axis];
    c.energy += kernels::molecule_pairs(law, own, count, stride, work.others.data(), own_force, work.other_force.data(), c.strain ? strain : nullptr);
    if (c.strain) {
      const auto [xx, yy, zz, xy, xz, yz] = strain;
      c.virial += Mat3{{Vec3{xx, xy, xz}, Vec3{xy, yy, yz}, Vec3{xz, yz, zz}}};
    }
    add(m, own_force, 1);
    for (std::size_t k = 0; k < count; ++k) add(work.other[k], work.other_force.data() + k, stride);
  }
}

/// Waves of all charges, and the Lennard-Jones energy beyond the cutoff.
void add_waves(Configuration& c, const kernels::EwaldWaves& waves) {
  static const double left_out = left_out_ev_ang3();
  Buffers& work = c.work;
  const std::size_t atoms = c.position.size();
  work.fraction.resize(atoms);
  work.charge.resize(atoms);
  for (std::size_t i = 0; i < atoms; ++i) {
    const std::size_t m = i / per_molecule, k = i % per_molecule;
    const Fractional f = c.cell.to_fractional(work.oxygen[m] + work.site[m][k]);
    work.fraction[i] = {f.a, f.b, f.c};
    work.charge[i] = charges[k];
  }
  work.wave_force.assign(atoms, Vec3{});
  c.energy += kernels::add_ewald_waves(waves, work.fraction, work.charge, work.ewald, work.wave_force, c.strain);
  for (std::size_t i = 0; i < atoms; ++i) work.site_force[i / per_molecule][i % per_molecule] += work.wave_force[i];
  const double tail = 2 * std::numbers::pi * static_cast<double>(c.molecules() * c.molecules()) / c.cell.volume_ang3() * left_out;
  c.energy += tail;
  for (int axis = 0; axis < 3; ++axis) c.virial[axis][axis] += tail;
}

/// Forces on the atoms, that on M shared among its molecule.
void set_forces(const Configuration& c, std::vector<Vec3>& force) {
  for (std::size_t m = 0; m < c.molecules(); ++m) {
    const Molecule& on = c.work.site_force[m];
    const Vec3 shared = (0.5 * (1 - parameters.gamma)) * on[0];
    force[m * per_molecule] = c.work.oxygen_force[m] + parameters.gamma * on[0];
    for (std::size_t k = 1; k < per_molecule; ++k) force[m * per_molecule + k] = on[k] + shared;
  }
}

/// The waves of each cell, one set where all cells are the same. Throws for a cell that has no sum.
void prepare_waves(std::span<const Cell> cells, WaterScratch& scratch) {
  const bool one = std::all_of(cells.begin(), cells.end(), [&](const Cell& cell) { return cell == cells[0]; });
  const std::size_t sets = one ? std::min<std::size_t>(1, cells.size()) : cells.size();
  scratch.waves.resize(sets);
  scratch.waves_cell.resize(sets);
  for (std::size_t c = 0; c < sets; ++c) {
    const Cell& cell = cells[c];
    const auto& periodic = cell.periodic();
    if (cell.any_periodic() && !(periodic[0] && periodic[1] && periodic[2]))
      throw Error(ErrorKind::unsupported, "this water model needs a cell that is periodic along all three vectors, or along none; "
                                          "give the layer or wire a cell with room around it");
    if (!cell.any_periodic() || scratch.waves_cell[c] == cell) continue;
    if (const Mat3& rows = cell.rows_ang(); norm(rows[0]) * norm(rows[1]) * norm(rows[2]) > largest_cell_ang3)
      throw Error(ErrorKind::unsupported, fmt::format("the lengths of the lattice vectors multiply to {:.3g} Å³: beyond {:.0g} the Ewald sum has too many waves; "
                                                      "make the cell smaller, or not periodic for molecules alone", norm(rows[0]) * norm(rows[1]) * norm(rows[2]), largest_cell_ang3));
    scratch.waves[c] = kernels::ewald_waves(cell.rows_ang(), units::coulomb_ev_ang, alpha_per_ang, k_max_per_ang);
    scratch.waves_cell[c] = cell;
  }
}

}  // namespace

Qtip4pfParameters qtip4pf_parameters() { return parameters; }

Qtip4pf::Qtip4pf() {
  info_.kind = "qtip4pf";
  info_.elements = {8, 1};
  info_.trained_on_stress = true;
}

void Qtip4pf::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  const std::size_t atoms = batch.atoms->size();
  check_order(*batch.atoms);
  auto* scratch = dynamic_cast<WaterScratch*>(workspace.scratch.get());
  if (!scratch) {
    workspace.scratch = std::make_unique<WaterScratch>();
    scratch = static_cast<WaterScratch*>(workspace.scratch.get());
  }
  scratch->lists.resize(batch.count());
  prepare_waves(batch.cell, *scratch);
  parallel_chunks(batch.count(), 1, [&](std::size_t c, std::size_t) {
    auto work = scratch->take();
    Configuration configuration{batch.cell[c], batch.position_ang.subspan(c * atoms, atoms), batch.cell[c].any_periodic(), *work, 0, {}, nullptr};
    if (want.virial) configuration.strain = &configuration.virial;
    add_molecules(configuration);
    VerletList& list = scratch->lists[c];
    if (configuration.periodic) list.update(batch.cell[c], work->oxygen, pair_cutoff_ang, workspace.skin_ang);
    add_pairs(configuration, list.list());
    if (configuration.periodic) add_waves(configuration, scratch->waves[std::min(c, scratch->waves.size() - 1)]);
    Evaluation& result = results[c];
    result.energy_ev = configuration.energy;
    result.force_ev_ang.resize(want.forces ? atoms : 0);
    if (want.forces) set_forces(configuration, result.force_ev_ang);
    result.virial_ev.reset();
    if (want.virial) result.virial_ev = configuration.virial;
    result.atom_energy_ev.clear();
    result.extrapolation.clear();
    scratch->give_back(std::move(work));
  });
}

}  // namespace saltus
