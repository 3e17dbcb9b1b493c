#include "saltus/runs/wannier_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/output_file.hpp"
#include "saltus/runs/block_estimates.hpp"

namespace saltus::runs {

namespace {

constexpr double largest_centre_ang = 1.5, largest_nu_ang = 1.6, largest_lambda_ang = 0.5;
constexpr std::size_t stretches = 64, chunk_frames = 32;
constexpr int most_bins = 2000;
constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::size_t bins_of(double range, double bin) { return static_cast<std::size_t>(std::ceil(range / bin - 1e-9)); }

/// Columns of the sums of a kind of centres, from `first` on; the histogram follows.
struct CentreColumns {
  std::string name;
  std::size_t first = 0;
  enum : std::size_t { count, distance, square, spread, histogram };
};

/// Columns of the sums of hydrogen bonds between two elements: moments, moments within the window, and per bin of ν.
enum SharingColumn : std::size_t { n, nu, lambda, nu2, lambda2, nu_lambda, donor, acceptor, length, n_near, nu_near, nu2_near, lambda_near, nu_lambda_near, donor_near,
                                   nu_donor_near, acceptor_near, nu_acceptor_near, moments };
enum BinColumn : std::size_t { bin_n, bin_lambda, bin_donor, bin_acceptor, bin_columns };
enum BondColumn : std::size_t { bond_n, bond_nu, bond_lambda, bond_length, bond_columns };

/// The atoms beside the centres.
Frame frame_of(const WannierFrame& centres) {
  Frame frame;
  frame.atoms = centres.atoms;
  frame.cell = *centres.cell;
  frame.position_ang = centres.position_ang;
  return frame;
}

/// What one frame gives.
struct FrameRecord {
  std::vector<double> row;
  std::vector<std::pair<std::uint32_t, ProtonSharing>> bonds;
  std::vector<std::pair<std::uint32_t, int>> odd;  // atoms that should have four centres around them, and how many they have
};

class WannierSums {
 public:
  WannierSums(const WannierSettings& settings, const Atoms& atoms, std::vector<ProtonBond> bonds)
      : settings_(settings), atoms_(atoms), bonds_(std::move(bonds)), distance_bins_(bins_of(largest_centre_ang, settings.bin_ang)),
        nu_bins_(2 * bins_of(largest_nu_ang, settings.nu_bin_ang)), lambda_bins_(2 * bins_of(largest_lambda_ang, settings.lambda_bin_ang)), sums_(stretches) {
    const std::set<int> elements(atoms.atomic_number.begin(), atoms.atomic_number.end());
    for (const int z : elements) {
      if (z == 1) continue;
      for (const int partner : elements)
        if (partner <= z) add_group(z, partner, fmt::format("{}-{} bond", symbol_of(z), symbol_of(partner)));
      add_group(z, 0, fmt::format("{} lone pair", symbol_of(z)));
    }
    for (const ProtonBond& bond : bonds_) {
      const std::pair<int, int> pair(atoms.atomic_number[bond.donor], atoms.atomic_number[bond.acceptor]);
      auto found = std::find(pairs_.begin(), pairs_.end(), pair);
      if (found == pairs_.end()) {
        pairs_.push_back(pair);
        found = pairs_.end() - 1;
        sharing_first_.push_back(take(moments + bin_columns * nu_bins_));
      }
      bond_group_.push_back(static_cast<std::size_t>(found - pairs_.begin()));
      bond_first_.push_back(take(bond_columns));
    }
    joint_.resize(pairs_.size(), std::vector<double>(nu_bins_ * lambda_bins_));
  }

  FrameRecord map(const WannierFrame& frame) const;
  void fold(const FrameRecord& record);
  void end_step() {
    if (pending_.empty()) return;
    sums_.add(pending_);
    pending_.clear();
  }
  void report(WannierReport& report, bool spreads) const;

