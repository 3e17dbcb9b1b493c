#include "saltus/cli/model_summary.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/mapped_file.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/models/grace_file.hpp"
#include "saltus/models/product_file.hpp"
#include "saltus/models/safetensors.hpp"
#include "saltus/models/species.hpp"
#include "saltus/potentials/builtin.hpp"
#include "saltus/potentials/product_ace.hpp"

namespace saltus::cli {

namespace {

// Metadata values may be whole documents; a table shows their beginning.
constexpr std::size_t shown_bytes = 90;

std::string shortened(const std::string& text) {
  return printable(text.size() <= shown_bytes ? text : text.substr(0, shown_bytes) + fmt::format("... ({} bytes)", text.size()));
}

std::string head_of(const std::filesystem::path& path) {
  std::array<char, 9> head{};
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed) || !std::ifstream(path, std::ios::binary).read(head.data(), head.size())) return {};
  return {head.data(), head.size()};
}

void print_row(const char* label, const std::string& value) { fmt::print("{:<24} {}\n", label, value); }

nlohmann::ordered_json tensors_json(const TensorFile& file) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [tensor_name, tensor] : file.tensors) list.push_back({{"name", tensor_name}, {"dtype", name(tensor.dtype)}, {"shape", tensor.shape}});
  return list;
}

void print_container(const TensorFile& file, const std::filesystem::path& path, bool json) {
  if (json) return print_json({{"file", path.string()}, {"format", "safetensors"}, {"metadata", file.metadata}, {"tensors", tensors_json(file)}});
  print_row("file", path.string());
  print_row("format", "safetensors");
  for (const auto& [key, value] : file.metadata) fmt::print("{:<24} {}\n", printable(key), shortened(value));
  for (const auto& [tensor_name, tensor] : file.tensors) {
    std::vector<std::string> extents;
    for (const std::size_t extent : tensor.shape) extents.push_back(std::to_string(extent));
    fmt::print("{:<24} {} {}\n", printable(tensor_name), name(tensor.dtype), extents.empty() ? "scalar" : join(extents, " x "));
  }
}

std::string widths_text(const std::vector<std::size_t>& widths) {
  std::vector<std::string> words;
  for (const std::size_t width : widths) words.push_back(std::to_string(width));
  return join(words, "-");
}

std::string cutoff_text(const CutoffFunction& function) {
  if (const auto* const xplor = std::get_if<XplorCutoff>(&function)) return fmt::format("XPLOR from {} Å", shortest(xplor->onset_ang));
  return fmt::format("polynomial of order {}", shortest(std::get<PolynomialCutoff>(function).order));
}

void print_architecture(const SevenNetModel& net) {
  print_row("cutoff function", cutoff_text(net.cutoff_function));
  print_row("harmonics", fmt::format("to degree {}, {}{}", net.harmonics_degree, net.odd_harmonics ? "with parity" : "all even", net.unit_vectors ? "" : ", of the vector itself"));
  if (!net.modalities.empty()) print_row("modalities", printable(join(net.modalities)));
  for (std::size_t t = 0; t < net.layers.size(); ++t) {
    const SevenNetLayer& layer = net.layers[t];
    print_row(fmt::format("layer {}", t).c_str(), fmt::format("{} -> {}, {} paths, radial {}, over {:.6g} neighbours", text(layer.features_in), text(layer.features_out),
                                                              layer.paths.size(), widths_text(layer.radial_widths), layer.denominator));
  }
}

void print_architecture(const MaceModel& mace) {
  constexpr const char* kinds[] = {"agnostic", "agnostic residual", "agnostic density", "agnostic density residual"};
  print_row("cutoff function", cutoff_text(mace.cutoff_function) + (mace.cutoff_on_basis ? "" : ", on the radial network"));
  print_row("harmonics", fmt::format("to degree {}, {}", mace.harmonics_degree, mace.odd_harmonics ? "with parity" : "all even"));
  if (mace.distance_transform) print_row("distance transform", "Agnesi");
  if (mace.repulsion) print_row("repulsion", "ZBL");
  if (mace.heads.size() > 1) print_row("heads", printable(join(mace.heads)));
  for (std::size_t t = 0; t < mace.layers.size(); ++t) {
    const MaceLayer& layer = mace.layers[t];
    print_row(fmt::format("layer {}", t).c_str(),
              fmt::format("{} -> {}, {}, correlation {}, radial {}, {:.6g} neighbours", text(layer.features_in), text(layer.features_out), kinds[static_cast<int>(layer.interaction)],
                          layer.correlation, widths_text(layer.radial_widths), layer.avg_num_neighbors));
  }
}

void print_architecture(const MatterSimModel& net) {
  print_row("triples", fmt::format("within {} Å, {} radial x {} angular functions", shortest(net.threebody_cutoff_ang), net.radial, net.angular));
  print_row("layers", fmt::format("{} of {} channels of atoms and pairs", net.layers, net.units));
}

