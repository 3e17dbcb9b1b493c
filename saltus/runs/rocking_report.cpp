#include "saltus/runs/rocking_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/runs/from_blocks.hpp"

namespace saltus::runs {

namespace {

double pearson(const RockingMoments& m) {
  const double nu = m.nu / m.count, q = m.q / m.count;
  return (m.nu_q / m.count - nu * q) / std::sqrt((m.nu2 / m.count - nu * nu) * (m.q2 / m.count - q * q));
}

/// Of the two coordinates of a table of counts, in nats.
double mutual_information(const std::vector<double>& joint) {
  constexpr std::size_t rows = RockingTable::joint_nu, columns = RockingTable::joint_q;
  std::array<double, rows> of_row{};
  std::array<double, columns> of_column{};
  double all = 0;
  for (std::size_t k = 0; k < joint.size(); ++k) {
    of_row[k / columns] += joint[k];
    of_column[k % columns] += joint[k];
    all += joint[k];
  }
  double sum = 0;
  for (std::size_t k = 0; k < joint.size(); ++k)
    if (joint[k] > 0) sum += joint[k] / all * std::log(joint[k] * all / (of_row[k / columns] * of_column[k % columns]));
  return sum;
}

Estimate clipped(Estimate e, double least, double most) {
  if (std::isfinite(e.low)) e = {e.value, std::max(least, e.low), std::min(most, e.high)};
  return e;
}

RockingCorrelation of_moments(const FromBlocks<RockingMoments>& sums) {
  RockingCorrelation result;
  result.mean = sums.estimate([](const RockingMoments& m) { return m.q / m.count; });
  result.deviation = sums.estimate([](const RockingMoments& m) { return std::sqrt(std::max(0.0, m.q2 / m.count - m.q / m.count * m.q / m.count)); });
  result.pearson = clipped(sums.estimate(pearson), -1, 1);
  return result;
}

/// Sparse counts make independent coordinates look dependent; the jackknife sees that as a bias of order one over the number of blocks.
Estimate information_of(const FromBlocks<RockingTable>& sums, const std::vector<RockingTable>& blocks) {
  Estimate e = sums.estimate([](const RockingTable& t) { return mutual_information(t.joint); });
  if (!std::isfinite(e.low)) return e;
  std::vector<double> replicates;
  for (std::size_t left_out = 0; left_out < blocks.size(); ++left_out) {
    RockingTable rest;
    for (std::size_t b = 0; b < blocks.size(); ++b)
      if (b != left_out) rest += blocks[b];
    replicates.push_back(mutual_information(rest.joint));
  }
  const double value = std::max(0.0, e.value - kinetics::jackknife_bias(e.value, replicates)), half = e.high - e.value;
  return {value, std::max(0.0, value - half), value + half};
}

}  // namespace

RockingReport rocking_report(const RockingAnalysis& analysis, const Atoms& atoms, std::size_t blocks) {
  RockingReport report;
  const Bins bins = RockingAnalysis::nu_bins();
  for (std::size_t k = 0; k < bins.count; ++k) report.nu_ang.push_back(bins.centre_ang(k));
  for (const RotatingGroup& group : analysis.groups()) report.groups.push_back(fmt::format("{}{}", symbol_of(atoms.atomic_number[group.centre]), group.centre + 1));
  const RockingCounts total = analysis.total();
  const std::vector<RockingCounts> of_block = analysis.blocks(blocks);
  const double none = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t kind = 0; kind < total.all.size(); ++kind) {
    report.kinds.emplace_back(analysis.groups().size() + 1);
    for (std::size_t c = 0; c < rocking_coordinates; ++c) {
      for (std::size_t b = 0; b < analysis.groups().size(); ++b) {
        std::vector<RockingMoments> parts;
        for (const RockingCounts& block : of_block) parts.push_back(block.bonds[kind][b][c]);
        report.kinds[kind][b][c] = of_moments(FromBlocks<RockingMoments>(total.bonds[kind][b][c], parts));
        report.kinds[kind][b][c].mutual_information_nat = {none, none, none};
      }
      std::vector<RockingTable> tables;
      std::vector<RockingMoments> moments;
      for (const RockingCounts& block : of_block) {
        tables.push_back(block.all[kind][c]);
        moments.push_back(block.all[kind][c].moments);
      }
      RockingCorrelation& all = report.kinds[kind].back()[c];
      all = of_moments(FromBlocks<RockingMoments>(total.all[kind][c].moments, moments));
      const FromBlocks<RockingTable> sums(total.all[kind][c], tables);
      all.mutual_information_nat = information_of(sums, tables);
      for (std::size_t k = 0; k < bins.count; ++k) all.given_nu.push_back(sums.estimate([=](const RockingTable& t) { return t.sum[k] / t.count[k]; }));
    }
  }
  return report;
}

}  // namespace saltus::runs
