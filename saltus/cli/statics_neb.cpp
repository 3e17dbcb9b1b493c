// saltus statics neb MODEL FRAME: one path (--to, or --vacancy and --mover), or all distinct hops of a vacancy (--hops).
#include <cmath>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_output.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/statics_kinds.hpp"
#include "saltus/runs/network_file.hpp"
#include "saltus/statics/elastic_band.hpp"
#include "saltus/statics/vacancy_hops.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr double one_minimum_ang = 0.1;  // relaxed ends nearer than this are one

struct Options {
  StaticsOptions common;
  runs::StartSettings to;
  std::string hops_of, out, network, path = "pairs";
  double temperature_kelvin = 300, attempts_per_ps = 10;
  double reach_ang = 3.5;
  std::vector<std::size_t> hop;  // vacancy, mover
  BandSettings band;
  bool no_climb = false, keep_ends = false;
};

// What is known of one path; the band is missing where the ends are one minimum.
struct Path {
  std::optional<VacancyHop> hop;
  std::optional<Band> band;
  bool ends_converged = true;
};

Path find(const Options& o, const StaticsSubject& subject, Frame before, Frame after, const Progress& progress) {
  Path path;
  if (!o.keep_ends) {
    for (Frame* end : {&before, &after}) {
      Relaxation r = relax(*end, *subject.potential, relaxation_of(o.common), progress);
      path.ends_converged = path.ends_converged && r.converged;
      *end = std::move(r.frame);
    }
    // Ends that fall into one minimum have no path between them.
    double most = 0;
    for (std::size_t i = 0; i < before.size(); ++i) most = std::max(most, norm(before.cell.minimum_image(after.position_ang[i] - before.position_ang[i])));
    if (most < one_minimum_ang) return path;
  }
  BandSettings settings = o.band;
  settings.climb = !o.no_climb;
  settings.first_path = o.path == "linear" ? FirstPath::linear : FirstPath::pair_distances;
  path.band = find_path(before, after, *subject.potential, settings, progress);
  return path;
}

Json to_json(const Path& path) {
  Json object;
  if (path.hop)
    object = {{"vacancy", path.hop->vacancy},           {"mover", path.hop->mover},
              {"distance_ang", path.hop->distance_ang}, {"in_the_cell", path.hop->members.size()},
              {"vacancy_kind", path.hop->vacancy_kind}, {"mover_kind", path.hop->mover_kind}};
  object["ends_converged"] = path.ends_converged;
  object["one_minimum"] = !path.band;
  if (!path.band) return object;
  const Band& band = *path.band;
  object["converged"] = band.converged;
  object["iterations"] = band.iterations;
  object["evaluations"] = band.evaluations;
  object["largest_force_ev_ang"] = band.largest_force_ev_ang;
  object["climbed"] = band.climbed;
  object["highest_image"] = band.highest;
  object["forward_barrier_ev"] = band.forward_barrier_ev();
  object["backward_barrier_ev"] = band.backward_barrier_ev();
  object["energy_change_ev"] = *band.image.back().energy_ev - *band.image.front().energy_ev;
  object["path_ang"] = band.distance_ang;
  object["path_ev"] = Json::array();
  for (const Frame& image : band.image) object["path_ev"].push_back(*image.energy_ev - *band.image.front().energy_ev);
  return object;
}

void warn(const Path& path, const std::string& name) {
  if (!path.ends_converged) print_warning(name + "an end is not converged: more --max-iterations, or the other --minimizer");
  if (!path.band) print_warning(name + "both ends fall into one minimum: there is no path between them");
  else if (!path.band->converged)
    print_warning(fmt::format("{}the band is not converged after {} iterations: the largest force is {:.3g} eV/Å; more --band-iterations, or another number of --images", name,
                              path.band->iterations, path.band->largest_force_ev_ang));
  else if (path.band->highest == 0 || path.band->highest + 1 == path.band->image.size())
    print_warning(name + "the path has no barrier between its ends: it rises to one of them");
}

