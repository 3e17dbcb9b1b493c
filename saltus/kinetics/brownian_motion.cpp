#include "saltus/kinetics/brownian_motion.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"

namespace saltus::kinetics {

namespace {

constexpr double slope_half_step_ang = 1e-4;
constexpr std::size_t fewest_nodes = 1000, most_nodes = std::size_t{1} << 24;
constexpr double overdamped_limit = 0.1, langevin_limit = 0.1, friction_limit = 0.2;
constexpr double given_step_limit = 10;  // times the automatic step
constexpr double most_steps = 1e5;       // in a frame
constexpr std::size_t chunk_particles = 16;  // a cache line of a frame

double slope_of(const LineProfile::Function& function, double z) {
  return (function(z + slope_half_step_ang) - function(z - slope_half_step_ang)) / (2 * slope_half_step_ang);
}

struct Hermite {
  double value, slope;
};

Hermite hermite(double y0, double slope0, double y1, double slope1, double width, double t) {
  const double rise = y1 - y0, a = slope0 * width - rise, b = rise - slope1 * width;
  return {y0 + t * rise + t * (1 - t) * ((1 - t) * a + t * b), (rise + (1 - 2 * t) * ((1 - t) * a + t * b) + t * (1 - t) * (b - a)) / width};
}

}  // namespace

LineProfile::LineProfile(const Line& line, const Function& diffusion_ang2_fs, const Function& free_energy_kt, double spacing_ang) : line_(line) {
  const double length = line.high_ang - line.low_ang;
  if (!(length > 0) || !std::isfinite(length))
    throw Error(ErrorKind::usage, fmt::format("a line from {} to {} Å, expected a finite length above 0", line.low_ang, line.high_ang));
  if (!(spacing_ang > 0) || length / spacing_ang > static_cast<double>(most_nodes))
    throw Error(ErrorKind::usage, fmt::format("a line of {} Å in nodes {} Å apart, expected at most {} nodes", length, spacing_ang, most_nodes));
  const std::size_t intervals = std::max(fewest_nodes, static_cast<std::size_t>(std::ceil(length / spacing_ang - 1e-9)));
  spacing_ang_ = length / static_cast<double>(intervals);
  nodes_per_ang_ = static_cast<double>(intervals) / length;
  double highest_d = 0, lowest_d = 0, steepest = 0, flattest = 0, steepest_d = 0, lowest_f = 0;
  for (std::size_t k = 0; k <= intervals; ++k) {
    const double z = line.low_ang + static_cast<double>(k) * spacing_ang_;
    const Node node{diffusion_ang2_fs(z), slope_of(diffusion_ang2_fs, z), free_energy_kt(z), slope_of(free_energy_kt, z)};
    if (!(node.diffusion_ang2_fs > 0) || !std::isfinite(node.diffusion_ang2_fs) || !std::isfinite(node.diffusion_slope))
      throw Error(ErrorKind::usage, fmt::format("D is {:.6g} Å²/ps at z = {:.6g} Å, expected above 0", node.diffusion_ang2_fs * units::fs_per_ps, z));
    if (!std::isfinite(node.free_energy_kt) || !std::isfinite(node.free_energy_slope_per_ang))
      throw Error(ErrorKind::usage, fmt::format("F is {:.6g} kT at z = {:.6g} Å, expected a finite number", node.free_energy_kt, z));
    if (k == 0) {
      highest_d = lowest_d = node.diffusion_ang2_fs;
      steepest = flattest = node.free_energy_slope_per_ang;
      lowest_f = node.free_energy_kt;
    }
    highest_d = std::max(highest_d, node.diffusion_ang2_fs);
    lowest_d = std::min(lowest_d, node.diffusion_ang2_fs);
    steepest = std::max(steepest, node.free_energy_slope_per_ang);
    flattest = std::min(flattest, node.free_energy_slope_per_ang);
    steepest_d = std::max(steepest_d, std::abs(node.diffusion_slope));
    lowest_f = std::min(lowest_f, node.free_energy_kt);
    node_.push_back(node);
  }
  if (line.ends == LineEnds::periodic) {
    const Node &first = node_.front(), &last = node_.back();
    if (std::abs(first.diffusion_ang2_fs - last.diffusion_ang2_fs) > 1e-6 * highest_d || std::abs(first.free_energy_kt - last.free_energy_kt) > 1e-6)
      throw Error(ErrorKind::usage, fmt::format("D and F are {:.6g} Å²/ps, {:.6g} kT at one end of the period of {:.6g} Å and {:.6g} Å²/ps, {:.6g} kT at the other; choose another period, or walls",
                                                first.diffusion_ang2_fs * units::fs_per_ps, first.free_energy_kt, length, last.diffusion_ang2_fs * units::fs_per_ps, last.free_energy_kt));
  }
  // Differences of rounding in slopes are no variation.
  uniform_ = highest_d - lowest_d <= 1e-12 * highest_d && steepest_d * length <= 1e-9 * highest_d && (steepest - flattest) * length <= 1e-7 &&
             (line.ends == LineEnds::free || std::abs(steepest) * length <= 1e-7);
  cumulative_.assign(node_.size(), 0);
  for (std::size_t k = 1; k < node_.size(); ++k)
    cumulative_[k] = cumulative_[k - 1] + std::exp(lowest_f - node_[k - 1].free_energy_kt) + std::exp(lowest_f - node_[k].free_energy_kt);
  for (double& c : cumulative_) c /= cumulative_.back();
}

LineProfile::Node LineProfile::at(double z_ang) const {
  const double place = (z_ang - line_.low_ang) * nodes_per_ang_;
  if (!(place >= 0 && z_ang <= line_.high_ang)) {
    Node node = place < 0 ? node_.front() : node_.back();
    node.free_energy_kt += node.free_energy_slope_per_ang * (z_ang - (place < 0 ? line_.low_ang : line_.high_ang));
    node.diffusion_slope = 0;
    return node;
  }
  const std::size_t k = std::min(static_cast<std::size_t>(place), node_.size() - 2);
  const double t = place - static_cast<double>(k);
  const Node &a = node_[k], &b = node_[k + 1];
  const Hermite d = hermite(a.diffusion_ang2_fs, a.diffusion_slope, b.diffusion_ang2_fs, b.diffusion_slope, spacing_ang_, t);
  const Hermite f = hermite(a.free_energy_kt, a.free_energy_slope_per_ang, b.free_energy_kt, b.free_energy_slope_per_ang, spacing_ang_, t);
  return {d.value, d.slope, f.value, f.slope};
}

double LineProfile::equilibrium_position_ang(Random& random) const {
  const double u = random.uniform();
  const std::size_t k = static_cast<std::size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, u) - cumulative_.begin()) - 1;
  // Within an interval the density is linear: a t + (b − a) t²/2 = (a + b)/2 · share.
  const double share = (u - cumulative_[k]) / (cumulative_[k + 1] - cumulative_[k]);
  const double ratio = std::exp(node_[k].free_energy_kt - node_[k + 1].free_energy_kt);  // b/a
  const double t = share * (1 + ratio) / (1 + std::sqrt(1 + share * (ratio * ratio - 1)));
  return std::min(line_.low_ang + (static_cast<double>(k) + t) * spacing_ang_, line_.high_ang);
}

