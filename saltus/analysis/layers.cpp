#include "saltus/analysis/layers.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

void check(std::span<const Layer> layers, std::span<const std::size_t> lags) {
  if (layers.empty() || lags.empty()) throw Error(ErrorKind::usage, "motion in layers needs at least one layer and one lag");
  for (const Layer& layer : layers)
    if (!(layer.high_ang > layer.low_ang)) throw Error(ErrorKind::usage, fmt::format("a layer from {} to {} Å has no width", layer.low_ang, layer.high_ang));
  if (lags[0] == 0 || std::adjacent_find(lags.begin(), lags.end(), [](std::size_t a, std::size_t b) { return a >= b; }) != lags.end())
    throw Error(ErrorKind::usage, "lags of motion in layers must ascend from at least one frame");
}

void add_to(std::vector<double>& sum, std::span<const double> other) {
  sum.resize(other.size());
  for (std::size_t k = 0; k < other.size(); ++k) sum[k] += other[k];
}

}  // namespace

bool Layer::holds(double distance_ang, double period_ang) const {
  const double half = (high_ang - low_ang) / 2;
  double x = distance_ang - (low_ang + high_ang) / 2;
  if (period_ang > 0) x -= period_ang * std::round(x / period_ang);
  return x >= -half && x < half;
}

LayerDensity::LayerDensity(double low_ang, double high_ang, std::size_t bins) : low_(low_ang), width_((high_ang - low_ang) / static_cast<double>(bins)), bins_(bins) {
  if (bins == 0 || bins > 10'000'000 || !(high_ang > low_ang) || !std::isfinite(high_ang - low_ang))
    throw Error(ErrorKind::usage, fmt::format("a density profile of {} bins from {} to {} Å cannot be meant", bins, low_ang, high_ang));
}

void LayerDensity::add(const DistanceFrame& frame) {
  if (!(frame.area_ang2 > 0))
    throw Error(ErrorKind::unsupported, "a density profile needs a surface with an area: a plane or an interface in a cell that is periodic along it");
  std::vector<double> row(bins_, 0.0);
  const double of_one = 1 / (frame.area_ang2 * width_);
  for (const float distance : frame.distance_ang) {
    double from_low = static_cast<double>(distance) - low_;
    if (frame.period_ang > 0) from_low -= frame.period_ang * std::floor(from_low / frame.period_ang);
    if (from_low >= 0 && from_low < width_ * static_cast<double>(bins_)) row[std::min(static_cast<std::size_t>(from_low / width_), bins_ - 1)] += of_one;
  }
  sums_.add(row);
}

double LayerDensity::bin_centre_ang(std::size_t k) const { return low_ + (static_cast<double>(k) + 0.5) * width_; }

std::vector<double> LayerDensity::density_per_ang3() const {
  std::vector<double> mean = sums_.total();
  for (double& density : mean) density /= static_cast<double>(sums_.rows());
  return mean;
}

std::vector<std::vector<double>> LayerDensity::blocks(std::size_t count) const {
  auto blocks = sums_.blocks(count);
  for (auto& block : blocks)
    for (double& density : block) density /= static_cast<double>(sums_.rows_per_block(count));
  return blocks;
}

LayerMotionSums& LayerMotionSums::operator+=(const LayerMotionSums& other) {
  add_to(started, other.started);
  add_to(stayed, other.stayed);
  add_to(square_ang2, other.square_ang2);
  return *this;
}

LayerMotion::LayerMotion(std::vector<Layer> layers, std::vector<std::size_t> lags) : layers_(std::move(layers)), lags_(std::move(lags)) {
  check(layers_, lags_);
}

