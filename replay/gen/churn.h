// A population of objects that are born one a step and die when their lifetime, in births, is over:
// what steady and warehouse have in common.
//
// Not thread-safe. A birth and its death are O(1); memory is that of the live objects.
#pragma once

#include <cstdint>

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
    const auto thread = static_cast<std::uint32_t>(births_++ / kRun % threads_);
    out_.set_thread(thread);
    const std::uint64_t object = out_.birth(op, size, align_log2);
    const std::uint64_t first = new_size == 0 ? lifetime : (lifetime + 1) / 2;
    agenda_.put(agenda_.now() + first, {object, new_size, lifetime - first, thread});
  }

 private:
  struct Item {
    std::uint64_t object;
    std::uint64_t new_size;  // 0: the end of its life
    std::uint64_t rest;      // of the life after it is resized
    std::uint32_t thread;
  };

  void end(const Item& item) {
    if (full()) return;
    if (item.new_size != 0) {
      out_.set_thread(item.thread);
      out_.resize(item.object, item.new_size);
      agenda_.put(agenda_.now() + item.rest, {item.object, 0, 0, item.thread});
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
  std::uint64_t births_ = 0;
};

}  // namespace replay::gen
