// Analyses of a trajectory: frames → records → result. All analyses share one read of the trajectory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

/// What one analysis keeps of one frame.
struct Record {
  virtual ~Record() = default;
};

/// An analysis: `map` is pure and runs on many frames at once, `fold` receives the records in time order.
/// The result is asked of the concrete analysis by its own finish().
class Analysis {
 public:
  virtual ~Analysis() = default;
  /// Only frames 0, stride, 2·stride, … are mapped.
  virtual std::size_t stride() const { return 1; }
  virtual std::unique_ptr<Record> map(const Frame& frame) const = 0;
  virtual void fold(std::unique_ptr<Record> record) = 0;
};

/// Fills the frame and returns true, or returns false at the end.
using NextFrame = std::function<bool(Frame&)>;

/// Reads all frames once and feeds every analysis; returns the number of frames. Memory is a few chunks of frames. With two
/// threads or more, `next` runs beside the analyses, on any thread but never twice at once.
/// Results, and the error thrown where there are several, do not depend on the number of threads.
/// Throws Error{unsupported} when the atoms change from one frame to another, and what reader and analyses throw.
std::size_t run_analyses(const NextFrame& next, std::span<Analysis* const> analyses);

/// Indices of the atoms of one element, ascending; empty when there is none.
std::vector<std::uint32_t> indices_of(const Atoms& atoms, int atomic_number);

/// Throws Error{usage} that says how to come by velocities when the frame has none.
void require_velocities(const Frame& frame);

}  // namespace saltus
