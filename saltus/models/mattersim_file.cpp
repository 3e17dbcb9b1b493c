// MatterSim files: M3GNet with the sizes of model_args. Reference: Yang et al., arXiv:2405.04967; Chen and Ong, Nat. Comput. Sci. 2 (2022) 718;
// and the source of mattersim 1.0 to 1.2.
#include "saltus/models/mattersim_file.hpp"

#include <cmath>
#include <map>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/models/e3nn_tensors.hpp"
#include "saltus/models/torch_module.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_entries = 100'000, most_layers = 64, widest = 65536;

// Spherical Bessel functions j_l(z_ln x): amplitudes and roots z_ln as the source of mattersim has them, [order][term][root].
// mattersim 1.0 does not store them.
constexpr float spherical_bessel[4][9][4] = {
    {{3.14159274101257f, 6.28318548202515f, 9.42477798461914f, 12.5663709640503f}},
    {{-1.02446483277785f, -1.00834335996107f, -1.00419641763893f, -1.00252381898662f},
     {4.49340963363647f, 7.7252516746521f, 10.9041213989258f, 14.0661935806274f},
     {0.22799275301076f, 0.130525632358311f, 0.092093290316619f, 0.0712718627992818f},
     {4.49340963363647f, 7.7252516746521f, 10.9041213989258f, 14.0661935806274f}},
    {{-1.04807944170731f, -1.01861796359391f, -1.01002272174988f, -1.00628955560036f},
     {5.76345920562744f, 9.09501171112061f, 12.322940826416f, 15.5146026611328f},
     {0.545547077361439f, 0.335992298618515f, 0.245888396928293f, 0.194582402961821f},
     {5.76345920562744f, 9.09501171112061f, 12.322940826416f, 15.5146026611328f},
     {0.0946561878721665f, 0.0369424811413594f, 0.0199537107571916f, 0.0125418876146463f},
     {5.76345920562744f, 9.09501171112061f, 12.322940826416f, 15.5146026611328f}},
    {{1.06942831392075f, 1.0292173312802f, 1.01650804843248f, 1.01069656069999f},
     {6.9879322052002f, 10.4171180725098f, 13.6980228424072f, 16.9236221313477f},
     {0.918235852195231f, 0.592803493701152f, 0.445250264272671f, 0.358326327374518f},
     {6.9879322052002f, 10.4171180725098f, 13.6980228424072f, 16.9236221313477f},
     {0.328507713452024f, 0.142266673367543f, 0.0812617757677838f, 0.0529328657590962f},
     {6.9879322052002f, 10.4171180725098f, 13.6980228424072f, 16.9236221313477f},
     {0.0470107184508114f, 0.0136570088173405f, 0.0059323726279831f, 0.00312775039221944f},
     {6.9879322052002f, 10.4171180725098f, 13.6980228424072f, 16.9236221313477f}}};

class MatterSimReader {
 public:
  MatterSimReader(const TorchArchive& archive, PickleId arguments, PickleId states) : archive_(archive), arguments_(arguments) {
    const auto* const all = archive.data().pairs(states);
    if (!archive.data().pairs(arguments) || !all) refuse("model_args or model is no dictionary");
    if (all->size() > most_entries) refuse(fmt::format("model has more than {} entries", most_entries));
    for (const auto& [key, value] : *all) states_[archive.data().text(key).value_or("")] = value;
    for (const ZipEntry& entry : archive.zip().entries()) left_bytes_ += 2 * entry.packed.size();
  }

