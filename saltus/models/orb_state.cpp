// State dictionaries of orb-models. Reference: the source of orb-models 0.5.5 (gns.py, forcefield_heads.py, pretrained.py, load.py).
#include "saltus/models/orb_state.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/models/torch_module.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_weights = 10'000, most_layers = 64, most_hidden = 8;
constexpr double cutoff_ang = 6;
constexpr std::size_t last_repelled = 95;  // the repulsion takes radii of Z+1, of which the last is that of curium
constexpr std::size_t v2_neighbors = 20, few_neighbors = 20, unlimited_neighbors = 120;
constexpr std::size_t gaussians = 20;
constexpr double gaussian_reach_ang = 10;

// As orb-models renames the heads of its second version.
std::string modern_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> renamed{{{"node_head.", "heads.forces."}, {"graph_head.", "heads.energy."}, {"stress_head.", "heads.stress."}}};
  for (const auto& [old, own] : renamed)
    if (name.starts_with(old)) return std::string(own) + std::string(name.substr(old.size()));
  return std::string(name);
}

bool is_layer_weight(std::string_view name) { return name.ends_with("gnn_stacks.0._edge_mlp.mlp.NN-0.weight"); }

class State {
 public:
  explicit State(const TorchArchive& archive) : source_(archive.source()) {
    const Pickle& pickle = archive.data();
    const auto* const pairs = pickle.pairs(pickle.root());
    if (!pairs || pairs->size() > most_weights) throw Error(ErrorKind::unsupported, fmt::format("{}: it is no dictionary, or has more than {} weights", source_, most_weights));
    for (const auto& [key, value] : *pairs) {
      const auto name = pickle.text(key);
      const auto view = archive.tensor(value);
      if (!name || !view) refuse(fmt::format("'{}' is no named tensor", name ? std::string(name->substr(0, 80)) : "a key"));
      if (!weights_.emplace(modern_name(*name), *view).second) fail(fmt::format("'{}' is there twice", std::string(name->substr(0, 80))));
    }
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorKind::format, source_ + ": " + what); }
  [[noreturn]] void refuse(const std::string& what) const { throw Error(ErrorKind::unsupported, source_ + ": " + what); }

  bool has(const std::string& name) const { return weights_.contains(name); }
  bool has_prefix(const std::string& prefix) const {
    const auto found = weights_.lower_bound(prefix);
    return found != weights_.end() && found->first.starts_with(prefix);
  }
  const TensorView& need(const std::string& name) {
    const auto found = weights_.find(name);
    if (found == weights_.end()) fail(fmt::format("there is no weight '{}'", name));
    used_.insert(name);
    return found->second;
  }
  void skip(const std::string& prefix) {
    for (auto it = weights_.lower_bound(prefix); it != weights_.end() && it->first.starts_with(prefix); ++it) used_.insert(it->first);
  }
  double number(const std::string& name) {
    const TensorView& view = need(name);
    if (count(view) != 1) fail(fmt::format("'{}' is no single number", name));
    return values_of(view)[0];
  }
  /// Width and inputs of a linear layer.
  std::pair<std::size_t, std::size_t> linear_shape(const std::string& name) {
    const TensorView& view = need(name + ".weight");
    if (view.shape.size() != 2) fail(fmt::format("'{}.weight' is no matrix", name));
    return {view.shape[0], view.shape[1]};
  }
  void refuse_the_rest() const {
    for (const auto& [name, view] : weights_)
      if (!used_.contains(name)) refuse(fmt::format("the weight '{}' belongs to a variant that is not read", name.substr(0, 80)));
  }

 private:
  std::string source_;
  std::map<std::string, TensorView> weights_;
  std::set<std::string> used_;
};

class Reader {
 public:
  Reader(const TorchArchive& archive) : state_(archive), source_(archive.source()) {}

