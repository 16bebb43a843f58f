#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "replay/trace/exporters/formats.h"
#include "tests/support/error_of.h"
#include "tests/support/exported.h"

namespace replay {
namespace {

TEST(ExportersTest, AreSortedAndHaveDistinctNamesAndExtensions) {
  const auto all = exporters();
  EXPECT_TRUE(
      std::is_sorted(all.begin(), all.end(), [](auto* a, auto* b) { return a->name <= b->name; }));
  std::set<std::string_view> extensions;
  for (const Exporter* exporter : all) {
    EXPECT_NE(exporter->summary, "");
    EXPECT_TRUE(extensions.insert(exporter->extension).second) << exporter->extension;
    EXPECT_EQ(&exporter_of_name(exporter->name), exporter);
    EXPECT_EQ(&exporter_of_path("folder.csv/x" + std::string(exporter->extension)), exporter);
  }
}

TEST(ExportersTest, LeaveNothingBehindUnlessFinished) {
  for (const Exporter* exporter : exporters()) {
    const test::TempFolder folder;
    {
      const auto sink = exporter->open(folder / "x");
      sink->begin({});
      for (const Event& event : test::random_events(1, 100000)) sink->event(event);
    }
    EXPECT_EQ(folder.files(), 0U) << exporter->name;
  }
}

TEST(ExportersTest, AnUnknownNameOrExtensionIsAnError) {
  EXPECT_THAT(test::error_of([] { exporter_of_name("wrong"); }),
              testing::StartsWith("no format 'wrong' can be written; there are: android"));
  EXPECT_THAT(test::error_of([] { exporter_of_path("x.wrong"); }),
              testing::StartsWith("x.wrong: the name does not say which format is wanted"));
}

}  // namespace
}  // namespace replay
