#include "replay/report/memory_json.h"

#include <gtest/gtest.h>

#include "tests/support/made_runs.h"

namespace replay {
namespace {

TEST(MemoryJsonTest, EverySeriesHasOneEntryASample) {
  const auto series = memory_json(memory_series(test::made_plan(), test::made_outcome(1)));
  EXPECT_EQ(series["samples"], 3);
  for (const char* key :
       {"event", "requested_bytes", "usable_bytes", "mapped_bytes", "resident_bytes",
        "dirty_free_bytes", "huge_page_bytes", "page_table_bytes"}) {
    EXPECT_EQ(series[key].size(), 3U) << key;
  }
  EXPECT_TRUE(series["absent"].empty());
}

TEST(MemoryJsonTest, WhatIsNotKnownIsAbsentWithAReason) {
  RunOutcome run = test::made_outcome(1);
  run.usable_known = run.occupied_known = false;
  const auto series = memory_json(memory_series(test::made_plan(), run));
  EXPECT_FALSE(series.contains("usable_bytes"));
  EXPECT_FALSE(series.contains("dirty_free_bytes"));
  EXPECT_FALSE(series["absent"]["usable_bytes"].get<std::string>().empty());
  EXPECT_FALSE(series["absent"]["dirty_free_bytes"].get<std::string>().empty());
}

TEST(MemoryJsonTest, EachPartOfWhatIsHeldIsThereOrHasAReason) {
  HeldSplit split;
  split.held_bytes = 100;
  split.internal = {7, ""};
  split.metadata = split.caches = split.external = {0, "not told"};
  split.unsplit = {93, ""};
  split.free_pages = {50, ""};
  const auto json = held_json(split);
  EXPECT_EQ(json["internal_bytes"], 7);
  EXPECT_EQ(json["unsplit_bytes"], 93);
  EXPECT_FALSE(json.contains("caches_bytes"));
  EXPECT_EQ(json["absent"]["caches_bytes"], "not told");
  EXPECT_TRUE(json["told_by"].is_null());
}

TEST(MemoryJsonTest, AHeapMapNamesPagesAndWhatPinsThem) {
  HeapMap map;
  map.moment = "peak";
  map.event = 7;
  map.pages = {{4096, 100, 2, true}, {8192, 4096, 1, false}};
  map.free_runs = {{40960, 3}};
  map.sparse = {{4096, 100, {{4100, 60, 5}, {4200, 40, 6}}}};
  const auto json = heap_map_json(map);
  EXPECT_EQ(json["pages"]["live_bytes"], (std::vector<int>{100, 4096}));
  EXPECT_EQ(json["pages"]["resident"], (std::vector<bool>{true, false}));
  EXPECT_EQ(json["free_runs"][0]["pages"], 3);
  EXPECT_EQ(json["sparse_pages"][0]["objects"][1]["birth_event"], 6);
  map.why_absent = "no way";
  EXPECT_EQ(heap_map_json(map)["absent"], "no way");
  EXPECT_FALSE(heap_map_json(map).contains("pages"));
}

TEST(MemoryJsonTest, ASoakHasAVerdictOfEachFigure) {
  SoakSeries soak;
  soak.resident_bytes = {1, 2, 3};
  soak.resident = {DriftVerdict::kGrows, 2, 0.001, 0.5, {0.4, 0.6}};
  const auto json = soak_json(soak);
  EXPECT_EQ(json["turns"], 3);
  EXPECT_EQ(json["resident_drift"]["verdict"], "grows");
  EXPECT_EQ(json["resident_drift"]["growth_interval"][1], 0.6);
  EXPECT_EQ(json["cpu_time_drift"]["verdict"], "cannot tell");
}

TEST(MemoryJsonTest, AgreesWithTheFragmentationSeries) {
  const MemorySeries series = memory_series(test::made_plan(), test::made_outcome(1));
  const auto memory = memory_json(series);
  const auto fragmentation = fragmentation_json(series);
  EXPECT_EQ(memory["requested_bytes"], fragmentation["total_allocated_bytes"]);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(memory["resident_bytes"][i], fragmentation["total_pages"][i].get<int>() * 4096);
  }
  EXPECT_TRUE(fragmentation["fragmentation"][0].is_null());
}

}  // namespace
}  // namespace replay
