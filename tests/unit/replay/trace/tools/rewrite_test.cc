#include "replay/trace/tools/rewrite.h"

#include <gtest/gtest.h>

#include "replay/trace/validate.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::free_of;
using test::malloc_of;
using test::realloc_of;

class RewriteTest : public testing::Test {
 protected:
  std::string trace(const std::string& name, const std::vector<Event>& events) {
    return test::write_trace(folder_ / name, events, header_, 64);
  }
  // What `rewrite(writer)` writes; it must be valid.
  template <class Rewrite>
  std::vector<Event> written(Rewrite rewrite) {
    const std::string path = folder_ / "out";
    {
      TraceWriter writer(path, header_, 64);
      counts_ = rewrite(writer);
      EXPECT_EQ(writer.events(), counts_.written);
      writer.finish(0, nlohmann::ordered_json::object());
    }
    TraceReader check(path);
    EXPECT_EQ(validate(check).violation, "");
    TraceReader reader(path);
    return test::read_all(reader);
  }

  test::TempFolder folder_;
  TraceHeader header_;
  RewriteCounts counts_;
  const RewriteProgress none_ = [] {};
};

TEST_F(RewriteTest, AValidTraceIsCopiedAsItIs) {
  const auto events = test::random_events(9, 1000);
  TraceReader reader(trace("a", events));
  int blocks = 0;
  EXPECT_EQ(written([&](TraceWriter& to) { return copy_valid(reader, to, [&] { ++blocks; }); }),
            events);
  EXPECT_EQ(blocks, 16);
  EXPECT_EQ(counts_.read, 1000U);
}

TEST_F(RewriteTest, WhatIsOfNoLiveObjectIsLeftOut) {
  TraceReader reader(
      trace("a", {malloc_of(0, 8), free_of(0), free_of(0), realloc_of(0, 9), malloc_of(1, 8)}));
  EXPECT_EQ(written([&](TraceWriter& to) { return copy_valid(reader, to, none_); }),
            (std::vector<Event>{malloc_of(0, 8), free_of(0), malloc_of(1, 8)}));
  EXPECT_EQ(counts_.frees_left_out, 1U);
  EXPECT_EQ(counts_.reallocs_left_out, 1U);
}

TEST_F(RewriteTest, AReallocToNothingIsLeftOut) {
  TraceReader reader(trace("a", {malloc_of(0, 8), realloc_of(0, 0), free_of(0)}));
  EXPECT_EQ(written([&](TraceWriter& to) { return copy_valid(reader, to, none_); }),
            (std::vector<Event>{malloc_of(0, 8), free_of(0)}));
  EXPECT_EQ(counts_.reallocs_left_out, 1U);
}

TEST_F(RewriteTest, AWindowBeginsWithWhatLived) {
  const std::string path =
      trace("a", {malloc_of(0, 8), malloc_of(1, 16), realloc_of(0, 32), malloc_of(2, 1), free_of(1),
                  malloc_of(3, 4), free_of(0), free_of(3), free_of(2)});
  TraceReader whole(path);
  EXPECT_EQ(written([&](TraceWriter& to) { return slice(whole, to, {.from = 5, .to = 8}, none_); }),
            (std::vector<Event>{malloc_of(0, 32), malloc_of(1, 1), malloc_of(2, 4), free_of(0),
                                free_of(2)}));
  EXPECT_EQ(counts_.births_put_in, 2U);
  TraceReader without(path);
  EXPECT_EQ(written([&](TraceWriter& to) {
              return slice(without, to, {5, 8, BornBefore::kLeftOut}, none_);
            }),
            (std::vector<Event>{malloc_of(0, 4), free_of(0)}));
  EXPECT_EQ(counts_.frees_left_out, 1U);
}

TEST_F(RewriteTest, EveryWindowIsValid) {
  const auto events = test::random_events(4, 600);
  const std::string path = trace("a", events);
  for (std::uint64_t from = 0; from < 600; from += 37) {
    for (const BornBefore before : {BornBefore::kAtStart, BornBefore::kLeftOut}) {
      TraceReader reader(path);
      written([&](TraceWriter& to) {
        return slice(reader, to, {from, from + 200, before}, none_);
      });
      const std::uint64_t length = std::min<std::uint64_t>(200, 600 - from);
      EXPECT_EQ(counts_.written - counts_.births_put_in + counts_.frees_left_out +
                    counts_.reallocs_left_out,
                length);
    }
  }
}

