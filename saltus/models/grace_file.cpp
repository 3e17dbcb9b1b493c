#include "saltus/models/grace_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/mapped_file.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/npz.hpp"
#include "saltus/models/species.hpp"
#include "saltus/models/zip_archive.hpp"

namespace saltus {

namespace {

constexpr int most_l = 8, most_channels = 1024, most_functions = 100'000;
constexpr std::size_t most_size = 1'000'000;  // numbers of a tensor of one atom

/// Reads a model from its arrays; the graph is that of the presets GRACE_1LAYER and GRACE_2LAYER of 2025, which the files do not spell out.
class Reader {
 public:
  explicit Reader(const NpzFile& file) : file_(file) {}

  GraceModel read() {
    const NpzArray& names = get_array(file_, "element_names");
    const auto numbers = numbers_of_symbols(join(names.words, " "));
    if (!numbers || names.words.size() > 118) refuse("'element_names' are not different element symbols");
    model_.atomic_number = *numbers;
    species_ = numbers->size();
    if (static_cast<std::size_t>(get_count(file_, "n_elements", 1, 118)) != species_) refuse("'n_elements' is not the number of 'element_names'");
    model_.cutoff_ang = get_number(file_, "rcut");
    model_.cutoff_order = get_count(file_, "radial_basis_p", 2, 100);
    model_.basis = static_cast<std::size_t>(get_count(file_, "nradbase", 1, 200));
    model_.l_max = get_count(file_, "lmax", 0, most_l);
    if (!(model_.cutoff_ang > 0 && model_.cutoff_ang <= 100)) refuse("the cutoff is not between 0 and 100 ang");
    if (get_number(file_, "has_bond_specific_cutoff") != 0) {
      const NpzArray& map = get_array(file_, "bond_cutoff_map");
      for (const double c : map.numbers)
        if (c != model_.cutoff_ang) throw Error(ErrorKind::unsupported, file_.source + ": GRACE models whose pairs of elements have different cutoffs cannot be evaluated");
    }
    const bool two = file_.arrays.contains("YI_lr_inds");
    if (!two && file_.arrays.contains("spb_names")) throw Error(ErrorKind::unsupported, file_.source + ": GRACE models of this kind cannot be evaluated; known are those of one and two layers");
    model_.layers.resize(two ? 2 : 1);

    GraceLayer& first = model_.layers[0];
    read_radial(first, two ? "mlp_rad_R" : "mlp_rad");
    first.density = add_tensor("A", harmonics(), first.channels);
    first.element_factor = element_factor("A", first.channels);
    read_products(first, "A", two ? "A" : "A1");
    if (!two) {
      read_reduce(first, "rho", "rho", false);
      model_.readout = {model_.tensors.size() - 1};
    } else {
      read_second_layer();
    }
    read_network();
    return std::move(model_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(ErrorKind::format, file_.source + ": " + what); }
  std::size_t harmonics() const { return static_cast<std::size_t>((model_.l_max + 1) * (model_.l_max + 1)); }

  std::size_t add_tensor(const std::string& name, std::size_t functions, std::size_t channels) {
    if (functions < 1 || functions > most_functions || channels < 1 || channels > most_channels || functions * channels > most_size)
      refuse(fmt::format("tensor '{}' has an impossible size", name));
    if (!tensor_.emplace(name, model_.tensors.size()).second) refuse(fmt::format("tensor '{}' is there twice", name));
    model_.tensors.push_back({name, functions, channels});
    return model_.tensors.size() - 1;
  }
  std::size_t tensor(const std::string& name) const {
    const auto found = tensor_.find(name);
    if (found == tensor_.end()) refuse(fmt::format("tensor '{}' is used, but not made", name.substr(0, 40)));
    return found->second;
  }
  bool has(const std::string& name) const { return file_.arrays.contains(name); }

  std::vector<std::size_t> indices(const std::string& name, std::size_t bound) const {
    std::vector<std::size_t> values;
    for (const double v : get_array(file_, name).numbers) {
      if (!(v >= 0 && v < static_cast<double>(bound))) refuse(fmt::format("'{}' points beyond its tensor", name));
      values.push_back(static_cast<std::size_t>(v));
    }
    return values;
  }

  const std::vector<double>& shaped(const std::string& name, const std::vector<std::size_t>& shape) const {
    const NpzArray& array = get_array(file_, name);
    if (array.shape != shape || array.numbers.empty()) refuse(fmt::format("'{}' has not the shape that is expected", name));
    return array.numbers;
  }

  /// PREFIX_W0, PREFIX_norm0, …
  std::vector<GraceDense> dense_layers(const std::string& prefix, std::size_t inputs) const {
    std::vector<GraceDense> layers;
    const int count = get_count(file_, prefix + "_n_layers", 1, 16);
    for (int k = 0; k < count; ++k) {
      const NpzArray& w = get_array(file_, fmt::format("{}_W{}", prefix, k));
      if (has(fmt::format("{}_b{}", prefix, k))) throw Error(ErrorKind::unsupported, fmt::format("{}: '{}' has biases, which are not evaluated", file_.source, prefix));
      if (w.shape.size() != 2 || w.shape[0] != inputs || w.shape[1] < 1 || w.shape[1] > 4096) refuse(fmt::format("'{}_W{}' does not fit what comes before it", prefix, k));
      GraceDense layer{w.shape[0], w.shape[1], w.numbers};
      const double norm = get_number(file_, fmt::format("{}_norm{}", prefix, k));
      for (double& v : layer.weight) v *= norm;
      inputs = layer.out;
      layers.push_back(std::move(layer));
    }
    return layers;
  }

  void read_radial(GraceLayer& layer, const std::string& prefix) {
    if (has(prefix + "_has_chem_emb") && get_number(file_, prefix + "_has_chem_emb") != 0)
      throw Error(ErrorKind::unsupported, file_.source + ": radial functions that know the elements are not evaluated");
    if (get_count(file_, prefix + "_lmax", 0, most_l) != model_.l_max) refuse(fmt::format("'{}_lmax' is not 'lmax'", prefix));
    layer.channels = static_cast<std::size_t>(get_count(file_, prefix + "_n_rad_max", 1, most_channels));
    layer.radial = dense_layers(prefix, model_.basis);
    if (layer.radial.back().out != layer.channels * static_cast<std::size_t>(model_.l_max + 1)) refuse(fmt::format("'{}' has not n (l + 1) outputs", prefix));
  }

  std::vector<double> element_factor(const std::string& name, std::size_t channels) const {
    const NpzArray& embedding = get_array(file_, "chem_embedding");
    if (embedding.shape.size() != 2 || embedding.shape[0] != species_) refuse("'chem_embedding' has not a row of each element");
    const std::size_t width = embedding.shape[1];
    const auto& transform = shaped(name + "_lin_transform_W", {width, channels});
    if (get_number(file_, name + "_indicator_l_depend") != 0) throw Error(ErrorKind::unsupported, file_.source + ": element factors that depend on l are not evaluated");
    const NpzArray& inverse = get_array(file_, name + "_inv_avg_n_neigh");
    if (inverse.numbers.size() != 1) throw Error(ErrorKind::unsupported, file_.source + ": numbers of neighbours that depend on the element are not evaluated");
    const double norm = get_number(file_, name + "_lin_transform_norm") * inverse.numbers[0];
    std::vector<double> factor(species_ * channels, 0.0);
    for (std::size_t s = 0; s < species_; ++s)
      for (std::size_t e = 0; e < width; ++e)
        for (std::size_t n = 0; n < channels; ++n) factor[s * channels + n] += norm * embedding.numbers[s * width + e] * transform[e * channels + n];
    return factor;
  }

  /// FC: left with one matrix of each function's kind, plus all functions of the right that fit.
  void read_fc(GraceLayer& layer, const std::string& name, const std::string& left_name, const std::string& right_name) {
    const std::string prefix = "fc_" + name;
    const std::size_t left = tensor(left_name), right = tensor(right_name), functions = model_.tensors[left].functions;
    if (get_number(file_, prefix + "_left_coefs") != 1) throw Error(ErrorKind::unsupported, fmt::format("{}: '{}' without weights of its left side is not evaluated", file_.source, name));
    const auto out = static_cast<std::size_t>(get_count(file_, prefix + "_n_out", 1, most_channels));
    std::vector<double> norm(functions, 1.0);
    if (has(prefix + "_norm_out_factor")) {
      norm = get_array(file_, prefix + "_norm_out_factor").numbers;
      if (norm.size() != functions) refuse(fmt::format("'{}_norm_out_factor' has not a value of each function", prefix));
    }
    GraceStep step;
    const auto side = [&](const std::string& which, std::size_t input, const std::vector<std::size_t>& from, const std::vector<std::size_t>& to) {
      const NpzArray& w = get_array(file_, prefix + "_w_" + which);
      const std::size_t in = model_.tensors[input].channels;
      if (w.shape.size() != 3 || w.shape[0] != out || w.shape[1] != in || w.shape[2] < 1) refuse(fmt::format("'{}_w_{}' has not the shape that is expected", prefix, which));
      const std::vector<std::size_t> tile = indices(prefix + "_w_tile_" + which, w.shape[2]);
      if (tile.size() != from.size() || to.size() != from.size()) refuse(fmt::format("the lists of '{}' have different lengths", name));
      const double factor = get_number(file_, prefix + "_norm_" + which);
      std::vector<double> scale;
      for (const std::size_t f : to) scale.push_back(factor * norm[f]);
      step.linear.push_back(make_linear(input, in, out, {&w.numbers}, w.shape[2], from, to, tile, scale));
    };
    std::vector<std::size_t> all(functions);
    for (std::size_t f = 0; f < functions; ++f) all[f] = f;
    side("left", left, all, all);
    side("right", right, indices(prefix + "_collect_from", model_.tensors[right].functions), indices(prefix + "_collect_to", functions));
    step.out = add_tensor(name, functions, out);
    layer.steps.push_back(std::move(step));
  }

  /// weights: of each species, or one; each [out][in][tiles]. `scale` of each function is multiplied in.
  GraceLinear make_linear(std::size_t input, std::size_t in, std::size_t out, const std::vector<const std::vector<double>*>& weights, std::size_t tiles,
                          const std::vector<std::size_t>& from, const std::vector<std::size_t>& to, const std::vector<std::size_t>& tile,
                          const std::vector<double>& scale, std::size_t species_stride = 0) const {
    GraceLinear linear;
    linear.input = input;
    linear.in = in;
    linear.out = out;
    linear.by_species = species_stride > 0;
    std::map<std::pair<std::size_t, double>, std::size_t> known;  // matrices by tile and scale
    std::vector<std::pair<std::size_t, double>> order;
    for (std::size_t k = 0; k < from.size(); ++k) {
      const auto [found, fresh] = known.emplace(std::pair{tile[k], scale[k]}, order.size());
      if (fresh) order.push_back({tile[k], scale[k]});
      const std::size_t matrix = found->second;
      if (!linear.runs.empty()) {
        GraceRun& last = linear.runs.back();
        if (last.matrix == matrix && last.from + last.length == from[k] && last.to + last.length == to[k]) {
          ++last.length;
          continue;
        }
      }
      linear.runs.push_back({from[k], to[k], 1, matrix});
    }
    linear.count = order.size();
    const std::size_t species = species_stride ? weights[0]->size() / species_stride : 1;
    constexpr std::size_t most_numbers = std::size_t{1} << 28;
    if (species * linear.count > most_numbers / (in * out)) refuse("the matrices of a linear map take more than 2 GiB");
    linear.matrices.resize(species * linear.count * in * out);
    for (std::size_t s = 0; s < species; ++s)
      for (std::size_t m = 0; m < linear.count; ++m)
        for (std::size_t n = 0; n < in; ++n)
          for (std::size_t k = 0; k < out; ++k)
            linear.matrices[((s * linear.count + m) * in + n) * out + k] = order[m].second * (*weights[0])[s * species_stride + (k * in + n) * tiles + order[m].first];
    return linear;
  }

  std::vector<GraceTerm> terms(const std::string& prefix, const std::vector<std::size_t>& left, const std::vector<std::size_t>& right, std::size_t& functions) const {
    functions = static_cast<std::size_t>(get_count(file_, prefix + "_n_output_funcs", 1, most_functions));
    const std::vector<std::size_t> out = indices(prefix + "_m_sum_ind", functions);
    const auto& coefficient = get_array(file_, prefix + "_cg_coeff").numbers;
    if (left.size() != right.size() || out.size() != left.size() || coefficient.size() != left.size()) refuse(fmt::format("the lists of '{}' have different lengths", prefix));
    std::vector<GraceTerm> list;
    for (std::size_t k = 0; k < left.size(); ++k)
      list.push_back({static_cast<std::uint32_t>(left[k]), static_cast<std::uint32_t>(right[k]), static_cast<std::uint32_t>(out[k]), coefficient[k]});
    return list;
  }

  void read_product(GraceLayer& layer, const std::string& name, const std::string& left_name, const std::string& right_name) {
    GraceStep step;
    step.kind = GraceKind::product;
    step.left = tensor(left_name);
    step.right = tensor(right_name);
    const GraceTensor &left = model_.tensors[step.left], &right = model_.tensors[step.right];
    if (left.channels != right.channels) refuse(fmt::format("the factors of '{}' have different numbers of channels", name));
    std::size_t functions = 0;
    step.terms = terms("prod_" + name, indices("prod_" + name + "_left_ind", left.functions), indices("prod_" + name + "_right_ind", right.functions), functions);
    step.out = add_tensor(name, functions, left.channels);
    layer.steps.push_back(std::move(step));
  }

  /// X1 = FC(X, X), XX = X1 × X1, XX1 = FC(XX, X), XXX = XX1 × third, XX2 = FC(XX, X), XXXX = XX2 × XX2, as far as the model goes.
  void read_products(GraceLayer& layer, const std::string& x, const std::string& third) {
    if (!has("prod_" + x + x + "_left_ind")) return;
    read_fc(layer, x + "1", x, x);
    read_product(layer, x + x, x + "1", x + "1");
    if (!has("prod_" + x + x + x + "_left_ind")) return;
    read_fc(layer, x + x + "1", x + x, x);
    read_product(layer, x + x + x, x + x + "1", third);
    if (!has("prod_" + x + x + x + x + "_left_ind")) return;
    read_fc(layer, x + x + "2", x + x, x);
    read_product(layer, x + x + x + x, x + x + "2", x + x + "2");
  }

  /// `full`: the reduced functions are not only scalars.
  void read_reduce(GraceLayer& layer, const std::string& prefix, const std::string& name, bool full) {
    const auto out = static_cast<std::size_t>(get_count(file_, prefix + "_n_out", 1, most_channels));
    const bool by_species = get_number(file_, prefix + "_is_central_atom_type_dependent") != 0;
    const std::size_t functions = full ? static_cast<std::size_t>(get_count(file_, prefix + "_n_funcs", 1, most_functions)) : 1;
    if (has(prefix + "_norm_map")) {
      const auto& map = get_array(file_, prefix + "_norm_map").numbers;
      if (map.size() != 1 || map[0] != 1) throw Error(ErrorKind::unsupported, fmt::format("{}: '{}' has norms of its functions, which are not evaluated", file_.source, prefix));
    }
    GraceStep step;
    for (const std::string& input_name : get_array(file_, prefix + "_instruction_names").words) {
      const std::size_t input = tensor(input_name), in = model_.tensors[input].channels;
      const NpzArray& w = get_array(file_, fmt::format("{}_reduce_{}_W", prefix, input_name));
      std::vector<std::size_t> shape = w.shape;
      if (by_species && !shape.empty()) {
        if (shape[0] != species_) refuse(fmt::format("'{}' has not weights of each element", prefix));
        shape.erase(shape.begin());
      }
      if (shape.size() != 3 || shape[0] != out || shape[1] != in || shape[2] < 1) refuse(fmt::format("the weights of '{}' in '{}' have not the shape that is expected", input_name, prefix));
      const std::vector<std::size_t> from = indices(fmt::format("{}_collect_ind_{}", prefix, input_name), model_.tensors[input].functions);
      const std::vector<std::size_t> tile = indices(fmt::format("{}_w_l_tile_{}", prefix, input_name), shape[2]);
      std::vector<std::size_t> to(from.size(), 0);
      if (full) to = indices(fmt::format("{}_total_sum_ind_{}", prefix, input_name), functions);
      if (tile.size() != from.size() || to.size() != from.size()) refuse(fmt::format("the lists of '{}' in '{}' have different lengths", input_name, prefix));
      const std::vector<double> scale(from.size(), get_number(file_, fmt::format("{}_reduce_{}_norm", prefix, input_name)));
      step.linear.push_back(make_linear(input, in, out, {&w.numbers}, shape[2], from, to, tile, scale, by_species ? out * in * shape[2] : 0));
    }
    step.out = add_tensor(name, functions, out);
    layer.steps.push_back(std::move(step));
  }

  void read_norm(GraceLayer& layer, const std::string& name, const std::string& input) {
    GraceStep step;
    step.kind = GraceKind::rms_norm;
    step.input = tensor(input);
    const std::size_t channels = model_.tensors[step.input].channels;
    const int type = get_count(file_, name + "_type", -1, 10);
    if (type != 0 && type != 1) throw Error(ErrorKind::unsupported, fmt::format("{}: the norm '{}' is of a kind that is not evaluated", file_.source, name));
    step.keeps_first = type == 1;
    step.scale = shaped(name + "_scale", {channels - (step.keeps_first ? 1 : 0)});
    step.out = add_tensor(name, 1, channels);
    layer.steps.push_back(std::move(step));
  }

  void read_second_layer() {
    // Which reduction is which follows from what goes in. Names are cut to eight letters; what is read out stands under fixed names too.
    std::string message, inner, dressed;
    for (const std::string& name : get_array(file_, "reduce_names").words) {
      if (!has(name + "_instruction_names")) continue;
      const auto& inputs = get_array(file_, name + "_instruction_names").words;
      const auto uses = [&](const char* what) { return std::find(inputs.begin(), inputs.end(), what) != inputs.end(); };
      if (uses("YI")) dressed = name;
      else if (get_number(file_, name + "_only_invar") != 0) continue;
      else if (uses("A")) inner = name;
      else message = name;
    }
    if (message.empty() || inner.empty() || dressed != "B" || !has("rho_n_out") || !has("I2_n_out") || !has("I_nl_LN_type") || !has("I_0_LN_type"))
      throw Error(ErrorKind::unsupported, file_.source + ": a graph of two layers that is not known; known is that of the presets GRACE_2LAYER of 2025");
    const std::array<std::string, 2> scalar{"rho", "I2"}, norm{"I_nl_LN", "I_0_LN"};

    GraceLayer& first = model_.layers[0];
    read_reduce(first, inner, inner, true);
    read_reduce(first, message, message, true);
    model_.message = tensor(message);
    read_reduce(first, scalar[0], scalar[0], false);
    read_norm(first, norm[0], scalar[0]);

    GraceLayer& second = model_.layers[1];
    read_radial(second, "mlp_rad_R1");
    second.density = add_tensor("B0", harmonics(), second.channels);
    second.element_factor = element_factor("B0", second.channels);
    if (model_.tensors[model_.message].channels != second.channels) refuse("what neighbours send has not as many channels as the radial functions of the second layer");
    const NpzArray& pairs = get_array(file_, "YI_lr_inds");
    if (pairs.shape.size() != 2 || pairs.shape[1] != 2) refuse("'YI_lr_inds' is not a list of pairs");
    std::vector<std::size_t> left, right;
    for (std::size_t k = 0; k < pairs.numbers.size(); k += 2) {
      if (!(pairs.numbers[k] >= 0 && pairs.numbers[k] < static_cast<double>(harmonics()) && pairs.numbers[k + 1] >= 0 &&
            pairs.numbers[k + 1] < static_cast<double>(model_.tensors[model_.message].functions)))
        refuse("'YI_lr_inds' points beyond its tensors");
      left.push_back(static_cast<std::size_t>(pairs.numbers[k]));
      right.push_back(static_cast<std::size_t>(pairs.numbers[k + 1]));
    }
    std::size_t functions = 0;
    model_.coupling = terms("YI", left, right, functions);
    model_.coupled_factor = get_number(file_, "YI_inv_avg_n_neigh");
    model_.coupled = add_tensor("YI", functions, second.channels);
    read_reduce(second, dressed, dressed, true);
    read_products(second, "B", "B");
    read_reduce(second, scalar[1], scalar[1], false);
    read_norm(second, norm[1], scalar[1]);
    model_.readout = {tensor(norm[0]), tensor(norm[1])};
  }

  void read_network() {
    const std::size_t channels = model_.tensors[model_.readout[0]].channels;
    if (channels < 2) refuse("the readout has no channel for its network");
    for (const std::size_t t : model_.readout)
      if (model_.tensors[t].channels != channels) refuse("what is read out of the layers has different numbers of channels");
    model_.network = dense_layers("energy_mlp", channels - 1);
    if (model_.network.back().out != 1) refuse("the energy network has not one output");
    model_.tanh_network = get_count(file_, "energy_mlp_activation", 0, 1) == 1;
    if (has("output_scale")) model_.energy_scale = get_number(file_, "output_scale");
    model_.energy_shift_ev.assign(species_, 0.0);
    if (has("shift_values")) model_.energy_shift_ev = shaped("shift_values", {species_});
  }

  const NpzFile& file_;
  GraceModel model_;
  std::size_t species_ = 0;
  std::map<std::string, std::size_t> tensor_;
};

}  // namespace

bool is_grace_file(const std::filesystem::path& path) try {
  const MappedFile file(path);
  if (!looks_like_zip(file.bytes().substr(0, 4))) return false;
  const ZipArchive zip(file.bytes(), path.string());
  return zip.find("element_names.npy") && zip.find("chem_embedding.npy");
} catch (const Error&) {
  return false;
}

GraceModel read_grace_model(std::string_view bytes, const std::string& source) {
  const NpzFile file = read_npz(bytes, source);
  return Reader(file).read();
}

}  // namespace saltus
