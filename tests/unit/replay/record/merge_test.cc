#include "replay/record/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <random>
#include <vector>

#include "replay/trace/validate.h"

namespace replay {
namespace {

using spool::RawOp;

constexpr std::uint64_t kA = 0x1000;
constexpr std::uint64_t kB = 0x2000;

Record record(std::uint64_t stamp, RawOp op, std::uint64_t address, std::uint64_t size = 0,
              unsigned align_log2 = 0) {
  Record r;
  r.stamp = stamp;
  r.op = op;
  r.address = address;
  r.size = size;
  r.align_log2 = static_cast<std::uint8_t>(align_log2);
  return r;
}

// As the library writes it behind a kThread record of the stamp.
std::vector<std::uint64_t> words_of(const Record& r) {
  std::vector<std::uint64_t> words;
  if (r.site != 0) words.push_back(spool::pack_head(RawOp::kSite, 0, r.site));
  if (r.touched != 0) words.push_back(spool::pack_head(RawOp::kTouched, 0, r.touched));
  words.push_back(spool::pack_head(r.op, 0, r.address >> spool::kAddressShift));
  if (spool::words_of(r.op) == 2) words.push_back(spool::pack_size(r.size, r.align_log2));
  return words;
}

// One tick is one nanosecond, and tick 1000 is time 0.
const StampClock kClock({1000, 5000, 0}, {2000, 6000, 0});

struct Merged {
  std::vector<Event> events;
  std::vector<std::uint64_t> sites;
  MergeCounts counts;
};

Merged merge(const std::vector<std::vector<Record>>& threads, const MergeLimits& limits = {}) {
  std::vector<ThreadStream> streams;
  std::list<std::vector<std::uint64_t>> words;
  for (const auto& records : threads) {
    streams.push_back({streams.size() + 1, {}});
    // One record a segment: segments must not show in the result.
    for (const Record& r : records) {
      streams.back().segments.push_back({r.stamp, words.emplace_back(words_of(r))});
    }
  }
  Merged merged;
  merged.counts = merge_streams(
      streams, kClock, limits, [&](const Event& event) { merged.events.push_back(event); },
      &merged.sites);
  Validator validator;
  validator.feed(merged.events);
  EXPECT_EQ(validator.result().violation, "");
  EXPECT_EQ(validator.result().events, merged.counts.events);
  EXPECT_EQ(validator.result().objects, merged.counts.objects);
  EXPECT_EQ(validator.result().threads, merged.counts.threads);
  EXPECT_EQ(validator.result().live_at_end(), merged.counts.live_objects);
  return merged;
}

TEST(Merge, NothingBecomesNothing) { EXPECT_EQ(merge({}).counts.events, 0u); }

TEST(Merge, SortsThreadsByStampAndNumbersThemByAppearance) {
  const Merged merged =
      merge({{record(1020, RawOp::kCalloc, kB, 7)},
             {record(1010, RawOp::kMalloc, kA, 5), record(1030, RawOp::kAligned, kA + 64, 9, 6),
              record(1040, RawOp::kFree, kB)}});
  EXPECT_THAT(merged.events, ::testing::ElementsAre(Event{10, 0, 5, 0, Op::kMalloc, 0},
                                                    Event{20, 1, 7, 1, Op::kCalloc, 0},
                                                    Event{30, 2, 9, 0, Op::kAligned, 6},
                                                    Event{40, 1, 0, 0, Op::kFree, 0}));
  EXPECT_EQ(merged.counts.live_objects, 2u);
}

TEST(Merge, AtEqualStampsReleasesComeFirst) {
  const Merged merged =
      merge({{record(1050, RawOp::kMalloc, kA, 2)},
             {record(1010, RawOp::kMalloc, kA, 1), record(1050, RawOp::kFree, kA)}});
  EXPECT_EQ(merged.counts.synthesised_frees, 0u);
  EXPECT_EQ(merged.counts.unmatched_frees, 0u);
  ASSERT_EQ(merged.events.size(), 3u);
  EXPECT_EQ(merged.events[1].op, Op::kFree);
}

// A coarse clock may give one thread the same stamp twice; its own order stands.
TEST(Merge, AThreadKeepsItsOwnOrder) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1010, RawOp::kFree, kA),
              record(1010, RawOp::kMalloc, kA, 2), record(1010, RawOp::kFree, kA)}});
  EXPECT_EQ(merged.counts.events, 4u);
  EXPECT_EQ(merged.counts.unmatched_frees, 0u);
}

