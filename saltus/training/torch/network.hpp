// A published network as tensors that libtorch can train: energies of atoms, and by differentiation forces and virials.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "saltus/models/published_model.hpp"
#include "saltus/training/torch/convolution.hpp"
#include "saltus/training/torch/graph.hpp"

namespace saltus::training {

/// Tensors by the names of docs/model_files.md, all of one type on one device.
using Tensors = std::map<std::string, at::Tensor>;

Tensors tensors_of(const PublishedModel& model, const Placement& placement);
/// The model with the values of these tensors, in the element type that it had.
PublishedModel with_tensors(PublishedModel model, const Tensors& tensors);

/// A tensor as bytes and back, on the CPU.
Tensor stored(const at::Tensor& tensor);
at::Tensor loaded(const Tensor& tensor);

/// Names of tensors that are weights; the others (couplings, radii) never change.
bool is_weight(const PublishedModel& model, const std::string& name);
/// The tensor that holds the reference energies, [rows, species].
const char* reference_energies_name(const PublishedModel& model);

class Network {
 public:
  using Weights = std::function<const at::Tensor&(const std::string& name)>;
  virtual ~Network() = default;
  /// [atoms] in eV. `vector_ang` are the graph's edge vectors, or a leaf in their place.
  virtual at::Tensor atom_energies_ev(const std::shared_ptr<const Graph>& graph, const at::Tensor& vector_ang, const Weights& weights) const = 0;
};

/// `head`: row of a model with several heads or modalities. Throws Error{format}, Error{unsupported}.
std::unique_ptr<Network> make_network(const PublishedModel& model, const Placement& placement, std::size_t head, bool fused);
std::unique_ptr<Network> make_sevennet(const PublishedModel& model, const Placement& placement, std::size_t modality, bool fused);
std::unique_ptr<Network> make_mattersim(const PublishedModel& model);
std::unique_ptr<Network> make_mace(const PublishedModel& model, const Placement& placement, std::size_t head, bool fused);

/// What a network says of a graph.
struct Labels {
  at::Tensor energy_ev;     ///< [configurations], always in double
  at::Tensor force_ev_ang;  ///< [atoms, 3]
  at::Tensor virial_ev;     ///< [configurations, 3, 3] Σ r⊗f
};

/// `differentiable`: forces and virials can be differentiated further, by the weights. `forces` false: energies only.
Labels predict(const Network& network, const std::shared_ptr<const Graph>& graph, const Network::Weights& weights, bool forces, bool differentiable);

}  // namespace saltus::training
