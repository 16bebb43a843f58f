#include <gmock/gmock.h>

#include <algorithm>

#include "replay/trace/importers/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/imported.h"

namespace replay {
namespace {

TEST(ImportersTest, AreSortedAndHaveDistinctNames) {
  const auto all = importers();
  EXPECT_TRUE(
      std::is_sorted(all.begin(), all.end(), [](auto* a, auto* b) { return a->name <= b->name; }));
  for (const Importer* importer : all) {
    EXPECT_NE(importer->summary, "");
    EXPECT_EQ(&importer_of_name(importer->name), importer);
  }
}

TEST(ImportersTest, NoneTakesWhatSaysNothing) {
  for (const std::string& bytes :
       {std::string(), std::string("\n"), std::string(1000, '\0'), std::string("hello, world\n"),
        std::string("{\"json\": 1}\n"), std::string(1000, '\xff'), std::string("1\n2\n3\n"),
        std::string("\x7f"
                    "ELF")}) {
    Source source = test::source_of(bytes);
    EXPECT_THAT(test::error_of([&] { importer_of_content(source); }),
                testing::HasSubstr("--from NAME reads it all the same, with NAME one of: "));
  }
}

TEST(ImportersTest, AnUnknownNameIsAnError) {
  EXPECT_THAT(test::error_of([] { importer_of_name("wrong"); }),
              testing::StartsWith("no format 'wrong' can be read; there are: "));
}

}  // namespace
}  // namespace replay
