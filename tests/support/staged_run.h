// A plan and its run file, mapped, so that a test can replay with threads of its own process.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>

#include <optional>

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
    void* words = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, plan.memory.get(), 0);
    EXPECT_NE(words, MAP_FAILED);
    ::sched_getaffinity(0, sizeof(cpus_), &cpus_);
    words_ = static_cast<const PlanWord*>(words);
    stage_.emplace(Stage::of(file_.base(), words_, mem::AnyAllocator(allocator)));
  }
  // Frees what is live.
  ~StagedRun() {
    for (std::uint64_t i = 0; i < stage_->run->slot_count; ++i) {
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
  RunFile file_;
  std::size_t bytes_;
  const PlanWord* words_;
  std::optional<Stage> stage_;
  cpu_set_t cpus_;
};

}  // namespace replay::test
