// MACE models of mace-torch 0.3 as module trees. Reference: Batatia et al., NeurIPS 35 (2022) 11423, and the source of mace-torch.
#include "saltus/models/mace_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/e3nn_tensors.hpp"
#include "saltus/models/torch_module.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_layers = 64;
constexpr std::uint64_t most_code_bytes = 16 << 20;
constexpr int most_correlation = 6;
constexpr double number_tolerance = 1e-6;  // of factors that follow from shapes, in files that may hold single precision

bool is_close(double found, double expected) { return std::abs(found - expected) <= number_tolerance * std::abs(expected); }

std::size_t positive(const ModuleView& module, std::int64_t value, const char* what) {
  if (value <= 0) module.fail(fmt::format("has {} {}", value, what));
  return static_cast<std::size_t>(value);
}

// The matrices of an e3nn Linear, after a look at whether its instructions are the usual ones.
void put_linear_module(TensorFile& file, const std::string& name, const ModuleView& linear, const Irreps& in, const Irreps& out, Dtype dtype) {
  if (linear.short_class() != "Linear") linear.refuse(fmt::format("is a {}, expected e3nn's Linear; a model for cuEquivariance must be converted to e3nn first", linear.class_name()));
  if (linear.irreps("irreps_in") != in || linear.irreps("irreps_out") != out)
    linear.fail(fmt::format("maps {} to {}, expected {} to {}", text(linear.irreps("irreps_in")), text(linear.irreps("irreps_out")), text(in), text(out)));
  if (linear.integer("bias_numel") != 0) linear.refuse("has a bias");
  for (const auto& row : linear.rows("instructions")) {  // i_in, i_out, channels in, channels out, weight
    if (row.size() != 5 || row[0] < 0 || row[0] >= static_cast<double>(in.size())) linear.refuse("has instructions of an unknown kind");
    const double factor = 1 / std::sqrt(static_cast<double>(channels(in, in[static_cast<std::size_t>(row[0])].irrep)));
    if (!is_close(row[4], factor)) linear.refuse(fmt::format("has the path weight {}, expected {}", row[4], factor));
  }
  put_linear(file, name, linear.tensor("weight"), in, out, dtype);
}

void put_skip(TensorFile& file, const std::string& name, const ModuleView& product, const Irreps& in, std::size_t species, const Irreps& out, Dtype dtype) {
  if (product.short_class() != "FullyConnectedTensorProduct") product.refuse(fmt::format("is a {}, expected a FullyConnectedTensorProduct", product.class_name()));
  if (product.irreps("irreps_in1") != in || product.irreps("irreps_out") != out || product.irreps("irreps_in2") != Irreps{{species, {0, 1}}})
    product.fail(fmt::format("is not the product of {} and {} elements to {}", text(in), species, text(out)));
  for (const auto& row : product.rows("instructions")) {  // i_in, i_element, i_out, trained, weight, channels, species, channels
    if (row.size() != 8 || row[0] < 0 || row[0] >= static_cast<double>(in.size())) product.refuse("has instructions of an unknown kind");
    const Irrep irrep = in[static_cast<std::size_t>(row[0])].irrep;
    const double factor = std::sqrt((2 * irrep.degree + 1) / static_cast<double>(channels(in, irrep) * species));
    if (!is_close(row[4], factor)) product.refuse(fmt::format("has the path weight {}, expected {}", row[4], factor));
  }
  put_species_linear(file, name, product.tensor("weight"), in, species, out, dtype);
}

/// The text of the class of a TorchScript module.
class ScriptCode {
 public:
  explicit ScriptCode(const TorchArchive& archive) : archive_(archive) {}

