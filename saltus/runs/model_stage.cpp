#include "saltus/runs/plan_stages.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/potentials/load.hpp"

namespace saltus::runs {

namespace {

StageResult take(const std::filesystem::path& file, const StageContext& context) {
  const auto potential = load_potential(file);
  write_file_atomically(context.folder / "model.safetensors", read_file(file));
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
  const std::filesystem::path file = (plan.file.parent_path() / plan.model->file).lexically_normal();
  stage.input_files = {file};
  stage.settings = settings_json(plan, "model");
  stage.run = [file](const StageContext& context) { return take(file, context); };
  return stage;
}

}  // namespace saltus::runs
