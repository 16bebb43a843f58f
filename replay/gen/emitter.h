// What generators write their events with: numbers objects and threads as a trace must, gives each
// event its time, and hands them on in blocks.
//
// Not thread-safe. Every call is O(1); memory is one block and a word for each thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "replay/trace/event.h"

namespace replay::gen {

inline constexpr std::uint32_t kTickNs = 100;  // from one event to the next

class Emitter {
 public:
  using Sink = std::function<void(std::span<const Event>)>;
  explicit Emitter(Sink sink, std::uint64_t tick_ns = kTickNs);

  // Who makes the calls that follow; any number that the generator likes.
  void set_thread(std::uint32_t thread) {
    if (thread != wanted_) change_thread(thread);
  }

  // Returns the object.
  std::uint64_t malloc(std::uint64_t size) { return birth(Op::kMalloc, size); }
  std::uint64_t birth(Op op, std::uint64_t size, std::uint8_t align_log2 = 0) {
    push(objects_, size, op, align_log2);
    return objects_++;
  }
  void resize(std::uint64_t object, std::uint64_t size) { push(object, size, Op::kRealloc); }
  void free(std::uint64_t object) { push(object, 0, Op::kFree); }

  // Time that passes beside a tick for each event.
  void advance(std::uint64_t ns) { time_ns_ += ns; }
  // The next event is at this time or, if that has gone by, at once.
  void advance_to(std::uint64_t ns);

  std::uint64_t events() const { return events_; }
  std::uint64_t time_ns() const { return time_ns_; }

  // How many events there will be in all, for progress; 0: unknown.
  void expect(std::uint64_t events) { expected_ = events; }
  std::uint64_t expected() const { return expected_; }

  void flush();  // at the end

 private:
  void push(std::uint64_t object, std::uint64_t size, Op op, std::uint8_t align_log2 = 0) {
    if (thread_ == kNone) number_thread();
    block_[used_] = {time_ns_, object, size, thread_, op, align_log2};
    ++events_;
    time_ns_ += tick_ns_;
    if (++used_ == kBlock) flush();
  }

  void change_thread(std::uint32_t thread);
  void number_thread();  // when it makes its first call

  static constexpr std::size_t kBlock = 4096;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  Sink sink_;
  std::uint64_t tick_ns_;
  std::vector<Event> block_;
  std::size_t used_ = 0;                // of the block
  std::vector<std::uint32_t> numbers_;  // of the generator's threads in the trace
  std::uint32_t threads_ = 0;
  std::uint32_t wanted_ = kNone;  // the generator's name of thread_
  std::uint32_t thread_ = kNone;
  std::uint64_t time_ns_ = 0;
  std::uint64_t objects_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t expected_ = 0;
};

}  // namespace replay::gen
