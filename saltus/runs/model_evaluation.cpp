#include "saltus/runs/model_evaluation.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/pipeline.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/frame_notes.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::runs {

namespace {

constexpr std::size_t most_blocks = 10;

struct Slot {
  Frame frame;
  Evaluation evaluation;
  Workspace workspace;
};

/// Frame for the file: the model's word in place of the labels.
Frame predicted(const Slot& slot) {
  Frame frame = slot.frame;
  frame.energy_ev = slot.evaluation.energy_ev;
  frame.force_ev_ang = slot.evaluation.force_ev_ang;
  frame.virial_ev = frame.cell.volume_ang3() > 0 ? slot.evaluation.virial_ev : std::nullopt;
  return frame;
}

template <class Value>
std::optional<Estimate> interval_of(const LabelErrors& all, const std::vector<LabelErrors>& without, Value value) {
  if (without.size() < 2) return {};
  std::vector<double> replicate;
  for (const LabelErrors& errors : without) replicate.push_back(value(errors));
  return kinetics::jackknife_estimate_of_positive(value(all), replicate);
}

void add_intervals(ModelErrors& result, const std::vector<LabelErrors>& without) {
  const LabelErrors& all = result.errors;
  const auto of = [&](auto value) { return interval_of(all, without, value); };
  if (all.energies > 0) {
    result.energy_raw_ev_per_atom = of([](const LabelErrors& e) { return e.raw.rmse_ev_per_atom; });
    result.energy_aligned_ev_per_atom = of([](const LabelErrors& e) { return e.composition_aligned.rmse_ev_per_atom; });
  }
  if (all.forces.components > 0) result.force_ev_ang = of([](const LabelErrors& e) { return e.forces.rmse_ev_ang; });
  if (all.stress.frames > 0) result.stress_ev_ang3 = of([](const LabelErrors& e) { return e.stress.rmse_ev_ang3; });
}

}  // namespace

ModelErrors evaluate_model(const Potential& potential, const std::string& name, const EvaluationInput& input, const Progress& progress) {
  const auto reader = open_trajectory(input.data, input.read);
  const std::size_t every = std::max<std::size_t>(1, input.every), count = reader->count();
  const std::size_t total = count > input.first ? (count - input.first + every - 1) / every : 0;
  if (total == 0) throw Error(ErrorKind::usage, fmt::format("{}: no frames", input.data.string()));
  reader->seek(input.first);
  std::unique_ptr<TrajectoryWriter> writer;
  if (!input.out.empty()) writer = create_trajectory(input.out);

  ModelErrors result{name, potential.info(), 0, {}, {}, {}, {}, {}, {}};
  const std::size_t blocks = std::min(most_blocks, total);
  LabelErrorCollector all;
  std::vector<LabelErrorCollector> without(blocks);
  FrameNotes notes;
  bool with_energy = false, with_forces = false;
  std::vector<Slot> slots(2 * thread_count());
  std::size_t produced = 0;
  std::vector<std::size_t> number(slots.size());
  const auto produce = [&](std::size_t s) {
    for (std::size_t skip = produced == 0 ? 0 : every - 1; skip > 0; --skip)
      if (!reader->read_next(slots[s].frame)) return false;
    if (!reader->read_next(slots[s].frame)) return false;
    notes.add(reader->source());
    number[s] = ++produced;
    return true;
  };
  const auto work = [&](std::size_t s) {
    Slot& slot = slots[s];
    const Want want{.forces = true, .virial = writer != nullptr || slot.frame.virial_ev.has_value()};
    try {
      potential.evaluate({slot.frame.atoms.get(), {&slot.frame.cell, 1}, slot.frame.position_ang}, want, slot.workspace, {&slot.evaluation, 1});
    } catch (const Error& error) {
      throw with_place(error, fmt::format("{}, frame {}", input.data.string(), input.first + (number[s] - 1) * every + 1));
    }
  };
  const auto consume = [&](std::size_t s) {
    const Slot& slot = slots[s];
    with_energy = with_energy || slot.frame.energy_ev;
    with_forces = with_forces || !slot.frame.force_ev_ang.empty();
    all.add(slot.frame, slot.evaluation);
    const std::size_t block = std::min(blocks - 1, result.frames * blocks / total);
    for (std::size_t b = 0; b < blocks; ++b)
      if (b != block) without[b].add(slot.frame, slot.evaluation);
    if (writer) writer->write(predicted(slot));
    report_progress(progress, "evaluate: " + name, static_cast<double>(++result.frames), static_cast<double>(total), "frames");
  };
  ordered_pipeline(slots.size(), produce, work, consume);
  if (!with_energy && !with_forces && !writer)
    throw Error(ErrorKind::usage, fmt::format("{}: neither energies nor forces to compare with; name them by --energy-key and --forces-key, or write what "
                                              "the model says by --out", input.data.string()));
  if (writer) writer->commit();
  result.errors = all.finish();
  std::vector<LabelErrors> left;
  for (const LabelErrorCollector& collector : without) left.push_back(collector.finish());
  add_intervals(result, left);
  result.warnings = notes.all();
  if (result.errors.stress.frames > 0 && !potential.info().trained_on_stress)
    result.warnings.push_back(fmt::format("{} does not say that it was trained on stress: its stress may mean little", name));
  return result;
}

}  // namespace saltus::runs
