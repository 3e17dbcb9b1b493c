// saltus report [RUN]: what a run has shown, as one page or as JSON.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::int64_t run = 0;
  std::string folder = "saltus-runs", output;
  bool json = false;
};

int report(const Options& options) {
  const runs::Registry registry(options.folder, false);
  const auto run = options.run ? registry.run(options.run) : registry.latest_run();
  if (!run)
    throw Error(ErrorKind::usage, options.run ? fmt::format("there is no run {} in {}; 'saltus runs' lists them", options.run, options.folder)
                                              : fmt::format("{}: nothing was run here yet", options.folder));
  if (options.json) {
    fmt::print("{}\n", runs::report_json(registry, *run).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    if (options.output.empty()) return 0;
  }
  const std::filesystem::path output =
      options.output.empty() ? std::filesystem::path(options.folder) / fmt::format("report-{}.html", run->id) : std::filesystem::path(options.output);
  write_file_atomically(output, runs::report_page(registry, *run, options.folder));
  if (!options.json) fmt::print("{}\n", output.string());
  return 0;
}

}  // namespace

std::function<int()> set_up_report(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("RUN", options->run, "number of the run (default: the latest)")->check(CLI::PositiveNumber);
  app.add_option("--runs", options->folder, "folder of the registry (default saltus-runs)");
  app.add_option("--out", options->output, "page to write (default FOLDER/report-RUN.html); its path is printed");
  app.add_flag("--json", options->json, "print the estimates as one JSON document; writes no page unless --out is given");
  app.footer(
      "The page is one HTML file that needs no network. Reads the registry and the artifacts only: nothing is\n"
      "computed again. In JSON, value, low and high (95 %) are null where a number is undetermined; 'note' says why.\n\nExample:\n"
      "  saltus report --json");
  return [options] { return report(*options); };
}

}  // namespace saltus::cli
