#include "saltus/cli/label_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/cli/message.hpp"

namespace saltus::cli {

void print_label_quality(const runs::LabelQuality& quality) {
  constexpr std::size_t named = 5;
  fmt::print("labels              {}{}\n", quality.frames, quality.refused.empty() ? "" : fmt::format(", {} frames left out", quality.refused.size()));
  fmt::print("forces              RMS {:.3g} eV/Å; they sum to {:.2g} eV/Å on average, {:.2g} at most\n", quality.force_rms_ev_ang, quality.mean_net_force_ev_ang, quality.largest_net_force_ev_ang);
  if (quality.work_mismatch_ev)
    fmt::print("energy and forces   the work of the forces misses the change of energy by {:.2g} meV a step, of {:.2g}\n", *quality.work_mismatch_ev * units::mev_per_ev,
               *quality.energy_change_ev * units::mev_per_ev);
  for (std::size_t k = 0; k < std::min(named, quality.refused.size()); ++k) print_warning(fmt::format("step {} is no label: {}", quality.refused[k].step, quality.refused[k].why));
  if (quality.refused.size() > named) print_warning(fmt::format("and {} more; all are named in the JSON file beside CP2K's", quality.refused.size() - named));
}

}  // namespace saltus::cli
