#include "saltus/runs/artifact.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/runs/code_version.hpp"
#include "saltus/runs/estimate_json.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

std::string stage_version(const std::string& kind) {
  for (const StageVersion& stage : stage_versions())
    if (kind == stage.kind) return stage.version;
  return code_version();
}

std::string artifact_key(const Stage& stage, const std::vector<std::pair<std::string, std::string>>& inputs,
                         const std::vector<std::pair<std::string, std::string>>& dependency_keys) {
  json content{{"kind", stage.kind}, {"schema", stage.schema}, {"version", stage_version(stage.kind)}, {"settings", json::parse(stage.settings)}};
  content["inputs"] = json::array();
  for (const auto& [file, hash] : inputs) content["inputs"].push_back(hash);
  content["depends_on"] = json::array();
  for (const auto& [name, key] : dependency_keys) content["depends_on"].push_back({name, key});
  return sha256(content.dump());
}

fs::path artifact_folder(const fs::path& folder, const Stage& stage, const std::string& key) {
  return folder / "artifacts" / fmt::format("{}-{}", stage.name, key.substr(0, 16));
}

void seal_artifact(const fs::path& folder, Artifact& artifact) {
  artifact.files.clear();
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), folder).generic_string();
    if (name != artifact_marker) artifact.files.push_back({name, sha256_of_path(entry.path()), entry.file_size()});
  }
  std::sort(artifact.files.begin(), artifact.files.end(), [](const ArtifactFile& a, const ArtifactFile& b) { return a.name < b.name; });

  json marker{{"stage", artifact.stage},   {"kind", artifact.kind},       {"key", artifact.key},         {"version", artifact.version},
              {"schema", artifact.schema}, {"created", artifact.created}, {"seconds", artifact.seconds}};
  marker["settings"] = json::parse(artifact.settings);
  for (const char* list : {"inputs", "made_from", "files", "estimates", "warnings", "series"}) marker[list] = json::array();
  for (const auto& [file, hash] : artifact.inputs) marker["inputs"].push_back({{"file", file}, {"sha256", hash}});
  for (const auto& [stage, identity] : artifact.made_from) marker["made_from"].push_back({{"stage", stage}, {"identity", identity}});
  for (const ArtifactFile& file : artifact.files)
    marker["files"].push_back({{"name", file.name}, {"sha256", file.sha256}, {"bytes", file.bytes}});
  for (const NamedEstimate& estimate : artifact.result.estimates) marker["estimates"].push_back(to_json(estimate));
  for (const std::string& warning : artifact.result.warnings) marker["warnings"].push_back(warning);
  for (const Series& series : artifact.result.series) marker["series"].push_back({{"name", series.name}, {"file", series.file}});
  const std::string text = marker.dump(1) + "\n";
  artifact.identity = sha256(text);
  write_file_atomically(folder / artifact_marker, text);
}

std::optional<Artifact> verified_artifact(const fs::path& folder, std::string* why) {
  const auto wrong = [&](const std::string& reason) -> std::optional<Artifact> {
    if (why) *why = reason;
    return std::nullopt;
  };
  std::error_code ignored;
  if (!fs::is_regular_file(folder / artifact_marker, ignored)) return wrong("not there");
  Artifact artifact;
  try {
    const std::string text = read_file(folder / artifact_marker);
    artifact.identity = sha256(text);
    const json marker = json::parse(text);
    artifact.stage = marker.at("stage").get<std::string>();
    artifact.kind = marker.at("kind").get<std::string>();
    artifact.key = marker.at("key").get<std::string>();
    artifact.version = marker.at("version").get<std::string>();
    artifact.schema = marker.at("schema").get<int>();
    artifact.created = marker.at("created").get<std::string>();
    artifact.seconds = marker.at("seconds").get<double>();
    artifact.settings = marker.at("settings").dump();
    for (const json& input : marker.at("inputs")) artifact.inputs.emplace_back(input.at("file"), input.at("sha256"));
    for (const json& source : marker.at("made_from")) artifact.made_from.emplace_back(source.at("stage"), source.at("identity"));
    for (const json& file : marker.at("files"))
      artifact.files.push_back({file.at("name"), file.at("sha256"), file.at("bytes").get<std::uint64_t>()});
    for (const json& estimate : marker.at("estimates")) artifact.result.estimates.push_back(estimate_from_json(estimate));
    for (const json& warning : marker.at("warnings")) artifact.result.warnings.push_back(warning);
    for (const json& series : marker.at("series")) artifact.result.series.push_back({series.at("name"), series.at("file")});
    for (const ArtifactFile& file : artifact.files) {
      const fs::path path = folder / file.name;
      if (!fs::is_regular_file(path, ignored)) return wrong(file.name + " is missing");
      if (fs::file_size(path, ignored) != file.bytes || sha256_of_path(path) != file.sha256) return wrong(file.name + " is damaged");
    }
  } catch (const json::exception&) {
    return wrong(std::string(artifact_marker) + " is damaged");
  } catch (const Error& error) {
    return wrong(error.what());
  }
  return artifact;
}

}  // namespace saltus::runs
