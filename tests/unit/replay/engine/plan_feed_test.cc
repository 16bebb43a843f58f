#include "replay/engine/plan_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>

#include "replay/engine/session.h"
#include "replay/trace/error.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/fed_plan.h"
#include "tests/support/plan_words.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

constexpr std::uint64_t kWindowBytes = 64 << 10;

class PlanFeedTest : public ::testing::Test {
 protected:
  void write(const std::vector<Event>& events) { path_ = write_trace(dir_ / "t.trace", events); }

  Plan whole(EventRange range = {}, const PlanOptions& options = {}) {
    TraceReader reader(path_);
    return compile_plan(reader, range, options);
  }
  Plan streamed(EventRange range = {}, const PlanOptions& options = {}) {
    TraceReader reader(path_);
    return streamed_plan(path_, reader, range, options, kWindowBytes);
  }

  TempFolder dir_;
  std::string path_;
  Launcher launcher_{PROGRAM_DIR};
  Subject classic_ = resolve_subject("mem-classic", PROGRAM_DIR);
};

// A ramp to 2000 live objects, then each birth ends the oldest.
std::vector<Event> rolling_events(std::uint64_t births) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < births; ++i) {
    events.push_back(malloc_of(i, 16 + i * 37 % 900));
    if (i >= 2000) events.push_back(free_of(i - 2000));
  }
  return events;
}

