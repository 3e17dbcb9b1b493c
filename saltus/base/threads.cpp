#include "saltus/base/threads.hpp"

#include <algorithm>
#include <memory>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "saltus/base/hand_over.hpp"

namespace saltus {

namespace {

// The one process-wide setting: how many threads oneTBB may use.
std::unique_ptr<tbb::global_control>& control() {
  static std::unique_ptr<tbb::global_control> value;
  return value;
}

}  // namespace

void set_thread_count(int count) {
  const int used = count > 0 ? count : tbb::info::default_concurrency();
  control() = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism,
                                                    static_cast<std::size_t>(used));
}

int thread_count() {
  return static_cast<int>(std::min<std::size_t>(
      tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism),
      static_cast<std::size_t>(tbb::info::default_concurrency())));
}

void parallel_chunks(std::size_t n, std::size_t chunk, const std::function<void(std::size_t, std::size_t)>& body) {
  if (n == 0) return;
  if (chunk == 0) chunk = 1;
  const std::size_t chunks = (n + chunk - 1) / chunk;
  if (chunks == 1 || thread_count() == 1) {
    for (std::size_t k = 0; k < chunks; ++k) body(k * chunk, std::min(n, (k + 1) * chunk));
    return;
  }
  // A thread that waits here takes no work of an outer loop, which could hold this one up.
  HandOver begin, end;
  const Awaited all(begin, end);
  tbb::this_task_arena::isolate([&] {
    tbb::parallel_for(std::size_t{0}, chunks, [&](std::size_t k) {
      const Task task(begin, end);
      body(k * chunk, std::min(n, (k + 1) * chunk));
    });
  });
}

}  // namespace saltus
