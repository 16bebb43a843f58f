#include "replay/engine/plan_feed.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "replay/engine/plan_layout.h"
#include "replay/trace/error.h"

namespace replay {
namespace {

// Replayed in some tens of milliseconds, against which a change of turns is nothing.
constexpr std::uint64_t kMostWindowWords = std::uint64_t{1} << 21;
constexpr std::uint64_t kMostWordsOfAnEvent = 3;  // plan_layout.h, without touched parts

UniqueFd event_fd() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
  if (fd.get() < 0) throw system_error("cannot create an event file");
  return fd;
}

std::uint64_t end_of(const TraceReader& trace, EventRange range) {
  return std::min(range.to, trace.header().event_count);
}

}  // namespace

bool is_to_be_streamed(const TraceReader& trace, EventRange range, const PlanOptions& options,
                       std::uint64_t most_bytes) {
  const bool one_thread = options.threads.workers == 1 || trace.header().thread_count == 1;
  return trace.header().complete && one_thread && !options.timed && options.parts.empty() &&
         options.stops.empty() && !options.closed &&
         end_of(trace, range) > most_bytes / sizeof(PlanWord);
}

Plan streamed_plan(const std::string& trace_name, const TraceReader& trace, EventRange range,
                   const PlanOptions& options, std::uint64_t most_bytes) {
  Plan plan;
  plan.source = {trace_name, range, options.threads};
  plan.word_count = std::clamp<std::uint64_t>(most_bytes / sizeof(PlanWord), kMostWordsOfAnEvent,
                                              kMostWindowWords);
  plan.event_count = end_of(trace, range);
  plan.warmup_events = range.from;
  if (plan.event_count <= range.from) {
    throw Error(fmt::format("{}: no event to replay in {}:{}; the trace has {} events",
                            trace.path(), range.from, range.to, trace.header().event_count));
  }
  plan.slot_count = std::min(trace.header().object_count, plan.event_count);
  plan.lanes.resize(1);
  plan.lanes[0].word_count = kAllWords;
  plan.lanes[0].event_count = plan.event_count;
  plan.lanes[0].warmup_events = plan.warmup_events;
  plan.checkpoints = {{.event = plan.warmup_events}, {.event = plan.event_count}};
  return plan;
}

void learn(Plan& plan, const Plan& compiled) {
  plan.source->is_known = true;
  plan.slot_count = compiled.slot_count;
  plan.most_live_bytes = compiled.most_live_bytes;
  std::copy(std::begin(compiled.op_counts), std::end(compiled.op_counts), plan.op_counts);
  plan.checkpoints = compiled.checkpoints;
  plan.peak_live = compiled.peak_live;
}

PlanFeed::PlanFeed(const Plan& plan, RunFile& run)
    : plan_(plan),
      run_(run),
      trace_(plan.source->trace),
      compiler_(trace_, plan.source->range, {plan.source->threads},
                find_thread_lives(trace_, plan.source->range.to, plan.source->threads)),
      memory_(::memfd_create("allocreplay-plan", MFD_CLOEXEC)),
      hungry_(event_fd()),
      fed_(event_fd()) {
  if (memory_.get() < 0 ||
      ::ftruncate(memory_.get(), static_cast<off_t>(plan.word_count * sizeof(PlanWord))) != 0) {
    throw system_error("cannot create a memory file for the plan");
  }
  run.set_event_fds(hungry_.get(), fed_.get());
}

void PlanFeed::serve() {
  std::uint64_t asked;
  if (::read(hungry_.get(), &asked, sizeof(asked)) < 0)
    throw system_error("cannot read an event file");
  compile_window();
  asked = 1;
  if (::write(fed_.get(), &asked, sizeof(asked)) < 0)
    throw system_error("cannot write to an event file");
}

double PlanFeed::share_done() const {
  return static_cast<double>(compiler_.here().event) / static_cast<double>(plan_.event_count);
}

void PlanFeed::compile_window() {
  const std::uint64_t most = plan_.word_count - kMostWordsOfAnEvent + 1;  // the last may be longer
  bool more = true;
  while (more && compiler_.words(0).size() < most) {
    const bool any_left = next_checkpoint_ < plan_.checkpoints.size();
    more =
        compiler_.advance(any_left ? plan_.checkpoints[next_checkpoint_].event : UINT64_MAX, most);
    note_checkpoints();
  }
  const std::uint64_t count = compiler_.words(0).size();
  write_words();
  run_.set_ready(first_word_, first_word_ + count, compiler_.slot_count());
  first_word_ += count;
}

void PlanFeed::note_checkpoints() {
  while (next_checkpoint_ < plan_.checkpoints.size() &&
         plan_.checkpoints[next_checkpoint_].event == compiler_.here().event) {
    run_.set_pause(next_checkpoint_++, first_word_ + compiler_.words(0).size());
  }
}

void PlanFeed::write_words() {
  off_t at = 0;
  compiler_.words(0).drain([this, &at](const PlanWord* words, std::size_t count) {
    const char* data = reinterpret_cast<const char*>(words);
    std::size_t left = count * sizeof(PlanWord);
    while (left > 0) {
      const ssize_t written = ::pwrite(memory_.get(), data, left, at);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw system_error("no memory for a part of the plan");
      data += written;
      at += written;
      left -= static_cast<std::size_t>(written);
    }
  });
}

}  // namespace replay
