#include "replay/trace/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/trace/parse_json.h"
#include "replay/trace/reader.h"
#include "tests/support/error_of.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::error_of;
using test::random_events;
using test::TempFolder;
using testing::HasSubstr;

TEST(TraceWriterTest, WhatIsWrittenIsRead) {
  const TempFolder folder;
  const std::size_t sizes[] = {0, 1, 2, 100, kBlockEvents - 1, kBlockEvents, 2 * kBlockEvents + 7};
  for (const std::size_t count : sizes) {
    const auto events = random_events(count + 1, count, 7, 100);
    TraceHeader header;
    header.time_unit_ns = 100;
    header.start_unix_ns = 1234567890123456789;
    header.lost_events = 3;
    header.provenance["command"] = {"redis-server", "--port", "0"};
    test::write_trace(folder / "x.trace", events, header);
    TraceReader reader(folder / "x.trace");
    EXPECT_EQ(test::read_all(reader), events) << count;
    EXPECT_FALSE(reader.truncated());
    EXPECT_EQ(reader.header().event_count, count);
    EXPECT_EQ(reader.header().start_unix_ns, header.start_unix_ns);
    EXPECT_EQ(reader.header().lost_events, 3U);
    EXPECT_EQ(reader.header().provenance, header.provenance);
    EXPECT_TRUE(reader.header().complete);
    EXPECT_EQ(folder.files(), 1U);
  }
}

TEST(TraceWriterTest, RandomStreamsRoundTrip) {
  const TempFolder folder;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto events = random_events(seed, 1 + seed * 7, 1 + static_cast<std::uint32_t>(seed % 9));
    test::write_trace(folder / "x.trace", events);
    TraceReader reader(folder / "x.trace");
    ASSERT_EQ(test::read_all(reader), events) << seed;
  }
}

TEST(TraceWriterTest, TimesAreRoundedDownToTheUnit) {
  const TempFolder folder;
  TraceHeader header;
  header.time_unit_ns = 100;
  std::vector<Event> events(3);
  for (std::uint64_t i = 0; i < 3; ++i) events[i] = {.time_ns = 199 + i, .object = i, .size = 8};
  test::write_trace(folder / "x.trace", events, header);
  TraceReader reader(folder / "x.trace");
  const auto read = test::read_all(reader);
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[0].time_ns, 100U);
  EXPECT_EQ(read[1].time_ns, 200U);
  EXPECT_EQ(read[2].time_ns, 200U);
}

TEST(TraceWriterTest, ProvenanceMayGrowBeyondItsRoom) {
  const TempFolder folder;
  const auto events = random_events(1, kBlockEvents + 10);
  nlohmann::ordered_json provenance = {{"note", std::string(3000000, 'x')}};
  {
    TraceWriter writer(folder / "x.trace", {});
    for (const Event& event : events) writer.append(event);
    writer.finish(0, provenance);
  }
  TraceReader reader(folder / "x.trace");
  EXPECT_EQ(reader.header().provenance, provenance);
  EXPECT_EQ(test::read_all(reader), events);
  EXPECT_EQ(reader.seek(kBlockEvents + 1), kBlockEvents);
  EXPECT_EQ(reader.next_block().size(), 10U);
}

TEST(TraceWriterTest, AProvenanceThatNoReaderTakesReplacesNothing) {
  const auto nested = [](int depth) {
    auto value = nlohmann::ordered_json::object();
    for (int i = 1; i < depth; ++i) value = {{"in", value}};
    return value;
  };
  const TempFolder folder;
  const std::string path = folder / "x.trace";
  {
    TraceWriter writer(path, {});
    writer.append({.size = 1});
    writer.finish(0, nested(kMaxJsonDepth));
  }
  const std::string good = test::read_file(path);
  EXPECT_EQ(TraceReader(path).header().provenance, nested(kMaxJsonDepth));
  {
    TraceWriter writer(path, {});
    writer.append({.size = 1});
    EXPECT_THAT(error_of([&] { writer.finish(0, nested(kMaxJsonDepth + 1)); }),
                HasSubstr("x.trace: the provenance is nested too deeply"));
  }
  EXPECT_EQ(test::read_file(path), good);
  EXPECT_EQ(folder.files(), 1U);
}

TEST(TraceWriterTest, ViolatedPreconditionsAreErrors) {
  const TempFolder folder;
  const Event good{.time_ns = 10, .object = 0, .size = 8};
  const auto error_after_good = [&](const Event& bad) {
    TraceWriter writer(folder / "x.trace", {});
    writer.append(good);
    return error_of([&] { writer.append(bad); });
  };
  EXPECT_THAT(error_after_good({.time_ns = 9, .object = 1}), HasSubstr("event 1: time 9 ns"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 2}), HasSubstr("next object is 1, not 2"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 1, .op = Op::kFree}),
              HasSubstr("object 1 is not born yet"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 1, .op = Op::kRealloc}),
              HasSubstr("object 1 is not born yet"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 1, .thread = 2}),
              HasSubstr("next new thread is 1, not 2"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 0, .size = 1, .op = Op::kFree}),
              HasSubstr("a free has a size"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 1, .align_log2 = 4}),
              HasSubstr("alignment is 4"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 1, .op = Op::kAligned, .align_log2 = 64}),
              HasSubstr("alignment is 64"));
  EXPECT_THAT(error_after_good({.time_ns = 10, .object = 1, .op = static_cast<Op>(5)}),
              HasSubstr("unknown op 5"));
  TraceHeader header;
  header.time_unit_ns = 0;
  EXPECT_THAT(error_of([&] { TraceWriter(folder / "x.trace", header); }),
              HasSubstr("time_unit_ns is 0"));
  EXPECT_EQ(folder.files(), 0U);
}

