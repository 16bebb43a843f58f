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

}  // namespace
}  // namespace replay
