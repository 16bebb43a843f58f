// For how long at least two lanes were between waits at the same time. A lane tells when it begins
// to run and when it stops; the difference of the two answers is what it shared with others.
//
// A lane that runs but has no CPU counts as running. Safe from any thread; a short lock a call.
#pragma once

#include <cstdint>

#include "core/base/lock.h"

namespace replay {

class LaneOverlap {
 public:
  struct Moment {
    std::uint64_t now_ns;
    std::uint64_t overlapped_ns;  // since the beginning of time
  };

  // One lane more (+1) or less (-1) is running from now on. `clock` answers nanoseconds and never
  // goes back.
  template <class Clock>
  Moment change(int running, Clock clock) {
    const mem::LockGuard guard(lock_);
    const std::uint64_t now_ns = clock();
    if (running_ >= 2) overlapped_ns_ += now_ns - last_ns_;
    last_ns_ = now_ns;
    running_ += running;
    return {now_ns, overlapped_ns_};
  }

 private:
  mem::Mutex lock_;
  int running_ = 0;
  std::uint64_t last_ns_ = 0;
  std::uint64_t overlapped_ns_ = 0;
};

}  // namespace replay
