#include "saltus/potentials/difference.hpp"

#include <algorithm>

namespace saltus {

namespace {

struct DifferenceScratch final : Scratch {
  std::vector<Evaluation> cheap;  // [B]
};

}  // namespace

DifferencePotential::DifferencePotential(const Potential& dear, const Potential& cheap) : dear_(dear), cheap_(cheap), info_(dear.info()) {
  info_.kind = dear.info().kind + " less " + cheap.info().kind;
  info_.conservative = dear.info().conservative && cheap.info().conservative;
  info_.trained_on_stress = dear.info().trained_on_stress && cheap.info().trained_on_stress;
  info_.remote = dear.info().remote || cheap.info().remote;
}

double DifferencePotential::cutoff_ang() const { return std::max(dear_.cutoff_ang(), cheap_.cutoff_ang()); }

void DifferencePotential::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  if (workspace.children.size() != 2) workspace.children = std::vector<Workspace>(2);
  for (Workspace& child : workspace.children) child.skin_ang = workspace.skin_ang;
  auto* scratch = dynamic_cast<DifferenceScratch*>(workspace.scratch.get());
  if (!scratch) workspace.scratch.reset(scratch = new DifferenceScratch);
  scratch->cheap.resize(batch.count());
  want.atom_energies = false;
  dear_.evaluate(batch, want, workspace.children[0], results);
  want.extrapolation = want.spread = false;
  cheap_.evaluate(batch, want, workspace.children[1], scratch->cheap);
  for (std::size_t b = 0; b < batch.count(); ++b) {
    const Evaluation& cheap = scratch->cheap[b];
    Evaluation& result = results[b];
    result.energy_ev -= cheap.energy_ev;
    for (std::size_t i = 0; i < result.force_ev_ang.size(); ++i) result.force_ev_ang[i] -= cheap.force_ev_ang[i];
    if (!cheap.virial_ev) result.virial_ev.reset();
    if (!result.virial_ev) continue;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) (*result.virial_ev)[i][j] -= (*cheap.virial_ev)[i][j];
  }
}

}  // namespace saltus
