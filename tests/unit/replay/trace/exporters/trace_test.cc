#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "tests/support/exported.h"

namespace replay {
namespace {

TEST(TraceExporterTest, WritesWhatTheWriterDoes) {
  const test::TempFolder folder;
  TraceHeader header;
  header.time_unit_ns = 10;
  header.start_unix_ns = 1700000000123456789;
  header.lost_events = 3;
  header.provenance = {{"command", {"ls"}}};
  const std::vector<Event> events = test::random_events(1, 1000, 4, 10);
  test::write_trace(folder / "t.trace", events, header);
  EXPECT_EQ(test::export_events(kTraceExporter, events, header),
            test::read_file(folder / "t.trace"));
}

}  // namespace
}  // namespace replay
