#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/pipeline.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {
namespace {

class Pipeline : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_thread_count(GetParam()); }
  void TearDown() override { set_thread_count(0); }
};

TEST_P(Pipeline, ItemsComeOutInOrderThroughTheSlots) {
  for (const std::size_t slots : {1u, 2u, 7u}) {
    std::vector<int> slot(slots), out;
    int next = 0;
    ordered_pipeline(
        slots,
        [&](std::size_t s) {
          if (next == 1000) return false;
          slot[s] = next++;
          return true;
        },
        [&](std::size_t s) {
          std::atomic<int> sum = 0;
          parallel_chunks(8, 1, [&](std::size_t, std::size_t) { ++sum; });
          slot[s] = slot[s] * 10 + sum;
        },
        [&](std::size_t s) { out.push_back(slot[s]); });
    ASSERT_EQ(out.size(), 1000u);
    for (int k = 0; k < 1000; ++k) ASSERT_EQ(out[static_cast<std::size_t>(k)], 10 * k + 8);
  }
}

TEST_P(Pipeline, AnExceptionOfAnyStepEndsIt) {
  for (int step = 0; step < 3; ++step) {
    std::atomic<int> produced = 0;
    const auto fail = [&](int here) {
      if (here == step && produced > 20) throw Error(ErrorKind::numeric, "as asked");
    };
    EXPECT_THROW(ordered_pipeline(
                     4,
                     [&](std::size_t) {
                       fail(0);
                       return ++produced < 100;
                     },
                     [&](std::size_t) {
                       if (step == 1) throw Error(ErrorKind::numeric, "as asked");
                     },
                     [&](std::size_t) { fail(2); }),
                 Error);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Pipeline, testing::Values(1, 2, 4));

}  // namespace
}  // namespace saltus
