#include <gtest/gtest.h>

#include "replay/trace/exporters/formats.h"
#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/exported.h"
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

TEST(TextImporterTest, GivesBackCallSitesAndTouchedPages) {
  SiteTable sites;
  sites.strings = {"main", "tab\t \\ \n\r.c", ""};
  sites.modules = {{"/bin/a\t", "beef"}, {"", ""}};
  sites.frames = {{1, ~std::uint64_t{0}, 1, 2, UINT32_MAX}, {2, 1, 0, 0, 0}};
  sites.nodes = {{0, 0}, {1, 1}};
  sites.stacks = {2, 0, 1};
  TraceHeader header;
  for (const bool has_touched : {false, true}) {
    header.has_touched = has_touched;
    for (const bool has_sites : {false, true}) {
      header.has_sites = has_sites;
      std::vector<Event> events = test::with_extras();
      for (Event& event : events) {
        if (!has_sites) event.site = 0;
        if (!has_touched) event.touched = 0;
      }
      const std::string text = test::export_events(kTextExporter, events, header, sites);
      const auto back = test::import_bytes(kTextImporter, text);
      EXPECT_EQ(back->events, events);
      EXPECT_EQ(back->header.has_sites, has_sites);
      EXPECT_EQ(back->header.has_touched, has_touched);
      EXPECT_EQ(back->table, has_sites ? sites : SiteTable{});
    }
  }
}

TEST(TextImporterTest, CallSitesMustFitTogether) {
  const std::string start =
      "# allocreplay trace, text form 1\n"
      "time_ns\tthread\top\tobject\tsize\talign_log2\tsite\ttouched\n";
  const std::string line = "input: line 3, at byte 87: ";
  for (const auto& [wrong, problem] : std::vector<std::pair<std::string, std::string>>{
           {"# stack\t1", "1 where at most 0 is expected"},
           {"# node\t0\t0", "a node before the frames"},
           {"# frame\t1\t0\t0\t0\t0", "1 where at most 0 is expected"},
           {"# frame\t0\t0\t0\t0\t4294967296", "4294967296 where at most 4294967295 is expected"},
           {"# frame\t0\t0", "expected a number and a tab"},
           {"# string\t\\", "expected \\xHH after a backslash"},
           {"0\t0\tmalloc\t0\t8\t0\t1",
            "expected a tab and a number of 32 bits, the column touched"},
           {"0\t0\tmalloc\t0\t8\t0\t4294967296\t0",
            "expected a tab and a number of 32 bits, the column site"},
           {"0\t0\tmalloc\t0\t8\t0\t1\t1", "only a realloc or free says what was touched"},
           {"0\t0\tfree\t0\t0\t0\t1\t1", "a free has no site"},
           {"0\t0\tmalloc\t0\t8\t0\t1\t0\t5",
            "expected the end of the line after the last column"}}) {
    EXPECT_EQ(error_of_text(start + wrong + "\n"), line + problem);
  }
  EXPECT_EQ(error_of_text(kStart + "0\t0\tmalloc\t0\t8\t0\n" + start.substr(33)),
            "input: line 4, at byte 91: other columns than before");
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
            "input: line 3, at byte 74: the provenance is nested too deeply (its byte 101)");
}

}  // namespace
}  // namespace replay
