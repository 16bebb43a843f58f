#include "replay/record/merge.h"

#include <algorithm>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>

#include "replay/trace/pointer_map.h"

namespace replay {

using spool::RawOp;
using spool::Record;

namespace {

// Reads one thread's stream.
class Cursor {
 public:
  explicit Cursor(const ThreadStream& stream) : stream_(&stream) {}
  const Record& record() const { return stream_->segments[segment_][index_]; }
  bool advance() {
    if (++index_ == stream_->segments[segment_].size()) {
      ++segment_;
      index_ = 0;
    }
    return segment_ != stream_->segments.size();
  }

 private:
  const ThreadStream* stream_;
  std::size_t segment_ = 0;
  std::size_t index_ = 0;
};

// The order of calls: by stamp; of equal stamps, those that give an address back come first.
class StreamHeap {
 public:
  explicit StreamHeap(const std::vector<ThreadStream>& streams) {
    cursors_.reserve(streams.size());
    for (const ThreadStream& stream : streams) {
      cursors_.emplace_back(stream);
      push(cursors_.size() - 1);
    }
  }
  bool empty() const { return heap_.empty(); }
  std::size_t stream() const { return std::get<2>(heap_.top()); }
  const Record& record() const { return cursors_[stream()].record(); }
  void pop() {
    const std::size_t stream_index = stream();
    heap_.pop();
    if (cursors_[stream_index].advance()) push(stream_index);
  }

 private:
  using Key = std::tuple<std::uint64_t, bool, std::size_t>;
  void push(std::size_t stream_index) {
    const Record& r = cursors_[stream_index].record();
    heap_.emplace(r.stamp, !spool::is_release(spool::op_of(r)), stream_index);
  }

  std::vector<Cursor> cursors_;
  std::priority_queue<Key, std::vector<Key>, std::greater<>> heap_;
};

// Addresses to objects, records to events.
class Matcher {
 public:
  Matcher(std::size_t streams, const EventSink& sink) : threads_(streams), sink_(sink) {}

  void take(const Record& r, std::size_t stream, std::uint64_t time_ns) {
    stream_ = stream;
    time_ns_ = std::max(time_ns_, time_ns);
    switch (spool::op_of(r)) {
      case RawOp::kMalloc:
        return birth(r, Op::kMalloc);
      case RawOp::kCalloc:
        return birth(r, Op::kCalloc);
      case RawOp::kAligned:
        return birth(r, Op::kAligned);
      case RawOp::kFree:
        return release(r.address);
      case RawOp::kReallocRelease:
        return realloc_begins(r.address);
      case RawOp::kReallocBirth:
        return realloc_moved(r);
      case RawOp::kReallocKept:
        return realloc_failed(r.address);
      case RawOp::kReallocFreed:
        return realloc_freed();
      case RawOp::kThread:
        return;  // not part of a stream
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
  };

  void emit(Op op, std::uint64_t object, std::uint64_t size, std::uint8_t align_log2 = 0) {
    Thread& thread = threads_[stream_];
    if (!thread.number) thread.number = counts_.threads++;
    ++counts_.events;
    sink_({time_ns_, object, size, *thread.number, op, align_log2});
  }

  void occupy(std::uint64_t address, std::uint64_t object) {
    const auto previous = live_.insert(address, object);
    if (!previous) return;
    ++counts_.synthesised_frees;
    emit(Op::kFree, *previous, 0);
  }

  void birth(const Record& r, Op op) {
    const std::uint64_t object = counts_.objects;
    occupy(r.address, object);
    ++counts_.objects;
    emit(op, object, spool::size_of(r), op == Op::kAligned ? spool::align_log2_of(r) : 0);
  }

  void release(std::uint64_t address) {
    if (const auto object = live_.erase(address)) {
      emit(Op::kFree, *object, 0);
    } else {
      ++counts_.unmatched_frees;
    }
  }

  void forget_realloc(const Thread& thread) {
    if (thread.realloc_object) ++counts_.unfinished_reallocs;
  }

  void realloc_begins(std::uint64_t address) {
    forget_realloc(threads_[stream_]);
    threads_[stream_].realloc_object = live_.erase(address);
  }

  std::optional<std::uint64_t> realloc_ends() {
    return std::exchange(threads_[stream_].realloc_object, std::nullopt);
  }

  void realloc_moved(const Record& r) {
    if (const auto object = realloc_ends()) {
      occupy(r.address, *object);
      // An allocator that answers realloc(p, 0) with a block gives the least that there is.
      emit(Op::kRealloc, *object, std::max<std::uint64_t>(spool::size_of(r), 1));
    } else {
      ++counts_.unmatched_reallocs;
      birth(r, Op::kMalloc);
    }
  }

  void realloc_failed(std::uint64_t address) {
    if (const auto object = realloc_ends()) occupy(address, *object);
  }

  void realloc_freed() {
    if (const auto object = realloc_ends()) {
      emit(Op::kFree, *object, 0);
    } else {
      ++counts_.unmatched_frees;
    }
  }

  std::vector<Thread> threads_;
  PointerMap live_;
  const EventSink& sink_;
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
  return static_cast<std::uint64_t>(static_cast<double>(stamp - start_) * ns_per_tick_);
}

MergeCounts merge_streams(const std::vector<ThreadStream>& streams, const StampClock& clock,
                          const MergeLimits& limits, const EventSink& sink) {
  StreamHeap heap(streams);
  Matcher matcher(streams.size(), sink);
  for (; !heap.empty() && matcher.events() < limits.events; heap.pop()) {
    const Record& r = heap.record();
    const std::uint64_t time_ns = clock.nanoseconds(r.stamp);
    if (r.stamp >= limits.stamp || time_ns >= limits.time_ns) break;
    matcher.take(r, heap.stream(), time_ns);
  }
  MergeCounts counts = matcher.finish();
  for (; !heap.empty(); heap.pop()) {
    counts.cut_events += spool::is_event(spool::op_of(heap.record())) ? 1 : 0;
  }
  return counts;
}

}  // namespace replay
