#include "saltus/analysis/rdf.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

struct RdfRecord : Record {
  std::vector<PairHistogram> histograms;
};

std::vector<Vec3> positions_of(const Frame& frame, int atomic_number) {
  std::vector<Vec3> positions;
  for (const auto i : indices_of(*frame.atoms, atomic_number)) positions.push_back(frame.position_ang[i]);
  if (positions.empty())
    throw Error(ErrorKind::usage, fmt::format("there is no {} among {}", symbol_of(atomic_number), formula(*frame.atoms)));
  return positions;
}

struct Translation {
  Vec3 vector_ang;
  double length_ang;
};

// All lattice translations not longer than length_ang, the shortest (zero) first.
std::vector<Translation> translations_within(const Cell& cell, double length_ang) {
  Int3 most{};
  for (int axis = 0; axis < 3; ++axis) most[static_cast<std::size_t>(axis)] = static_cast<int>(length_ang / cell.height_ang(axis)) + 1;
  std::vector<Translation> found;
  for (int i = -most[0]; i <= most[0]; ++i)
    for (int j = -most[1]; j <= most[1]; ++j)
      for (int k = -most[2]; k <= most[2]; ++k)
        if (const Vec3 t = cell.translation_ang({i, j, k}); norm(t) <= length_ang) found.push_back({t, norm(t)});
  std::stable_sort(found.begin(), found.end(), [](const Translation& x, const Translation& y) { return x.length_ang < y.length_ang; });
  return found;
}

// Bound on the length of a vector whose fractions lie within ±½.
double longest_wrapped_ang(const Cell& cell) {
  const Mat3& rows = cell.rows_ang();
  return (norm(rows[0]) + norm(rows[1]) + norm(rows[2])) / 2;
}

std::vector<Vec3> fractions_in_cell(const Cell& cell, std::span<const Vec3> position_ang) {
  std::vector<Vec3> fractions;
  fractions.reserve(position_ang.size());
  for (const Vec3& r : position_ang) {
    const Fractional f = cell.to_fractional(r);
    const Vec3 v{f.a - std::floor(f.a), f.b - std::floor(f.b), f.c - std::floor(f.c)};
    if (!is_finite(v)) throw Error(ErrorKind::numeric, "a position is not finite");
    fractions.push_back(v);
  }
  return fractions;
}

double ball_ang3(double r) { return 4.0 / 3 * std::numbers::pi * r * r * r; }

}  // namespace

namespace {

// `own`: a and b are the same atoms, and an atom's way from a to b does not count.
void add_pairs_of(PairHistogram& histogram, const Cell& cell, std::span<const Vec3> a_ang, std::span<const Vec3> b_ang, bool own) {
  for (const bool periodic : cell.periodic())
    if (!periodic) throw Error(ErrorKind::unsupported, "a radial distribution function needs a cell that is periodic along all three vectors");
  const bool same = a_ang.data() == b_ang.data() && a_ang.size() == b_ang.size();
  const double range = histogram.bin_ang * static_cast<double>(histogram.count.size());
  const std::vector<Translation> translations = translations_within(cell, range + longest_wrapped_ang(cell));
  const std::vector<Vec3> a = fractions_in_cell(cell, a_ang), b = same ? a : fractions_in_cell(cell, b_ang);

  const auto count = [&](double distance_ang, std::int64_t times) {
    const auto bin = static_cast<std::size_t>(distance_ang / histogram.bin_ang);
    if (bin < histogram.count.size()) histogram.count[bin] += times;
  };
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = same ? i + 1 : 0; j < b.size(); ++j) {
      Vec3 f = b[j] - a[i];
      for (int axis = 0; axis < 3; ++axis) f[axis] -= std::round(f[axis]);
      const Vec3 d = cell.to_cartesian({f.x, f.y, f.z});
      const double reach = range + norm(d);
      const bool itself = own && i == j;
      const Vec3 rest = itself ? b_ang[i] - a_ang[i] - d : Vec3{};  // a lattice translation but for rounding
      for (const Translation& t : translations) {
        if (t.length_ang >= reach) break;
        if (itself && norm2(t.vector_ang - rest) < 1e-6) continue;
        const double distance2 = norm2(d + t.vector_ang);
        if (distance2 < range * range) count(std::sqrt(distance2), same ? 2 : 1);
      }
    }
  if (same)  // each atom and its own images
    for (std::size_t k = 1; k < translations.size() && translations[k].length_ang < range; ++k)
      count(translations[k].length_ang, static_cast<std::int64_t>(a.size()));
  ++histogram.frames;
  histogram.centres += static_cast<double>(a.size());
  histogram.ideal_pairs_per_ang3 += static_cast<double>(a.size()) * static_cast<double>(b.size()) / cell.volume_ang3();
}

}  // namespace

