#include "saltus/io/ring_beads.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

std::vector<std::int32_t> first_ring(TrajectoryReader& reader) {
  std::vector<std::int32_t> beads;
  for (Frame frame; reader.read_next(frame) && frame.bead; beads.push_back(*frame.bead))
    if (std::find(beads.begin(), beads.end(), *frame.bead) != beads.end()) break;
  reader.seek(0);
  return beads;
}

class BeadReader final : public TrajectoryReader {
 public:
  BeadReader(std::unique_ptr<TrajectoryReader> inner, std::int32_t bead, std::string name)
      : inner_(std::move(inner)), bead_(bead), name_(std::move(name)) {
    const std::vector<std::int32_t> ring = first_ring(*inner_);
    if (ring.empty()) throw Error(ErrorKind::usage, fmt::format("{}: bead {} is asked for, but the frames are not beads of ring polymers", name_, bead_));
    const auto at = std::find(ring.begin(), ring.end(), bead_);
    if (at == ring.end())
      throw Error(ErrorKind::usage, fmt::format("{}: there is no bead {}; the first step has {} of them, {} … {}", name_, bead_, ring.size(),
                                                *std::min_element(ring.begin(), ring.end()), *std::max_element(ring.begin(), ring.end())));
    beads_ = ring.size();
    place_ = static_cast<std::size_t>(at - ring.begin());
  }

  bool read_next(Frame& frame) override {
    const std::size_t wanted = next_ * beads_ + place_;
    if (wanted >= frames()) return false;
    if (wanted != behind_) inner_->seek(wanted);
    if (!inner_->read_next(frame)) return false;
    behind_ = wanted + 1;
    ++next_;
    if (frame.bead == bead_) return true;
    throw Error(ErrorKind::format, fmt::format("{}, frame {}: {} where bead {} is expected; each step must have the {} beads of the first, in the same order",
                                               name_, wanted + 1, frame.bead ? fmt::format("bead {}", *frame.bead) : "a frame that is no bead", bead_, beads_));
  }

  void seek(std::size_t k) override {
    const std::size_t total = count();
    if (k > total) throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {} of bead {}; it has {}", name_, k + 1, bead_, total));
    next_ = k;
    behind_.reset();
  }

  std::size_t count() override { return frames() > place_ ? (frames() - place_ + beads_ - 1) / beads_ : 0; }

  const FrameSource& source() const override { return inner_->source(); }

 private:
  std::size_t frames() {
    if (!frames_) frames_ = inner_->count();
    return *frames_;
  }

  std::unique_ptr<TrajectoryReader> inner_;
  std::int32_t bead_;
  std::string name_;
  std::size_t beads_ = 1, place_ = 0;  // in a step; of bead_ in it
  std::optional<std::size_t> frames_;  // of inner_, once counted
  std::size_t next_ = 0;               // step whose bead is next
  std::optional<std::size_t> behind_{0};  // the next frame of inner_; none: to be sought
};

}  // namespace

std::size_t beads_of(TrajectoryReader& reader) { return first_ring(reader).size(); }

std::unique_ptr<TrajectoryReader> only_bead(std::unique_ptr<TrajectoryReader> reader, std::int32_t bead, const std::string& name) {
  return std::make_unique<BeadReader>(std::move(reader), bead, name);
}

}  // namespace saltus
