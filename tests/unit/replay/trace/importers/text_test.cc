#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

const std::string kStart =
    "# allocreplay trace, text form 1\n"
    "time_ns\tthread\top\tobject\tsize\talign_log2\n";

std::string error_of_text(const std::string& text) {
  return test::error_of([&] { test::import_bytes(kTextImporter, text); });
}

TEST(TextImporterTest, GivesBackWhatTheExporterWrote) {
  const test::TempFolder folder;
  for (const std::uint32_t unit : {1U, 100U}) {
    TraceHeader header;
    header.time_unit_ns = unit;
    header.start_unix_ns = 1700000000123456789;
    header.provenance = {{"command", {"made", "up"}}, {"note", "tab\tand \xc3\xa9"}};
    const std::vector<Event> events = test::random_events(unit, 3000, 6, unit);
    const auto sink = kTextExporter.open(folder / "t.txt");
    sink->begin(header);
    for (const Event& event : events) sink->event(event);
    sink->finish(7, header.provenance);
    const auto back = test::import_bytes(kTextImporter, test::read_file(folder / "t.txt"));
    EXPECT_EQ(back->events, events);
    EXPECT_EQ(back->header.time_unit_ns, unit);
    EXPECT_EQ(back->header.start_unix_ns, header.start_unix_ns);
    EXPECT_EQ(back->header.lost_events, 7U);
    EXPECT_EQ(back->header.provenance, header.provenance);
    EXPECT_TRUE(back->finished);
  }
}

TEST(TextImporterTest, TakesWhatAHandWrote) {
  const auto imported = test::import_bytes(kTextImporter, kStart +
                                                              "# a comment\n"
                                                              "0\t7\tmalloc\t100\t8\t0\n"
                                                              "\n"
                                                              "5\t3\taligned\t20\t8\t12\r\n"
                                                              "5\t3\tfree\t100\t0\t0");
  const std::vector<Event> expected = {
      {.time_ns = 0, .object = 0, .size = 8, .thread = 0, .op = Op::kMalloc},
      {.time_ns = 5, .object = 1, .size = 8, .thread = 1, .op = Op::kAligned, .align_log2 = 12},
      {.time_ns = 5, .object = 0, .thread = 1, .op = Op::kFree}};
  EXPECT_EQ(imported->events, expected);
  EXPECT_EQ(imported->repaired(), 1U);
  EXPECT_EQ(imported->repaired("missing_end_line"), 1U);
}

TEST(TextImporterTest, SaysWhatItExpected) {
  EXPECT_EQ(error_of_text(""), "input: at byte 0: the input is empty, expected a text form");
  EXPECT_EQ(error_of_text("# allocreplay trace, text form 2\n"),
            "input: line 1, at byte 0: the text form has version 2, expected 1");
  EXPECT_EQ(error_of_text(kStart + "0\t0\tmalloc\tx\t8\t0\n"),
            "input: line 3, at byte 74: expected a number and a tab for the column object");
  EXPECT_EQ(error_of_text(kStart + "0\t0\tnew\t0\t8\t0\n"),
            "input: line 3, at byte 74: unknown op 'new', expected malloc, calloc, aligned, "
            "realloc or free");
  EXPECT_EQ(error_of_text(kStart + "0\t0\tmalloc\t0\t8\t1\n"),
            "input: line 3, at byte 74: only 'aligned' has an alignment");
  EXPECT_EQ(error_of_text(kStart + "# end\t1\n"),
            "input: line 3, at byte 74: the end after 0 events, expected 1");
  EXPECT_EQ(error_of_text(kStart + "# provenance\t" + std::string(1000, '[') + "\n"),
            "input: line 3, at byte 74: the provenance is nested too deeply");
}

}  // namespace
}  // namespace replay
