// saltus simulate brownian, saltus simulate langevin
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/simulation_kinds.hpp"
#include "saltus/io/npy_writer.hpp"
#include "saltus/kinetics/brownian_motion.hpp"
#include "saltus/kinetics/passage_plan.hpp"
#include "saltus/runs/line_profile.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;
using units::fs_per_ps;

constexpr std::size_t block_numbers = 1 << 18;  // positions between two looks at the clock
constexpr double most_numbers = 1e11;           // 400 GB
constexpr int profile_points = 200;

struct Options {
  runs::LineProfileSettings profile;
  double period_ang = 0;
  std::vector<double> walls_ang;
  std::size_t particles = 0;
  double time_ps = 0, every_ps = 0.1, velocity_time_ps = 0, step_fs = 0;
  std::optional<double> start_ang;
  std::uint64_t seed = 1;
  std::string out;
  double precision = 0;
  kinetics::PassagePlanSettings windows;
  bool json = false;
};

Json settings_json(const Options& options, const kinetics::BrownianMotion& motion, std::size_t frames) {
  const kinetics::Line& line = motion.profile().line();
  Json profile = Json::array();
  for (int k = 0; k <= profile_points; ++k) {
    const double z = line.low_ang + motion.profile().length_ang() * k / profile_points;
    const auto node = motion.profile().at(z);
    profile.push_back({{"z_ang", z}, {"diffusion_ang2_per_ps", node.diffusion_ang2_fs * fs_per_ps}, {"free_energy_kt", node.free_energy_kt}});
  }
  Json json{{"particles", options.particles}, {"frames", frames}, {"frame_interval_ps", options.every_ps}, {"seed", options.seed}};
  json["period_ang"] = line.ends == kinetics::LineEnds::periodic ? Json(options.period_ang) : Json(nullptr);
  json["walls_ang"] = line.ends == kinetics::LineEnds::walls ? Json(options.walls_ang) : Json(nullptr);
  json["velocity_time_ps"] = options.velocity_time_ps > 0 ? Json(options.velocity_time_ps) : Json(nullptr);
  json["step_fs"] = motion.step_fs();
  json["profile"] = std::move(profile);
  return json;
}

void print_motion(const Options& options, const kinetics::BrownianMotion& motion, std::size_t frames) {
  const auto nodes = motion.profile().nodes();
  const auto [low_d, high_d] = std::minmax_element(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.diffusion_ang2_fs < b.diffusion_ang2_fs; });
  const auto [low_f, high_f] = std::minmax_element(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.free_energy_kt < b.free_energy_kt; });
  const kinetics::Line& line = motion.profile().line();
  fmt::print("{} particles, {} frames {:.6g} ps apart, {} {:.6g} to {:.6g} Å\n", options.particles, frames, options.every_ps,
             line.ends == kinetics::LineEnds::periodic ? "periodic" : "between walls", line.low_ang, line.high_ang);
  fmt::print("D {:.5g} to {:.5g} Å²/ps, F {:.4g} to {:.4g} kT\n", low_d->diffusion_ang2_fs * fs_per_ps, high_d->diffusion_ang2_fs * fs_per_ps,
             low_f->free_energy_kt, high_f->free_energy_kt);
  fmt::print("steps of {:.4g} fs, {} per frame\n", motion.step_fs(), motion.steps_per_frame());
}

void write_trajectory(const Options& options, const kinetics::BrownianMotion& motion, std::size_t frames, const Progress& progress) {
  NpyRows file(options.out, frames, options.particles);
  std::vector<kinetics::BrownianParticle> particles;
  for (std::size_t p = 0; p < options.particles; ++p) particles.push_back(motion.start(p));
  const double steps = static_cast<double>(motion.steps_per_frame()) * static_cast<double>(options.particles);
  const std::size_t block = std::clamp<std::size_t>(static_cast<std::size_t>(5e5 / steps), 1, std::max<std::size_t>(1, block_numbers / options.particles));
  std::vector<float> rows;
  for (std::size_t first = 0; first < frames; first += block) {
    const std::size_t last = std::min(frames, first + block);
    rows.resize((last - first) * options.particles);
    motion.write_frames(particles, rows);
    file.append(rows);
    report_progress(progress, "simulate", static_cast<double>(last), static_cast<double>(frames), "frames");
  }
  file.commit();
}

