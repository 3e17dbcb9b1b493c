#include "saltus/runs/registry.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include "saltus/base/error.hpp"
#include "saltus/runs/estimate_json.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;

namespace {

constexpr int schema_version = 1;
constexpr int application_id = 0x53414c54;  // "SALT"

constexpr const char* schema = R"(
CREATE TABLE runs(id INTEGER PRIMARY KEY AUTOINCREMENT, plan TEXT NOT NULL, plan_sha256 TEXT NOT NULL, title TEXT NOT NULL,
  version TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, message TEXT NOT NULL DEFAULT '',
  settings TEXT NOT NULL);
CREATE TABLE stages(run INTEGER NOT NULL REFERENCES runs(id), position INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  key TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY(run, position));
CREATE TABLE artifacts(key TEXT PRIMARY KEY, stage TEXT NOT NULL, kind TEXT NOT NULL, folder TEXT NOT NULL, identity TEXT NOT NULL,
  version TEXT NOT NULL, schema INTEGER NOT NULL, created TEXT NOT NULL, seconds REAL NOT NULL, settings TEXT NOT NULL);
CREATE TABLE inputs(key TEXT NOT NULL REFERENCES artifacts(key) ON DELETE CASCADE, position INTEGER NOT NULL, file TEXT NOT NULL,
  sha256 TEXT NOT NULL, PRIMARY KEY(key, position));
CREATE TABLE estimates(key TEXT NOT NULL REFERENCES artifacts(key) ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT NOT NULL,
  value REAL, low REAL, high REAL, unit TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY(key, position));
CREATE TABLE warnings(key TEXT NOT NULL REFERENCES artifacts(key) ON DELETE CASCADE, position INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY(key, position));
CREATE TABLE series(key TEXT NOT NULL REFERENCES artifacts(key) ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT NOT NULL,
  file TEXT NOT NULL, PRIMARY KEY(key, position));
)";

[[noreturn]] void fail(sqlite3* database, const std::string& doing) {
  const int code = database ? sqlite3_errcode(database) : SQLITE_NOMEM;
  const std::string message = fmt::format("registry: {}: {}", doing, database ? sqlite3_errmsg(database) : "out of memory");
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) throw Error(ErrorKind::format, message);
  throw Error(ErrorKind::file, message);
}

void execute(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(database, "cannot write");
}

class Statement {
 public:
  Statement(sqlite3* database, const char* sql) : database_(database) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) fail(database, "cannot prepare");
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  template <class... T>
  Statement& bind(const T&... values) {
    int column = 0;
    (bind_one(++column, values), ...);
    return *this;
  }
  bool step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail(database_, "cannot read or write");
    return false;
  }
  void run_and_reset() {
    step();
    sqlite3_reset(statement_);
  }
  std::string text(int column) const {
    const unsigned char* value = sqlite3_column_text(statement_, column);
    return value ? std::string(reinterpret_cast<const char*>(value), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                 : std::string();
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const { return sqlite3_column_double(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  void bind_one(int column, const std::string& value) {
    check(sqlite3_bind_text(statement_, column, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT));
  }
  void bind_one(int column, std::int64_t value) { check(sqlite3_bind_int64(statement_, column, value)); }
  void bind_one(int column, int value) { check(sqlite3_bind_int64(statement_, column, value)); }
  void bind_one(int column, double value) { check(sqlite3_bind_double(statement_, column, value)); }
  void bind_one(int column, const std::optional<double>& value) {
    check(value ? sqlite3_bind_double(statement_, column, *value) : sqlite3_bind_null(statement_, column));
  }
  void check(int code) const {
    if (code != SQLITE_OK) fail(database_, "cannot bind");
  }
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

class Transaction {
 public:
  explicit Transaction(sqlite3* database) : database_(database) { execute(database_, "BEGIN IMMEDIATE"); }
  ~Transaction() {
    if (!committed_) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    execute(database_, "COMMIT");
    committed_ = true;
  }

 private:
  sqlite3* database_;
  bool committed_ = false;
};

std::int64_t pragma(sqlite3* database, const char* sql) {
  Statement statement(database, sql);
  return statement.step() ? statement.integer(0) : 0;
}

void create_schema(sqlite3* database) {
  Transaction transaction(database);
  if (pragma(database, "SELECT count(*) FROM sqlite_master") == 0) {
    execute(database, schema);
    execute(database, fmt::format("PRAGMA user_version = {}", schema_version).c_str());
    execute(database, fmt::format("PRAGMA application_id = {}", application_id).c_str());
  }
  transaction.commit();
}

void check_schema(sqlite3* database, const fs::path& file) {
  const std::int64_t version = pragma(database, "PRAGMA user_version");
  const std::int64_t application = pragma(database, "PRAGMA application_id");
  if (application != application_id) throw Error(ErrorKind::format, file.string() + ": not a registry of saltus");
  if (version > schema_version)
    throw Error(ErrorKind::unsupported, fmt::format("{}: registry of a newer saltus (schema {}, this one knows {})", file.string(), version,
                                                    schema_version));
}

constexpr const char* run_columns = "id, plan, plan_sha256, title, version, started, finished, state, message, settings";

RunRecord run_of(const Statement& row) {
  RunRecord run;
  run.id = row.integer(0);
  run.plan = row.text(1);
  run.plan_sha256 = row.text(2);
  run.title = row.text(3);
  run.version = row.text(4);
  run.started = row.text(5);
  run.finished = row.text(6);
  run.state = row.text(7);
  run.message = row.text(8);
  run.settings = row.text(9);
  return run;
}

void read_stages(sqlite3* database, RunRecord& run) {
  Statement rows(database, "SELECT name, kind, key, state FROM stages WHERE run = ? ORDER BY position");
  rows.bind(run.id);
  while (rows.step()) run.stages.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3)});
}

}  // namespace

