#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "tests/support/exported.h"

namespace replay {
namespace {

TEST(CsvExporterTest, WritesALineAnEvent) {
  EXPECT_EQ(test::export_events(kCsvExporter, test::one_of_each()),
            "time_ns,thread,op,object,size,align_log2\n"
            "0,0,malloc,0,24,0\n"
            "10,1,calloc,1,120,0\n"
            "10,1,aligned,2,500,8\n"
            "20,1,realloc,0,48,0\n"
            "30,0,free,1,0,0\n");
}

TEST(CsvExporterTest, HasMoreColumnsForATraceThatKnowsMore) {
  TraceHeader header;
  header.has_sites = header.has_touched = true;
  EXPECT_EQ(test::export_events(kCsvExporter, test::with_extras(), header),
            "time_ns,thread,op,object,size,align_log2,site,touched\n"
            "0,0,malloc,0,24,0,2,0\n"
            "0,0,realloc,0,48,0,1,5\n"
            "0,0,free,0,0,0,0,1\n");
}

}  // namespace
}  // namespace replay
