// SevenNet checkpoints (.pth of sevenn): a configuration and a state dictionary. Reference: Park et al., J. Chem. Theory Comput.
// 20 (2024) 4857, and the source of sevenn 0.9 to 0.13.
#include "saltus/models/sevennet_checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/e3nn_tensors.hpp"
#include "saltus/models/torch_module.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_layers = 64, most_modalities = 1024, most_settings = 10'000;
constexpr int largest_degree = 8;

struct ActivationRow {
  std::string_view name;
  Activation function;
  double factor;  // of e3nn.math.normalize2mom: 1/√⟨f²⟩ over a million normal numbers of torch's generator with seed 0
};
// A checkpoint does not hold the factors, sevenn makes them anew: tests/golden/peers/models/couplings_0.4.4.json has them.
constexpr std::array<ActivationRow, 7> activations{{{"silu", Activation::silu, 1.6791767923989418},
                                                    {"tanh", Activation::tanh, 1.5937334472592695},
                                                    {"abs", Activation::abs, 1.001110600838467},
                                                    {"ssp", Activation::shifted_softplus, 1.878204668541552},
                                                    {"sigmoid", Activation::sigmoid, 1.8467055342154763},
                                                    {"relu", Activation::relu, 1.4163393446331365},
                                                    {"elu", Activation::elu, 1.2467863885570512}}};

// The configuration: a dictionary of Python.
class Config {
 public:
  Config(const TorchArchive& archive, PickleId id) : archive_(archive), id_(id) {
    const auto* const pairs = archive.data().pairs(id);
    if (!pairs || pairs->size() > most_settings) refuse("it is no dictionary, or has more than {} settings", most_settings);
  }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::format, archive_.source() + ": config: " + fmt::format(message, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::unsupported, archive_.source() + ": config: " + fmt::format(message, std::forward<Args>(args)...));
  }

  const Pickle& pickle() const { return archive_.data(); }
  std::optional<PickleId> find(std::string_view key) const {
    const auto found = pickle().find(id_, key);
    return found && !pickle().get<PickleNone>(*found) ? found : std::nullopt;
  }
  bool has(std::string_view key) const { return find(key).has_value(); }
  PickleId need(std::string_view key) const {
    const auto found = find(key);
    if (!found) fail("there is no {}", key);
    return *found;
  }
  Config part(std::string_view key) const {
    const PickleId id = need(key);
    if (!pickle().pairs(id)) fail("{} is no dictionary", key);
    return {archive_, id};
  }
  double number(std::string_view key) const {
    const auto value = number_of(archive_, need(key));
    if (!value || !std::isfinite(*value)) fail("{} is no number", key);
    return *value;
  }
  std::int64_t integer(std::string_view key, std::optional<std::int64_t> otherwise = {}) const {
    if (otherwise && !has(key)) return *otherwise;
    const auto value = pickle().integer(need(key));
    if (!value || *value < -1'000'000 || *value > 1'000'000) fail("{} is no integer of a sensible size", key);
    return *value;
  }
  bool flag(std::string_view key, bool otherwise) const {
    const auto found = find(key);
    if (!found) return otherwise;
    const auto* const value = pickle().get<bool>(*found);
    if (!value) fail("{} is neither True nor False", key);
    return *value;
  }
  std::string word(std::string_view key, std::optional<std::string> otherwise = {}) const {
    if (otherwise && !has(key)) return *otherwise;
    const auto text = pickle().text(need(key));
    if (!text) fail("{} is no text", key);
    return std::string(*text);
  }
  const std::vector<PickleId>& list(std::string_view key) const {
    const auto* const items = pickle().items(need(key));
    if (!items) fail("{} is no list", key);
    return *items;
  }
  ScaledActivation activation(std::string_view key, std::string_view otherwise) const {
    const std::string text = word(key, std::string(otherwise));
    const auto row = std::find_if(activations.begin(), activations.end(), [&](const ActivationRow& r) { return r.name == text; });
    if (row == activations.end()) refuse("{} is '{}', which is not known", key, text.substr(0, 40));
    return {row->function, row->factor};
  }
  const TorchArchive& archive() const { return archive_; }

 private:
  const TorchArchive& archive_;
  PickleId id_;
};

/// "0.9.1" as numbers, and whether a development version.
struct Version {
  int major = 0, minor = 0, patch = 0;
  bool development = false;
  bool before(int wanted_major, int wanted_minor) const { return major != wanted_major ? major < wanted_major : minor < wanted_minor; }
};

