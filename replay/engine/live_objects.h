// Which objects are live in a memory pass, and where: each slot's object with its address, sizes
// and birth, the sum of their usable bytes, and the pages on which they stand.
//
// Its tables lie in the run file (run_layout.h), so nothing of it is the allocator's memory. Safe
// from several threads, of which each tells of the slots that are its own at that moment. For the
// worker: no C++ library, no allocation.
#pragma once

#include <cstdint>

#include "core/alloc/any_allocator.h"
#include "core/base/lock.h"
#include "replay/engine/page_counts.h"
#include "replay/trace/event.h"

namespace replay {

struct LiveObject {
  const void* address;  // nullptr: nothing lives in the slot
  std::uint64_t size;   // as requested
  std::uint64_t usable;
  std::uint64_t birth;  // event of its lane, warm-up included
};

class LiveObjects {
 public:
  // objects: one a slot, all 0; nullptr: nothing is kept. tells_usable: the allocator's usable_size
  // may be asked.
  LiveObjects(LiveObject* objects, const PageCounts& pages, const mem::AnyAllocator& allocator,
              bool tells_usable)
      : objects_(objects), pages_(pages), allocator_(allocator), tells_usable_(tells_usable) {}

  // What lives in `slot` after an event of its lane; `result` is what the call returned, nullptr
  // for a free.
  void settle(std::uint32_t slot, Op op, std::uint64_t event, std::uint64_t size,
              const void* result) {
    if (objects_ == nullptr) return;
    LiveObject& object = objects_[slot];
    const LiveObject before = object;
    object = {};
    if (result != nullptr) {
      const bool goes_on = op == Op::kRealloc && before.address != nullptr;
      object = {result, size, tells_usable_ ? usable(result) : 0, goes_on ? before.birth : event};
    }
    const mem::LockGuard guard(mutex_);
    usable_bytes_ += object.usable - before.usable;
    if (!allocator_.table().backed) return;
    pages_.remove(before.address, before.size);
    pages_.add(object.address, object.size);
  }

  bool kept() const { return objects_ != nullptr; }
  // Of all live objects; 0 if the allocator does not tell.
  std::uint64_t usable_bytes() const { return usable_bytes_; }
  bool tells_usable() const { return tells_usable_; }
  // Pages on which a live object has a byte; none of an allocator behind whose blocks no memory
  // stands.
  const PageCounts& pages() const { return pages_; }

 private:
  std::uint64_t usable(const void* p) const {
    return allocator_.table().usable_size(allocator_.self(), p);
  }

  LiveObject* objects_;
  PageCounts pages_;
  mem::AnyAllocator allocator_;
  bool tells_usable_;
  mem::Mutex mutex_;
  std::uint64_t usable_bytes_ = 0;
};

// Tells LiveObjects of each event (hot_loop.h). One a thread.
class LiveProbe {
 public:
  // event: of the lane, warm-up included, with which the thread goes on.
  LiveProbe(LiveObjects& objects, std::uint64_t event) : objects_(objects), event_(event) {}

  static std::uint64_t start() { return 0; }
  void stop(Op, std::uint64_t) {}
  void settled(std::uint32_t slot, Op op, std::uint64_t size, const void* result) {
    objects_.settle(slot, op, event_++, size, result);
  }

 private:
  LiveObjects& objects_;
  std::uint64_t event_;
};

}  // namespace replay
