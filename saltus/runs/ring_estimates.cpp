#include "saltus/runs/ring_estimates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/momentum_distribution.hpp"

namespace saltus::runs {

namespace {

constexpr std::size_t most_blocks = 20, fewest_blocks = 4, rows_per_block = 2;
/// Correlation of neighbouring block means that 20 independent blocks exceed once in some hundred times.
constexpr double correlated_blocks = 0.5;

using Rows = std::vector<const std::vector<double>*>;
/// A number from rows, or nothing.
using Average = std::function<std::optional<double>(const Rows&)>;

double mean_of(const Rows& rows, std::size_t column) {
  double sum = 0;
  for (const auto* row : rows) sum += (*row)[column];
  return sum / static_cast<double>(rows.size());
}

/// How much a block's value goes along with the next one's.
double neighbour_correlation(const std::vector<double>& value) {
  double mean = 0;
  for (const double v : value) mean += v / static_cast<double>(value.size());
  double square = 0, product = 0;
  for (std::size_t b = 0; b < value.size(); ++b) {
    square += (value[b] - mean) * (value[b] - mean);
    if (b + 1 < value.size()) product += (value[b] - mean) * (value[b + 1] - mean);
  }
  return square > 0 ? product / square : 0;
}

NamedEstimate estimate(const std::string& name, const std::string& unit, const Rows& rows, const Average& average) {
  NamedEstimate result{name, {}, true, unit, {}};
  const std::optional<double> value = rows.empty() ? std::nullopt : average(rows);
  if (!value) {
    result.note = "the log of production has no row of it";
    return result;
  }
  const std::size_t blocks = std::min(most_blocks, rows.size() / rows_per_block);
  if (blocks < fewest_blocks) {
    result.estimate = Estimate{*value, *value, *value};
    result.has_interval = false;
    result.note = "the log is too short for blocks of time";
    return result;
  }
  std::vector<double> replicate, own;
  for (std::size_t b = 0; b < blocks; ++b) {
    Rows rest, block;
    const std::size_t first = b * rows.size() / blocks, last = (b + 1) * rows.size() / blocks;
    for (std::size_t k = 0; k < rows.size(); ++k) (k < first || k >= last ? rest : block).push_back(rows[k]);
    if (const auto without = average(rest)) replicate.push_back(*without);
    if (const auto alone = average(block)) own.push_back(*alone);
  }
  result.estimate = kinetics::jackknife_estimate(*value, replicate);
  if (own.size() == blocks && blocks >= 10 && neighbour_correlation(own) > correlated_blocks)
    result.note = fmt::format("neighbouring ones of the {} blocks still go together: the interval is too narrow, run longer", blocks);
  return result;
}

constexpr double fewest_effective = 20, widths_shown = 4;
constexpr std::size_t momenta_shown = 50;

/// exp(−ΔU/kT) of the displaced paths of a species, summed over stretches of production: all estimates are of these sums.
class DisplacedPaths {
 public:
  DisplacedPaths(const RingLog& log, const RingSpecies& species, const RingLogSettings& settings, double kt_ev)
      : displacement_(displacements_ang_of(settings, species)), effective_(displacement_.size()) {
    const std::size_t n = displacement_.size();
    std::vector<std::size_t> column;
    for (int axis = 0; axis < 3; ++axis)
      for (const double x : displacement_) column.push_back(log.index_of(momentum_column(species, axis, x)));
    const auto begin = std::find_if(log.row.begin(), log.row.end(), [](const auto& row) { return row[0] >= 0; });
    measurements_ = static_cast<std::size_t>(log.row.end() - begin);
    stretch_.resize(std::min(measurements_, rows_per_block * most_blocks), std::vector<double>(3 * n + 1));
    std::vector<double> first(n), second(n);  // moments of the weights
    for (std::size_t k = 0; k < measurements_; ++k) {
      const std::vector<double>& row = begin[static_cast<std::ptrdiff_t>(k)];
      std::vector<double>& sums = stretch_[k * stretch_.size() / measurements_];
      sums.back() += 1;
      for (std::size_t x = 0; x < n; ++x) {
        double weight = 0;
        for (std::size_t c = x; c < 3 * n; c += n) {
          sums[c] += std::exp(-row[column[c]] / kt_ev);
          weight += std::exp(-row[column[c]] / kt_ev);
        }
        first[x] += weight;
        second[x] += weight * weight;
      }
    }
    for (std::size_t x = 0; x < n; ++x) effective_[x] = second[x] > 0 ? first[x] * first[x] / second[x] : 0;
    for (const auto& sums : stretch_) rows_.push_back(&sums);
  }

