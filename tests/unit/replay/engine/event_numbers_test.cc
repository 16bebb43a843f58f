#include "replay/engine/event_numbers.h"

#include <gtest/gtest.h>

#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

class EventNumbersTest : public ::testing::Test {
 protected:
  static Event by(std::uint32_t thread, Event event) {
    event.thread = thread;
    return event;
  }

  std::vector<std::uint64_t> numbers(ThreadChoice threads, const std::vector<LaneEvent>& wanted) {
    TraceReader reader(path_);
    const Plan plan = compile_plan(reader, {2, 7}, {threads, false});
    return event_numbers(path_, {}, plan, threads, wanted);
  }

  TempFolder dir_;
  // Events 2 to 6 are measured: by thread 0, 1, 1, 0 and 1.
  std::string path_ = write_trace(
      dir_ / "t.trace", {by(0, malloc_of(0, 1)), by(1, malloc_of(1, 1)), by(0, malloc_of(2, 1)),
                         by(1, malloc_of(3, 1)), by(1, malloc_of(4, 1)), by(0, malloc_of(5, 1)),
                         by(1, free_of(1)), by(0, free_of(0))});
};

TEST_F(EventNumbersTest, OneLaneCountsOnFromTheWarmUp) {
  EXPECT_EQ(numbers({1}, {{0, 4}, {0, 0}}), (std::vector<std::uint64_t>{6, 2}));
}

TEST_F(EventNumbersTest, LanesAreFoundInTheTrace) {
  EXPECT_EQ(numbers({ThreadChoice::kAsRecorded}, {{1, 0}, {0, 1}, {1, 2}, {0, 0}}),
            (std::vector<std::uint64_t>{3, 5, 6, 2}));
}

}  // namespace
}  // namespace replay
