// The field tables of the plan's structs.
#pragma once

#include <span>

#include "saltus/runs/fields.hpp"
#include "saltus/runs/plan.hpp"

namespace saltus::runs {

/// Rows for `title` and `seed`.
std::span<const Field<Plan>> plan_fields();
std::span<const Field<DataSettings>> data_fields();
std::span<const Field<FitSettings>> fit_fields();
std::span<const Field<ModelSettings>> model_fields();
std::span<const Field<DistillSettings>> distill_fields();
std::span<const Field<RefineSettings>> refine_fields();
std::span<const Field<MdSettings>> md_fields();
std::span<const Field<PimdSettings>> pimd_run_fields();
std::span<const Field<ProtonSettings>> proton_fields();
std::span<const Field<CentresSettings>> wannier_fields();
std::span<const Field<KineticsSettings>> kinetics_fields();
std::span<const Field<FirstPassageSettings>> passage_fields();
std::span<const Field<ArrheniusSettings>> arrhenius_fields();

}  // namespace saltus::runs