int plan(const Options& options, const kinetics::BrownianMotion& motion, std::size_t frames, const Progress& progress) {
  kinetics::PassagePlanSettings settings = options.windows;
  settings.particles = options.particles;
  settings.frames = frames;
  const kinetics::PassagePlan plan = kinetics::plan_passage(motion, settings, progress);
  std::vector<double> needed_ps;
  double longest_ps = 0, longest_ang = 0;
  for (const auto& window : plan.window)
    if (const auto needed_fs = kinetics::needed_time_fs(plan, window, options.precision)) {
      needed_ps.push_back(*needed_fs / fs_per_ps);
      if (needed_ps.back() > longest_ps) {
        longest_ps = needed_ps.back();
        longest_ang = window.window.centre_ang;
      }
    }
  const std::size_t undetermined = plan.window.size() - needed_ps.size();
  std::optional<double> median_ps;
  if (!needed_ps.empty()) {
    const auto middle = needed_ps.begin() + static_cast<std::ptrdiff_t>(needed_ps.size() / 2);
    std::nth_element(needed_ps.begin(), middle, needed_ps.end());
    median_ps = *middle;
  }
  if (undetermined > 0) print_warning(fmt::format("{} of {} windows had too few exits to tell their errors: try with a longer --time-ps", undetermined, plan.window.size()));

  if (options.json) {
    Json windows = Json::array();
    for (const auto& window : plan.window) {
      const auto& error = window.relative_error;
      windows.push_back({{"z_ang", window.window.centre_ang}, {"half_width_ang", window.window.half_width_ang}, {"exits", window.exits},
                         {"mean_exit_time_ps", error ? Json(window.mean_exit_time_fs / fs_per_ps) : Json(nullptr)},
                         {"diffusion_ang2_per_ps", error ? Json(window.diffusion_ang2_fs * fs_per_ps) : Json(nullptr)},
                         {"relative_standard_error", error ? Json(*error) : Json(nullptr)},
                         {"needed_time_ps", error ? Json(*kinetics::needed_time_fs(plan, window, options.precision) / fs_per_ps) : Json(nullptr)}});
    }
    Json json = settings_json(options, motion, frames);
    json["particles_per_ang"] = plan.particles_per_ang;
    json["precision"] = options.precision;
    json["windows"] = std::move(windows);
    json["needed_time_median_ps"] = median_ps ? Json(*median_ps) : Json(nullptr);
    json["needed_time_all_windows_ps"] = undetermined == 0 ? Json(longest_ps) : Json(nullptr);
    print_json(json);
    return 0;
  }
  print_motion(options, motion, frames);
  fmt::print("\nexits from ± {:.4g} Å, {:.4g} particles per Å, trial of {:.6g} ps\n", settings.half_width_ang, plan.particles_per_ang, plan.time_fs / fs_per_ps);
  fmt::print("{:>8} {:>10} {:>14} {:>14} {:>12} {:>12}\n", "z, Å", "exits", "mean time, ps", "local D, Å²/ps", "error, %", "needed, ps");
  for (const auto& window : plan.window) {
    if (window.relative_error)
      fmt::print("{:>8.2f} {:>10.0f} {:>14.4g} {:>14.4g} {:>12.2f} {:>12.4g}\n", window.window.centre_ang, window.exits, window.mean_exit_time_fs / fs_per_ps,
                 window.diffusion_ang2_fs * fs_per_ps, 100 * *window.relative_error, *kinetics::needed_time_fs(plan, window, options.precision) / fs_per_ps);
    else fmt::print("{:>8.2f} {:>10.0f} {:>14} {:>14} {:>12} {:>12}\n", window.window.centre_ang, window.exits, "", "", "too few", "");
  }
  const std::string wish = fmt::format("\nfor a standard error of {:.3g} % of D (95 % intervals of ± {:.3g} %): ", 100 * options.precision, 196 * options.precision);
  if (!median_ps) fmt::print("{}undetermined\n", wish);
  else if (undetermined > 0) fmt::print("{}{:.4g} ps in half of the windows that have an error\n", wish, *median_ps);
  else fmt::print("{}{:.4g} ps in half of the windows, {:.4g} ps in all (the slowest at {:.2f} Å)\n", wish, *median_ps, longest_ps, longest_ang);
  fmt::print("assumed: independent particles without memory, so that errors fall as 1/sqrt(particles · time); molecules that\n"
             "exchange slowly or cage take longer, and the local D has a bias of its own where F is curved\n");
  return 0;
}

