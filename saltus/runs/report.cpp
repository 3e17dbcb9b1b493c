#include "saltus/runs/report.hpp"

#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/page_files.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

json header_of(const RunRecord& run) {
  json header{{"run", run.id},          {"title", run.title},     {"plan", run.plan},        {"plan_sha256", run.plan_sha256},
              {"version", run.version}, {"state", run.state},     {"started", run.started},  {"finished", run.finished}};
  if (!run.message.empty()) header["message"] = run.message;
  return header;
}

json chart_data(const fs::path& file) {
  std::error_code code;
  if (!fs::is_regular_file(file, code)) return nullptr;
  try {
    return json::parse(read_file(file));
  } catch (const json::exception& error) {
    throw Error(ErrorKind::format, file.string() + ": " + error.what());
  }
}

std::string escaped_html(const std::string& text) {
  std::string result;
  for (char c : text) switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  return result;
}

/// JSON that may stand inside <script>: no "<", ">" or "&" left to be read as markup; bytes that are not UTF-8 are replaced.
std::string script_json(const json& data) {
  std::string result;
  for (char c : data.dump(-1, ' ', false, json::error_handler_t::replace)) switch (c) {
      case '<': result += "\\u003c"; break;
      case '>': result += "\\u003e"; break;
      case '&': result += "\\u0026"; break;
      default: result += c;
    }
  return result;
}

/// What the page shows of one run.
json run_data(const Registry& registry, const RunRecord& run, const fs::path& folder) {
  json data = header_of(run);
  data["settings"] = run.settings.empty() ? json::array() : json::parse(run.settings);
  data["stages"] = json::array();
  for (const StageRecord& stage : run.stages) {
    json entry{{"name", stage.name}, {"kind", stage.kind}, {"key", stage.key}, {"state", stage.state}};
    const auto stored = registry.artifact(stage.key);
    if (stored && (stage.state == "done" || stage.state == "reused")) {
      const auto& [artifact, artifact_folder] = *stored;
      entry["seconds"] = artifact.seconds;
      entry["created"] = artifact.created;
      entry["version"] = artifact.version;
      for (const char* list : {"inputs", "estimates", "warnings"}) entry[list] = json::array();
      for (const auto& [file, hash] : artifact.inputs) entry["inputs"].push_back({{"file", fs::path(file).filename().string()}, {"sha256", hash}});
      for (const NamedEstimate& estimate : artifact.result.estimates) entry["estimates"].push_back(to_json(estimate, stage.name));
      for (const std::string& warning : artifact.result.warnings) entry["warnings"].push_back(warning);
      entry["series"] = json::object();
      for (const Series& series : artifact.result.series)
        entry["series"][series.name] = chart_data(folder / "artifacts" / artifact_folder / series.file);
    }
    data["stages"].push_back(std::move(entry));
  }
  return data;
}

}  // namespace

json report_json(const Registry& registry, const RunRecord& run) {
  json document = header_of(run);
  document["estimates"] = json::array();
  document["warnings"] = json::array();
  for (const StageRecord& stage : run.stages) {
    const auto stored = registry.artifact(stage.key);
    if (!stored || (stage.state != "done" && stage.state != "reused")) continue;
    for (const NamedEstimate& estimate : stored->first.result.estimates) document["estimates"].push_back(to_json(estimate, stage.name));
    for (const std::string& warning : stored->first.result.warnings) document["warnings"].push_back({{"stage", stage.name}, {"text", warning}});
  }
  return document;
}

std::string page_of(const json& data, const std::string& title) {
  std::string page;
  std::string_view rest = report_html();
  for (std::size_t at; (at = rest.find("@@")) != std::string_view::npos;) {
    const std::size_t end = rest.find("@@", at + 2);
    const std::string_view word = rest.substr(at + 2, end - at - 2);
    page += rest.substr(0, at);
    if (word == "TITLE") page += escaped_html(title);
    else if (word == "CSS") page += report_css();
    else if (word == "DATA") page += script_json(data);
    else if (word == "PLOTLY") page += plotly_js();
    else if (word == "THREEDMOL") page += threedmol_js();
    else if (word == "LICENCES") page += script_licences();
    else if (word == "JS") page += report_js();
    rest.remove_prefix(end + 2);
  }
  page += rest;
  return page;
}

json comparison_json(const Registry& registry, std::span<const RunRecord> runs) {
  json document{{"runs", json::array()}};
  for (const RunRecord& run : runs) document["runs"].push_back(report_json(registry, run));
  return document;
}

std::string report_page(const Registry& registry, const RunRecord& run, const fs::path& folder) {
  return page_of(run_data(registry, run, folder), run.title);
}

std::string comparison_page(const Registry& registry, std::span<const RunRecord> runs, const fs::path& folder) {
  json data{{"runs", json::array()}};
  std::string title = "Runs";
  for (const RunRecord& run : runs) {
    data["runs"].push_back(run_data(registry, run, folder));
    title += (data["runs"].size() == 1 ? " " : ", ") + std::to_string(run.id);
  }
  return page_of(data, title + " compared");
}

}  // namespace saltus::runs
