#include "replay/trace/tools/difference.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

Summary built_of(const std::vector<Event>& events) {
  Summarizer summarizer;
  summarizer.add(events);
  return summarizer.result();
}

double figure(const Difference& all, const std::string& name, bool of_b) {
  const auto found = std::find_if(all.figures.begin(), all.figures.end(),
                                  [&](const auto& f) { return f.name == name; });
  return of_b ? found->b : found->a;
}

TEST(DifferenceTest, ATraceDoesNotDifferFromItself) {
  const Summary summary = built_of(test::random_events(1, 2000));
  EXPECT_TRUE(difference(summary, summary).same());
  EXPECT_TRUE(difference(built_of({}), built_of({})).same());
}

TEST(DifferenceTest, FiguresStandSideBySide) {
  const Summary a = built_of({test::malloc_of(0, 8), test::free_of(0)});
  const Summary b = built_of({test::malloc_of(0, 24)});
  const Difference all = difference(a, b);
  EXPECT_FALSE(all.same());
  EXPECT_EQ(figure(all, "events", false), 2);
  EXPECT_EQ(figure(all, "events", true), 1);
  EXPECT_EQ(figure(all, "peak_live_bytes", true), 24);
  EXPECT_EQ(figure(all, "free_share", false), 0.5);
  EXPECT_EQ(all.figures[0].ratio(), 0.5);
  EXPECT_EQ((FigureDifference{"x", 0, 3}.ratio()), std::nullopt);
}

TEST(DifferenceTest, TheDistanceIsThatOfTheCumulativeShares) {
  Log2Histogram a;
  Log2Histogram b;
  EXPECT_EQ(distance(a, b), std::nullopt);
  for (const std::uint64_t value : {1U, 1U, 4U, 64U}) a.add(value);
  EXPECT_EQ(distance(a, b), std::nullopt);
  for (const std::uint64_t value : {64U, 64U}) b.add(value);
  EXPECT_EQ(distance(a, b), 0.75);
  EXPECT_EQ(distance(b, a), 0.75);
  EXPECT_EQ(distance(a, a), 0);
}

TEST(DifferenceTest, CurvesAreComparedByTheirShapes) {
  std::vector<Event> rise;
  std::vector<Event> rise_more;
  for (std::uint64_t i = 0; i < 50; ++i) {
    rise.push_back(test::malloc_of(i, 10));
    rise_more.push_back(test::malloc_of(i, 1000));
  }
  std::vector<Event> at_once(50, test::realloc_of(0, 10));
  at_once.front() = test::malloc_of(0, 10);
  EXPECT_EQ(curve_distance(built_of(rise), built_of(rise_more)), 0);
  EXPECT_NEAR(*curve_distance(built_of(rise), built_of(at_once)), 0.98, 0.001);
  EXPECT_EQ(curve_distance(built_of(rise), built_of({})), std::nullopt);
}

}  // namespace
}  // namespace replay
