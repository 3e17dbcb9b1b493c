// Diffusion coefficients that earlier runs printed as JSON, for what is made of several of them: Arrhenius law, finite size.
//   {"diffusion_ang2_per_ps": {"value", "low", "high"}, "temperature_kelvin", "atoms", "cell_length_ang"}     saltus analyze msd --json
// or the same under another key, or the estimates of saltus report --json.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/base/estimate.hpp"

namespace saltus::runs {

struct DiffusionResult {
  std::string file;
  Estimate diffusion_ang2_per_ps;
  std::optional<double> temperature_kelvin, atoms, cell_length_ang;  ///< where the file says so
};

/// quantity  the key of the coefficient, e.g. "diffusion_ang2_per_ps", or the name of an estimate of a report, "diffusion_msd".
///           Empty: diffusion_ang2_per_ps, else mean_diffusion_ang2_per_ps (saltus network), else diffusion_msd (saltus report).
///
/// Throws Error{format} for what is no JSON object of at most 64 MiB, Error{usage} that says what is missing and how to come by it:
/// the coefficient, its interval, a single one where a report has several.
DiffusionResult read_diffusion_result(const std::string& path, const std::string& quantity = {});
/// The same of text in memory; `name` stands for the file in messages.
DiffusionResult diffusion_result_of(std::string_view text, const std::string& name, const std::string& quantity = {});

}  // namespace saltus::runs
