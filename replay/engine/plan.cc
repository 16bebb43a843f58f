#include "replay/engine/plan.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "replay/engine/plan_compiler.h"
#include "replay/trace/error.h"

namespace replay {
namespace {

// Appends words to a memory file.
class PlanFile {
 public:
  PlanFile() : fd_(::memfd_create("allocreplay-plan", MFD_CLOEXEC)) {
    if (fd_.get() < 0) {
      throw system_error("cannot create a memory file for the plan");
    }
  }

  std::uint64_t words() const { return words_; }

  void append(WordStream& stream) {
    stream.drain([this](const PlanWord* first, std::size_t count) { write(first, count); });
  }

  UniqueFd finish() { return std::move(fd_); }

 private:
  void write(const PlanWord* first, std::size_t count) {
    const char* data = reinterpret_cast<const char*>(first);
    std::size_t left = count * sizeof(PlanWord);
    while (left > 0) {
      const ssize_t written = ::write(fd_.get(), data, left);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        throw Error(fmt::format("no memory for the plan: {}; replay fewer events with --events",
                                std::strerror(errno)));
      }
      data += written;
      left -= static_cast<std::size_t>(written);
    }
    words_ += count;
  }

  UniqueFd fd_;
  std::uint64_t words_ = 0;
};

}  // namespace

std::optional<std::size_t> Plan::checkpoint_at(std::uint64_t event) const {
  const auto at =
      std::partition_point(checkpoints.begin(), checkpoints.end(),
                           [&](const Checkpoint& point) { return point.event < event; });
  if (at == checkpoints.end() || at->event != event) return std::nullopt;
  return static_cast<std::size_t>(at - checkpoints.begin());
}

bool Plan::lane_is_alive(std::size_t lane, const Checkpoint& at) const {
  if (lane == 0) return true;
  const std::vector<ThreadLife>& threads = lanes[lane].threads;
  const auto next =
      std::partition_point(threads.begin(), threads.end(),
                           [&at](const ThreadLife& life) { return life.last_event < at.event; });
  return next != threads.end() && next->first_event < at.event;
}

Plan compile_plan(TraceReader& trace, EventRange range, const PlanOptions& options) {
  PlanCompiler compiler(trace, range, options, find_thread_lives(trace, range.to, options.threads));
  while (compiler.advance(UINT64_MAX)) {
  }
  Plan plan = compiler.finish();
  PlanFile file;
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    plan.lanes[i].first_word = file.words();
    plan.lanes[i].word_count = compiler.words(i).end();
    file.append(compiler.words(i));
  }
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    plan.lanes[i].first_due = file.words();
    file.append(compiler.dues(i));
  }
  plan.word_count = file.words();
  plan.memory = file.finish();
  return plan;
}

}  // namespace replay
