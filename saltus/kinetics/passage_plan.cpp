#include "saltus/kinetics/passage_plan.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/frame_correction.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::kinetics {

namespace {

constexpr std::size_t fewest_particles = 20, chunk_particles = 4;
constexpr double fewest_exits = 10;
constexpr double unfinished_times = 6;  // of L²/2D: 8e-4 of the starts have not exited by then

// Nothing when exits are on one side only or the time is no longer than frames allow.
std::optional<double> local_diffusion(const ExitSums& sums, const ExitWindow& window, double frame_fs) {
  return corrected_diffusion(sums.time / sums.exits * frame_fs, sums.above / sums.exits, window, frame_fs);
}

ExitSums sum(const ExitSums& a, const ExitSums& b, double sign) {
  ExitSums s;
  s.exits = a.exits + sign * b.exits;
  s.above = a.above + sign * b.above;
  s.time = a.time + sign * b.time;
  return s;
}

}  // namespace

PassagePlan plan_passage(const BrownianMotion& motion, const PassagePlanSettings& settings, const Progress& progress) {
  const LineProfile& profile = motion.profile();
  const Line& line = profile.line();
  const double length = profile.length_ang(), l = settings.half_width_ang, frame = motion.settings().frame_interval_fs;
  if (settings.particles < fewest_particles) throw Error(ErrorKind::usage, fmt::format("{} particles, at least {} are needed to tell errors by their scatter", settings.particles, fewest_particles));
  if (line.ends == LineEnds::free) throw Error(ErrorKind::usage, "a free line has no density of particles to plan with");
  if (!(l > 0) || !(settings.start_half_width_ang > 0) || !(settings.start_half_width_ang < l) || !(settings.spacing_ang > 0))
    throw Error(ErrorKind::usage, fmt::format("windows of ± {} Å, starts within ± {} Å, {} Å apart; expected numbers above 0 and starts well within windows", l, settings.start_half_width_ang, settings.spacing_ang));
  const bool periodic = line.ends == LineEnds::periodic;
  if (2 * l > (periodic ? 0.5 : 1.0) * length) throw Error(ErrorKind::usage, fmt::format("windows of ± {} Å are too wide for {} of {} Å", l, periodic ? "a period" : "a slit", length));
  PassagePlan plan;
  plan.particles_per_ang = static_cast<double>(settings.particles) / length;
  plan.time_fs = settings.frames > 0 ? static_cast<double>(settings.frames - 1) * frame : 0;
  std::vector<std::size_t> last_start;  // first frame that is no start any more
  const std::size_t count = static_cast<std::size_t>(std::floor(length / settings.spacing_ang + 1e-9));
  for (std::size_t k = 0; k < count; ++k) {
    const double centre = line.low_ang + (static_cast<double>(k) + 0.5) * settings.spacing_ang;
    if (!periodic && (centre - l < line.low_ang - 1e-9 || centre + l > line.high_ang + 1e-9)) continue;
    const double followed_fs = unfinished_times * l * l / (2 * profile.at(centre).diffusion_ang2_fs);
    if (plan.time_fs < 2 * followed_fs)
      throw Error(ErrorKind::usage, fmt::format("a trial of {:.4g} ps, expected at least {:.4g} ps: twelve times the mean exit time L²/2D near z = {:.4g} Å", plan.time_fs / 1000, 2 * followed_fs / 1000, centre));
    plan.window.push_back({{centre, l, settings.start_half_width_ang}, followed_fs, 0, 0, 0, std::nullopt});
    last_start.push_back(settings.frames - static_cast<std::size_t>(followed_fs / frame));
  }
  if (plan.window.empty()) throw Error(ErrorKind::usage, fmt::format("no window of ± {} Å has room between the walls", l));

  const std::size_t windows = plan.window.size();
  std::vector<ExitSums> sums(windows * settings.particles);
  constexpr std::size_t block = 64;
  for (std::size_t begin = 0; begin < settings.particles; begin += block) {
    const std::size_t end = std::min(settings.particles, begin + block);
    parallel_chunks(end - begin, chunk_particles, [&](std::size_t first, std::size_t last) {
      std::vector<double> z(settings.frames);
      for (std::size_t p = begin + first; p < begin + last; ++p) {
        BrownianParticle particle = motion.start(p);
        for (double& position : z) {
          position = particle.z_ang;
          motion.advance(particle);
        }
        for (std::size_t w = 0; w < windows; ++w) {
          const ExitWindow& window = plan.window[w].window;
          ExitSums& unit = sums[w * settings.particles + p];
          std::size_t exit = settings.frames;  // the next frame outside
          bool above = false;
          for (std::size_t t = settings.frames; t-- > 0;) {
            double x = z[t] - window.centre_ang;
            if (periodic) x -= length * std::round(x / length);
            if (std::abs(x) >= window.half_width_ang) {
              exit = t;
              above = x > 0;
            } else if (std::abs(x) < window.start_half_width_ang && t < last_start[w] && exit < settings.frames) {
              unit.exits += 1;
              unit.above += above ? 1 : 0;
              unit.time += static_cast<double>(exit - t);
            }
          }
        }
      }
    });
    report_progress(progress, "trial", static_cast<double>(end), static_cast<double>(settings.particles), "particles");
  }

  for (std::size_t w = 0; w < windows; ++w) {
    PlannedWindow& window = plan.window[w];
    const std::span<const ExitSums> unit(sums.data() + w * settings.particles, settings.particles);
    ExitSums total;
    for (const ExitSums& one : unit) total = sum(total, one, 1);
    window.exits = total.exits;
    if (total.exits < fewest_exits) continue;
    window.mean_exit_time_fs = total.time / total.exits * frame;
    const auto d = local_diffusion(total, window.window, frame);
    if (!d) continue;
    window.diffusion_ang2_fs = *d;
    std::vector<double> replicate;
    for (const ExitSums& one : unit) {
      const ExitSums rest = sum(total, one, -1);
      const auto without = rest.exits > 0 ? local_diffusion(rest, window.window, frame) : std::nullopt;
      if (!without) break;
      replicate.push_back(*without);
    }
    if (replicate.size() == unit.size()) window.relative_error = jackknife_error(replicate) / *d;
  }
  return plan;
}

std::optional<double> needed_time_fs(const PassagePlan& plan, const PlannedWindow& window, double precision) {
  if (!(precision > 0)) throw Error(ErrorKind::usage, fmt::format("a precision of {}, expected above 0, e.g. 0.05", precision));
  if (!window.relative_error) return std::nullopt;
  return window.followed_fs + (plan.time_fs - window.followed_fs) * std::pow(*window.relative_error / precision, 2);
}

}  // namespace saltus::kinetics
