#include "saltus/cli/fit_table.hpp"

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/runs/fit_report.hpp"

namespace saltus::cli {

namespace {

void print_candidates(const AceFit& fit) {
  fmt::print("settings tried, with their errors on the validation blocks\n\n{:>6} {:>5} {:>7} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>8} {:>7} {:>8}\n",
             "cutoff", "body", "radial", "degree 3", "degree 4", "roughness", "repulsion", "begin", "functions", "ridge", "F,", "E,");
  fmt::print("{:>6} {:>87} {:>8}\n", "Å", "meV/Å", "meV/atom");
  for (std::size_t k = 0; k < fit.candidates.size(); ++k) {
    const auto& [settings, functions, chosen] = fit.candidates[k];
    const AceBasisSettings& basis = settings.basis;
    const auto degree = [&](int order, int sum, int l) { return basis.body_order < order ? "–" : fmt::format("{} l≤{}", sum, l); };
    fmt::print("{:>6} {:>5} {:>7} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>8.1e} {:>7.2f} {:>8.3f}{}\n", basis.cutoff_ang, basis.body_order,
               basis.radial_two_body, degree(3, basis.degree_three_body, basis.l_max_three_body),
               degree(4, basis.degree_four_body, basis.l_max_four_body), settings.roughness_power, settings.repulsion_reach,
               settings.pairs_where_data_begin, functions, chosen.ridge, 1e3 * chosen.valid_force_rmse_ev_ang,
               1e3 * chosen.valid_energy_rmse_ev_per_atom, k == fit.chosen_candidate ? "  chosen" : "");
  }
  fmt::print("\n");
}

}  // namespace

void print_fit(const AceFit& fit) {
  if (fit.candidates.size() > 1) print_candidates(fit);
  fmt::print("{} functions per element, {} unknowns; ridge {:.2g} chosen on the validation blocks; no stress labels were used\n\n",
             fit.functions_per_element, fit.unknowns, fit.chosen_ridge);
  fmt::print("{:<24} {:<5} {:>6}  {:>30}  {:>22}\n", "set", "part", "frames", "energy RMSE, meV/atom", "force, meV/Å");
  fmt::print("{:<24} {:<5} {:>6}  {:>9} {:>9} {:>10}  {:>7} {:>7} {:>6}\n", "", "", "", "raw", "mean-al.", "compos.-al.", "RMSE", "MAE", "rel.");
  for (const SetErrors& e : fit.errors) {
    const LabelErrors& x = e.errors;
    fmt::print("{:<24} {:<5} {:>6}  {:>9.3f} {:>9.3f} {:>11.3f}  {:>7.1f} {:>7.1f} {:>5.1f} %\n", e.set, runs::name_of(e.part), x.frames,
               1e3 * x.raw.rmse_ev_per_atom, 1e3 * x.mean_aligned.rmse_ev_per_atom, 1e3 * x.composition_aligned.rmse_ev_per_atom,
               1e3 * x.forces.rmse_ev_ang, 1e3 * x.forces.mae_ev_ang, 100 * x.forces.relative());
    for (const auto& [z, forces] : x.forces_of_element)
      fmt::print("  {:<68} {:>10.1f} {:>7.1f} {:>5.1f} %\n", symbol_of(z), 1e3 * forces.rmse_ev_ang, 1e3 * forces.mae_ev_ang, 100 * forces.relative());
  }
}

}  // namespace saltus::cli
