// What the stages that fit an expansion share: settings of the plan, and what the page shows of a fit.
#pragma once

#include <filesystem>
#include <vector>

#include "saltus/runs/plan.hpp"
#include "saltus/runs/stage.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

/// All combinations that [fit] asks for. Throws Error{usage} for more than 64.
std::vector<AceFitSettings> ace_candidates(const FitSettings& fit);

/// Writes fit.json into `folder`; errors of the held-out blocks as estimates.
StageResult fit_result(const AceFit& fitted, const std::filesystem::path& folder);

}  // namespace saltus::runs