void print_path(const Path& path) {
  if (!path.band) return fmt::print("both ends are one minimum\n");
  const Band& band = *path.band;
  fmt::print("barrier forward   {:.4f} eV\nbarrier backward  {:.4f} eV\nchange            {:.4f} eV\n", band.forward_barrier_ev(), band.backward_barrier_ev(),
             *band.image.back().energy_ev - *band.image.front().energy_ev);
  fmt::print("saddle            image {} of {}{}; largest force {:.3g} eV/Å after {} iterations\n\n", band.highest, band.image.size() - 1, band.climbed ? ", climbed" : "",
             band.largest_force_ev_ang, band.iterations);
  fmt::print("{:>6} {:>10} {:>12}\n", "image", "path, Å", "energy, eV");
  for (std::size_t k = 0; k < band.image.size(); ++k) fmt::print("{:>6} {:>10.4f} {:>12.4f}\n", k, band.distance_ang[k], *band.image[k].energy_ev - *band.image.front().energy_ev);
}

// The vacancy's walk: k = attempts · exp(−(saddle − site)/kT), sites in the order of the frame's atoms of that element.
void write_network(const Options& o, const Frame& crystal, const std::vector<Path>& paths) {
  std::vector<VacancyHop> hops;
  std::vector<HopBarrier> barriers;
  for (const Path& path : paths) {
    if (!path.band) continue;
    hops.push_back(*path.hop);
    barriers.push_back({path.band->forward_barrier_ev(), path.band->backward_barrier_ev()});
  }
  if (hops.empty()) throw Error(ErrorKind::numeric, "no hop has a barrier, so there is no network to write");
  const HopEnergies energies = consistent_energies(hops, barriers);
  const auto element = static_cast<std::uint8_t>(element_named(o.hops_of));
  kinetics::SiteNetwork network;
  network.cell_rows_ang = crystal.cell.rows_ang();
  std::vector<int> site(crystal.size(), -1);
  for (std::size_t i = 0; i < crystal.size(); ++i) {
    if (crystal.atoms->atomic_number[i] != element) continue;
    site[i] = network.n_sites++;
    network.position_ang.push_back(crystal.position_ang[i]);
  }
  const double kt = units::boltzmann_ev_per_kelvin * o.temperature_kelvin;
  for (std::size_t k = 0; k < hops.size(); ++k)
    for (const HopMember& hop : hops[k].members) {
      const Vec3 way = crystal.position_ang[hop.to] + crystal.cell.translation_ang(hop.image) - crystal.position_ang[hop.from];
      const auto rate = [&](std::size_t kind) { return o.attempts_per_ps * std::exp(-(energies.saddle_ev[k] - energies.site_ev[kind]) / kt); };
      const Int3 back{-hop.image[0], -hop.image[1], -hop.image[2]};
      network.jumps.push_back({site[hop.from], site[hop.to], rate(hops[k].vacancy_kind), way, hop.image, {}});
      network.jumps.push_back({site[hop.to], site[hop.from], rate(hops[k].mover_kind), -way, back, {}});
    }
  write_file_atomically(o.network, runs::network_text(network, fmt::format("hops of one vacancy of {} at {:g} K: {:g}/ps times the Boltzmann factors of barriers by nudged elastic band, within {:.2g} eV",
                                                                           o.hops_of, o.temperature_kelvin, o.attempts_per_ps, energies.largest_misfit_ev)));
}

