#include "replay/trace/importers/call_builder.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

using test::Imported;

class CallBuilderTest : public testing::Test {
 protected:
  void finish() {
    builder.finish("made-up", "input");
    EXPECT_TRUE(out.finished);
    EXPECT_EQ(out.violation(), "");
  }

  Imported out;
  CallBuilder builder{out};
};

Event by(std::uint32_t thread, Event event) {
  event.thread = thread;
  return event;
}

TEST_F(CallBuilderTest, NumbersObjectsAndThreadsInOrder) {
  builder.thread(900);
  builder.add_malloc(0x10, 1);
  builder.thread(5);
  builder.add_calloc(0x20, 3, 4);
  builder.add_aligned(0x30, 64, 2);
  builder.thread(900);
  builder.add_free(0x20);
  builder.add_realloc(0x10, 0x20, 9);
  finish();
  EXPECT_EQ(out.events, (std::vector<Event>{test::malloc_of(0, 1), by(1, test::calloc_of(1, 12)),
                                            by(1, test::aligned_of(2, 2, 6)), test::free_of(1),
                                            test::realloc_of(0, 9)}));
  EXPECT_EQ(out.repaired(), 0U);
  EXPECT_EQ(out.header.provenance["import"]["format"], "made-up");
  EXPECT_EQ(out.header.provenance["import"]["file"], "input");
}

TEST_F(CallBuilderTest, SitesAndTouchedPagesGoWhereTheyMeanSomething) {
  builder.set_has_sites();
  builder.set_has_touched();
  builder.site_table().strings = {"x"};
  builder.site(3);
  builder.touched(4);
  builder.add_malloc(0x10, 1);
  builder.add_malloc(0x10, 2);  // puts a free in
  builder.add_realloc(0x10, 0x20, 3);
  builder.add_free(0x20);
  finish();
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  for (const Event& event : out.events) found.emplace_back(event.site, event.touched);
  EXPECT_EQ(found, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{
                       {3, 0}, {0, 0}, {3, 0}, {3, 4}, {0, 4}}));
  EXPECT_EQ(out.table.strings, std::vector<std::string>{"x"});
  EXPECT_TRUE(out.header.has_sites && out.header.has_touched);
}

TEST_F(CallBuilderTest, NullIsNoBlockUnlessNamesAreIds) {
  builder.add_malloc(0, 1);
  builder.add_free(0);
  builder.add_realloc(0, 0x10, 5);
  builder.add_realloc(0x10, 0, 7);
  builder.add_realloc(0x10, 0x10, 0);
  builder.add_realloc(0x10, 0, 0);
  finish();
  EXPECT_EQ(out.events,
            (std::vector<Event>{test::malloc_of(0, 5), test::realloc_of(0, 1), test::free_of(0)}));
  EXPECT_EQ(out.repaired("failed_calls"), 2U);
}

TEST_F(CallBuilderTest, IdsMayBeZero) {
  builder.set_names_are_ids();
  builder.add_malloc(0, 0);
  builder.add_realloc(0, 0, 2);
  builder.add_free(0);
  finish();
  EXPECT_EQ(out.events,
            (std::vector<Event>{test::malloc_of(0, 0), test::realloc_of(0, 2), test::free_of(0)}));
  EXPECT_EQ(out.repaired(), 0U);
}

TEST_F(CallBuilderTest, ABlockWithAnIdIsNotResizedToNothing) {
  builder.set_names_are_ids();
  builder.add_malloc(0, 8);
  builder.add_realloc(0, 0, 0);
  builder.add_free(0);
  finish();
  EXPECT_EQ(out.events,
            (std::vector<Event>{test::malloc_of(0, 8), test::realloc_of(0, 1), test::free_of(0)}));
  EXPECT_EQ(out.repaired("reallocs_to_nothing"), 1U);
}

TEST_F(CallBuilderTest, TimeBeginsWithTheFirstAndNeverGoesBack) {
  builder.set_time_unit_ns(10);
  builder.set_times_are_unix();
  for (const std::uint64_t time : {1000005U, 1000019U, 1000007U, 1000040U}) {
    builder.time_ns(time);
    builder.add_malloc(time, 1);
  }
  finish();
  ASSERT_EQ(out.events.size(), 4U);
  EXPECT_EQ(out.events[0].time_ns, 0U);
  EXPECT_EQ(out.events[1].time_ns, 10U);
  EXPECT_EQ(out.events[2].time_ns, 10U);
  EXPECT_EQ(out.events[3].time_ns, 30U);
  EXPECT_EQ(out.header.start_unix_ns, 1000005U);
  EXPECT_EQ(out.repaired("times_that_went_back"), 1U);
}

TEST_F(CallBuilderTest, RepairsWhatIsUnknownOrReused) {
  builder.add_free(0x10);
  builder.add_realloc(0x20, 0x30, 4);
  builder.add_malloc(0x30, 5);
  builder.add_malloc(0x40, 6);
  builder.add_realloc(0x40, 0x30, 7);
  finish();
  EXPECT_EQ(out.events,
            (std::vector<Event>{test::malloc_of(0, 4), test::free_of(0), test::malloc_of(1, 5),
                                test::malloc_of(2, 6), test::free_of(1), test::realloc_of(2, 7)}));
  EXPECT_EQ(out.repaired("frees_of_unknown_blocks"), 1U);
  EXPECT_EQ(out.repaired("reallocs_of_unknown_blocks"), 1U);
  EXPECT_EQ(out.repaired("frees_put_in_before_reuse"), 2U);
}

