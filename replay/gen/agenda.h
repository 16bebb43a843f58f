// What is to happen at which moment: a hierarchical timing wheel (Varghese and Lauck, 1987) of
// eight wheels with 256 slots. Moments are whole numbers that the owner counts up.
//
// A slot is a stack of items in chunks, because those of a million objects do not fit the
// processor's caches: they are written and read one after the other, not each in a place of its
// own.
//
// Not thread-safe. An item costs O(1) to put in and moves down at most seven wheels; a step of time
// is O(1). Memory is that of the most items ever waiting, and at most a chunk (1 KiB) for each
// slot.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <utility>

namespace replay::gen {

template <class Item>
class Agenda {
 public:
  Agenda() = default;
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;

  // A moment that is over counts as now.
  void put(std::uint64_t moment, const Item& item) {
    hang({moment < now_ ? now_ : moment, item});
    ++size_;
  }

  // Goes on to `moment` and gives each item that is due by then to `act`, in order of their
  // moments. `act` may put in new ones.
  template <class Act>
  void run_to(std::uint64_t moment, Act act) {
    drain(act);
    while (now_ < moment) {
      ++now_;
      if ((now_ & 255) == 0) cascade();
      drain(act);
    }
  }

  std::uint64_t now() const { return now_; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kWheels = 8;

  struct Entry {
    std::uint64_t moment;
    Item item;
  };
  struct Chunk {
    static constexpr std::size_t kEntries = std::max<std::size_t>(4, 1000 / sizeof(Entry));
    Chunk* below;  // in the slot's stack, or among the unused
    std::size_t count;
    std::array<Entry, kEntries> entries;
  };

  static std::size_t digit(std::uint64_t moment, std::size_t wheel) {
    return static_cast<std::size_t>((moment >> (8 * wheel)) & 255);
  }

  // The wheel is that of the highest digit in which the moment differs from now.
  void hang(const Entry& entry) {
    const std::uint64_t differs = (entry.moment ^ now_) | 1;
    const auto wheel = static_cast<std::size_t>(std::bit_width(differs) - 1) / 8;
    Chunk*& top = wheels_[wheel][digit(entry.moment, wheel)];
    if (top == nullptr || top->count == Chunk::kEntries) add_chunk(top);
    top->entries[top->count++] = entry;
  }

  void add_chunk(Chunk*& top) {
    if (unused_ == nullptr) unused_ = &chunks_.emplace_back();
    Chunk* const chunk = unused_;
    unused_ = chunk->below;
    chunk->below = top;
    chunk->count = 0;
    top = chunk;
  }

  void drop_chunk(Chunk*& top) {
    Chunk* const chunk = top;
    top = chunk->below;
    chunk->below = unused_;
    unused_ = chunk;
  }

  void cascade() {
    std::size_t wheel = 1;
    while (wheel + 1 < kWheels && digit(now_, wheel) == 0) ++wheel;
    for (; wheel > 0; --wheel) {
      for (Chunk* top = std::exchange(wheels_[wheel][digit(now_, wheel)], nullptr); top != nullptr;
           drop_chunk(top)) {
        for (std::size_t i = top->count; i > 0; --i) hang(top->entries[i - 1]);
      }
    }
  }

  template <class Act>
  void drain(Act& act) {
    Chunk*& top = wheels_[0][digit(now_, 0)];
    while (top != nullptr) {
      const Item item = top->entries[--top->count].item;
      if (top->count == 0) drop_chunk(top);
      --size_;
      act(item);
    }
  }

  std::array<std::array<Chunk*, 256>, kWheels> wheels_{};
  std::deque<Chunk> chunks_;
  Chunk* unused_ = nullptr;
  std::uint64_t now_ = 0;
  std::size_t size_ = 0;
};

}  // namespace replay::gen
