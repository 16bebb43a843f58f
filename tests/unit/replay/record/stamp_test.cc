#include "replay/record/stamp.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace replay::spool {
namespace {

// Two threads hand a stamp to and fro; each finds its own later than the one received.
void stamps_grow_across_threads(ClockKind clock) {
  constexpr int kRounds = 20'000;
  std::atomic<std::uint64_t> latest{0};
  std::atomic<int> turn{0};
  std::atomic<int> disorder{0};
  const auto play = [&](int me) {
    for (int i = 0; i < kRounds; ++i) {
      while (turn.load(std::memory_order_acquire) != me) std::this_thread::yield();
      const std::uint64_t received = latest.load(std::memory_order_relaxed);
      const std::uint64_t stamp = read_stamp(clock);
      if (stamp < received) ++disorder;
      latest.store(stamp, std::memory_order_relaxed);
      turn.store(1 - me, std::memory_order_release);
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  EXPECT_EQ(disorder.load(), 0);
}

TEST(Stamp, GrowsAcrossThreadsByClock) { stamps_grow_across_threads(ClockKind::kMonotonicRaw); }

TEST(Stamp, GrowsAcrossThreadsByCounter) {
  if (!processor_has_invariant_tsc()) GTEST_SKIP() << "the counter is not invariant here";
  stamps_grow_across_threads(ClockKind::kTsc);
}

// One clock read by three names, and a processor that is taken away in all tries but one.
TEST(Stamp, IsCalibratedWhereNothingCameBetween) {
  for (const int quiet : {0, 3, 7}) {
    std::uint64_t now = 1000;
    int tries = 0;
    const auto read = [&] { return ++now; };
    const auto read_late = [&] {
      now += tries++ == quiet ? 0 : 500;
      return ++now;
    };
    const Calibration moment = calibrate_by(read, read, read_late);
    EXPECT_EQ(moment.stamp, moment.unix_ns + 1) << quiet;
    EXPECT_LE(moment.stamp - moment.monotonic_raw_ns, 1u) << quiet;
  }
}

TEST(Stamp, IsNeverZero) {
  EXPECT_NE(read_stamp(ClockKind::kMonotonicRaw), 0u);
  EXPECT_NE(calibrate(ClockKind::kMonotonicRaw).unix_ns, 0u);
}

}  // namespace
}  // namespace replay::spool
