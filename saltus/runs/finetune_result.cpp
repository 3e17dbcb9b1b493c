#include "saltus/runs/finetune_result.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::mev_per_ev;

namespace {

/// A figure of one set, with the interval that the trainer gives beside it; units are changed by `factor`.
NamedEstimate figure(const json& errors, const std::string& key, const std::string& name, double factor, const char* unit, const std::string& note) {
  const double value = factor * errors.at(key).get<double>();
  const json low = errors.value("low_" + key, json()), high = errors.value("high_" + key, json());
  const bool has_interval = low.is_number() && high.is_number();
  return {name, has_interval ? Estimate{value, factor * low.get<double>(), factor * high.get<double>()} : Estimate{value, value, value}, has_interval, unit, note};
}

void add_errors(const json& errors, const char* when, StageResult& result) {
  if (errors.at("set") == "all") return;
  const std::string set = errors.at("set");
  const std::string note = fmt::format("{} fine-tuning, on the last {} frames of {}, which were not trained on", when, errors.at("frames").get<std::size_t>(), set);
  const auto add = [&](const char* key, const char* what, double factor, const char* unit) {
    result.estimates.push_back(figure(errors, key, fmt::format("{}_{}_{}", what, when, set), factor, unit, note));
  };
  add("force_rmse_relative", "force_rmse_relative", 1, "");
  add("force_rmse_ev_ang", "force_rmse", mev_per_ev, "mev_ang");
  add("energy_rmse_aligned_ev_per_atom", "energy_rmse_aligned", mev_per_ev, "mev_per_atom");
  add("energy_rmse_ev_per_atom", "energy_rmse_raw", mev_per_ev, "mev_per_atom");
}

}  // namespace

std::filesystem::path finetune_document(const std::filesystem::path& model) { return std::filesystem::path(model).replace_extension().concat("_finetune.json"); }

StageResult finetune_result(const std::filesystem::path& model) {
  const std::filesystem::path file = finetune_document(model);
  StageResult result;
  try {
    const json document = json::parse(read_file(file));
    for (const char* when : {"before", "after"})
      for (const json& errors : document.at(when)) add_errors(errors, when, result);
    for (const json& warning : document.at("warnings")) result.warnings.push_back(warning);
  } catch (const json::exception& error) {
    throw Error(ErrorKind::internal, fmt::format("{}: {}", file.string(), error.what()));
  }
  result.series.push_back({"finetune", file.filename().string()});
  return result;
}

}  // namespace saltus::runs