  PublishedModel read() {
    refuse_variants();
    auto& m = model_.architecture.emplace<OrbModel>();
    model_.form = "state dictionary";
    model_.cutoff_ang = cutoff_ang;
    model_.dtype = state_.need("model.atom_emb.embeddings.weight").dtype;
    if (model_.dtype != Dtype::f32 && model_.dtype != Dtype::f64) state_.refuse(fmt::format("the weights are {}, expected F32 or F64", name(model_.dtype)));
    const std::string encoder = "model._encoder.";
    m.spherical = state_.has("model.rbf_transform.bessel_weights");
    m.layer_norm = state_.has(encoder + "_edge_fn.layer_norm.bias");
    m.conservative = state_.has_prefix("grad_forces_normalizer.");
    m.stress_head = state_.has_prefix("heads.stress.");
    if (m.spherical == m.layer_norm) state_.refuse("neither the second nor the third version of ORB: Bessel functions go with the root-mean-square norm, Gaussians with the layer norm");
    if (m.conservative && m.layer_norm) state_.refuse("forces by gradient with the layer norm are of no published version");
    if (m.conservative && (m.stress_head || state_.has_prefix("heads.forces."))) state_.refuse("forces by gradient beside heads of forces or stress");
    m.activation = m.layer_norm ? Activation::shifted_softplus : Activation::silu;
    m.cutoff_function.order = 4;
    m.channels = embedding();
    m.hidden = hidden_of(encoder + "_edge_fn.mlp");
    m.head_hidden = hidden_of("heads.energy.mlp");
    while (m.layers <= most_layers && state_.has_prefix(fmt::format("model.gnn_stacks.{}.", m.layers))) ++m.layers;
    if (m.layers > most_layers) state_.refuse(fmt::format("more than {} layers", most_layers));
    const std::size_t inputs = state_.linear_shape(encoder + "_edge_fn.mlp.NN-0").second;
    if (m.spherical) {
      spherical_edges(m, inputs);
      m.repulsion = ZblRepulsion{6, {0.1818, 0.5099, 0.2802, 0.02817}, 0.3, 0.4543};
      m.repulsion_mean = m.conservative;
      m.max_neighbors = neighbors_of_name();
    } else {
      m.gaussians = gaussians;
      m.gaussian_reach_ang = gaussian_reach_ang;
      if (inputs != gaussians + 3) state_.refuse(fmt::format("edges of {} features, expected {} Gaussians and a unit vector", inputs, gaussians));
      m.max_neighbors = v2_neighbors;
    }
    put_normed("encoder.atom", encoder + "_node_fn");
    put_normed("encoder.edge", encoder + "_edge_fn");
    for (std::size_t t = 0; t < m.layers; ++t) {
      const std::string own = fmt::format("layers.{}.", t), theirs = fmt::format("model.gnn_stacks.{}.", t);
      put_normed(own + "atom", theirs + "_node_mlp");
      put_normed(own + "edge", theirs + "_edge_mlp");
      put_linear(own + "send", theirs + "_send_attn");
      put_linear(own + "receive", theirs + "_receive_attn");
    }
    put_head("energy", {"normalizer"});
    if (!m.conservative) put_head("forces", {"normalizer"});
    if (m.stress_head) {
      if (state_.has_prefix("heads.stress.diag_normalizer.")) put_head("stress", {"diag_normalizer", "offdiag_normalizer"});
      else put_head("stress", {"normalizer", "normalizer"});
    }
    references();
    // Of training, and outputs that are not read.
    for (const char* const unused : {"grad_forces_normalizer.", "grad_stress_normalizer.", "heads.confidence.", "model._decoder."}) state_.skip(unused);
    state_.refuse_the_rest();
    return std::move(model_);
  }

 private:
  OrbModel& orb() { return std::get<OrbModel>(model_.architecture); }

  void refuse_variants() {
    if (state_.has_prefix("model.model.")) state_.refuse("a denoising base model, which has no energies");
    if (!state_.has_prefix("heads.")) state_.refuse("a base model of ORB without heads, which has no energies");
    if (state_.has_prefix("model.conditioner.")) state_.refuse("a model conditioned on charge and spin (omol), which is not read yet");
    if (!state_.has("heads.energy.mlp.NN-0.weight")) state_.refuse("a model of ORB without a head for the energy");
    if (!state_.has_prefix("grad_forces_normalizer.") && !state_.has("heads.forces.mlp.NN-0.weight")) state_.refuse("neither a conservative model of ORB nor one with a head for forces");
  }

  void put(const std::string& own, const TensorView& view, std::vector<std::size_t> shape) {
    if (view.dtype != model_.dtype) state_.fail(fmt::format("'{}' is {}, but the embedding {}", own, name(view.dtype), name(model_.dtype)));
    Tensor tensor = copy(view);
    std::size_t size = 1;
    for (const std::size_t extent : shape) size *= extent;
    if (size != count(view)) state_.fail(fmt::format("'{}' has {} numbers, expected {}", own, count(view), size));
    tensor.shape = std::move(shape);
    model_.tensors.tensors[own] = std::move(tensor);
  }

  std::size_t embedding() {
    const TensorView& view = state_.need("model.atom_emb.embeddings.weight");
    if (view.shape.size() != 2 || view.shape[0] != orb_embedded_elements || view.shape[1] == 0) state_.fail("the embedding is no table of 119 elements");
    put("embedding", view, view.shape);
    return view.shape[1];
  }

  std::vector<std::size_t> hidden_of(const std::string& mlp) {
    std::vector<std::size_t> widths;
    for (std::size_t k = 0; state_.has(fmt::format("{}.NN-{}.weight", mlp, k)); ++k) widths.push_back(state_.linear_shape(fmt::format("{}.NN-{}", mlp, k)).first);
    if (widths.size() < 2 || widths.size() > most_hidden + 1) state_.refuse(fmt::format("'{}' has {} layers, expected 2 to {}", mlp, widths.size(), most_hidden + 1));
    widths.pop_back();
    return widths;
  }