  PublishedModel read() {
    model_.form = "checkpoint";
    net_.layers = size("num_blocks", 4, most_layers);
    net_.units = size("units", 128, widest);
    net_.angular = size("max_l", 4, 4);
    net_.radial = size("max_n", 4, 4);
    model_.cutoff_ang = distance("cutoff", 5);
    net_.threebody_cutoff_ang = distance("threebody_cutoff", 4);
    const std::size_t elements = size("max_z", 94, 118);
    for (std::size_t z = 1; z <= elements; ++z) model_.atomic_number.push_back(static_cast<std::uint8_t>(z));
    model_.dtype = state("atom_embedding.mlp.0.linear.weight").dtype;
    if (model_.dtype != Dtype::f32 && model_.dtype != Dtype::f64) refuse(fmt::format("the weights are of type {}", name(model_.dtype)));

    const std::size_t n = net_.radial, units = net_.units, products = net_.radial * net_.angular, rows = elements + 1;
    vector("bessel_frequencies", "rbf.n_1_pi_cutoff", n);
    vector("bessel_frequencies_next", "rbf.n_2_pi_cutoff", n);
    vector("bessel_factors", "rbf.fnr_weights", n);
    vector("bessel_d", "rbf.dn", n);
    vector("bessel_e", "rbf.en", n);
    vector("spherical_bessel_factor", "sbf.factor", 1);
    read_spherical_bessel();
    matrix("embedding", "atom_embedding.mlp.0.linear", rows, units, false);
    matrix("pair_embedding", "edge_encoder.mlp.0.linear", n, units, false);
    for (const char* const part : {"scale", "shift"}) read_energies(part, rows);
    for (std::size_t t = 0; t < net_.layers; ++t) {
      const std::string to = fmt::format("layers.{}.", t), from = fmt::format("graph_conv.{}.", t);
      matrix(to + "triple.gate", from + "three_body.atom_mlp.linear", units, products, true);
      for (const char* const branch : {"g", "sigma"}) matrix(fmt::format("{}triple.{}.0", to, branch), fmt::format("{}three_body.edge_gate_mlp.{}.0.linear", from, branch), products, units, false);
      gated(to + "pair", from + "gated_mlp_edge", {3 * units, units, units});
      gated(to + "atom", from + "gated_mlp_atom", {3 * units, units, units});
      matrix(to + "pair.radial", from + "edge_layer_edge.linear", n, units, false);
      matrix(to + "atom.radial", from + "edge_layer_atom.linear", n, units, false);
    }
    gated("readout", "final", {units, units, units, 1});
    model_.architecture = net_;
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorKind::format, archive_.source() + ": MatterSim: " + what); }
  [[noreturn]] void refuse(const std::string& what) const { throw Error(ErrorKind::unsupported, archive_.source() + ": MatterSim: " + what); }

  // What model_args does not say is as the constructor upstream has it.
  std::size_t size(const char* key, std::size_t otherwise, std::size_t most) const {
    const auto found = archive_.data().find(arguments_, key);
    if (!found) return otherwise;
    const auto value = archive_.data().integer(*found);
    if (!value || *value < 1 || static_cast<std::uint64_t>(*value) > most) refuse(fmt::format("model_args: {} is no integer from 1 to {}", key, most));
    return static_cast<std::size_t>(*value);
  }
  double distance(const char* key, double otherwise) const {
    const auto found = archive_.data().find(arguments_, key);
    if (!found) return otherwise;
    const auto value = number_of(archive_, *found);
    if (!value || !(*value > 0 && *value < 100)) refuse(fmt::format("model_args: {} is no distance in Å below 100", key));
    return *value;
  }

  // No two weights of these models are one, and a file whose weights are could ask for far more memory than it has bytes.
  TensorView state(const std::string& key) {
    const auto found = states_.find(key);
    if (found == states_.end()) fail(fmt::format("model: there is no {}", key));
    auto view = archive_.tensor(found->second);
    if (!view) refuse(fmt::format("model: {} is no tensor", key));
    const std::uint64_t bytes = count(*view) * size_bytes(view->dtype);
    if (bytes > left_bytes_) refuse("model: its weights share their bytes");
    left_bytes_ -= bytes;
    return std::move(*view);
  }

  void vector(const std::string& to, const std::string& from, std::size_t size) {
    const TensorView view = state(from);
    if (count(view) != size) fail(fmt::format("model: {} has {} numbers, expected {}", from, count(view), size));
    Tensor tensor = copy(view);
    if (tensor.dtype != model_.dtype) refuse(fmt::format("model: {} is of another type than the other weights", from));
    tensor.shape = {size};
    model_.tensors.tensors.emplace(to, std::move(tensor));
  }

  // By atomic number; nothing has the number 0.
  void read_energies(const char* part, std::size_t rows) {
    TensorView view = state(fmt::format("normalizer.{}", part));
    if (view.shape != std::vector{rows}) fail(fmt::format("model: normalizer.{} has not {} numbers", part, rows));
    view.offset += view.stride[0];
    view.shape = {1, rows - 1};
    view.stride = {0, view.stride[0]};
    put_tensor(model_.tensors, fmt::format("energy_{}", part), view, view.shape, model_.dtype);
  }

  // Linear of torch is [out, in]; here [in, out].
  void matrix(const std::string& to, const std::string& from, std::size_t in, std::size_t out, bool bias) {
    TensorView view = state(from + ".weight");
    if (view.shape != std::vector{out, in}) fail(fmt::format("model: {}.weight is not of the shape {} x {}", from, out, in));
    std::swap(view.shape[0], view.shape[1]);
    std::swap(view.stride[0], view.stride[1]);
    put_tensor(model_.tensors, to, view, {in, out}, model_.dtype);
    if (bias) vector(to + ".bias", from + ".bias", out);
  }

  void gated(const std::string& to, const std::string& from, const std::vector<std::size_t>& widths) {
    for (const char* const branch : {"g", "sigma"})
      for (std::size_t k = 0; k + 1 < widths.size(); ++k)
        matrix(fmt::format("{}.{}.{}", to, branch, k), fmt::format("{}.{}.{}.linear", from, branch, k), widths[k], widths[k + 1], true);
  }

  void read_spherical_bessel() {
    if (states_.contains("sbf.coef")) return put_tensor(model_.tensors, "spherical_bessel", state("sbf.coef"), {4, 9, 4}, model_.dtype);
    Tensor tensor{model_.dtype, {4, 9, 4}, {}};
    for (const auto& order : spherical_bessel)
      for (const auto& term : order)
        for (const float value : term) {
          const double wide = value;
          if (model_.dtype == Dtype::f32) tensor.bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
          else tensor.bytes.append(reinterpret_cast<const char*>(&wide), sizeof wide);
        }
    model_.tensors.tensors.emplace("spherical_bessel", std::move(tensor));
  }

  const TorchArchive& archive_;
  PickleId arguments_;
  std::uint64_t left_bytes_ = 0;
  std::map<std::string_view, PickleId> states_;
  PublishedModel model_;
  MatterSimModel net_;
};

}  // namespace

bool is_mattersim(const TorchArchive& archive) {
  const Pickle& pickle = archive.data();
  return pickle.find(pickle.root(), "model_name") && pickle.find(pickle.root(), "model_args") && pickle.find(pickle.root(), "model");
}

PublishedModel read_mattersim(const TorchArchive& archive) {
  const Pickle& pickle = archive.data();
  const auto model_name = pickle.find(pickle.root(), "model_name"), arguments = pickle.find(pickle.root(), "model_args"), states = pickle.find(pickle.root(), "model");
  if (!model_name || !arguments || !states) throw Error(ErrorKind::format, archive.source() + ": no file of MatterSim: model_name, model_args or model is missing");
  if (const auto text = pickle.text(*model_name); text != "m3gnet")
    throw Error(ErrorKind::unsupported, fmt::format("{}: MatterSim: model_name is '{}', only m3gnet is read", archive.source(), text ? text->substr(0, 40) : "no text"));
  return MatterSimReader(archive, *arguments, *states).read();
}

}  // namespace saltus