TEST(Merge, ReallocKeepsTheObject) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kReallocRelease, kA),
              record(1030, RawOp::kReallocBirth, kB, 99), record(1040, RawOp::kFree, kB)}});
  EXPECT_THAT(merged.events, ::testing::ElementsAre(Event{10, 0, 1, 0, Op::kMalloc, 0},
                                                    Event{30, 0, 99, 0, Op::kRealloc, 0},
                                                    Event{40, 0, 0, 0, Op::kFree, 0}));
}

// While one thread's realloc is under way, another may be given the address that it left.
TEST(Merge, AnAddressMayBeReusedInsideARealloc) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kReallocRelease, kA),
              record(1040, RawOp::kReallocBirth, kB, 99)},
             {record(1030, RawOp::kMalloc, kA, 3)}});
  EXPECT_EQ(merged.counts.synthesised_frees, 0u);
  EXPECT_EQ(merged.counts.live_objects, 2u);
}

TEST(Merge, AFailedReallocLeavesTheObject) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kReallocRelease, kA),
              record(1030, RawOp::kReallocKept, kA), record(1040, RawOp::kFree, kA)}});
  EXPECT_EQ(merged.counts.events, 2u);
  EXPECT_EQ(merged.counts.unmatched_frees, 0u);
}

TEST(Merge, AReallocToNothingFrees) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kReallocRelease, kA),
              record(1030, RawOp::kReallocFreed, kA)}});
  ASSERT_EQ(merged.events.size(), 2u);
  EXPECT_EQ(merged.events[1], (Event{30, 0, 0, 0, Op::kFree, 0}));
}

TEST(Merge, AReallocOfSizeZeroThatGivesABlockHasSizeOne) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kReallocRelease, kA),
              record(1030, RawOp::kReallocBirth, kA, 0)}});
  EXPECT_EQ(merged.events.at(1).size, 1u);
}

TEST(Merge, WhatWasNotSeenBornIsCountedAndLeftOut) {
  const Merged merged =
      merge({{record(1010, RawOp::kFree, kA), record(1020, RawOp::kReallocRelease, kA),
              record(1030, RawOp::kReallocBirth, kB, 9), record(1040, RawOp::kReallocRelease, kA),
              record(1050, RawOp::kReallocFreed, kA)}});
  EXPECT_EQ(merged.counts.unmatched_frees, 2u);
  EXPECT_EQ(merged.counts.unmatched_reallocs, 1u);
  EXPECT_THAT(merged.events, ::testing::ElementsAre(Event{30, 0, 9, 0, Op::kMalloc, 0}));
}

TEST(Merge, AnAddressBornAgainWhileLiveEndsTheOldLife) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kMalloc, kA, 2)}});
  EXPECT_EQ(merged.counts.synthesised_frees, 1u);
  EXPECT_THAT(merged.events, ::testing::ElementsAre(Event{10, 0, 1, 0, Op::kMalloc, 0},
                                                    Event{20, 0, 0, 0, Op::kFree, 0},
                                                    Event{20, 1, 2, 0, Op::kMalloc, 0}));
}

TEST(Merge, AReallocWithoutEndIsCounted) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kReallocRelease, kA)}});
  EXPECT_EQ(merged.counts.unfinished_reallocs, 1u);
  EXPECT_EQ(merged.counts.live_objects, 1u);
}

TEST(Merge, LimitsCutAndCountWhatTheyCut) {
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < 10; ++i) {
    records.push_back(record(1000 + 10 * i, RawOp::kMalloc, kA + 16 * i, 1));
  }
  const auto events_under = [&](const MergeLimits& limits) {
    const Merged merged = merge({records}, limits);
    EXPECT_EQ(merged.counts.events + merged.counts.cut_events, 10u);
    return merged.counts.events;
  };
  EXPECT_EQ(events_under({.events = 4}), 4u);
  EXPECT_EQ(events_under({.time_ns = 30}), 3u);
  EXPECT_EQ(events_under({.stamp = 1050}), 5u);
  EXPECT_EQ(events_under({}), 10u);
}