TEST_F(PlanFeedTest, HandsOutTheWordsOfTheWholePlanAndKeepsAWindow) {
  write(random_events(3, 100'000, 1));
  const Plan all = whole({1000, 90'000});
  const Plan plan = streamed({1000, 90'000});
  FedPlan fed(plan);
  std::vector<PlanWord> words;
  int windows = 0;
  while (words.size() < all.word_count) {
    fed.next();
    ASSERT_GT(fed.words_of_all(), 0U) << "after " << windows << " windows";
    words.insert(words.end(), fed.words(0).begin(), fed.words(0).end());
    EXPECT_LE(fed.memory_bytes(), kWindowBytes);
    ++windows;
  }
  EXPECT_GE(windows, 10);
  EXPECT_EQ(words, lane_words(all, 0));
  EXPECT_EQ(fed.run().header().slots_ready, all.slot_count);
}

// Of several threads the windows hold the same events with fewer waits.
TEST_F(PlanFeedTest, HandsOutTheEventsAndTimesOfEveryLane) {
  write(random_events(3, 50'000, 6));
  const EventRange range{1000, 45'000};
  const PlanOptions options{.threads = {ThreadChoice::kAsRecorded}, .timed = true};
  const Plan all = whole(range, options);
  const Plan plan = streamed(range, options);
  ASSERT_EQ(plan.lanes.size(), all.lanes.size());
  EXPECT_EQ(plan.thread_count, all.thread_count);
  FedPlan fed(plan);
  std::vector<std::uint64_t> measured(all.lanes.size());
  const auto events_of = [&](std::size_t i) { return fed.run().lanes()[i].event_count; };
  const auto all_events = [&] {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < all.lanes.size(); ++i) sum += events_of(i);
    return sum;
  };
  int windows = 0;
  while (all_events() < plan.event_count) {
    fed.next();
    ++windows;
    EXPECT_LE(fed.memory_bytes(), kWindowBytes);
    for (std::size_t i = 0; i < all.lanes.size(); ++i) {
      const std::uint64_t warm_up = fed.run().lanes()[i].warmup_events;
      if (warm_up == 0) continue;
      EXPECT_EQ(warm_up, all.lanes[i].warmup_events);
      const std::uint64_t until = events_of(i) - warm_up;
      const std::uint64_t count = until - measured[i];
      ASSERT_EQ(fed.dues(i, measured[i], count),
                plan_words(all, all.lanes[i].first_due + measured[i], count))
          << "lane " << i << ", window " << windows;
      measured[i] = until;
    }
  }
  EXPECT_GE(windows, 10);
  for (std::size_t i = 0; i < all.lanes.size(); ++i) {
    EXPECT_EQ(events_of(i), all.lanes[i].event_count);
    EXPECT_FALSE(i != 0 && fed.run().lanes()[i].goes_on);
  }
  const Plan compiled = fed.feed().finish();
  EXPECT_EQ(compiled.edges_found, all.edges_found);
  EXPECT_LT(compiled.edges_enforced, all.edges_enforced);
  EXPECT_EQ(compiled.duration_ns, all.duration_ns);
}

TEST_F(PlanFeedTest, TellsWhereTheCheckpointsAreAsSoonAsItKnows) {
  write(random_events(3, 50'000, 1));
  const Plan all = whole({1000, UINT64_MAX});
  Plan plan = streamed({1000, UINT64_MAX});
  learn(plan, all);
  FedPlan fed(plan);
  const auto* pauses = reinterpret_cast<const std::uint64_t*>(
      fed.run().base() + run_pauses_offset(fed.run().header()));
  const std::uint64_t& ready = fed.run().lanes()[0].words_ready;
  EXPECT_EQ(pauses[0], kAllWords);
  while (ready < all.word_count) {
    fed.next();
    for (std::size_t i = 0; i < all.checkpoints.size(); ++i) {
      const std::uint64_t word = all.checkpoints[i].words[0];
      if (word < ready) {
        ASSERT_EQ(pauses[i], word);
      }
    }
  }
  EXPECT_EQ(pauses[all.checkpoints.size() - 1], all.word_count);
}

TEST_F(PlanFeedTest, AWorkerReplaysItAsItDoesTheWhole) {
  write(rolling_events(30'000));
  const EventRange range{500, 57'000};
  const Plan all = whole(range);
  Plan plan = streamed(range);
  SessionOptions options;
  options.subjects = {classic_, null_subject()};
  options.repetitions = 1;
  const SessionResult result = run_session(plan, options, launcher_, nullptr);
  ASSERT_EQ(plan.checkpoints.size(), all.checkpoints.size());
  for (std::size_t i = 0; i < all.checkpoints.size(); ++i) {
    EXPECT_EQ(plan.checkpoints[i].event, all.checkpoints[i].event);
    EXPECT_EQ(plan.checkpoints[i].live_bytes, all.checkpoints[i].live_bytes);
  }
  EXPECT_EQ(plan.peak_live, all.peak_live);
  EXPECT_THAT(plan.op_counts, ::testing::ElementsAreArray(all.op_counts));

  const RunOutcome& timed = result.subjects[0].runs(Pass::kLatency)[0];
  for (std::size_t op = 0; op < kOpCount; ++op) {
    EXPECT_EQ(timed.histograms[op].count + timed.latency.disturbed_by_op[op], all.op_counts[op]);
  }
  const RunOutcome& sampled = result.subjects[0].runs(Pass::kMemory)[0];
  ASSERT_EQ(sampled.samples.size(), all.checkpoints.size());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // A sanitizer's shadow is anonymous memory too, where the kernel has no page of zeros for it.
  const RunOutcome whole_run =
      launcher_.run(all, {classic_, Pass::kMemory, Touch::kPage, pick_cpu()}, nullptr);
  const auto pages = [](const RunOutcome& run) {
    return (run.samples.back().anonymous_bytes - run.baseline.anonymous_bytes) / 4096;
  };
  EXPECT_EQ(pages(sampled), pages(whole_run));
#endif
  EXPECT_EQ(sampled.failed_allocations, 0U);
  EXPECT_GT(result.subjects[0].runs(Pass::kThroughput)[0].elapsed_ns, 0U);
}

// Ten threads that come and go beside the first, each with some objects of the one before.
std::vector<Event> events_of_threads(std::uint64_t births) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < births; ++i) {
    const auto thread = static_cast<std::uint32_t>(i % 3 == 0 ? 0 : 1 + i * 10 / births);
    events.push_back(malloc_of(i, 16 + i * 37 % 900));
    events.back().time_ns = i * 1000;
    events.back().thread = thread;
    if (i < 500) continue;
    events.push_back(free_of(i - 500));
    events.back().time_ns = i * 1000 + 500;
    events.back().thread = thread;
  }
  return events;
}

TEST_F(PlanFeedTest, ThreadsReplayItAsTheyDoTheWhole) {
  write(events_of_threads(30'000));
  const EventRange range{2500, 57'000};
  const PlanOptions options{.threads = {ThreadChoice::kAsRecorded}, .timed = true};
  const Plan all = whole(range, options);
  Plan plan = streamed(range, options);
  ASSERT_EQ(plan.thread_count, 11U);
  SessionOptions session;
  session.subjects = {classic_};
  session.repetitions = 1;
  session.pace = 0.5;
  const SubjectRuns runs = run_session(plan, session, launcher_, nullptr).subjects[0];
  EXPECT_EQ(plan.edges_found, all.edges_found);
  EXPECT_THAT(plan.op_counts, ::testing::ElementsAreArray(all.op_counts));

  const RunOutcome& fast = runs.runs(Pass::kThroughput)[0];
  EXPECT_GT(fast.concurrency.busy_ns, 0U);
  EXPECT_LE(fast.concurrency.overlapped_events, 54'500.0);
  const RunOutcome& timed = runs.runs(Pass::kLatency)[0];
  for (std::size_t op = 0; op < kOpCount; ++op) {
    EXPECT_EQ(timed.responses[op].count, all.op_counts[op]);
  }
  const RunOutcome& sampled = runs.runs(Pass::kMemory)[0];
  ASSERT_EQ(sampled.samples.size(), all.checkpoints.size());
  for (const MemorySample& sample : sampled.samples) {
    EXPECT_GT(sample.anonymous_bytes, sampled.baseline.anonymous_bytes);
  }
  EXPECT_EQ(sampled.failed_allocations, 0U);
}

TEST_F(PlanFeedTest, ATraceThatBreaksItsRulesLateEndsTheWorkerToo) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 30'000; ++i) {
    events.push_back(malloc_of(i, 8));
    events.push_back(free_of(i));
  }
  events.push_back(free_of(7));
  write(events);
  const std::string error = error_of([&] {
    launcher_.run(streamed(), {classic_, Pass::kThroughput, Touch::kPage, pick_cpu()}, nullptr);
  });
  EXPECT_THAT(error, ::testing::HasSubstr("event 60000 frees object 7, which is already freed"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(PlanFeedTest, StreamsWhatIsTooLarge) {
  write(random_events(5, 10'000, 2));
  const TraceReader reader(path_);
  const PlanOptions one{{1}};
  EXPECT_TRUE(is_to_be_streamed(reader, {}, one, 10'000 * 8 - 1));
  EXPECT_FALSE(is_to_be_streamed(reader, {}, one, 10'000 * 8));
  EXPECT_FALSE(is_to_be_streamed(reader, {0, 5000}, one, 5000 * 8));
  EXPECT_TRUE(is_to_be_streamed(reader, {}, {{ThreadChoice::kAsRecorded}}, 10'000 * 8 - 1));
  EXPECT_FALSE(is_to_be_streamed(reader, {}, {{1}, true}, 20'000 * 8));
  EXPECT_TRUE(is_to_be_streamed(reader, {}, {{1}, true}, 20'000 * 8 - 1));
}

TEST_F(PlanFeedTest, DoesNotStreamWhatHasToBeKnownBeforehand) {
  write(random_events(5, 10'000, 2));
  const TraceReader reader(path_);
  const TouchedPart parts[] = {{0, kTouchedWhole}};
  EXPECT_FALSE(is_to_be_streamed(reader, {}, {.parts = parts}, 1));
  EXPECT_FALSE(is_to_be_streamed(reader, {}, {.closed = true}, 1));
  EXPECT_FALSE(is_to_be_streamed(reader, {}, {.stops = {17}}, 1));
}

TEST_F(PlanFeedTest, AnEmptyRangeIsAnError) {
  write({malloc_of(0, 1)});
  EXPECT_THAT(error_of([&] { streamed({5, 9}); }), ::testing::HasSubstr("has 1 events"));
}

}  // namespace
}  // namespace replay
