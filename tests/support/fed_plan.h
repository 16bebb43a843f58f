// A streamed plan as its worker gets it, a window at a time.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "replay/engine/plan_feed.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/subject.h"

namespace replay::test {

class FedPlan {
 public:
  // The plan outlives it.
  explicit FedPlan(const Plan& plan)
      : run_(plan, {.subject = null_subject()}), feed_(plan, run_), windows_(plan.lanes.size()) {}

  // Asks as the worker does and takes what is ready then.
  void next() {
    std::uint64_t count = 1;
    ASSERT_EQ(::write(feed_.hungry_fd(), &count, sizeof(count)), 8);
    feed_.serve();
    ASSERT_EQ(::read(feed_.fed_fd(), &count, sizeof(count)), 8);
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      const LaneRun& lane = run_.lanes()[i];
      Window& window = windows_[i];
      window.words.resize(lane.words_ready - window.end);
      read(lane.first_word + window.end, window.words);
      window.end = lane.words_ready;
    }
  }

  // Those of the lane that came last.
  const std::vector<PlanWord>& words(std::size_t lane) const { return windows_[lane].words; }
  std::uint64_t words_of_all() const {
    std::uint64_t words = 0;
    for (const Window& window : windows_) words += window.words.size();
    return words;
  }
  // When the lane's measured events from `first` on are due, of those that came last.
  std::vector<PlanWord> dues(std::size_t lane, std::uint64_t first, std::size_t count) {
    std::vector<PlanWord> dues(count);
    read(run_.lanes()[lane].first_due + first, dues);
    return dues;
  }

  const RunFile& run() const { return run_; }
  PlanFeed& feed() { return feed_; }
  std::uint64_t memory_bytes() const {
    struct stat file;
    EXPECT_EQ(::fstat(feed_.plan_fd(), &file), 0);
    return static_cast<std::uint64_t>(file.st_blocks) * 512;
  }

 private:
  struct Window {
    std::vector<PlanWord> words;
    std::uint64_t end = 0;
  };

  void read(std::uint64_t first, std::vector<PlanWord>& words) {
    const std::size_t bytes = words.size() * sizeof(PlanWord);
    const auto at = static_cast<off_t>(first * sizeof(PlanWord));
    ASSERT_EQ(::pread(feed_.plan_fd(), words.data(), bytes, at), static_cast<ssize_t>(bytes));
  }

  RunFile run_;
  PlanFeed feed_;
  std::vector<Window> windows_;
};

}  // namespace replay::test
