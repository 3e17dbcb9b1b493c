#include "saltus/runs/diffusion_results.hpp"

#include <cmath>
#include <filesystem>
#include <initializer_list>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"

namespace saltus::runs {

namespace {

using Json = nlohmann::json;

constexpr std::uintmax_t largest_file = 64u << 20;
constexpr int deepest = 64;

Json parse(std::string_view text, const std::string& path) {
  bool deep = false;
  Json document = Json::parse(
      text.begin(), text.end(),
      [&](int depth, Json::parse_event_t, Json&) {
        deep = deep || depth > deepest;
        return !deep;
      },
      false);
  if (document.is_discarded() || deep || !document.is_object())
    throw Error(ErrorKind::format, path + ": no JSON object; give what 'saltus analyze msd … --json' or 'saltus report --json' printed");
  return document;
}

std::optional<double> number_at(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number()) return {};
  return at->get<double>();
}

std::string note_of(const Json& object, const char* key) {
  const auto note = object.find(key);
  std::string text = note != object.end() && note->is_string() ? note->get<std::string>().substr(0, 300) : "";
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return text.empty() ? "" : " (" + text + ")";
}

Estimate estimate_of(const Json& object, const std::string& place) {
  const auto value = number_at(object, "value"), low = number_at(object, "low"), high = number_at(object, "high");
  if (!value || !std::isfinite(*value)) throw Error(ErrorKind::usage, place + " is undetermined" + note_of(object, "note"));
  if (!low || !high || !(*low <= *value) || !(*value <= *high) || !(*low < *high))
    throw Error(ErrorKind::usage, place + " has no interval: a fit has no weight for it");
  return {*value, *low, *high};
}

}  // namespace

DiffusionResult read_diffusion_result(const std::string& path, const std::string& quantity) {
  std::error_code none;
  if (const auto size = std::filesystem::file_size(path, none); !none && size > largest_file)
    throw Error(ErrorKind::format, fmt::format("{}: {} bytes are too many for a result", path, size));
  return diffusion_result_of(read_file(path), path, quantity);
}

DiffusionResult diffusion_result_of(std::string_view text, const std::string& path, const std::string& quantity) {
  const Json document = parse(text, path);
  DiffusionResult result;
  result.file = path;
  result.temperature_kelvin = number_at(document, "temperature_kelvin");
  result.atoms = number_at(document, "atoms");
  result.cell_length_ang = number_at(document, "cell_length_ang");

  const auto take = [&](const std::string& key) {
    const auto at = document.find(key);
    if (at == document.end() || at->is_array()) return false;  // a tensor
    if (at->is_null()) throw Error(ErrorKind::usage, fmt::format("{}: {} is undetermined{}", path, key, note_of(document, "diffusion_note")));
    if (at->is_number()) throw Error(ErrorKind::usage, fmt::format("{}: {} has no interval: a fit has no weight for it", path, key));
    if (!at->is_object()) return false;
    result.diffusion_ang2_per_ps = estimate_of(*at, fmt::format("{}: {}", path, key));
    return true;
  };
  const auto take_estimate = [&](const std::string& name) {
    const auto list = document.find("estimates");
    if (list == document.end() || !list->is_array()) return false;
    const Json* found = nullptr;
    for (const Json& entry : *list) {
      if (!entry.is_object() || !entry.contains("name") || entry["name"] != name) continue;
      if (found) throw Error(ErrorKind::usage, fmt::format("{}: several estimates are called {}; give results of one kinetics stage each", path, name));
      found = &entry;
    }
    if (!found) return false;
    if (found->value("unit", Json()) != "ang2_per_ps") throw Error(ErrorKind::usage, fmt::format("{}: {} is not in ang2_per_ps", path, name));
    result.diffusion_ang2_per_ps = estimate_of(*found, fmt::format("{}: {}", path, name));
    return true;
  };
  if (!quantity.empty() ? take(quantity) || take_estimate(quantity)
                        : take("diffusion_ang2_per_ps") || take("mean_diffusion_ang2_per_ps") || take_estimate("diffusion_msd"))
    return result;
  throw Error(ErrorKind::usage, fmt::format("{}: there is no {} with value, low and high; give what 'saltus analyze msd … --json' printed", path,
                                            quantity.empty() ? "diffusion_ang2_per_ps" : quantity));
}

}  // namespace saltus::runs