int simulate(Options options) {
  if ((options.period_ang > 0) == !options.walls_ang.empty()) throw Error(ErrorKind::usage, "give either --period-ang or --walls-ang");
  if (options.out.empty() == (options.precision == 0)) throw Error(ErrorKind::usage, "give either --out (a trajectory) or --precision (a plan)");
  if (!options.out.empty() && !options.out.ends_with(".npy")) throw Error(ErrorKind::usage, fmt::format("--out {}: expected a name that ends in .npy", options.out));
  if (!options.walls_ang.empty() && options.walls_ang.size() != 2) throw Error(ErrorKind::usage, "--walls-ang takes two numbers, e.g. 0,40");
  kinetics::Line& line = options.profile.line;
  line = options.walls_ang.empty() ? kinetics::Line{0, options.period_ang, kinetics::LineEnds::periodic}
                                   : kinetics::Line{options.walls_ang[0], options.walls_ang[1], kinetics::LineEnds::walls};
  const double count = std::floor(options.time_ps / options.every_ps + 1e-9) + 1;
  if (!(count >= 2)) throw Error(ErrorKind::usage, fmt::format("--time-ps {} is shorter than a frame interval, {} ps", options.time_ps, options.every_ps));
  if (count * static_cast<double>(options.particles) > most_numbers)
    throw Error(ErrorKind::usage, fmt::format("{:.3g} frames of {} particles: more than {:.0e} positions", count, options.particles, most_numbers));
  const auto frames = static_cast<std::size_t>(count);
  kinetics::BrownianSettings settings;
  settings.frame_interval_fs = options.every_ps * fs_per_ps;
  settings.velocity_time_fs = options.velocity_time_ps * fs_per_ps;
  settings.step_fs = options.step_fs;
  settings.start_ang = options.start_ang;
  settings.seed = options.seed;
  std::string note;
  const kinetics::BrownianMotion motion(runs::line_profile(options.profile, &note), settings);
  if (!note.empty()) print_warning(note);
  listen_for_signals();
  const Progress progress = interruptible(progress_line(), stop_requested);
  if (options.precision > 0) return plan(options, motion, frames, progress);
  write_trajectory(options, motion, frames, progress);
  if (options.json) {
    Json json = settings_json(options, motion, frames);
    json["file"] = options.out;
    print_json(json);
  } else {
    print_motion(options, motion, frames);
    fmt::print("{}: float32 [{}, {}], Å, counted on through periods\n", options.out, frames, options.particles);
  }
  return 0;
}

void add_options(CLI::App& kind, Options& options) {
  kind.add_option("--diffusion", options.profile.diffusion_ang2_per_ps, "D, Å²/ps: terms that add up (below)")->type_name("TERM");
  kind.add_option("--free-energy", options.profile.free_energy_kt, "F, kT: terms that add up (default 0)")->type_name("TERM");
  kind.add_option("--profile", options.profile.table, "table z (Å), D (Å²/ps), F (kT, may lack) in place of terms")->type_name("FILE");
  kind.add_option("--period-ang", options.period_ang, "z is periodic, Å (default: walls)")->check(CLI::PositiveNumber);
  kind.add_option("--walls-ang", options.walls_ang, "reflecting walls LOW,HIGH, Å (default: a period)")->delimiter(',');
  kind.add_option("--particles", options.particles, "number of particles")->required()->check(CLI::Range(1, 10000000));
  kind.add_option("--time-ps", options.time_ps, "how long, ps")->required()->check(CLI::PositiveNumber);
  kind.add_option("--every-ps", options.every_ps, "ps between frames (default 0.1)")->check(CLI::PositiveNumber);
  kind.add_option("--start-ang", options.start_ang, "where all start, Å (default: in equilibrium)");
  kind.add_option("--step-fs", options.step_fs, "longest step, fs (default: short against how D and F vary)")->check(CLI::PositiveNumber);
  kind.add_option("--seed", options.seed, "of the random numbers (default 1)");
  kind.add_option("--out", options.out, "write positions as Z.npy, float32 [frames, particles], Å")->type_name("FILE");
  kind.add_option("--precision", options.precision, "plan instead: time for this relative standard error of D (default: none)")->check(CLI::Range(1e-4, 1.0));
  kind.add_option("--half-width-ang", options.windows.half_width_ang, "plan: of windows, Å (default 1)")->check(CLI::PositiveNumber);
  kind.add_option("--start-half-width-ang", options.windows.start_half_width_ang, "plan: where exits start, Å (default 0.1)")->check(CLI::PositiveNumber);
  kind.add_option("--spacing-ang", options.windows.spacing_ang, "plan: distance of windows, Å (default 1)")->check(CLI::PositiveNumber);
  kind.add_flag("--json", options.json, "one JSON document on stdout, with D and F at 201 points");
}

std::string footer(const std::string& example) {
  std::string text = "Terms: a number, or\n";
  for (const auto& row : runs::profile_terms()) text += fmt::format("  {:<24} {}\n", fmt::format("{}:{}", row.name, row.numbers), row.help);
  return text + "\nExample:\n  saltus simulate " + example;
}

}  // namespace

std::function<int()> set_up_brownian(CLI::App& kind) {
  const auto options = std::make_shared<Options>();
  add_options(kind, *options);
  kind.footer(footer("brownian --diffusion 0.23 --period-ang 20 --particles 200 --time-ps 50 --out z.npy"));
  return [options] { return simulate(*options); };
}

std::function<int()> set_up_langevin(CLI::App& kind) {
  const auto options = std::make_shared<Options>();
  kind.add_option("--velocity-time-ps", options->velocity_time_ps, "of the velocity's decay where D is largest, ps; water 0.017")->required()->check(CLI::PositiveNumber);
  add_options(kind, *options);
  kind.footer(footer("langevin --velocity-time-ps 0.017 --diffusion 0.23 --period-ang 20 \\\n    --particles 50 --time-ps 10 --out z.npy"));
  return [options] { return simulate(*options); };
}

}  // namespace saltus::cli
