// v1.trace and v1_streamed.trace were written once and must stay readable for ever; v1.events says
// what is in them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "replay/trace/file_hash.h"
#include "replay/trace/validate.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

const std::string kFolder = ALLOCREPLAY_GOLDEN;

class GoldenTest : public testing::TestWithParam<const char*> {
 protected:
  const std::string path_ = kFolder + "/" + GetParam();
};

INSTANTIATE_TEST_SUITE_P(Forms, GoldenTest, testing::Values("v1.trace", "v1_streamed.trace"),
                         [](const auto& form) {
                           return std::string(form.index == 0 ? "ordinary" : "streamed");
                         });

TEST_P(GoldenTest, ItIsStillThatFile) {
  const bool is_streamed = std::string(GetParam()) == "v1_streamed.trace";
  EXPECT_EQ(file_sha256(path_),
            is_streamed ? "81ca9b8032ca0e29bb33084830716d7402ea0e629dc3c74e1c7a6732ce582900"
                        : "54bb07a849db0286da3c501c6d3b6e453a1e7c0e4c205b261362b34a8663ac2e");
}

TEST_P(GoldenTest, Version1StaysReadable) {
  constexpr const char* kOps[kOpCount] = {"malloc", "calloc", "aligned", "realloc", "free"};
  TraceReader reader(path_);
  std::string text = "event\ttime_ns\tthread\top\tobject\tsize\talign_log2\n";
  std::uint64_t index = 0;
  for (const Event& event : test::read_all(reader)) {
    text +=
        fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", index++, event.time_ns, event.thread,
                    kOps[static_cast<int>(event.op)], event.object, event.size, event.align_log2);
  }
  EXPECT_EQ(text, test::read_file(kFolder + "/v1.events"));
}

TEST_P(GoldenTest, Version1HeaderStaysReadable) {
  TraceReader reader(path_);
  const TraceHeader& header = reader.header();
  EXPECT_EQ(header.version_major, 1);
  EXPECT_EQ(header.time_unit_ns, 100U);
  EXPECT_EQ(header.start_unix_ns, 1700000000123456789U);
  EXPECT_EQ(header.event_count, 500U);
  EXPECT_EQ(header.thread_count, 4U);
  EXPECT_EQ(header.lost_events, 3U);
  EXPECT_TRUE(header.complete);
  EXPECT_EQ(header.provenance["note"], "caf\u00e9, for golden tests");
  EXPECT_EQ(validate(reader).violation, "");
  EXPECT_EQ(reader.seek(310), 300U);
}

}  // namespace
}  // namespace replay
