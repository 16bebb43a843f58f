#include "replay/trace/site_summary.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::free_of;
using test::malloc_of;
using test::realloc_of;

Event at(std::uint32_t site, Event event) {
  event.site = site;
  return event;
}

std::vector<SiteUse> uses_of(const std::vector<Event>& events) {
  SiteSummarizer summarizer;
  summarizer.add(events);
  return summarizer.result();
}

TEST(SiteSummary, ABlockIsOfTheSiteThatGaveItItsSize) {
  const auto sites = uses_of({at(7, malloc_of(0, 100)), at(9, realloc_of(0, 150)),
                              realloc_of(0, 120), at(7, malloc_of(1, 5)), free_of(1)});
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0], (SiteUse{.site = 7, .calls = 2, .requested_bytes = 105}));
  EXPECT_EQ(sites[1], (SiteUse{.site = 9,
                               .calls = 2,
                               .requested_bytes = 50,
                               .live_bytes_at_peak = 150,
                               .live_objects_at_peak = 1,
                               .unfreed_bytes = 120,
                               .unfreed_objects = 1}));
}

TEST(SiteSummary, WhatIsNotKnownIsSiteZero) {
  const auto sites = uses_of({malloc_of(0, 8)});
  ASSERT_EQ(sites.size(), 1U);
  EXPECT_EQ(sites[0].site, 0U);
  EXPECT_EQ(sites[0].live_bytes_at_peak, 8U);
}

// Against a count of everything at every event.
TEST(SiteSummary, ThePeakIsTheFirstMomentOfMostLiveBytes) {
  std::vector<Event> events = test::random_events(5, 3000);
  std::mt19937 random(1);
  struct Block {
    std::uint64_t size;
    std::uint32_t site;
  };
  std::map<std::uint64_t, Block> live;
  std::map<std::uint32_t, std::uint64_t> at_peak;
  std::uint64_t peak = 0;
  for (Event& event : events) {
    event.size %= 1000;
    if (event.op == Op::kFree) {
      live.erase(event.object);
      continue;
    }
    event.site = static_cast<std::uint32_t>(random() % 40);
    if (event.op == Op::kRealloc && event.site == 0) event.site = live.at(event.object).site;
    live[event.object] = {event.size, event.site};
    std::map<std::uint32_t, std::uint64_t> now;
    std::uint64_t bytes = 0;
    for (const auto& [object, block] : live) {
      now[block.site] += block.size;
      bytes += block.size;
    }
    if (bytes <= peak) continue;
    peak = bytes;
    at_peak = now;
  }
  const auto sites = uses_of(events);
  ASSERT_EQ(sites.size(), 40U);
  for (const SiteUse& use : sites) EXPECT_EQ(use.live_bytes_at_peak, at_peak[use.site]) << use.site;
}

TEST(SiteSummary, TheHottestComeFirstAndThoseWithNothingNot) {
  const std::vector<SiteUse> sites = {{.site = 1, .calls = 5},
                                      {.site = 2, .calls = 9, .unfreed_bytes = 3},
                                      {.site = 3, .calls = 9}};
  const auto numbers = [&](std::uint64_t SiteUse::*measure, std::size_t count) {
    std::vector<std::uint32_t> result;
    for (const SiteUse& use : hottest(sites, measure, count)) result.push_back(use.site);
    return result;
  };
  EXPECT_EQ(numbers(&SiteUse::calls, 10), (std::vector<std::uint32_t>{2, 3, 1}));
  EXPECT_EQ(numbers(&SiteUse::calls, 2), (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(numbers(&SiteUse::unfreed_bytes, 10), (std::vector<std::uint32_t>{2}));
}

}  // namespace
}  // namespace replay
