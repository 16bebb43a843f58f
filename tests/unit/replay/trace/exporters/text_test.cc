#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "tests/support/exported.h"

namespace replay {
namespace {

// That it comes back whole: the importer's test.
TEST(TextExporterTest, WritesALineAnEventAndWhatTheHeaderSays) {
  TraceHeader header;
  header.time_unit_ns = 10;
  header.start_unix_ns = 1700000000123456789;
  header.lost_events = 3;
  header.provenance = {{"command", {"ls", "tab\t"}}};
  EXPECT_EQ(test::export_events(kTextExporter, test::one_of_each(), header),
            "# allocreplay trace, text form 1\n"
            "# time_unit_ns\t10\n"
            "# start_unix_ns\t1700000000123456789\n"
            "time_ns\tthread\top\tobject\tsize\talign_log2\n"
            "0\t0\tmalloc\t0\t24\t0\n"
            "10\t1\tcalloc\t1\t120\t0\n"
            "10\t1\taligned\t2\t500\t8\n"
            "20\t1\trealloc\t0\t48\t0\n"
            "30\t0\tfree\t1\t0\t0\n"
            "# lost_events\t3\n"
            "# provenance\t{\"command\":[\"ls\",\"tab\\t\"]}\n"
            "# end\t5\n");
}

}  // namespace
}  // namespace replay
