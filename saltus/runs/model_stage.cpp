#include "saltus/runs/plan_stages.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/grace_file.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/plan_files.hpp"

namespace saltus::runs {

namespace {

/// A published file becomes a container; one of Saltus, of GRACE or of a cluster expansion stays as it is.
StageResult take(const Plan& plan, const std::filesystem::path& file, const StageContext& context) {
  const auto potential = load_potential(file, network_settings(*plan.model));
  const std::string content = read_file(file);
  if (looks_like_torch(content) && !is_grace_file(file)) write_safetensors(context.folder / "model.safetensors", to_container(read_published_model(content, file.string())));
  else write_file_atomically(context.folder / "model.safetensors", content);
  std::vector<std::string> elements;
  for (const std::uint8_t z : potential->info().elements) elements.emplace_back(symbol_of(z));
  const nlohmann::ordered_json summary{{"file", file.filename().string()}, {"kind", potential->info().kind},       {"sha256", sha256_of_path(file)},
                                       {"elements", elements},             {"cutoff_ang", potential->cutoff_ang()}};
  write_file_atomically(context.folder / "model.json", summary.dump(1) + "\n");
  StageResult result;
  result.series.push_back({"model", "model.json"});
  return result;
}

}  // namespace

Stage model_stage(const Plan& plan) {
  Stage stage;
  stage.name = "model";
  stage.kind = "model";
  const std::filesystem::path file = model_file(plan);
  stage.input_files = {file};
  stage.settings = settings_json(plan, "model");
  stage.run = [plan, file](const StageContext& context) { return take(plan, file, context); };
  return stage;
}

}  // namespace saltus::runs
