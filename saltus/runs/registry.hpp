// The registry: which runs there were, their stages, inputs with hashes, settings, estimates and chart files. SQLite.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saltus/runs/artifact.hpp"

struct sqlite3;

namespace saltus::runs {

/// State of a run or of a stage in it: "running", "done", "failed", "interrupted"; stages also "pending" and "reused".
struct StageRecord {
  std::string name, kind, key, state;
};

struct RunRecord {
  std::int64_t id = 0;
  std::string plan, plan_sha256, title, version, started, finished, state, message;
  std::string settings;  ///< JSON list of the plan's resolved sections
  std::vector<StageRecord> stages;
};

class Registry {
 public:
  /// Opens folder/registry.sqlite. Creates it (and the folder) when `create`, else throws Error{file} when it is not there.
  /// Throws Error{unsupported} for a registry of a newer Saltus, Error{format} for a file that is none.
  Registry(const std::filesystem::path& folder, bool create);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Records a run that starts now, with all its stages pending; returns its number.
  std::int64_t begin_run(const RunRecord& run);
  void set_stage_state(std::int64_t run, const std::string& stage, const std::string& state);
  void finish_run(std::int64_t run, const std::string& state, const std::string& message = {});
  /// Runs still marked "running" that no process works on any more; the caller holds the lock of the folder.
  void mark_interrupted();

  /// Puts an artifact's inputs, settings, estimates, warnings and series in, replacing an older one of the same key.
  void store_artifact(const Artifact& artifact, const std::filesystem::path& folder_name);
  /// Identity of the artifact recorded under a key, or nothing.
  std::optional<std::string> stored_identity(const std::string& key) const;

  std::vector<RunRecord> runs() const;  ///< newest first
  std::optional<RunRecord> run(std::int64_t id) const;
  std::optional<RunRecord> latest_run() const;
  /// The artifact as recorded (files not listed) and its folder's name below artifacts/.
  std::optional<std::pair<Artifact, std::string>> artifact(const std::string& key) const;

 private:
  sqlite3* database_ = nullptr;
};

/// Exclusive use of a folder by one `saltus run`; released when the process ends, however it ends.
class FolderLock {
 public:
  /// Throws Error{file} when another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// For a program that this one starts: with it the lock lasts until that has ended too.
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// Whether some process holds the lock now.
bool is_locked(const std::filesystem::path& folder);

/// "2026-01-31T12:00:00Z"
std::string utc_now();

}  // namespace saltus::runs