  const std::vector<double>& displacement_ang() const { return displacement_; }
  const Rows& rows() const { return rows_; }

  /// [displacements] means ñ/ñ_free over the measurements and axes, or of one axis.
  std::vector<double> ratio(const Rows& rows, int only_axis = -1) const {
    const std::size_t n = displacement_.size();
    std::vector<double> result(n);
    double count = 0;
    for (const auto* row : rows) {
      count += row->back() * (only_axis >= 0 ? 1 : 3);
      for (std::size_t c = 0; c < 3 * n; ++c)
        if (only_axis < 0 || c / n == static_cast<std::size_t>(only_axis)) result[c % n] += (*row)[c];
    }
    for (double& r : result) r /= count;
    return result;
  }

  /// Why averages of the displacements first … last − 1 are not to be trusted; else empty.
  std::string doubt(std::size_t first, std::size_t last) const {
    for (std::size_t x = first; x < last; ++x)
      if (effective_[x] < fewest_effective && effective_[x] < 0.5 * static_cast<double>(measurements_))
        return fmt::format("unreliable: the average at {:g} Å rests on some {:.0f} of {} measurements; take shorter displacements or run longer", displacement_[x], effective_[x], measurements_);
    return {};
  }

 private:
  std::vector<double> displacement_, effective_;
  std::size_t measurements_ = 0;
  std::vector<std::vector<double>> stretch_;  ///< sums [3 · displacements], and how many
  Rows rows_;
};

void append_note(NamedEstimate& e, const std::string& note) {
  if (note.empty()) return;
  e.note += e.note.empty() ? note : "; " + note;
}

NamedEstimate end_to_end(const DisplacedPaths& paths, const RingSpecies& species, std::size_t x, double temperature_kelvin) {
  const double length = paths.displacement_ang()[x], free = std::exp(-free_exponent_per_ang2(species.mass_amu, temperature_kelvin) * length * length);
  NamedEstimate e = estimate(fmt::format("end_to_end_{}_{:.6g}", species.name, length), "", paths.rows(), [&](const Rows& rows) -> std::optional<double> {
    return free * paths.ratio(rows)[x];
  });
  append_note(e, paths.doubt(x, x + 1));
  return e;
}

NamedEstimate kinetic_energy(const DisplacedPaths& paths, const RingSpecies& species, int axis, double kt_ev) {
  const double of_exponent = units::hbar_ev_fs * units::hbar_ev_fs / (species.mass_amu * units::ev_per_amu_ang2_fs2);
  const std::string part = axis < 0 ? "" : std::string(2, "xyz"[axis]) + "_";
  NamedEstimate e = estimate(fmt::format("kinetic_energy_momentum_{}{}", part, species.name), "mev_per_atom", paths.rows(), [&](const Rows& rows) -> std::optional<double> {
    const auto exponent = kinetics::exponent_at_zero_per_ang2(paths.displacement_ang(), paths.ratio(rows, axis));
    return exponent ? std::optional(units::mev_per_ev * (axis < 0 ? 3 : 1) * (0.5 * kt_ev + of_exponent * *exponent)) : std::nullopt;
  });
  append_note(e, paths.doubt(0, std::min<std::size_t>(3, paths.displacement_ang().size())));
  return e;
}

/// Where the intervals of the two do not meet.
void compare(NamedEstimate& momentum, const std::vector<NamedEstimate>& list, const std::string& virial) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const NamedEstimate& e) { return e.name == virial; });
  if (found == list.end() || !found->estimate || !momentum.estimate || !found->has_interval || !momentum.has_interval || !momentum.note.empty()) return;
  if (momentum.estimate->low > found->estimate->high || momentum.estimate->high < found->estimate->low)
    momentum.note = fmt::format("differs from {}, {:.4g}: the shortest displacements are too long or the run is too short", virial, found->estimate->value);
}

}  // namespace