  // normalize2mom of TorchScript has its factor in the code: torch.mul(torch.silu(x), CONSTANTS.c0).
  ScaledActivation activation(const ModuleView& module) {
    if (files_.empty()) files_ = archive_.code(most_code_bytes);
    constexpr std::string_view before = "torch.mul(torch.silu(x), ", constant = "CONSTANTS.c";
    std::set<std::string> factors;
    for (const auto& [file_name, text] : files_) {
      if (file_name.find("_normalize_activation") == std::string::npos || text.find("class normalize2mom") == std::string::npos) continue;
      const std::size_t at = text.find(before);
      if (at == std::string::npos) module.refuse(fmt::format("has an activation that is not silu ({})", file_name));
      const std::size_t first = at + before.size(), end = text.find(')', first);
      factors.insert(text.substr(first, end - first));
    }
    if (factors.size() != 1) module.refuse("is of a TorchScript file whose activations have no common factor");
    const std::string& factor = *factors.begin();
    std::optional<double> value = parse_double(factor);
    if (factor.starts_with(constant)) {
      const auto index = parse_int(std::string_view(factor).substr(constant.size()));
      const auto constants = archive_.constants();
      if (!index || *index < 0 || static_cast<std::size_t>(*index) >= constants.size() || count(constants[static_cast<std::size_t>(*index)]) != 1)
        module.fail(fmt::format("needs {}, which is no number in the list of constants", factor));
      value = values_of(constants[static_cast<std::size_t>(*index)]).front();
    }
    if (!value || !std::isfinite(*value)) module.fail(fmt::format("has the activation factor '{}'", factor));
    return {Activation::silu, *value};
  }

 private:
  const TorchArchive& archive_;
  std::vector<std::pair<std::string, std::string>> files_;
};

class MaceReader {
 public:
  explicit MaceReader(const TorchArchive& archive) : root_(archive), code_(archive) {}

  PublishedModel read() {
    model_.form = root_.archive().is_torch_script() ? "TorchScript" : "module";
    if (root_.archive().is_torch_script())
      if (const auto commit = root_.archive().extra("commit.txt")) model_.version = std::string(trim(*commit)).substr(0, 64);
    mace_.scale_shift = root_.short_class() == "ScaleShiftMACE";
    for (const char* part : {"joint_embedding", "embedding_readout", "les", "dipole_only"})
      if (!root_.lacks(part)) root_.refuse(fmt::format("has a {}: such models are not read", part));
    read_elements();
    read_heads();
    read_radial();
    read_layers();
    read_energies();
    read_repulsion();
    model_.architecture = mace_;
    return std::move(model_);
  }

 private:
  TensorFile& tensors() { return model_.tensors; }
  std::size_t species() const { return model_.atomic_number.size(); }
  std::size_t heads() const { return mace_.heads.size(); }

  void read_elements() {
    for (const std::int64_t number : root_.integers("atomic_numbers")) {
      if (number < 1 || number > 118) root_.fail(fmt::format("has the atomic number {}", number));
      const auto z = static_cast<std::uint8_t>(number);
      if (std::find(model_.atomic_number.begin(), model_.atomic_number.end(), z) != model_.atomic_number.end())
        root_.fail(fmt::format("has the atomic number {} twice", number));
      model_.atomic_number.push_back(z);
    }
    if (model_.atomic_number.empty()) root_.fail("has no elements");
    model_.cutoff_ang = root_.number("r_max");
    if (!(model_.cutoff_ang > 0 && model_.cutoff_ang < 100)) root_.fail(fmt::format("has a cutoff of {} Å", model_.cutoff_ang));
    const ModuleView embedding = root_.child("node_embedding").child("linear");
    model_.dtype = embedding.tensor("weight").dtype;
    if (model_.dtype != Dtype::f32 && model_.dtype != Dtype::f64) root_.refuse(fmt::format("has weights of type {}", name(model_.dtype)));
    embedding_ = embedding.irreps("irreps_out");
    put_linear_module(tensors(), "embedding", embedding, {{species(), {0, 1}}}, embedding_, model_.dtype);
  }

  void read_heads() {
    if (!root_.lacks("heads")) mace_.heads = root_.words("heads");
    if (mace_.heads.empty()) mace_.heads = {"Default"};
  }

