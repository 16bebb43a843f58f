#include "replay/record/merge.h"

#include <algorithm>
#include <optional>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "replay/trace/pointer_map.h"

namespace replay {

using spool::RawOp;

namespace {

// The order of calls: by stamp; of equal stamps, those that give an address back come first.
class StreamHeap {
 public:
  explicit StreamHeap(const std::vector<ThreadStream>& streams) {
    cursors_.reserve(streams.size());
    for (const ThreadStream& stream : streams) {
      cursors_.emplace_back(stream);
      heads_.push_back(nullptr);
      push(cursors_.size() - 1);
    }
  }
  bool empty() const { return heap_.empty(); }
  std::size_t stream() const { return std::get<2>(heap_.top()); }
  const Record& record() const { return *heads_[stream()]; }
  void pop() {
    const std::size_t stream_index = stream();
    heap_.pop();
    push(stream_index);
  }

 private:
  using Key = std::tuple<std::uint64_t, bool, std::size_t>;
  void push(std::size_t stream_index) {
    const Record* const r = heads_[stream_index] = cursors_[stream_index].next();
    if (r != nullptr) heap_.emplace(r->stamp, !spool::is_release(r->op), stream_index);
  }

  std::vector<RecordCursor> cursors_;
  std::vector<const Record*> heads_;  // of each stream, the next one
  std::priority_queue<Key, std::vector<Key>, std::greater<>> heap_;
};

// Addresses to objects, records to events.
class Matcher {
 public:
  // windowed: some objects were born before what is recorded.
  Matcher(std::size_t streams, bool windowed, const EventSink& sink,
          std::vector<std::uint64_t>* sites)
      : threads_(streams), windowed_(windowed), sink_(sink), sites_(sites) {}

  void take(const Record& r, std::size_t stream, std::uint64_t time_ns) {
    stream_ = stream;
    time_ns_ = std::max(time_ns_, time_ns);
    switch (r.op) {
      case RawOp::kMalloc:
        return birth(r, Op::kMalloc);
      case RawOp::kCalloc:
        return birth(r, Op::kCalloc);
      case RawOp::kAligned:
        return birth(r, Op::kAligned);
      case RawOp::kFree:
        return release(r);
      case RawOp::kReallocRelease:
        return realloc_begins(r);
      case RawOp::kReallocBirth:
        return realloc_moved(r);
      case RawOp::kReallocKept:
        return realloc_failed(r.address);
      case RawOp::kReallocFreed:
        return realloc_freed();
      default:
        return;  // no record of its own
    }
  }

  MergeCounts finish() {
    for (const Thread& thread : threads_) forget_realloc(thread);
    counts_.live_objects = live_.size() + counts_.unfinished_reallocs;
    return counts_;
  }
  std::uint64_t events() const { return counts_.events; }

 private:
  struct Thread {
    std::optional<std::uint32_t> number;          // by first appearance
    std::optional<std::uint64_t> realloc_object;  // its realloc has begun and not ended
    bool began = false;                           // a realloc in the window
    bool realloc_earlier = false;                 // of an object from before the window
    std::uint64_t realloc_touched = 0;
  };

  void emit(Event event) {
    Thread& thread = threads_[stream_];
    if (!thread.number) thread.number = counts_.threads++;
    ++counts_.events;
    event.time_ns = time_ns_;
    event.thread = *thread.number;
    sink_(event);
  }

  static std::uint32_t clipped(std::uint64_t touched) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(touched, UINT32_MAX));
  }

  // The program can have written over its record.
  static std::uint8_t possible_alignment(std::uint8_t align_log2) {
    constexpr std::uint8_t kGreatest = 63;
    return std::min(align_log2, kGreatest);
  }

  std::uint32_t site_of(const Record& r) {
    if (r.site == 0 || sites_ == nullptr) return 0;
    const auto next = static_cast<std::uint32_t>(sites_->size() + 1);
    const auto [found, is_new] = site_numbers_.emplace(r.site, next);
    if (is_new) sites_->push_back(r.site);
    return found->second;
  }

  // True for an address whose object may have been born before the window.
  bool first_sight(std::uint64_t address) { return windowed_ && seen_.insert(address).second; }

  void occupy(std::uint64_t address, std::uint64_t object) {
    if (windowed_) seen_.insert(address);
    const auto previous = live_.insert(address, object);
    if (!previous) return;
    ++counts_.synthesised_frees;
    emit({.object = *previous, .op = Op::kFree});
  }

  void birth(const Record& r, Op op) {
    const std::uint64_t object = counts_.objects;
    occupy(r.address, object);
    ++counts_.objects;
    emit({.object = object,
          .size = r.size,
          .op = op,
          .align_log2 = op == Op::kAligned ? possible_alignment(r.align_log2) : std::uint8_t{0},
          .site = site_of(r)});
  }