LineProfile::Function monotone_cubic(std::vector<double> x, std::vector<double> y, double period) {
  if (x.size() != y.size() || x.size() < 2) throw Error(ErrorKind::usage, "a curve through fewer than two points");
  if (period > 0) {
    if (!(x.back() - x.front() < period)) throw Error(ErrorKind::usage, "a periodic curve through points that span more than its period");
    x.push_back(x.front() + period);
    y.push_back(y.front());
  }
  const std::size_t n = x.size();
  std::vector<double> secant(n - 1), slope(n);
  for (std::size_t k = 0; k + 1 < n; ++k) {
    if (!(x[k + 1] > x[k])) throw Error(ErrorKind::usage, fmt::format("a curve through points at {} and then {}, expected them to ascend", x[k], x[k + 1]));
    secant[k] = (y[k + 1] - y[k]) / (x[k + 1] - x[k]);
  }
  // Harmonic mean of the secants, weighted by their widths; 0 at maxima and minima.
  const auto between = [&](std::size_t left, std::size_t right) {
    const double a = secant[left], b = secant[right];
    if (a * b <= 0) return 0.0;
    const double wa = x[left + 1] - x[left], wb = x[right + 1] - x[right], w1 = 2 * wb + wa, w2 = wb + 2 * wa;
    return (w1 + w2) / (w1 / a + w2 / b);
  };
  for (std::size_t k = 1; k + 1 < n; ++k) slope[k] = between(k - 1, k);
  slope.front() = period > 0 ? between(n - 2, 0) : secant.front();
  slope.back() = period > 0 ? slope.front() : secant.back();
  return [x = std::move(x), y = std::move(y), slope = std::move(slope), period](double at) {
    if (period > 0) at -= period * std::floor((at - x.front()) / period);
    if (at <= x.front()) return y.front() + slope.front() * (at - x.front());
    if (at >= x.back()) return y.back() + slope.back() * (at - x.back());
    const std::size_t k = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), at) - x.begin()) - 1;
    const double width = x[k + 1] - x[k];
    return hermite(y[k], slope[k], y[k + 1], slope[k + 1], width, (at - x[k]) / width).value;
  };
}

