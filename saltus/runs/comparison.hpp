// Several models on the same data with the same budget: errors before and after fine-tuning, probes, a short simulation of each.
//
// folder/NAME/key                 hash of what the results come from; another one begins anew
// folder/NAME/errors_before.json  folder/NAME/errors_after.json   folder/NAME/probes.json
// folder/NAME/tuned.safetensors   and what fine-tuning writes beside it
// folder/NAME/md                  a simulation (molecular_dynamics.hpp)
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "saltus/base/progress.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/comparison_plan.hpp"
#include "saltus/runs/model_probes.hpp"
#include "saltus/runs/msd_report.hpp"
#include "saltus/runs/trajectory_agreement.hpp"

namespace saltus::runs {

/// On the held-out part of one data set; none where the data have no such label or the model no such prediction.
struct ComparedErrors {
  std::string set;
  std::size_t frames = 0;
  std::optional<Estimate> energy_raw_ev_per_atom, energy_aligned_ev_per_atom, force_ev_ang, stress_ev_ang3;  ///< low = high = value: no interval
  std::optional<double> force_relative;
};

struct ComparedTrajectory {
  std::string name;                      ///< of the model, or of the data set
  TrajectoryCurves curves;
  std::optional<MsdReport> displacement;
  std::optional<TrajectoryAgreement> agreement;  ///< with the reference
  std::string note;                      ///< why the simulation ended; else empty
  double drift_mev_per_atom_ps = 0;      ///< of the conserved quantity
};

struct ModelComparison {
  std::string name, file, kind;
  std::string reason;                    ///< why there is nothing but this row; else empty
  std::string finetune_reason;           ///< why it was not fine-tuned though the plan asks for it
  std::vector<ComparedErrors> before, after;  ///< `after` is empty where it was not fine-tuned
  std::optional<nlohmann::ordered_json> probes;  ///< to_json_text(ModelProbes), of the model as it ends
  std::optional<ComparedTrajectory> trajectory;
  std::string md_reason;                 ///< why there is no trajectory though the plan asks for it
};

struct Comparison {
  std::string title;
  std::vector<ModelComparison> models;
  std::optional<ComparedTrajectory> reference;
  std::vector<std::string> warnings;
};

/// What is done in `folder` is taken from there. A model that cannot be read, does not know an element of the data, cannot be fine-tuned or whose
/// simulation fails is a row that says so.
/// Throws what readers of the data throw; Error{usage} for data without labels, or a folder of that name that is not ours; Interrupted, resumable.
Comparison compare_models(const ComparisonPlan& plan, const std::filesystem::path& folder, const Progress& progress = {}, const Stop& stop = {},
                          const std::function<void(const std::string&)>& say = {});

/// A table with a line break at its end, for terminals.
std::string text_of(const Comparison& comparison);
nlohmann::ordered_json document_of(const Comparison& comparison);
AnalysisPage page_of(const Comparison& comparison);

}  // namespace saltus::runs
