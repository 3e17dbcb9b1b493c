#include "saltus/training/torch/network.hpp"

#include <cstring>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus::training {

namespace {

at::ScalarType scalar_type(Dtype dtype, const char* what) {
  switch (dtype) {
    case Dtype::f32: return at::kFloat;
    case Dtype::f64: return at::kDouble;
    case Dtype::i64: return at::kLong;
    default: throw Error(ErrorKind::unsupported, fmt::format("{}: tensors of {} are not trained", what, name(dtype)));
  }
}

}  // namespace

at::Tensor loaded(const Tensor& tensor) {
  std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
  at::Tensor result = at::empty(shape, scalar_type(tensor.dtype, "training"));
  if (result.nbytes() != tensor.bytes.size()) throw Error(ErrorKind::format, "a tensor's bytes do not fit its shape");
  std::memcpy(result.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
  return result;
}

Tensor stored(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  Tensor result;
  result.dtype = plain.scalar_type() == at::kFloat ? Dtype::f32 : plain.scalar_type() == at::kDouble ? Dtype::f64 : Dtype::i64;
  result.shape.assign(plain.sizes().begin(), plain.sizes().end());
  result.bytes.assign(static_cast<const char*>(plain.data_ptr()), plain.nbytes());
  return result;
}

Tensors tensors_of(const PublishedModel& model, const Placement& placement) {
  Tensors result;
  for (const auto& [name, tensor] : model.tensors.tensors) result[name] = loaded(tensor).to(placement.numbers());
  return result;
}

PublishedModel with_tensors(PublishedModel model, const Tensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    Tensor& target = model.tensors.tensors.at(name);
    target = stored(tensor.to(scalar_type(target.dtype, name.c_str())));
  }
  return model;
}

bool is_weight(const PublishedModel& model, const std::string& name) {
  if (std::holds_alternative<SevenNetModel>(model.architecture)) return true;
  if (std::holds_alternative<MatterSimModel>(model.architecture)) return !name.starts_with("bessel_") && !name.starts_with("spherical_");
  return name.find(".u.") == std::string::npos && name != "covalent_radii_ang" && name != "bessel_frequencies";
}

const char* reference_energies_name(const PublishedModel& model) {
  return std::holds_alternative<MaceModel>(model.architecture) ? "atomic_energies" : "energy_shift";
}

std::unique_ptr<Network> make_network(const PublishedModel& model, const Placement& placement, std::size_t head, bool fused) {
  if (std::holds_alternative<MatterSimModel>(model.architecture)) return make_mattersim(model);
  return std::holds_alternative<SevenNetModel>(model.architecture) ? make_sevennet(model, placement, head, fused) : make_mace(model, placement, head, fused);
}

Labels predict(const Network& network, const std::shared_ptr<const Graph>& graph, const Network::Weights& weights, bool forces, bool differentiable) {
  const at::AutoGradMode mode(forces || differentiable);
  const at::Tensor vector = graph->vector_ang.detach().set_requires_grad(forces);
  const at::Tensor atom_energy = network.atom_energies_ev(graph, vector, weights);
  Labels labels;
  // Sums over many atoms of large numbers: in double whatever the network is in.
  labels.energy_ev = at::zeros({graph->configurations}, atom_energy.options().dtype(at::kDouble)).index_add(0, graph->configuration, atom_energy.to(at::kDouble));
  if (!forces) return labels;
  at::Tensor slope = at::zeros_like(vector);  // dE/d(vector)
  if (graph->edges > 0) {
    // A network of one layer without edges does not depend on them; then all forces are zero.
    const auto gradient = torch::autograd::grad({atom_energy.sum()}, {vector}, {}, differentiable, differentiable, true);
    if (gradient[0].defined()) slope = gradient[0];
  }
  labels.force_ev_ang = at::zeros({graph->atoms, 3}, vector.options()).index_add(0, graph->center, slope).index_add(0, graph->neighbor, -slope);
  const at::Tensor edge_virial = -(vector.detach().unsqueeze(2) * slope.unsqueeze(1)).reshape({graph->edges, 9});
  labels.virial_ev = at::zeros({graph->configurations, 9}, vector.options()).index_add(0, graph->edge_configuration, edge_virial).reshape({graph->configurations, 3, 3});
  return labels;
}

}  // namespace saltus::training
