// A plan and its run file, mapped, so that a test can replay with threads of its own process; if
// the plan is streamed, with one more that feeds it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>

#include <optional>
#include <thread>

#include "replay/engine/plan_feed.h"
#include "replay/engine/run_file.h"
#include "replay/engine/stage.h"

namespace replay::test {

// Objects of test allocators are not as large as they were asked to be.
inline RunRequest untouched() {
  RunRequest request;
  request.touch = Touch::kNone;
  return request;
}

// A crew pins the thread that replays; when the run is gone, the thread has back the CPUs it had.
class StagedRun {
 public:
  template <class Allocator>
  StagedRun(const Plan& plan, Allocator& allocator, const RunRequest& request = untouched())
      : file_(plan, request), bytes_(plan.word_count * sizeof(PlanWord)) {
    int memory = plan.memory.get();
    if (plan.source) {
      feed_.emplace(plan, file_);
      memory = feed_->plan_fd();
      server_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }
    void* words = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, memory, 0);
    EXPECT_NE(words, MAP_FAILED);
    ::sched_getaffinity(0, sizeof(cpus_), &cpus_);
    words_ = static_cast<const PlanWord*>(words);
    stage_.emplace(Stage::of(file_.base(), words_, mem::AnyAllocator(allocator)));
  }
  // Frees what is live.
  ~StagedRun() {
    for (std::uint64_t i = 0; i < stage_->run->slots_ready; ++i) {
      if (stage_->slots[i] != nullptr) stage_->allocator.deallocate(stage_->slots[i]);
    }
    ::munmap(const_cast<PlanWord*>(words_), bytes_);
    ::sched_setaffinity(0, sizeof(cpus_), &cpus_);
  }
  StagedRun(const StagedRun&) = delete;
  StagedRun& operator=(const StagedRun&) = delete;

  const Stage& stage() const { return *stage_; }
  RunOutcome outcome() const { return file_.outcome(); }

 private:
  // As the launcher does.
  void serve(const std::stop_token& stop) {
    constexpr int kTickMs = 10;
    pollfd hungry{feed_->hungry_fd(), POLLIN, 0};
    while (!stop.stop_requested()) {
      if (::poll(&hungry, 1, kTickMs) > 0) feed_->serve();
    }
  }

  RunFile file_;
  std::optional<PlanFeed> feed_;
  std::size_t bytes_;
  const PlanWord* words_;
  std::optional<Stage> stage_;
  cpu_set_t cpus_;
  std::jthread server_;
};

}  // namespace replay::test