void LayerMotion::add(const DistanceFrame& frame) {
  const std::size_t molecules = frame.point_ang.size();
  if (frame.distance_ang.size() != molecules || norm2(frame.normal) == 0)
    throw Error(ErrorKind::usage, "motion in layers needs one distance for each molecule, from a plane or an interface");
  unwrapper_.add(frame.cell, frame.point_ang);
  if (frames_ == 0) since_.assign(layers_.size(), std::vector<std::size_t>(molecules, outside));
  Moment now{unwrapper_.position_ang(), std::vector<double>(layers_.size(), 0.0)};
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    for (std::size_t i = 0; i < molecules; ++i) {
      std::size_t& since = since_[l][i];
      if (!layers_[l].holds(frame.distance_ang[i], frame.period_ang)) since = outside;
      else if (since == outside) since = frames_;
      if (since != outside) ++now.inside[l];
    }
  }
  std::vector<double> row;
  row.reserve(3 * layers_.size() * lags_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l)
    for (const std::size_t lag : lags_) {
      double started = 0, stayed = 0, square = 0;
      if (lag <= frames_) {
        const Moment& then = past_[past_.size() - lag];
        started = then.inside[l];
        for (std::size_t i = 0; i < molecules; ++i) {
          if (since_[l][i] == outside || since_[l][i] > frames_ - lag) continue;
          const Vec3 step = now.path_ang[i] - then.path_ang[i];
          const double along_normal = dot(step, frame.normal);
          stayed += 1;
          square += norm2(step) - along_normal * along_normal;
        }
      }
      row.insert(row.end(), {started, stayed, square});
    }
  sums_.add(row);
  past_.push_back(std::move(now));
  if (past_.size() > lags_.back()) past_.pop_front();
  ++frames_;
}

std::vector<LayerMotionSums> LayerMotion::unfolded(std::span<const double> row) const {
  std::vector<LayerMotionSums> sums(layers_.size());
  std::size_t at = 0;
  for (LayerMotionSums& layer : sums)
    for (std::size_t k = 0; k < lags_.size(); ++k, at += 3) {
      layer.started.push_back(row[at]);
      layer.stayed.push_back(row[at + 1]);
      layer.square_ang2.push_back(row[at + 2]);
    }
  return sums;
}

std::vector<LayerMotionSums> LayerMotion::total() const {
  if (frames_ == 0) throw Error(ErrorKind::usage, "the trajectory holds no frame");
  return unfolded(sums_.total());
}

std::vector<std::vector<LayerMotionSums>> LayerMotion::blocks(std::size_t count) const {
  std::vector<std::vector<LayerMotionSums>> blocks;
  for (const auto& block : sums_.blocks(count)) blocks.push_back(unfolded(block));
  return blocks;
}

LayerOrientationSums& LayerOrientationSums::operator+=(const LayerOrientationSums& other) {
  add_to(started, other.started);
  add_to(first, other.first);
  add_to(second, other.second);
  return *this;
}

LayerOrientation::LayerOrientation(std::vector<Layer> layers, std::vector<std::size_t> lags, std::span<const MolecularAxis> axes)
    : layers_(std::move(layers)), lags_(std::move(lags)) {
  check(layers_, lags_);
  for (const MolecularAxis& axis : axes) molecule_of_.push_back(axis.molecule);
}

void LayerOrientation::add(const DistanceFrame& frame) {
  if (frame.axis.size() != molecule_of_.size() || frame.distance_ang.size() != frame.point_ang.size())
    throw Error(ErrorKind::usage, fmt::format("orientations in layers need {} axes and one distance for each molecule; there are {} axes, {} distances and {} molecules",
                                              molecule_of_.size(), frame.axis.size(), frame.distance_ang.size(), frame.point_ang.size()));
  Moment now{{frame.axis.begin(), frame.axis.end()}, std::vector<std::vector<std::uint32_t>>(layers_.size())};
  for (std::size_t l = 0; l < layers_.size(); ++l)
    for (std::uint32_t k = 0; k < molecule_of_.size(); ++k)
      if (layers_[l].holds(frame.distance_ang[molecule_of_[k]], frame.period_ang)) now.inside[l].push_back(k);
  std::vector<double> row;
  for (std::size_t l = 0; l < layers_.size(); ++l)
    for (const std::size_t lag : lags_) {
      double started = 0, first = 0, second = 0;
      if (lag <= frames_) {
        const Moment& then = past_[past_.size() - lag];
        started = static_cast<double>(then.inside[l].size());
        for (const std::uint32_t k : then.inside[l]) {
          const double cosine = dot(then.axis[k], now.axis[k]);
          first += cosine;
          second += 1.5 * cosine * cosine - 0.5;
        }
      }
      row.insert(row.end(), {started, first, second});
    }
  sums_.add(row);
  past_.push_back(std::move(now));
  if (past_.size() > lags_.back()) past_.pop_front();
  ++frames_;
}