std::size_t RingLog::index_of(const std::string& name) const {
  const auto found = std::find(column.begin(), column.end(), name);
  if (found == column.end()) throw Error(ErrorKind::internal, "log of a path-integral run: no column " + name);
  return static_cast<std::size_t>(found - column.begin());
}

std::string ring_log_header(const std::vector<std::string>& columns) { return join(columns, ",") + "\n"; }

std::string ring_log_line(const std::vector<double>& row) {
  std::string line;
  for (std::size_t k = 0; k < row.size(); ++k) {
    if (k > 0) line += ',';
    if (k == 0) line += fmt::format("{}", static_cast<std::int64_t>(row[k]));
    else if (!std::isnan(row[k])) line += fmt::format("{:.10g}", row[k]);
  }
  return line + "\n";
}

RingLog read_ring_log(const std::filesystem::path& path, const std::vector<std::string>& columns) {
  const std::string text = read_file(path);
  RingLog log{columns, {}};
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    const auto fail = [&](const std::string& what) { throw Error(ErrorKind::format, fmt::format("{}, line {}: {}", path.string(), line_number, what)); };
    if (line_number == 1) {
      if (line + "\n" != ring_log_header(columns)) fail("not the header of the log of this path-integral run");
      continue;
    }
    std::vector<double> row;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      const std::string cell = line.substr(at, comma - at);
      at = comma + 1;
      const auto value = cell.empty() ? std::optional(std::numeric_limits<double>::quiet_NaN()) : parse_double(cell);
      if (!value) fail(fmt::format("'{}' is not a number", cell));
      row.push_back(value.value_or(0));
    }
    if (row.size() != columns.size()) fail(fmt::format("expected {} columns, found {}", columns.size(), row.size()));
    log.row.push_back(std::move(row));
  }
  return log;
}