class CheckpointReader {
 public:
  CheckpointReader(const TorchArchive& archive, PickleId config, PickleId states) : archive_(archive), config_(archive, config) {
    for (const auto& [key, value] : *archive.data().pairs(states)) states_[archive.data().text(key).value_or("")] = value;
  }

  PublishedModel read() {
    model_.form = "checkpoint";
    model_.version = config_.word("version");
    version_ = parse_version(model_.version);
    check_settings();
    read_elements();
    read_modalities();
    read_edges();
    read_layers();
    read_readout();
    read_energies();
    refuse_others();
    model_.architecture = seven_;
    return std::move(model_);
  }

 private:
  TensorFile& tensors() { return model_.tensors; }
  std::size_t species() const { return model_.atomic_number.size(); }

  // A weight that nothing asked for belongs to a part that is not known.
  void refuse_others() const {
    for (const auto& [key, value] : states_) {
      const std::string name(key);
      const auto is_constant = [&] { return name.ends_with(".output_mask") || name.find("._w3j_") != std::string::npos; };
      if (used_.contains(name) || is_constant()) continue;
      const auto view = archive_.tensor(value);
      if (view && count(*view) == 0) continue;
      throw Error(ErrorKind::unsupported, fmt::format("{}: model_state_dict: '{}' is not known; the model has parts that are not read", archive_.source(), name.substr(0, 80)));
    }
  }