 private:
  std::size_t take(std::size_t count) { return std::exchange(columns_, columns_ + count); }
  void add_group(int z, int partner, std::string name) {
    group_[{z, partner}] = groups_.size();
    groups_.push_back({std::move(name), take(CentreColumns::histogram + distance_bins_)});
  }
  // The bin of a value within ± range, or the number of bins outside.
  static std::size_t bin_of(double value, double bin, std::size_t bins) {
    const double index = std::floor(value / bin) + static_cast<double>(bins / 2);
    return index >= 0 && index < static_cast<double>(bins) ? static_cast<std::size_t>(index) : bins;
  }
  SharingGroup sharing_group(const BlockEstimates& estimates, std::size_t group) const;

  WannierSettings settings_;
  const Atoms& atoms_;
  std::vector<ProtonBond> bonds_;
  std::size_t distance_bins_, nu_bins_, lambda_bins_, columns_ = 0;
  std::map<std::pair<int, int>, std::size_t> group_;  // of (atomic number, that of the partner or 0)
  std::vector<CentreColumns> groups_;
  std::vector<std::pair<int, int>> pairs_;            // elements of donor and acceptor
  std::vector<std::size_t> sharing_first_, bond_group_, bond_first_;
  std::vector<double> pending_;                       // of the frames of a step so far
  StretchSums sums_;
  std::vector<std::vector<double>> joint_;            // [pairs][ν bins · λ bins] counts
};

FrameRecord WannierSums::map(const WannierFrame& frame) const {
  FrameRecord record;
  record.row.resize(columns_);
  const auto centres = assign_wannier_centres(*frame.cell, atoms_, frame.position_ang, frame.centre_ang, settings_.largest_excess_ang);
  for (std::size_t k = 0; k < centres.size(); ++k) {
    const int z = atoms_.atomic_number[centres[k].heavy], partner = centres[k].partner == no_atom ? 0 : atoms_.atomic_number[centres[k].partner];
    double* const sums = &record.row[groups_[group_.at({z, partner})].first];
    const double d = norm(centres[k].from_heavy_ang);
    sums[CentreColumns::count] += 1;
    sums[CentreColumns::distance] += d;
    sums[CentreColumns::square] += d * d;
    if (!frame.spread_ang2.empty()) sums[CentreColumns::spread] += frame.spread_ang2[k];
    if (const double bin = d / settings_.bin_ang; bin < static_cast<double>(distance_bins_)) sums[CentreColumns::histogram + static_cast<std::size_t>(bin)] += 1;
  }
  const std::vector<int> around = centres_around(atoms_.size(), centres);
  for (std::uint32_t i = 0; i < around.size(); ++i)
    if (const int z = atoms_.atomic_number[i]; z >= 6 && z <= 9 && around[i] != 4) record.odd.emplace_back(i, around[i]);
  const Frame atoms = bonds_.empty() ? Frame{} : frame_of(frame);
  for (std::uint32_t b = 0; b < bonds_.size(); ++b) {
    const auto sharing = proton_sharing(atoms, centres, bonds_[b]);
    if (!sharing) continue;
    record.bonds.emplace_back(b, *sharing);
    const double x = sharing->nu_ang, y = sharing->lambda_ang(), d = sharing->donor_centre_ang, a = sharing->acceptor_centre_ang, r = sharing->donor_acceptor_ang;
    double* const sums = &record.row[sharing_first_[bond_group_[b]]];
    const double all[] = {1, x, y, x * x, y * y, x * y, d, a, r};
    for (std::size_t k = 0; k < std::size(all); ++k) sums[n + k] += all[k];
    const double near[] = {1, x, x * x, y, x * y, d, x * d, a, x * a};
    if (std::abs(x) < settings_.window_ang)
      for (std::size_t k = 0; k < std::size(near); ++k) sums[n_near + k] += near[k];
    const double at_nu[] = {1, y, d, a};
    if (const std::size_t bin = bin_of(x, settings_.nu_bin_ang, nu_bins_); bin < nu_bins_)
      for (std::size_t k = 0; k < bin_columns; ++k) sums[moments + bin * bin_columns + k] += at_nu[k];
    const double of_bond[] = {1, x, y, r};
    for (std::size_t k = 0; k < bond_columns; ++k) record.row[bond_first_[b] + k] += of_bond[k];
  }
  return record;
}

void WannierSums::fold(const FrameRecord& record) {
  if (pending_.empty()) pending_.resize(columns_);
  for (std::size_t k = 0; k < columns_; ++k) pending_[k] += record.row[k];
  for (const auto& [b, sharing] : record.bonds) {
    const std::size_t x = bin_of(sharing.nu_ang, settings_.nu_bin_ang, nu_bins_), y = bin_of(sharing.lambda_ang(), settings_.lambda_bin_ang, lambda_bins_);
    if (x < nu_bins_ && y < lambda_bins_) joint_[bond_group_[b]][x * lambda_bins_ + y] += 1;
  }
}

SharingGroup WannierSums::sharing_group(const BlockEstimates& estimates, std::size_t group) const {
  const std::size_t first = sharing_first_[group];
  const auto& total = estimates.total();
  const auto mean = [&](std::size_t column) { return estimates.ratio(first + column, first + n); };
  // Of the line y = a + b x of least squares through sums: a and b.
  const auto line = [](double count, double x, double xx, double y, double xy) {
    const double b = (count * xy - x * y) / (count * xx - x * x);
    return std::pair((y - b * x) / count, b);
  };
  SharingGroup result;
  result.name = fmt::format("{}-H-{}", symbol_of(pairs_[group].first), symbol_of(pairs_[group].second));
  result.bonds = static_cast<std::size_t>(std::count(bond_group_.begin(), bond_group_.end(), group));
  result.donor_acceptor_ang = mean(length);
  result.nu_ang = mean(nu);
  result.lambda_ang = mean(lambda);
  result.donor_centre_ang = mean(donor);
  result.acceptor_centre_ang = mean(acceptor);
  result.correlation = estimates.of([&](std::span<const double> all) {
    const double* s = &all[first];
    return (s[n] * s[nu_lambda] - s[nu] * s[lambda]) / std::sqrt((s[n] * s[nu2] - s[nu] * s[nu]) * (s[n] * s[lambda2] - s[lambda] * s[lambda]));
  });
  result.slope = estimates.of([&](std::span<const double> all) {
    const double* s = &all[first];
    return line(s[n], s[nu], s[nu2], s[lambda], s[nu_lambda]).second;
  });
  result.window_share = total[first + n_near] / total[first + n];
  const auto at_zero = [&](std::size_t y, std::size_t xy) {
    if (total[first + n_near] < 10) return Estimate{none, none, none};
    return estimates.of([&](std::span<const double> all) {
      const double* s = &all[first];
      return line(s[n_near], s[nu_near], s[nu2_near], s[y], s[xy]).first;
    });
  };
  result.lambda_at_zero_ang = at_zero(lambda_near, nu_lambda_near);
  result.donor_centre_at_zero_ang = at_zero(donor_near, nu_donor_near);
  result.acceptor_centre_at_zero_ang = at_zero(acceptor_near, nu_acceptor_near);
  for (std::size_t y = 0; y < lambda_bins_; ++y)
    result.lambda_at_ang.push_back((static_cast<double>(y) + 0.5 - static_cast<double>(lambda_bins_ / 2)) * settings_.lambda_bin_ang);
  for (std::size_t bin = 0; bin < nu_bins_; ++bin) {
    const std::size_t here = first + moments + bin * bin_columns;
    if (!(total[here + bin_n] > 0)) continue;
    result.nu_at_ang.push_back((static_cast<double>(bin) + 0.5 - static_cast<double>(nu_bins_ / 2)) * settings_.nu_bin_ang);
    result.nu_density_per_ang.push_back(estimates.ratio(here + bin_n, first + n, 1 / settings_.nu_bin_ang));
    result.lambda_at_nu_ang.push_back(estimates.ratio(here + bin_lambda, here + bin_n));
    result.donor_at_nu_ang.push_back(estimates.ratio(here + bin_donor, here + bin_n));
    result.acceptor_at_nu_ang.push_back(estimates.ratio(here + bin_acceptor, here + bin_n));
    std::vector<double> row(joint_[group].begin() + static_cast<std::ptrdiff_t>(bin * lambda_bins_), joint_[group].begin() + static_cast<std::ptrdiff_t>((bin + 1) * lambda_bins_));
    for (double& value : row) value /= total[first + n] * settings_.nu_bin_ang * settings_.lambda_bin_ang;
    result.joint_per_ang2.push_back(std::move(row));
  }
  return result;
}

void WannierSums::report(WannierReport& report, bool spreads) const {
  const BlockEstimates estimates(sums_, settings_.blocks);
  const auto& total = estimates.total();
  report.blocks = estimates.blocks();
  for (std::size_t bin = 0; bin < distance_bins_; ++bin) report.distance_ang.push_back((static_cast<double>(bin) + 0.5) * settings_.bin_ang);
  for (const CentreColumns& columns : groups_) {
    const std::size_t first = columns.first, count = first + CentreColumns::count;
    if (!(total[count] > 0)) continue;
    CentreGroup group;
    group.name = columns.name;
    group.per_frame = total[count] / static_cast<double>(report.frames);
    group.distance_ang = estimates.ratio(first + CentreColumns::distance, count);
    group.deviation_ang = std::sqrt(std::max(0.0, total[first + CentreColumns::square] / total[count] - group.distance_ang.value * group.distance_ang.value));
    if (spreads) group.spread_ang2 = estimates.ratio(first + CentreColumns::spread, count);
    for (std::size_t bin = 0; bin < distance_bins_; ++bin)
      group.density_per_ang.push_back(estimates.ratio(first + CentreColumns::histogram + bin, count, 1 / settings_.bin_ang));
    report.groups.push_back(std::move(group));
  }
  for (std::size_t b = 0; b < bonds_.size(); ++b) {
    const std::size_t first = bond_first_[b];
    report.bonds.push_back({bonds_[b], bond_group_[b], estimates.ratio(first + bond_length, first + bond_n), estimates.ratio(first + bond_nu, first + bond_n),
                            estimates.ratio(first + bond_lambda, first + bond_n)});
  }
  for (std::size_t group = 0; group < pairs_.size(); ++group) report.sharing.push_back(sharing_group(estimates, group));
}

std::vector<ProtonBond> short_bonds(WannierSeries& series, double largest_distance_ang) {
  constexpr int elements[] = {7, 8, 9};
  std::optional<ProtonBondSearch> search;
  for (WannierFrame centres; series.next(centres);) {
    const Frame frame = frame_of(centres);
    if (!search) search.emplace(frame, elements, largest_distance_ang);
    search->fold(search->map(frame));
  }
  series.rewind();
  std::vector<ProtonBond> bonds;
  for (const ProtonBondMeans& means : search->finish()) bonds.push_back(means.bond);
  return bonds;
}

bool holds_zero(const Estimate& e) { return e.low <= 0 && e.high >= 0; }

std::string interval(const Estimate& e) {
  return std::isfinite(e.low) ? fmt::format("{:.4g} (95 %: {:.4g} … {:.4g})", e.value, e.low, e.high) : fmt::format("{:.4g}", e.value);
}

void judge(WannierReport& report, const WannierSettings& settings) {
  if (report.bonds.empty())
    report.verdict.push_back(fmt::format("No hydrogen bond among N, O and F has its heavy atoms closer than {:g} Å in the mean.", settings.largest_distance_ang));
  for (const SharingGroup& group : report.sharing) {
    if (!std::isfinite(group.lambda_ang.value)) {
      report.verdict.push_back(group.name + ": in no frame have donor and acceptor both a centre.");
      continue;
    }
    report.verdict.push_back(fmt::format("{}, {} bond{}: λ_W and ν have the correlation {}, λ_W changes by {} Å per Å of ν.", group.name, group.bonds, group.bonds == 1 ? "" : "s",
                                         interval(group.correlation), interval(group.slope)));
    const Estimate& zero = group.lambda_at_zero_ang;
    if (!std::isfinite(zero.value)) {
      report.verdict.push_back(fmt::format("{}: how the electrons are shared at ν = 0 cannot be told: fewer than 10 frames have |ν| below {:g} Å.", group.name, settings.window_ang));
      continue;
    }
    std::string text = fmt::format("{}: at ν = 0 λ_W is {} Å", group.name, interval(zero));
    if (std::isfinite(zero.low))
      text += holds_zero(zero) ? fmt::format(", not told from zero: the electrons are shared equally there, to {:.2g} Å", std::max(-zero.low, zero.high))
                               : fmt::format(": the sharing is unequal there, the centre at the {} lies farther out", zero.value > 0 ? "donor" : "acceptor");
    report.verdict.push_back(text + ".");
  }
}

}  // namespace

WannierReport analyze_wannier(const WannierInput& input, const WannierSettings& settings, const Progress& progress) {
  for (const double value : {settings.largest_excess_ang, settings.largest_distance_ang, settings.bin_ang, settings.nu_bin_ang, settings.lambda_bin_ang, settings.window_ang})
    if (!(value > 0)) throw Error(ErrorKind::usage, "distances and widths of bins must be positive");
  if (largest_centre_ang / settings.bin_ang > most_bins || largest_nu_ang / settings.nu_bin_ang > most_bins || largest_lambda_ang / settings.lambda_bin_ang > most_bins)
    throw Error(ErrorKind::usage, fmt::format("a bin that narrow makes more than {} of them", most_bins));
  WannierSeries series(input, progress);
  const Atoms& atoms = *series.atoms();
  WannierReport report;
  report.formula = formula(atoms);
  report.steps = series.steps();
  report.beads = series.beads();
  report.charge = input.charge;
  report.warnings = series.tags().notes;
  WannierSums sums(settings, atoms, short_bonds(series, settings.largest_distance_ang));

  std::vector<WannierFrame> frames(chunk_frames);
  std::vector<FrameRecord> records(chunk_frames);
  std::optional<std::int64_t> step;
  std::size_t odd_frames = 0;
  std::string first_odd;
  bool spreads = false;
  while (true) {
    std::size_t read = 0;
    while (read < chunk_frames && series.next(frames[read])) ++read;
    if (read == 0) break;
    parallel_chunks(read, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; ++k) records[k] = sums.map(frames[k]);
    });
    for (std::size_t k = 0; k < read; ++k) {
      const WannierFrame& frame = frames[k];
      if (step && *step != *frame.step) sums.end_step();
      step = frame.step;
      sums.fold(records[k]);
      for (const auto& [bond, sharing] : records[k].bonds) report.records.push_back({frame.bead, *frame.step, frame.time_fs, bond, sharing});
      if (!records[k].odd.empty() && odd_frames++ == 0) {
        const auto [atom, count] = records[k].odd.front();
        first_odd = fmt::format("{} {}, atom {} ({}): {}", series.tags().numbered ? "frame" : "step", *frame.step + (series.tags().numbered ? 1 : 0), atom + 1,
                                symbol_of(atoms.atomic_number[atom]), count);
      }
      report.centres = frame.centre_ang.size();
      spreads = !frame.spread_ang2.empty();
    }
    report.frames += read;
  }
  sums.end_step();
  sums.report(report, spreads);
  if (odd_frames > 0)
    report.warnings.push_back(fmt::format("in {} of {} frames an atom of C, N, O or F has not four centres around it, the first: {}; the localisation may have failed there, or the shell is not closed",
                                          odd_frames, report.frames, first_odd));
  if (report.blocks == 0) report.warnings.push_back("no intervals: they need two steps or more");
  judge(report, settings);
  return report;
}

std::size_t write_tagged_wannier(const WannierInput& input, const std::filesystem::path& out, const Progress& progress) {
  WannierSeries series(input, progress);
  if (series.tags().numbered)
    throw Error(ErrorKind::usage, "the labels of the centres name no step and no bead, so there is nothing to tag them with; give --trajectory, a trajectory of the same run");
  OutputFile file(out);
  std::size_t frames = 0;
  for (WannierFrame frame; series.next(frame); ++frames) {
    if (frame.cell && !series.tags().periodic && frame.cell->has_vectors()) frame.cell = Cell(frame.cell->rows_ang(), {false, false, false});
    append_tagged_wannier(file.text(), frame);
    file.flush_if_large();
  }
  file.commit();
  return frames;
}

}  // namespace saltus::runs