void add_pairs(PairHistogram& histogram, const Cell& cell, std::span<const Vec3> a_ang, std::span<const Vec3> b_ang) {
  add_pairs_of(histogram, cell, a_ang, b_ang, false);
}

void add_distinct_pairs(PairHistogram& histogram, const Cell& cell, std::span<const Vec3> then_ang, std::span<const Vec3> now_ang) {
  if (then_ang.size() != now_ang.size()) throw Error(ErrorKind::usage, "distinct pairs need the same atoms at both times");
  add_pairs_of(histogram, cell, then_ang, now_ang, true);
}

void add_isolated_pairs(PairHistogram& histogram, double reference_volume_ang3, std::span<const Vec3> a_ang, std::span<const Vec3> b_ang) {
  const bool same = a_ang.data() == b_ang.data() && a_ang.size() == b_ang.size();
  for (std::size_t i = 0; i < a_ang.size(); ++i)
    for (std::size_t j = same ? i + 1 : 0; j < b_ang.size(); ++j) {
      const double distance = norm(b_ang[j] - a_ang[i]);
      if (!std::isfinite(distance)) throw Error(ErrorKind::numeric, "a position is not finite");
      if (distance < histogram.bin_ang * static_cast<double>(histogram.count.size()))
        if (const auto bin = static_cast<std::size_t>(distance / histogram.bin_ang); bin < histogram.count.size())
          histogram.count[bin] += same ? 2 : 1;
    }
  ++histogram.frames;
  const auto a = static_cast<double>(a_ang.size()), b = static_cast<double>(b_ang.size());
  histogram.centres += a;
  histogram.ideal_pairs_per_ang3 += a * (same ? b - 1 : b) / reference_volume_ang3;
}

Rdf normalised(const PairHistogram& histogram) {
  Rdf rdf;
  rdf.frames = static_cast<std::size_t>(histogram.frames);
  double sum = 0;
  for (std::size_t k = 0; k < histogram.count.size(); ++k) {
    const double low = static_cast<double>(k) * histogram.bin_ang, high = low + histogram.bin_ang;
    const auto count = static_cast<double>(histogram.count[k]);
    sum += count;
    rdf.r_ang.push_back((low + high) / 2);
    rdf.g.push_back(histogram.ideal_pairs_per_ang3 > 0 ? count / (histogram.ideal_pairs_per_ang3 * (ball_ang3(high) - ball_ang3(low))) : 0);
    rdf.coordination.push_back(histogram.frames ? sum / histogram.centres : 0);
  }
  return rdf;
}

RdfAnalysis::RdfAnalysis(const RdfSettings& settings) : settings_(settings), stretches_(128, settings.frames_per_step) {
  if (settings.pairs.empty()) throw Error(ErrorKind::usage, "radial distribution functions: no pair of species is given");
  if (!(settings.bin_ang > 0) || !(settings.largest_ang >= settings.bin_ang) || settings.largest_ang > 1e4 * settings.bin_ang)
    throw Error(ErrorKind::usage, fmt::format("radial distribution functions: a range of {} Å in bins of {} Å cannot be meant",
                                              settings.largest_ang, settings.bin_ang));
  if (settings.stride == 0) throw Error(ErrorKind::usage, "radial distribution functions: the stride must be at least 1");
  PairHistogram empty;
  empty.bin_ang = settings.bin_ang;
  empty.count.assign(static_cast<std::size_t>(std::ceil(settings.largest_ang / settings.bin_ang - 1e-9)), 0);
  histograms_.assign(settings.pairs.size(), empty);
}

