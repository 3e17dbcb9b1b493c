// Artifacts: one folder per result, named by stage and key; a marker file, written last, lists the content by hash.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "saltus/runs/stage.hpp"

namespace saltus::runs {

inline constexpr const char* artifact_marker = "artifact.json";

struct ArtifactFile {
  std::string name;  ///< relative to the folder
  std::string sha256;
  std::uint64_t bytes = 0;
};

/// What the marker says.
struct Artifact {
  std::string stage, kind, key, version;
  int schema = 1;
  std::string settings;  ///< JSON object text
  std::vector<std::pair<std::string, std::string>> inputs;     ///< input file, sha256
  std::vector<std::pair<std::string, std::string>> made_from;  ///< stage it depends on, that artifact's `identity`
  std::string created;  ///< UTC
  double seconds = 0;
  std::vector<ArtifactFile> files;
  StageResult result;
  std::string identity;  ///< sha256 of the marker: differs each time an artifact is made, even with the same content
};

/// What a result depends on: stage kind and schema, program version and sources, settings, contents of inputs, keys of dependencies.
std::string artifact_key(const Stage& stage, const std::vector<std::pair<std::string, std::string>>& inputs,
                         const std::vector<std::pair<std::string, std::string>>& dependency_keys);

/// folder/artifacts/STAGE-KEY (the key shortened to 16 digits)
std::filesystem::path artifact_folder(const std::filesystem::path& folder, const Stage& stage, const std::string& key);

/// Lists and hashes the files of `folder`, writes the marker last, and flushes it. Fills files and identity.
void seal_artifact(const std::filesystem::path& folder, Artifact& artifact);

/// The artifact in `folder` when it is complete and every file has the size and hash that the marker states, else nothing.
/// `why` receives what is wrong ("not there", "trajectory/0001.bin is damaged").
std::optional<Artifact> verified_artifact(const std::filesystem::path& folder, std::string* why = nullptr);

/// Version of the sources that results of a kind of stage come from (code_version.hpp); of all of them for a kind that no plan has.
std::string stage_version(const std::string& kind);

}  // namespace saltus::runs