  void release(const Record& r) {
    if (const auto object = live_.erase(r.address)) {
      emit({.object = *object, .op = Op::kFree, .touched = clipped(r.touched)});
    } else {
      ++(first_sight(r.address) ? counts_.earlier_frees : counts_.unmatched_frees);
    }
  }

  void forget_realloc(const Thread& thread) {
    if (thread.realloc_object) ++counts_.unfinished_reallocs;
  }

  void realloc_begins(const Record& r) {
    Thread& thread = threads_[stream_];
    forget_realloc(thread);
    thread.realloc_object = live_.erase(r.address);
    thread.realloc_earlier = !thread.realloc_object && first_sight(r.address);
    thread.realloc_touched = r.touched;
    thread.began = true;
  }

  std::optional<std::uint64_t> realloc_ends() {
    return std::exchange(threads_[stream_].realloc_object, std::nullopt);
  }

  void realloc_moved(const Record& r) {
    if (const auto object = realloc_ends()) {
      occupy(r.address, *object);
      // An allocator that answers realloc(p, 0) with a block gives the least that there is.
      emit({.object = *object,
            .size = std::max<std::uint64_t>(r.size, 1),
            .op = Op::kRealloc,
            .site = site_of(r),
            .touched = clipped(threads_[stream_].realloc_touched)});
    } else {
      ++(take_earlier() ? counts_.earlier_reallocs : counts_.unmatched_reallocs);
      birth(r, Op::kMalloc);
    }
  }

  void realloc_failed(std::uint64_t address) {
    if (const auto object = realloc_ends()) occupy(address, *object);
  }

  void realloc_freed() {
    if (const auto object = realloc_ends()) {
      emit({.object = *object,
            .op = Op::kFree,
            .touched = clipped(threads_[stream_].realloc_touched)});
    } else {
      ++(take_earlier() ? counts_.earlier_frees : counts_.unmatched_frees);
    }
  }

  // A window may begin inside a realloc, too.
  bool take_earlier() {
    Thread& thread = threads_[stream_];
    return std::exchange(thread.realloc_earlier, false) ||
           (windowed_ && !std::exchange(thread.began, true));
  }

  std::vector<Thread> threads_;
  PointerMap live_;
  bool windowed_;
  std::unordered_set<std::uint64_t> seen_;  // addresses; only if windowed
  const EventSink& sink_;
  std::vector<std::uint64_t>* sites_;
  std::unordered_map<std::uint64_t, std::uint32_t> site_numbers_;
  MergeCounts counts_;
  std::size_t stream_ = 0;
  std::uint64_t time_ns_ = 0;
};

}  // namespace

StampClock::StampClock(const spool::Calibration& start, const spool::Calibration& end)
    : start_(start.stamp), ns_per_tick_(1) {
  if (end.stamp > start.stamp && end.monotonic_raw_ns > start.monotonic_raw_ns) {
    ns_per_tick_ = static_cast<double>(end.monotonic_raw_ns - start.monotonic_raw_ns) /
                   static_cast<double>(end.stamp - start.stamp);
  }
}

std::uint64_t StampClock::nanoseconds(std::uint64_t stamp) const {
  if (stamp <= start_) return 0;
  constexpr std::uint64_t kGreatest = std::uint64_t{1} << 62;  // a stamp may be anything
  const double ns = static_cast<double>(stamp - start_) * ns_per_tick_;
  return ns < static_cast<double>(kGreatest) ? static_cast<std::uint64_t>(ns) : kGreatest;
}

MergeCounts merge_streams(const std::vector<ThreadStream>& streams, const StampClock& clock,
                          const MergeLimits& limits, const EventSink& sink,
                          std::vector<std::uint64_t>* sites) {
  StreamHeap heap(streams);
  Matcher matcher(streams.size(), limits.from_stamp != 0, sink, sites);
  std::uint64_t earlier = 0;
  for (; !heap.empty() && heap.record().stamp < limits.from_stamp; heap.pop()) {
    earlier += spool::is_event(heap.record().op) ? 1 : 0;
  }
  const std::uint64_t start_ns = clock.nanoseconds(limits.from_stamp);
  for (; !heap.empty() && matcher.events() < limits.events; heap.pop()) {
    const Record& r = heap.record();
    // A stream that a program has written over may go back.
    const std::uint64_t time_ns = std::max(clock.nanoseconds(r.stamp), start_ns) - start_ns;
    if (r.stamp >= limits.stamp || time_ns >= limits.time_ns) break;
    matcher.take(r, heap.stream(), time_ns);
  }
  MergeCounts counts = matcher.finish();
  counts.earlier_events = earlier;
  for (; !heap.empty(); heap.pop()) {
    counts.cut_events += spool::is_event(heap.record().op) ? 1 : 0;
  }
  return counts;
}

}  // namespace replay