  Version parse_version(const std::string& text) const {
    Version version;
    std::array<int*, 3> parts{&version.major, &version.minor, &version.patch};
    std::string_view rest = text;
    for (int* const part : parts) {
      const std::size_t end = rest.find_first_not_of("0123456789");
      const auto value = parse_int(rest.substr(0, end));
      if (!value || *value > 1000) config_.refuse("version '{}' is not understood", text.substr(0, 40));
      *part = static_cast<int>(*value);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end);
      if (rest.starts_with('.')) rest.remove_prefix(1);
      else break;
    }
    version.development = rest.find("dev") != std::string_view::npos;
    if (version.major != 0 || version.minor < 9) config_.refuse("version {} of sevenn is not read, only 0.9 and later 0.x", text.substr(0, 40));
    return version;
  }

  void check_settings() const {
    if (const std::string type = config_.word("_model_type", "E3_equivariant_model"); type != "E3_equivariant_model") config_.refuse("_model_type {} is not read", type.substr(0, 40));
    if (const std::string type = config_.word("interaction_type", "nequip"); type != "nequip") config_.refuse("interaction_type {} is not read", type.substr(0, 40));
    if (config_.flag("readout_as_fcn", false)) config_.refuse("readout_as_fcn: such models are not read");
    if (!config_.flag("optimize_by_reduce", true)) config_.refuse("optimize_by_reduce is False: such models are not read, nor by newer sevenn");
    if (config_.has("cuequivariance_config") && config_.part("cuequivariance_config").flag("use", false))
      config_.refuse("the model was saved for cuEquivariance; save it again with e3nn");
  }

  // The tensor called so in the state dictionary, by its name of sevenn 0.10 and later or by that of earlier ones.
  std::optional<TensorView> find_state(const std::string& name) {
    std::string used = name;
    auto found = states_.find(used);
    if (found == states_.end()) found = states_.find(used = old_name(name));
    if (found == states_.end()) return std::nullopt;
    auto view = archive_.tensor(found->second);
    if (!view) throw Error(ErrorKind::unsupported, fmt::format("{}: model_state_dict: {} is no tensor", archive_.source(), name));
    used_.insert(used);
    return view;
  }
  TensorView state(const std::string& name) {
    auto view = find_state(name);
    if (!view) throw Error(ErrorKind::format, fmt::format("{}: model_state_dict: there is no {}", archive_.source(), name));
    return std::move(*view);
  }
  static std::string old_name(const std::string& name) {
    const std::size_t dot = name.find('.');
    std::string module = name.substr(0, dot), rest = name.substr(dot);
    if (module == "edge_embedding") module = "EdgeEmbedding";
    else if (module == "reduce_input_to_hidden") module = "reducing nn input to hidden";
    else if (module == "reduce_hidden_to_energy") module = "reducing nn hidden to energy";
    else std::replace(module.begin(), module.end(), '_', ' ');
    if (rest == ".denominator") rest = ".denumerator";
    // Two modules of a block kept their underscores.
    if (module.ends_with("self interaction 1")) module = name.substr(0, dot);
    return module + rest;
  }

  void read_elements() {
    const Pickle& pickle = archive_.data();
    const auto* const map = pickle.pairs(config_.need("_type_map"));
    if (!map || map->empty() || map->size() > 118) config_.fail("_type_map is no dictionary of elements");
    model_.atomic_number.assign(map->size(), 0);
    for (const auto& [key, value] : *map) {
      const auto z = pickle.integer(key), index = pickle.integer(value);
      if (!z || !index || *z < 1 || *z > 118 || *index < 0 || static_cast<std::size_t>(*index) >= map->size() || model_.atomic_number[static_cast<std::size_t>(*index)] != 0)
        config_.fail("_type_map is no numbering of elements");
      model_.atomic_number[static_cast<std::size_t>(*index)] = static_cast<std::uint8_t>(*z);
    }
    model_.cutoff_ang = config_.number("cutoff");
    if (!(model_.cutoff_ang > 0 && model_.cutoff_ang < 100)) config_.fail("cutoff is {} Å", model_.cutoff_ang);
    model_.dtype = state("onehot_to_feature_x.linear.weight").dtype;
    if (model_.dtype != Dtype::f32 && model_.dtype != Dtype::f64) config_.refuse("the weights are of type {}", name(model_.dtype));
  }

  void read_modalities() {
    if (!config_.flag("use_modality", false)) return;
    const Pickle& pickle = archive_.data();
    const auto* const map = pickle.pairs(config_.need("_modal_map"));
    if (!map || map->empty() || map->size() > most_modalities) config_.fail("_modal_map is no dictionary of modalities");
    seven_.modalities.assign(map->size(), "");
    for (const auto& [key, value] : *map) {
      const auto text = pickle.text(key);
      const auto index = pickle.integer(value);
      if (!text || text->empty() || !index || *index < 0 || static_cast<std::size_t>(*index) >= map->size() || !seven_.modalities[static_cast<std::size_t>(*index)].empty())
        config_.fail("_modal_map is no numbering of modalities");
      seven_.modalities[static_cast<std::size_t>(*index)] = std::string(*text);
    }
    // With one modality sevenn adds no inputs.
    if (seven_.modalities.size() < 2) return;
    seven_.modal_embedding = config_.flag("use_modal_node_embedding", false);
    seven_.modal_linear_1 = config_.flag("use_modal_self_inter_intro", false);
    seven_.modal_linear_2 = config_.flag("use_modal_self_inter_outro", false);
    seven_.modal_readout = config_.flag("use_modal_output_block", false);
  }
  Irreps with_modality(Irreps irreps, bool takes) const {
    if (takes) irreps.push_back({seven_.modalities.size(), {0, 1}});
    return irreps;
  }

  void read_edges() {
    const Config basis = config_.part("radial_basis"), cutoff = config_.part("cutoff_function");
    if (const std::string kind = basis.word("radial_basis_name"); kind != "bessel") config_.refuse("radial_basis_name {} is not read", kind.substr(0, 40));
    const TensorView frequencies = state("edge_embedding.basis_function.coeffs");
    basis_ = count(frequencies);
    if (basis_ == 0) config_.fail("there are no basis functions");
    put_tensor(tensors(), "bessel_frequencies", frequencies, {basis_}, model_.dtype);
    seven_.bessel_prefactor = 2 / model_.cutoff_ang;
    const std::string kind = cutoff.word("cutoff_function_name");
    if (kind == "XPLOR") {
      const double onset = cutoff.number("cutoff_on");
      if (!(onset >= 0 && onset < model_.cutoff_ang)) config_.fail("cutoff_on {} does not lie below the cutoff", onset);
      seven_.cutoff_function = XplorCutoff{onset};
    } else if (kind == "poly_cut") {
      const double order = static_cast<double>(cutoff.integer("poly_cut_p_value", 6));
      if (!(order >= 2 && order <= 1000)) config_.fail("poly_cut_p_value is {}", order);
      seven_.cutoff_function = PolynomialCutoff{order};
    } else {
      config_.refuse("cutoff_function_name {} is not read", kind.substr(0, 40));
    }
    const std::int64_t lmax = config_.integer("lmax"), edge = config_.integer("lmax_edge", -1);
    seven_.harmonics_degree = static_cast<int>(edge > 0 ? edge : lmax);
    if (lmax < 0 || seven_.harmonics_degree > largest_degree) config_.refuse("degrees up to {} are read, lmax is {}", largest_degree, seven_.harmonics_degree);
    seven_.odd_harmonics = config_.flag("is_parity", true);
    // Where early versions do not say, the harmonics are those of the vector itself.
    seven_.unit_vectors = config_.flag("_normalize_sph", !version_.before(0, 10));
    seven_.radial_activation = config_.activation("act_radial", "silu");
    const auto of_parity = [&](std::string_view key, std::string_view parity, std::string_view otherwise) {
      if (!config_.has(key)) return ScaledActivation{Activation::silu, activations[0].factor};
      return config_.part(key).activation(parity, otherwise);
    };
    seven_.scalar_activation = of_parity("act_scalar", "e", "silu");
    seven_.odd_scalar_activation = of_parity("act_scalar", "o", "tanh");
    seven_.gate_activation = of_parity("act_gate", "e", "silu");
    seven_.odd_gate_activation = of_parity("act_gate", "o", "tanh");
    if (seven_.odd_harmonics) return;
    // Nothing is odd, whatever the settings say.
    seven_.odd_scalar_activation = seven_.scalar_activation;
    seven_.odd_gate_activation = seven_.gate_activation;
  }

  // Of all layers: features in, then out of each.
  std::vector<Irreps> feature_irreps(std::size_t layers) const {
    const Pickle& pickle = archive_.data();
    std::vector<Irreps> all;
    const auto manual = config_.find("irreps_manual");
    if (manual && !pickle.get<bool>(*manual)) {
      for (const PickleId item : config_.list("irreps_manual")) {
        const auto irreps = irreps_of(pickle, item);
        if (!irreps) config_.fail("irreps_manual holds something that is no irreps");
        all.push_back(*irreps);
      }
      if (all.size() != layers + 1) config_.fail("irreps_manual has {} entries for {} layers", all.size(), layers);
      return all;
    }
    // Else each layer has all that the features before and the harmonics give, the same number of channels each.
    const std::int64_t channel = config_.integer("channel"), node = config_.integer("lmax_node", -1), lmax = node > 0 ? node : config_.integer("lmax");
    if (channel < 1 || lmax < 0 || lmax > largest_degree) config_.fail("channel is {}, lmax {}", channel, lmax);
    const auto channels_each = static_cast<std::size_t>(channel);
    all.push_back({{channels_each, {0, 1}}});
    for (std::size_t t = 0; t < layers; ++t) {
      const bool last = t + 1 == layers;
      std::vector<Irrep> wanted;
      for (int l = 0; l <= (last ? 0 : static_cast<int>(lmax)); ++l)
        for (const int parity : {-1, 1})
          if (!last || parity == 1) wanted.push_back({l, parity});
      Irreps next;
      for (const IrrepBlock& block : convolution_paths(all.back(), harmonics_up_to(seven_.harmonics_degree, seven_.odd_harmonics), wanted, false).output)
        next.push_back({channels_each, block.irrep});
      all.push_back(next);
    }
    return all;
  }

  void read_layers() {
    const std::int64_t layers = config_.integer("num_convolution_layer");
    if (layers < 1 || static_cast<std::size_t>(layers) > most_layers) config_.refuse("{} layers; 1 to {} are read", layers, most_layers);
    const std::vector<Irreps> features = feature_irreps(static_cast<std::size_t>(layers));
    put_linear_state("embedding", "onehot_to_feature_x", with_modality({{species(), {0, 1}}}, seven_.modal_embedding), features[0]);
    for (std::size_t t = 0; t < static_cast<std::size_t>(layers); ++t) read_layer(features[t], features[t + 1], t, t + 1 == static_cast<std::size_t>(layers));
    last_features_ = features.back();
  }

  SelfConnection self_connection(std::size_t t) const {
    const Pickle& pickle = archive_.data();
    std::string word = "nequip";
    if (const auto found = config_.find("self_connection_type")) {
      const auto* const items = pickle.get<PickleList>(*found) ? pickle.items(*found) : nullptr;
      if (items && t >= items->size()) config_.fail("self_connection_type has only {} entries", items->size());
      const auto text = pickle.text(items ? (*items)[t] : *found);
      if (!text) config_.fail("self_connection_type is no text");
      word = std::string(*text);
    }
    if (word == "nequip") return SelfConnection::species;
    if (word == "linear") return SelfConnection::linear;
    if (word == "none") return SelfConnection::none;
    config_.refuse("self_connection_type {} is not read", word.substr(0, 40));
  }

  // What e3nn's Gate takes for these outputs, sorted, and how many gates it has.
  static Irreps gate_irreps(const Irreps& out, std::size_t& gates) {
    gates = 0;
    bool has_even = false;
    for (const IrrepBlock& block : out) {
      if (block.irrep.degree > 0) gates += block.channels;
      else has_even = has_even || block.irrep.parity == 1;
    }
    Irreps in = out;
    if (gates > 0) in.push_back({gates, {0, has_even ? 1 : -1}});
    std::stable_sort(in.begin(), in.end(), [](const IrrepBlock& a, const IrrepBlock& b) {
      return a.irrep.degree != b.irrep.degree ? a.irrep.degree < b.irrep.degree : a.irrep.parity < b.irrep.parity;
    });
    return simplified(in);
  }

  void read_layer(const Irreps& in, const Irreps& out, std::size_t t, bool last) {
    SevenNetLayer layer;
    layer.features_in = in;
    layer.features_out = out;
    if (in.empty() || out.empty()) config_.fail("layer {} has no features", t);
    layer.gate_in = gate_irreps(out, layer.gates);
    layer.self_connection = self_connection(t);
    const std::string name = fmt::format("layers.{}", t), source = std::to_string(t);
    // All irreps up to the largest degree of the output; of the last layer only even ones.
    int lmax = 0;
    for (const IrrepBlock& block : out) lmax = std::max(lmax, block.irrep.degree);
    if (last) lmax = std::min(lmax, 0);
    std::vector<Irrep> wanted;
    for (int l = 0; l <= lmax; ++l)
      for (const int parity : {-1, 1})
        if (!last || parity == 1) wanted.push_back({l, parity});
    const bool sorted = !version_.before(0, 11) && !(version_.minor == 11 && version_.patch == 0 && version_.development);
    const Convolution convolution = convolution_paths(in, harmonics_up_to(seven_.harmonics_degree, seven_.odd_harmonics), wanted, sorted);
    layer.paths = convolution.paths;
    layer.convolution_out = convolution.output;

    if (layer.self_connection == SelfConnection::linear) put_linear_state(name + ".self_connection", source + "_self_connection_intro", in, layer.gate_in);
    else if (layer.self_connection == SelfConnection::species)
      put_species_linear(tensors(), name + ".self_connection", state(source + "_self_connection_intro.fc_tensor_product.weight"), in, species(), layer.gate_in, model_.dtype);
    put_linear_state(name + ".linear_1", source + "_self_interaction_1", with_modality(in, seven_.modal_linear_1), in);
    read_network(layer, convolution, t);
    put_linear_state(name + ".linear_2", source + "_self_interaction_2", with_modality(layer.convolution_out, seven_.modal_linear_2), layer.gate_in);
    const auto denominator = values_of(state(source + "_convolution.denominator"));
    if (denominator.size() != 1 || !std::isfinite(denominator[0]) || denominator[0] == 0) config_.fail("layer {} has no denominator", t);
    layer.denominator = denominator[0];
    seven_.layers.push_back(std::move(layer));
  }

  void read_network(SevenNetLayer& layer, const Convolution& convolution, std::size_t t) {
    const auto hidden = numbers_of(archive_, config_.need("weight_nn_hidden_neurons"));
    if (!hidden || hidden->size() > most_layers) config_.fail("weight_nn_hidden_neurons is no list of widths");
    layer.radial_widths = {basis_};
    for (const double width : *hidden) {
      if (!(width >= 1 && width <= 1e6) || width != std::floor(width)) config_.fail("weight_nn_hidden_neurons holds {}", width);
      layer.radial_widths.push_back(static_cast<std::size_t>(width));
    }
    layer.radial_widths.push_back(convolution.weights);
    std::string last;
    for (std::size_t k = 0; k + 1 < layer.radial_widths.size(); ++k) {
      const TensorView weight = state(fmt::format("{}_convolution.weight_nn.layer{}.weight", t, k));
      if (weight.shape != std::vector{layer.radial_widths[k], layer.radial_widths[k + 1]})
        throw Error(ErrorKind::format, fmt::format("{}: matrix {} of the radial network of layer {} is not {} x {}", archive_.source(), k, t, layer.radial_widths[k], layer.radial_widths[k + 1]));
      last = fmt::format("layers.{}.radial.{}", t, k);
      put_radial_layer(tensors(), last, weight, model_.dtype);
    }
    // Files of e3nn 0.4 and 0.5.1 hold their couplings, later ones do not; the two have different signs.
    const std::string place = fmt::format("{}: layer {}", archive_.source(), t);
    Tensor& columns = tensors().tensors.at(last);
    for (const ConvolutionPath& path : layer.paths) {
      const int a = layer.features_in[path.feature].irrep.degree, b = path.harmonic_degree, c = layer.convolution_out[path.output].irrep.degree;
      if (a == 0 || b == 0 || c == 0) continue;
      const auto coupling = find_state(fmt::format("{}_convolution.convolution._compiled_main_left_right._w3j_{}_{}_{}", t, a, b, c));
      const int sign = coupling ? coupling_sign(a, b, c, values_of(*coupling), 1, place) : coupling_sign_of_e3nn_05(a, b, c, place);
      if (sign < 0) negate_columns(columns, path.first_weight, path.channels);
    }
  }

  void put_linear_state(const std::string& name, const std::string& source, const Irreps& in, const Irreps& out) {
    put_linear(tensors(), name, state(source + ".linear.weight"), in, out, model_.dtype);
    const auto bias = find_state(source + ".linear.bias");
    if (bias && count(*bias) > 0) put_tensor(tensors(), name + ".bias", *bias, {channels(out, {0, 1})}, model_.dtype);
  }

  void read_readout() {
    std::size_t width = 0;
    for (const IrrepBlock& block : last_features_) {
      if (block.irrep != Irrep{0, 1}) config_.refuse("the last features are {}, expected even scalars", text(last_features_));
      width += block.channels;
    }
    seven_.readout_hidden = width / 2;
    if (seven_.readout_hidden == 0) config_.refuse("{} features for the readout", width);
    const Irreps hidden{{seven_.readout_hidden, {0, 1}}};
    put_linear_state("readout.0", "reduce_input_to_hidden", with_modality(last_features_, seven_.modal_readout), hidden);
    put_linear_state("readout.1", "reduce_hidden_to_energy", hidden, {{1, {0, 1}}});
  }

  void read_energies() {
    const std::size_t rows = std::max<std::size_t>(seven_.modalities.size(), 1);
    for (const char* const part : {"shift", "scale"}) {
      const TensorView view = state(fmt::format("rescale_atomic_energy.{}", part));
      Tensor tensor = copy(view);
      if (tensor.dtype != model_.dtype) config_.refuse("{} is of another type than the weights", part);
      const std::size_t values = count(view), size = size_bytes(tensor.dtype);
      std::string bytes;
      if (values == rows * species()) bytes = tensor.bytes;
      else if (values == species())
        for (std::size_t row = 0; row < rows; ++row) bytes += tensor.bytes;
      else if (values == 1)
        for (std::size_t k = 0; k < rows * species(); ++k) bytes += tensor.bytes;
      else config_.fail("{} has {} values for {} elements", part, values, species());
      if (bytes.size() != rows * species() * size) config_.fail("{} has a wrong size", part);
      tensors().tensors.emplace(fmt::format("energy_{}", part), Tensor{tensor.dtype, {rows, species()}, std::move(bytes)});
    }
  }

  const TorchArchive& archive_;
  Config config_;
  std::map<std::string_view, PickleId> states_;
  Version version_;
  PublishedModel model_;
  SevenNetModel seven_;
  std::size_t basis_ = 0;
  Irreps last_features_;
  std::set<std::string> used_;
};

}  // namespace

bool is_sevennet_checkpoint(const TorchArchive& archive) {
  const Pickle& pickle = archive.data();
  const auto config = pickle.find(pickle.root(), "config");
  return config && pickle.find(pickle.root(), "model_state_dict") && (pickle.find(*config, "_type_map") || pickle.find(*config, "_model_type"));
}

PublishedModel read_sevennet_checkpoint(const TorchArchive& archive) {
  const Pickle& pickle = archive.data();
  const auto config = pickle.find(pickle.root(), "config"), states = pickle.find(pickle.root(), "model_state_dict");
  if (!config || !states || !pickle.pairs(*states)) throw Error(ErrorKind::format, archive.source() + ": no checkpoint of sevenn: config or model_state_dict is missing");
  return CheckpointReader(archive, *config, *states).read();
}

}  // namespace saltus
