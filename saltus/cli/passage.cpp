// saltus passage TRAJ, saltus passage --coordinates Z.npy: first passages, D(z) and F(z).
#include "saltus/cli/commands.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_output.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/runs/passage_output.hpp"

namespace saltus::cli {

namespace {

struct PassageOptions {
  AnalysisOptions output;
  runs::SurfaceCoordinate coordinate;
  runs::PassageSettings settings;
  std::string array, rule = "bonds";
  double frame_interval_fs = 0, period_ang = 0, penalty_sigma = 0;
  std::vector<double> walls_ang, range_ang;
};

void add_passage_options(CLI::App& app, PassageOptions& own) {
  runs::TrajectoryInput& input = own.output.input;
  runs::PassageSettings& settings = own.settings;
  app.add_option("TRAJ", own.output.path, "trajectory: a file or a folder of segments")->type_name("FILE");
  app.add_option("--coordinates", own.array, "instead: array [frames, particles] of a coordinate, Å (.npy)")->type_name("FILE");
  app.add_option("--frame-interval-fs", own.frame_interval_fs, "between frames of the array, fs (no default)")->check(CLI::PositiveNumber);
  app.add_option("--period-ang", own.period_ang, "of the array's coordinate, Å (default: none)")->check(CLI::PositiveNumber);
  app.add_option("--molecules", own.coordinate.molecules, "whose centres are followed, e.g. 'name OW' (default all)")->type_name("SELECTION");
  app.add_option("--surface", own.coordinate.surface, "distances are from these atoms (default: the cell)")->type_name("SELECTION");
  app.add_option("--normal", own.coordinate.normal, "of the surface: a, b, c, x, y, z or 3 numbers (default c)");
  app.add_option("--distance", own.coordinate.kind, "from what of the surface (default plane)")->check(CLI::IsMember({"plane", "sphere", "interface"}));
  app.add_option("--side", own.coordinate.side, "of an interface (default upper)")->check(CLI::IsMember({"upper", "lower"}));
  app.add_option("--interface-width-ang", own.coordinate.interface_width_ang, "smearing of atoms, Å (default 2.4)")->check(CLI::PositiveNumber);
  app.add_option("--whole", own.rule, "what makes atoms a molecule (default bonds)")->check(CLI::IsMember({"bonds", "residues", "atoms"}));
  app.add_option("--wall-ang", own.walls_ang, "LOW[,HIGH]: reflecting, Å (default none: a cell's ends are none)")->delimiter(',')->expected(1, 2)->type_name("FLOAT");
  app.add_option("--windows", settings.half_widths_ang, "half-widths, Å; D(z) is of the first (default 1,1.5,2,3)")->delimiter(',')->type_name("FLOAT");
  app.add_option("--spacing-ang", settings.spacing_ang, "of windows, Å (default 1, or less for 20 windows)")->check(CLI::PositiveNumber);
  app.add_option("--range-ang", own.range_ang, "LOW,HIGH of the windows, Å (default: where molecules are)")->delimiter(',')->expected(2)->type_name("FLOAT");
  app.add_option("--centres-ang", settings.centres_ang, "of windows, Å (default: as the spacing says)")->delimiter(',')->type_name("FLOAT");
  app.add_option("--start-half-width-ang", settings.start_half_width_ang, "starts are within ± this, Å (default 0.1)")->check(CLI::PositiveNumber);
  app.add_option("--bin-ang", settings.histogram_bin_ang, "of the density behind F, Å (default 0.1)")->check(CLI::PositiveNumber);
  app.add_option("--knot-spacing-ang", settings.knot_spacing_ang, "of ln D, Å (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--penalty-sigma", own.penalty_sigma, "of a second difference of ln D (default: from the data)")->check(CLI::PositiveNumber);
  app.add_option("--time-blocks", settings.time_blocks, "intervals from so many blocks (default: from molecules)")->check(CLI::Range(2, 1000));
  app.add_option("--bootstrap", settings.bootstrap, "draws behind the intervals of D(z) (default 100)")->check(CLI::Range(20, 10000));
  app.add_option("--seed", settings.seed, "of the draws (default 1)");
  app.add_option("--every", input.every, "one frame in N (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--skip-fs", input.skip_fs, "leave out the beginning, fs (default 0)")->check(CLI::NonNegativeNumber);
  app.add_option("--time-step-fs", input.time_step_fs, "between frames of the file, fs (default: as it says)")->check(CLI::PositiveNumber);
  add_source_options(app, input.read);
  add_output_options(app, own.output);
  app.footer("Example:\n"
             "  saltus passage --coordinates examples/passage/slit.npy --frame-interval-fs 100 --wall-ang 0,30");
}

runs::PassageCoordinates coordinates_of(PassageOptions& own) {
  const bool array = !own.array.empty();
  if (array == !own.output.path.empty()) throw Error(ErrorKind::usage, "give either a trajectory or an array, --coordinates Z.npy");
  if (array) return runs::open_passage_array(own.array, own.frame_interval_fs, own.period_ang);
  if (own.period_ang > 0 || own.frame_interval_fs > 0) throw Error(ErrorKind::usage, "--period-ang and --frame-interval-fs go with --coordinates: a trajectory has a cell and times");
  own.output.input.path = own.output.path;
  own.coordinate.rule = own.rule == "bonds" ? MoleculeRule::bonds : own.rule == "residues" ? MoleculeRule::residues : MoleculeRule::atoms;
  return runs::read_passage_coordinates(own.output.input, own.coordinate, progress_line());
}

std::string number(const std::optional<Estimate>& e, double factor, int decimals) { return e ? fmt::format("{:.{}f}", e->value * factor, decimals) : "-"; }

std::string table_of(const runs::PassageReport& report) {
  std::string text = fmt::format("{}\n{} frames {:.6g} ps apart{}\n\n{:>8} {:>9} {:>21} {:>9} {:>8} {:>9} {:>7} {:>9}\n", report.subject, report.frames, report.frame_interval_fs / units::fs_per_ps,
                                 report.period_ang > 0 ? fmt::format(", period {:.5g} Å", report.period_ang) : "", "z, Å", "D, Å²/ps", "95 %", "local D", "F, kT", "exit, ps", "above", "starts");
  bool any = false;
  for (const runs::PassageWindow& row : report.windows) {
    if (!row.point) continue;
    const kinetics::ProfilePoint& point = report.profile.points[*row.point];
    const Estimate d{point.diffusion_ang2_fs.value * units::fs_per_ps, point.diffusion_ang2_fs.low * units::fs_per_ps, point.diffusion_ang2_fs.high * units::fs_per_ps};
    text += fmt::format("{:>8.3f} {:>9.4f} {:>21} {:>9} {:>8.3f} {:>9} {:>7} {:>9.0f}{}\n", point.z_ang, d.value, interval(d, 4), number(row.local.corrected_ang2_fs.estimate, units::fs_per_ps, 4),
                        point.free_energy_kt.value, number(row.local.mean_exit_time_fs.estimate, 1 / units::fs_per_ps, 3), number(row.local.p_plus.estimate, 1, 3),
                        row.local.sum.exits + row.local.sum.censored, row.flags.empty() ? "" : " *");
    any = any || !row.flags.empty();
  }
  if (any) {
    text += "\n* read with care:\n";
    std::vector<std::pair<std::string, std::string>> of_flag;  // windows with the same words share a line
    for (const runs::PassageWindow& row : report.windows)
      for (const std::string& flag : row.flags) {
        const std::string z = fmt::format("{:.4g}", report.data.window[row.window].window.centre_ang);
        bool found = false;
        for (auto& [words, places] : of_flag)
          if (words == flag) {
            places += ", " + z;
            found = true;
          }
        if (!found) of_flag.emplace_back(flag, z);
      }
    for (const auto& [words, places] : of_flag) text += fmt::format("  {} Å: {}\n", places, words);
  }
  text += "\n";
  for (const std::string& sentence : runs::verdict_sentences(report)) text += sentence + "\n";
  return text;
}

AnalysisOutput output_of(const runs::PassageReport& report, const PassageOptions& own) {
  AnalysisOutput output;
  output.text = table_of(report);
  output.document = runs::passage_document(report, own.settings);
  output.page = runs::passage_page(report, own.settings, "First passages and D(z)");
  std::vector<double> z;
  std::vector<Estimate> d, f;
  for (const kinetics::ProfilePoint& point : report.profile.points) {
    z.push_back(point.z_ang);
    d.push_back({point.diffusion_ang2_fs.value * units::fs_per_ps, point.diffusion_ang2_fs.low * units::fs_per_ps, point.diffusion_ang2_fs.high * units::fs_per_ps});
    f.push_back(point.free_energy_kt);
  }
  output.table.push_back({"z_ang", z});
  add_columns(output.table, "diffusion_ang2_per_ps", d);
  add_columns(output.table, "free_energy_kt", f);
  return output;
}

}  // namespace

std::function<int()> set_up_passage(CLI::App& app) {
  const auto own = std::make_shared<PassageOptions>();
  own->coordinate.molecules = "all";
  add_passage_options(app, *own);
  return [own] {
    for (const std::string& file : {own->output.csv, own->output.page})
      for (const std::string& input : {own->output.path, own->array})
        if (!file.empty() && !input.empty()) refuse_overwriting(input, file);
    if (!own->walls_ang.empty()) own->settings.wall_low_ang = own->walls_ang[0];
    if (own->walls_ang.size() > 1) own->settings.wall_high_ang = own->walls_ang[1];
    if (!own->range_ang.empty()) own->settings.range_ang = {own->range_ang[0], own->range_ang[1]};
    if (own->penalty_sigma > 0) own->settings.penalty_sigma = own->penalty_sigma;
    deliver(output_of(runs::study_passage(coordinates_of(*own), own->settings, progress_line()), *own), own->output);
    return 0;
  };
}

}  // namespace saltus::cli
