#include "saltus/dynamics/ring_forces.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_contraction.hpp"

namespace saltus {

namespace {

// Beads start as those of a harmonic oscillator of 3500/cm, each degree of freedom by its own mass.
constexpr double start_frequency_per_fs = 2 * std::numbers::pi * units::light_cm_per_fs * 3500;

const std::vector<VerletList>* first_lists(const Workspace& workspace) {
  if (!workspace.lists.empty()) return &workspace.lists;
  for (const Workspace& child : workspace.children)
    if (const auto* lists = first_lists(child)) return lists;
  return nullptr;
}

std::string atom_name(const Atoms& atoms, std::size_t i) { return fmt::format("atom {} ({})", i, symbol_of(atoms.atomic_number[i])); }

void copy(std::span<const double> from, std::vector<Vec3>& to) {
  to.resize(from.size() / 3);
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = {from[3 * i], from[3 * i + 1], from[3 * i + 2]};
}

void check(const Atoms& atoms, std::size_t bead, const Evaluation& result) {
  for (std::size_t i = 0; i < result.force_ev_ang.size(); ++i)
    if (!is_finite(result.force_ev_ang[i])) throw Error(ErrorKind::numeric, fmt::format("bead {}: the force on {} is not finite", bead, atom_name(atoms, i)));
  if (!std::isfinite(result.energy_ev)) throw Error(ErrorKind::numeric, fmt::format("bead {}: the potential energy is not finite", bead));
}

// Flat, and none that is not finite.
void take(const Atoms& atoms, std::span<const Evaluation> results, std::span<double> energy_ev, std::span<double> force_ev_ang) {
  for (std::size_t bead = 0; bead < results.size(); ++bead) {
    check(atoms, bead, results[bead]);
    energy_ev[bead] = results[bead].energy_ev;
    double* force = force_ev_ang.data() + bead * 3 * atoms.size();
    for (std::size_t i = 0; i < atoms.size(); ++i)
      for (int axis = 0; axis < 3; ++axis) force[3 * i + static_cast<std::size_t>(axis)] = results[bead].force_ev_ang[i][axis];
  }
}

// [configurations · atoms] positions of the last neighbour searches; empty where they are not of these atoms.
std::vector<Vec3> references(const std::vector<VerletList>& lists, std::size_t atoms) {
  std::vector<Vec3> all;
  for (const VerletList& list : lists) {
    const auto& reference = list.reference_position_ang();
    if (reference.size() != atoms) return {};
    all.insert(all.end(), reference.begin(), reference.end());
  }
  return all;
}

}  // namespace

AtomRing atom_ring(const Frame& frame, std::size_t beads, double temperature_kelvin, const Random& random) {
  if (frame.size() == 0) throw Error(ErrorKind::usage, "the starting frame has no atoms");
  AtomRing state;
  state.atoms = frame.atoms;
  state.cell = frame.cell;
  std::vector<double> mass, centroid;
  for (std::size_t i = 0; i < frame.size(); ++i)
    for (int axis = 0; axis < 3; ++axis) {
      mass.push_back(frame.atoms->mass_amu[i]);
      centroid.push_back(frame.position_ang[i][axis]);
    }
  state.ring = thermal_ring_state(ring_modes(beads, temperature_kelvin), std::move(mass), centroid, random);
  const std::size_t n = state.ring.freedom();
  for (std::size_t k = 1; k < beads; ++k) {
    const double w = state.ring.modes.frequency_per_fs[k], scale = w / std::hypot(w, start_frequency_per_fs);
    for (std::size_t i = 0; i < n; ++i) state.ring.mode_position_ang[k * n + i] *= scale;
  }
  return state;
}

Frame frame_of_bead(const AtomRing& state, std::size_t bead) {
  const RingState& ring = state.ring;
  const std::size_t n = ring.freedom();
  Frame frame;
  frame.atoms = state.atoms;
  frame.cell = state.cell;
  frame.step = ring.step;
  frame.bead = static_cast<std::int32_t>(bead);
  frame.time_fs = ring.time_fs;
  copy(std::span(ring.position_ang).subspan(bead * n, n), frame.position_ang);
  if (ring.forces_current) {
    const bool bare = !state.bare_energy_ev.empty();
    copy(std::span(bare ? state.bare_force_ev_ang : ring.force_ev_ang).subspan(bead * n, n), frame.force_ev_ang);
    frame.energy_ev = bare ? state.bare_energy_ev[bead] : ring.energy_ev[bead];
  }
  return frame;
}

Frame frame_of_centroids(const AtomRing& state) {
  const RingState& ring = state.ring;
  const std::size_t n = ring.freedom();
  const double scale = 1 / std::sqrt(static_cast<double>(ring.beads()));
  Frame frame;
  frame.atoms = state.atoms;
  frame.cell = state.cell;
  frame.step = ring.step;
  frame.time_fs = ring.time_fs;
  copy(std::span(ring.mode_position_ang).first(n), frame.position_ang);
  copy(std::span(ring.mode_velocity_ang_fs).first(n), frame.velocity_ang_fs);
  for (Vec3& r : frame.position_ang) r *= scale;
  for (Vec3& v : frame.velocity_ang_fs) v *= scale;
  return frame;
}

RingForces::RingForces(const Potential& potential, double skin_ang) : potential_(potential) { workspace_.skin_ang = skin_ang; }

void RingForces::correct_by(const Potential& correction) {
  correction_ = std::make_unique<RingForces>(correction, workspace_.skin_ang);
  measure_doubt(measure_doubt_);
  measure_virial(measure_virial_);
}

void RingForces::measure_doubt(bool wanted) {
  measure_doubt_ = wanted && !correction_;
  if (correction_) correction_->measure_doubt(wanted);
}

void RingForces::measure_virial(bool wanted) {
  measure_virial_ = wanted;
  if (correction_) correction_->measure_virial(wanted);
}

void RingForces::evaluate(AtomRing& state, std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang) {
  const std::size_t beads = energy_ev.size();
  const PotentialInfo& info = potential_.info();
  const Want want{.forces = true, .virial = measure_virial_, .extrapolation = measure_doubt_ && info.has_extrapolation, .spread = measure_doubt_ && info.has_spread};
  copy(position_ang, positions_);
  cells_.assign(beads, state.cell);
  results_.resize(beads);
  potential_.evaluate({state.atoms.get(), cells_, positions_}, want, workspace_, results_);
  state.virial_ev.reset();
  if (measure_virial_) state.virial_ev = Mat3{};
  take(*state.atoms, results_, energy_ev, force_ev_ang);
  for (std::size_t bead = 0; bead < beads && measure_virial_; ++bead) {
    const Evaluation& result = results_[bead];
    if (!result.virial_ev) throw Error(ErrorKind::unsupported, "this potential gives no virial, so there is no pressure");
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) (*state.virial_ev)[a][b] += (*result.virial_ev)[a][b] / static_cast<double>(beads);
  }
  if (factorization_.primitive()) return;
  state.bare_energy_ev.assign(energy_ev.begin(), energy_ev.end());
  state.bare_force_ev_ang.assign(force_ev_ang.begin(), force_ev_ang.end());
  const BeadForces displaced = [&](std::span<const double> position, std::span<double> energy, std::span<double> force) { evaluate_displaced(state, position, energy, force); };
  make_fourth_order(factorization_, state.ring.modes, state.ring.mass_amu, position_ang, displaced, energy_ev, force_ev_ang);
}

