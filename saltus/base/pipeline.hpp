// A line of three steps that overlap: reading, work, and what must happen in order.
#pragma once

#include <cstddef>
#include <functional>

namespace saltus {

/// Passes items through three steps that overlap: `produce` and `consume` take one item at a time, in order; `work` takes
/// several at once. An item lives in one of the slots 0 … slots − 1, which are taken in turn and used again once consumed.
/// produce(slot) returns false at the end. An exception of any step ends the line and is thrown here.
void ordered_pipeline(std::size_t slots, const std::function<bool(std::size_t)>& produce,
                      const std::function<void(std::size_t)>& work, const std::function<void(std::size_t)>& consume);

}  // namespace saltus