std::unique_ptr<Record> RdfAnalysis::map(const Frame& frame) const {
  const auto& periodic = frame.cell.periodic();
  const bool isolated = !frame.cell.any_periodic();
  if (!isolated && settings_.volume_ang3 > 0)
    throw Error(ErrorKind::usage, "the cell is periodic and has a volume of its own; none can be given");
  if (isolated && !(settings_.volume_ang3 > 0))
    throw Error(ErrorKind::unsupported, "the atoms are isolated (no cell, or not periodic), so that they have no density for g(r) to be relative to; "
                                        "give the volume that they are taken to fill (--volume-ang3)");
  if (!isolated && !(periodic[0] && periodic[1] && periodic[2]))
    throw Error(ErrorKind::unsupported, "a radial distribution function needs a cell that is periodic along all three vectors, or along none");
  const auto add = [&](PairHistogram& histogram, std::span<const Vec3> a_ang, std::span<const Vec3> b_ang) {
    if (isolated) add_isolated_pairs(histogram, settings_.volume_ang3, a_ang, b_ang);
    else add_pairs(histogram, frame.cell, a_ang, b_ang);
  };
  auto record = std::make_unique<RdfRecord>();
  for (std::size_t k = 0; k < settings_.pairs.size(); ++k) {
    PairHistogram histogram;
    histogram.bin_ang = settings_.bin_ang;
    histogram.count.assign(histograms_[k].count.size(), 0);
    const auto [a, b] = settings_.pairs[k];
    const std::vector<Vec3> a_ang = positions_of(frame, a);
    if (a == b) add(histogram, a_ang, a_ang);
    else add(histogram, a_ang, positions_of(frame, b));
    record->histograms.push_back(std::move(histogram));
  }
  return record;
}

void RdfAnalysis::fold(std::unique_ptr<Record> base) {
  const auto& record = static_cast<const RdfRecord&>(*base);
  std::vector<double> row;
  for (std::size_t k = 0; k < histograms_.size(); ++k) {
    const PairHistogram& one = record.histograms[k];
    PairHistogram& all = histograms_[k];
    for (std::size_t bin = 0; bin < all.count.size(); ++bin) all.count[bin] += one.count[bin];
    all.frames += one.frames;
    all.centres += one.centres;
    all.ideal_pairs_per_ang3 += one.ideal_pairs_per_ang3;
    row.insert(row.end(), one.count.begin(), one.count.end());
    row.insert(row.end(), {one.centres, one.ideal_pairs_per_ang3});
  }
  stretches_.add(row);
}

std::vector<Rdf> RdfAnalysis::normalised_pairs(const std::vector<PairHistogram>& histograms) const {
  std::vector<Rdf> result;
  for (std::size_t k = 0; k < histograms.size(); ++k) {
    result.push_back(normalised(histograms[k]));
    result.back().first = settings_.pairs[k].first;
    result.back().second = settings_.pairs[k].second;
  }
  return result;
}

std::vector<Rdf> RdfAnalysis::finish() const { return normalised_pairs(histograms_); }

std::vector<std::vector<Rdf>> RdfAnalysis::leaving_one_block_out(std::size_t count) const {
  const auto blocks = stretches_.blocks(count);
  std::vector<std::vector<Rdf>> result;
  for (std::size_t left_out = 0; left_out < blocks.size(); ++left_out) {
    std::vector<double> sum(blocks[0].size(), 0.0);
    for (std::size_t b = 0; b < blocks.size(); ++b)
      for (std::size_t k = 0; b != left_out && k < sum.size(); ++k) sum[k] += blocks[b][k];
    std::vector<PairHistogram> rest = histograms_;
    auto at = sum.begin();
    for (PairHistogram& histogram : rest) {
      histogram.frames = static_cast<std::int64_t>(stretches_.rows_per_block(count) * (blocks.size() - 1));
      for (std::int64_t& bin : histogram.count) bin = static_cast<std::int64_t>(*at++);
      histogram.centres = *at++;
      histogram.ideal_pairs_per_ang3 = *at++;
    }
    result.push_back(normalised_pairs(rest));
  }
  return result;
}

}  // namespace saltus
