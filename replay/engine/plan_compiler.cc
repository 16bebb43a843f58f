#include "replay/engine/plan_compiler.h"

#include <fmt/format.h>

#include <algorithm>

#include "replay/engine/plan_layout.h"
#include "replay/engine/size_class.h"
#include "replay/trace/error.h"

namespace replay {

PlanCompiler::PlanCompiler(TraceReader& trace, EventRange range, const PlanOptions& options,
                           ThreadLives lives)
    : trace_(trace),
      range_(range),
      options_(options),
      lives_(std::move(lives)),
      lanes_(lives_.lane_count),
      order_(lives_.lane_count),
      slots_(lives_.lane_count),
      start_words_(lives_.lane_count) {
  here_.words.resize(lanes_.size());
}

std::uint64_t PlanCompiler::most_event_words() const {
  return kEventWords + (lanes_.size() > 1 ? kWaitWords + kStartWords : 0) +
         (options_.parts.empty() ? 0 : 1) + (options_.timed ? 1 : 0);
}

bool PlanCompiler::advance(std::uint64_t event) {
  for (;;) {
    if (next_ == block_.size()) {
      block_ = trace_.next_block();
      next_ = 0;
      if (block_.empty()) return false;
    }
    for (; next_ < block_.size(); ++next_) {
      if (here_.event == range_.to) return false;
      if (here_.event == event) return true;
      prefetch_ahead(slot_of_, block_, next_);
      const Event& at = block_[next_];
      if (here_.event == range_.from) begin_measuring(at);
      add(at);
      if (here_.event > range_.from) after_measured(at);
    }
  }
}

void PlanCompiler::begin_measuring(const Event& event) {
  measuring_ = true;
  first_born_ = objects_;
  first_time_ns_ = event.time_ns;
  peak_ = here_;
  checkpoints_.offer(here_);
  for (Lane& lane : lanes_) lane.plan.warmup_events = lane.plan.event_count;
}

void PlanCompiler::after_measured(const Event& event) {
  ++plan_.op_counts[static_cast<int>(event.op)];
  if (here_.live_bytes > peak_.live_bytes) peak_ = here_;
  checkpoints_.offer(here_);
  const std::vector<std::uint64_t>& stops = options_.stops;
  while (next_stop_ < stops.size() && stops[next_stop_] < here_.event) ++next_stop_;
  if (next_stop_ < stops.size() && stops[next_stop_] == here_.event) stops_.push_back(here_);
  if (options_.timed) plan_.duration_ns = event.time_ns - first_time_ns_;
}

void PlanCompiler::add(const Event& event) {
  const std::uint32_t thread = lanes_.size() == 1 ? 0 : options_.threads.thread_of(event.thread);
  const ThreadLife& life = lives_.threads[thread];
  if (life.lane != 0 && here_.event == life.first_event) begin_thread(life);
  put(event, life.lane);
  Lane& lane = lanes_[life.lane];
  if (measuring_ && options_.timed) lane.dues.put(event.time_ns - first_time_ns_);
  ++lane.plan.event_count;
  if (life.lane != 0 && here_.event == life.last_event) end_thread(life);
  ++here_.event;
  here_.words[life.lane] = lane.words.end();
  plan_.most_live_bytes = std::max(plan_.most_live_bytes, here_.live_bytes);
}

// The first thread starts it, when the one before it in its lane has ended.
void PlanCompiler::begin_thread(const ThreadLife& life) {
  Lane& lane = lanes_[life.lane];
  Lane& first = lanes_[0];
  const std::uint64_t begin = lane.words.end();
  start_words_[life.lane] = first.words.end();
  first.words.put(plan_step_word(Step::kStart, life.lane, first.plan.event_count));
  first.words.put(begin);
  first.words.put(kAllWords);
  first.words.put(lane.plan.event_count);
  first.words.put(kAllWords);
  here_.words[0] = first.words.end();
  order_.learn(0, first.words.end(), life.lane, begin);
  order_.learn(life.lane, begin, 0, first.words.end());
  lane.plan.threads.push_back(life);
}

void PlanCompiler::end_thread(const ThreadLife& life) {
  const Lane& lane = lanes_[life.lane];
  WordStream& first = lanes_[0].words;
  const std::uint64_t start = start_words_[life.lane];
  if (start < first.begin()) {
    late_ends_.push_back({life.lane, lane.words.end(), lane.plan.event_count});
    return;
  }
  first[start + 2] = lane.words.end();
  first[start + 4] = lane.plan.event_count;
}

// Sees to it that `lane` goes on only when what begins at `place` is done.
void PlanCompiler::enforce(std::uint32_t lane, PlanPlace place) {
  if (place.lane == lane) return;
  ++plan_.edges_found;
  if (place.word < lanes_[place.lane].words.begin()) return;
  PlanWord& other = lanes_[place.lane].words[place.word];
  const std::uint64_t reached = place.word + plan_event_words(other);
  if (order_.knows(lane, place.lane, reached)) return;
  ++plan_.edges_enforced;
  other |= kPlanPost;
  WordStream& words = lanes_[lane].words;
  words.put(plan_step_word(Step::kWait, place.lane, lanes_[lane].plan.event_count));
  words.put(reached);
  order_.learn(lane, words.end(), place.lane, reached);
}

void PlanCompiler::put(const Event& event, std::uint32_t lane) {
  const std::uint32_t number = is_birth(event.op) ? birth(event, lane) : live_slot(event);
  if (options_.closed && measuring_) note_for_closing(event, number);
  put(event, lane, number);
}

void PlanCompiler::put(const Event& event, std::uint32_t lane, std::uint32_t number) {
  SlotTable::Slot& slot = slots_[number];
  if (!is_birth(event.op)) enforce(lane, slot.last);
  WordStream& words = lanes_[lane].words;
  if (!options_.parts.empty() && options_.parts.front().event == here_.event) {
    words.put(options_.parts.front().word);
    options_.parts = options_.parts.subspan(1);
  }
  slot.last = {lane, words.end()};
  if (is_birth(event.op)) slot.maker = event.thread;
  const bool wide = event.size >= kWideSize;
  const std::uint64_t field = event.op == Op::kFree
                                  ? free_note(size_class_of(slot.size), slot.maker != event.thread)
                                  : (wide ? kWideSize : event.size);
  words.put(plan_word(number, event.op, field));
  if (wide) words.put(event.size);
  here_.live_bytes += event.size - slot.size;
  if (event.op == Op::kAligned) words.put(std::uint64_t{1} << event.align_log2);
  if (event.op == Op::kRealloc) words.put(slot.size);
  slot.size = event.size;
  if (event.op == Op::kFree) {
    --here_.live_objects;
    slots_.give_back(number);
    slot_of_.erase(event.object);
  }
}

void PlanCompiler::note_for_closing(const Event& event, std::uint32_t slot) {
  if (event.object < first_born_) {
    before_.emplace(event.object, Before{slot, slots_[slot].size});
  } else if (event.op == Op::kFree) {
    born_.erase(event.object);
  } else {
    born_.emplace(event.object, slot);
  }
}

// Brings back the objects that were live where the measured part began.
void PlanCompiler::close() {
  options_.parts = {};
  for (const auto& [object, slot] : born_) put_closing({.object = object, .op = Op::kFree}, slot);
  for (const auto& [object, before] : before_) {
    const bool lives = slot_of_.find(object) != nullptr;
    if (lives && slots_[before.slot].size == before.size) continue;
    // A realloc to 0 bytes may be a free.
    const std::uint64_t size = lives ? std::max<std::uint64_t>(before.size, 1) : before.size;
    put_closing({.object = object, .size = size, .op = lives ? Op::kRealloc : Op::kMalloc},
                before.slot);
  }
}

void PlanCompiler::put_closing(const Event& event, std::uint32_t slot) {
  here_.live_objects += event.op == Op::kMalloc ? 1 : 0;
  put(event, 0, slot);
  Lane& lane = lanes_[0];
  ++lane.plan.event_count;
  ++here_.event;
  here_.words[0] = lane.words.end();
  after_measured(event);
}

// A trace may have been cut off before the last event of a thread.
void PlanCompiler::end_threads() {
  for (Lane& lane : lanes_) {
    if (lane.plan.threads.empty() || lane.plan.threads.back().last_event < here_.event) continue;
    end_thread(lane.plan.threads.back());
    lane.plan.threads.back().last_event = here_.event - 1;
  }
}

std::uint32_t PlanCompiler::birth(const Event& event, std::uint32_t lane) {
  if (event.object != objects_) {
    fail(fmt::format("gives birth to object {}, but {} comes next", event.object, objects_));
  }
  const SlotTable::Taken taken = slots_.take(lane);
  if (taken.after_another) enforce(lane, taken.after);
  *slot_of_.insert(objects_++) = taken.slot;
  ++here_.live_objects;
  return taken.slot;
}

std::uint32_t PlanCompiler::live_slot(const Event& event) {
  const std::uint32_t* slot = slot_of_.find(event.object);
  if (slot == nullptr) {
    fail(fmt::format("{} object {}, which {}", event.op == Op::kFree ? "frees" : "resizes",
                     event.object,
                     event.object < objects_ ? "is already freed" : "was never allocated"));
  }
  if (event.op == Op::kRealloc && event.size == 0) {
    fail(fmt::format("resizes object {} to 0 bytes, which would be a free", event.object));
  }
  return *slot;
}

void PlanCompiler::fail(const std::string& what) const {
  throw Error(fmt::format("{}: event {} {}; the trace is not consistent, record it again",
                          trace_.path(), here_.event, what));
}

Plan PlanCompiler::finish() {
  if (!measuring_ || here_.event <= range_.from) {
    throw Error(fmt::format("{}: no event to replay in {}:{}; the trace has {} events",
                            trace_.path(), range_.from, range_.to, here_.event));
  }
  if (options_.closed) close();
  end_threads();
  plan_.checkpoints = checkpoints_.take();
  auto place = [&](const Checkpoint& point) {
    auto at = std::lower_bound(
        plan_.checkpoints.begin(), plan_.checkpoints.end(), point,
        [](const Checkpoint& a, const Checkpoint& b) { return a.event < b.event; });
    if (at == plan_.checkpoints.end() || at->event != point.event) {
      at = plan_.checkpoints.insert(at, point);
    }
    return static_cast<std::size_t>(at - plan_.checkpoints.begin());
  };
  place(here_);
  for (const Checkpoint& stop : stops_) place(stop);
  plan_.peak_live = place(peak_);
  plan_.slot_count = slots_.size();
  plan_.event_count = here_.event;
  plan_.warmup_events = range_.from;
  plan_.timed = options_.timed;
  plan_.truncation = trace_.truncation();
  plan_.thread_count = 1;
  for (Lane& lane : lanes_) {
    plan_.thread_count += static_cast<std::uint32_t>(lane.plan.threads.size());
    plan_.lanes.push_back(std::move(lane.plan));
  }
  return std::move(plan_);
}

}  // namespace replay