void print_architecture(const OrbModel& orb) {
  print_row("forces", orb.conservative ? "gradient of the energy" : "of a head of their own: no gradient of the energy, which MD does not conserve");
  print_row("stress", orb.conservative ? "gradient of the energy" : orb.stress_head ? "of a head of its own" : "none");
  print_row("neighbours", fmt::format("the nearest {} at most", orb.max_neighbors));
  print_row("cutoff function", cutoff_text(orb.cutoff_function));
  print_row("edges", orb.spherical ? fmt::format("Bessel functions and harmonics to degree {}", orb.harmonics_degree) : fmt::format("{} Gaussians and the unit vector", orb.gaussians));
  if (orb.repulsion) print_row("repulsion", orb.repulsion_mean ? "ZBL, divided by the number of atoms" : "ZBL");
  print_row("layers", fmt::format("{}, {} channels, hidden {}, {}", orb.layers, orb.channels, widths_text(orb.hidden), orb.layer_norm ? "layer norm" : "root-mean-square norm"));
}

void print_published(const PublishedModel& model, const std::filesystem::path& path, bool json) {
  const std::string hash = model.converted ? sha256_of_path(path) : model.source_hash;
  const auto or_null = [](const std::string& value) { return value.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(value); };
  if (json) {
    nlohmann::ordered_json document{{"file", path.string()},
                                    {"format", model.converted ? "safetensors" : "torch"},
                                    {"family", family(model)},
                                    {"source_form", model.form},
                                    {"source_version", or_null(model.version)},
                                    {"elements", nlohmann::ordered_json::array()},
                                    {"cutoff_ang", model.cutoff_ang},
                                    {"units", "ang, ev"},
                                    {"dtype", name(model.dtype)},
                                    {"parameters", model.parameters},
                                    {"training_reference", or_null(model.training_reference)},
                                    {"licence", or_null(model.licence)},
                                    {"sha256", hash},
                                    {"source_hash", model.source_hash},
                                    {"architecture", nlohmann::ordered_json::parse(architecture_json(model))},
                                    {"tensors", tensors_json(model.tensors)}};
    for (const std::uint8_t z : model.atomic_number) document["elements"].push_back(symbols_of_numbers({z}));
    return print_json(document);
  }
  print_row("file", path.string());
  print_row("format", model.converted ? "safetensors" : "torch");
  print_row("family", family(model));
  print_row("from", origin_text(model));
  print_row("elements", elements_text(model));
  print_row("cutoff", fmt::format("{} Å", shortest(model.cutoff_ang)));
  print_row("units", "Å, eV");
  print_row("weights", fmt::format("{} {}, in {} tensors", model.parameters, name(model.dtype), model.tensors.tensors.size()));
  print_row("training reference", printable(or_not_stated(model.training_reference)));
  print_row("licence", printable(or_not_stated(model.licence)));
  print_row("sha256", hash);
  if (model.converted) print_row("sha256 of the source", printable(model.source_hash));
  std::visit([](const auto& architecture) { print_architecture(architecture); }, model.architecture);
}

void print_products(const std::filesystem::path& path, bool json) {
  const MappedFile file(path);
  const ProductModel model = read_product_model(file.bytes(), path.string());
  const ProductAce potential(model);
  std::size_t rank = 0;
  for (const ProductFunction& f : model.function) rank = std::max(rank, f.l.size());
  if (json) {
    nlohmann::ordered_json document{{"file", path.string()}, {"format", "yaml"}, {"family", model.family}, {"elements", nlohmann::ordered_json::array()}, {"cutoff_ang", model.cutoff_ang},
                                    {"units", "ang, ev"}, {"densities", model.densities}, {"functions", model.function.size()}, {"body_order", rank + 1}, {"l_max", model.l_max},
                                    {"products", nlohmann::ordered_json::array()}, {"sha256", sha256_of_path(path)}};
    for (std::size_t s = 0; s < model.atomic_number.size(); ++s) {
      document["elements"].push_back(symbols_of_numbers({model.atomic_number[s]}));
      document["products"].push_back(potential.products(s));
    }
    return print_json(document);
  }
  std::vector<std::string> products;
  for (std::size_t s = 0; s < model.atomic_number.size(); ++s) products.push_back(fmt::format("{} {}", symbols_of_numbers({model.atomic_number[s]}), potential.products(s)));
  print_row("file", path.string());
  print_row("format", "YAML");
  print_row("family", model.family == "pace" ? "pace (LAMMPS' pace style)" : "grace_fs (GRACE, Finnis-Sinclair)");
  print_row("elements", symbols_of_numbers(model.atomic_number));
  print_row("cutoff", fmt::format("{} Å", shortest(model.cutoff_ang)));
  print_row("units", "Å, eV");
  print_row("functions", fmt::format("{}, of up to {} atoms, to degree {}, of {} densities", model.function.size(), rank + 1, model.l_max, model.densities));
  print_row("products per atom", join(products));
  print_row("sha256", sha256_of_path(path));
}

