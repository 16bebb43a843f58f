// A population of objects that are born one a step and die when their lifetime, in births, is over:
// what steady and warehouse have in common.
//
// Not thread-safe. A birth and its death are O(1); memory is that of the live objects.
#pragma once

#include <cstdint>
#include <vector>

#include "replay/gen/agenda.h"
#include "replay/gen/emitter.h"
#include "replay/gen/random.h"

namespace replay::gen {

class Churn {
 public:
  // Births go round the threads in runs; `foreign` of the deaths (parts per million) are by a
  // thread drawn at random instead of the one of the birth. Nothing is emitted beyond `events`.
  Churn(std::uint64_t events, std::uint64_t threads, std::uint64_t foreign, Random& random,
        Emitter& out)
      : events_(events), threads_(threads), foreign_(foreign), random_(random), out_(out) {
    out.expect(events);
  }

  bool full() const { return out_.events() >= events_; }

  // The deaths that are due, then the birth. With a `new_size` (not 0) the object is resized to
  // that in the middle of its life. pre: !full().
  void step(Op op, std::uint64_t size, std::uint8_t align_log2, std::uint64_t lifetime,
            std::uint64_t new_size) {
    agenda_.run_to(agenda_.now() + 1, [this](const Item& item) { end(item); });
    if (full()) return;
    add(op, size, align_log2, lifetime, new_size);
  }

  // A birth without a step, to fill up at the start. pre: !full().
  void add(Op op, std::uint64_t size, std::uint8_t align_log2, std::uint64_t lifetime,
           std::uint64_t new_size) {
    constexpr std::uint64_t kRun = 32;  // births before the next thread's turn
    if (births_++ % kRun == 0 && ++thread_ >= threads_) thread_ = 0;
    const std::uint32_t thread = thread_;
    out_.set_thread(thread);
    const std::uint64_t object = out_.birth(op, size, align_log2);
    if (new_size == 0) {
      agenda_.put(agenda_.now() + lifetime, {object, thread, kNoResize});
      return;
    }
    const std::uint64_t first = (lifetime + 1) / 2;
    agenda_.put(agenda_.now() + first, {object, thread, add_resize(new_size, lifetime - first)});
  }

 private:
  static constexpr std::uint32_t kNoResize = UINT32_MAX;

  // Small, for there are as many as live objects.
  struct Item {
    std::uint64_t object;
    std::uint32_t thread;
    std::uint32_t resize;  // index into resizes_, or kNoResize: the end of its life
  };
  struct Resize {
    std::uint64_t new_size;
    std::uint64_t rest;  // of the life after it
  };

  std::uint32_t add_resize(std::uint64_t new_size, std::uint64_t rest) {
    if (unused_.empty()) {
      resizes_.push_back({new_size, rest});
      return static_cast<std::uint32_t>(resizes_.size() - 1);
    }
    const std::uint32_t index = unused_.back();
    unused_.pop_back();
    resizes_[index] = {new_size, rest};
    return index;
  }

  void end(const Item& item) {
    if (full()) return;
    if (item.resize != kNoResize) {
      const Resize resize = resizes_[item.resize];
      unused_.push_back(item.resize);
      out_.set_thread(item.thread);
      out_.resize(item.object, resize.new_size);
      agenda_.put(agenda_.now() + resize.rest, {item.object, item.thread, kNoResize});
      return;
    }
    const bool foreign = random_.chance(foreign_);
    out_.set_thread(foreign ? static_cast<std::uint32_t>(random_.below(threads_)) : item.thread);
    out_.free(item.object);
  }

  std::uint64_t events_;
  std::uint64_t threads_;
  std::uint64_t foreign_;
  Random& random_;
  Emitter& out_;
  Agenda<Item> agenda_;
  std::vector<Resize> resizes_;
  std::vector<std::uint32_t> unused_;  // of them
  std::uint64_t births_ = 0;
  std::uint32_t thread_ = UINT32_MAX;  // whose turn it is
};

}  // namespace replay::gen
