// The table of subcommands.
#pragma once

#include <span>

#include "saltus/cli/command.hpp"

namespace saltus::cli {

/// In the order of the overview.
std::span<const Command> commands();

// One file each: saltus/cli/NAME.cpp.
std::function<int()> set_up_run(CLI::App& app);
std::function<int()> set_up_explain(CLI::App& app);
std::function<int()> set_up_sites(CLI::App& app);
std::function<int()> set_up_msm(CLI::App& app);
std::function<int()> set_up_aimd(CLI::App& app);
std::function<int()> set_up_label(CLI::App& app);
std::function<int()> set_up_fit(CLI::App& app);
std::function<int()> set_up_finetune(CLI::App& app);
std::function<int()> set_up_refine(CLI::App& app);
std::function<int()> set_up_evaluate(CLI::App& app);
std::function<int()> set_up_compare(CLI::App& app);
std::function<int()> set_up_distill(CLI::App& app);
std::function<int()> set_up_info(CLI::App& app);
std::function<int()> set_up_convert(CLI::App& app);
std::function<int()> set_up_sample(CLI::App& app);
std::function<int()> set_up_analyze(CLI::App& app);
std::function<int()> set_up_models(CLI::App& app);
std::function<int()> set_up_md(CLI::App& app);
std::function<int()> set_up_pimd(CLI::App& app);
std::function<int()> set_up_serve(CLI::App& app);
std::function<int()> set_up_statics(CLI::App& app);
std::function<int()> set_up_network(CLI::App& app);
std::function<int()> set_up_propagate(CLI::App& app);
std::function<int()> set_up_passage(CLI::App& app);
std::function<int()> set_up_simulate(CLI::App& app);
std::function<int()> set_up_runs(CLI::App& app);
std::function<int()> set_up_report(CLI::App& app);
std::function<int()> set_up_job(CLI::App& app);
std::function<int()> set_up_completion(CLI::App& app);
std::function<int()> set_up_man(CLI::App& app);

}  // namespace saltus::cli