// What a window shows of a program that ran before it opened.
TEST(Merge, AWindowLeavesEarlierObjectsOutAndCountsThem) {
  const Merged merged =
      merge({{record(1010, RawOp::kMalloc, kA, 1), record(1020, RawOp::kMalloc, kB, 2),
              record(1100, RawOp::kFree, kA), record(1110, RawOp::kReallocRelease, kB),
              record(1120, RawOp::kReallocBirth, kB + 64, 9), record(1130, RawOp::kMalloc, kA, 3),
              record(1140, RawOp::kFree, kA), record(1150, RawOp::kFree, kA)}},
            {.from_stamp = 1100});
  EXPECT_THAT(merged.events, ::testing::ElementsAre(Event{20, 0, 9, 0, Op::kMalloc, 0},
                                                    Event{30, 1, 3, 0, Op::kMalloc, 0},
                                                    Event{40, 1, 0, 0, Op::kFree, 0}));
  EXPECT_EQ(merged.counts.earlier_events, 2u);
  EXPECT_EQ(merged.counts.earlier_frees, 1u);
  EXPECT_EQ(merged.counts.earlier_reallocs, 1u);
  // The address was seen to be born and freed: the second free of it is none of an earlier object.
  EXPECT_EQ(merged.counts.unmatched_frees, 1u);
}

TEST(Merge, AWindowMayBeginInsideARealloc) {
  const Merged merged =
      merge({{record(1010, RawOp::kReallocRelease, kA), record(1120, RawOp::kReallocBirth, kB, 9)}},
            {.from_stamp = 1100});
  EXPECT_EQ(merged.counts.earlier_reallocs, 1u);
  EXPECT_EQ(merged.counts.unmatched_reallocs, 0u);
}

TEST(Merge, SitesAreNumberedByAppearanceAndTouchedPagesGoToTheEnd) {
  Record a = record(1010, RawOp::kMalloc, kA, 1);
  a.site = 900;
  Record b = record(1020, RawOp::kMalloc, kB, 2);
  b.site = 700;
  Record release = record(1030, RawOp::kReallocRelease, kA);
  release.touched = 5;
  Record moved = record(1040, RawOp::kReallocBirth, kA + 64, 9);
  moved.site = 700;
  Record end = record(1050, RawOp::kFree, kB);
  end.touched = 3;
  const Merged merged = merge({{a, b, release, moved, end}});
  EXPECT_THAT(merged.sites, ::testing::ElementsAre(900, 700));
  ASSERT_EQ(merged.events.size(), 4u);
  EXPECT_EQ(merged.events[0].site, 1u);
  EXPECT_EQ(merged.events[1].site, 2u);
  EXPECT_EQ(merged.events[2].site, 2u);
  EXPECT_EQ(merged.events[2].touched, 5u);
  EXPECT_EQ(merged.events[3].touched, 3u);
  EXPECT_EQ(merged.events[3].site, 0u);
}

TEST(Merge, TimesBeforeTheStartAreZero) {
  EXPECT_EQ(merge({{record(1, RawOp::kMalloc, kA, 1)}}).events.at(0).time_ns, 0u);
}

TEST(Merge, AStampFromBeforeTheWindowWithinItIsItsStart) {
  const Merged merged = merge({{record(1100, RawOp::kMalloc, kA, 1), record(1050, RawOp::kFree, kA),
                                record(1110, RawOp::kMalloc, kA, 2)}},
                              {.from_stamp = 1100, .time_ns = 30});
  EXPECT_THAT(merged.events, ::testing::ElementsAre(Event{0, 0, 1, 0, Op::kMalloc, 0},
                                                    Event{0, 0, 0, 0, Op::kFree, 0},
                                                    Event{10, 1, 2, 0, Op::kMalloc, 0}));
}

TEST(StampClock, RunsAtTheRateOfTwoReadings) {
  const StampClock clock({100, 1000, 0}, {300, 2000, 0});
  EXPECT_EQ(clock.nanoseconds(100), 0u);
  EXPECT_EQ(clock.nanoseconds(200), 500u);
  EXPECT_EQ(clock.nanoseconds(500), 2000u);
}

// Whatever the records are, the events make sense (merge() validates them) and none is forgotten.
TEST(Merge, AnyRecordsMakeAValidTrace) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::vector<Record>> threads(1 + random() % 4);
    for (auto& records : threads) {
      std::uint64_t stamp = 1000;
      for (int i = 0; i < 60; ++i) {
        stamp += random() % 3;
        const auto op = static_cast<RawOp>(1 + random() % 8);
        records.push_back(record(stamp, op, kA + 16 * (random() % 6), random() % 100, 4));
      }
    }
    const Merged merged = merge(threads);
    std::uint64_t accounted =
        merged.counts.unmatched_frees + merged.counts.events - merged.counts.synthesised_frees;
    std::uint64_t expected = 0;
    for (const auto& records : threads) {
      for (const Record& r : records) expected += spool::is_event(r.op) ? 1 : 0;
    }
    EXPECT_EQ(accounted, expected);
  }
}

}  // namespace
}  // namespace replay