std::vector<LayerOrientationSums> LayerOrientation::unfolded(std::span<const double> row) const {
  std::vector<LayerOrientationSums> sums(layers_.size());
  std::size_t at = 0;
  for (LayerOrientationSums& layer : sums)
    for (std::size_t k = 0; k < lags_.size(); ++k, at += 3) {
      layer.started.push_back(row[at]);
      layer.first.push_back(row[at + 1]);
      layer.second.push_back(row[at + 2]);
    }
  return sums;
}

std::vector<LayerOrientationSums> LayerOrientation::total() const {
  if (frames_ == 0) throw Error(ErrorKind::usage, "the trajectory holds no frame");
  return unfolded(sums_.total());
}

std::vector<std::vector<LayerOrientationSums>> LayerOrientation::blocks(std::size_t count) const {
  std::vector<std::vector<LayerOrientationSums>> blocks;
  for (const auto& block : sums_.blocks(count)) blocks.push_back(unfolded(block));
  return blocks;
}

LayerHydrogenBonds::LayerHydrogenBonds(std::vector<Layer> layers, std::vector<std::size_t> lags, const MoleculeGroups& molecules)
    : layers_(std::move(layers)), lags_(std::move(lags)) {
  check(layers_, lags_);
  for (std::uint32_t m = 0; m < molecules.size(); ++m)
    for (std::uint32_t k = molecules.first[m]; k < molecules.first[m + 1]; ++k) molecule_of_[molecules.atom[k]] = m;
}

void LayerHydrogenBonds::add(const DistanceFrame& frame) {
  if (frame.distance_ang.size() != frame.point_ang.size()) throw Error(ErrorKind::usage, "hydrogen bonds in layers need one distance for each molecule");
  std::vector<std::vector<Pair>> now(layers_.size());
  std::unordered_map<Pair, std::size_t> since;
  for (const HydrogenBond& bond : frame.bonds) {
    const Pair pair = static_cast<Pair>(bond.hydrogen) << 32 | bond.acceptor;
    const auto before = since_.find(pair);
    if (!since.emplace(pair, before == since_.end() ? frames_ : before->second).second) continue;  // to an image as well
    const auto donor = molecule_of_.find(bond.donor);
    if (donor == molecule_of_.end()) continue;
    for (std::size_t l = 0; l < layers_.size(); ++l)
      if (layers_[l].holds(frame.distance_ang[donor->second], frame.period_ang)) now[l].push_back(pair);
  }
  since_ = std::move(since);
  std::vector<double> row;
  for (std::size_t l = 0; l < layers_.size(); ++l)
    for (const std::size_t lag : lags_) {
      double bonded = 0, continuous = 0, intermittent = 0;
      if (lag <= frames_) {
        const std::vector<Pair>& then = past_[past_.size() - lag][l];
        bonded = static_cast<double>(then.size());
        for (const Pair pair : then)
          if (const auto still = since_.find(pair); still != since_.end()) {
            intermittent += 1;
            if (still->second <= frames_ - lag) continuous += 1;
          }
      }
      row.insert(row.end(), {bonded, continuous, intermittent});
    }
  sums_.add(row);
  past_.push_back(std::move(now));
  if (past_.size() > lags_.back()) past_.pop_front();
  ++frames_;
}

std::vector<BondCorrelationSums> LayerHydrogenBonds::unfolded(std::span<const double> row) const {
  std::vector<BondCorrelationSums> sums(layers_.size());
  std::size_t at = 0;
  for (BondCorrelationSums& layer : sums)
    for (std::size_t k = 0; k < lags_.size(); ++k, at += 3) {
      layer.bonded.push_back(row[at]);
      layer.continuous.push_back(row[at + 1]);
      layer.intermittent.push_back(row[at + 2]);
    }
  return sums;
}

std::vector<BondCorrelationSums> LayerHydrogenBonds::total() const {
  if (frames_ == 0) throw Error(ErrorKind::usage, "the trajectory holds no frame");
  return unfolded(sums_.total());
}

std::vector<std::vector<BondCorrelationSums>> LayerHydrogenBonds::blocks(std::size_t count) const {
  std::vector<std::vector<BondCorrelationSums>> blocks;
  for (const auto& block : sums_.blocks(count)) blocks.push_back(unfolded(block));
  return blocks;
}

}  // namespace saltus
