// saltus-train: fine-tunes a model with libtorch; 'saltus finetune' starts it with its own words.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/cli/finetune_options.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/train/finetune_output.hpp"
#include "saltus/cli/train/finetune_recorded.hpp"
#include "saltus/kernels/linear_algebra.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/finetune_fields.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/training/torch/finetune.hpp"

namespace {

using namespace saltus;

/// A stage of a plan in place of the options: its data sets and settings, and what a refinement adds to them.
struct PlanOptions {
  std::string file, sha256;
  std::vector<std::string> added;
  std::int64_t seed_offset = 0;
  std::string leave_out;  ///< PART/PARTS; empty: nothing
};

FinetuneSettings settings_of(const cli::FinetuneOptions& options) {
  FinetuneSettings settings = published_recipe(family(read_published_model(options.model)));
  if (!options.settings_file.empty()) runs::read_finetune_settings(read_file(options.settings_file), options.settings_file, settings);
  runs::set_finetune_settings(options.words, settings);
  return settings;
}

training::FinetuneInput input_of(const cli::FinetuneOptions& options) {
  training::FinetuneInput input;
  input.settings = settings_of(options);
  input.head = options.head;
  for (const std::string& set : options.sets) input.sets.push_back({set, options.read});
  for (const std::string& set : options.replay) input.replay.push_back({set, options.read});
  return input;
}

training::FinetuneInput input_of(const PlanOptions& options) {
  const runs::Plan plan = runs::read_plan(options.file);
  if (runs::header_of(plan).plan_sha256 != options.sha256 || !plan.finetune)
    throw Error(ErrorKind::usage, fmt::format("{} was changed after its run began: run it again", options.file));
  training::FinetuneInput input;
  input.settings = *plan.finetune;
  input.settings.seed += options.seed_offset;
  input.head = plan.model->head;
  for (const runs::DataSettings& data : plan.data) input.sets.push_back({runs::data_file(plan, data), runs::read_options(plan, data), data.name});
  if (!options.leave_out.empty()) {
    const auto slash = options.leave_out.find('/');
    const auto part = parse_int(options.leave_out.substr(0, slash)), parts = parse_int(slash == std::string::npos ? "" : options.leave_out.substr(slash + 1));
    if (!part || !parts || *part < 1 || *part > *parts || *parts < 2) throw Error(ErrorKind::usage, fmt::format("--leave-out {}: PART/PARTS, from 1, is wanted", options.leave_out));
    input.left_out = *part;
    input.parts = *parts;
  }
  for (const std::string& file : options.added) input.sets.push_back({file, {}, {}, true});
  return input;
}

int run(const cli::FinetuneOptions& options, const PlanOptions& plan) {
  if (plan.file.empty()) cli::require_finetune_files(options);
  if (options.list_settings) {
    fmt::print("{}", runs::finetune_settings_text(settings_of(options)));
    return 0;
  }
  training::FinetuneInput input = plan.file.empty() ? input_of(options) : input_of(plan);
  input.model = options.model;
  input.out = options.out;
  input.settings_text = runs::finetune_settings_json(input.settings);
  cli::listen_for_signals();
  if (!options.runs.empty()) return cli::finetune_recorded(input, options);
  const cli::TrainedModel trained = cli::train_model(input);
  for (const std::string& warning : trained.result.warnings) cli::print_warning(warning);
  cli::print_trained(trained, options);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"saltus-train: fine-tunes a model; started by 'saltus finetune'", "saltus finetune"};
  cli::FinetuneOptions options;
  PlanOptions plan;
  int threads = 0;
  bool quiet = false;
  cli::add_finetune_options(app, options);
  app.add_option("--plan", plan.file, "a plan with [finetune]: its data sets and settings")->type_name("FILE");
  app.add_option("--plan-sha256", plan.sha256, "of its settings when its run began");
  app.add_option("--added", plan.added, "labels beside the data sets, all trained on")->type_name("FILE")->allow_extra_args(false);
  app.add_option("--leave-out", plan.leave_out, "PART/PARTS of the training frames not to train on");
  app.add_option("--seed-offset", plan.seed_offset, "added to the seed of the settings");
  app.add_option("--threads", threads, "threads to use (default: all cores)")->check(CLI::Range(1, 4096));
  app.add_flag("--quiet", quiet, "no progress; warnings and errors stay");
  try {
    app.parse(argc, argv);
    set_thread_count(threads);
    if (quiet) cli::silence_progress();
    kernels::use_one_blas_thread();
    const int code = run(options, plan);
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) throw Error(ErrorKind::file, "cannot write to standard output");
    return code;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    cli::print_error(error.what());
    return static_cast<int>(ErrorKind::usage);
  } catch (const Error& error) {
    cli::print_error(error.what());
    return error.exit_code();
  } catch (const Interrupted& interrupted) {
    cli::say_above_progress(fmt::format("saltus: stopped{}{}; what is done is kept, the same command goes on from there", interrupted.place.empty() ? "" : " at ", interrupted.place));
    return 128 + cli::stop_signal();
  } catch (const std::filesystem::filesystem_error& error) {
    cli::print_error(error.what());
    return static_cast<int>(ErrorKind::file);
  } catch (const std::bad_alloc&) {
    cli::print_error("not enough memory");
    return static_cast<int>(ErrorKind::internal);
  } catch (const std::exception& error) {
    cli::print_error(fmt::format("internal: {}", error.what()));
    return static_cast<int>(ErrorKind::internal);
  }
}