void RingForces::evaluate_displaced(const AtomRing& state, std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang) {
  displaced_workspace_.skin_ang = workspace_.skin_ang;
  copy(position_ang, positions_);
  cells_.assign(energy_ev.size(), state.cell);
  other_results_.resize(energy_ev.size());
  potential_.evaluate({state.atoms.get(), cells_, positions_}, {}, displaced_workspace_, other_results_);
  take(*state.atoms, other_results_, energy_ev, force_ev_ang);
}

BeadForces RingForces::of(AtomRing& state) {
  return [this, &state](std::span<const double> position_ang, std::span<double> energy_ev, std::span<double> force_ev_ang) {
    evaluate(state, position_ang, energy_ev, force_ev_ang);
  };
}

void RingForces::update(AtomRing& state) {
  if (measure_virial_ && !state.virial_ev) state.ring.forces_current = false;
  update_forces(state.ring, of(state));
  if (correction_) correction_->update(state.contracted.front());
}

std::vector<double> RingForces::mean_energies_ev(const AtomRing& state, std::span<const Vec3> position_ang, std::span<const double> mass_amu) {
  const std::size_t beads = state.ring.beads(), ring_size = beads * state.size(), rings = position_ang.size() / ring_size;
  other_results_.resize(rings * beads);
  other_workspace_.skin_ang = workspace_.skin_ang;
  const std::vector<Cell> cells(rings * beads, state.cell);
  potential_.evaluate({state.atoms.get(), cells, position_ang}, {.forces = !factorization_.primitive()}, other_workspace_, other_results_);
  std::vector<double> mean(rings);
  for (std::size_t k = 0; k < rings * beads; ++k) {
    const std::size_t bead = k % beads;
    double square = 0;  // of the forces, over the masses
    for (std::size_t i = 0; i < other_results_[k].force_ev_ang.size() && !factorization_.primitive(); ++i) square += norm2(other_results_[k].force_ev_ang[i]) / mass_amu[i];
    mean[k / beads] += (factorization_.weight(bead) * other_results_[k].energy_ev + factorization_.scale(state.ring.modes, bead) * square) / static_cast<double>(beads);
  }
  if (!correction_) return mean;
  std::vector<Vec3> contracted;
  for (std::size_t r = 0; r < rings; ++r) {
    const std::vector<Vec3> one = contracted_positions(state, position_ang.subspan(r * ring_size, ring_size));
    contracted.insert(contracted.end(), one.begin(), one.end());
  }
  const std::vector<double> more = correction_->mean_energies_ev(state.contracted.front(), contracted, mass_amu);
  for (std::size_t r = 0; r < rings; ++r) mean[r] += more[r];
  return mean;
}

void RingForces::rebuild(Workspace& workspace, const AtomRing& state, std::span<const Vec3> reference_ang) {
  const double skin = workspace_.skin_ang;
  workspace = {};
  workspace.skin_ang = skin;
  if (reference_ang.empty()) return;
  cells_.assign(reference_ang.size() / state.size(), state.reference_cell);
  other_results_.resize(cells_.size());
  potential_.evaluate({state.atoms.get(), cells_, reference_ang}, {}, workspace, other_results_);
}

void RingForces::restore(const AtomRing& state) {
  if (correction_) correction_->restore(state.contracted.front());
  rebuild(displaced_workspace_, state, state.displaced_reference_ang);
  rebuild(workspace_, state, state.reference_ang);
}

void RingForces::save_reference(AtomRing& state) const {
  if (correction_) correction_->save_reference(state.contracted.front());
  state.reference_ang.clear();
  state.displaced_reference_ang.clear();
  const auto* lists = first_lists(workspace_);
  if (!lists) return;
  state.reference_cell = lists->front().reference_cell();
  state.reference_ang = references(*lists, state.size());
  if (state.reference_ang.size() != state.size() * state.ring.beads()) state.reference_ang.clear();
  if (const auto* displaced = first_lists(displaced_workspace_)) state.displaced_reference_ang = references(*displaced, state.size());
}

}  // namespace saltus
