#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/exported.h"

namespace replay {
namespace {

TEST(RepExporterTest, WritesALineAnEventAndTheCountsFirst) {
  EXPECT_EQ(test::export_events(kRepExporter, test::one_of_each()),
            "0\n"
            "3                   \n"
            "5                   \n"
            "1\n"
            "a 0 24\n"
            "a 1 120\n"
            "a 2 500\n"
            "r 0 48\n"
            "f 1\n");
}

TEST(RepExporterTest, NeedsAFile) {
  EXPECT_EQ(test::error_of([] { kRepExporter.open("/dev/null"); }),
            "/dev/null: a .rep says first how many operations follow, so it needs a file");
}

}  // namespace
}  // namespace replay
