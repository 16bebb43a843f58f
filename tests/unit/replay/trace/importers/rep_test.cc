#include <gtest/gtest.h>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

auto import(std::string_view text) { return test::import_bytes(kRepImporter, text); }

TEST(RepImporterTest, ReadsOperations) {
  const auto imported = import("20000\n2\n5\n1\na 0 512\na 1 128\nr 0 640\n\n f 1 \r\nf 0\n");
  EXPECT_EQ(imported->events,
            (std::vector<Event>{test::malloc_of(0, 512), test::malloc_of(1, 128),
                                test::realloc_of(0, 640), test::free_of(1), test::free_of(0)}));
  EXPECT_EQ(imported->repaired(), 0U);
  EXPECT_TRUE(imported->header.provenance["import"]["assumed"].empty());
}

TEST(RepImporterTest, ToleratesWhatIsWrongInTheWild) {
  const auto imported = import("0\n9\n9\n1\nr 3 8\nf -1\na 3 4\nf 3");
  EXPECT_EQ(imported->events, (std::vector<Event>{test::malloc_of(0, 8), test::free_of(0),
                                                  test::malloc_of(1, 4), test::free_of(1)}));
  EXPECT_EQ(imported->repaired("reallocs_of_unknown_blocks"), 1U);
  EXPECT_EQ(imported->repaired("frees_put_in_before_reuse"), 1U);
  EXPECT_TRUE(imported->says(
      "assumed", "the operations are right where the header (9 ids, 9 operations) says otherwise"));
}

TEST(RepImporterTest, SaysWhatItExpected) {
  const auto error_of_text = [](std::string_view text) {
    return test::error_of([&] { import(text); });
  };
  EXPECT_EQ(error_of_text("1\n2\n3\n"),
            "input: line 3, at byte 4: expected four lines with a number each before the "
            "operations");
  for (const char* line : {"b 1 2", "a 1", "a x 2", "f", "a -1 2", "a 1 2 3"}) {
    EXPECT_EQ(error_of_text(std::string("1\n2\n3\n4\n") + line + "\n"),
              "input: line 5, at byte 8: expected 'a ID BYTES', 'r ID BYTES' or 'f ID'");
  }
}

TEST(RepImporterTest, IsRecognised) {
  EXPECT_TRUE(kRepImporter.recognises("1\r\n2\r\n3\r\n4\r\na 0 1\r\n"));
  EXPECT_FALSE(kRepImporter.recognises("1\n2\n3\n4\n"));
  EXPECT_FALSE(kRepImporter.recognises("1\n2\n3\na 0 1\n"));
}

}  // namespace
}  // namespace replay