Registry::Registry(const fs::path& folder, bool create) {
  const fs::path file = folder / "registry.sqlite";
  std::error_code code;
  if (create) {
    fs::create_directories(folder, code);
    if (code) throw Error(ErrorKind::file, fmt::format("{}: cannot create: {}", folder.string(), code.message()));
  } else if (!fs::exists(file, code)) {
    throw Error(ErrorKind::file, fmt::format("{}: no registry of runs here; start one with 'saltus run PLAN.toml', or name its folder "
                                             "with --runs", folder.string()));
  }
  const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  try {
    if (sqlite3_open_v2(file.c_str(), &database_, flags, nullptr) != SQLITE_OK) fail(database_, "cannot open " + file.string());
    sqlite3_busy_timeout(database_, 20000);
    execute(database_, "PRAGMA foreign_keys = ON");
    if (create) create_schema(database_);
    check_schema(database_, file);
  } catch (...) {
    sqlite3_close(database_);
    throw;
  }
}

Registry::~Registry() { sqlite3_close(database_); }

std::int64_t Registry::begin_run(const RunRecord& run) {
  Transaction transaction(database_);
  Statement insert(database_, "INSERT INTO runs(plan, plan_sha256, title, version, started, state, settings) VALUES(?, ?, ?, ?, ?, 'running', ?)");
  insert.bind(run.plan, run.plan_sha256, run.title, run.version, run.started, run.settings).step();
  const std::int64_t id = sqlite3_last_insert_rowid(database_);
  Statement stage(database_, "INSERT INTO stages(run, position, name, kind, key, state) VALUES(?, ?, ?, ?, ?, 'pending')");
  for (std::size_t k = 0; k < run.stages.size(); ++k)
    stage.bind(id, static_cast<std::int64_t>(k), run.stages[k].name, run.stages[k].kind, run.stages[k].key).run_and_reset();
  transaction.commit();
  return id;
}

void Registry::set_stage_state(std::int64_t run, const std::string& stage, const std::string& state) {
  Statement(database_, "UPDATE stages SET state = ? WHERE run = ? AND name = ?").bind(state, run, stage).step();
}

void Registry::finish_run(std::int64_t run, const std::string& state, const std::string& message) {
  Statement(database_, "UPDATE runs SET state = ?, message = ?, finished = ? WHERE id = ?").bind(state, message, utc_now(), run).step();
}

void Registry::mark_interrupted() {
  Transaction transaction(database_);
  execute(database_, "UPDATE stages SET state = 'interrupted' WHERE state = 'running'");
  execute(database_, "UPDATE runs SET state = 'interrupted' WHERE state = 'running'");
  transaction.commit();
}

