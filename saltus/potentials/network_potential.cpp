#include "saltus/potentials/network_potential.hpp"

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/potentials/network_maps.hpp"

namespace saltus {

NetworkPotential::NetworkPotential(const PublishedModel& model, const NetworkSettings& settings)
    : precision_(settings.precision.value_or(model.dtype)), cutoff_ang_(model.cutoff_ang) {
  if (precision_ != Dtype::f32 && precision_ != Dtype::f64)
    throw Error(ErrorKind::usage, fmt::format("networks are evaluated in F32 or F64, not in {}", name(precision_)));
  info_.kind = family(model);
  info_.elements = model.atomic_number;
}

void NetworkPotential::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  const std::size_t n = batch.atoms->size();
  if (batch.position_ang.size() != n * batch.count() || results.size() != batch.count())
    throw Error(ErrorKind::internal, info_.kind + ": the batch does not fit its atoms");
  const std::vector<int> species = species_indices(batch.atoms->atomic_number, info_.elements, info_.kind.c_str());
  workspace.lists.resize(batch.count());
  for (std::size_t b = 0; b < batch.count(); ++b) {
    VerletList& list = workspace.lists[b];
    list.update(batch.cell[b], batch.position_ang.subspan(b * n, n), cutoff_ang_, workspace.skin_ang);
    network_->evaluate(species, list.list(), want, workspace.scratch, results[b]);
  }
}

}  // namespace saltus
