#include "replay/engine/still_clock.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/time.h>
#include <time.h>

namespace replay {
namespace {

// Its functions beside the C library's, which this process goes on using.
class StillClockTest : public ::testing::Test {
 protected:
  template <class Function>
  Function find(const char* name) {
    return reinterpret_cast<Function>(::dlsym(library_, name));
  }

  void* library_ =
      ::dlopen(fmt::format("{}/{}", LIB_DIR, kStillClockLibrary).c_str(), RTLD_NOW | RTLD_LOCAL);
};

TEST_F(StillClockTest, StandsStillUntilItIsTold) {
  ASSERT_NE(library_, nullptr) << ::dlerror();
  const auto clock = find<int (*)(clockid_t, timespec*)>("clock_gettime");
  const auto advance = find<AdvanceStillClock>(kStillClockFunction);
  timespec before;
  timespec after;
  clock(CLOCK_MONOTONIC, &before);
  clock(CLOCK_MONOTONIC_COARSE, &after);
  EXPECT_EQ(before.tv_sec, after.tv_sec);
  EXPECT_EQ(before.tv_nsec, after.tv_nsec);
  advance(3'000'000'007);
  clock(CLOCK_REALTIME, &after);
  EXPECT_EQ(after.tv_sec - before.tv_sec, 3);
  EXPECT_EQ(after.tv_nsec - before.tv_nsec, 7);

  timeval day{};
  find<int (*)(timeval*, void*)>("gettimeofday")(&day, nullptr);
  EXPECT_EQ(day.tv_sec, after.tv_sec);
  time_t stored = 0;
  EXPECT_EQ(find<time_t (*)(time_t*)>("time")(&stored), after.tv_sec);
  EXPECT_EQ(stored, after.tv_sec);
}

}  // namespace
}  // namespace replay
