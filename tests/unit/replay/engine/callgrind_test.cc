#include "replay/engine/callgrind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/trace/error.h"
#include "tests/support/error_of.h"

namespace replay {
namespace {

using test::error_of;
using ::testing::HasSubstr;

// As callgrind writes it, shortened: the counted part, within it two callers of malloc and one of
// free, and system calls that were made outside of it.
constexpr const char* kProfile = R"(# callgrind format
version: 1
positions: line
events: Ir sysCount sysTime
summary: 5000 9 1

fl=a.cc
fn=main
cfn=munmap
calls=1 117
230 0 7
cfi=counted_calls.cc
cfn=allocreplay_counted_part
calls=1 14
44 5000 2

fn=loop
0 400
cfn=allocreplay_counted_malloc
calls=10 7
0 1000 2
cfn=allocreplay_counted_free
calls=4 7
0 200
fn=other
cfn=allocreplay_counted_malloc
calls=5 7
0 50
cfn=allocreplay_counted_nothing
calls=1 7
0 3

totals: 5000
)";

std::string without(std::string text, const std::string& line) {
  text.erase(text.find(line), line.size());
  return text;
}

TEST(CallgrindTest, TakesTheCountedPartAndTheCallsOfEachOperation) {
  const InstructionCount count = parse_callgrind(kProfile);
  EXPECT_EQ(count.instructions, 5000U);
  EXPECT_EQ(count.system_calls, 2U);
  const CallCost& malloc_cost = count.by_op[static_cast<std::size_t>(Op::kMalloc)];
  EXPECT_EQ(malloc_cost.calls, 15U);
  EXPECT_EQ(malloc_cost.instructions, 1050U);
  const CallCost& free_cost = count.by_op[static_cast<std::size_t>(Op::kFree)];
  EXPECT_EQ(free_cost.calls, 4U);
  EXPECT_EQ(free_cost.instructions, 200U);
  EXPECT_EQ(count.by_op[static_cast<std::size_t>(Op::kRealloc)].calls, 0U);
}

TEST(CallgrindTest, RefusesWhatIsNoWholeProfileOfAWorker) {
  EXPECT_THAT(error_of([] { parse_callgrind(""); }), HasSubstr("did not run to its end"));
  EXPECT_THAT(error_of([] { parse_callgrind(without(kProfile, "totals: 5000\n")); }),
              HasSubstr("did not run to its end"));
  EXPECT_THAT(
      error_of([] { parse_callgrind(without(kProfile, "cfn=allocreplay_counted_part\n")); }),
      HasSubstr("stripped"));
  EXPECT_THAT(error_of([] { parse_callgrind(without(kProfile, " sysCount")); }),
              HasSubstr("does not count Ir and sysCount"));
  std::string damaged = kProfile;
  damaged.replace(damaged.find("calls=10 7"), 8, "calls=1x");
  EXPECT_THAT(error_of([&] { parse_callgrind(damaged); }), HasSubstr("'1x' in line 20"));
}

TEST(CallgrindTest, CountsOnlyWithinTheCountedPart) {
  EXPECT_THAT(callgrind_command("/usr/bin/valgrind", 7),
              ::testing::AllOf(::testing::Contains("--toggle-collect=allocreplay_counted_part"),
                               ::testing::Contains("--callgrind-out-file=/proc/self/fd/7")));
}

}  // namespace
}  // namespace replay
