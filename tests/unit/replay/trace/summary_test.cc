#include "replay/trace/summary.h"

#include <gtest/gtest.h>

#include <map>

#include "replay/trace/error.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

Summary summary_of(const std::vector<Event>& events) {
  Summarizer summarizer;
  summarizer.add(events);
  return summarizer.result();
}

TEST(SummaryTest, BucketsArePowersOfTwo) {
  Log2Histogram histogram;
  EXPECT_EQ(histogram.begin(), histogram.end());
  for (const std::uint64_t value : {7ULL, 8ULL, 15ULL, 16ULL}) histogram.add(value);
  EXPECT_EQ(histogram.begin(), 3);
  EXPECT_EQ(histogram.end(), 6);
  EXPECT_EQ(histogram.count(4), 2U);
  EXPECT_EQ(Log2Histogram::least(4), 8U);
  EXPECT_EQ(Log2Histogram::greatest(4), 15U);
  histogram.add(0);
  EXPECT_EQ(histogram.begin(), 0);
  histogram.add(UINT64_MAX);
  EXPECT_EQ(histogram.end(), Log2Histogram::kBuckets);
  EXPECT_EQ(Log2Histogram::greatest(64), UINT64_MAX);
  EXPECT_EQ(histogram.total(), 6U);
}

TEST(SummaryTest, CountsASmallTraceExactly) {
  const Summary s = summary_of({
      {.time_ns = 10, .object = 0, .size = 100, .thread = 0, .op = Op::kMalloc},
      {.time_ns = 20, .object = 1, .size = 50, .thread = 1, .op = Op::kCalloc},
      {.time_ns = 30, .object = 0, .size = 300, .thread = 0, .op = Op::kRealloc},
      {.time_ns = 40, .object = 0, .size = 0, .thread = 1, .op = Op::kFree},
      {.time_ns = 50, .object = 2, .size = 1, .thread = 0, .op = Op::kAligned, .align_log2 = 6},
      {.time_ns = 60, .object = 3, .size = 1, .thread = 0, .op = Op::kMalloc},
      {.time_ns = 70, .object = 3, .size = 0, .thread = 0, .op = Op::kFree},
  });
  EXPECT_EQ(s.events, 7U);
  EXPECT_EQ(s.by_op, (std::array<std::uint64_t, kOpCount>{2, 1, 1, 1, 2}));
  EXPECT_EQ(s.by_thread, (std::vector<std::uint64_t>{5, 2}));
  EXPECT_EQ(s.objects, 4U);
  EXPECT_EQ(s.cross_thread_frees, 1U);
  EXPECT_EQ(s.requested_bytes, 352U);
  EXPECT_EQ(s.duration_ns, 70U);
  EXPECT_EQ(s.peak_bytes.bytes, 350U);
  EXPECT_EQ(s.peak_bytes.event, 2U);
  EXPECT_EQ(s.peak_objects.objects, 3U);
  EXPECT_EQ(s.peak_objects.event, 5U);
  EXPECT_EQ(s.end.bytes, 51U);
  EXPECT_EQ(s.end.objects, 2U);
  EXPECT_EQ(s.sizes.total(), 5U);
  EXPECT_EQ(s.lifetimes_events.count(2), 1U);  // object 0: 3 events
  EXPECT_EQ(s.lifetimes_events.count(1), 1U);  // object 3: 1 event
  EXPECT_EQ(s.lifetimes_ns.count(5), 1U);      // 30 ns
  EXPECT_EQ(s.lifetimes_ns.count(4), 1U);      // 10 ns
  ASSERT_EQ(s.curve.size(), 7U);
  EXPECT_EQ(s.curve[2].bytes, 350U);
  EXPECT_EQ(s.curve[3].time_ns, 40U);
}