  void read_radial() {
    const ModuleView radial = root_.child("radial_embedding"), bessel = radial.child("bessel_fn"), cutoff = radial.child("cutoff_fn");
    if (bessel.short_class() != "BesselBasis") bessel.refuse(fmt::format("is a {}; only the Bessel basis is read", bessel.class_name()));
    if (cutoff.short_class() != "PolynomialCutoff") cutoff.refuse(fmt::format("is a {}; only the polynomial cutoff is read", cutoff.class_name()));
    const TensorView frequencies = bessel.tensor("bessel_weights");
    basis_ = count(frequencies);
    put_tensor(tensors(), "bessel_frequencies", frequencies, {basis_}, model_.dtype);
    mace_.bessel_prefactor = bessel.number("prefactor");
    mace_.cutoff_function.order = static_cast<double>(positive(cutoff, cutoff.integer("p"), "as its order"));
    for (const ModuleView& part : {bessel, cutoff})
      if (!is_close(part.number("r_max"), model_.cutoff_ang)) part.refuse(fmt::format("has the cutoff {} Å, the model {} Å", part.number("r_max"), model_.cutoff_ang));
    mace_.cutoff_on_basis = radial.flag("apply_cutoff", true);
    if (!radial.lacks("distance_transform")) {
      const ModuleView transform = radial.child("distance_transform");
      if (transform.short_class() != "AgnesiTransform") transform.refuse(fmt::format("is a {}; only the Agnesi transform is read", transform.class_name()));
      mace_.distance_transform = {transform.number("a"), transform.number("q"), transform.number("p")};
      put_radii(transform);
    }
    const ModuleView harmonics = root_.child("spherical_harmonics");
    if (!harmonics.flag("normalize", false)) harmonics.refuse("are not of unit vectors");
    const Irreps irreps = harmonics.irreps("irreps_out");
    mace_.harmonics_degree = static_cast<int>(irreps.size()) - 1;
    for (const bool odd : {true, false}) {
      Irreps expected;
      for (const Irrep irrep : harmonics_up_to(mace_.harmonics_degree, odd)) expected.push_back({1, irrep});
      if (irreps != expected) continue;
      mace_.odd_harmonics = odd;
      harmonics_ = harmonics_up_to(mace_.harmonics_degree, odd);
      return;
    }
    harmonics.refuse(fmt::format("are {}, expected one of each degree", text(irreps)));
  }

  void put_radii(const ModuleView& owner) {
    const TensorView radii = owner.tensor("covalent_radii");
    const Tensor copied = copy(radii);
    const auto known = tensors().tensors.find("covalent_radii_ang");
    if (known != tensors().tensors.end()) {
      if (known->second != copied) owner.refuse("has other covalent radii than the distance transform");
      return;
    }
    if (radii.shape.size() != 1 || radii.shape[0] <= *std::max_element(model_.atomic_number.begin(), model_.atomic_number.end()))
      owner.fail("has too few covalent radii");
    put_tensor(tensors(), "covalent_radii_ang", radii, {radii.shape[0]}, model_.dtype);
  }

  ScaledActivation activation(const ModuleView& module) {
    if (module.short_class() != "normalize2mom") module.refuse(fmt::format("is a {}, expected a normalised activation", module.class_name()));
    if (!module.has("cst")) return code_.activation(module);
    const std::string function = module.symbol("f");
    if (!function.ends_with(".silu")) module.refuse(fmt::format("is {}; only silu is read", function));
    return {Activation::silu, module.number("cst")};
  }

  // The widths of a FullyConnectedNet, whose matrices become NAME.0, NAME.1, …
  std::vector<std::size_t> put_network(const std::string& name, const ModuleView& network, ScaledActivation& common) {
    if (network.short_class() != "FullyConnectedNet") network.refuse(fmt::format("is a {}; only e3nn's FullyConnectedNet is read", network.class_name()));
    std::vector<std::size_t> widths;
    std::size_t layers = 0;
    while (layers < most_layers && network.has(fmt::format("layer{}", layers))) ++layers;
    if (layers == 0 || layers == most_layers) network.refuse(fmt::format("has {} layers", layers));
    for (std::size_t k = 0; k < layers; ++k) {
      const ModuleView layer = network.child(fmt::format("layer{}", k));
      const TensorView weight = layer.tensor("weight");
      if (weight.shape.size() != 2 || count(weight) == 0 || (k > 0 && weight.shape[0] != widths.back())) layer.fail("has weights of a wrong shape");
      if (layer.number("var_in") != 1 || layer.number("var_out") != 1) layer.refuse("has variances other than 1");
      if (k == 0) widths.push_back(weight.shape[0]);
      widths.push_back(weight.shape[1]);
      if ((k + 1 < layers) == layer.lacks("act")) layer.refuse("has an activation after the last layer, or none before");
      if (k + 1 < layers) {
        const ScaledActivation found = activation(layer.child("act"));
        if (common.factor != 1 && common != found) layer.refuse("has another activation than the layers before");
        common = found;
      }
      put_radial_layer(tensors(), fmt::format("{}.{}", name, k), weight, model_.dtype);
    }
    return widths;
  }