void Registry::store_artifact(const Artifact& artifact, const fs::path& folder_name) {
  Transaction transaction(database_);
  Statement(database_, "DELETE FROM artifacts WHERE key = ?").bind(artifact.key).step();
  Statement(database_, "INSERT INTO artifacts(key, stage, kind, folder, identity, version, schema, created, seconds, settings) "
                       "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(artifact.key, artifact.stage, artifact.kind, folder_name.string(), artifact.identity, artifact.version, artifact.schema,
            artifact.created, artifact.seconds, artifact.settings)
      .step();
  Statement input(database_, "INSERT INTO inputs(key, position, file, sha256) VALUES(?, ?, ?, ?)");
  std::int64_t position = 0;
  for (const auto& [file, hash] : artifact.inputs) input.bind(artifact.key, position++, file, hash).run_and_reset();
  Statement estimate(database_, "INSERT INTO estimates(key, position, name, value, low, high, unit, note) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  position = 0;
  for (const NamedEstimate& named : artifact.result.estimates) {
    const nlohmann::ordered_json object = to_json(named);
    const auto number = [&](const char* key) {
      return object.at(key).is_null() ? std::nullopt : std::optional<double>(object.at(key).get<double>());
    };
    estimate.bind(artifact.key, position++, named.name, number("value"), number("low"), number("high"), named.unit, object.value("note", ""))
        .run_and_reset();
  }
  Statement warning(database_, "INSERT INTO warnings(key, position, text) VALUES(?, ?, ?)");
  position = 0;
  for (const std::string& text : artifact.result.warnings) warning.bind(artifact.key, position++, text).run_and_reset();
  Statement series(database_, "INSERT INTO series(key, position, name, file) VALUES(?, ?, ?, ?)");
  position = 0;
  for (const Series& entry : artifact.result.series) series.bind(artifact.key, position++, entry.name, entry.file).run_and_reset();
  transaction.commit();
}

std::optional<std::string> Registry::stored_identity(const std::string& key) const {
  Statement row(database_, "SELECT identity FROM artifacts WHERE key = ?");
  row.bind(key);
  return row.step() ? std::optional(row.text(0)) : std::nullopt;
}

std::vector<RunRecord> Registry::runs() const {
  std::vector<RunRecord> result;
  Statement rows(database_, fmt::format("SELECT {} FROM runs ORDER BY id DESC", run_columns).c_str());
  while (rows.step()) result.push_back(run_of(rows));
  for (RunRecord& run : result) read_stages(database_, run);
  return result;
}

std::optional<RunRecord> Registry::run(std::int64_t id) const {
  Statement row(database_, fmt::format("SELECT {} FROM runs WHERE id = ?", run_columns).c_str());
  row.bind(id);
  if (!row.step()) return std::nullopt;
  RunRecord run = run_of(row);
  read_stages(database_, run);
  return run;
}

std::optional<RunRecord> Registry::latest_run() const {
  const std::int64_t id = pragma(database_, "SELECT coalesce(max(id), 0) FROM runs");
  return run(id);
}

std::optional<std::pair<Artifact, std::string>> Registry::artifact(const std::string& key) const {
  Statement row(database_, "SELECT stage, kind, folder, identity, version, schema, created, seconds, settings FROM artifacts WHERE key = ?");
  row.bind(key);
  if (!row.step()) return std::nullopt;
  Artifact artifact;
  artifact.key = key;
  artifact.stage = row.text(0);
  artifact.kind = row.text(1);
  const std::string folder = row.text(2);
  artifact.identity = row.text(3);
  artifact.version = row.text(4);
  artifact.schema = static_cast<int>(row.integer(5));
  artifact.created = row.text(6);
  artifact.seconds = row.real(7);
  artifact.settings = row.text(8);
  Statement inputs(database_, "SELECT file, sha256 FROM inputs WHERE key = ? ORDER BY position");
  inputs.bind(key);
  while (inputs.step()) artifact.inputs.emplace_back(inputs.text(0), inputs.text(1));
  Statement estimates(database_, "SELECT name, value, low, high, unit, note FROM estimates WHERE key = ? ORDER BY position");
  estimates.bind(key);
  while (estimates.step()) {
    NamedEstimate named;
    named.name = estimates.text(0);
    named.unit = estimates.text(4);
    named.note = estimates.text(5);
    named.has_interval = !estimates.is_null(2) && !estimates.is_null(3);
    if (!estimates.is_null(1)) {
      const double value = estimates.real(1);
      named.estimate = named.has_interval ? Estimate{value, estimates.real(2), estimates.real(3)} : Estimate{value, value, value};
    }
    artifact.result.estimates.push_back(std::move(named));
  }
  Statement warnings(database_, "SELECT text FROM warnings WHERE key = ? ORDER BY position");
  warnings.bind(key);
  while (warnings.step()) artifact.result.warnings.push_back(warnings.text(0));
  Statement series(database_, "SELECT name, file FROM series WHERE key = ? ORDER BY position");
  series.bind(key);
  while (series.step()) artifact.result.series.push_back({series.text(0), series.text(1)});
  return std::pair{std::move(artifact), folder};
}

FolderLock::FolderLock(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  const fs::path file = folder / "lock";
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw Error(ErrorKind::file, fmt::format("{}: cannot open: {}", file.string(), std::strerror(errno)));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor_);
    throw Error(ErrorKind::file, fmt::format("{}: another saltus, or a program that it started, is working in this folder; wait for it, or choose another with --out",
                                             folder.string()));
  }
}

FolderLock::~FolderLock() { ::close(descriptor_); }

bool is_locked(const fs::path& folder) {
  const int descriptor = ::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool held = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return held;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace saltus::runs
