// saltus report [RUN...]: what a run has shown, or several beside each other, as one page or as JSON.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::vector<std::int64_t> runs;
  std::string folder = "saltus-runs", output;
  bool json = false;
};

int report(const Options& options) {
  const runs::Registry registry(options.folder, false);
  std::vector<runs::RunRecord> records;
  if (options.runs.empty()) {
    const auto latest = registry.latest_run();
    if (!latest) throw Error(ErrorKind::usage, options.folder + ": nothing was run here yet");
    records.push_back(*latest);
  }
  for (std::int64_t id : options.runs) {
    const auto run = registry.run(id);
    if (!run) throw Error(ErrorKind::usage, fmt::format("there is no run {} in {}; 'saltus runs' lists them", id, options.folder));
    records.push_back(*run);
  }
  const bool several = records.size() > 1;
  if (options.json) {
    const auto document = several ? runs::comparison_json(registry, records) : runs::report_json(registry, records[0]);
    print_json(document);
    if (options.output.empty()) return 0;
  }
  std::filesystem::path output = options.output;
  if (output.empty()) {
    std::string name = "report";
    for (const runs::RunRecord& run : records) name += fmt::format("-{}", run.id);
    output = std::filesystem::path(options.folder) / (name + ".html");
  }
  write_file_atomically(output, several ? runs::comparison_page(registry, records, options.folder)
                                        : runs::report_page(registry, records[0], options.folder));
  if (!options.json) fmt::print("{}\n", output.string());
  return 0;
}

}  // namespace

std::function<int()> set_up_report(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("RUN", options->runs, "number of the run (default: the latest); several are compared on one page")->check(CLI::PositiveNumber);
  app.add_option("--runs", options->folder, "folder of the registry (default saltus-runs)")->type_name("FOLDER");
  app.add_option("--out", options->output, "page to write (default FOLDER/report-RUN.html); its path is printed")->type_name("FILE");
  app.add_flag("--json", options->json, "print the estimates as one JSON document; writes no page unless --out is given");
  app.footer(
      "The page is one HTML file that needs no network. Reads the registry and the artifacts only: nothing is\n"
      "computed again. In JSON, value, low and high (95 %) are null where a number is undetermined; 'note' says why.\n\nExample:\n"
      "  saltus report --json");
  return [options] { return report(*options); };
}

}  // namespace saltus::cli
