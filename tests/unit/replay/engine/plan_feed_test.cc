#include "replay/engine/plan_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "replay/engine/session.h"
#include "replay/trace/error.h"
#include "tests/support/error_of.h"
#include "tests/support/events.h"
#include "tests/support/plan_words.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using namespace test;

constexpr std::uint64_t kWindowBytes = 64 << 10;

class PlanFeedTest : public ::testing::Test {
 protected:
  void write(const std::vector<Event>& events) { path_ = write_trace(dir_ / "t.trace", events); }

  Plan whole(EventRange range = {}) {
    TraceReader reader(path_);
    return compile_plan(reader, range);
  }
  Plan streamed(EventRange range = {}) {
    TraceReader reader(path_);
    return streamed_plan(path_, reader, range, {}, kWindowBytes);
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

// As the worker does: asks, and reads what is ready then.
TEST_F(PlanFeedTest, HandsOutTheWordsOfTheWholePlanAndKeepsAWindow) {
  write(random_events(3, 100'000, 1));
  const Plan all = whole({1000, 90'000});
  const Plan plan = streamed({1000, 90'000});
  RunFile run(plan, {.subject = null_subject()});
  PlanFeed feed(plan, run);
  std::vector<PlanWord> words;
  int windows = 0;
  while (words.size() < all.word_count) {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(feed.hungry_fd(), &one, sizeof(one)), 8);
    feed.serve();
    std::uint64_t fed = 0;
    ASSERT_EQ(::read(feed.fed_fd(), &fed, sizeof(fed)), 8);
    const std::uint64_t ready = run.header().words_ready;
    ASSERT_GT(ready, words.size()) << "after " << windows << " windows";
    std::vector<PlanWord> more(ready - words.size());
    const auto bytes = static_cast<ssize_t>(more.size() * sizeof(PlanWord));
    ASSERT_EQ(run.header().first_there, words.size());
    ASSERT_EQ(::pread(feed.plan_fd(), more.data(), more.size() * sizeof(PlanWord), 0), bytes);
    words.insert(words.end(), more.begin(), more.end());
    struct stat file;
    ASSERT_EQ(::fstat(feed.plan_fd(), &file), 0);
    EXPECT_LE(static_cast<std::uint64_t>(file.st_blocks) * 512, kWindowBytes);
    ++windows;
  }
  EXPECT_GE(windows, 10);
  EXPECT_EQ(words, lane_words(all, 0));
  EXPECT_EQ(run.header().slots_ready, all.slot_count);
}

TEST_F(PlanFeedTest, TellsWhereTheCheckpointsAreAsSoonAsItKnows) {
  write(random_events(3, 50'000, 1));
  const Plan all = whole({1000, UINT64_MAX});
  Plan plan = streamed({1000, UINT64_MAX});
  learn(plan, all);
  RunFile run(plan, {.subject = null_subject()});
  PlanFeed feed(plan, run);
  const auto* pauses =
      reinterpret_cast<const std::uint64_t*>(run.base() + run_pauses_offset(run.header()));
  EXPECT_EQ(pauses[0], kAllWords);
  while (run.header().words_ready < all.word_count) {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(feed.hungry_fd(), &one, sizeof(one)), 8);
    feed.serve();
    for (std::size_t i = 0; i < all.checkpoints.size(); ++i) {
      const std::uint64_t word = all.checkpoints[i].words[0];
      if (word < run.header().words_ready) {
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

TEST_F(PlanFeedTest, StreamsWhatIsTooLargeForOneThreadWithoutTimes) {
  write(random_events(5, 10'000, 2));
  const TraceReader reader(path_);
  const PlanOptions one{{1}};
  EXPECT_TRUE(is_to_be_streamed(reader, {}, one, 10'000 * 8 - 1));
  EXPECT_FALSE(is_to_be_streamed(reader, {}, one, 10'000 * 8));
  EXPECT_FALSE(is_to_be_streamed(reader, {0, 5000}, one, 5000 * 8));
  EXPECT_FALSE(is_to_be_streamed(reader, {}, {{ThreadChoice::kAsRecorded}}, 1));
  EXPECT_FALSE(is_to_be_streamed(reader, {}, {{1}, true}, 1));
}

TEST_F(PlanFeedTest, AnEmptyRangeIsAnError) {
  write({malloc_of(0, 1)});
  EXPECT_THAT(error_of([&] { streamed({5, 9}); }), ::testing::HasSubstr("has 1 events"));
}

}  // namespace
}  // namespace replay
