#include "saltus/analysis/rdf.hpp"

#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/atoms/neighbor_list.hpp"
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

double ball_ang3(double r) { return 4.0 / 3 * std::numbers::pi * r * r * r; }

}  // namespace

void add_pairs(PairHistogram& histogram, const Cell& cell, std::span<const Vec3> a_ang, std::span<const Vec3> b_ang) {
  for (const bool periodic : cell.periodic())
    if (!periodic) throw Error(ErrorKind::unsupported, "a radial distribution function needs a cell that is periodic along all three vectors");
  const bool same = a_ang.data() == b_ang.data() && a_ang.size() == b_ang.size();
  std::vector<Vec3> all(a_ang.begin(), a_ang.end());
  if (!same) all.insert(all.end(), b_ang.begin(), b_ang.end());
  const std::size_t first_b = same ? 0 : a_ang.size();
  const std::size_t bins = histogram.count.size();
  const NeighborList list = build_neighbor_list(cell, all, histogram.bin_ang * static_cast<double>(bins));
  for (std::size_t i = 0; i < a_ang.size(); ++i)
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      if (list.neighbor[p] < first_b) continue;
      const auto bin = static_cast<std::size_t>(norm(list.displacement_ang[p]) / histogram.bin_ang);
      if (bin < bins) ++histogram.count[bin];
    }
  ++histogram.frames;
  histogram.centres += static_cast<double>(a_ang.size());
  histogram.ideal_pairs_per_ang3 += static_cast<double>(a_ang.size()) * static_cast<double>(b_ang.size()) / cell.volume_ang3();
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
    rdf.g.push_back(histogram.frames ? count / (histogram.ideal_pairs_per_ang3 * (ball_ang3(high) - ball_ang3(low))) : 0);
    rdf.coordination.push_back(histogram.frames ? sum / histogram.centres : 0);
  }
  return rdf;
}

RdfAnalysis::RdfAnalysis(const RdfSettings& settings) : settings_(settings) {
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
  auto record = std::make_unique<RdfRecord>();
  for (std::size_t k = 0; k < settings_.pairs.size(); ++k) {
    PairHistogram histogram;
    histogram.bin_ang = settings_.bin_ang;
    histogram.count.assign(histograms_[k].count.size(), 0);
    const auto [a, b] = settings_.pairs[k];
    const std::vector<Vec3> a_ang = positions_of(frame, a);
    if (a == b) add_pairs(histogram, frame.cell, a_ang, a_ang);
    else add_pairs(histogram, frame.cell, a_ang, positions_of(frame, b));
    record->histograms.push_back(std::move(histogram));
  }
  return record;
}

void RdfAnalysis::fold(std::unique_ptr<Record> base) {
  const auto& record = static_cast<const RdfRecord&>(*base);
  for (std::size_t k = 0; k < histograms_.size(); ++k) {
    const PairHistogram& one = record.histograms[k];
    PairHistogram& all = histograms_[k];
    for (std::size_t bin = 0; bin < all.count.size(); ++bin) all.count[bin] += one.count[bin];
    all.frames += one.frames;
    all.centres += one.centres;
    all.ideal_pairs_per_ang3 += one.ideal_pairs_per_ang3;
  }
}

std::vector<Rdf> RdfAnalysis::finish() const {
  std::vector<Rdf> result;
  for (std::size_t k = 0; k < histograms_.size(); ++k) {
    result.push_back(normalised(histograms_[k]));
    result.back().first = settings_.pairs[k].first;
    result.back().second = settings_.pairs[k].second;
  }
  return result;
}

}  // namespace saltus
