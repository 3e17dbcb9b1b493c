#include "saltus/runs/proton_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/free_energy.hpp"
#include "saltus/runs/from_blocks.hpp"

namespace saltus::runs {

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::string atom_name(const Atoms& atoms, std::uint32_t i) { return fmt::format("{}{}", symbol_of(atoms.atomic_number[i]), i + 1); }

double deviation(double sum, double squares, double count) { return std::sqrt(std::max(0.0, squares / count - sum / count * sum / count)); }

double barrier_kt(const std::vector<double>& counts, bool symmetric) {
  const std::size_t half = counts.size() / 2;
  if (!symmetric) return kinetics::free_energy_at_zero_kt(counts, half).value_or(none);
  std::vector<double> folded;
  for (std::size_t k = 0; k < half; ++k) folded.push_back(counts[half + k] + counts[half - 1 - k]);
  return kinetics::free_energy_at_centre_kt(folded).value_or(none);
}

void set_barrier(const FromBlocks<ProtonSums>& sums, const ProtonReportSettings& settings, double kt_ev, ProtonDistribution& result) {
  Estimate e = sums.estimate([&](const ProtonSums& s) { return kt_ev * barrier_kt(s.nu_count, settings.symmetric); });
  if (!std::isfinite(e.value)) {
    result.barrier_note = "undetermined: nu = 0 was hardly visited, or nu takes too few values";
    return;
  }
  if (std::isfinite(e.low)) e.low = std::max(0.0, e.low);
  result.barrier_ev = e;
  if (!(e.value > 0)) result.barrier_note = "no barrier: P is largest at nu = 0";
  else if (!std::isfinite(e.low)) result.barrier_note = "no interval: a block of time alone visits nu = 0, or there are too few frames";
  else if (!(e.low > 0)) result.barrier_note = "no barrier is resolved: the interval holds zero";
}

/// −kT ln of a share of the counts, above the least of the whole; its band is that of the share.
template <class Count>
std::vector<Estimate> free_energies(const FromBlocks<ProtonSums>& sums, std::size_t bins, double kt_ev, Count count) {
  double most = 0;
  for (std::size_t k = 0; k < bins; ++k) most = std::max(most, count(sums.total(), k) / sums.total().count);
  std::vector<Estimate> result;
  for (std::size_t k = 0; k < bins; ++k)
    result.push_back(count(sums.total(), k) > 0 ? sums.estimate([&](const ProtonSums& s) { return kt_ev * (std::log(most) - std::log(count(s, k) / s.count)); })
                                                : Estimate{none, none, none});
  return result;
}

ProtonDistribution distribution(const FromBlocks<ProtonSums>& sums, const ProtonBins& bins, const ProtonReportSettings& settings, double kt_ev) {
  ProtonDistribution result;
  result.nu_ang = sums.estimate([](const ProtonSums& s) { return s.nu_ang / s.count; });
  result.nu_deviation_ang = sums.estimate([](const ProtonSums& s) { return deviation(s.nu_ang, s.nu2_ang2, s.count); });
  result.r_ang = sums.estimate([](const ProtonSums& s) { return s.r_ang / s.count; });
  result.r_deviation_ang = sums.estimate([](const ProtonSums& s) { return deviation(s.r_ang, s.r2_ang2, s.count); });
  const auto count = [&](const ProtonSums& s, std::size_t k) {
    return settings.symmetric ? (s.nu_count[k] + s.nu_count[s.nu_count.size() - 1 - k]) / 2 : s.nu_count[k];
  };
  for (std::size_t k = 0; k < bins.nu.count; ++k) {
    Estimate e = sums.estimate([&](const ProtonSums& s) { return count(s, k) / s.count / bins.nu.width_ang; });
    if (std::isfinite(e.low)) e.low = std::max(0.0, e.low);
    result.density_per_ang.push_back(e);
  }
  result.free_energy_ev = free_energies(sums, bins.nu.count, kt_ev, count);
  set_barrier(sums, settings, kt_ev, result);
  return result;
}

std::vector<Estimate> joint_free_energies(const FromBlocks<ProtonSums>& sums, const ProtonBins& bins, bool symmetric, double kt_ev) {
  const std::size_t r = bins.joint_r.count, nu = bins.joint_nu.count;
  return free_energies(sums, nu * r, kt_ev, [=](const ProtonSums& s, std::size_t k) {
    return symmetric ? (s.joint[k] + s.joint[(nu - 1 - k / r) * r + k % r]) / 2 : s.joint[k];
  });
}

RingSpread spread_of(const FromBlocks<SpreadSums>& sums) {
  const auto root = [](Estimate e) {
    const auto of = [](double x) { return std::isfinite(x) ? std::sqrt(std::max(0.0, x)) : none; };
    return Estimate{of(e.value), of(e.low), of(e.high)};
  };
  RingSpread spread;
  spread.along_ang = root(sums.estimate([](const SpreadSums& s) { return s.along_ang2 / s.rings; }));
  spread.across_ang = root(sums.estimate([](const SpreadSums& s) { return s.across_ang2 / s.rings / 2; }));
  spread.delocalised = sums.estimate([](const SpreadSums& s) { return s.delocalised / s.rings; });
  // All or none of them in every block: how rare the others are, blocks do not tell.
  if (spread.delocalised.low == spread.delocalised.high) spread.delocalised.low = spread.delocalised.high = none;
  if (std::isfinite(spread.delocalised.low)) spread.delocalised = {spread.delocalised.value, std::max(0.0, spread.delocalised.low), std::min(1.0, spread.delocalised.high)};
  return spread;
}

std::vector<ProtonBond> find_bonds(const TrajectoryInput& input, const ProtonReportSettings& settings, const Progress& progress) {
  TrajectorySource source(input, false, progress);
  ProtonBondSearch search(source.first(), settings.elements, settings.largest_mean_ang);
  Analysis* const analyses[] = {&search};
  std::vector<std::string> notes;
  read_all(source, input, analyses, notes);
  std::vector<ProtonBond> bonds;
  for (const ProtonBondMeans& found : search.finish()) bonds.push_back(found.bond);
  if (bonds.empty())
    throw Error(ErrorKind::usage, fmt::format("{}: no hydrogen bond has a mean distance of donor and acceptor below {:g} Å; raise it, name other elements, or give bonds",
                                              input.path.string(), settings.largest_mean_ang));
  return bonds;
}

void require_bond(const Atoms& atoms, const ProtonBond& bond) {
  for (const std::uint32_t atom : {bond.donor, bond.hydrogen, bond.acceptor})
    if (atom >= atoms.size()) throw Error(ErrorKind::usage, fmt::format("a bond names atom {}, but there are {}", atom + 1, atoms.size()));
  if (bond.donor == bond.acceptor || atoms.atomic_number[bond.hydrogen] != 1 || atoms.atomic_number[bond.donor] == 1 || atoms.atomic_number[bond.acceptor] == 1)
    throw Error(ErrorKind::usage, fmt::format("{}, {}, {}: a bond is a donor, a hydrogen and an acceptor", atom_name(atoms, bond.donor), atom_name(atoms, bond.hydrogen),
                                              atom_name(atoms, bond.acceptor)));
}

}  // namespace

