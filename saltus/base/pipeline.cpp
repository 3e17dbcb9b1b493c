#include "saltus/base/pipeline.hpp"

#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include "saltus/base/hand_over.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

void ordered_pipeline(std::size_t slots, const std::function<bool(std::size_t)>& produce,
                      const std::function<void(std::size_t)>& work, const std::function<void(std::size_t)>& consume) {
  if (slots < 2 || thread_count() == 1) {
    while (produce(0)) {
      work(0);
      consume(0);
    }
    return;
  }
  using tbb::filter_mode;
  std::size_t next = 0;
  HandOver step;  // from any part of the line to any other
  const Awaited all(step, step);
  const auto first = tbb::make_filter<void, std::size_t>(filter_mode::serial_in_order, [&](tbb::flow_control& control) {
    const Task task(step, step);
    const std::size_t slot = next;
    if (!produce(slot)) control.stop();
    next = (next + 1) % slots;
    return slot;
  });
  const auto second = tbb::make_filter<std::size_t, std::size_t>(filter_mode::parallel, [&](std::size_t slot) {
    const Task task(step, step);
    work(slot);
    return slot;
  });
  const auto third = tbb::make_filter<std::size_t, void>(filter_mode::serial_in_order, [&](std::size_t slot) {
    const Task task(step, step);
    consume(slot);
  });
  tbb::this_task_arena::isolate([&] { tbb::parallel_pipeline(slots, first & second & third); });
}

}  // namespace saltus