TEST(SummaryTest, SaysWhoFreesWhoseMemoryAndWhatReallocDoes) {
  const Summary s = summary_of({
      {.object = 0, .size = 100, .thread = 0, .op = Op::kMalloc},
      {.object = 1, .size = 0, .thread = 1, .op = Op::kMalloc},
      {.object = 0, .size = 200, .thread = 0, .op = Op::kRealloc},
      {.object = 0, .size = 201, .thread = 0, .op = Op::kRealloc},
      {.object = 0, .size = 50, .thread = 0, .op = Op::kRealloc},
      {.object = 0, .size = 50, .thread = 0, .op = Op::kRealloc},
      {.object = 0, .size = 500, .thread = 0, .op = Op::kRealloc},
      {.object = 1, .size = 7, .thread = 1, .op = Op::kRealloc},
      {.object = 0, .thread = 1, .op = Op::kFree},
      {.object = 1, .thread = 1, .op = Op::kFree},
      {.object = 2, .size = 1, .thread = 0, .op = Op::kAligned, .align_log2 = 12},
  });
  ASSERT_EQ(s.frees.size(), 2U);
  EXPECT_EQ((s.frees.at({0, 1}).bytes), 500U);
  EXPECT_EQ((s.frees.at({1, 1}).objects), 1U);
  EXPECT_EQ(s.alignments[12], 1U);
  EXPECT_EQ(s.resizes.shrunk, 1U);
  EXPECT_EQ(s.resizes.same, 1U);
  EXPECT_EQ(s.resizes.from_empty, 1U);
  EXPECT_EQ(s.resizes.grown, (std::array<std::uint64_t, 5>{1, 0, 1, 0, 1}));
  EXPECT_EQ(s.resizes.objects, 2U);
  EXPECT_EQ(s.resizes.grown_bytes, 100U + 1 + 450 + 7);
  EXPECT_EQ(s.resizes.shrunk_bytes, 151U);
  EXPECT_EQ(s.resizes.kept_bytes, 100U + 200 + 50 + 50 + 50);
  EXPECT_EQ(s.resizes.per_object.count(1), 1U);
  EXPECT_EQ(s.resizes.per_object.count(3), 1U);
}

TEST(SummaryTest, ThreadsMustBeNumberedAsTheyAppear) {
  EXPECT_THROW(summary_of({{.object = 0, .size = 8, .thread = 4000000000}}), Error);
}

TEST(SummaryTest, TheCurveIsEvenAndTrueWhateverTheLength) {
  for (const std::size_t count : {1U, 2U, 98U, 99U, 100U, 101U, 199U, 200U, 1000U, 12345U}) {
    const auto events = test::random_events(count, count);
    std::map<std::uint64_t, std::uint64_t> live;
    std::vector<std::uint64_t> bytes;
    std::uint64_t sum = 0;
    for (const Event& event : events) {
      sum += event.size - live[event.object];
      live[event.object] = event.size;
      bytes.push_back(sum);
    }
    const Summary s = summary_of(events);
    ASSERT_LE(s.curve.size(), Summarizer::kMaxPoints);
    ASSERT_GE(s.curve.size(), std::min<std::size_t>(count, 49));
    ASSERT_EQ(s.curve.front().event, 0U);
    ASSERT_EQ(s.curve.back().event, count - 1);
    for (std::size_t i = 0; i < s.curve.size(); ++i) {
      ASSERT_EQ(s.curve[i].bytes, bytes[s.curve[i].event]);
      if (i + 1 < s.curve.size()) {
        ASSERT_EQ(s.curve[i].event, i * s.curve[1].event);
      }
    }
  }
}

TEST(SummaryTest, AnEmptyTraceHasAnEmptySummary) {
  const Summary s = summary_of({});
  EXPECT_EQ(s.events, 0U);
  EXPECT_TRUE(s.curve.empty());
}

TEST(SummaryTest, EventsOfDeadObjectsAreErrors) {
  const Event birth{.object = 0, .size = 8};
  const Event end{.object = 0, .op = Op::kFree};
  EXPECT_THROW(summary_of({end}), Error);
  EXPECT_THROW(summary_of({birth, end, end}), Error);
  EXPECT_THROW(summary_of({birth, end, {.object = 0, .size = 1, .op = Op::kRealloc}}), Error);
}

}  // namespace
}  // namespace replay
