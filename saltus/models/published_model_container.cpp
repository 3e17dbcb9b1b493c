// Published models as containers of Saltus: the tensors as they are, the architecture as JSON under the key "architecture".
#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/species.hpp"

namespace saltus {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* activation_names[] = {"silu", "tanh", "abs", "shifted_softplus", "sigmoid", "relu", "elu"};
constexpr const char* connection_names[] = {"none", "linear", "species"};
constexpr const char* interaction_names[] = {"agnostic", "agnostic_residual", "agnostic_density", "agnostic_density_residual"};
constexpr const char* units = "ang, ev";
constexpr std::size_t most_layers = 64;

template <std::size_t count>
std::size_t index_of(const Json& json, const char* const (&names)[count]) {
  const auto word = json.get<std::string>();
  for (std::size_t k = 0; k < count; ++k)
    if (word == names[k]) return k;
  throw Error(ErrorKind::unsupported, fmt::format("'{}' is not known", word.substr(0, 40)));
}

// Each struct is written and read by the same list of members, so that the two cannot differ.
struct Writer {
  Json json = Json::object();
  template <class Value>
  void operator()(const char* key, const Value& value) { json[key] = encoded(value); }

  template <class Struct>
  static Json whole(const Struct& value);
  template <class Value>
  static Json encoded(const Value& value);
};
struct Reader {
  const Json& json;
  template <class Value>
  void operator()(const char* key, Value& value) {
    const auto found = json.find(key);
    if (found == json.end()) throw Error(ErrorKind::format, fmt::format("there is no '{}'", key));
    decode(*found, value);
  }
  template <class Value>
  static void decode(const Json& from, Value& value);
};

template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, ConvolutionPath>
{
  see("feature", s.feature);
  see("harmonic_degree", s.harmonic_degree);
  see("output", s.output);
  see("channels", s.channels);
  see("first_weight", s.first_weight);
  see("first_channel", s.first_channel);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, PolynomialCutoff>
{
  see("order", s.order);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, XplorCutoff>
{
  see("onset_ang", s.onset_ang);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, ScaledActivation>
{
  see("function", s.function);
  see("factor", s.factor);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, SevenNetLayer>
{
  see("features_in", s.features_in);
  see("convolution_out", s.convolution_out);
  see("gate_in", s.gate_in);
  see("features_out", s.features_out);
  see("gates", s.gates);
  see("paths", s.paths);
  see("radial_widths", s.radial_widths);
  see("denominator", s.denominator);
  see("self_connection", s.self_connection);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, SevenNetModel>
{
  see("harmonics_degree", s.harmonics_degree);
  see("odd_harmonics", s.odd_harmonics);
  see("unit_vectors", s.unit_vectors);
  see("bessel_prefactor", s.bessel_prefactor);
  see("cutoff_function", s.cutoff_function);
  see("radial_activation", s.radial_activation);
  see("scalar_activation", s.scalar_activation);
  see("gate_activation", s.gate_activation);
  see("odd_scalar_activation", s.odd_scalar_activation);
  see("odd_gate_activation", s.odd_gate_activation);
  see("layers", s.layers);
  see("readout_hidden", s.readout_hidden);
  see("modalities", s.modalities);
  see("modal_embedding", s.modal_embedding);
  see("modal_linear_1", s.modal_linear_1);
  see("modal_linear_2", s.modal_linear_2);
  see("modal_readout", s.modal_readout);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, MatterSimModel>
{
  see("units", s.units);
  see("layers", s.layers);
  see("radial", s.radial);
  see("angular", s.angular);
  see("threebody_cutoff_ang", s.threebody_cutoff_ang);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, MaceLayer>
{
  see("interaction", s.interaction);
  see("features_in", s.features_in);
  see("convolution_in", s.convolution_in);
  see("convolution_out", s.convolution_out);
  see("message", s.message);
  see("features_out", s.features_out);
  see("paths", s.paths);
  see("radial_widths", s.radial_widths);
  see("avg_num_neighbors", s.avg_num_neighbors);
  see("self_connection", s.self_connection);
  see("correlation", s.correlation);
  see("has_readout", s.has_readout);
  see("readout_hidden", s.readout_hidden);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, AgnesiTransform>
{
  see("a", s.a);
  see("q", s.q);
  see("p", s.p);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, ZblRepulsion>
{
  see("order", s.order);
  see("coefficient", s.coefficient);
  see("exponent", s.exponent);
  see("prefactor", s.prefactor);
}
template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, MaceModel>
{
  see("scale_shift", s.scale_shift);
  see("harmonics_degree", s.harmonics_degree);
  see("odd_harmonics", s.odd_harmonics);
  see("bessel_prefactor", s.bessel_prefactor);
  see("cutoff_function", s.cutoff_function);
  see("cutoff_on_basis", s.cutoff_on_basis);
  see("distance_transform", s.distance_transform);
  see("repulsion", s.repulsion);
  see("radial_activation", s.radial_activation);
  see("readout_activation", s.readout_activation);
  see("density_activation", s.density_activation);
  see("layers", s.layers);
  see("heads", s.heads);
}

template <class Visitor, class Struct>
void visit(Visitor&& see, Struct& s)
  requires std::is_same_v<std::remove_const_t<Struct>, OrbModel>
{
  see("spherical", s.spherical);
  see("harmonics_degree", s.harmonics_degree);
  see("bessel_prefactor", s.bessel_prefactor);
  see("gaussians", s.gaussians);
  see("gaussian_reach_ang", s.gaussian_reach_ang);
  see("cutoff_function", s.cutoff_function);
  see("layer_norm", s.layer_norm);
  see("activation", s.activation);
  see("channels", s.channels);
  see("hidden", s.hidden);
  see("head_hidden", s.head_hidden);
  see("layers", s.layers);
  see("max_neighbors", s.max_neighbors);
  see("conservative", s.conservative);
  see("stress_head", s.stress_head);
  see("repulsion", s.repulsion);
  see("repulsion_mean", s.repulsion_mean);
}

template <class Value>
struct IsVector : std::false_type {};
template <class Item>
struct IsVector<std::vector<Item>> : std::true_type {};
template <class Value>
struct IsOptional : std::false_type {};
template <class Item>
struct IsOptional<std::optional<Item>> : std::true_type {};

template <class Struct>
Json Writer::whole(const Struct& value) {
  Writer writer;
  visit(writer, value);
  return std::move(writer.json);
}

template <class Value>
Json Writer::encoded(const Value& value) {
  if constexpr (std::is_same_v<Value, Irreps>) return text(value);
  else if constexpr (std::is_same_v<Value, CutoffFunction>)
    return std::visit([](const auto& kind) { return whole(kind); }, value);
  else if constexpr (std::is_same_v<Value, Activation>) return activation_names[static_cast<std::size_t>(value)];
  else if constexpr (std::is_same_v<Value, SelfConnection>) return connection_names[static_cast<std::size_t>(value)];
  else if constexpr (std::is_same_v<Value, MaceInteraction>) return interaction_names[static_cast<std::size_t>(value)];
  else if constexpr (IsOptional<Value>::value) return value ? encoded(*value) : Json(nullptr);
  else if constexpr (IsVector<Value>::value || std::is_array_v<Value>) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(encoded(item));
    return list;
  } else if constexpr (std::is_arithmetic_v<Value> || std::is_same_v<Value, std::string>) return value;
  else return whole(value);
}

template <class Value>
void Reader::decode(const Json& from, Value& value) {
  if constexpr (std::is_same_v<Value, Irreps>) {
    const auto irreps = parse_irreps(from.get<std::string>());
    if (!irreps) throw Error(ErrorKind::format, "irreps that cannot be read");
    value = *irreps;
  } else if constexpr (std::is_same_v<Value, CutoffFunction>) {
    if (from.contains("onset_ang")) decode(from, value.template emplace<XplorCutoff>());
    else decode(from, value.template emplace<PolynomialCutoff>());
  } else if constexpr (std::is_same_v<Value, Activation>) value = static_cast<Activation>(index_of(from, activation_names));
  else if constexpr (std::is_same_v<Value, SelfConnection>) value = static_cast<SelfConnection>(index_of(from, connection_names));
  else if constexpr (std::is_same_v<Value, MaceInteraction>) value = static_cast<MaceInteraction>(index_of(from, interaction_names));
  else if constexpr (IsOptional<Value>::value) {
    value.reset();
    if (!from.is_null()) decode(from, value.emplace());
  } else if constexpr (IsVector<Value>::value) {
    if (!from.is_array()) throw Error(ErrorKind::format, "a list is expected");
    value.clear();
    for (const Json& item : from) decode(item, value.emplace_back());
  } else if constexpr (std::is_array_v<Value>) {
    if (!from.is_array() || from.size() != std::extent_v<Value>) throw Error(ErrorKind::format, "a list of another length is expected");
    for (std::size_t k = 0; k < from.size(); ++k) decode(from[k], value[k]);
  } else if constexpr (std::is_same_v<Value, bool> || std::is_same_v<Value, std::string>) value = from.get<Value>();
  else if constexpr (std::is_unsigned_v<Value>) {
    if (!from.is_number_unsigned() || from.get<std::uint64_t>() > 1'000'000'000) throw Error(ErrorKind::format, "a number from 0 to 1e9 is expected");
    value = from.get<Value>();
  } else if constexpr (std::is_integral_v<Value>) {
    if (!from.is_number_integer() || from.get<std::int64_t>() < 0 || from.get<std::int64_t>() > 1000) throw Error(ErrorKind::format, "a number from 0 to 1000 is expected");
    value = from.get<Value>();
  } else if constexpr (std::is_floating_point_v<Value>) {
    if (!from.is_number()) throw Error(ErrorKind::format, "a number is expected");
    value = from.get<Value>();
  } else {
    if (!from.is_object()) throw Error(ErrorKind::format, "an object is expected");
    visit(Reader{from}, value);
  }
}

// All names and shapes that an architecture has.
class Inventory {
 public:
  Inventory(const PublishedModel& model) : model_(model), species_(model.atomic_number.size()) {
    std::visit([this](const auto& architecture) { list(architecture); }, model.architecture);
  }

  // Throws Error{format} when a tensor is missing, is not expected, or has another shape or type.
  void compare() const {
    for (const auto& [name, shape] : shapes_)
      if (find_tensor(model_.tensors, name, shape).dtype != model_.dtype) fail(fmt::format("tensor '{}' is not of the type {}", name, saltus::name(model_.dtype)));
    for (const auto& [name, tensor] : model_.tensors.tensors) {
      if (shapes_.contains(name)) continue;
      // A linear map of even scalars may have a bias.
      constexpr std::string_view bias = ".bias";
      const auto matrix = name.ends_with(bias) ? shapes_.find(name.substr(0, name.size() - bias.size()) + ".0e") : shapes_.end();
      if (matrix == shapes_.end() || matrix->second.size() != 2) fail(fmt::format("tensor '{}' is not expected", name.substr(0, 80)));
      if (tensor.dtype != model_.dtype || tensor.shape != std::vector{matrix->second.back()}) fail(fmt::format("tensor '{}' does not fit its matrix", name));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorKind::format, fmt::format("{}: {}", model_.tensors.source, what)); }

  void put(const std::string& name, std::vector<std::size_t> shape) { shapes_[name] = std::move(shape); }
  void put_linear(const std::string& name, const Irreps& in, const Irreps& out, std::size_t modality_rows = 0, std::size_t layers = 0) {
    for (const IrrepBlock& block : out) {
      const std::size_t rows = channels(in, block.irrep) + (block.irrep == Irrep{0, 1} ? modality_rows : 0);
      if (rows == 0) continue;
      std::vector<std::size_t> shape{rows, channels(out, block.irrep)};
      if (layers > 0) shape.insert(shape.begin() + 1, layers);
      put(fmt::format("{}.{}", name, text(block.irrep)), shape);
    }
  }
  void put_network(const std::string& name, const std::vector<std::size_t>& widths) {
    for (std::size_t k = 0; k + 1 < widths.size(); ++k) put(fmt::format("{}.{}", name, k), {widths[k], widths[k + 1]});
  }
  void check_paths(const std::vector<ConvolutionPath>& paths, const Irreps& in, const Irreps& out, int lmax, std::size_t weights) const {
    std::size_t sum = 0;
    for (const ConvolutionPath& path : paths) {
      if (path.feature >= in.size() || path.output >= out.size() || path.harmonic_degree > lmax) fail("a path of a convolution leads nowhere");
      const int a = in[path.feature].irrep.degree, b = path.harmonic_degree, c = out[path.output].irrep.degree;
      if (c < std::abs(a - b) || c > a + b || path.channels != in[path.feature].channels || path.first_channel + path.channels > out[path.output].channels ||
          path.first_weight + path.channels > weights)
        fail("a path of a convolution does not fit its irreps");
      sum += path.channels;
    }
    if (sum != weights) fail("the paths of a convolution do not use all weights");
  }

  void list(const SevenNetModel& m) {
    if (m.layers.empty() || m.layers.size() > most_layers || m.layers.front().radial_widths.size() < 2) fail("the architecture has no layers, or too many");
    const std::size_t modes = m.modalities.size();
    put("bessel_frequencies", {m.layers.front().radial_widths.front()});
    put_linear("embedding", {{species_, {0, 1}}}, m.layers.front().features_in, m.modal_embedding ? modes : 0);
    for (std::size_t t = 0; t < m.layers.size(); ++t) {
      const SevenNetLayer& layer = m.layers[t];
      const std::string name = fmt::format("layers.{}", t);
      if (layer.radial_widths.size() < 2 || (t > 0 && m.layers[t - 1].features_out != layer.features_in)) fail(fmt::format("layer {} does not fit the one before", t));
      check_paths(layer.paths, layer.features_in, layer.convolution_out, m.harmonics_degree, layer.radial_widths.back());
      if (layer.self_connection != SelfConnection::none)
        put_linear(name + ".self_connection", layer.features_in, layer.gate_in, 0, layer.self_connection == SelfConnection::species ? species_ : 0);
      put_linear(name + ".linear_1", layer.features_in, layer.features_in, m.modal_linear_1 ? modes : 0);
      put_network(name + ".radial", layer.radial_widths);
      put_linear(name + ".linear_2", layer.convolution_out, layer.gate_in, m.modal_linear_2 ? modes : 0);
    }
    const Irreps hidden{{m.readout_hidden, {0, 1}}};
    put_linear("readout.0", m.layers.back().features_out, hidden, m.modal_readout ? modes : 0);
    put_linear("readout.1", hidden, {{1, {0, 1}}});
    for (const char* const part : {"energy_scale", "energy_shift"}) put(part, {std::max<std::size_t>(modes, 1), species_});
  }

  void list(const MaceModel& m) {
    if (m.layers.empty() || m.layers.size() > most_layers || m.heads.empty() || m.layers.front().radial_widths.size() < 2) fail("the architecture has no layers, too many, or no heads");
    const std::size_t basis = m.layers.front().radial_widths.front(), heads = m.heads.size();
    put("atomic_energies", {heads, species_});
    put("bessel_frequencies", {basis});
    put_linear("embedding", {{species_, {0, 1}}}, m.layers.front().features_in);
    for (std::size_t t = 0; t < m.layers.size(); ++t) list_layer(m, m.layers[t], t);
    if (m.scale_shift)
      for (const char* const part : {"scale", "shift"}) put(part, {heads});
    if (m.distance_transform || m.repulsion) put("covalent_radii_ang", {any_size});
  }

  void list_layer(const MaceModel& m, const MaceLayer& layer, std::size_t t) {
    const std::size_t basis = m.layers.front().radial_widths.front();
    const std::string interaction = fmt::format("interactions.{}", t), product = fmt::format("products.{}", t), readout = fmt::format("readouts.{}", t);
    if (layer.radial_widths.size() < 2 || layer.message.empty() || layer.correlation < 1 || layer.correlation > 6 || (t > 0 && m.layers[t - 1].features_out != layer.features_in))
      fail(fmt::format("layer {} is not complete or does not fit the one before", t));
    check_paths(layer.paths, layer.convolution_in, layer.convolution_out, m.harmonics_degree, layer.radial_widths.back());
    put_linear(interaction + ".linear_up", layer.features_in, layer.convolution_in);
    put_network(interaction + ".radial", layer.radial_widths);
    if (layer.interaction == MaceInteraction::agnostic_density || layer.interaction == MaceInteraction::agnostic_density_residual) {
      // Its hidden widths, which are few, are not in the architecture: the first and last are known.
      std::size_t from = basis;
      for (std::size_t k = 0; k < 16; ++k) {
        const auto found = model_.tensors.tensors.find(fmt::format("{}.density.{}", interaction, k));
        if (found == model_.tensors.tensors.end() || found->second.shape.size() != 2) break;
        put(found->first, {from, found->second.shape[1]});
        from = found->second.shape[1];
      }
      if (from != 1 || !shapes_.contains(interaction + ".density.0")) fail(interaction + " has no density network");
    }
    put_linear(interaction + ".linear", layer.convolution_out, layer.message);
    if (layer.self_connection) put_linear(interaction + ".skip", layer.features_in, layer.features_out, 0, species_);
    else put_linear(interaction + ".skip", layer.message, layer.message, 0, species_);
    std::size_t width = 0;
    for (const IrrepBlock& block : layer.message) width += static_cast<std::size_t>(2 * block.irrep.degree + 1);
    for (const IrrepBlock& block : layer.features_out)
      for (int nu = 1; nu <= layer.correlation; ++nu) {
        const std::string u = fmt::format("{}.{}.u.{}", product, text(block.irrep), nu);
        const auto found = model_.tensors.tensors.find(u);
        const std::size_t paths = found == model_.tensors.tensors.end() || found->second.shape.empty() ? 0 : found->second.shape.back();
        std::vector<std::size_t> shape(static_cast<std::size_t>(nu), width);
        shape.insert(shape.begin(), static_cast<std::size_t>(2 * block.irrep.degree + 1));
        shape.push_back(paths);
        put(u, shape);
        put(fmt::format("{}.{}.weight.{}", product, text(block.irrep), nu), {species_, paths, block.channels});
      }
    put_linear(product + ".linear", layer.features_out, layer.features_out);
    if (!layer.has_readout) return;
    const Irreps out{{m.heads.size(), {0, 1}}};
    if (layer.readout_hidden.empty()) return put_linear(readout + ".linear", layer.features_out, out);
    Irreps from = layer.features_out;
    for (std::size_t k = 0; k <= layer.readout_hidden.size(); ++k) {
      const Irreps to = k == layer.readout_hidden.size() ? out : Irreps{{layer.readout_hidden[k], {0, 1}}};
      put_linear(fmt::format("{}.linear_{}", readout, k + 1), from, to);
      from = to;
    }
  }

  void list(const MatterSimModel& m) {
    constexpr std::size_t widest = 65536;
    if (m.layers == 0 || m.layers > most_layers || m.units == 0 || m.units > widest || m.radial == 0 || m.radial > 4 || m.angular == 0 || m.angular > 4)
      fail("the architecture has no layers, or widths that are not those of MatterSim");
    if (!(m.threebody_cutoff_ang > 0 && m.threebody_cutoff_ang < 100)) fail("threebody_cutoff_ang is no distance");
    const std::size_t rows = species_ + 1, products = m.radial * m.angular, width = m.units;
    for (std::size_t k = 0; k < species_; ++k)
      if (model_.atomic_number[k] != k + 1) fail("the elements are not those from H on");
    for (const char* const part : {"bessel_frequencies", "bessel_frequencies_next", "bessel_factors", "bessel_d", "bessel_e"}) put(part, {m.radial});
    put("spherical_bessel", {4, 9, 4});
    put("spherical_bessel_factor", {1});
    put("embedding", {rows, width});
    put("pair_embedding", {m.radial, width});
    for (const char* const part : {"energy_scale", "energy_shift"}) put(part, {1, species_});
    const auto put_biased = [this](const std::string& name, std::size_t in, std::size_t out) {
      put(name, {in, out});
      put(name + ".bias", {out});
    };
    const auto put_gated = [&](const std::string& name, const std::vector<std::size_t>& widths) {
      for (const char* const branch : {"g", "sigma"})
        for (std::size_t k = 0; k + 1 < widths.size(); ++k) put_biased(fmt::format("{}.{}.{}", name, branch, k), widths[k], widths[k + 1]);
    };
    for (std::size_t t = 0; t < m.layers; ++t) {
      const std::string name = fmt::format("layers.{}", t);
      put_biased(name + ".triple.gate", width, products);
      for (const char* const branch : {"g", "sigma"}) put(fmt::format("{}.triple.{}.0", name, branch), {products, width});
      for (const char* const part : {"pair", "atom"}) {
        put_gated(fmt::format("{}.{}", name, part), {3 * width, width, width});
        put(fmt::format("{}.{}.radial", name, part), {m.radial, width});
      }
    }
    put_gated("readout", {width, width, width, 1});
  }

  void put_mlp(const std::string& name, std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out) {
    for (std::size_t k = 0; k <= hidden.size(); ++k) {
      const std::size_t to = k == hidden.size() ? out : hidden[k];
      put(fmt::format("{}.{}", name, k), {in, to});
      put(fmt::format("{}.{}.bias", name, k), {to});
      in = to;
    }
  }

  void list(const OrbModel& m) {
    constexpr std::size_t most_hidden = 8, most_width = 1 << 16;
    const auto sound = [](const std::vector<std::size_t>& widths) {
      return !widths.empty() && widths.size() <= most_hidden && std::ranges::all_of(widths, [](std::size_t w) { return w > 0 && w <= most_width; });
    };
    if (m.layers == 0 || m.layers > most_layers || m.channels == 0 || m.channels > most_width || !sound(m.hidden) || !sound(m.head_hidden)) fail("the architecture has no layers, too many, or too wide ones");
    if (m.activation != Activation::silu && m.activation != Activation::shifted_softplus) fail("the activation is neither silu nor shifted_softplus");
    if (m.max_neighbors == 0 || m.max_neighbors > 1'000'000) fail("the largest number of neighbours is not from 1 to 1000000");
    if (m.conservative && (m.layer_norm || !m.spherical)) fail("forces by gradient go with spherical edges and the root-mean-square norm");
    if (!(m.cutoff_function.order >= 1 && m.cutoff_function.order <= 100) || !std::isfinite(m.bessel_prefactor)) fail("the cutoff function or the radial basis is not sound");
    for (const std::uint8_t z : model_.atomic_number)
      if (z >= orb_reference_elements || (m.repulsion && z > 95)) fail("an element is beyond the table of reference energies, or of radii of the repulsion");
    std::size_t inputs = m.gaussians + 3;
    if (m.spherical) {
      const std::size_t basis = find_tensor(model_.tensors, "bessel_frequencies", {any_size}).shape[0];
      if (m.harmonics_degree > 8 || basis == 0 || basis > 1000) fail("the radial basis or the degree of the harmonics is beyond what is read");
      inputs = basis * static_cast<std::size_t>((m.harmonics_degree + 1) * (m.harmonics_degree + 1));
      put("bessel_frequencies", {basis});
    } else if (m.gaussians == 0 || m.gaussians > 1000 || !(m.gaussian_reach_ang > 0 && m.gaussian_reach_ang < 1000)) {
      fail("there are no Gaussians");
    }
    put("embedding", {orb_embedded_elements, m.channels});
    put("reference_energies", {orb_reference_elements});
    const auto put_normed = [&](const std::string& name, std::size_t in) {
      put_mlp(name, in, m.hidden, m.channels);
      put(name + ".norm", {m.channels});
      if (m.layer_norm) put(name + ".norm.bias", {m.channels});
    };
    put_normed("encoder.atom", m.channels);
    put_normed("encoder.edge", inputs);
    for (std::size_t t = 0; t < m.layers; ++t) {
      const std::string name = fmt::format("layers.{}.", t);
      put_normed(name + "atom", 3 * m.channels);
      put_normed(name + "edge", 3 * m.channels);
      for (const char* const gate : {"send", "receive"}) {
        put(name + gate, {m.channels, 1});
        put(name + gate + ".bias", {1});
      }
    }
    const auto put_head = [&](const std::string& name, std::size_t out, std::size_t scales) {
      put_mlp(name, m.channels, m.head_hidden, out);
      put(name + ".mean", {scales});
      put(name + ".variance", {scales});
    };
    put_head("energy", 1, 1);
    if (!m.conservative) put_head("forces", 3, 1);
    if (m.stress_head) put_head("stress", 6, 2);
  }

  const PublishedModel& model_;
  std::size_t species_;
  std::map<std::string, std::vector<std::size_t>> shapes_;
};

}  // namespace

std::string architecture_json(const PublishedModel& model) {
  return std::visit([](const auto& architecture) { return Writer::encoded(architecture).dump(); }, model.architecture);
}

TensorFile to_container(const PublishedModel& model) {
  TensorFile file = model.tensors;
  file.source.clear();
  file.metadata = {{"family", family(model)},
                   {"units", units},
                   {"cutoff_ang", shortest(model.cutoff_ang)},
                   {"species", symbols_of_numbers(model.atomic_number)},
                   {"training_reference", model.training_reference.empty() ? "not stated" : model.training_reference},
                   {"source_hash", model.source_hash},
                   {"source_form", model.form},
                   {"source_version", model.version},
                   {"licence", model.licence.empty() ? "not stated" : model.licence},
                   {"parameters", std::to_string(model.parameters)},
                   {"architecture", architecture_json(model)}};
  return file;
}

PublishedModel from_container(TensorFile file) {
  require_metadata(file, model_metadata_keys);
  const std::string source = file.source;
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::format, fmt::format("{}: {}", source, what)); };
  PublishedModel model;
  const std::string family_name = get_metadata(file, "family");
  if (!is_published_family(family_name)) throw Error(ErrorKind::unsupported, fmt::format("{}: '{}' is no family of published models", source, family_name.substr(0, 40)));
  if (get_metadata(file, "units") != units) throw Error(ErrorKind::unsupported, fmt::format("{}: the units are '{}', expected '{}'", source, get_metadata(file, "units").substr(0, 40), units));
  const auto cutoff = parse_double(get_metadata(file, "cutoff_ang"));
  if (!cutoff || !(*cutoff > 0 && *cutoff < 100)) fail("the metadata cutoff_ang is no distance");
  model.cutoff_ang = *cutoff;
  const auto numbers = numbers_of_symbols(get_metadata(file, "species"));
  if (!numbers) fail("the metadata species is no list of different elements");
  model.atomic_number = *numbers;
  const auto stated = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() || found->second == "not stated" ? std::string() : found->second;
  };
  model.training_reference = stated("training_reference");
  model.licence = stated("licence");
  model.version = stated("source_version");
  model.form = stated("source_form");
  model.converted = true;
  model.source_hash = get_metadata(file, "source_hash");
  const auto parameters = parse_int(stated("parameters"));
  model.parameters = parameters && *parameters > 0 ? static_cast<std::size_t>(*parameters) : 0;
  try {
    const Json json = Json::parse(get_metadata(file, "architecture"));
    if (family_name == "orb") Reader::decode(json, model.architecture.emplace<OrbModel>());
    else if (family_name == "mace") Reader::decode(json, model.architecture.emplace<MaceModel>());
    else if (family_name == "mattersim") Reader::decode(json, model.architecture.emplace<MatterSimModel>());
    else Reader::decode(json, model.architecture.emplace<SevenNetModel>());
  } catch (const Error& error) {
    throw with_place(error, source + ": metadata architecture");
  } catch (const nlohmann::json::exception& exception) {
    fail(fmt::format("metadata architecture: {}", std::string(exception.what()).substr(0, 200)));
  }
  model.tensors = std::move(file);
  model.tensors.metadata.clear();
  const auto first = model.tensors.tensors.find(family_name == "orb" ? "embedding" : "bessel_frequencies");
  if (first == model.tensors.tensors.end()) fail(fmt::format("there is no tensor '{}'", family_name == "orb" ? "embedding" : "bessel_frequencies"));
  model.dtype = first->second.dtype;
  if (model.dtype != Dtype::f32 && model.dtype != Dtype::f64) fail("the weights are neither F32 nor F64");
  Inventory(model).compare();
  return model;
}

void check_published_model(const PublishedModel& model) { Inventory(model).compare(); }

}  // namespace saltus
