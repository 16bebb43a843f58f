#include "replay/engine/plan.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "replay/engine/happens_before.h"
#include "replay/engine/plan_layout.h"
#include "replay/engine/size_class.h"
#include "replay/engine/slot_table.h"
#include "replay/engine/word_stream.h"
#include "replay/trace/error.h"

namespace replay {
namespace {

constexpr std::uint32_t kNoSlot = UINT32_MAX;
// Each has a stack, clocks and histograms; and a machine that could run so many is not in sight.
constexpr std::uint32_t kMostLanes = 1024;

// Appends words to a memory file.
class PlanFile {
 public:
  PlanFile() : fd_(::memfd_create("allocreplay-plan", MFD_CLOEXEC)) {
    if (fd_.get() < 0) {
      throw Error(
          fmt::format("cannot create a memory file for the plan: {}", std::strerror(errno)));
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

// An object where the measured part began.
struct Before {
  std::uint32_t slot;
  std::uint64_t size;
};

struct Lane {
  WordStream words;
  WordStream dues;
  LanePlan plan;
};

class Compiler {
 public:
  Compiler(TraceReader& trace, EventRange range, const PlanOptions& options, ThreadLives lives)
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

  Plan compile() {
    for (auto block = trace_.next_block(); !block.empty(); block = trace_.next_block()) {
      for (const Event& event : block) {
        if (here_.event == range_.to) return finish();
        if (here_.event == range_.from) begin_measuring(event);
        add(event);
        if (here_.event > range_.from) after_measured(event);
      }
    }
    return finish();
  }

 private:
  void begin_measuring(const Event& event) {
    measuring_ = true;
    first_object_ = slot_of_.size();
    first_time_ns_ = event.time_ns;
    peak_ = here_;
    checkpoints_.offer(here_);
    for (Lane& lane : lanes_) lane.plan.warmup_events = lane.plan.event_count;
  }

  void after_measured(const Event& event) {
    ++plan_.op_counts[static_cast<int>(event.op)];
    if (here_.live_bytes > peak_.live_bytes) peak_ = here_;
    checkpoints_.offer(here_);
    const std::vector<std::uint64_t>& stops = options_.stops;
    while (next_stop_ < stops.size() && stops[next_stop_] < here_.event) ++next_stop_;
    if (next_stop_ < stops.size() && stops[next_stop_] == here_.event) stops_.push_back(here_);
    if (options_.timed) plan_.duration_ns = event.time_ns - first_time_ns_;
  }

  void add(const Event& event) {
    const std::uint32_t thread = lanes_.size() == 1 ? 0 : options_.threads.thread_of(event.thread);
    const ThreadLife& life = lives_.threads[thread];
    if (life.lane != 0 && here_.event == life.first_event) begin_thread(life);
    put(event, life.lane);
    Lane& lane = lanes_[life.lane];
    if (measuring_ && options_.timed) lane.dues.put(event.time_ns - first_time_ns_);
    ++lane.plan.event_count;
    if (life.lane != 0 && here_.event == life.last_event) end_thread(life);
    ++here_.event;
    here_.words[life.lane] = lane.words.size();
    plan_.most_live_bytes = std::max(plan_.most_live_bytes, here_.live_bytes);
  }

  // The first thread starts it, when the one before it in its lane has ended.
  void begin_thread(const ThreadLife& life) {
    Lane& lane = lanes_[life.lane];
    Lane& first = lanes_[0];
    const std::uint64_t begin = lane.words.size();
    start_words_[life.lane] = first.words.size();
    first.words.put(plan_step_word(Step::kStart, life.lane, first.plan.event_count));
    first.words.put(begin);
    first.words.put(begin);
    first.words.put(lane.plan.event_count);
    first.words.put(lane.plan.event_count);
    here_.words[0] = first.words.size();
    order_.learn(0, first.words.size(), life.lane, begin);
    order_.learn(life.lane, begin, 0, first.words.size());
    lane.plan.threads.push_back(life);
  }

  void end_thread(const ThreadLife& life) {
    const Lane& lane = lanes_[life.lane];
    WordStream& first = lanes_[0].words;
    first[start_words_[life.lane] + 2] = lane.words.size();
    first[start_words_[life.lane] + 4] = lane.plan.event_count;
  }

  // Sees to it that `lane` goes on only when what begins at `place` is done.
  void enforce(std::uint32_t lane, PlanPlace place) {
    if (place.lane == lane) return;
    ++plan_.edges_found;
    PlanWord& other = lanes_[place.lane].words[place.word];
    const std::uint64_t reached = place.word + plan_event_words(other);
    if (order_.knows(lane, place.lane, reached)) return;
    ++plan_.edges_enforced;
    other |= kPlanPost;
    WordStream& words = lanes_[lane].words;
    words.put(plan_step_word(Step::kWait, place.lane, lanes_[lane].plan.event_count));
    words.put(reached);
    order_.learn(lane, words.size(), place.lane, reached);
  }

  void put(const Event& event, std::uint32_t lane) {
    const std::uint32_t number = is_birth(event.op) ? birth(event, lane) : live_slot(event);
    if (options_.closed && measuring_ && event.object < first_object_) {
      before_.emplace(event.object, Before{number, slots_[number].size});
    }
    put(event, lane, number);
  }

  void put(const Event& event, std::uint32_t lane, std::uint32_t number) {
    SlotTable::Slot& slot = slots_[number];
    if (!is_birth(event.op)) enforce(lane, slot.last);
    WordStream& words = lanes_[lane].words;
    if (!options_.parts.empty() && options_.parts.front().event == here_.event) {
      words.put(options_.parts.front().word);
      options_.parts = options_.parts.subspan(1);
    }
    slot.last = {lane, words.size()};
    if (is_birth(event.op)) slot.maker = event.thread;
    const bool wide = event.size >= kWideSize;
    const std::uint64_t field =
        event.op == Op::kFree ? free_note(size_class_of(slot.size), slot.maker != event.thread)
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
      slot_of_[event.object] = kNoSlot;
    }
  }

  std::uint32_t birth(const Event& event, std::uint32_t lane) {
    if (event.object != slot_of_.size()) {
      fail(fmt::format("gives birth to object {}, but {} comes next", event.object,
                       slot_of_.size()));
    }
    const SlotTable::Taken taken = slots_.take(lane);
    if (taken.after_another) enforce(lane, taken.after);
    slot_of_.push_back(taken.slot);
    ++here_.live_objects;
    return taken.slot;
  }

  std::uint32_t live_slot(const Event& event) const {
    const bool born = event.object < slot_of_.size();
    if (!born || slot_of_[event.object] == kNoSlot) {
      fail(fmt::format("{} object {}, which {}", event.op == Op::kFree ? "frees" : "resizes",
                       event.object, born ? "is already freed" : "was never allocated"));
    }
    return slot_of_[event.object];
  }

  // Brings back the objects that were live where the measured part began.
  void close() {
    options_.parts = {};
    const std::uint64_t objects = slot_of_.size();
    for (std::uint64_t object = first_object_; object < objects; ++object) {
      if (slot_of_[object] != kNoSlot)
        add_closing({.object = object, .op = Op::kFree}, slot_of_[object]);
    }
    for (const auto& [object, before] : before_) {
      const bool lives = slot_of_[object] != kNoSlot;
      if (lives && slots_[before.slot].size == before.size) continue;
      add_closing({.object = object, .size = before.size, .op = lives ? Op::kRealloc : Op::kMalloc},
                  before.slot);
    }
  }

  void add_closing(const Event& event, std::uint32_t slot) {
    here_.live_objects += event.op == Op::kMalloc ? 1 : 0;
    put(event, 0, slot);
    Lane& lane = lanes_[0];
    ++lane.plan.event_count;
    ++here_.event;
    here_.words[0] = lane.words.size();
    after_measured(event);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(fmt::format("{}: event {} {}; the trace is not consistent, record it again",
                            trace_.path(), here_.event, what));
  }

  Plan finish() {
    if (!measuring_ || here_.event <= range_.from) {
      throw Error(fmt::format("{}: no event to replay in {}:{}; the trace has {} events",
                              trace_.path(), range_.from, range_.to, here_.event));
    }
    if (options_.closed) close();
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
    write_lanes();
    return std::move(plan_);
  }

  void write_lanes() {
    PlanFile file;
    for (Lane& lane : lanes_) {
      lane.plan.first_word = file.words();
      lane.plan.word_count = lane.words.size();
      file.append(lane.words);
    }
    for (Lane& lane : lanes_) {
      lane.plan.first_due = file.words();
      file.append(lane.dues);
      plan_.thread_count += static_cast<std::uint32_t>(lane.plan.threads.size());
      plan_.lanes.push_back(std::move(lane.plan));
    }
    plan_.word_count = file.words();
    plan_.memory = file.finish();
  }

  TraceReader& trace_;
  EventRange range_;
  PlanOptions options_;  // its parts are those to come
  ThreadLives lives_;
  Plan plan_;
  std::vector<Lane> lanes_;
  HappensBefore order_;
  SlotTable slots_;
  std::vector<std::uint64_t> start_words_;  // by lane: where the first thread starts its thread
  std::vector<std::uint32_t> slot_of_;      // by object
  CheckpointList checkpoints_;
  Checkpoint here_;
  Checkpoint peak_;
  bool measuring_ = false;
  std::uint64_t first_time_ns_ = 0;
  std::size_t next_stop_ = 0;
  std::vector<Checkpoint> stops_;
  std::uint64_t first_object_ = 0;          // born in the measured part
  std::map<std::uint64_t, Before> before_;  // of older objects that it freed or resized
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
  ThreadLives lives = find_thread_lives(trace, range.to, options.threads);
  if (lives.lane_count > kMostLanes) {
    throw Error(fmt::format("{}: {} threads are alive at once, {} can be replayed; try --threads 8",
                            trace.path(), lives.lane_count, kMostLanes));
  }
  return Compiler(trace, range, options, std::move(lives)).compile();
}

}  // namespace replay
