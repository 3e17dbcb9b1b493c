#include "saltus/runs/plan_stages.hpp"

#include <cmath>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/frame_notes.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/plan_files.hpp"

namespace saltus::runs {

namespace {

StageResult summarize(const Plan& plan, const DataSettings& settings, const StageContext& context) {
  const std::filesystem::path file = data_file(plan, settings);
  const auto reader = open_trajectory(file, read_options(plan, settings));
  std::map<std::string, std::size_t> compositions;
  std::size_t frames = 0, unlabelled = 0, components = 0;  // frames without labels serve where nothing is trained
  double force_square = 0, energy_sum = 0;
  const Progress progress = interruptible(context.progress, context.stop);
  const bool trains = plan.fits || plan.finetune;
  Frame frame;
  FrameNotes notes;
  while (reader->read_next(frame)) {
    report_progress(progress, "data-" + settings.name, static_cast<double>(++frames), 0, "frames");
    notes.add(reader->source());
    ++compositions[formula(*frame.atoms)];
    if (!trains && (!frame.energy_ev || frame.force_ev_ang.empty())) {
      ++unlabelled;
      continue;
    }
    if (!frame.energy_ev || frame.force_ev_ang.empty())
      throw Error(ErrorKind::format, fmt::format("{}, frame {}: has no {}; training needs energies and forces (energy_key and forces_key "
                                                 "name them)", file.string(), frames, frame.energy_ev ? "forces" : "energy"));
    energy_sum += *frame.energy_ev / static_cast<double>(frame.size());
    for (const Vec3& force : frame.force_ev_ang) force_square += norm2(force);
    components += 3 * frame.size();
  }
  if (frames == 0) throw Error(ErrorKind::format, file.string() + ": holds no frame");

  nlohmann::ordered_json summary{{"frames", frames}, {"energy_key", reader->source().energy}, {"forces_key", reader->source().forces}};
  for (const auto& [name, count] : compositions) summary["compositions"][name] = count;
  write_file_atomically(context.folder / "data.json", summary.dump(1) + "\n");

  StageResult result;
  for (const std::string& note : notes.all()) result.warnings.push_back(fmt::format("{}: {}", file.string(), note));
  const auto figure = [&](const char* name, double value, const char* unit, const char* note) {
    result.estimates.push_back({name, Estimate{value, value, value}, false, unit, note});
  };
  figure("frames", static_cast<double>(frames), "", "a count");
  if (unlabelled < frames) {
    figure("force_rms", std::sqrt(force_square / static_cast<double>(components)), "ev_ang", "of the labels");
    figure("energy_mean", energy_sum / static_cast<double>(frames - unlabelled), "ev_per_atom", "of the labels");
  }
  result.series.push_back({"data", "data.json"});
  return result;
}

}  // namespace

Stage data_stage(const Plan& plan, const DataSettings& settings) {
  Stage stage;
  stage.name = "data-" + settings.name;
  stage.kind = "data";
  stage.input_files = {data_file(plan, settings)};
  if (!settings.topology.empty()) stage.input_files.push_back(read_options(plan, settings).topology);
  stage.settings = settings_json(plan, "data", settings.name);
  stage.run = [plan, settings](const StageContext& context) { return summarize(plan, settings, context); };
  return stage;
}

}  // namespace saltus::runs
