// What is known of each live object, by number: memory follows the live objects, however far the
// numbers have grown.
//
// Most objects die young. So the newest live in a ring, at their number modulo its size, and only
// who is overtaken there by a newer one moves to a hash table (open addressing, linear probing,
// Fibonacci hashing, deletion by shifting back), which halves when it gets empty.
//
//       ring: [id & mask]                        table: [hash(id)], at most 3/4 full
//      +-----+-----+-----+-- ... --+-----+      +-----+-----+-----+-- ... --+-----+
//      | id  |     | id  |         | id  | ---> |     | id  | id  |         |     |
//      +-----+-----+-----+-- ... --+-----+      +-----+-----+-----+-- ... --+-----+
//
// Numbers are below 2^64 - 1. Each call is O(1), amortised where the table changes its size. Not
// thread-safe.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace replay {

template <class Value>
class ObjectMap {
 public:
  // pre: id is greater than all before. The pointer is good until the next insert or erase.
  Value* insert(std::uint64_t id) {
    Slot& slot = ring_[id & (kRing - 1)];
    if (slot.id != kNone) move_to_table(slot);
    slot.id = id;
    slot.value = Value{};
    ++size_;
    return &slot.value;
  }

  // nullptr if it is not there. The pointer is good until the next insert or erase.
  Value* find(std::uint64_t id) {
    Slot& slot = ring_[id & (kRing - 1)];
    if (slot.id == id) return &slot.value;
    const std::size_t at = table_index(id);
    return at == kNowhere ? nullptr : &table_[at].value;
  }
  const Value* find(std::uint64_t id) const { return const_cast<ObjectMap*>(this)->find(id); }

  // Returns whether it was there.
  bool erase(std::uint64_t id) {
    Slot& slot = ring_[id & (kRing - 1)];
    if (slot.id == id) {
      slot.id = kNone;
    } else {
      const std::size_t at = table_index(id);
      if (at == kNowhere) return false;
      erase_from_table(at);
    }
    --size_;
    return true;
  }

  // Asks for the memory that find(id), or insert(id) for a new id, will look at.
  void prefetch(std::uint64_t id, bool is_new) const {
    const std::uint64_t in_ring = ring_[id & (kRing - 1)].id;
    const std::uint64_t wanted = is_new ? in_ring : id;
    if (table_.empty() || wanted == kNone || (!is_new && in_ring == id)) return;
    const Slot* const slot = &table_[home(wanted)];
    __builtin_prefetch(slot, 1);
    __builtin_prefetch(slot + 1, 1);
  }

  std::uint64_t size() const { return size_; }

  // Of every object, in no order: visit(id, value).
  template <class Visit>
  void for_each(Visit visit) const {
    for (const std::vector<Slot>* slots : {&ring_, &table_}) {
      for (const Slot& slot : *slots) {
        if (slot.id != kNone) visit(slot.id, slot.value);
      }
    }
  }

 private:
  static constexpr std::size_t kRing = std::size_t{1} << 13;  // stays in a level-2 cache
  static constexpr std::size_t kMinTable = 64;
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  struct Slot {
    std::uint64_t id = kNone;
    [[no_unique_address]] Value value{};
  };

  std::size_t home(std::uint64_t id) const {
    return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15) >> shift_);
  }
  std::size_t after(std::size_t at) const { return (at + 1) & (table_.size() - 1); }

  std::size_t table_index(std::uint64_t id) const {
    if (table_.empty() || id == kNone) return kNowhere;
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
    std::vector<Slot> old(size);
    old.swap(table_);
    shift_ = 64 - static_cast<unsigned>(__builtin_ctzll(size));
    for (const Slot& slot : old) {
      if (slot.id != kNone) put(slot);
    }
  }

  std::vector<Slot> ring_ = std::vector<Slot>(kRing);
  std::vector<Slot> table_;
  unsigned shift_ = 64;
  std::size_t in_table_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace replay
