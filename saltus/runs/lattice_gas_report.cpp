#include "saltus/runs/lattice_gas_report.hpp"

#include <chrono>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/kinetics/haven_ratio.hpp"
#include "saltus/kinetics/lattice_gas.hpp"
#include "saltus/runs/network_file.hpp"

namespace saltus::runs {

namespace {

using units::fs_per_ps;

constexpr double largest_positions = 5e7;

Estimate scaled(const Estimate& e, double factor) { return {e.value * factor, e.low * factor, e.high * factor}; }

void check_settings(const LatticeGasSettings& s) {
  if (!std::isfinite(s.time_ps) || !(s.time_ps > 0)) throw Error(ErrorKind::usage, "the time to simulate must be positive");
  if (!std::isfinite(s.every_ps) || !(s.every_ps > 0) || s.every_ps > s.time_ps)
    throw Error(ErrorKind::usage, fmt::format("frames every {} ps: this must be positive and at most the time, {} ps", s.every_ps, s.time_ps));
  const double positions = (s.time_ps / s.every_ps + 1) * static_cast<double>(s.carriers);
  if (positions > largest_positions)
    throw Error(ErrorKind::usage, fmt::format("{:.3g} positions would be kept, at most {:.0e}: frames further apart, or fewer carriers", positions,
                                              largest_positions));
}

kinetics::SiteTrajectory visits_of(const CarrierFrames& frames) {
  kinetics::SiteTrajectory visits{frames.types, static_cast<int>(frames.carriers), static_cast<std::int64_t>(frames.frames), {}};
  for (std::size_t c = 0; c < frames.carriers; ++c) {
    kinetics::SiteSegment segment{static_cast<int>(c), {}};
    for (std::size_t f = 0; f < frames.frames; ++f) {
      const std::size_t k = f * frames.carriers + c;
      const auto t = static_cast<std::int64_t>(f);
      if (!segment.visits.empty() && segment.visits.back().state == frames.type[k] && segment.visits.back().image == frames.cell[k])
        ++segment.visits.back().end_frame;
      else
        segment.visits.push_back({t, t + 1, frames.type[k], frames.cell[k]});
    }
    visits.segments.push_back(std::move(segment));
  }
  return visits;
}

/// The displacement of all carriers together, as that of one particle.
void add_collective(LatticeGasReport& report, const std::vector<Vec3>& position) {
  const CarrierFrames& frames = report.frames;
  std::vector<Vec3> together;
  for (std::size_t f = 0; f < frames.frames; ++f)
    together.push_back(kinetics::collective_position(std::span(position).subspan(f * frames.carriers, frames.carriers)));
  const kinetics::MsdCurve curve = kinetics::mean_square_displacement(together, 1, report.one_carrier.msd.lag_frames, report.settings.blocks);
  if (curve.lag_frames.size() < 4) {
    report.collective_note = "undetermined: the time blocks are too short";
    return;
  }
  const kinetics::DiffusionFit fit = kinetics::fit_diffusion(curve, report.one_carrier.frame_spacing_fs);
  report.collective_ang2_per_ps = scaled(fit.diffusion_ang2_fs, fs_per_ps);
  if (!fit.linear_regime_found) report.collective_note = "no linear regime found";
  if (report.one_carrier.fit) report.haven_ratio = kinetics::haven_ratio(*report.one_carrier.fit, fit);
}

}  // namespace

int CarrierFrames::supercell_site(std::size_t k, Int3& image) const {
  int site = 0;
  for (std::size_t x = 0; x < 3; ++x) {
    const int n = cells[x], inside = ((cell[k][x] % n) + n) % n;
    image[x] = (cell[k][x] - inside) / n;
    site = site * n + inside;
  }
  return site * types + type[k];
}

LatticeGasReport simulate_lattice_gas(const kinetics::SiteNetwork& network, const std::string& name,
                                      const LatticeGasSettings& settings, const Progress& progress) {
  check_settings(settings);
  const kinetics::ConnectedNetwork connected = connect_network(network, name);
  LatticeGasReport report;
  report.settings = settings;
  const auto moments = kinetics::network_moments(connected.network);
  if (connected.broken)
    throw Error(ErrorKind::unsupported, name + ": carriers start in equilibrium, and this network has none: detailed balance fails (see saltus network)");
  report.one_carrier_diffusion_ang2_per_ps = kinetics::network_transport(moments).diffusion_ang2;
  if (connected.dropped_sites > 0)
    report.warnings.push_back(fmt::format("the network falls into {} parts; carriers are put on the largest, of {} sites", connected.n_sets,
                                          connected.site.size()));
  const kinetics::Tiling tiling = kinetics::tile(network, connected, settings.cells);
  report.sites = static_cast<std::int64_t>(tiling.n_sites());

  CarrierFrames& frames = report.frames;
  frames.carriers = static_cast<std::size_t>(settings.carriers);
  frames.frames = static_cast<std::size_t>(std::floor(settings.time_ps / settings.every_ps + 1e-9)) + 1;
  frames.cells = settings.cells;
  frames.types = tiling.n_types;
  frames.cell_rows_ang = *network.cell_rows_ang;
  for (const int site : connected.site) frames.site_ang.push_back(network.position_ang[static_cast<std::size_t>(site)]);
  frames.type.reserve(frames.frames * frames.carriers);
  frames.cell.reserve(frames.frames * frames.carriers);
  const auto begin = std::chrono::steady_clock::now();
  kinetics::LatticeGas gas(tiling, settings.carriers, connected.network.pi, Random(settings.seed, 1));
  for (std::size_t f = 0; f < frames.frames; ++f) {
    gas.run_until(static_cast<double>(f) * settings.every_ps);
    for (std::size_t c = 0; c < frames.carriers; ++c) {
      frames.type.push_back(gas.type_of(c));
      frames.cell.push_back(gas.cell_of(c));
    }
    report_progress(progress, "simulate", static_cast<double>(f), static_cast<double>(frames.frames), "frames");
  }
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  report.events = gas.events();
  report.events_per_s = static_cast<double>(gas.events()) / std::max(elapsed, 1e-9);
  double square = 0;
  for (std::size_t k = 0; k < tiling.moves.size(); ++k)
    square += static_cast<double>(gas.event_count()[k]) * norm2(connected.network.moves[k].displacement_ang);
  report.jump_diffusion_ang2_per_ps = square / (6 * static_cast<double>(settings.carriers) * gas.time());

  kinetics::KineticsInput input;
  input.visits = visits_of(frames);
  input.site_ang = frames.site_ang;
  input.lattice_rows_ang = frames.cell_rows_ang;
  input.n_particles = frames.carriers;
  input.frame_spacing_fs = settings.every_ps * fs_per_ps;
  for (std::size_t k = 0; k < frames.type.size(); ++k) input.position_ang.push_back(frames.position_ang(k));
  kinetics::EstimationSettings estimation;
  estimation.n_blocks = settings.blocks;
  report.one_carrier = kinetics::estimate_kinetics(input, estimation, progress);
  report.tracer_note = report.one_carrier.diffusion_msd_note;
  if (const auto& d = report.one_carrier.diffusion_msd_ang2_fs) {
    report.tracer_ang2_per_ps = scaled(*d, fs_per_ps);
    if (report.jump_diffusion_ang2_per_ps > 0)
      report.correlation_factor = scaled(*report.tracer_ang2_per_ps, 1 / report.jump_diffusion_ang2_per_ps);
  }
  add_collective(report, input.position_ang);
  return report;
}

}  // namespace saltus::runs
