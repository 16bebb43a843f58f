// What is known of each live object, by number: memory follows the live objects, however far the
// numbers have grown.
//
// The newest numbers live in a ring, at their number modulo its size: a birth writes where the one
// before it wrote, and a look-up goes to one place that is known beforehand. The ring has two to
// four times as many places as there are live objects (16 at most after a decline), so most die in
// it. Who is overtaken there by a newer one moves to a hash table (open addressing, linear probing,
// Fibonacci hashing, deletion by shifting back), which halves when it gets empty.
//
//       ring: [id & mask]                        table: [hash(id)], at most 3/4 full
//      +-----+-----+-----+-- ... --+-----+      +-----+-----+-----+-- ... --+-----+
//      | id  |     | id  |         | id  | ---> |     | id  | id  |         |     |
//      +-----+-----+-----+-- ... --+-----+      +-----+-----+-----+-- ... --+-----+
//
// Numbers are below 2^64 - 1. Each call is O(1), amortised where ring or table change their size.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "replay/trace/event.h"
#include "replay/trace/huge_pages.h"

namespace replay {

template <class Value>
class ObjectMap {
 public:
  // pre: id is greater than all before. The pointer is good until the next insert or erase.
  Value* insert(std::uint64_t id) {
    if (2 * ++size_ > ring_.size()) resize_ring(2 * ring_.size());
    Slot& slot = ring_[id & (ring_.size() - 1)];
    if (slot.id != kNone) move_to_table(slot);
    slot.id = id;
    slot.value = Value{};
    return &slot.value;
  }

  // nullptr if it is not there. The pointer is good until the next insert or erase.
  Value* find(std::uint64_t id) {
    Slot& slot = ring_[id & (ring_.size() - 1)];
    if (slot.id == id) return &slot.value;
    const std::size_t at = table_index(id);
    return at == kNowhere ? nullptr : &table_[at].value;
  }
  const Value* find(std::uint64_t id) const { return const_cast<ObjectMap*>(this)->find(id); }

  // Returns whether it was there.
  bool erase(std::uint64_t id) {
    Slot& slot = ring_[id & (ring_.size() - 1)];
    if (slot.id == id) {
      slot.id = kNone;
    } else {
      const std::size_t at = table_index(id);
      if (at == kNowhere) return false;
      erase_from_table(at);
    }
    if (16 * --size_ < ring_.size() && ring_.size() > kMinRing) resize_ring(ring_.size() / 2);
    return true;
  }

  // Ask for the memory that a call for this id, or the insert() of it, will look at: the first long
  // before it, the second when what the first asked for is there. Inlined by force, because GCC
  // takes a function that only prefetches for one without effect, and drops its calls.
  [[gnu::always_inline]] void prefetch_far(std::uint64_t id) const {
    const Slot& slot = ring_[id & (ring_.size() - 1)];
    __builtin_prefetch(&slot, 1);
    __builtin_prefetch(reinterpret_cast<const char*>(&slot + 1) - 1, 1);
  }
  [[gnu::always_inline]] void prefetch_near(std::uint64_t id, bool is_new) const {
    const std::uint64_t in_ring = ring_[id & (ring_.size() - 1)].id;
    const std::uint64_t wanted = is_new ? in_ring : id;
    if (in_table_ == 0 || wanted == kNone || (!is_new && in_ring == id)) return;
    const Slot* const slot = &table_[home(wanted)];
    __builtin_prefetch(slot, 1);
    __builtin_prefetch(slot + 1, 1);
  }

  std::uint64_t size() const { return size_; }

  // Of every object, in no order: visit(id, value).
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Slots* slots : {&ring_, &table_}) {
      for (const Slot& slot : *slots) {
        if (slot.id != kNone) visit(slot.id, slot.value);
      }
    }
  }

 private:
  static constexpr std::size_t kMinRing = std::size_t{1} << 13;  // stays in a level-2 cache
  static constexpr std::size_t kMinTable = 64;
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  struct Slot {
    std::uint64_t id = kNone;
    [[no_unique_address]] Value value{};
  };
  using Slots = std::vector<Slot, HugePages<Slot>>;

  std::size_t home(std::uint64_t id) const {
    return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15) >> shift_);
  }
  std::size_t after(std::size_t at) const { return (at + 1) & (table_.size() - 1); }

  std::size_t table_index(std::uint64_t id) const {
    if (in_table_ == 0 || id == kNone) return kNowhere;
    for (std::size_t at = home(id); table_[at].id != kNone; at = after(at)) {
      if (table_[at].id == id) return at;
    }
    return kNowhere;
  }

  void put(const Slot& slot) {
    std::size_t at = home(slot.id);
    while (table_[at].id != kNone) at = after(at);
    table_[at] = slot;
  }

  void move_to_table(const Slot& slot) {
    if (4 * (in_table_ + 1) > 3 * table_.size()) {
      resize_table(table_.empty() ? kMinTable : 2 * table_.size());
    }
    put(slot);
    ++in_table_;
  }

  void erase_from_table(std::size_t hole) {
    for (std::size_t at = after(hole); table_[at].id != kNone; at = after(at)) {
      // Fills the hole if its home is not between the hole and itself.
      const std::size_t mask = table_.size() - 1;
      if (((at - home(table_[at].id)) & mask) >= ((at - hole) & mask)) {
        table_[hole] = table_[at];
        hole = at;
      }
    }
    table_[hole].id = kNone;
    --in_table_;
    if (8 * in_table_ < table_.size() && table_.size() > kMinTable) resize_table(table_.size() / 2);
  }

  void resize_table(std::size_t size) {
    Slots old(size);
    old.swap(table_);
    shift_ = 64 - static_cast<unsigned>(__builtin_ctzll(size));
    for (const Slot& slot : old) {
      if (slot.id != kNone) put(slot);
    }
  }

  void resize_ring(std::size_t size) {
    Slots old(size);
    old.swap(ring_);
    for (Slot& slot : old) {
      if (slot.id == kNone) continue;
      Slot& to = ring_[slot.id & (size - 1)];
      if (to.id == kNone || to.id < slot.id) std::swap(slot, to);
      if (slot.id != kNone) move_to_table(slot);
    }
  }

  Slots ring_ = Slots(kMinRing);
  Slots table_;
  unsigned shift_ = 64;
  std::size_t in_table_ = 0;
  std::uint64_t size_ = 0;
};

// For who goes through `events` and is at number `at`. A miss of the cache takes as long as some
// ten events of work.
template <class Value>
[[gnu::always_inline]] inline void prefetch_ahead(const ObjectMap<Value>& map,
                                                  std::span<const Event> events, std::size_t at) {
  constexpr std::size_t kFar = 64;
  constexpr std::size_t kNear = 12;
  if (at + kFar < events.size()) map.prefetch_far(events[at + kFar].object);
  if (at + kNear < events.size()) {
    const Event& event = events[at + kNear];
    map.prefetch_near(event.object, is_birth(event.op));
  }
}

}  // namespace replay
