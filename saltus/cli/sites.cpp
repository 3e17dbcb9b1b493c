// saltus sites TRAJ: sites of mobile ions, jumps between them, and files of both for msm, network, propagate and simulate.
#include "saltus/cli/commands.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/sites_output.hpp"
#include "saltus/cli/state_files.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/runs/network_file.hpp"
#include "saltus/runs/site_file.hpp"

namespace saltus::cli {

namespace {

constexpr std::size_t most_counted = 5000;

/// A square matrix of all sites, row = from; images are left out.
void write_counts(const runs::SitesReport& report, const std::string& path) {
  const auto n = report.sites.size();
  if (n > most_counted)
    throw Error(ErrorKind::unsupported, fmt::format("--counts {}: a whole matrix of {} sites, at most {} are written", path, n, most_counted));
  std::vector<double> matrix(n * n, 0);
  for (const kinetics::CountEntry& e : kinetics::fold_images(kinetics::count_transitions(report.trajectory, 1)).entries)
    matrix[static_cast<std::size_t>(e.from) * n + static_cast<std::size_t>(e.to)] += e.count;
  std::string text = fmt::format("# transitions between sites within {:.6g} fs, row = from\n", report.frame_spacing_fs);
  for (std::size_t k = 0; k < matrix.size(); ++k) text += fmt::format("{:.0f}{}", matrix[k], (k + 1) % n == 0 ? '\n' : ' ');
  write_file_atomically(path, text);
}

void write_files(const runs::SitesReport& report, const SitesOptions& own) {
  if (!own.states.empty()) {
    const runs::SiteStates states = runs::states_of(report, own.primitive);
    write_states(own.states, states.site, states.image, states.ions);
  }
  if (!own.network.empty()) {
    if (!report.network) throw Error(ErrorKind::usage, fmt::format("--network {}: there are no jumps to make a network of", own.network));
    const std::string comment = fmt::format("saltus sites: rates of {} jumps, both ways of a path together", report.visits.report.jumps);
    write_file_atomically(own.network, runs::network_text(*report.network, comment));
  }
  if (!own.counts.empty()) write_counts(report, own.counts);
  if (!own.sites.empty())
    runs::write_sites(own.sites, report.sites, element_named(own.species), {}, 0);
}

void add_site_options(CLI::App& app, SitesOptions& own) {
  app.add_option("--species", own.species, "element of the mobile ions")->required();
  app.add_option("--framework", own.framework, "element whose mean displacement is subtracted (default: none)");
  app.add_option("--fold", own.fold, "the cell is so many repeats of that of the sites (default 1,1,1)")->delimiter(',')->expected(3);
  app.add_option("--given", own.given, "sites: atoms in the folded cell, or a .txt of fractions (default: none)")->type_name("FILE");
  app.add_option("--method", own.method, "peaks of the density, or voids of the mean framework (default density)")->check(CLI::IsMember({"density", "voronoi"}));
  app.add_flag("--follow", own.settings.follow, "sites move with the framework around them");
  app.add_flag("--symmetry", own.symmetry, "impose the space group of the mean framework on sites and rates");
  app.add_option("--symmetry-tolerance-ang", own.symmetry_tolerance_ang, "within which it is found, Å (default 0.3)")->check(CLI::PositiveNumber);
  app.add_option("--grid-ang", own.settings.density.grid_ang, "spacing of the density grid, Å (default 0.2)")->check(CLI::PositiveNumber);
  app.add_option("--smoothing-ang", own.settings.density.smoothing_ang, "Gaussian over the density, Å (default 0.25)")->check(CLI::NonNegativeNumber);
  app.add_option("--persistence-kt", own.settings.density.persistence_kt, "peaks with a lower barrier are one site, kT (default 1)")->check(CLI::NonNegativeNumber);
  app.add_option("--smallest-occupation", own.settings.density.smallest_occupation, "ions of a site; share, if a cell holds fewer than one (default 0.02)")->check(CLI::NonNegativeNumber);
  app.add_option("--merge-ang", own.settings.density.merge_distance_ang, "sites nearer than this are one, Å (default 1)")->check(CLI::NonNegativeNumber);
  app.add_option("--core-ang", own.core_ang, "of sites, entered to change site, Å (default 0.4 of their distance)")->check(CLI::PositiveNumber);
  app.add_option("--flicker-fs", own.settings.assignment.flicker_fs, "jumps taken back within this are flicker, fs (default 200)")->check(CLI::PositiveNumber);
  app.add_option("--dtraj", own.states, "write states for msm, a column per ion, and X.images.npy beside X.npy")->type_name("FILE");
  app.add_flag("--primitive", own.primitive, "number the sites of the folded cell in them, not of all cells");
  app.add_option("--network", own.network, "write the rates for network, propagate, simulate")->type_name("FILE");
  app.add_option("--counts", own.counts, "write transition counts at a lag of one frame, for msm")->type_name("FILE");
  app.add_option("--sites-out", own.sites, "write the sites as atoms, for --given")->type_name("FILE");
}

}  // namespace

std::function<int()> set_up_sites(CLI::App& app) {
  const auto own = std::make_shared<SitesOptions>();
  const auto options = std::make_shared<AnalysisOptions>();
  add_site_options(app, *own);
  add_analysis_options(app, *options);
  app.footer("Sites are counted from 0.\n\nExample:\n"
             "  saltus sites examples/li15si4/li15si4_vacancy_1200K.extxyz --species Li --framework Si");
  return [own, options] {
    options->input.path = options->path;
    for (const std::string& file : {options->csv, options->page, own->states, own->network, own->sites, own->counts})
      if (!file.empty()) refuse_overwriting(options->path, file);
    runs::SitesSettings& settings = own->settings;
    settings.mobile = element_named(own->species);
    if (!own->framework.empty()) settings.framework = element_named(own->framework);
    for (std::size_t x = 0; x < own->fold.size(); ++x) settings.density.fold[x] = own->fold[x];
    if (own->core_ang > 0) settings.assignment.core_radius_ang = own->core_ang;
    if (own->method == "voronoi") settings.method = runs::SiteMethod::voronoi;
    if (!own->given.empty()) {
      settings.method = runs::SiteMethod::given;
      settings.given = runs::read_sites(own->given, settings.mobile).position;
    }
    settings.blocks = options->blocks;
    if (own->symmetry) settings.symmetry_ang = own->symmetry_tolerance_ang;
    const runs::SitesReport report = runs::analyze_sites(options->input, settings, progress_line());
    write_files(report, *own);
    deliver(output_of(report, *own, *options), *options);
    return 0;
  };
}

}  // namespace saltus::cli
