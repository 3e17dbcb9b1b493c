// ACE model files: one safetensors file with the coefficients, the extrapolation measure and all metadata.
#include "saltus/potentials/ace.hpp"

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/safetensors.hpp"

namespace saltus {

namespace {

struct BasisKey {
  const char* name;
  int AceBasisSettings::*value;
};

constexpr BasisKey basis_keys[] = {{"body_order", &AceBasisSettings::body_order},
                                   {"radial_two_body", &AceBasisSettings::radial_two_body},
                                   {"degree_three_body", &AceBasisSettings::degree_three_body},
                                   {"l_max_three_body", &AceBasisSettings::l_max_three_body},
                                   {"degree_four_body", &AceBasisSettings::degree_four_body},
                                   {"l_max_four_body", &AceBasisSettings::l_max_four_body}};

std::string element_key(const char* what, std::uint8_t element) { return fmt::format("{}.{}", what, symbol_of(element)); }

[[noreturn]] void refuse(const TensorFile& file, const std::string& what) { throw Error(ErrorKind::format, file.source + ": " + what); }

}  // namespace

void save_ace(const std::filesystem::path& path, const AceParameters& p) {
  TensorFile file;
  const std::size_t species = p.elements.size();
  std::vector<std::string> symbols;
  for (const auto z : p.elements) symbols.emplace_back(symbol_of(z));
  put(file, "reference_energy_ev", {species}, std::span<const double>(p.reference_energy_ev));
  std::vector<double> radial;
  for (const auto& pair : p.radial) radial.insert(radial.end(), {pair.cutoff, pair.inner, pair.softness, pair.scale});
  put(file, "radial_ang", {species, species, 4}, std::span<const double>(radial));
  put(file, "repulsion_end_ang", {species, species}, std::span<const double>(p.repulsion_end_ang));
  for (std::size_t s = 0; s < species; ++s) {
    const std::size_t functions = p.coefficient_ev[s].size();
    put(file, element_key("coefficient_ev", p.elements[s]), {functions}, std::span<const double>(p.coefficient_ev[s]));
    if (!p.covariance_factor.empty())
      put(file, element_key("covariance_factor", p.elements[s]), {functions, functions}, std::span<const double>(p.covariance_factor[s]));
  }
  if (!p.covariance_factor.empty()) put(file, "extrapolation_scale", {species}, std::span<const double>(p.extrapolation_scale));
  file.metadata = p.metadata;
  file.metadata.erase("radial_power");
  if (!p.radial.empty() && p.radial.front().power > 0) file.metadata["radial_power"] = std::to_string(p.radial.front().power);
  for (const BasisKey& key : basis_keys) file.metadata[key.name] = std::to_string(p.basis.*key.value);
  file.metadata["family"] = "ace";
  file.metadata["units"] = "ang, ev";
  file.metadata["cutoff_ang"] = shortest(p.basis.cutoff_ang);
  file.metadata["species"] = join(symbols, " ");
  file.metadata.try_emplace("training_reference", "least squares over composition");
  file.metadata.try_emplace("source_hash", sha256(safetensors_bytes(file)));
  write_safetensors(path, file);
}

AceParameters load_ace(const std::filesystem::path& path) { return ace_from(read_safetensors(path)); }

AceParameters ace_from(const TensorFile& file) {
  require_metadata(file, model_metadata_keys);
  AceParameters p;
  if (get_metadata(file, "family") != "ace") refuse(file, "not an ACE model");
  if (get_metadata(file, "units") != "ang, ev") refuse(file, "units other than Å and eV");
  for (const BasisKey& key : basis_keys) {
    const auto value = parse_int(get_metadata(file, key.name));
    if (!value || *value < 0 || *value > 1000) refuse(file, fmt::format("metadata '{}' is not a small whole number", key.name));
    p.basis.*key.value = static_cast<int>(*value);
  }
  const auto cutoff = parse_double(get_metadata(file, "cutoff_ang"));
  if (!cutoff) refuse(file, "metadata 'cutoff_ang' is not a number");
  p.basis.cutoff_ang = *cutoff;
  std::string_view symbols = get_metadata(file, "species");
  while (!symbols.empty()) {
    const auto symbol = symbols.substr(0, symbols.find(' '));
    const auto z = atomic_number_of(symbol);
    if (!z || (!p.elements.empty() && *z <= p.elements.back())) refuse(file, "metadata 'species' is not a list of different elements in ascending order");
    p.elements.push_back(*z);
    symbols.remove_prefix(std::min(symbols.size(), symbol.size() + 1));
  }
  const std::size_t species = p.elements.size();
  p.reference_energy_ev = get_doubles(file, "reference_energy_ev", {species});
  const auto radial = get_doubles(file, "radial_ang", {species, species, 4});
  int power = 0;
  if (file.metadata.contains("radial_power")) {
    const auto value = parse_int(get_metadata(file, "radial_power"));
    if (!value || *value < 1 || *value > kernels::ace_max_power) refuse(file, fmt::format("metadata 'radial_power' is not 1 to {}", kernels::ace_max_power));
    power = static_cast<int>(*value);
  }
  for (std::size_t k = 0; k < radial.size(); k += 4) p.radial.push_back({radial[k], radial[k + 1], radial[k + 2], radial[k + 3], power});
  p.repulsion_end_ang = get_doubles(file, "repulsion_end_ang", {species, species});
  const bool extrapolates = file.tensors.contains("extrapolation_scale");
  if (extrapolates) p.extrapolation_scale = get_doubles(file, "extrapolation_scale", {species});
  for (const auto z : p.elements) {
    p.coefficient_ev.push_back(get_doubles(file, element_key("coefficient_ev", z), {any_size}));
    if (extrapolates) p.covariance_factor.push_back(get_doubles(file, element_key("covariance_factor", z), {any_size, any_size}));
  }
  p.metadata = file.metadata;
  return p;
}

}  // namespace saltus