  void read_layers() {
    const ModuleView interactions = root_.child("interactions"), products = root_.child("products"), readouts = root_.child("readouts");
    const std::size_t layers = interactions.children(), readout_count = readouts.children();
    if (layers == 0 || layers > most_layers || products.children() != layers || (readout_count != layers && readout_count != 1))
      root_.fail(fmt::format("has {} interactions, {} products and {} readouts", layers, products.children(), readout_count));
    Irreps features = embedding_;
    for (std::size_t t = 0; t < layers; ++t) {
      MaceLayer layer;
      layer.features_in = features;
      read_interaction(layer, interactions.child(std::to_string(t)), t);
      read_product(layer, products.child(std::to_string(t)), t);
      layer.has_readout = readout_count == layers || t + 1 == layers;
      if (layer.has_readout) read_readout(layer, readouts.child(std::to_string(readout_count == layers ? t : 0)), t);
      features = layer.features_out;
      mace_.layers.push_back(std::move(layer));
    }
  }

  void read_interaction(MaceLayer& layer, const ModuleView& block, std::size_t t) {
    struct Kind {
      std::string_view name;
      MaceInteraction interaction;
    };
    constexpr std::array<Kind, 4> kinds{{{"RealAgnosticInteractionBlock", MaceInteraction::agnostic},
                                         {"RealAgnosticResidualInteractionBlock", MaceInteraction::agnostic_residual},
                                         {"RealAgnosticDensityInteractionBlock", MaceInteraction::agnostic_density},
                                         {"RealAgnosticDensityResidualInteractionBlock", MaceInteraction::agnostic_density_residual}}};
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return block.short_class() == k.name; });
    if (kind == kinds.end()) block.refuse(fmt::format("is a {}, which is not read", block.class_name()));
    layer.interaction = kind->interaction;
    const bool residual = kind->interaction == MaceInteraction::agnostic_residual || kind->interaction == MaceInteraction::agnostic_density_residual;
    const bool density = kind->interaction == MaceInteraction::agnostic_density || kind->interaction == MaceInteraction::agnostic_density_residual;
    const std::string name = fmt::format("interactions.{}", t);

    const ModuleView up = block.child("linear_up"), convolution = block.child("conv_tp");
    if (convolution.short_class() != "TensorProduct") convolution.refuse(fmt::format("is a {}, expected e3nn's TensorProduct", convolution.class_name()));
    layer.convolution_in = convolution.irreps("irreps_in1");
    put_linear_module(tensors(), name + ".linear_up", up, layer.features_in, layer.convolution_in, model_.dtype);
    read_paths(layer, convolution);
    layer.radial_widths = put_network(name + ".radial", block.child("conv_tp_weights"), mace_.radial_activation);
    std::size_t weights = 0;
    for (const ConvolutionPath& path : layer.paths) weights += path.channels;
    if (layer.radial_widths.front() != basis_ || layer.radial_widths.back() != weights)
      block.fail(fmt::format("has a radial network from {} to {} numbers, expected {} to {}", layer.radial_widths.front(), layer.radial_widths.back(), basis_, weights));
    layer.avg_num_neighbors = block.number("avg_num_neighbors");
    if (!(layer.avg_num_neighbors > 0)) block.fail(fmt::format("has {} neighbours on average", layer.avg_num_neighbors));
    if (density) {
      const auto widths = put_network(name + ".density", block.child("density_fn"), mace_.density_activation);
      if (widths.front() != basis_ || widths.back() != 1) block.fail("has a density network of a wrong shape");
    }
    const ModuleView linear = block.child("linear");
    layer.message = linear.irreps("irreps_out");
    // e3nn joins what the convolution gives before it hands it to the linear map, or leaves it in parts of one irrep each.
    const Irreps parts = linear.irreps("irreps_in");
    if (simplified(parts) != layer.convolution_out) linear.fail(fmt::format("takes {}, but the convolution gives {}", text(parts), text(layer.convolution_out)));
    put_linear_module(tensors(), name + ".linear", linear, parts, layer.message, model_.dtype);
    layer.self_connection = residual;
    const Irreps hidden = block.irreps("hidden_irreps");
    if (residual) put_skip(tensors(), name + ".skip", block.child("skip_tp"), layer.features_in, species(), hidden, model_.dtype);
    else put_skip(tensors(), name + ".skip", block.child("skip_tp"), layer.message, species(), layer.message, model_.dtype);
    layer.features_out = hidden;
  }

  void read_paths(MaceLayer& layer, const ModuleView& convolution) {
    const Irreps harmonics = convolution.irreps("irreps_in2"), output = convolution.irreps("irreps_out");
    Irreps expected;
    for (const Irrep irrep : harmonics_) expected.push_back({1, irrep});
    if (harmonics != expected) convolution.refuse(fmt::format("takes the harmonics {}, the model has {}", text(harmonics), text(expected)));
    layer.convolution_out = simplified(output);
    std::size_t weight = 0;
    std::vector<bool> used(output.size(), false);
    for (const auto& row : convolution.rows("instructions")) {  // feature, harmonic, output, trained, weight, channels, 1
      const auto within = [&](std::size_t k, std::size_t size) { return row[k] >= 0 && row[k] < static_cast<double>(size); };
      if (row.size() != 7 || !within(0, layer.convolution_in.size()) || !within(1, harmonics.size()) || !within(2, output.size()))
        convolution.refuse("has instructions of an unknown kind");
      const auto feature = static_cast<std::size_t>(row[0]), harmonic = static_cast<std::size_t>(row[1]), slot = static_cast<std::size_t>(row[2]);
      const Irrep in = layer.convolution_in[feature].irrep, y = harmonics[harmonic].irrep, out = output[slot].irrep;
      if (used[slot] || in.parity * y.parity != out.parity || out.degree < std::abs(in.degree - y.degree) || out.degree > in.degree + y.degree ||
          output[slot].channels != layer.convolution_in[feature].channels)
        convolution.fail(fmt::format("has a path from {} and {} to {}", text(in), text(y), text(out)));
      used[slot] = true;
      if (!is_close(row[4], std::sqrt(2.0 * out.degree + 1))) convolution.refuse(fmt::format("has the path weight {}, expected {}", row[4], std::sqrt(2.0 * out.degree + 1)));
      ConvolutionPath path;
      path.feature = feature;
      path.harmonic_degree = y.degree;
      path.channels = output[slot].channels;
      path.first_weight = weight;
      weight += path.channels;
      // Where the slot lies in what is left of the output when neighbouring slots of one irrep are joined.
      const Irreps before = simplified(Irreps(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(slot)));
      const bool joins = !before.empty() && before.back().irrep == out;
      path.output = joins ? before.size() - 1 : before.size();
      path.first_channel = joins ? before.back().channels : 0;
      layer.paths.push_back(path);
    }
    if (std::find(used.begin(), used.end(), false) != used.end()) convolution.fail("has outputs that no path reaches");
  }

  void read_product(MaceLayer& layer, const ModuleView& block, std::size_t t) {
    if (block.short_class() != "EquivariantProductBasisBlock") block.refuse(fmt::format("is a {}, which is not read", block.class_name()));
    if (block.flag("use_sc", false) != layer.self_connection) block.refuse("adds a self connection where its interaction gives none, or the other way round");
    const ModuleView symmetric = block.child("symmetric_contractions");
    if (symmetric.short_class() != "SymmetricContraction") symmetric.refuse(fmt::format("is a {}; a model for cuEquivariance must be converted to e3nn first", symmetric.class_name()));
    const ModuleView contractions = symmetric.child("contractions");
    if (symmetric.irreps("irreps_in") != layer.message) symmetric.fail(fmt::format("takes {}, the message is {}", text(symmetric.irreps("irreps_in")), text(layer.message)));
    const Irreps out = symmetric.irreps("irreps_out");
    if (layer.self_connection && out != layer.features_out) symmetric.fail(fmt::format("gives {}, the self connection {}", text(out), text(layer.features_out)));
    if (layer.message.empty()) symmetric.fail("takes nothing");
    layer.features_out = out;
    if (contractions.children() != layer.features_out.size()) symmetric.fail("has not one contraction for each irrep");
    std::size_t width = 0, in_channels = layer.message.front().channels;
    for (const IrrepBlock& part : layer.message) {
      width += static_cast<std::size_t>(2 * part.irrep.degree + 1);
      if (part.channels != in_channels) symmetric.refuse("couples irreps of different numbers of channels");
    }
    for (std::size_t k = 0; k < layer.features_out.size(); ++k)
      read_contraction(layer, contractions.child(std::to_string(k)), fmt::format("products.{}.{}", t, text(layer.features_out[k].irrep)), layer.features_out[k], width, k == 0);
    put_linear_module(tensors(), fmt::format("products.{}.linear", t), block.child("linear"), layer.features_out, layer.features_out, model_.dtype);
  }

  void read_contraction(MaceLayer& layer, const ModuleView& contraction, const std::string& name, const IrrepBlock& out, std::size_t width, bool first) {
    const auto correlation = static_cast<int>(contraction.integer("correlation"));
    if (correlation < 1 || correlation > most_correlation) contraction.refuse(fmt::format("has the correlation order {}", correlation));
    if (!first && correlation != layer.correlation) contraction.refuse("has another correlation order than the first");
    layer.correlation = correlation;
    if (out.channels != layer.message.front().channels) contraction.refuse("changes the number of channels");
    const auto components = static_cast<std::size_t>(2 * out.irrep.degree + 1);
    for (int nu = correlation; nu >= 1; --nu) {
      const TensorView coupling = contraction.tensor(fmt::format("U_matrix_{}", nu));
      std::vector<std::size_t> shape(static_cast<std::size_t>(nu), width);
      if (out.irrep.degree > 0) shape.insert(shape.begin(), components);
      if (coupling.shape.empty() || coupling.shape.size() != shape.size() + 1) contraction.fail(fmt::format("has a U_matrix_{} of {} axes", nu, coupling.shape.size()));
      const std::size_t paths = coupling.shape.back();
      shape.push_back(paths);
      const std::string u = fmt::format("{}.u.{}", name, nu);
      put_tensor(tensors(), u, coupling, shape, model_.dtype);
      if (out.irrep.degree == 0) tensors().tensors.at(u).shape.insert(tensors().tensors.at(u).shape.begin(), 1);
      // weights_max belongs to the highest order, weights.0 to the one below, and so on.
      const TensorView weight = nu == correlation ? contraction.tensor("weights_max") : contraction.child("weights").tensor(std::to_string(correlation - 1 - nu));
      const std::string w = fmt::format("{}.weight.{}", name, nu);
      const bool shared = !weight.shape.empty() && weight.shape[0] == 1 && species() > 1;  // one matrix for all elements
      put_tensor(tensors(), w, weight, {shared ? 1 : species(), paths, out.channels}, model_.dtype);
      if (shared) {
        Tensor& tensor = tensors().tensors.at(w);
        const std::string once = tensor.bytes;
        for (std::size_t z = 1; z < species(); ++z) tensor.bytes += once;
        tensor.shape[0] = species();
      }
    }
  }

  void read_readout(MaceLayer& layer, const ModuleView& readout, std::size_t t) {
    const Irreps out{{heads(), {0, 1}}};
    const std::string name = fmt::format("readouts.{}", t);
    if (readout.short_class() == "LinearReadoutBlock") {
      put_linear_module(tensors(), name + ".linear", readout.child("linear"), layer.features_out, out, model_.dtype);
      return;
    }
    if (readout.short_class() != "NonLinearReadoutBlock") readout.refuse(fmt::format("is a {}, which is not read", readout.class_name()));
    const ModuleView first = readout.child("linear_1"), activation_block = readout.child("non_linearity");
    const Irreps hidden = first.irreps("irreps_out");
    if (hidden.size() != 1 || hidden[0].irrep != Irrep{0, 1} || hidden[0].channels % heads() != 0)
      readout.refuse(fmt::format("has the hidden features {}, expected even scalars, as many for each of {} heads", text(hidden), heads()));
    const ModuleView acts = activation_block.child("acts");
    if (acts.children() != 1) acts.refuse(fmt::format("has {} activations, expected one", acts.children()));
    const ScaledActivation found = activation(acts.child("0"));
    if (mace_.readout_activation.factor != 1 && mace_.readout_activation != found) readout.refuse("has another activation than the readouts before");
    mace_.readout_activation = found;
    layer.readout_hidden = {hidden[0].channels};
    put_linear_module(tensors(), name + ".linear_1", first, layer.features_out, hidden, model_.dtype);
    put_linear_module(tensors(), name + ".linear_2", readout.child("linear_2"), hidden, out, model_.dtype);
  }

  // [heads, species], or [species] with one head.
  void read_energies() {
    const TensorView energies = root_.child("atomic_energies_fn").tensor("atomic_energies");
    const bool flat = energies.shape.size() == 1 && heads() == 1;
    put_tensor(tensors(), "atomic_energies", energies, flat ? std::vector<std::size_t>{species()} : std::vector<std::size_t>{heads(), species()}, model_.dtype);
    tensors().tensors.at("atomic_energies").shape = {heads(), species()};
    if (!mace_.scale_shift) return;
    const ModuleView block = root_.child("scale_shift");
    for (const char* part : {"scale", "shift"}) {
      const TensorView value = block.tensor(part);
      if (count(value) != heads() || value.shape.size() > 1) block.fail(fmt::format("has a {} of {} numbers for {} heads", part, count(value), heads()));
      put_tensor(tensors(), part, value, value.shape, model_.dtype);
      tensors().tensors.at(part).shape = {heads()};
    }
  }

  void read_repulsion() {
    if (root_.lacks("pair_repulsion_fn")) return;
    const ModuleView zbl = root_.child("pair_repulsion_fn");
    if (zbl.short_class() != "ZBLBasis") zbl.refuse(fmt::format("is a {}, which is not read", zbl.class_name()));
    ZblRepulsion repulsion;
    repulsion.order = static_cast<double>(positive(zbl, zbl.integer("p"), "as its order"));
    const auto coefficients = values_of(zbl.tensor("c"));
    if (coefficients.size() != 4) zbl.fail(fmt::format("has {} coefficients, expected 4", coefficients.size()));
    std::copy(coefficients.begin(), coefficients.end(), repulsion.coefficient);
    repulsion.exponent = zbl.number("a_exp");
    repulsion.prefactor = zbl.number("a_prefactor");
    put_radii(zbl);
    mace_.repulsion = repulsion;
  }

  ModuleView root_;
  ScriptCode code_;
  PublishedModel model_;
  MaceModel mace_;
  Irreps embedding_;
  std::vector<Irrep> harmonics_;
  std::size_t basis_ = 0;
};

}  // namespace

bool is_mace(const TorchArchive& archive) {
  const std::string name = archive.data().class_name(archive.data().root());
  return name.starts_with("mace.") || name.starts_with("__torch__.mace.");
}

PublishedModel read_mace(const TorchArchive& archive) {
  const ModuleView root(archive);
  if (root.short_class() != "MACE" && root.short_class() != "ScaleShiftMACE")
    root.refuse(fmt::format("{} is not read; only MACE and ScaleShiftMACE are", root.class_name()));
  return MaceReader(archive).read();
}

}  // namespace saltus
