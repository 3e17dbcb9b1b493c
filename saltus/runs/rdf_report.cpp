#include "saltus/runs/rdf_report.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "saltus/kinetics/jackknife.hpp"

namespace saltus::runs {

namespace {

/// Of each bin: the value of all frames, and the interval that leaving one block out gives.
std::vector<Estimate> estimates_of(const std::vector<double>& values, const std::vector<std::vector<Rdf>>& without,
                                   std::size_t pair, std::vector<double> Rdf::*member) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<Estimate> result;
  for (std::size_t k = 0; k < values.size(); ++k) {
    std::vector<double> replicates;
    for (const auto& rest : without) replicates.push_back((rest[pair].*member)[k]);
    result.push_back(replicates.empty() ? Estimate{values[k], none, none}
                                        : kinetics::jackknife_estimate(values[k], replicates));
  }
  return result;
}

}  // namespace

RdfReport analyze_rdf(const TrajectoryInput& input, RdfSettings settings, std::size_t blocks,
                      const Progress& progress) {
  settings.stride = 1;
  TrajectorySource source(input, false, progress);
  const Atoms& atoms = *source.first().atoms;
  settings.frames_per_step = std::max<std::size_t>(1, source.beads());
  RdfReport report;
  report.formula = formula(atoms);
  if (settings.pairs.empty()) {
    const std::set<int> elements(atoms.atomic_number.begin(), atoms.atomic_number.end());
    for (const int a : elements)
      for (const int b : elements)
        if (a <= b) settings.pairs.emplace_back(a, b);
  }
  RdfAnalysis analysis(settings);
  Analysis* const analyses[] = {&analysis};
  report.frames = read_all(source, input, analyses, report.warnings);
  const std::vector<Rdf> all = analysis.finish();
  const auto without = analysis.leaving_one_block_out(blocks);
  report.blocks = without.size();
  report.r_ang = all.at(0).r_ang;
  for (std::size_t k = 0; k < all.size(); ++k)
    report.pairs.push_back({all[k].first, all[k].second, estimates_of(all[k].g, without, k, &Rdf::g),
                            estimates_of(all[k].coordination, without, k, &Rdf::coordination)});
  return report;
}

}  // namespace saltus::runs
