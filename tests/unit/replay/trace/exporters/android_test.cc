#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "tests/support/exported.h"

namespace replay {
namespace {

TEST(AndroidExporterTest, WritesALineAnEvent) {
  EXPECT_EQ(test::export_events(kAndroidExporter, test::one_of_each()),
            "1: malloc 0x10 24 0 0\n"
            "2: calloc 0x20 1 120 10 10\n"
            "2: memalign 0x30 256 500 10 10\n"
            "2: realloc 0x10 0x10 48 20 20\n"
            "1: free 0x20 30 30\n");
}

TEST(AndroidExporterTest, TellsWhatWasTouchedInBytes) {
  TraceHeader header;
  header.has_touched = true;
  std::vector<Event> events = test::with_extras();
  events.push_back({.object = 1, .size = 8, .op = Op::kMalloc});
  events.push_back({.object = 1, .op = Op::kFree});
  EXPECT_EQ(test::export_events(kAndroidExporter, events, header),
            "1: malloc 0x10 24 0 0\n"
            "1: realloc 0x10 0x10 48 16384 0 0\n"
            "1: free 0x10 0 0 0\n"
            "1: malloc 0x20 8 0 0\n"
            "1: free 0x20 -1 0 0\n");
}

}  // namespace
}  // namespace replay
