#include "saltus/cli/mobile_options.hpp"

#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace saltus::cli {

void add_mobile_options(CLI::App& kind, MobileOptions& options) {
  kind.add_option("--species", options.mobile, "element that moves")->required();
  kind.add_option("--framework", options.framework, "element whose mean displacement is subtracted (default: none)");
}

runs::MobileSettings settings_of(const MobileOptions& own, const AnalysisOptions& options) {
  runs::MobileSettings settings;
  settings.mobile = element_named(own.mobile);
  if (!own.framework.empty()) settings.framework = element_named(own.framework);
  settings.blocks = options.blocks;
  return settings;
}

std::string subject_of(const runs::MobilePass& pass, const MobileOptions& own, const AnalysisOptions& options) {
  return fmt::format("{}: {}, {} frames {} fs apart, {} {}{}", options.path, pass.formula, pass.frames, pass.frame_spacing_fs, pass.ions,
                     own.mobile, own.framework.empty() ? "" : ", relative to " + own.framework);
}

nlohmann::ordered_json document_of(const runs::MobilePass& pass, const MobileOptions& own, const AnalysisOptions& options) {
  const double volume = pass.cell.volume_ang3();
  return {{"input", options.path},
          {"formula", pass.formula},
          {"species", own.mobile},
          {"framework", own.framework},
          {"frames", pass.frames},
          {"atoms", pass.atoms},
          {"ions", pass.ions},
          {"cell_length_ang", volume > 0 ? nlohmann::ordered_json(std::cbrt(volume)) : nlohmann::ordered_json(nullptr)},
          {"frame_spacing_fs", pass.frame_spacing_fs},
          {"blocks", options.blocks},
          {"largest_step_ang", pass.steps.largest_ang},
          {"largest_step_in_inscribed_radii", number_or_null(pass.steps.largest_in_radii)},
          {"steps_flagged", pass.steps.flagged}};
}

std::string coefficient_text(const std::optional<Estimate>& d, const std::string& note) {
  return d ? fmt::format("{:.4g} Å²/ps (95 %: {:.4g} … {:.4g})", d->value, d->low, d->high) : note;
}

}  // namespace saltus::cli
