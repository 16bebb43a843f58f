#include "replay/report/memory_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

using ::testing::HasSubstr;

TEST(MemoryTextTest, SaysWhatIsHeldAndWhetherItComesBack) {
  const SubjectRuns runs = test::made_runs({1});
  Result result;
  result.allocators = {summarize(test::made_plan(), runs, runs)};
  IdleSeries& idle = result.allocators[0].idle;
  idle.trimmed.back_after_ms = 500;
  const std::string text = idle_text(result);
  EXPECT_THAT(text, HasSubstr("made idle: most held 0.02 MiB"));
  EXPECT_THAT(text, HasSubstr("0.02 MiB after 0 ms, 0.01 MiB after 500 ms; did not come back\n"));
  EXPECT_THAT(text, HasSubstr("; came back within 500 ms\n"));
  result.trace.floor_pages = 2;
  EXPECT_THAT(idle_text(result), HasSubstr("made idle: most held 0.02 MiB (2.500 x the floor)"));
  EXPECT_THAT(idle_text(result), HasSubstr("0.01 MiB (1.000 x the floor) after 500 ms"));
  idle.trimmed.why_absent = "no way";
  EXPECT_THAT(idle_text(result), HasSubstr("with malloc_trim: no way\n"));
  idle.live_bytes = 1 << 20;  // more than was ever resident
  EXPECT_THAT(idle_text(result), HasSubstr("; nothing to come back\n"));
  idle.peak_resident_pages = 0;
  EXPECT_THAT(idle_text(result), HasSubstr("by itself:        nothing was held\n"));
  idle.after_ms.clear();
  EXPECT_EQ(idle_text(result), "");
}

TEST(MemoryTextTest, SaysWhetherASoakGrew) {
  Result result;
  result.allocators.resize(1);
  AllocatorResult& allocator = result.allocators[0];
  allocator.subject.name = "made";
  EXPECT_EQ(soak_text(result), "");
  allocator.soak.emplace();
  allocator.soak->events_per_turn = 50;
  allocator.soak->resident_bytes = {1, 2 << 20};
  allocator.soak->cpu_time_per_event_ns = {1, 20};
  allocator.soak->resident = {DriftVerdict::kGrows, 30, 0.001, 0.05, {0.04, 0.06}};
  const std::string text = soak_text(result);
  EXPECT_THAT(text, HasSubstr("made in 2 turns of 50 events\n"));
  EXPECT_THAT(text, HasSubstr("resident, 2.00 MiB at last: grows: +5.00 % over the last 30 turns "
                              "(+4.00 to +6.00 %)"));
  result.trace.floor_pages = 256;
  EXPECT_THAT(soak_text(result), HasSubstr("resident, 2.00 MiB (2.000 x the floor) at last"));
  EXPECT_THAT(text, HasSubstr("CPU time, 20.0 ns an event at last: cannot tell from so few turns"));
}

}  // namespace
}  // namespace replay