BrownianMotion::BrownianMotion(LineProfile profile, const BrownianSettings& settings) : profile_(std::move(profile)), settings_(settings) {
  const double frame = settings.frame_interval_fs;
  if (!(frame > 0) || !std::isfinite(frame)) throw Error(ErrorKind::usage, fmt::format("a frame interval of {} fs, expected above 0", frame));
  if (!(settings.velocity_time_fs >= 0)) throw Error(ErrorKind::usage, fmt::format("a velocity time of {} fs, expected at least 0", settings.velocity_time_fs));
  const Line& line = profile_.line();
  if (!settings.start_ang && line.ends == LineEnds::free) throw Error(ErrorKind::usage, "a free line has no equilibrium: give a start");
  if (settings.start_ang && line.ends != LineEnds::free && !(*settings.start_ang >= line.low_ang && *settings.start_ang <= line.high_ang))
    throw Error(ErrorKind::usage, fmt::format("a start at {} Å, outside {} to {} Å", *settings.start_ang, line.low_ang, line.high_ang));

  const bool langevin = settings.velocity_time_fs > 0;
  const auto nodes = profile_.nodes();
  if (langevin) {
    double largest = 0;
    for (const auto& node : nodes) largest = std::max(largest, node.diffusion_ang2_fs);
    kt_over_mass_ = largest / settings.velocity_time_fs;
  }
  double longest = frame, narrowest = 0, place = line.low_ang;
  for (std::size_t k = 0; k < nodes.size() && !(profile_.uniform() && !langevin); ++k) {
    const auto& node = nodes[k];
    const double d = node.diffusion_ang2_fs;
    double variation = std::max(std::abs(node.free_energy_slope_per_ang), std::abs(node.diffusion_slope) / d);
    if (line.ends == LineEnds::walls) variation = std::max(variation, 2 / profile_.length_ang());
    if (k + 1 < nodes.size()) {
      const double curvature = std::abs(nodes[k + 1].free_energy_slope_per_ang - node.free_energy_slope_per_ang) / profile_.spacing_ang();
      const double curvature_d = std::abs(nodes[k + 1].diffusion_slope - node.diffusion_slope) / profile_.spacing_ang() / d;
      variation = std::max(variation, std::sqrt(std::max(curvature, curvature_d)));
    }
    double step = variation > 0 ? std::pow(overdamped_limit / variation, 2) / (2 * d) : frame;
    if (langevin) {
      step = friction_limit * d / kt_over_mass_;
      if (variation > 0) step = std::min(step, langevin_limit / (std::sqrt(kt_over_mass_) * variation));
    }
    if (step < longest) {
      longest = step;
      narrowest = variation > 0 ? 1 / variation : 0;
      place = line.low_ang + static_cast<double>(k) * profile_.spacing_ang();
    }
  }
  double step = longest;
  if (settings.step_fs != 0) {
    step = settings.step_fs;
    if (!(step > 0) || step > frame * (1 + 1e-9)) throw Error(ErrorKind::usage, fmt::format("a step of {} fs, expected above 0 and at most a frame, {} fs", step, frame));
    if (step > given_step_limit * longest && longest < frame)
      throw Error(ErrorKind::usage, fmt::format("a step of {} fs is too long for D and F near z = {:.4g} Å; the automatic one is {:.3g} fs", step, place, longest));
  }
  if (frame / step > most_steps)
    throw Error(ErrorKind::usage, fmt::format("{:.3g} steps of {:.3g} fs in a frame, at most {:.0e}: D or F vary over {:.3g} Å near z = {:.4g} Å{}; smooth them, or choose a shorter frame interval",
                                              frame / step, step, most_steps, narrowest, place, langevin ? " or the velocity time is short" : ""));
  steps_ = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(frame / step - 1e-9)));
  step_fs_ = frame / static_cast<double>(steps_);
}

