#include "replay/trace/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_trace.h"

namespace replay {
namespace {

using testing::HasSubstr;

Validation check(const std::vector<Event>& events) {
  Validator validator;
  validator.feed(events);
  return validator.result();
}

TEST(ValidateTest, RandomTracesAreValid) {
  const test::TempFolder folder;
  const auto events = test::random_events(2, 50000);
  test::write_trace(folder / "x.trace", events);
  TraceReader reader(folder / "x.trace");
  const Validation result = validate(reader);
  EXPECT_EQ(result.violation, "");
  EXPECT_EQ(result.events, events.size());
  EXPECT_EQ(result.objects, reader.header().object_count);
  EXPECT_EQ(result.threads, reader.header().thread_count);
  EXPECT_EQ(result.objects + result.frees + result.reallocs, events.size());
}

TEST(ValidateTest, NamesTheFirstViolation) {
  const Event birth{.time_ns = 5, .object = 0, .size = 8};
  const Event end{.time_ns = 5, .object = 0, .op = Op::kFree};
  const Event resize{.time_ns = 5, .object = 0, .size = 9, .op = Op::kRealloc};
  EXPECT_EQ(check({birth, resize, end}).live_at_end(), 0U);
  EXPECT_EQ(check({birth, end, end, end}).events, 2U);
  EXPECT_EQ(check({birth, end, end}).violation, "free of object 0, which was freed before");
  EXPECT_EQ(check({birth, end, resize}).violation, "realloc of object 0, which was freed before");
  EXPECT_EQ(check({end}).violation, "free of object 0, which is not born yet");
  EXPECT_EQ(check({birth, birth}).violation, "the next object is 1, not 0");
  EXPECT_EQ(check({birth, {.time_ns = 4, .object = 1}}).violation,
            "time 4 ns is before 5 ns of the event before");
  EXPECT_EQ(check({birth, {.time_ns = 5, .object = 1, .thread = 2}}).violation,
            "the next new thread is 1, not 2");
  EXPECT_EQ(check({birth, {.time_ns = 5, .object = 1, .op = static_cast<Op>(9)}}).violation,
            "unknown op 9");
  EXPECT_EQ(check({birth, {.time_ns = 5, .object = 0, .size = 0, .op = Op::kRealloc}}).violation,
            "realloc of object 0 to 0 bytes, which would be a free");
}

TEST(ValidateTest, CountsMustBeThoseOfTheHeader) {
  const auto violation = [](const TraceHeader& header) {
    Validator validator;
    validator.feed(std::vector<Event>{{.size = 8}});
    validator.expect_counts(header);
    return validator.result().violation;
  };
  TraceHeader header;
  header.event_count = 1;
  header.object_count = 1;
  header.thread_count = 1;
  EXPECT_EQ(violation(header), "");
  header.thread_count = 2;
  EXPECT_EQ(violation(header), "1 threads, but the header says 2");
  header.object_count = 2;
  EXPECT_EQ(violation(header), "1 objects, but the header says 2");
  header.event_count = 2;
  EXPECT_EQ(violation(header), "1 events, but the header says 2");
}

}  // namespace
}  // namespace replay