std::vector<NamedEstimate> ring_estimates(const RingLog& log, const std::vector<RingSpecies>& species, const RingLogSettings& settings,
                                          std::size_t beads, double temperature_kelvin) {
  const double kt = units::boltzmann_ev_per_kelvin * temperature_kelvin;
  Rows production;
  for (const auto& row : log.row)
    if (row[0] >= 0) production.push_back(&row);
  const auto measured = [&](std::size_t column) {
    Rows rows;
    for (const auto* row : production)
      if (!std::isnan((*row)[column])) rows.push_back(row);
    return rows;
  };
  std::vector<NamedEstimate> list;
  const auto add_mean = [&](const std::string& name, const std::string& unit, const std::string& column, double factor) {
    const std::size_t c = log.index_of(column);
    list.push_back(estimate(name, unit, measured(c), [=](const Rows& rows) -> std::optional<double> { return factor * mean_of(rows, c); }));
  };
  const auto kinetic_total = [&](const char* name) {
    std::vector<std::size_t> columns;
    for (const RingSpecies& s : species) columns.push_back(log.index_of(fmt::format("{}_{}", name, s.name)));
    return columns;
  };
  const auto sum_of = [](const std::vector<double>& row, const std::vector<std::size_t>& columns) {
    double sum = 0;
    for (const std::size_t c : columns) sum += row[c];
    return sum;
  };
  const std::vector<std::size_t> virial = kinetic_total("kinetic_virial_ev"), primitive = kinetic_total("kinetic_primitive_ev");
  const std::size_t potential = log.index_of("potential_ev");
  std::size_t atoms = 0;
  for (const RingSpecies& s : species) atoms += s.atom.size();
  const auto count = static_cast<double>(atoms);

  add_mean("potential_energy", "ev", "potential_ev", 1);
  for (const auto& [name, columns] : {std::pair{"kinetic_energy_virial", virial}, std::pair{"kinetic_energy_primitive", primitive}})
    list.push_back(estimate(name, "ev", production, [sum_of, columns = columns](const Rows& rows) -> std::optional<double> {
      double sum = 0;
      for (const auto* row : rows) sum += sum_of(*row, columns);
      return sum / static_cast<double>(rows.size());
    }));
  for (const RingSpecies& s : species) {
    const double per_atom = 1 / static_cast<double>(s.atom.size());
    add_mean("kinetic_energy_virial_" + s.name, "mev_per_atom", "kinetic_virial_ev_" + s.name, units::mev_per_ev * per_atom);
    add_mean("kinetic_energy_primitive_" + s.name, "mev_per_atom", "kinetic_primitive_ev_" + s.name, units::mev_per_ev * per_atom);
    const std::size_t c = log.index_of("gyration2_ang2_" + s.name);
    list.push_back(estimate("gyration_radius_" + s.name, "ang", production, [=](const Rows& rows) -> std::optional<double> { return std::sqrt(per_atom * mean_of(rows, c)); }));
    if (!settings.tensors) continue;
    for (const char* part : {"xx", "yy", "zz", "xy", "xz", "yz"}) {
      add_mean(fmt::format("kinetic_energy_virial_{}_{}", part, s.name), "mev_per_atom", fmt::format("kinetic_virial_{}_ev_{}", part, s.name), units::mev_per_ev * per_atom);
      add_mean(fmt::format("gyration_{}_{}", part, s.name), "ang2", fmt::format("gyration_{}_ang2_{}", part, s.name), per_atom);
    }
  }
  list.push_back(estimate("heat_capacity", "kb_per_atom", production, [=](const Rows& rows) -> std::optional<double> {
    const auto n = static_cast<double>(rows.size());
    double mean_t = 0, mean_v = 0, product = 0;
    for (const auto* row : rows) {
      mean_t += ((*row)[potential] + sum_of(*row, primitive)) / n;
      mean_v += ((*row)[potential] + sum_of(*row, virial)) / n;
    }
    for (const auto* row : rows) product += ((*row)[potential] + sum_of(*row, primitive) - mean_t) * ((*row)[potential] + sum_of(*row, virial) - mean_v) / n;
    return (product / (kt * kt) + 1.5 * count) / count;
  }));
  for (const IsotopeChange& change : settings.isotopes) {
    const std::size_t c = log.index_of(fmt::format("isotope_ev_{}_{}", change.species, change.name));
    list.push_back(estimate(fmt::format("isotope_free_energy_excess_{}_{}", change.species, change.name), "mev_per_atom", measured(c), [=](const Rows& rows) -> std::optional<double> {
      double lowest = std::numeric_limits<double>::infinity(), sum = 0;
      for (const auto* row : rows) lowest = std::min(lowest, (*row)[c]);
      for (const auto* row : rows) sum += std::exp(-((*row)[c] - lowest) / kt);
      return units::mev_per_ev * (lowest - kt * std::log(sum / static_cast<double>(rows.size())));
    }));
  }
  for (const std::string& name : settings.momentum) {
    const RingSpecies& s = species_named(species, name, "the momentum");
    const DisplacedPaths paths(log, s, settings, kt);
    for (std::size_t x = 0; x < paths.displacement_ang().size(); ++x) list.push_back(end_to_end(paths, s, x, temperature_kelvin));
    for (int axis = -1; axis < (settings.tensors ? 3 : 0); ++axis) {
      NamedEstimate energy = kinetic_energy(paths, s, axis, kt);
      compare(energy, list, (axis < 0 ? "kinetic_energy_virial_" : fmt::format("kinetic_energy_virial_{0}{0}_", "xyz"[axis])) + name);
      list.push_back(std::move(energy));
    }
  }
  if (const std::size_t c = log.index_of("pressure_gpa"); !measured(c).empty()) add_mean("pressure", "gpa", "pressure_gpa", 1);
  const std::size_t volume = log.index_of("volume_ang3");
  if (const Rows rows = measured(volume); std::any_of(rows.begin(), rows.end(), [&](const auto* row) { return (*row)[volume] != (*rows.front())[volume]; }))
    add_mean("volume", "ang3", "volume_ang3", 1);
  add_mean("ring_temperature", "kelvin", "ring_temperature_kelvin", 1);
  for (const auto& [name, unit, column, note] : {std::array{"max_extrapolation", "", "max_extrapolation", "1 is the edge of the training data"},
                                                 std::array{"max_force_spread", "ev_ang", "max_force_spread_ev_ang", "of the members of the committee on one atom of one bead"}}) {
    double largest = -1;
    const std::size_t c = log.index_of(column);
    for (const auto& row : log.row)
      if (!std::isnan(row[c])) largest = std::max(largest, row[c]);
    if (largest >= 0) list.push_back({name, Estimate{largest, largest, largest}, false, unit, note});
  }
  // Slope by least squares.
  const std::size_t conserved = log.index_of("conserved_ev"), time = log.index_of("time_fs");
  double t = 0, e = 0, tt = 0, te = 0;
  for (const auto* row : production) {
    t += (*row)[time] / static_cast<double>(production.size());
    e += (*row)[conserved] / static_cast<double>(production.size());
  }
  for (const auto* row : production) {
    tt += ((*row)[time] - t) * ((*row)[time] - t);
    te += ((*row)[time] - t) * ((*row)[conserved] - e);
  }
  if (tt > 0) {
    const double drift = te / tt * units::mev_per_ev * units::fs_per_ps / (count * static_cast<double>(beads));
    list.push_back({"conserved_drift", Estimate{drift, drift, drift}, false, "mev_per_atom_ps", "of the ring polymer, per bead: slope over the production"});
  }
  return list;
}

