#include "saltus/runs/held_out.hpp"

#include "saltus/runs/plan_files.hpp"

namespace saltus::runs {

std::optional<std::size_t> first_held_out(const std::filesystem::path& file, const ReadOptions& read, const SplitOptions& split) {
  const auto reader = open_trajectory(file, read);
  std::vector<double> time_fs;
  bool labelled = false;
  for (Frame frame; reader->read_next(frame);) {
    time_fs.push_back(frame.time_fs);
    labelled = labelled || frame.energy_ev || !frame.force_ev_ang.empty();
  }
  if (!labelled) return {};
  return split_by_blocks(time_fs, split).test.front();
}

std::optional<std::size_t> held_out_from(const Plan& plan, const DataSettings& data) {
  const SplitOptions split = plan.finetune ? SplitOptions{plan.finetune->test_fraction, 0, 1, plan.finetune->gap_fs}
                                           : SplitOptions{plan.fit.test_fraction, 0, 1, plan.fit.gap_fs};
  return first_held_out(data_file(plan, data), read_options(plan, data), split);
}

std::vector<Frame> held_out_frames(const Plan& plan, std::size_t most) {
  std::vector<Frame> chosen;
  for (const DataSettings& data : plan.data) {
    const std::optional<std::size_t> from = held_out_from(plan, data);
    if (!from) continue;
    std::vector<Frame> frames;
    const auto reader = open_trajectory(data_file(plan, data), read_options(plan, data));
    std::size_t k = 0;
    for (Frame frame; reader->read_next(frame);)
      if (k++ >= *from && frame.energy_ev && !frame.force_ev_ang.empty()) frames.push_back(frame);
    const std::size_t wanted = std::min(most, frames.size());
    for (std::size_t n = 0; n < wanted; ++n) chosen.push_back(std::move(frames[n * frames.size() / wanted]));
  }
  return chosen;
}

}  // namespace saltus::runs