TEST_F(CallBuilderTest, AFreeThatIsLoggedAfterTheNextBirthComesBeforeIt) {
  builder.thread(1);
  builder.add_malloc(0x10, 1);
  builder.thread(2);
  builder.add_malloc(0x10, 2);
  builder.add_malloc(0x20, 3);
  builder.thread(1);
  builder.add_free(0x10);
  builder.add_free(0x10);
  finish();
  EXPECT_EQ(out.events, (std::vector<Event>{test::malloc_of(0, 1), test::free_of(0),
                                            by(1, test::malloc_of(1, 2)),
                                            by(1, test::malloc_of(2, 3)), test::free_of(1)}));
  EXPECT_EQ(out.repaired(), 1U);
  EXPECT_EQ(out.repaired("inverted_calls"), 1U);
}

TEST_F(CallBuilderTest, AFreeThatIsLoggedBeforeItsBirthComesAfterIt) {
  builder.thread(1);
  builder.add_free(0x10);
  builder.thread(2);
  builder.add_malloc(0x10, 2);
  builder.add_malloc(0x10, 3);
  finish();
  EXPECT_EQ(out.events, (std::vector<Event>{test::malloc_of(0, 2), by(1, test::free_of(0)),
                                            test::malloc_of(1, 3)}));
  EXPECT_EQ(out.repaired(), 1U);
}

TEST_F(CallBuilderTest, CallsOfOneThreadAreNeverSwapped) {
  builder.thread(1);
  builder.add_free(0x10);
  builder.add_malloc(0x10, 2);
  builder.add_malloc(0x10, 3);
  builder.add_free(0x10);
  finish();
  EXPECT_EQ(out.repaired("inverted_calls"), 0U);
  EXPECT_EQ(out.repaired("frees_of_unknown_blocks"), 1U);
  EXPECT_EQ(out.repaired("frees_put_in_before_reuse"), 1U);
}

TEST_F(CallBuilderTest, AnUnknownFreeIsNotTakenForTheEndOfALaterLife) {
  builder.thread(1);
  builder.add_free(0x10);  // born before the recording
  builder.thread(2);
  builder.add_malloc(0x10, 2);
  builder.add_free(0x10);
  finish();
  EXPECT_EQ(out.events, (std::vector<Event>{test::malloc_of(0, 2), test::free_of(0)}));
  EXPECT_EQ(out.repaired("frees_of_unknown_blocks"), 1U);
}

TEST_F(CallBuilderTest, SwapsOnlyWithinTheWindow) {
  for (const std::size_t between : {CallBuilder::kWindow - 1, CallBuilder::kWindow}) {
    Imported imported;
    CallBuilder calls(imported);
    calls.thread(1);
    calls.add_malloc(0x10, 1);
    calls.thread(2);
    calls.add_malloc(0x10, 1);
    for (std::size_t i = 0; i < between; ++i) calls.add_malloc(0x1000 + i, 1);
    calls.thread(1);
    calls.add_free(0x10);
    calls.finish("made-up", "input");
    EXPECT_EQ(imported.violation(), "");
    EXPECT_EQ(imported.repaired("inverted_calls"), between < CallBuilder::kWindow ? 1U : 0U);
  }
}

TEST_F(CallBuilderTest, RoundsAlignmentsUpAndOverflowsToTheLargest) {
  builder.add_aligned(1, 0, 1);
  builder.add_aligned(2, 48, 1);
  builder.add_aligned(3, ~std::uint64_t{0}, 1);
  builder.add_calloc(4, ~std::uint64_t{0}, 2);
  finish();
  EXPECT_EQ(out.events[0].align_log2, 0);
  EXPECT_EQ(out.events[1].align_log2, 6);
  EXPECT_EQ(out.events[2].align_log2, 63);
  EXPECT_EQ(out.events[3].size, ~std::uint64_t{0});
  EXPECT_EQ(out.repaired("alignments_not_a_power_of_two"), 3U);
  EXPECT_EQ(out.repaired("callocs_that_overflow"), 1U);
}

TEST_F(CallBuilderTest, SaysWhatWasNeverGiven) {
  builder.cannot_say("why");
  builder.cannot_say("why");
  builder.assumed("the best");
  builder.provenance()["command"] = {"ls"};
  builder.lost(4);
  builder.add_malloc(1, 1);
  finish();
  EXPECT_EQ(out.header.provenance["command"][0], "ls");
  EXPECT_EQ(out.header.lost_events, 4U);
  EXPECT_EQ(out.header.provenance["import"]["cannot_say"].size(), 3U);
  EXPECT_TRUE(out.says("cannot_say", "why"));
  EXPECT_TRUE(out.says("cannot_say", "when a call was made"));
  EXPECT_TRUE(out.says("cannot_say", "which thread made a call"));
  EXPECT_TRUE(out.says("assumed", "the best"));
}

TEST_F(CallBuilderTest, AnyCallsAtAllBecomeATrace) {
  std::mt19937_64 random(11);
  for (std::uint64_t i = 0; i < 30000; ++i) {
    const std::uint64_t name = random() % 40;
    if (random() % 4 == 0) builder.thread(random() % 4);
    if (random() % 4 == 0) builder.time_ns(random() % 100000);
    switch (random() % 4) {
      case 0:
        builder.add_malloc(name, i);
        break;
      case 1:
        builder.add_aligned(name, random() % 70, i);
        break;
      case 2:
        builder.add_realloc(name, random() % 40, random() % 3);
        break;
      default:
        builder.add_free(name);
    }
  }
  finish();
  EXPECT_GT(out.repaired("inverted_calls"), 0U);
  EXPECT_GT(out.events.size(), 10000U);
}

}  // namespace
}  // namespace replay