std::vector<std::pair<std::string, const ProtonDistribution*>> distributions_of(const ProtonReport& report) {
  std::vector<std::pair<std::string, const ProtonDistribution*>> list{{report.beads > 0 ? "beads" : "frames", &report.bonds.back().values}};
  if (report.bonds.back().centroid) list.emplace_back("centroids", &*report.bonds.back().centroid);
  return list;
}

std::pair<double, double> visited_range_ang(const ProtonReport& report) {
  std::pair<double, double> range{0, 0};
  for (const auto& [name, d] : distributions_of(report)) {
    double most = 0;
    for (const Estimate& e : d->density_per_ang) most = std::max(most, e.value);
    for (std::size_t k = 0; k < report.nu_ang.size(); ++k)
      if (d->density_per_ang[k].value > 1e-4 * most) range = {std::min(range.first, report.nu_ang[k]), std::max(range.second, report.nu_ang[k])};
  }
  return range;
}

Estimate barrier_difference_ev(const ProtonDistribution& a, const ProtonDistribution& b) {
  const auto whole = [](const Estimate& e) { return Estimate{e.value, 2 * e.value - e.high, e.high}; };
  return difference(whole(a.barrier_ev.value()), whole(b.barrier_ev.value()));
}

Estimate difference(const Estimate& a, const Estimate& b) {
  const double value = a.value - b.value;
  return {value, value - std::hypot(a.value - a.low, b.high - b.value), value + std::hypot(a.high - a.value, b.value - b.low)};
}

