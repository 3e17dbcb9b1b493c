// A linear ACE as the files of LAMMPS: its many-body part for the pace style (C-tilde form, YAML), its repulsion for the table style.
//   E_i = E0 + Σ c̃ Re Π_t A_{μ_t n_t l_t m_t},  A = Σ_j R_nl(r) Y_lm,  R_nl = Σ_k c_nlk g_k,  g_k = (1 − T_k(x))/2,  x = 1 − 2 (1 − r/r_c)^p
// Reference: Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021); the pace and table styles in the manual of LAMMPS.
#pragma once

#include <string>
#include <vector>

#include "saltus/potentials/ace.hpp"

namespace saltus {

struct PaceExport {
  std::string yace;                      ///< the file of the pace style
  std::string table;                     ///< the file of the table style; empty where the model has no repulsion
  std::vector<std::string> lammps_input; ///< the lines that use them, in units metal
};

/// `yace_name`, `table_name`: what the files will be called, for the lines of the input.
/// spline_ang: spacing of the tables that the pace style makes of the radial functions; forces follow the model's to some 1e-9 at 0.001.
/// Throws Error{unsupported} when the radial functions are not polynomials (AceRadialPair::power).
PaceExport export_pace(const AceParameters& parameters, const std::string& yace_name, const std::string& table_name, double spline_ang = 0.001);

}  // namespace saltus
