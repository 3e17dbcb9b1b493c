// All analyses share one read, reading runs beside them, and nothing depends on the number of threads.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/rdf.hpp"
#include "saltus/analysis/velocity_correlation.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

struct StepRecord : Record {
  std::int64_t step = 0;
};

/// Remembers the steps it was given; fails at one of them.
class Witness : public Analysis {
 public:
  explicit Witness(std::size_t stride, std::int64_t fails_at = -1) : stride_(stride), fails_at_(fails_at) {}
  std::size_t stride() const override { return stride_; }
  std::unique_ptr<Record> map(const Frame& frame) const override {
    if (frame.step == fails_at_) throw Error(ErrorKind::numeric, "as asked");
    auto record = std::make_unique<StepRecord>();
    record->step = frame.step;
    return record;
  }
  void fold(std::unique_ptr<Record> record) override { steps.push_back(static_cast<const StepRecord&>(*record).step); }

  std::vector<std::int64_t> steps;

 private:
  std::size_t stride_;
  std::int64_t fails_at_;
};

NextFrame counting(std::int64_t count, int& reads, std::int64_t fails_at = -1) {
  const auto atoms = std::make_shared<const Atoms>(atoms_of({3}));
  return [=, &reads, k = std::int64_t{0}](Frame& frame) mutable {
    if (k == fails_at) throw Error(ErrorKind::format, "torn file");
    if (k == count) return false;
    ++reads;
    frame.atoms = atoms;
    frame.position_ang.assign(1, Vec3{});
    frame.step = k++;
    return true;
  };
}

class Queue : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_thread_count(GetParam()); }
  void TearDown() override { set_thread_count(0); }
};

TEST_P(Queue, EveryFrameIsReadOnceForAllAnalyses) {
  Witness all(1), some(7), other(1);
  Analysis* const analyses[] = {&all, &some, &other};
  int reads = 0;
  EXPECT_EQ(run_analyses(counting(1000, reads), analyses), 1000u);
  EXPECT_EQ(reads, 1000);
  ASSERT_EQ(all.steps.size(), 1000u);
  for (std::int64_t k = 0; k < 1000; ++k) ASSERT_EQ(all.steps[static_cast<std::size_t>(k)], k);
  EXPECT_EQ(other.steps, all.steps);
  ASSERT_EQ(some.steps.size(), 143u);
  for (std::int64_t k = 0; k < 143; ++k) ASSERT_EQ(some.steps[static_cast<std::size_t>(k)], 7 * k);
  reads = 0;
  EXPECT_EQ(run_analyses(counting(0, reads), analyses), 0u);
}

TEST_P(Queue, TheErrorOfTheFirstFrameIsThrownAndFramesBeforeItCount) {
  const auto message_of = [](std::int64_t analysis_fails_at, std::int64_t read_fails_at, std::size_t& folded) {
    Witness good(1), bad(1, analysis_fails_at);
    Analysis* const analyses[] = {&good, &bad};
    int reads = 0;
    std::string message;
    try {
      run_analyses(counting(500, reads, read_fails_at), analyses);
    } catch (const Error& error) {
      message = error.what();
    }
    folded = bad.steps.size();
    return message;
  };
  std::size_t folded = 0;
  EXPECT_EQ(message_of(77, 80, folded), "frame 78: as asked");
  EXPECT_EQ(folded, 77u);
  EXPECT_EQ(message_of(81, 80, folded), "torn file");
  EXPECT_EQ(folded, 80u);
  EXPECT_EQ(message_of(0, 0, folded), "torn file");
}

INSTANTIATE_TEST_SUITE_P(Threads, Queue, testing::Values(1, 2, 5));

TEST(QueueOverlap, ReadingRunsBesideTheAnalyses) {
  struct Slow : Witness {
    explicit Slow(std::atomic<bool>& busy) : Witness(1), busy_(busy) {}
    std::unique_ptr<Record> map(const Frame& frame) const override {
      busy_ = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      busy_ = false;
      return Witness::map(frame);
    }
    std::atomic<bool>& busy_;
  };
  set_thread_count(2);
  if (thread_count() < 2) GTEST_SKIP() << "one core";
  std::atomic<bool> busy = false;
  Slow slow(busy);
  Analysis* const analyses[] = {&slow};
  int reads = 0, beside = 0;
  const NextFrame next = counting(400, reads);
  run_analyses(
      [&](Frame& frame) {
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        if (busy) ++beside;
        return next(frame);
      },
      analyses);
  set_thread_count(0);
  EXPECT_GT(beside, 40);
}

TEST(QueueOverlap, TwoAnalysesTogetherGiveWhatEachGivesAlone) {
  const auto frames = testing_frames::read_frames("examples/li15si4/li15si4_900K.extxyz", 60);
  const auto rdf_of = [&](std::vector<Analysis*> others, RdfAnalysis& rdf) {
    others.push_back(&rdf);
    run_analyses(testing_frames::next_of(frames), others);
    return rdf.finish().at(0).g;
  };
  VelocityCorrelationAnalysis velocities({3, 50, false});
  RdfAnalysis alone({{{3, 14}}, 5, 0.1, 1}), together({{{3, 14}}, 5, 0.1, 1});
  EXPECT_EQ(rdf_of({}, alone), rdf_of({&velocities}, together));
}

}  // namespace
}  // namespace saltus