  /// The transpose, [in, out], and the bias.
  void put_linear(const std::string& own, const std::string& theirs) {
    TensorView view = state_.need(theirs + ".weight");
    if (view.shape.size() != 2) state_.fail(fmt::format("'{}.weight' is no matrix", theirs));
    std::swap(view.shape[0], view.shape[1]);
    std::swap(view.stride[0], view.stride[1]);
    put(own, view, view.shape);
    const TensorView& bias = state_.need(theirs + ".bias");
    put(own + ".bias", bias, bias.shape);
  }
  void put_mlp(const std::string& own, const std::string& theirs) {
    for (std::size_t k = 0; state_.has(fmt::format("{}.NN-{}.weight", theirs, k)); ++k) put_linear(fmt::format("{}.{}", own, k), fmt::format("{}.NN-{}", theirs, k));
  }
  void put_normed(const std::string& own, const std::string& theirs) {
    put_mlp(own, theirs + ".mlp");
    put(own + ".norm", state_.need(theirs + ".layer_norm.weight"), {orb().channels});
    if (orb().layer_norm) put(own + ".norm.bias", state_.need(theirs + ".layer_norm.bias"), {orb().channels});
  }

  void put_head(const std::string& own, const std::vector<std::string>& normalizers) {
    const std::string theirs = "heads." + own + ".";
    put_mlp(own, theirs + "mlp");
    for (const auto& [part, mine] : {std::pair("running_mean", "mean"), std::pair("running_var", "variance")}) {
      std::string bytes;
      for (const std::string& normalizer : normalizers) {
        const std::string weight = fmt::format("{}{}.bn.{}", theirs, normalizer, part);
        put("scale", state_.need(weight), {1});
        bytes += model_.tensors.tensors.at("scale").bytes;
        if (part == std::string("running_var") && !(state_.number(weight) > 1e-12)) state_.fail(fmt::format("'{}' is not positive", weight));
      }
      model_.tensors.tensors[own + "." + mine] = {model_.dtype, {normalizers.size()}, bytes};
    }
    model_.tensors.tensors.erase("scale");
    for (const std::string& normalizer : normalizers) state_.skip(theirs + normalizer + ".");
  }

  void spherical_edges(OrbModel& m, std::size_t inputs) {
    const TensorView& frequencies = state_.need("model.rbf_transform.bessel_weights");
    const std::size_t basis = count(frequencies);
    put("bessel_frequencies", frequencies, {basis});
    const double reach = state_.number("model.rbf_transform.r_max");
    if (reach != cutoff_ang) state_.refuse(fmt::format("a radial basis up to {} Å, but the gates of ORB end at 6 Å", reach));
    m.bessel_prefactor = state_.number("model.rbf_transform.prefactor");
    int degree = 0;
    const auto size = [&](int l) { return basis * static_cast<std::size_t>((l + 1) * (l + 1)); };
    while (degree < 8 && size(degree) < inputs) ++degree;
    if (basis == 0 || size(degree) != inputs) state_.refuse(fmt::format("edges of {} features, which are not {} Bessel functions times harmonics", inputs, basis));
    m.harmonics_degree = degree;
  }

  /// Elements that were trained have reference energies of their own; the others have none, or all the same, which the last one (Z = 117) has.
  void references() {
    const TensorView& view = state_.need("heads.energy.reference.linear.weight");
    put("reference_energies", view, {orb_reference_elements});
    const std::vector<double> energy = values_of(view);
    for (std::size_t z = 1; z < (orb().repulsion ? last_repelled + 1 : orb_reference_elements); ++z)
      if (energy[z] != 0 && energy[z] != energy.back()) model_.atomic_number.push_back(static_cast<std::uint8_t>(z));
    if (model_.atomic_number.empty()) state_.refuse("no element has a reference energy of its own, which says what a model knows");
  }

  std::size_t neighbors_of_name() const {
    const std::string file = std::filesystem::path(source_).filename().string();
    const bool few = file.find("-20-") != std::string::npos, unlimited = file.find("-inf-") != std::string::npos;
    if (few == unlimited)
      state_.refuse("a v3 model does not say how many neighbours its atoms have, which changes its energies: keep '-20-' or '-inf-' of the published name in the name of the file "
                    "(for 20 or 120), as in orb-v3-conservative-inf-omat.ckpt; a converted file keeps it");
    return few ? few_neighbors : unlimited_neighbors;
  }

  State state_;
  std::string source_;
  PublishedModel model_;
};

}  // namespace

bool is_orb_state(const TorchArchive& archive) {
  if (archive.is_torch_script()) return false;
  const Pickle& pickle = archive.data();
  const auto* const pairs = pickle.pairs(pickle.root());
  if (!pairs) return false;
  for (const auto& [key, value] : *pairs)
    if (const auto name = pickle.text(key); name && is_layer_weight(*name)) return true;
  return false;
}

PublishedModel read_orb_state(const TorchArchive& archive) { return Reader(archive).read(); }

}  // namespace saltus