TEST_F(RewriteTest, AFilterKeepsWholeLives) {
  const auto events = test::random_events(8, 800);
  TraceReader reader(trace("a", events));
  const auto keep = [](const Event& birth) { return birth.thread == 1; };
  const auto kept = written([&](TraceWriter& to) { return filter(reader, to, keep, none_); });
  std::vector<bool> keeps;
  std::vector<std::uint64_t> sizes;
  for (const Event& event : events) {
    if (is_birth(event.op)) keeps.push_back(keep(event));
    if (keeps[event.object]) sizes.push_back(event.size);
  }
  std::vector<std::uint64_t> kept_sizes;
  for (const Event& event : kept) kept_sizes.push_back(event.size);
  EXPECT_EQ(kept_sizes, sizes);
  EXPECT_GT(counts_.births_left_out, 0U);
}

TEST_F(RewriteTest, SitesAndTouchedPagesStayWithTheirEvents) {
  header_.has_sites = header_.has_touched = true;
  std::vector<Event> events = test::random_events(3, 500);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto number = static_cast<std::uint32_t>(i);
    (is_birth(events[i].op) ? events[i].site : events[i].touched) = number;
    if (events[i].op == Op::kRealloc) events[i].site = number + 1;
  }
  const std::string path = trace("a", events);
  TraceReader copied(path);
  EXPECT_EQ(written([&](TraceWriter& to) { return copy_valid(copied, to, none_); }), events);
  TraceReader cut(path);
  auto window = written([&](TraceWriter& to) { return slice(cut, to, {.from = 200}, none_); });
  const std::size_t put_in = counts_.births_put_in;
  ASSERT_EQ(window.size(), 300 + put_in);
  for (std::size_t i = 0; i < put_in; ++i) EXPECT_TRUE(is_birth(events[window[i].site].op));
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(window[put_in + i].site, events[200 + i].site);
    EXPECT_EQ(window[put_in + i].touched, events[200 + i].touched);
  }
}

TEST_F(RewriteTest, MergesByTimeAndOneAfterTheOther) {
  const auto at = [](Event event, std::uint64_t time_ns) {
    event.time_ns = time_ns;
    return event;
  };
  const std::string a = trace("a", {at(malloc_of(0, 1), 10), at(free_of(0), 30)});
  const std::string b = trace("b", {at(malloc_of(0, 2), 10), at(free_of(0), 20)});
  TraceReader a1(a);
  TraceReader b1(b);
  auto merged = written([&](TraceWriter& to) {
    return merge_by_time({{&a1}, {&b1, 5}}, to, none_);
  });
  std::vector<std::uint64_t> times;
  for (const Event& event : merged) times.push_back(event.time_ns);
  EXPECT_EQ(times, (std::vector<std::uint64_t>{10, 15, 25, 30}));
  EXPECT_EQ(merged[1].thread, 1U);
  EXPECT_EQ(merged[2].object, 1U);
  TraceReader a2(a);
  TraceReader b2(b);
  merged = written([&](TraceWriter& to) { return concatenate({{&a2}, {&b2}}, to, none_); });
  times.clear();
  for (const Event& event : merged) times.push_back(event.time_ns);
  EXPECT_EQ(times, (std::vector<std::uint64_t>{10, 30, 40, 50}));
  const auto with_site = [&](std::uint32_t site) {
    Event event = malloc_of(0, 1);
    event.site = site;
    return std::vector<Event>{event};
  };
  header_.has_sites = true;
  const std::string c = trace("c", with_site(3));
  const std::string d = trace("d", with_site(0));
  const auto sites = [&](auto merge) {
    TraceReader first(c);
    TraceReader second(c);
    TraceReader third(d);
    std::vector<std::uint32_t> found;
    const std::vector<MergeSource> sources = {{&first}, {&second, 0, 10}, {&third, 0, 20}};
    for (const Event& event : written([&](TraceWriter& to) { return merge(sources, to, none_); })) {
      found.push_back(event.site);
    }
    return found;
  };
  EXPECT_EQ(sites(merge_by_time), (std::vector<std::uint32_t>{3, 13, 0}));
  EXPECT_EQ(sites(concatenate), (std::vector<std::uint32_t>{3, 13, 0}));
  TraceReader late(b);
  EXPECT_NE(test::error_of([&] {
              TraceWriter to(folder_ / "late", {});
              merge_by_time({{&late, UINT64_MAX - 3}}, to, none_);
            }),
            "no error");
}

}  // namespace
}  // namespace replay
