#include "saltus/cli/probe_output.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/units.hpp"

namespace saltus::cli {

using units::mev_per_ev;

namespace {

std::string short_range_text(const runs::DimerProbe& d) {
  if (!d.failure.empty()) return d.failure;
  if (d.not_finite_ang) return fmt::format("not finite at {:.2f} Å", *d.not_finite_ang);
  if (d.attractive_below_ang) return fmt::format("attracts below {:.2f} Å, over {:.3g} eV", *d.attractive_below_ang, *d.barrier_ev);
  return fmt::format("repels to {:.2f} Å", d.from_ang);
}

}  // namespace

std::string table_of(const std::vector<std::pair<std::string, runs::ModelProbes>>& models) {
  std::size_t width = 5;
  const auto short_name = [](const std::string& model) { return std::filesystem::path(model).filename().string(); };
  for (const auto& [model, probes] : models) width = std::max(width, short_name(model).size());
  std::string text = fmt::format("{:<{}} {:>19} {:>10} {:>22} {:>12} {:>10} {:>9}\n", "", width, "force beside −dE/dr", "rotation,", "largest jump of scan", "drift,", "ripple,", "cost,");
  text += fmt::format("{:<{}} {:>10} {:>8} {:>10} {:>11} {:>10} {:>12} {:>10} {:>9}\n", "model", width, "meV/Å", "of RMS", "meV/Å", "meV", "meV/Å", "meV/atom/ps", "meV/atom", "µs/atom");
  for (const auto& [model, p] : models) {
    const std::string drift = p.conservation && p.conservation->failure.empty() ? fmt::format("{:.3g}", p.conservation->drift_mev_per_atom_ps) : "–";
    const std::string ripple = p.conservation && p.conservation->failure.empty() ? fmt::format("{:.3g}", p.conservation->fluctuation_mev_per_atom) : "–";
    text += fmt::format("{:<{}} {:>10.3g} {:>8} {:>10.3g} {:>11} {:>10} {:>12} {:>10} {:>9.3g}\n", short_name(model), width, mev_per_ev * p.gradient.largest_ev_ang,
                        fmt::format("{:.2g}", p.gradient.relative()), mev_per_ev * p.rotation.force_ev_ang, p.scan ? fmt::format("{:.3g}", mev_per_ev * p.scan->energy_jump_ev) : "–",
                        p.scan ? fmt::format("{:.3g}", mev_per_ev * p.scan->force_jump_ev_ang) : "–", drift, ripple, p.microsecond_per_atom_step);
  }
  text += fmt::format("\n{:<{}} {:<7} {:>10} {:>8} {:>7} {:>19}  {}\n", "two atoms", width, "pair", "well, eV", "at, Å", "minima", "jump at the cutoff", "short range");
  for (const auto& [model, p] : models)
    for (const runs::DimerProbe& d : p.dimers) {
      const bool whole = d.failure.empty() && !d.not_finite_ang;
      text += fmt::format("{:<{}} {:<7} {:>10} {:>8} {:>7} {:>19}  {}\n", short_name(model), width, fmt::format("{}-{}", symbol_of(d.first), symbol_of(d.second)),
                          whole ? fmt::format("{:.3g}", d.depth_ev) : "–", whole && d.depth_ev < 0 ? fmt::format("{:.2f}", d.nearest_ang) : "–", whole ? fmt::format("{}", d.minima) : "–",
                          d.failure.empty() ? fmt::format("{:.2g} meV, {:.2g} meV/Å", mev_per_ev * d.cutoff_energy_jump_ev, mev_per_ev * d.cutoff_force_jump_ev_ang) : "–", short_range_text(d));
    }
  for (const auto& [model, p] : models) {
    if (!p.rotation.invariant()) text += fmt::format("\n{} is not invariant to rotation: forces of the turned frame differ by {:.2g} of their RMS.\n", short_name(model), p.rotation.relative);
    if (p.conservation && !p.conservation->failure.empty()) text += fmt::format("\n{}: its dynamics at constant energy ended: {}\n", short_name(model), p.conservation->failure);
  }
  return text;
}

}  // namespace saltus::cli
