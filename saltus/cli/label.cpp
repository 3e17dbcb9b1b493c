// saltus label: energies and forces of given frames by CP2K, on demand; and the plane-wave cutoff that they need.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/cp2k_options.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/label_table.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/ab_initio_frames.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string frames, out, work;
  std::size_t every = 1, first = 0;
  std::vector<double> cutoffs_ry;
  Cp2kOptions method;
  runs::LabelSettings settings;
  bool json = false;
};

std::vector<Frame> frames_of(const Options& options) {
  const auto reader = open_trajectory(options.frames);
  std::vector<Frame> frames;
  Frame frame;
  for (std::size_t k = 0; reader->read_next(frame); ++k)
    if (k >= options.first && (k - options.first) % options.every == 0) frames.push_back(frame);
  if (frames.empty()) throw Error(ErrorKind::usage, fmt::format("{} has no frame from {} on", options.frames, options.first));
  return frames;
}

void print_cutoffs(const Options& options, const std::vector<runs::CutoffPoint>& points) {
  if (options.json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& p : points)
      list.push_back({{"cutoff_ry", p.cutoff_ry}, {"energy_ev_per_atom", p.energy_ev_per_atom}, {"energy_from_last_ev_per_atom", p.energy_from_last_ev_per_atom},
                      {"force_rms_from_last_ev_ang", p.force_rms_from_last_ev_ang}, {"net_force_ev_ang", p.net_force_ev_ang}, {"seconds", p.seconds}});
    print_json({{"cutoffs", list}});
    return;
  }
  fmt::print("Against the highest cutoff:\n\n{:>10} {:>16} {:>16} {:>16} {:>8}\n{:>10} {:>16} {:>16} {:>16} {:>8}\n", "cutoff", "energy", "force RMS", "net force", "time", "Ry", "meV/atom", "meV/Å", "meV/Å", "s");
  for (const auto& p : points)
    fmt::print("{:>10g} {:>16.3f} {:>16.3f} {:>16.3f} {:>8.1f}\n", p.cutoff_ry, p.energy_from_last_ev_per_atom * units::mev_per_ev, p.force_rms_from_last_ev_ang * units::mev_per_ev,
               p.net_force_ev_ang * units::mev_per_ev, p.seconds);
}

int run_label(Options options) {
  listen_for_signals();
  options.settings.method = settings_of(options.method);
  options.settings.base_folder = base_folder_of(options.method);
  if (options.out.empty() && options.cutoffs_ry.empty()) throw Error(ErrorKind::usage, "label needs a file to write: --out FILE");
  if (options.work.empty()) {
    const std::filesystem::path beside = options.out.empty() ? options.frames : options.out;
    options.work = (beside.parent_path() / beside.stem()).string() + "-cp2k";
  }
  if (!options.out.empty()) refuse_overwriting(options.frames, options.out);
  const std::vector<Frame> frames = frames_of(options);
  if (!options.cutoffs_ry.empty()) {
    print_cutoffs(options, runs::converge_cutoff(options.settings, frames.front(), options.cutoffs_ry, options.work, progress_line(), stop_requested));
    return 0;
  }
  runs::LabelSummary summary;
  try {
    summary = runs::label_frames(options.settings, frames, options.work, options.out, progress_line(), stop_requested);
  } catch (const Interrupted& interrupted) {
    throw Interrupted{interrupted.place, true};
  }
  if (options.json) {
    nlohmann::ordered_json document{{"file", options.out}, {"work", options.work}};
    document.update(nlohmann::ordered_json::parse(runs::to_json_text(summary)));
    print_json(document);
    return 0;
  }
  fmt::print("{} frames by CP2K {}, {:.3g} s each\n", frames.size(), summary.cp2k_version, summary.seconds_per_frame);
  print_label_quality(summary.quality);
  if (const auto& check = summary.force_check)
    fmt::print("force check         {:.5f} eV/Å along a random direction, {:.5f} by energies at ±{:g} Å\n", check->from_forces_ev_ang, check->from_energies_ev_ang, check->step_ang);
  fmt::print("written to {}; CP2K's files are in {}\n", options.out, options.work);
  return 0;
}

}  // namespace

std::function<int()> set_up_label(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("FRAMES", o->frames, "trajectory or data set; labels in it are replaced")->type_name("FILE")->required();
  app.add_option("--out", o->out, "data set to write")->type_name("FILE");
  app.add_option("--every", o->every, "one frame in so many (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--first", o->first, "first frame, from 0 (default 0)")->check(CLI::NonNegativeNumber);
  add_cp2k_options(app, o->method);
  app.add_option("--jobs", o->settings.jobs, "calculations at once (default 1)")->check(CLI::Range(1, 100000));
  app.add_option("--batch", o->settings.batch, "frames of one start of CP2K; a batch that is done stays done (default 10)")->check(CLI::Range(1, 100000));
  app.add_flag("--check-forces", o->settings.check_forces, "compare a force of the first frame with energies of displaced atoms");
  app.add_option("--cutoffs-ry", o->cutoffs_ry, "instead: the first frame at these plane-wave cutoffs, Ry (default: none)")->delimiter(',')->allow_extra_args(false)->check(CLI::PositiveNumber);
  app.add_option("--work", o->work, "folder for CP2K's files (default: OUT's name and -cp2k)")->type_name("FOLDER");
  app.add_flag("--json", o->json, "summary as one JSON document");
  app.footer(
      "A frame whose SCF does not converge, nor from scratch, or whose forces sum to more than\n"
      "max_net_force_ev_ang is no label: it is left out and named. Stopped or killed, the same command goes on.\n\nExample:\n"
      "  saltus label hot.extxyz --preset metal --jobs 2 --check-forces --out hot-labels.extxyz\n"
      "  saltus label hot.extxyz --preset metal --cutoffs-ry 150,200,300,400,600");
  return [o] { return run_label(*o); };
}

}  // namespace saltus::cli
