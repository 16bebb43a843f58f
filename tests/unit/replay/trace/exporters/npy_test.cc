#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/little_endian.h"
#include "tests/support/error_of.h"
#include "tests/support/exported.h"

namespace replay {
namespace {

// That numpy reads it: tests/cli/convert_test.py.
TEST(NpyExporterTest, WritesARecordAnEvent) {
  const std::vector<Event> events = test::one_of_each();
  const std::string file = test::export_events(kNpyExporter, events);
  ASSERT_EQ(file.size(), 256 + 32 * events.size());
  EXPECT_EQ(file.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(load_le<std::uint16_t>(file.data() + 8), 246);
  EXPECT_EQ(file[255], '\n');
  EXPECT_NE(file.find("'shape': (5,), }"), std::string::npos);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const char* const record = file.data() + 256 + 32 * i;
    EXPECT_EQ(load_le<std::uint64_t>(record), events[i].time_ns);
    EXPECT_EQ(load_le<std::uint64_t>(record + 8), events[i].object);
    EXPECT_EQ(load_le<std::uint64_t>(record + 16), events[i].size);
    EXPECT_EQ(load_le<std::uint32_t>(record + 24), events[i].thread);
    EXPECT_EQ(load_le<std::uint8_t>(record + 28), static_cast<std::uint8_t>(events[i].op));
    EXPECT_EQ(load_le<std::uint8_t>(record + 29), events[i].align_log2);
  }
}

TEST(NpyExporterTest, HasLongerRecordsForATraceThatKnowsMore) {
  TraceHeader header;
  header.has_touched = true;
  const std::string file = test::export_events(kNpyExporter, test::with_extras(), header);
  ASSERT_EQ(file.size(), 256 + 40 * 3);
  EXPECT_NE(file.find("('', '|V2'), ('site', '<u4'), ('touched', '<u4')], "), std::string::npos);
  EXPECT_EQ(load_le<std::uint32_t>(file.data() + 256 + 40 + 32), 1U);
  EXPECT_EQ(load_le<std::uint32_t>(file.data() + 256 + 40 + 36), 5U);
}

TEST(NpyExporterTest, NeedsAFile) {
  EXPECT_EQ(test::error_of([] { kNpyExporter.open("/dev/null"); }),
            "/dev/null: an .npy says first how many events follow, so it needs a file");
}

}  // namespace
}  // namespace replay
