#include "saltus/cli/ace_options.hpp"

#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace saltus::cli {

namespace {

/// An option that takes one value, or several separated by commas, of which the validation blocks choose.
template <class T, class D>
void add_tried(CLI::App& app, const char* name, std::vector<T>& values, D standard, const char* help) {
  app.add_option(name, values, fmt::format("{} (default {})", help, standard))->delimiter(',')->allow_extra_args(false);
}

void add_number(CLI::App& app, const char* name, double& value, const char* help) {
  app.add_option(name, value, fmt::format("{} (default {})", help, value));
}

}  // namespace

void add_ace_basis_options(CLI::App& app, AceFitSettings& fit, AceFitGrid& grid) {
  const AceBasisSettings& basis = fit.basis;
  add_tried(app, "--cutoff-ang", grid.cutoff_ang, basis.cutoff_ang, "of all pairs, Å");
  add_tried(app, "--body-order", grid.body_order, basis.body_order, "2, 3 or 4");
  add_tried(app, "--radial-two-body", grid.radial_two_body, basis.radial_two_body, "radial functions of a pair");
  add_tried(app, "--degree-three-body", grid.degree_three_body, basis.degree_three_body, "bound of sum n + sum l");
  add_tried(app, "--l-max-three-body", grid.l_max_three_body, basis.l_max_three_body, "largest angular momentum");
  add_tried(app, "--degree-four-body", grid.degree_four_body, basis.degree_four_body, "bound of sum n + sum l");
  add_tried(app, "--l-max-four-body", grid.l_max_four_body, basis.l_max_four_body, "largest angular momentum");
  app.add_option("--radial-power", fit.radial_power, "polynomial radial functions, for 'models convert' to .yace: 1 to 3 (default 0: none)")
      ->check(CLI::Range(0, kernels::ace_max_power))
      ->type_name("INT");
  add_number(app, "--energy-weight", fit.energy_weight, "of an energy per atom (eV) beside a force (eV/Å)");
}

void add_ace_fit_options(CLI::App& app, AceFitSettings& fit, AceFitGrid& grid) {
  add_number(app, "--ridge-tolerance", fit.ridge_tolerance, "of the validation loss: the strongest ridge within it");
  add_tried(app, "--roughness-power", grid.roughness_power, fit.roughness_power, "the ridge grows with roughness to this power");
  add_tried(app, "--repulsion-reach", grid.repulsion_reach, fit.repulsion_reach,
            "end of the repulsion over the sum of covalent radii");
  add_tried(app, "--pairs-where-data-begin", grid.pairs_where_data_begin, fit.pairs_where_data_begin,
            "pairs per frame closer than where the fit speaks");
  add_number(app, "--test", fit.test_fraction, "last part of each set, never fitted");
  add_number(app, "--valid", fit.valid_fraction, "in blocks before it, to choose ridge and settings");
  add_number(app, "--gap-fs", fit.gap_fs, "left out between blocks, fs");
}

}  // namespace saltus::cli
