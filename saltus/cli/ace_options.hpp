// Options of a fit of the atomic cluster expansion: what fit and distill share.
#pragma once

#include "saltus/training/ace_fit.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

/// Adds the basis and the weight of energies. Several values of one setting go to `grid`.
void add_ace_basis_options(CLI::App& app, AceFitSettings& fit, AceFitGrid& grid);

/// Adds the regularisation, the repulsion and how sets are split.
void add_ace_fit_options(CLI::App& app, AceFitSettings& fit, AceFitGrid& grid);

}  // namespace saltus::cli
