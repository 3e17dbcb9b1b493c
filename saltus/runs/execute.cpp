#include "saltus/runs/execute.hpp"

#include <chrono>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/runs/artifact.hpp"
#include "saltus/runs/code_version.hpp"
#include "saltus/runs/registry.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

/// A stage with what is known of its artifact.
struct Node {
  const Stage* stage = nullptr;
  std::string key;
  fs::path folder;
  std::vector<std::pair<std::string, std::string>> inputs;
  std::vector<std::size_t> needs;
  std::optional<Artifact> artifact;  ///< none: has to be made
  std::string why;                   ///< it has to be made
};

std::vector<Node> keyed(std::span<const Stage> stages, const fs::path& folder) {
  std::vector<Node> nodes;
  for (const Stage& stage : stages) {
    Node node;
    node.stage = &stage;
    for (const fs::path& file : stage.input_files) {
      std::error_code code;
      if (!fs::exists(file, code)) throw Error(ErrorKind::file, fmt::format("stage {}: {}: no such file", stage.name, file.string()));
      node.inputs.emplace_back(file.string(), sha256_of_path(file));
    }
    std::vector<std::pair<std::string, std::string>> dependency_keys;
    for (const std::string& name : stage.depends_on) {
      std::size_t k = 0;
      while (k < nodes.size() && nodes[k].stage->name != name) ++k;
      if (k == nodes.size()) throw Error(ErrorKind::internal, fmt::format("stage {} depends on '{}', which does not come before it", stage.name, name));
      node.needs.push_back(k);
      dependency_keys.emplace_back(name, nodes[k].key);
    }
    node.key = artifact_key(stage, node.inputs, dependency_keys);
    node.folder = artifact_folder(folder, stage, node.key);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<std::pair<std::string, std::string>> made_from(const Node& node, const std::vector<Node>& nodes) {
  std::vector<std::pair<std::string, std::string>> result;
  for (std::size_t k : node.needs) result.emplace_back(nodes[k].stage->name, nodes[k].artifact->identity);
  return result;
}

void find_done(std::vector<Node>& nodes) {
  for (Node& node : nodes) {
    for (std::size_t k : node.needs)
      if (!nodes[k].artifact) node.why = nodes[k].stage->name + " is made anew";
    if (!node.why.empty()) continue;
    std::optional<Artifact> artifact = verified_artifact(node.folder, &node.why);
    if (!artifact) continue;
    if (artifact->key != node.key) node.why = "its key differs";
    else if (artifact->made_from != made_from(node, nodes)) node.why = "what it was made from was made anew";
    else node.artifact = std::move(artifact);
  }
}

void flush_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void remove_folder(const fs::path& folder) {
  std::error_code code;
  fs::remove_all(folder, code);
  if (code) throw Error(ErrorKind::file, fmt::format("{}: cannot remove: {}", folder.string(), code.message()));
}

/// The folder under construction: kept from an interrupted run when the stage can continue from the same inputs, else empty.
/// Returns whether it is continued.
bool open_part(const Node& node, const fs::path& part, const std::vector<std::pair<std::string, std::string>>& sources) {
  constexpr const char* note = "started.json";
  const std::string wanted = json{{"key", node.key}, {"made_from", sources}}.dump() + "\n";
  std::error_code code;
  if (node.stage->resumable && fs::is_regular_file(part / note, code) && read_file(part / note) == wanted) {
    fs::remove(part / artifact_marker, code);
    return true;
  }
  remove_folder(part);
  fs::create_directories(part, code);
  if (code) throw Error(ErrorKind::file, fmt::format("{}: cannot create: {}", part.string(), code.message()));
  write_file_atomically(part / note, wanted);
  return false;
}

void say(const RunSinks& sinks, const std::string& line) {
  if (sinks.say) sinks.say(line);
}

void make(Node& node, const std::vector<Node>& nodes, const RunSinks& sinks) {
  const Stage& stage = *node.stage;
  const fs::path part = node.folder.string() + ".part";
  Artifact artifact;
  artifact.made_from = made_from(node, nodes);
  const bool resumed = open_part(node, part, artifact.made_from);
  say(sinks, fmt::format("{}: {}", stage.name, resumed ? "going on where an earlier run stopped" : "begins"));

  StageContext context{part, {}, sinks.progress, sinks.stop, sinks.say};
  for (std::size_t k : node.needs) context.inputs.emplace(nodes[k].stage->name, nodes[k].folder);
  const auto start = std::chrono::steady_clock::now();
  artifact.result = stage.run(context);
  artifact.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  artifact.stage = stage.name;
  artifact.kind = stage.kind;
  artifact.key = node.key;
  artifact.version = stage_version(stage.kind);
  artifact.schema = stage.schema;
  artifact.settings = stage.settings;
  artifact.inputs = node.inputs;
  artifact.created = utc_now();
  seal_artifact(part, artifact);

  remove_folder(node.folder);
  std::error_code code;
  fs::rename(part, node.folder, code);
  if (code) throw Error(ErrorKind::file, fmt::format("{}: cannot rename into place: {}", part.string(), code.message()));
  flush_folder(node.folder.parent_path());
  if (sinks.warn)
    for (const std::string& warning : artifact.result.warnings) sinks.warn(fmt::format("{}: {}", stage.name, warning));
  say(sinks, fmt::format("{}: done in {:.1f} s", stage.name, artifact.seconds));
  node.artifact = std::move(artifact);
}

std::optional<std::int64_t> recorded_run(const Registry& registry, const RunHeader& header, const std::vector<Node>& nodes) {
  for (const RunRecord& run : registry.runs()) {
    if (run.state != "done" || run.plan_sha256 != header.plan_sha256 || run.stages.size() != nodes.size()) continue;
    bool same = true;
    for (std::size_t k = 0; k < nodes.size(); ++k) same = same && run.stages[k].key == nodes[k].key && run.stages[k].name == nodes[k].stage->name;
    if (same) return run.id;
  }
  return std::nullopt;
}

}  // namespace

RunOutcome run_stages(const RunHeader& header, std::span<const Stage> stages, const fs::path& folder, const RunSinks& sinks) {
  const FolderLock lock(folder);
  Registry registry(folder, true);
  registry.mark_interrupted();
  std::vector<Node> nodes = keyed(stages, folder);
  find_done(nodes);

  RunOutcome outcome;
  for (const Node& node : nodes) {
    if (!node.artifact) continue;
    ++outcome.reused;
    if (registry.stored_identity(node.key) != node.artifact->identity)
      registry.store_artifact(*node.artifact, node.folder.filename());
  }
  if (outcome.reused == nodes.size())
    if (const auto run = recorded_run(registry, header, nodes)) {
      outcome.run = *run;
      outcome.nothing_to_do = true;
      return outcome;
    }

  RunRecord record;
  record.plan = header.plan;
  record.plan_sha256 = header.plan_sha256;
  record.title = header.title;
  record.settings = header.settings;
  record.version = code_version();
  record.started = utc_now();
  for (const Node& node : nodes) record.stages.push_back({node.stage->name, node.stage->kind, node.key, "pending"});
  outcome.run = registry.begin_run(record);
  for (Node& node : nodes) {
    const std::string& name = node.stage->name;
    if (node.artifact) {
      say(sinks, name + ": already done");
      registry.set_stage_state(outcome.run, name, "reused");
      continue;
    }
    std::error_code code;
    if (fs::exists(node.folder, code)) say(sinks, fmt::format("{}: to be made anew, since {}", name, node.why));
    registry.set_stage_state(outcome.run, name, "running");
    const auto ended = [&](const char* state, const std::string& message) {
      if (!node.stage->resumable) {
        std::error_code ignored;
        fs::remove_all(node.folder.string() + ".part", ignored);
      }
      registry.set_stage_state(outcome.run, name, state);
      registry.finish_run(outcome.run, state, message);
    };
    try {
      if (sinks.stop && sinks.stop()) throw Interrupted{};
      make(node, nodes, sinks);
    } catch (const Interrupted& interrupted) {
      const std::string place = fmt::format("stage {}{}{}", name, interrupted.place.empty() ? "" : ", ", interrupted.place);
      ended("interrupted", "stopped in " + place);
      throw Interrupted{place, true};
    } catch (const Error& error) {
      ended("failed", fmt::format("{}: {}", name, error.what()));
      throw with_place(error, "stage " + name);
    } catch (const std::exception& error) {
      ended("failed", fmt::format("{}: {}", name, error.what()));
      throw;
    }
    registry.store_artifact(*node.artifact, node.folder.filename());
    registry.set_stage_state(outcome.run, name, "done");
    ++outcome.made;
  }
  registry.finish_run(outcome.run, "done");
  return outcome;
}

}  // namespace saltus::runs
