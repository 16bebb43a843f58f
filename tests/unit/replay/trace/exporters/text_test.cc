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

TEST(TextExporterTest, WritesCallSitesAndTouchedPages) {
  TraceHeader header;
  header.has_sites = header.has_touched = true;
  SiteTable sites;
  sites.strings = {"main", "tab\t.c"};
  sites.modules = {{"/bin/a", "beef"}, {"/bin/b", ""}};
  sites.frames = {{1, 4660, 1, 2, 77}, {2, 1, 0, 0, 0}};
  sites.nodes = {{0, 0}, {1, 1}};
  sites.stacks = {2, 0};
  EXPECT_EQ(test::export_events(kTextExporter, test::with_extras(), header, sites),
            "# allocreplay trace, text form 1\n"
            "# time_unit_ns\t1\n"
            "# start_unix_ns\t0\n"
            "time_ns\tthread\top\tobject\tsize\talign_log2\tsite\ttouched\n"
            "0\t0\tmalloc\t0\t24\t0\t2\t0\n"
            "0\t0\trealloc\t0\t48\t0\t1\t5\n"
            "0\t0\tfree\t0\t0\t0\t0\t1\n"
            "# string\tmain\n"
            "# string\ttab\\x09.c\n"
            "# module\t/bin/a\tbeef\n"
            "# module\t/bin/b\t\n"
            "# frame\t1\t4660\t1\t2\t77\n"
            "# frame\t2\t1\t0\t0\t0\n"
            "# node\t0\t0\n"
            "# node\t1\t1\n"
            "# stack\t2\n"
            "# stack\t0\n"
            "# lost_events\t0\n"
            "# provenance\t{}\n"
            "# end\t3\n");
}

}  // namespace
}  // namespace replay
