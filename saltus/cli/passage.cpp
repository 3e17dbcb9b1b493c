// saltus passage TRAJ, saltus passage --coordinates Z.npy: first passages, D(z) and F(z).
#include "saltus/cli/commands.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_output.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/runs/exit_map.hpp"
#include "saltus/runs/layer_report.hpp"
#include "saltus/runs/mobile_pass.hpp"
#include "saltus/runs/passage_output.hpp"
#include "saltus/runs/residence_report.hpp"

namespace saltus::cli {

namespace {

struct PassageOptions {
  AnalysisOptions output;
  runs::SurfaceCoordinate coordinate;
  runs::PassageSettings settings;
  std::string array, rule = "bonds";
  double frame_interval_fs = 0, period_ang = 0;
  std::vector<double> walls_ang, range_ang;
  runs::LayerSettings layers;
  std::vector<double> regions_ang, escapes_ps{0, 2};
  double longest_lag_ps = 50;
  runs::ExitMapSettings map;
  std::string map_file;
};

/// All that is found.
struct PassageResults {
  runs::PassageReport passage;
  std::optional<runs::LayerReport> layers;
  std::vector<runs::RegionResidence> residence;
  std::optional<runs::ExitMap> map;
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
  app.add_option("--distance", own.coordinate.kind, "from its plane, sphere (nearest atom) or interface (default plane)")->type_name("KIND");
  app.add_option("--side", own.coordinate.side, "of an interface (default upper)")->check(CLI::IsMember({"upper", "lower"}));
  app.add_option("--whole", own.rule, "molecules by bonds, residues or atoms (default bonds)")->type_name("RULE");
  app.add_option("--wall-ang", own.walls_ang, "LOW[,HIGH]: reflecting, Å (default none: a cell's ends are none)")->delimiter(',')->expected(1, 2)->type_name("FLOAT");
  app.add_option("--windows", settings.half_widths_ang, "half-widths, Å; D(z) is of the first (default 1,1.5,2,3)")->delimiter(',')->type_name("FLOAT");
  app.add_option("--spacing-ang", settings.spacing_ang, "of windows, Å (default 1, or less for 20 windows)")->check(CLI::PositiveNumber);
  app.add_option("--range-ang", own.range_ang, "LOW,HIGH of the windows, Å (default: where molecules are)")->delimiter(',')->expected(2)->type_name("FLOAT");
  app.add_option("--centres-ang", settings.centres_ang, "of windows, Å (default: as the spacing says)")->delimiter(',')->type_name("FLOAT");
  app.add_option("--start-ang", settings.start_half_width_ang, "starts are within ± this of a centre, Å (default 0.1)")->check(CLI::PositiveNumber);
  app.add_option("--knot-spacing-ang", settings.knot_spacing_ang, "of ln D, Å (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--layers-ang", own.layers.edges_ang, "edges of layers for lateral D and hydrogen bonds, Å (default: none)")->delimiter(',')->type_name("FLOAT");
  app.add_option("--lag-ps", own.longest_lag_ps, "longest, of correlations in layers (default 50)")->check(CLI::PositiveNumber);
  app.add_option("--region-ang", own.regions_ang, "LOW,HIGH: how long molecules stay there, Å; repeatable (default none)")->delimiter(',')->expected(2)->type_name("FLOAT")->take_all();
  app.add_option("--escape-ps", own.escapes_ps, "excursions that stays forgive, ps (default 0,2)")->delimiter(',')->type_name("FLOAT")->check(CLI::NonNegativeNumber);
  app.add_option("--map", own.map_file, "cube file: mean exit times over the cell, ps, by start")->type_name("FILE");
  app.add_option("--map-spacing-ang", own.map.spacing_ang, "of its grid, at most, Å (default 1)")->check(CLI::PositiveNumber);
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

MoleculeRule rule_named(const std::string& name) {
  static const std::vector<std::string> known{"bonds", "residues", "atoms"};
  for (std::size_t k = 0; k < known.size(); ++k)
    if (name == known[k]) return std::array{MoleculeRule::bonds, MoleculeRule::residues, MoleculeRule::atoms}[k];
  throw Error(ErrorKind::usage, fmt::format("molecules by {} are not known: bonds, residues or atoms{}", name, did_you_mean(name, known)));
}

runs::PassageCoordinates array_of(const PassageOptions& own) {
  if (!own.layers.edges_ang.empty() || !own.map_file.empty()) throw Error(ErrorKind::usage, "--layers-ang and --map need a trajectory: an array has no places along the surface");
  return runs::open_passage_array(own.array, own.frame_interval_fs, own.period_ang);
}

PassageResults results_of(PassageOptions& own) {
  const bool array = !own.array.empty();
  if (array == !own.output.path.empty()) throw Error(ErrorKind::usage, "give either a trajectory or an array, --coordinates Z.npy");
  if (!array && (own.period_ang > 0 || own.frame_interval_fs > 0)) throw Error(ErrorKind::usage, "--period-ang and --frame-interval-fs go with --coordinates: a trajectory has a cell and times");
  PassageResults results;
  std::optional<runs::LayerStudy> layers;
  std::optional<runs::ExitMapStudy> map;
  std::vector<runs::DistanceFollower*> followers;
  if (!array && !own.layers.edges_ang.empty()) {
    own.layers.longest_lag_fs = own.longest_lag_ps * units::fs_per_ps;
    followers.push_back(&layers.emplace(own.layers));
  }
  if (!array && !own.map_file.empty()) {
    if (!own.settings.half_widths_ang.empty()) own.map.half_width_ang = own.settings.half_widths_ang.front();
    followers.push_back(&map.emplace(own.map));
  }
  runs::RegionSettings regions;
  for (std::size_t k = 0; k + 1 < own.regions_ang.size(); k += 2) regions.regions_ang.emplace_back(own.regions_ang[k], own.regions_ang[k + 1]);
  regions.escapes_fs.clear();
  for (const double escape : own.escapes_ps) regions.escapes_fs.push_back(escape * units::fs_per_ps);
  regions.seed = own.settings.seed;
  runs::check(regions);
  own.output.input.path = own.output.path;
  own.coordinate.rule = rule_named(own.rule);
  runs::PassageCoordinates coordinates = array ? array_of(own) : runs::read_passage_coordinates(own.output.input, own.coordinate, progress_line(), followers);
  results.residence = runs::residence_in_regions(coordinates, regions, progress_line());
  if (layers) results.layers = layers->report();
  if (map) results.map = map->map();
  results.passage = runs::study_passage(std::move(coordinates), own.settings, progress_line());
  return results;
}

std::string number(const std::optional<Estimate>& e, double factor, int decimals) { return e ? fmt::format("{:.{}f}", e->value * factor, decimals) : "-"; }

std::string table_of(const runs::PassageReport& report) {
  std::string text = fmt::format("{}\n{} frames {:.6g} ps apart{}\n\n{:>8} {:>9} {:>21} {:>9} {:>8} {:>9} {:>7} {:>9}\n", report.subject, report.frames, report.frame_interval_fs / units::fs_per_ps,
                                 report.period_ang > 0 ? fmt::format(", period {:.5g} Å", report.period_ang) : "", "z, Å", "D, Å²/ps", "95 %", "local D", "F, kT", "exit, ps", "above", "starts");
  bool any = false;
  for (const runs::PassageWindow& row : report.windows) {
    if (!row.point) continue;
    const kinetics::ProfilePoint& point = report.profile.points[*row.point];
    const Estimate d = runs::per_ps(point.diffusion_ang2_fs);
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

AnalysisOutput output_of(const PassageResults& results, const PassageOptions& own) {
  const runs::PassageReport& report = results.passage;
  AnalysisOutput output;
  output.text = table_of(report);
  output.document = runs::passage_document(report, own.settings);
  output.page = runs::passage_page(report, own.settings, "First passages and D(z)");
  if (results.layers) {
    output.text += runs::layer_table(*results.layers);
    output.document["layers"] = runs::layer_document(*results.layers);
    runs::add_layers(*results.layers, output.page);
  }
  if (!results.residence.empty()) {
    output.text += runs::residence_table(results.residence);
    output.document["residence"] = runs::residence_document(results.residence);
    runs::add_residence(results.residence, output.page);
  }
  if (results.map) {
    output.text += runs::exit_map_text(*results.map, own.map_file);
    output.document["map"] = runs::exit_map_document(*results.map, own.map_file);
    runs::add_exit_map(*results.map, output.page);
  }
  std::vector<double> z;
  std::vector<Estimate> d, f;
  for (const kinetics::ProfilePoint& point : report.profile.points) {
    z.push_back(point.z_ang);
    d.push_back(runs::per_ps(point.diffusion_ang2_fs));
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
    std::vector<std::string> files{own->output.csv, own->output.page};
    if (!own->map_file.empty())
      for (const std::filesystem::path& file : runs::exit_map_files(own->map_file)) files.push_back(file.string());
    for (const std::string& file : files)
      for (const std::string& input : {own->output.path, own->array})
        if (!file.empty() && !input.empty()) refuse_overwriting(input, file);
    if (!own->walls_ang.empty()) own->settings.wall_low_ang = own->walls_ang[0];
    if (own->walls_ang.size() > 1) own->settings.wall_high_ang = own->walls_ang[1];
    if (!own->range_ang.empty()) own->settings.range_ang = {own->range_ang[0], own->range_ang[1]};
    const PassageResults results = results_of(*own);
    if (results.map) runs::write_exit_map(*results.map, own->map_file);
    deliver(output_of(results, *own), own->output);
    return 0;
  };
}

}  // namespace saltus::cli