TEST(TraceWriterTest, ManyAtOnceAreAsOneByOne) {
  const TempFolder folder;
  const std::vector<Event> events = test::random_events(1, 3000);
  for (const bool at_once : {false, true}) {
    TraceWriter writer(folder / (at_once ? "b" : "a"), {}, 700);
    if (at_once) {
      writer.append(std::span(events).first(1));
      writer.append(std::span(events).subspan(1, 1500));
      writer.append(events[1501]);
      writer.append(std::span(events).subspan(1502));
    } else {
      for (const Event& event : events) writer.append(event);
    }
    writer.finish(0, nlohmann::ordered_json::object());
  }
  EXPECT_EQ(test::read_file(folder / "a"), test::read_file(folder / "b"));
}

TEST(TraceWriterTest, OneThatIsWrongAmongManyIsNamed) {
  const TempFolder folder;
  std::vector<Event> events = test::random_events(1, 100);
  events[50].thread = 99;
  TraceWriter writer(folder / "x.trace", {});
  EXPECT_THAT(error_of([&] { writer.append(events); }), HasSubstr("event 50: the next new thread"));
}

TEST(TraceWriterTest, NothingMayFollowFinish) {
  const TempFolder folder;
  TraceWriter writer(folder / "x.trace", {});
  writer.finish(0, nlohmann::ordered_json::object());
  EXPECT_THAT(error_of([&] { writer.append(Event{}); }), HasSubstr("after finish()"));
  EXPECT_THAT(error_of([&] { writer.finish(0, {}); }), HasSubstr("finish() was called before"));
}

TEST(TraceWriterTest, WithoutFinishNothingIsLeft) {
  const TempFolder folder;
  test::write_file(folder / "x.trace", "as it was");
  {
    TraceWriter writer(folder / "x.trace", {});
    for (const Event& event : random_events(3, 3 * kBlockEvents)) writer.append(event);
  }
  EXPECT_EQ(test::read_file(folder / "x.trace"), "as it was");
  EXPECT_EQ(folder.files(), 1U);
}

TEST(TraceWriterTest, SitesAndTouchedPagesAreRead) {
  const TempFolder folder;
  auto events = random_events(3, 1000);
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].op != Op::kFree) events[i].site = static_cast<std::uint32_t>(i % 3);
    if (!is_birth(events[i].op)) events[i].touched = static_cast<std::uint32_t>(i % 4);
  }
  TraceHeader header;
  header.has_sites = header.has_touched = true;
  SiteTable sites;
  sites.strings = {"f", "g"};
  sites.frames = {{0, 1, 1, 0, 0}, {0, 2, 2, 0, 0}};
  sites.nodes = {{0, 0}, {1, 1}};
  sites.stacks = {1, 2};
  {
    TraceWriter writer(folder / "x.trace", header, 300);
    for (const Event& event : events) writer.append(event);
    writer.set_sites(sites);
    writer.finish(0, header.provenance);
  }
  TraceReader reader(folder / "x.trace");
  EXPECT_TRUE(reader.header().has_sites && reader.header().has_touched);
  EXPECT_EQ(test::read_all(reader), events);
  EXPECT_EQ(reader.sites(), sites);
  EXPECT_EQ(reader.seek(650), 600U);
  EXPECT_EQ(test::read_all(reader).size(), 400U);
  EXPECT_EQ(reader.seek(5000), 1000U);
  EXPECT_EQ(reader.sites(), sites);

  std::string bytes = test::read_file(folder / "x.trace");
  bytes[bytes.find("ASIT") + 8] ^= 1;
  test::write_file(folder / "bad.trace", bytes);
  TraceReader bad(folder / "bad.trace");
  EXPECT_THAT(error_of([&] { test::read_all(bad); }), HasSubstr("the call sites' head"));
}

TEST(TraceWriterTest, LeavesOutSitesThatTheHeaderDoesNotSay) {
  const TempFolder folder;
  test::write_trace(folder / "x.trace", {{.size = 1, .site = 1}, {.op = Op::kFree, .touched = 1}});
  TraceReader reader(folder / "x.trace");
  const auto events = test::read_all(reader);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].site, 0U);
  EXPECT_EQ(events[1].touched, 0U);
}

}  // namespace
}  // namespace replay
