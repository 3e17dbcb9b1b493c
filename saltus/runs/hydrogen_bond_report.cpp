#include "saltus/runs/hydrogen_bond_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/runs/from_blocks.hpp"

namespace saltus::runs {

namespace {

constexpr double decayed = 0.05;

Estimate not_negative(Estimate e) {
  if (std::isfinite(e.low)) e.low = std::max(0.0, e.low);
  return e;
}

BondLifetime lifetime_of(const FromBlocks<BondCorrelationSums>& sums, const std::vector<double>& lag_fs, std::vector<double> BondCorrelationSums::*list) {
  BondLifetime result;
  for (std::size_t l = 0; l < lag_fs.size(); ++l)
    result.correlation.push_back(not_negative(sums.estimate([&](const BondCorrelationSums& s) { return (s.*list)[l] / s.bonded[l]; })));
  const double left = result.correlation.back().value;
  if (!(left <= decayed)) {
    result.note = fmt::format("undetermined: at the longest lag of {:.6g} fs, half a time block, the correlation is still {:.2f}", lag_fs.back(), left);
    return result;
  }
  result.lifetime_fs = sums.estimate([&](const BondCorrelationSums& s) {
    double area = 0, before = 0;
    for (std::size_t l = 0; l < lag_fs.size(); ++l) {
      const double now = (s.*list)[l] / s.bonded[l];
      if (l > 0) area += (lag_fs[l] - lag_fs[l - 1]) * (now + before) / 2;
      before = now;
    }
    return area;
  });
  return result;
}

void add_lifetimes(const HydrogenBondAnalysis& analysis, std::size_t blocks, HydrogenBondReport& report) {
  const auto frames = static_cast<std::int64_t>(analysis.frames()), count = static_cast<std::int64_t>(blocks);
  const std::int64_t longest = frames / count / 2;
  if (longest < 1) {
    report.warnings.push_back("no lifetimes: they need two frames or more in each time block");
    return;
  }
  std::vector<std::int64_t> lags{0};
  for (const std::int64_t lag : kinetics::log_spaced_lags(longest, 30)) lags.push_back(lag);
  for (const std::int64_t lag : lags) report.lag_fs.push_back(static_cast<double>(lag) * analysis.spacing_fs());
  const std::vector<BondCorrelationSums> of_block = analysis.correlations(lags, blocks);
  BondCorrelationSums total;
  for (const BondCorrelationSums& block : of_block) total += block;
  const FromBlocks<BondCorrelationSums> sums(total, of_block);
  report.continuous = lifetime_of(sums, report.lag_fs, &BondCorrelationSums::continuous);
  report.intermittent = lifetime_of(sums, report.lag_fs, &BondCorrelationSums::intermittent);
}

}  // namespace

HydrogenBondReport analyze_hydrogen_bonds(const TrajectoryInput& input, HydrogenBondSettings settings, std::size_t blocks, const Progress& progress) {
  TrajectorySource source(input, false, progress);
  const std::shared_ptr<const Atoms> atoms = source.first().atoms;
  settings.beads = source.beads();
  HydrogenBondAnalysis analysis(*atoms, settings);
  Analysis* const analyses[] = {&analysis};
  HydrogenBondReport report;
  report.formula = formula(*atoms);
  report.frames = read_all(source, input, analyses, report.warnings);
  report.beads = settings.beads;
  report.steps = report.frames / std::max<std::size_t>(1, settings.beads);
  report.heavy_atoms = analysis.heavy().size();
  if (report.steps == 0) throw Error(ErrorKind::usage, fmt::format("{}: no step has all of its {} beads", input.path.string(), settings.beads));
  const std::vector<HydrogenBondSums> of_block = analysis.blocks(blocks);
  report.blocks = of_block.size();
  if (report.blocks == 0) report.warnings.push_back("no intervals: they need two steps or more");

  using Sums = HydrogenBondSums;
  const FromBlocks<Sums> sums(analysis.total(), of_block);
  const auto heavy = static_cast<double>(report.heavy_atoms);
  report.bonds = not_negative(sums.estimate([](const Sums& s) { return s.bonds / s.frames; }));
  report.bonds_per_atom = not_negative(sums.estimate([=](const Sums& s) { return 2 * s.bonds / s.frames / heavy; }));
  report.distance_ang = sums.estimate([](const Sums& s) { return s.distance_ang / s.bonds; });
  report.angle_degrees = sums.estimate([](const Sums& s) { return s.angle_degrees / s.bonds; });
  const std::size_t elements = settings.elements.size();
  for (std::size_t k = 0; k < elements * elements; ++k)
    if (sums.total().of_elements[k] > 0)
      report.elements.push_back({fmt::format("{}-H...{}", symbol_of(settings.elements[k / elements]), symbol_of(settings.elements[k % elements])),
                                 not_negative(sums.estimate([=](const Sums& s) { return s.of_elements[k] / s.frames; }))});
  for (std::size_t k = 0; k < report.heavy_atoms; ++k) {
    const std::uint32_t atom = analysis.heavy()[k];
    report.atoms.push_back({fmt::format("{}{}", symbol_of(atoms->atomic_number[atom]), atom + 1), atom,
                            not_negative(sums.estimate([=](const Sums& s) { return s.donated[k] / s.frames; })),
                            not_negative(sums.estimate([=](const Sums& s) { return s.accepted[k] / s.frames; }))});
  }
  for (std::size_t n = 0; n <= Sums::most_bonds; ++n)
    report.fraction_with.push_back(not_negative(sums.estimate([=](const Sums& s) { return s.atoms_with[n] / s.frames / heavy; })));
  for (std::size_t k = 0; k < sums.total().distance_count.size(); ++k) {
    report.distance_bin_ang.push_back((static_cast<double>(k) + 0.5) * Sums::distance_bin_ang);
    report.distance_per_ang.push_back(not_negative(sums.estimate([=](const Sums& s) { return s.distance_count[k] / s.bonds / Sums::distance_bin_ang; })));
  }
  for (std::size_t k = 0; k < sums.total().angle_count.size(); ++k) {
    report.angle_bin_degrees.push_back((static_cast<double>(k) + 0.5) * Sums::angle_bin_degrees);
    report.angle_per_degree.push_back(not_negative(sums.estimate([=](const Sums& s) { return s.angle_count[k] / s.bonds / Sums::angle_bin_degrees; })));
  }

  if (!(sums.total().bonds > 0)) report.warnings.push_back("there is no hydrogen bond in any frame");
  else if (settings.beads > 0 || input.read.bead) report.warnings.push_back("no lifetimes: beads of ring polymers do not follow one another in time");
  else if (!analysis.follows_time()) report.warnings.push_back("no lifetimes: the frames have no times, are not all the same time apart, or bonds break too often to be kept (--every)");
  else if (report.blocks > 0) add_lifetimes(analysis, report.blocks, report);
  return report;
}

}  // namespace saltus::runs
