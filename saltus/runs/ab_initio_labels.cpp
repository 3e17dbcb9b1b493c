#include "saltus/runs/ab_initio_labels.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/io/cp2k.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::runs {

double net_force_ev_ang(const Frame& frame) {
  Vec3 sum;
  for (const Vec3& f : frame.force_ev_ang) sum += f;
  return norm(sum);
}

LabelQuality harvest_cp2k_dynamics(const std::filesystem::path& folder, const std::map<std::int64_t, bool>& converged, double max_net_force_ev_ang,
                                   const std::filesystem::path& out) {
  LabelQuality quality;
  const auto reader = open_cp2k(folder);
  std::unique_ptr<TrajectoryWriter> writer;
  Frame frame, last;
  double square = 0, work = 0, change = 0;
  std::size_t components = 0, neighbours = 0, with_forces = 0;
  while (reader->read_next(frame)) {
    const auto known = converged.find(frame.step);
    const auto refuse = [&](std::string why) { quality.refused.push_back({frame.step, std::move(why)}); };
    if (!frame.energy_ev || frame.force_ev_ang.empty()) {
      refuse("no energy or no forces");
      last = Frame();
      continue;
    }
    const double net = net_force_ev_ang(frame);
    ++with_forces;
    quality.mean_net_force_ev_ang += net;
    quality.largest_net_force_ev_ang = std::max(quality.largest_net_force_ev_ang, net);
    for (const Vec3& f : frame.force_ev_ang) square += norm2(f);
    components += 3 * frame.size();
    if (last.size() == frame.size() && last.step + 1 == frame.step) {
      double done = 0;
      for (std::size_t i = 0; i < frame.size(); ++i) done += 0.5 * dot(last.force_ev_ang[i] + frame.force_ev_ang[i], frame.position_ang[i] - last.position_ang[i]);
      const double rise = *frame.energy_ev - *last.energy_ev;
      work += (rise + done) * (rise + done);
      change += rise * rise;
      ++neighbours;
    }
    last = frame;
    if (known == converged.end()) refuse("its output does not say that the SCF converged");
    else if (!known->second) refuse("the SCF did not converge");
    else if (net > max_net_force_ev_ang) refuse(fmt::format("the forces sum to {:.3g} eV/Å, noise of the grid: it takes a higher cutoff_ry, which 'saltus label --cutoffs-ry' finds", net));
    else {
      if (!writer) writer = create_trajectory(out);
      writer->write(frame);
      ++quality.frames;
    }
  }
  if (writer) writer->commit();
  if (with_forces > 0) {
    quality.mean_net_force_ev_ang /= static_cast<double>(with_forces);
    quality.force_rms_ev_ang = std::sqrt(square / static_cast<double>(components));
  }
  if (neighbours > 0) {
    quality.work_mismatch_ev = std::sqrt(work / static_cast<double>(neighbours));
    quality.energy_change_ev = std::sqrt(change / static_cast<double>(neighbours));
  }
  return quality;
}

std::string quality_json_text(const LabelQuality& quality) {
  using json = nlohmann::ordered_json;
  json refused = json::array();
  for (const RefusedFrame& frame : quality.refused) refused.push_back({{"step", frame.step}, {"why", frame.why}});
  const auto optional = [](const std::optional<double>& value) { return value ? json(*value) : json(nullptr); };
  return json{{"frames", quality.frames}, {"refused", refused}, {"mean_net_force_ev_ang", quality.mean_net_force_ev_ang}, {"largest_net_force_ev_ang", quality.largest_net_force_ev_ang},
              {"force_rms_ev_ang", quality.force_rms_ev_ang}, {"work_mismatch_ev", optional(quality.work_mismatch_ev)}, {"energy_change_ev", optional(quality.energy_change_ev)}}
      .dump();
}

}  // namespace saltus::runs
