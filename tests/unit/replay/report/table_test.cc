#include "replay/report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "replay/report/compare.h"
#include "tests/support/made_runs.h"

namespace replay {
namespace {

using ::testing::HasSubstr;

TEST(ShortNumberTest, KeepsThreeDigitsThatMatter) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(0.1234), "0.123");
  EXPECT_EQ(short_number(1.234), "1.23");
  EXPECT_EQ(short_number(45.67), "45.7");
  EXPECT_EQ(short_number(1234), "1234");
  EXPECT_EQ(short_number(12345), "12.3 k");
  EXPECT_EQ(short_number(45'678'901), "45.7 M");
  EXPECT_EQ(short_number(-20'000), "-20.0 k");
  EXPECT_EQ(short_number(std::nan("")), "-");
}

TEST(TableTest, ShowsBothSidesRatioAndVerdict) {
  const Plan plan = test::made_plan();
  SubjectRuns glibc = test::made_runs(std::vector<std::uint64_t>(7, 8000));
  glibc.subject.name = "glibc";
  SubjectRuns mem = test::made_runs(std::vector<std::uint64_t>(7, 4000));
  mem.subject.name = "mem";
  for (RunOutcome& run : mem.by_pass[0]) run.failed_allocations = 9;
  Result result;
  result.config.repetitions = 7;
  result.allocators = {summarize(plan, glibc, glibc), summarize(plan, mem, glibc)};
  result.comparisons = {compare(result.allocators[0], result.allocators[1])};
  const std::string text = comparison_tables(result);
  EXPECT_THAT(text, HasSubstr("mem against glibc (in-process), 7 repetitions"));
  EXPECT_THAT(text, ::testing::ContainsRegex("throughput_events_per_s +125 M events/s +250 M "
                                             "events/s +2.000  2.000 to 2.000 +better"));
  EXPECT_THAT(text, ::testing::ContainsRegex("counter_instructions_per_event +5 counts"));
  EXPECT_THAT(text, ::testing::ContainsRegex("counter_cycles_free +40 counts +40 counts +1.000"));
  EXPECT_THAT(text, HasSubstr("costs 8 ns per event"));
  EXPECT_THAT(text, HasSubstr("WARNING: mem refused 9 allocations"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("overlapped")));
}

TEST(TableTest, ShowsResponseTimesWhereThereAre) {
  const Plan plan = test::made_plan();
  SubjectRuns glibc = test::made_runs({8000});
  glibc.subject.name = "glibc";
  SubjectRuns mem = test::made_runs({4000});
  mem.subject.name = "mem";
  Result result;
  const auto table = [&] {
    result.allocators = {summarize(plan, glibc, glibc), summarize(plan, mem, glibc)};
    result.comparisons = {compare(result.allocators[0], result.allocators[1])};
    return comparison_tables(result);
  };
  EXPECT_THAT(table(), ::testing::Not(HasSubstr("response")));
  for (SubjectRuns* runs : {&glibc, &mem}) {
    RunOutcome& run = runs->by_pass[static_cast<std::size_t>(Pass::kLatency)][0];
    run.responses.resize(kOpCount);
    TickHistogram& of_malloc = run.responses[static_cast<std::size_t>(Op::kMalloc)];
    for (int i = 0; i < 90; ++i) of_malloc.record(20);
    for (int i = 0; i < 10; ++i) of_malloc.record(40);
  }
  const std::string text = table();
  EXPECT_THAT(text, ::testing::ContainsRegex("response_ns_malloc_p50 +10[.0-9]* ns +10"));
  EXPECT_THAT(text, ::testing::ContainsRegex("response_ns_malloc_p99 +20[.0-9]* ns +20"));
  EXPECT_THAT(text, HasSubstr("response_ns_free_p50"));
  EXPECT_THAT(text, HasSubstr("response_ns_free_p99"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("response_ns_realloc")));
}

TEST(TableTest, SaysHowFarThreadsOverlapped) {
  Result result;
  result.threads = {3, 2, 500, 40};
  for (const char* name : {"glibc", "mem"}) {
    AllocatorResult& side = result.allocators.emplace_back();
    side.subject = {name, mem::Binding::kPreload, "", name};
    side.figures = {{{"threads_overlapped_share", "share", Better::kNone, {0.75}}, 0.75, {}},
                    {{"threads_waited_ns", "ns", Better::kNone, {2e6}}, 2e6, {}}};
  }
  result.comparisons = {{"glibc", "mem", mem::Binding::kPreload, {}}};
  EXPECT_THAT(
      comparison_tables(result),
      HasSubstr("  3 threads, 2 at once at most; 500 edges between them, 40 waits enforce all\n"
                "    under glibc 75.0 % of events overlapped, 2.000 ms were waited in all\n"
                "    under mem 75.0 % of events overlapped, 2.000 ms were waited in all\n"));
}

}  // namespace
}  // namespace replay