ProtonReport analyze_proton(const TrajectoryInput& input, const ProtonReportSettings& settings, const Progress& progress) {
  if (!(settings.temperature_kelvin > 0)) throw Error(ErrorKind::usage, "free energies need the temperature");
  const double kt_ev = units::boltzmann_ev_per_kelvin * settings.temperature_kelvin;
  TrajectorySource source(input, false, progress);
  const std::shared_ptr<const Atoms> atoms = source.first().atoms;
  ProtonSettings own{settings.bonds, source.beads(), settings.bin_ang};
  if (own.bonds.empty()) own.bonds = find_bonds(input, settings, progress);
  for (const ProtonBond& bond : own.bonds) require_bond(*atoms, bond);
  ProtonAnalysis analysis(own);
  std::optional<RockingAnalysis> rocking;
  if (settings.group_element > 0) rocking.emplace(source.first(), RockingSettings{own.bonds, settings.group_element, own.beads});
  std::vector<Analysis*> analyses{&analysis};
  if (rocking) analyses.push_back(&*rocking);
  ProtonReport report;
  report.formula = formula(*atoms);
  report.frames = read_all(source, input, analyses, report.warnings);
  report.steps = analysis.steps();
  report.beads = own.beads;
  if (report.steps == 0) throw Error(ErrorKind::usage, fmt::format("{}: no step has all of its {} beads", input.path.string(), own.beads));
  if (analysis.incomplete() > 0) report.warnings.push_back("the last step lacks beads and is left out");

  const ProtonCounts total = analysis.total();
  const std::vector<ProtonCounts> blocks = analysis.blocks(settings.blocks);
  const ProtonBins& bins = analysis.bins();
  report.blocks = blocks.size();
  if (report.blocks == 0) report.warnings.push_back("no intervals: they need two steps or more");
  for (std::size_t k = 0; k < bins.nu.count; ++k) report.nu_ang.push_back(bins.nu.centre_ang(k));
  for (std::size_t k = 0; k < bins.joint_nu.count; ++k) report.joint_nu_ang.push_back(bins.joint_nu.centre_ang(k));
  for (std::size_t k = 0; k < bins.joint_r.count; ++k) report.joint_r_ang.push_back(bins.joint_r.centre_ang(k));
  const auto from = [&]<class Sums>(std::vector<Sums> ProtonCounts::*list, std::size_t b) {
    std::vector<Sums> of_block;
    for (const ProtonCounts& block : blocks) of_block.push_back((block.*list)[b]);
    return FromBlocks<Sums>((total.*list)[b], of_block);
  };
  const std::size_t count = own.bonds.size();
  for (std::size_t b = 0; b <= count; ++b) {
    ProtonBondReport row;
    if (b < count) {
      const ProtonBond& bond = own.bonds[b];
      row.bond = bond;
      row.name = fmt::format("{}-{}...{}", atom_name(*atoms, bond.donor), atom_name(*atoms, bond.hydrogen), atom_name(*atoms, bond.acceptor));
      report.hydrogen_amu += atoms->mass_amu[bond.hydrogen] / static_cast<double>(count);
    } else {
      row.name = "all";
    }
    row.values = distribution(from(&ProtonCounts::beads, b), bins, settings, kt_ev);
    if (own.beads > 0) {
      row.centroid = distribution(from(&ProtonCounts::centroids, b), bins, settings, kt_ev);
      row.spread = spread_of(from(&ProtonCounts::spread, b));
    } else if (b < count && !input.read.bead) {
      row.sign_changes = analysis.sign_changes()[b];
    }
    report.bonds.push_back(std::move(row));
  }
  const auto all = from(&ProtonCounts::beads, count);
  report.joint_ev = joint_free_energies(all, bins, settings.symmetric, kt_ev);
  if (own.beads > 0) report.joint_centroid_ev = joint_free_energies(from(&ProtonCounts::centroids, count), bins, settings.symmetric, kt_ev);
  for (std::size_t k = 0; k < bins.joint_nu.count; ++k)
    report.r_given_nu_ang.push_back(all.estimate([&](const ProtonSums& s) {
      double weight = 0, sum = 0;
      for (std::size_t l = 0; l < bins.joint_r.count; ++l) {
        const double n = s.joint[k * bins.joint_r.count + l];
        weight += n;
        sum += n * bins.joint_r.centre_ang(l);
      }
      return sum / weight;
    }));
  if (rocking) report.rocking = rocking_report(*rocking, *atoms, settings.blocks);
  return report;
}

}  // namespace saltus::runs