BrownianParticle BrownianMotion::start(std::size_t particle) const {
  BrownianParticle p;
  p.random = Random(settings_.seed, particle);
  p.z_ang = settings_.start_ang ? *settings_.start_ang : profile_.equilibrium_position_ang(p.random);
  if (kt_over_mass_ > 0) p.velocity_ang_fs = std::sqrt(kt_over_mass_) * p.random.normal();
  return p;
}

void BrownianMotion::drift(BrownianParticle& p, double distance_ang) const {
  const Line& line = profile_.line();
  double z = p.z_ang + distance_ang;
  if (line.ends != LineEnds::free && !(z >= line.low_ang && z <= line.high_ang)) {
    const double length = profile_.length_ang();
    const double turns = std::floor((z - line.low_ang) / length);
    z = std::clamp(z - turns * length, line.low_ang, line.high_ang);
    if (line.ends == LineEnds::periodic) p.turns += static_cast<std::int64_t>(turns);
    else if (std::fmod(turns, 2) != 0) {  // an odd number of reflections
      z = line.low_ang + line.high_ang - z;
      p.velocity_ang_fs = -p.velocity_ang_fs;
    }
  }
  p.z_ang = z;
}

void BrownianMotion::step_overdamped(BrownianParticle& p) const {
  const double h = step_fs_;
  const auto here = profile_.at(p.z_ang);
  const double xi = p.random.normal();
  drift(p, (here.diffusion_slope - here.diffusion_ang2_fs * here.free_energy_slope_per_ang) * h + std::sqrt(2 * here.diffusion_ang2_fs * h) * xi +
               0.5 * here.diffusion_slope * (xi * xi - 1) * h);
}

void BrownianMotion::advance_langevin(BrownianParticle& p) const {
  const double h = step_fs_, w = kt_over_mass_;
  double kick = 0.5 * h * w * profile_.at(p.z_ang).free_energy_slope_per_ang;
  for (std::int64_t k = 0; k < steps_; ++k) {
    p.velocity_ang_fs -= kick;
    drift(p, 0.5 * h * p.velocity_ang_fs);
    const double x = 0.5 * h * w / profile_.at(p.z_ang).diffusion_ang2_fs, c = (1 - x) / (1 + x);
    p.velocity_ang_fs = c * p.velocity_ang_fs + std::sqrt(w * (1 - c * c)) * p.random.normal();
    drift(p, 0.5 * h * p.velocity_ang_fs);
    kick = 0.5 * h * w * profile_.at(p.z_ang).free_energy_slope_per_ang;
    p.velocity_ang_fs -= kick;
  }
}

void BrownianMotion::advance(BrownianParticle& particle) const {
  if (kt_over_mass_ > 0) advance_langevin(particle);
  else
    for (std::int64_t k = 0; k < steps_; ++k) step_overdamped(particle);
}

void BrownianMotion::write_frames(std::span<BrownianParticle> particles, std::span<float> out_ang) const {
  const std::size_t n = particles.size();
  parallel_chunks(n, chunk_particles, [&](std::size_t first, std::size_t last) {
    for (std::size_t row = 0; row < out_ang.size(); row += n)
      for (std::size_t p = first; p < last; ++p) {
        out_ang[row + p] = static_cast<float>(position_ang(particles[p]));
        advance(particles[p]);
      }
  });
}

std::vector<float> brownian_frames(const BrownianMotion& motion, std::size_t particles, std::size_t frames, const Progress& progress) {
  std::vector<BrownianParticle> state;
  for (std::size_t p = 0; p < particles; ++p) state.push_back(motion.start(p));
  std::vector<float> out(frames * particles);
  constexpr std::size_t block = 64;
  for (std::size_t first = 0; first < frames; first += block) {
    const std::size_t last = std::min(frames, first + block);
    motion.write_frames(state, std::span(out).subspan(first * particles, (last - first) * particles));
    report_progress(progress, "brownian motion", static_cast<double>(last), static_cast<double>(frames), "frames");
  }
  return out;
}

}  // namespace saltus::kinetics
