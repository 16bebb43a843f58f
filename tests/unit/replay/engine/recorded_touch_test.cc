#include "replay/engine/recorded_touch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/engine/plan.h"
#include "replay/engine/size_class.h"
#include "replay/trace/error.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// `pages` as a recording has it: 1 more.
Event touched(Event event, std::uint32_t pages) {
  event.touched = pages + 1;
  return event;
}

class RecordedTouchTest : public ::testing::Test {
 protected:
  std::vector<TouchedPart> parts(const std::vector<Event>& events) {
    TraceReader reader(write(events));
    return read_touched_parts(reader);
  }
  std::string write(const std::vector<Event>& events) {
    TraceHeader header;
    header.has_touched = true;
    return write_trace(dir_ / "t.trace", events, header);
  }

  TempFolder dir_;
};

TEST_F(RecordedTouchTest, ABirthHasWhatItsFreeSays) {
  EXPECT_THAT(parts({malloc_of(0, 10 * kTouchedPageBytes), calloc_of(1, 10 * kTouchedPageBytes),
                     aligned_of(2, 1, 4), touched(free_of(1), 0), touched(free_of(0), 3),
                     touched(free_of(2), 0)}),
              ElementsAre(TouchedPart{0, touched_part_word(kAllPagesBefore, 3)},
                          TouchedPart{1, touched_part_word(kAllPagesBefore, 0)},
                          TouchedPart{2, touched_part_word(kAllPagesBefore, 0)}));
}

TEST_F(RecordedTouchTest, WhatWasTouchedWholeOrIsNotKnownIsNoPart) {
  EXPECT_THAT(parts({malloc_of(0, 10 * kTouchedPageBytes), malloc_of(1, 10 * kTouchedPageBytes - 1),
                     malloc_of(2, kTouchedPageBytes), malloc_of(3, 5 * kTouchedPageBytes),
                     free_of(0), touched(free_of(1), 10), touched(free_of(2), 2)}),
              ElementsAre());
}

TEST_F(RecordedTouchTest, AReallocEndsOnePartAndBeginsTheNext) {
  EXPECT_THAT(parts({malloc_of(0, 10 * kTouchedPageBytes),
                     touched(realloc_of(0, 20 * kTouchedPageBytes), 4),
                     touched(realloc_of(0, 30 * kTouchedPageBytes), 20),
                     touched(realloc_of(0, 40 * kTouchedPageBytes), 29),
                     realloc_of(0, 50 * kTouchedPageBytes), malloc_of(1, kTouchedPageBytes),
                     touched(realloc_of(1, 2 * kTouchedPageBytes), 0)}),
              ElementsAre(TouchedPart{0, touched_part_word(kAllPagesBefore, 4)},
                          TouchedPart{1, touched_part_word(4, kAllPages)},
                          TouchedPart{2, touched_part_word(kAllPagesBefore, 29)},
                          TouchedPart{3, touched_part_word(29, kAllPages)},
                          TouchedPart{5, touched_part_word(kAllPagesBefore, 0)},
                          TouchedPart{6, touched_part_word(0, kAllPages)}));
}

TEST_F(RecordedTouchTest, ThePlanHasAPartBeforeItsEvent) {
  const std::vector<Event> events = {malloc_of(0, 8), malloc_of(1, 10 * kTouchedPageBytes),
                                     touched(realloc_of(1, 20 * kTouchedPageBytes), 4), free_of(1)};
  const std::string path = write(events);
  TraceReader first(path);
  TraceReader second(path);
  const std::vector<TouchedPart> parts = read_touched_parts(first);
  PlanOptions options;
  options.parts = parts;
  const Plan plan = compile_plan(second, {}, options);
  std::vector<PlanWord> words(plan.word_count);
  ASSERT_EQ(::pread(plan.memory.get(), words.data(), words.size() * sizeof(PlanWord), 0),
            static_cast<ssize_t>(words.size() * sizeof(PlanWord)));
  EXPECT_THAT(
      words, ElementsAre(
                 plan_word(0, Op::kMalloc, 8), touched_part_word(kAllPagesBefore, 4),
                 plan_word(1, Op::kMalloc, 10 * kTouchedPageBytes), touched_part_word(4, kAllPages),
                 plan_word(1, Op::kRealloc, 20 * kTouchedPageBytes), 10 * kTouchedPageBytes,
                 plan_word(1, Op::kFree, free_note(size_class_of(20 * kTouchedPageBytes), false))));
}

TEST_F(RecordedTouchTest, ATraceWithoutSaysSo) {
  TraceReader reader(write_trace(dir_ / "t.trace", {malloc_of(0, 8)}));
  EXPECT_THAT(error_of([&] { read_touched_parts(reader); }),
              HasSubstr("t.trace: does not say how much of each block was touched; record it with "
                        "--residency"));
}

TEST_F(RecordedTouchTest, AnEventOfADeadObjectIsAnError) {
  EXPECT_THAT(error_of([&] {
                parts({malloc_of(0, 8), free_of(0), free_of(0)});
              }),
              HasSubstr("event 2 is of object 0, which is not live"));
}

}  // namespace
}  // namespace replay
