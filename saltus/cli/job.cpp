// saltus job: a job script from a template of the user's own.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/runs/job_script.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::vector<std::string> words, sets;
  std::string file, out, name = "saltus";
  int tasks = 1, hours = 24;
  bool print_template = false;
};

int run_job(const Options& options) {
  if (options.print_template) {
    fmt::print("{}", runs::slurm_template());
    return 0;
  }
  if (options.words.empty()) throw Error(ErrorKind::usage, "job needs the command that the script runs: saltus job … -- saltus run plan.toml");
  std::map<std::string, std::string> values;
  const std::string text = options.file.empty() ? std::string(runs::slurm_template()) : read_file(options.file);
  // What a template of the user's own does not ask for is not forced on it.
  const auto offer = [&](const char* key, const std::string& value) {
    if (text.find(fmt::format("{{{}}}", key)) != std::string::npos) values[key] = value;
  };
  offer("name", options.name);
  offer("tasks", fmt::format("{}", options.tasks));
  offer("hours", fmt::format("{}", options.hours));
  offer("folder", runs::shell_line({std::filesystem::current_path().string()}));
  values["command"] = runs::shell_line(options.words);
  for (const std::string& set : options.sets) {
    const auto equals = set.find('=');
    if (equals == std::string::npos || equals == 0) throw Error(ErrorKind::usage, fmt::format("'{}': values are given as KEY=VALUE", set));
    values[set.substr(0, equals)] = set.substr(equals + 1);
  }
  const std::string script = runs::filled(text, values);
  if (options.out.empty()) {
    fmt::print("{}", script);
    return 0;
  }
  write_file_atomically(options.out, script);
  fmt::print("written to {}; submit it by: sbatch {}\n", options.out, options.out);
  return 0;
}

}  // namespace

std::function<int()> set_up_job(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("COMMAND", o->words, "what the job runs, after --")->type_name("WORD");
  app.add_option("--template", o->file, "script with places {command}, {name}, {tasks}, {hours}, {folder}, and your own (default: for Slurm)")->type_name("FILE");
  app.add_flag("--print-template", o->print_template, "the template for Slurm, to begin your own with");
  app.add_option("--name", o->name, "of the job (default saltus)");
  app.add_option("--tasks", o->tasks, "MPI processes (default 1)")->check(CLI::Range(1, 1000000));
  app.add_option("--hours", o->hours, "wall time, hours (default 24)")->check(CLI::Range(1, 10000));
  app.add_option("--set", o->sets, "value of a place of your template, KEY=VALUE")->allow_extra_args(false);
  app.add_option("--out", o->out, "file to write (default: standard output)")->type_name("FILE");
  app.footer(
      "Inside an allocation CP2K is started by srun; with the setting ranks = 0 on all tasks of the job.\n\nExample:\n"
      "  saltus job --tasks 64 --hours 12 --out job.sh -- saltus refine plan.toml");
  return [o] { return run_job(*o); };
}

}  // namespace saltus::cli