void print_grace(const std::filesystem::path& path, bool json) {
  const MappedFile file(path);
  const GraceModel model = read_grace_model(file.bytes(), path.string());
  const auto channels = [&](std::size_t t) { return model.layers[t].channels; };
  if (json) {
    nlohmann::ordered_json document{{"file", path.string()}, {"format", "npz"}, {"family", "grace"}, {"elements", nlohmann::ordered_json::array()}, {"cutoff_ang", model.cutoff_ang},
                                    {"units", "ang, ev"}, {"layers", nlohmann::ordered_json::array()}, {"l_max", model.l_max}, {"sha256", sha256_of_path(path)}};
    for (const std::uint8_t z : model.atomic_number) document["elements"].push_back(symbols_of_numbers({z}));
    for (std::size_t t = 0; t < model.layers.size(); ++t) document["layers"].push_back({{"channels", channels(t)}, {"steps", model.layers[t].steps.size()}});
    return print_json(document);
  }
  print_row("file", path.string());
  print_row("format", "npz of export_kokkos");
  print_row("family", fmt::format("grace, of {} layer{}", model.layers.size(), model.layers.size() == 1 ? "" : "s"));
  print_row("elements", symbols_of_numbers(model.atomic_number));
  print_row("cutoff", fmt::format("{} Å, polynomial of order {}", shortest(model.cutoff_ang), shortest(model.cutoff_order)));
  print_row("units", "Å, eV");
  print_row("harmonics", fmt::format("to degree {}", model.l_max));
  for (std::size_t t = 0; t < model.layers.size(); ++t) {
    std::vector<std::string> tensors;
    for (const GraceStep& step : model.layers[t].steps)
      tensors.push_back(fmt::format("{} {}x{}", model.tensors[step.out].name, model.tensors[step.out].functions, model.tensors[step.out].channels));
    print_row(fmt::format("layer {}", t).c_str(), fmt::format("{} channels of {} radial functions: {}", channels(t), model.basis, printable(join(tensors))));
  }
  print_row("sha256", sha256_of_path(path));
}

void print_builtin(const BuiltinChoice& choice, bool json) {
  const BuiltinPotential& potential = *choice.potential;
  const auto made = potential.make(choice.values);
  const std::vector<std::uint8_t>& known = made->info().elements;
  const bool any = known.size() == element_count;
  if (json) {
    nlohmann::ordered_json document{{"model", identity(choice)}, {"format", "builtin"}, {"family", potential.name}, {"summary", potential.summary},
                                    {"elements", any ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json::array()}, {"parameters", nlohmann::ordered_json::object()}};
    for (std::size_t k = 0; !any && k < known.size(); ++k) document["elements"].push_back(symbols_of_numbers({known[k]}));
    for (std::size_t k = 0; k < choice.values.size(); ++k) document["parameters"][potential.parameters[k].key] = choice.values[k];
    return print_json(document);
  }
  print_row("model", identity(choice));
  print_row("format", "builtin");
  print_row("what it is", potential.summary);
  print_row("elements", any ? "any" : symbols_of_numbers(known));
  for (std::size_t k = 0; k < choice.values.size(); ++k)
    print_row(potential.parameters[k].key, fmt::format("{} ({})", shortest(choice.values[k]), potential.parameters[k].help));
}

}  // namespace

std::string or_not_stated(const std::string& text) { return text.empty() ? "not stated" : text; }

std::string elements_text(const PublishedModel& model) {
  constexpr std::size_t longest = 72;
  const std::string symbols = symbols_of_numbers(model.atomic_number);
  const std::string shown = symbols.size() <= longest ? symbols : symbols.substr(0, symbols.rfind(' ', longest)) + " ...";
  return fmt::format("{}: {}", model.atomic_number.size(), shown);
}

std::string origin_text(const PublishedModel& model) {
  constexpr const char* codes[] = {"sevenn", "mace-torch", "mattersim", "orb-models"};  // in the order of the variant
  const char* const code = codes[model.architecture.index()];
  return printable(fmt::format("{} of {}{}", model.form.empty() ? "model" : model.form, code, model.version.empty() ? ", version not stated" : " " + model.version));
}

bool is_model_file(const std::filesystem::path& path) {
  if (is_builtin(path.string())) return true;
  const std::string head = head_of(path);
  std::error_code failed;
  return is_product_file(path) || (!head.empty() && (looks_like_torch(head) || looks_like_safetensors(head, std::filesystem::file_size(path, failed))));
}

void print_model_summary(const std::filesystem::path& path, bool json) {
  if (is_builtin(path.string())) return print_builtin(builtin_choice(path.string()), json);
  if (is_product_file(path)) return print_products(path, json);
  if (is_grace_file(path)) return print_grace(path, json);
  if (!looks_like_torch(head_of(path))) {
    TensorFile file = read_safetensors(path);
    const auto name = file.metadata.find("family");
    if (name == file.metadata.end() || !is_published_family(name->second)) return print_container(file, path, json);
    return print_published(from_container(std::move(file)), path, json);
  }
  print_published(read_published_model(path), path, json);
}

}  // namespace saltus::cli
