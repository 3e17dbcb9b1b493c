// SevenNet models deployed for LAMMPS: TorchScript whose weights are constants, known by their order and shapes alone.
// The code is text in which a few numbers are looked up; it is never run.
#include "saltus/models/sevennet_script.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/e3nn_tensors.hpp"
#include "saltus/models/species.hpp"
#include "saltus/models/torch_module.hpp"

namespace saltus {

namespace {

constexpr std::uint64_t most_code_bytes = 4 << 20;
constexpr std::size_t most_layers = 64;
constexpr int largest_degree = 8;

// As TorchScript prints a double.
std::string printed(double value) { return fmt::format("{:.17g}", value); }

class ScriptReader {
 public:
  explicit ScriptReader(const TorchArchive& archive) : archive_(archive), constants_(archive.constants()) {
    for (const auto& [name, text] : archive.code(most_code_bytes))
      if (text.find("class AtomGraphSequential") != std::string::npos) code_ = text;
    if (code_.empty()) refuse("its code has no AtomGraphSequential");
  }

  PublishedModel read() {
    model_.form = "TorchScript";
    read_extra_files();
    read_edges();
    read_layers();
    read_readout();
    if (at_ != constants_.size()) refuse("{} of its {} constants were not expected", constants_.size() - at_, constants_.size());
    model_.architecture = seven_;
    return std::move(model_);
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::format, archive_.source() + ": " + fmt::format(message, std::forward<Args>(args)...));
  }
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::unsupported, archive_.source() + ": deployed SevenNet: " + fmt::format(message, std::forward<Args>(args)...));
  }

  TensorFile& tensors() { return model_.tensors; }
  std::size_t species() const { return model_.atomic_number.size(); }

  std::string extra(const char* name) const {
    const auto text = archive_.extra(name);
    if (!text) fail("there is no extra/{}; is this a deployed SevenNet model?", name);
    return std::string(trim(*text));
  }

  void read_extra_files() {
    if (const std::string type = extra("model_type"); type != "E3_equivariant_model") refuse("the model type {} is not read", type.substr(0, 40));
    model_.version = extra("version").substr(0, 64);
    const auto minor = model_.version.starts_with("0.") ? parse_int(model_.version.substr(2, model_.version.find('.', 2) - 2)) : std::nullopt;
    if (!minor || *minor < 9) refuse("version {} is not read, only 0.9 and later 0.x", model_.version);
    sorted_ = *minor >= 11;  // weights follow the outputs from then on
    const auto cutoff = parse_double(extra("cutoff"));
    if (!cutoff || !(*cutoff > 0 && *cutoff < 100)) fail("extra/cutoff is no distance");
    model_.cutoff_ang = *cutoff;
    const std::string dtype = extra("dtype");
    if (dtype != "single" && dtype != "double") refuse("the type {} is not read", dtype.substr(0, 40));
    model_.dtype = dtype == "single" ? Dtype::f32 : Dtype::f64;
    const auto numbers = numbers_of_symbols(extra("chemical_symbols_to_index"));
    if (!numbers) fail("extra/chemical_symbols_to_index is no list of different elements");
    model_.atomic_number = *numbers;
    if (parse_int(extra("num_species")) != static_cast<std::int64_t>(species())) fail("extra/num_species is not the number of symbols");
  }

  // The next constant, which must have that shape (any_size: any extent).
  TensorView take(const char* what, const std::vector<std::size_t>& shape) {
    if (at_ == constants_.size()) refuse("the constants end where {} is expected", what);
    const TensorView& view = constants_[at_];
    if (!has_shape(at_, shape))
      refuse("constant {} has not the shape of {}; versions of e3nn lay them out in several ways, and this is none that is read: take the checkpoint (.pth) it was made from", at_, what);
    ++at_;
    return view;
  }
  bool has_shape(std::size_t index, const std::vector<std::size_t>& shape) const {
    if (index >= constants_.size()) return false;
    const auto& found = constants_[index].shape;
    return std::equal(found.begin(), found.end(), shape.begin(), shape.end(), [](std::size_t has, std::size_t wants) { return wants == any_size || has == wants; });
  }

  // What a formula of the code must contain, so that the numbers mean what is thought.
  void need_in_code(const std::string& text, const char* what) const {
    if (code_.find(text) == std::string::npos) refuse("the code does not hold {} ({})", text, what);
  }
  // The factor of a linear map from that many channels.
  void need_fan_in(std::size_t channels) const { need_in_code(printed(std::sqrt(1 / static_cast<double>(channels))), "the factor of a linear map"); }

  // The text between `before` and `after` where both are first found in this order.
  std::optional<std::string> between(std::string_view before, std::string_view after) const {
    const std::size_t at = code_.find(before);
    if (at == std::string::npos) return std::nullopt;
    const std::size_t first = at + before.size(), end = code_.find(after, first);
    if (end == std::string::npos || end - first > 40) return std::nullopt;
    return code_.substr(first, end - first);
  }

  void read_edges() {
    const TensorView frequencies = take("the frequencies of the basis", {any_size});
    basis_ = count(frequencies);
    if (basis_ < 2) refuse("there are {} basis functions", basis_);
    put_tensor(tensors(), "bessel_frequencies", frequencies, {basis_}, model_.dtype);
    seven_.bessel_prefactor = 2 / model_.cutoff_ang;
    need_in_code(printed(seven_.bessel_prefactor), "the factor of the Bessel basis");
    need_in_code("torch.sin(torch.mul(CONSTANTS.c0, ", "the Bessel basis");
    read_cutoff_function();
    need_in_code("torch.clamp_min(torch.norm(", "unit vectors of the edges");
    need_in_code(fmt::format("torch.one_hot(inp, {})", species()), "the numbers of the elements");
    // The largest degree follows from the components that the code makes.
    while (code_.find(fmt::format("sh_{}_0", seven_.harmonics_degree + 1)) != std::string::npos || (seven_.harmonics_degree == 0 && has_first_degree())) ++seven_.harmonics_degree;
    if (seven_.harmonics_degree > largest_degree) refuse("degrees up to {} are read", largest_degree);
  }

  // Degree 1 is the vector itself and has no name; its normalisation √3 is written for any degree above 0.
  bool has_first_degree() const { return code_.find("torch.ones([3]") != std::string::npos; }

  void read_cutoff_function() {
    const double cutoff = model_.cutoff_ang;
    if (const auto onset_text = between("torch.lt(r, ", ")")) {
      const auto onset = parse_double(*onset_text);
      if (!onset || !(*onset >= 0 && *onset < cutoff)) refuse("the onset '{}' of the cutoff function is not understood", *onset_text);
      const double squares = cutoff * cutoff - *onset * *onset;
      need_in_code(printed_number(squares * squares * squares), "the denominator of the XPLOR function");
      need_in_code(printed_number(3 * *onset * *onset), "the onset of the XPLOR function");
      seven_.cutoff_function = XplorCutoff{*onset};
      return;
    }
    // 1 − (p+1)(p+2)/2 x^p + …: the powers are p, p + 1 and p + 2.
    for (int p = 2; p <= 20; ++p) {
      const double first = (p + 1.0) * (p + 2.0) / 2, second = p * (p + 2.0), third = p * (p + 1.0) / 2;
      const auto power = [&](int exponent) { return code_.find(fmt::format("torch.pow(r0, {}", exponent)) != std::string::npos || code_.find(fmt::format("torch.pow(_, {}", exponent)) != std::string::npos; };
      const auto has = [&](double value) { return code_.find(fmt::format(", {})", printed_number(value))) != std::string::npos; };
      if (power(p) && power(p + 1) && power(p + 2) && has(first) && has(second) && has(third)) {
        seven_.cutoff_function = PolynomialCutoff{static_cast<double>(p)};
        return;
      }
    }
    refuse("its cutoff function is neither XPLOR nor the polynomial");
  }

  // TorchScript writes whole doubles with a point.
  static std::string printed_number(double value) {
    const std::string text = printed(value);
    return text.find_first_of(".e") == std::string::npos ? text + "." : text;
  }

  void read_layers() {
    const TensorView embedding = take("the embedding of the elements", {species(), any_size});
    need_fan_in(species());
    Irreps features{{embedding.shape[1], {0, 1}}};
    put_matrix("embedding.0e", embedding);
    while (find_radial_network()) {
      if (seven_.layers.size() == most_layers) refuse("more than {} layers", most_layers);
      features = read_layer(features);
    }
    if (seven_.layers.empty()) refuse("there are no layers");
    last_features_ = features;
  }

  void put_matrix(const std::string& name, const TensorView& view) { put_tensor(tensors(), name, view, view.shape, model_.dtype); }

  // A layer has a radial network, whose first matrix has as many rows as there are basis functions; nothing after the layers has.
  std::optional<std::size_t> find_radial_network() const {
    for (std::size_t k = at_; k < constants_.size(); ++k)
      if (has_shape(k, {basis_, any_size})) return k;
    return std::nullopt;
  }

  Irreps read_layer(const Irreps& in) {
    const std::size_t t = seven_.layers.size();
    const std::string name = fmt::format("layers.{}", t);
    SevenNetLayer layer;
    layer.features_in = in;
    // The self connection: a matrix for each irrep that the gate takes; then a square matrix for each irrep of the features.
    const std::size_t radial = *find_radial_network();
    if (radial < at_ + in.size() + 1) refuse("layer {}: too few matrices before its radial network", t);
    const std::size_t connected = radial - in.size() - at_;
    if (connected > in.size()) refuse("layer {}: {} matrices before its radial network", t, radial - at_);
    for (std::size_t k = 0; k < connected; ++k) {
      const TensorView matrix = take("a self connection", {in[k].channels, any_size});
      put_matrix(fmt::format("{}.self_connection.{}", name, text(in[k].irrep)), matrix);
      layer.gate_in.push_back({matrix.shape[1], in[k].irrep});
    }
    for (const IrrepBlock& block : in) {
      need_fan_in(block.channels);
      put_matrix(fmt::format("{}.linear_1.{}", name, text(block.irrep)), take("a linear map of the features", {block.channels, block.channels}));
    }
    read_network(layer, name);
    return finish_layer(layer, name);
  }

  void read_network(SevenNetLayer& layer, const std::string& name) {
    layer.radial_widths = {basis_};
    for (std::size_t k = 0;; ++k) {
      const TensorView matrix = take("a matrix of the radial network", {layer.radial_widths.back(), any_size});
      put_matrix(fmt::format("{}.radial.{}", name, k), matrix);
      layer.radial_widths.push_back(matrix.shape[1]);
      if (k == 0 && seven_.layers.empty()) {
        // Each constant stands where it is used first: the factor of the activation behind the first matrix.
        const TensorView factor = take("the factor of the activation", {});
        seven_.radial_activation = {Activation::silu, values_of(factor).front()};
        if (!(seven_.radial_activation.factor > 1 && seven_.radial_activation.factor < 3)) refuse("the activation has the factor {}", seven_.radial_activation.factor);
        need_in_code(fmt::format("torch.silu(x), CONSTANTS.c{})", at_ - 1), "the activation");
        if (code_.find("torch.tanh(") != std::string::npos || code_.find("softplus") != std::string::npos) refuse("it has other activations than silu");
        seven_.scalar_activation = seven_.gate_activation = seven_.radial_activation;
        seven_.odd_scalar_activation = seven_.odd_gate_activation = seven_.radial_activation;
      }
      if (k > 16) refuse("a radial network of more than 16 matrices");
      if (k == 0 || !degree_of_weights(layer, matrix.shape[1])) continue;
      if (has_shape(at_, {matrix.shape[1], any_size}) && degree_of_weights(layer, constants_[at_].shape[1])) refuse("{}: the end of the radial network cannot be told by its shapes", name);
      return;
    }
  }

  // Paths to all even irreps up to some degree have as many weights as the last matrix has columns.
  std::optional<int> degree_of_weights(const SevenNetLayer& layer, std::size_t weights) const {
    for (int lmax = 0; lmax <= 2 * seven_.harmonics_degree; ++lmax)
      if (paths_up_to(layer, lmax).weights == weights) return lmax;
    return std::nullopt;
  }
  Convolution paths_up_to(const SevenNetLayer& layer, int lmax) const {
    return convolution_paths(layer.features_in, harmonics_up_to(seven_.harmonics_degree, false), harmonics_up_to(lmax, false), sorted_);
  }

  Irreps finish_layer(SevenNetLayer& layer, const std::string& name) {
    const int lmax = *degree_of_weights(layer, layer.radial_widths.back());
    const Convolution convolution = paths_up_to(layer, lmax);
    layer.paths = convolution.paths;
    layer.convolution_out = convolution.output;
    if (seven_.layers.empty()) take("the number that broadcasting begins with", {});
    read_couplings(layer, name);
    // The denominator is a constant of its own where it differs from the one before.
    if (has_shape(at_, {1})) denominator_ = values_of(take("the denominator", {1})).front();
    if (!denominator_ || !std::isfinite(*denominator_) || *denominator_ == 0) refuse("layer {} has no denominator", seven_.layers.size());
    layer.denominator = *denominator_;
    Irreps gate_in;
    for (const IrrepBlock& block : layer.convolution_out) {
      const TensorView matrix = take("a linear map behind the convolution", {block.channels, any_size});
      need_fan_in(block.channels);
      put_matrix(fmt::format("{}.linear_2.{}", name, text(block.irrep)), matrix);
      gate_in.push_back({matrix.shape[1], block.irrep});
    }
    for (const IrrepBlock& block : layer.gate_in)
      if (channels(gate_in, block.irrep) != block.channels) refuse("layer {}: the self connection gives {}, the convolution {}", seven_.layers.size(), text(layer.gate_in), text(gate_in));
    layer.gate_in = gate_in;
    for (const IrrepBlock& block : gate_in)
      if (block.irrep.degree > 0) layer.gates += block.channels;
    if (gate_in.empty() || gate_in[0].irrep.degree != 0 || gate_in[0].channels <= layer.gates) refuse("layer {} has no scalars beside its gates", seven_.layers.size());
    layer.features_out = gate_in;
    layer.features_out[0].channels -= layer.gates;
    seven_.layers.push_back(layer);
    return layer.features_out;
  }

  // Tables of 3j · √(2l + 1), [feature, harmonic, output], each where it is used first: in the order of the paths.
  void read_couplings(const SevenNetLayer& layer, const std::string& name) {
    Tensor& columns = tensors().tensors.at(fmt::format("{}.radial.{}", name, layer.radial_widths.size() - 2));
    for (const ConvolutionPath& path : layer.paths) {
      const int a = layer.features_in[path.feature].irrep.degree, b = path.harmonic_degree, c = layer.convolution_out[path.output].irrep.degree;
      if (a == 0 || b == 0 || c == 0) continue;
      const auto key = std::array{a, b, c};
      if (!couplings_.contains(key)) {
        const auto extent = [](int degree) { return static_cast<std::size_t>(2 * degree + 1); };
        const TensorView table = take("a coupling", {extent(a), extent(b), extent(c)});
        couplings_[key] = coupling_sign(a, b, c, values_of(table), std::sqrt(2.0 * c + 1), archive_.source());
      }
      if (couplings_[key] < 0) negate_columns(columns, path.first_weight, path.channels);
    }
  }

  void read_readout() {
    std::size_t width = 0;
    for (const IrrepBlock& block : last_features_) {
      if (block.irrep.degree != 0) refuse("the last features are {}, expected scalars", text(last_features_));
      width += block.channels;
    }
    const TensorView hidden = take("the first map of the readout", {width, any_size});
    seven_.readout_hidden = hidden.shape[1];
    put_matrix("readout.0.0e", hidden);
    need_fan_in(width);
    put_matrix("readout.1.0e", take("the second map of the readout", {seven_.readout_hidden, 1}));
    need_fan_in(seven_.readout_hidden);
    for (const char* const part : {"scale", "shift"}) {
      const std::string name = fmt::format("energy_{}", part);
      put_tensor(tensors(), name, take("a number for each element", {species()}), {species()}, model_.dtype);
      tensors().tensors.at(name).shape = {1, species()};
    }
  }

  const TorchArchive& archive_;
  std::vector<TensorView> constants_;
  std::string code_;
  PublishedModel model_;
  SevenNetModel seven_;
  std::size_t at_ = 0, basis_ = 0;
  bool sorted_ = false;
  std::optional<double> denominator_;
  std::map<std::array<int, 3>, int> couplings_;
  Irreps last_features_;
};

}  // namespace

bool is_sevennet_script(const TorchArchive& archive) {
  return archive.is_torch_script() && archive.data().class_name(archive.data().root()).starts_with("__torch__.sevenn.");
}

PublishedModel read_sevennet_script(const TorchArchive& archive) { return ScriptReader(archive).read(); }

}  // namespace saltus