int run_hops(const Options& o, const StaticsSubject& subject, const Progress& progress) {
  const std::vector<VacancyHop> hops = distinct_vacancy_hops(subject.frame, static_cast<std::uint8_t>(element_named(o.hops_of)), o.reach_ang);
  if (hops.empty()) throw Error(ErrorKind::usage, fmt::format("no two atoms of {} within {:g} Å: a larger --reach-ang", o.hops_of, o.reach_ang));
  if (!o.out.empty()) std::filesystem::create_directories(o.out);
  Json document{{"model", o.common.model}, {"input", o.common.start.file.string()}, {"formula", formula(*subject.frame.atoms)}, {"hops", Json::array()}};
  std::vector<Path> paths;
  for (std::size_t k = 0; k < hops.size(); ++k) {
    const Progress of_hop = [&](const ProgressReport& report) {
      if (progress) progress({fmt::format("hop {} of {}, {}", k + 1, hops.size(), report.task), report.done, report.total, report.note, report.unit});
    };
    const HopEnds ends = ends_of_hop(subject.frame, hops[k].vacancy, hops[k].mover);
    Path path = find(o, subject, ends.before, ends.after, of_hop);
    path.hop = hops[k];
    warn(path, fmt::format("hop {}: ", k));
    Json entry = to_json(path);
    if (!o.out.empty() && path.band) {
      const std::string file = (std::filesystem::path(o.out) / fmt::format("hop_{:03}.extxyz", k)).string();
      write_frames(file, path.band->image);
      entry["out"] = file;
    }
    document["hops"].push_back(std::move(entry));
    paths.push_back(std::move(path));
  }
  if (!o.network.empty()) write_network(o, subject.frame, paths);
  if (o.common.json) {
    if (!o.network.empty()) document["network"] = o.network;
    print_json(document);
    return 0;
  }
  fmt::print("{}: {}, hops of a vacancy of {} within {:g} Å\n\n", o.common.start.file.string(), formula(*subject.frame.atoms), o.hops_of, o.reach_ang);
  fmt::print("{:>4} {:>8} {:>6} {:>7} {:>11} {:>11} {:>11} {:>11} {:>11}\n", "hop", "vacancy", "mover", "sites", "in the cell", "distance, Å", "forward, eV", "backward", "change");
  for (std::size_t k = 0; k < paths.size(); ++k) {
    const VacancyHop& hop = *paths[k].hop;
    fmt::print("{:>4} {:>8} {:>6} {:>7} {:>11} {:>11.3f}", k, hop.vacancy, hop.mover, fmt::format("{}-{}", hop.vacancy_kind, hop.mover_kind), hop.members.size(), hop.distance_ang);
    if (paths[k].band)
      fmt::print(" {:>11.4f} {:>11.4f} {:>11.4f}{}\n", paths[k].band->forward_barrier_ev(), paths[k].band->backward_barrier_ev(),
                 *paths[k].band->image.back().energy_ev - *paths[k].band->image.front().energy_ev, paths[k].band->converged ? "" : "  not converged");
    else fmt::print(" {:>11}\n", "one minimum");
  }
  if (!o.out.empty()) fmt::print("\nwritten to {}\n", o.out);
  if (!o.network.empty()) fmt::print("{}network at {:g} K written to {}\n", o.out.empty() ? "\n" : "", o.temperature_kelvin, o.network);
  return 0;
}

