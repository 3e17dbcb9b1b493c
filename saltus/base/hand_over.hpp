// What one task did is seen by the next: oneTBB's library is not built with the thread sanitizer, which therefore does not see
// its hand-overs and takes all that tasks pass on for races. These calls tell it; otherwise they do nothing.
#pragma once

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace saltus {

/// A point where work passes from one task to another.
struct HandOver {
  void give() {
#ifdef __SANITIZE_THREAD__
    __tsan_release(this);
#endif
  }
  void take() {
#ifdef __SANITIZE_THREAD__
    __tsan_acquire(this);
#endif
  }
};

/// The one who waits: all it did before is known to the tasks, and what they did to all that follows, also when one throws.
struct Awaited {
  HandOver &begin, &end;
  Awaited(HandOver& begin_, HandOver& end_) : begin(begin_), end(end_) { begin.give(); }
  ~Awaited() { end.take(); }
};

/// A task, from its first to its last line.
struct Task {
  HandOver& end;
  Task(HandOver& begin, HandOver& end_) : end(end_) { begin.take(); }
  ~Task() { end.give(); }
};

}  // namespace saltus
