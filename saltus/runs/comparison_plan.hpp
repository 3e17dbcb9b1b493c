// The plan of `saltus compare`: models, the data that all of them meet, the budget of a fine-tuning, a short simulation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/runs/fields.hpp"

namespace saltus::runs {

struct ComparedModel {
  std::string name;
  std::string file;                   ///< from the folder of the plan, or builtin:NAME; empty: a row that says `note`
  std::string note;                   ///< why there is no file: "no published weights here"
  bool finetune = false;
  std::vector<std::string> settings;  ///< KEY=VALUE of `saltus finetune`, beyond the budget
  std::string arithmetic = "file";
  std::string head;
};

struct ComparedData {
  std::string name;
  std::string file;
};

/// What each fine-tuning gets: passes times training frames.
struct ComparisonBudget {
  std::int64_t epochs = 10;
  std::int64_t train_every = 1;
  double test_fraction = 0.2;
  double gap_fs = 50;
};

struct ComparisonMd {
  std::string data;                   ///< set whose frames are the AIMD to compare with; empty: the first
  double temperature_kelvin = 0;
  double length_ps = 0;
  double equilibration_ps = 0.5;
  std::string mobile;                 ///< element of the displacement; empty: not drawn
  double largest_ang = 6;
  double longest_lag_fs = 250;
};

struct ComparisonPlan {
  std::filesystem::path file;
  std::string title;
  std::int64_t seed = 1;
  std::string energy_key, forces_key;
  std::int64_t every = 1;             ///< one held-out frame in so many is evaluated
  std::int64_t probe_steps = 400;     ///< of constant energy
  std::vector<ComparedModel> models;
  std::vector<ComparedData> data;
  ComparisonBudget budget;
  std::optional<ComparisonMd> md;
  std::vector<ResolvedSection> settings;
};

/// Throws Error{file}, Error{format} with file and line.
ComparisonPlan read_comparison_plan(const std::filesystem::path& file);
/// `file` is used for messages and relative paths.
ComparisonPlan parse_comparison_plan(std::string_view text, const std::filesystem::path& file);

/// All settings with their defaults, as a TOML file with remarks.
std::string comparison_settings_text();

}  // namespace saltus::runs