int run_neb(const Options& o) {
  listen_for_signals();
  const int ways = !o.to.file.empty() + !o.hop.empty() + !o.hops_of.empty();
  if (!o.network.empty() && o.hops_of.empty()) throw Error(ErrorKind::usage, "--network needs --hops");
  if (ways != 1) throw Error(ErrorKind::usage, "name one of --to FILE, --hop VACANCY,MOVER and --hops ELEMENT");
  if (!o.hop.empty() && o.hop.size() != 2) throw Error(ErrorKind::usage, "--hop takes two atoms, from 0: the one that is missing and the one that takes its place");
  const StaticsSubject subject = read_subject(o.common, false);
  const Progress progress = interruptible(progress_line(), stop_requested);
  if (!o.hops_of.empty()) return run_hops(o, subject, progress);
  HopEnds ends;
  if (!o.hop.empty()) ends = ends_of_hop(subject.frame, o.hop[0], o.hop[1]);
  else {
    runs::StartSettings to = o.to;
    to.supercell = {o.common.supercell[0], o.common.supercell[1], o.common.supercell[2]};
    to.removed_atoms = o.common.start.removed_atoms;
    ends = {subject.frame, runs::starting_frame(to)};
  }
  const Path path = find(o, subject, ends.before, ends.after, progress);
  warn(path, "");
  if (!o.out.empty() && path.band) write_frames(o.out, path.band->image);
  if (o.common.json) {
    Json document{{"model", o.common.model}, {"input", o.common.start.file.string()}, {"formula", formula(*ends.before.atoms)}};
    document.update(to_json(path));
    if (!o.out.empty() && path.band) document["out"] = o.out;
    print_json(document);
    return 0;
  }
  fmt::print("{}: {}, {} atoms\n\n", o.common.start.file.string(), formula(*ends.before.atoms), ends.before.size());
  print_path(path);
  if (!o.out.empty() && path.band) fmt::print("\nwritten to {}\n", o.out);
  return 0;
}

}  // namespace

std::function<int()> set_up_neb(CLI::App& kind) {
  const auto o = std::make_shared<Options>();
  add_statics_options(kind, o->common);
  kind.add_option("--supercell", o->common.supercell, "repeats along a b c (default 1 1 1)")->expected(3)->check(CLI::Range(1, 64));
  kind.add_option("--to", o->to.file, "file with the other end: same atoms, same cell")->type_name("FILE");
  kind.add_option("--to-frame", o->to.frame, "which frame of it, from 0 (default 0)");
  kind.add_option("--hop", o->hop, "vacancy and mover, atoms from 0: the second takes the place of the first (default: none)")->delimiter(',');
  kind.add_option("--hops", o->hops_of, "all distinct hops of a vacancy of this element, e.g. Li, in a perfect crystal");
  kind.add_option("--reach-ang", o->reach_ang, "of these, Å (default 3.5)")->check(CLI::PositiveNumber);
  kind.add_option("--network", o->network, "with --hops: NETWORK.json of the vacancy, for saltus network")->type_name("FILE");
  kind.add_option("--temperature-kelvin", o->temperature_kelvin, "of its rates, K (default 300)")->check(CLI::PositiveNumber);
  kind.add_option("--attempts-per-ps", o->attempts_per_ps, "their prefactor, assumed for all hops, 1/ps (default 10)")->check(CLI::PositiveNumber);
  kind.add_option("--images", o->band.images, "between the ends (default 5)")->check(CLI::Range(1, 1000));
  kind.add_option("--first-path", o->path, "pairs (default): by distances of pairs; linear")->check(CLI::IsMember({"pairs", "linear"}));
  kind.add_option("--spring-ev-ang2", o->band.spring_ev_ang2, "between images, eV/Å² (default 1)")->check(CLI::PositiveNumber);
  kind.add_option("--band-tolerance-ev-ang", o->band.force_tolerance_ev_ang, "largest force on an atom at the end, eV/Å (default 0.02)")->check(CLI::PositiveNumber);
  kind.add_option("--band-iterations", o->band.minimizer.max_iterations, "give up after as many (default 1000)");
  kind.add_flag("--no-climb", o->no_climb, "leave the highest image where the springs hold it");
  kind.add_flag("--keep-ends", o->keep_ends, "the ends are minima already: do not relax them");
  add_relaxation_options(kind, o->common);
  kind.add_option("--out", o->out, "the path as extXYZ with energies; with --hops a folder of them")->type_name("FILE");
  kind.footer("Barriers are of the potential energy, without vibrations. The cell is that of the frame.\n\nExample:\n"
              "  saltus statics neb li15si4.safetensors crystal.extxyz --hops Li --network vacancy.json");
  return [o] { return run_neb(*o); };
}

}  // namespace saltus::cli
