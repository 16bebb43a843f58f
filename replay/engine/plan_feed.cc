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
// Of any plan: room for an event.
constexpr std::uint64_t kLeastWindowWords = kEventWords + kWaitWords + kStartWords + 1;

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
  const std::uint64_t words_of_an_event = options.timed ? 2 : 1;
  return trace.header().complete && options.parts.empty() && options.stops.empty() &&
         !options.closed &&
         end_of(trace, range) > most_bytes / sizeof(PlanWord) / words_of_an_event;
}

Plan streamed_plan(const std::string& trace_name, TraceReader& trace, EventRange range,
                   const PlanOptions& options, std::uint64_t most_bytes) {
  Plan plan;
  plan.event_count = end_of(trace, range);
  plan.warmup_events = range.from;
  if (plan.event_count <= range.from) {
    throw Error(fmt::format("{}: no event to replay in {}:{}; the trace has {} events",
                            trace.path(), range.from, range.to, trace.header().event_count));
  }
  plan.source = {trace_name, range, options.threads,
                 find_thread_lives(trace, range.to, options.threads)};
  const ThreadLives& lives = plan.source->lives;
  plan.timed = options.timed;
  plan.word_count = std::clamp(most_bytes / sizeof(PlanWord), kLeastWindowWords, kMostWindowWords);
  plan.slot_count =
      SlotTable::most(std::min(trace.header().object_count, plan.event_count), lives.lane_count);
  plan.lanes.resize(lives.lane_count);
  for (const ThreadLife& life : lives.threads) {
    if (life.lane == 0) continue;
    plan.lanes[life.lane].threads.push_back(life);
    ++plan.thread_count;
  }
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
  plan.edges_found = compiled.edges_found;
  plan.edges_enforced = compiled.edges_enforced;
  plan.duration_ns = compiled.duration_ns;
}

PlanFeed::PlanFeed(const Plan& plan, RunFile& run)
    : plan_(plan),
      run_(run),
      trace_(plan.source->trace),
      compiler_(trace_, plan.source->range, {.threads = plan.source->threads, .timed = plan.timed},
                plan.source->lives),
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
  hand_out();
  asked = 1;
  if (::write(fed_.get(), &asked, sizeof(asked)) < 0)
    throw system_error("cannot write to an event file");
}

double PlanFeed::share_done() const {
  return static_cast<double>(compiler_.here().event) / static_cast<double>(plan_.event_count);
}

// As many events as are sure to fit, until no further one is: most take far fewer words.
void PlanFeed::compile_window() {
  bool more = true;
  while (more) {
    const std::uint64_t events = (plan_.word_count - words_held()) / compiler_.most_event_words();
    if (events == 0) return;
    std::uint64_t until = compiler_.here().event + events;
    if (next_checkpoint_ < plan_.checkpoints.size()) {
      until = std::min(until, plan_.checkpoints[next_checkpoint_].event);
    }
    more = compiler_.advance(until);
    note_checkpoints();
  }
}

std::uint64_t PlanFeed::words_held() {
  std::uint64_t words = 0;
  for (std::size_t i = 0; i < compiler_.lane_count(); ++i) {
    words += compiler_.words(i).held() + compiler_.dues(i).held();
  }
  return words;
}

void PlanFeed::note_checkpoints() {
  while (next_checkpoint_ < plan_.checkpoints.size() &&
         plan_.checkpoints[next_checkpoint_].event == compiler_.here().event) {
    for (std::size_t i = 0; i < compiler_.lane_count(); ++i) {
      run_.set_pause(next_checkpoint_, i, compiler_.words(i).end());
      if (next_checkpoint_ == 0) run_.lanes()[i].warmup_events = compiler_.events(i);
    }
    ++next_checkpoint_;
  }
}

// Puts the window into the worker's hands.
void PlanFeed::hand_out() {
  tell_late_ends();
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < compiler_.lane_count(); ++i) {
    LaneRun& lane = run_.lanes()[i];
    lane.event_count = compiler_.events(i);
    lane.goes_on = plan_.lane_is_alive(i, compiler_.here());
    lane.words_ready = compiler_.words(i).end();
    lane.first_word = put(compiler_.words(i), at);
    lane.first_due = put(compiler_.dues(i), at);
  }
  run_.set_slots_ready(compiler_.slot_count());
}

void PlanFeed::tell_late_ends() {
  for (const PlanCompiler::ThreadEnd& end : compiler_.take_late_ends()) {
    run_.lanes()[end.lane].thread_end = end.word;
    run_.lanes()[end.lane].thread_end_event = end.event;
  }
}

// Takes all that the stream holds to word `at` of the memory, and `at` behind it. Returns where the
// stream's first word would stand, which may be below 0 (modulo 2^64).
std::uint64_t PlanFeed::put(WordStream& words, std::uint64_t& at) {
  const std::uint64_t first_word = at - words.begin();
  words.drain([this, &at](const PlanWord* first, std::size_t count) {
    const char* data = reinterpret_cast<const char*>(first);
    std::size_t left = count * sizeof(PlanWord);
    auto to = static_cast<off_t>(at * sizeof(PlanWord));
    while (left > 0) {
      const ssize_t written = ::pwrite(memory_.get(), data, left, to);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw system_error("no memory for a part of the plan");
      data += written;
      to += written;
      left -= static_cast<std::size_t>(written);
    }
    at += count;
  });
  return first_word;
}

}  // namespace replay
