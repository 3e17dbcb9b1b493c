#include "saltus/dynamics/forces.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

// All lists of a workspace and its children are searched at the same positions, so the first tells for all.
const VerletList* first_list(const Workspace& workspace) {
  if (!workspace.lists.empty()) return &workspace.lists.front();
  for (const Workspace& child : workspace.children)
    if (const VerletList* list = first_list(child)) return list;
  return nullptr;
}

}  // namespace

Forces::Forces(const Potential& potential, double skin_ang) : potential_(potential) { workspace_.skin_ang = skin_ang; }

void Forces::update(State& state) {
  if (state.forces_current && (state.virial_ev || !measure_virial_)) return;
  const PotentialInfo& info = potential_.info();
  const Want want{.forces = true, .virial = measure_virial_, .extrapolation = measure_doubt_ && info.has_extrapolation, .spread = measure_doubt_ && info.has_spread};
  potential_.evaluate({state.atoms.get(), {&state.cell, 1}, state.position_ang}, want, workspace_, {&evaluation_, 1});
  state.force_ev_ang = evaluation_.force_ev_ang;
  state.energy_ev = evaluation_.energy_ev;
  state.virial_ev = measure_virial_ ? evaluation_.virial_ev : std::nullopt;
  if (measure_virial_ && !state.virial_ev) throw Error(ErrorKind::unsupported, "this potential gives no virial, so there is no pressure");
  for (std::size_t i = 0; i < state.size(); ++i)
    if (!is_finite(state.force_ev_ang[i]))
      throw Error(ErrorKind::numeric, fmt::format("the force on atom {} ({}) is not finite", i,
                                                  symbol_of(state.atoms->atomic_number[i])));
  if (!std::isfinite(state.energy_ev)) throw Error(ErrorKind::numeric, "the potential energy is not finite");
  if (state.virial_ev && !(is_finite((*state.virial_ev)[0]) && is_finite((*state.virial_ev)[1]) && is_finite((*state.virial_ev)[2])))
    throw Error(ErrorKind::numeric, "the virial is not finite");
  state.forces_current = true;
}

void Forces::measure_doubt(bool wanted) { measure_doubt_ = wanted; }

void Forces::restore(const State& state) {
  const double skin = workspace_.skin_ang;
  workspace_ = {};
  workspace_.skin_ang = skin;
  if (state.reference_ang.empty()) return;
  potential_.evaluate({state.atoms.get(), {&state.reference_cell, 1}, state.reference_ang}, {}, workspace_, {&evaluation_, 1});
}

void Forces::save_reference(State& state) const {
  const VerletList* list = first_list(workspace_);
  state.reference_ang = list ? list->reference_position_ang() : std::vector<Vec3>{};
  state.reference_cell = list ? list->reference_cell() : Cell();
}

}  // namespace saltus