std::vector<MomentumDistribution> momentum_distributions(const RingLog& log, const std::vector<RingSpecies>& species, const RingLogSettings& settings, double temperature_kelvin) {
  std::vector<MomentumDistribution> list;
  const auto shown = [](const NamedEstimate& e) {
    constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
    if (!e.estimate) return Estimate{nothing, nothing, nothing};
    return e.has_interval ? *e.estimate : Estimate{e.estimate->value, nothing, nothing};
  };
  for (const std::string& name : settings.momentum) {
    const RingSpecies& s = species_named(species, name, "the momentum");
    const DisplacedPaths paths(log, s, settings, units::boltzmann_ev_per_kelvin * temperature_kelvin);
    MomentumDistribution d{s.name, paths.displacement_ang(), {}, {}, {}, {}, {}};
    const double free_exponent = free_exponent_per_ang2(s.mass_amu, temperature_kelvin);
    for (std::size_t x = 0; x < d.displacement_ang.size(); ++x) {
      d.end_to_end.push_back(shown(end_to_end(paths, s, x, temperature_kelvin)));
      d.free_end_to_end.push_back(std::exp(-free_exponent * d.displacement_ang[x] * d.displacement_ang[x]));
    }
    const auto whole = [&](const Rows& rows) {
      std::vector<double> path = paths.ratio(rows);
      for (std::size_t x = 0; x < path.size(); ++x) path[x] *= d.free_end_to_end[x];
      return path;
    };
    const auto exponent = paths.rows().empty() ? std::nullopt : kinetics::exponent_at_zero_per_ang2(d.displacement_ang, whole(paths.rows()));
    if (exponent && *exponent > 0) {
      for (std::size_t k = 0; k <= momenta_shown; ++k) {
        const double p = widths_shown * std::sqrt(2 * *exponent) * static_cast<double>(k) / momenta_shown;
        d.wave_number_per_ang.push_back(p);
        d.classical_density_ang.push_back(std::exp(-p * p / (4 * free_exponent)) / std::sqrt(4 * std::numbers::pi * free_exponent));
        d.density_ang.push_back(shown(estimate("", "", paths.rows(), [&](const Rows& rows) -> std::optional<double> {
          const auto density = kinetics::momentum_density_ang(d.displacement_ang, whole(rows), std::span(&p, 1));
          return density ? std::optional(density->front()) : std::nullopt;
        })));
      }
    }
    list.push_back(std::move(d));
  }
  return list;
}

}  // namespace saltus::runs
