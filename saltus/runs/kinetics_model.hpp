// What the models of a kinetics stage say beyond D, as JSON for the page: slow modes on the sites, the Chapman-Kolmogorov test,
// scattering, and the channels of transport.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::runs {

/// Adds to `page` (times in ps, lengths in Å, sites counted from 0, null for a site that no ion visits):
///   "modes": {"lag_ps", "text", "rows": [{"time_ps", "low", "high", "share", "value": [sites]}]}, slowest first; share of what slows D down
///   "chapman_kolmogorov": {"lag_ps", "passed", "text", "sets": [{"population", "sites": [...]}],
///                          "curves": [{"from", "to", "time_ps", "foretold", "low", "high", "estimated", "estimated_low", "estimated_high"}]}
///   "scattering": {"text", "curves": [{"k_per_ang", "time_ps", "value", "low", "high", "model_ps", "model"}]}
///   "channels": {"text", "directions": [{"name", "text", "progress": [sites],
///                "paths": [[from, to, image a, image b, image c, share]], "channels": [{"sites", "image", "share"}]}]}
/// each only where the data carry it; what the texts say is for people. Estimates of the stage are appended to `estimates`.
void add_model_reading(const kinetics::KineticsInput& input, const kinetics::KineticsEstimate& estimate, int n_blocks, const Progress& progress,
                       nlohmann::ordered_json& page, std::vector<NamedEstimate>& estimates);

}  // namespace saltus::runs
