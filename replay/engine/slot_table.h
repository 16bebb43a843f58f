// Hands out the slots of a plan: a table that stays small, with few slots that pass from one lane
// to another, for each passing must be enforced while the plan runs.
//
// A freed slot belongs to the lane that freed it, and that lane takes it again first, the last
// freed one first. A lane without slots of its own gets new ones, or, once the table is about twice
// as large as the most objects ever live at once, many at a time of those that another lane freed
// longest ago: all of them for one wait, and for something that is most likely long done.
//
// Not thread-safe; take() is O(1), and O(lanes) where a lane has none left.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

namespace replay {

// An event by the lane that executes it and its first word in that lane's stream.
struct PlanPlace {
  std::uint32_t lane = 0;
  std::uint64_t word = 0;
};

class SlotTable {
 public:
  struct Slot {
    std::uint64_t size = 0;   // of the object that lives in it
    std::uint32_t maker = 0;  // recorded thread that made it
    PlanPlace last;           // the latest event of the object, or its free
  };

  // No table for so many objects has more slots.
  static constexpr std::uint64_t most(std::uint64_t objects, std::uint64_t lane_count) {
    return lane_count == 1 ? objects : 2 * objects + lane_count * kMostMoved + kNewAtOnce;
  }

  explicit SlotTable(std::uint32_t lane_count) : lanes_(lane_count) {}

  struct Taken {
    std::uint32_t slot;
    bool after_another = false;  // must not be used before `after` is done
    PlanPlace after;
  };

  // A slot for an object that is born in `lane`.
  Taken take(std::uint32_t lane) {
    most_live_ = std::max(most_live_, ++live_);
    Lane& own = lanes_[lane];
    Taken taken{};
    if (own.freed.empty() && own.reserve.empty()) refill(lane, taken);
    if (!own.freed.empty()) {
      taken.slot = own.freed.back();
      own.freed.pop_back();
    } else {
      taken.slot = own.reserve.back();
      own.reserve.pop_back();
    }
    return taken;
  }

  // The object in `slot` dies by the event `last` in slots()[slot].
  void give_back(std::uint32_t slot) {
    --live_;
    lanes_[slots_[slot].last.lane].freed.push_back(slot);
  }

  Slot& operator[](std::uint32_t slot) { return slots_[slot]; }
  const Slot& operator[](std::uint32_t slot) const { return slots_[slot]; }
  std::uint64_t size() const { return slots_.size(); }

 private:
  struct Lane {
    std::deque<std::uint32_t> freed;     // by this lane, in order
    std::vector<std::uint32_t> reserve;  // new ones, and those that came from other lanes
  };

  // New slots of a lane fill cache lines of their own.
  static constexpr std::uint32_t kNewAtOnce = 64;
  static constexpr std::size_t kMostMoved = 1024;

  void refill(std::uint32_t lane, Taken& taken) {
    if (lanes_.size() == 1) return add(lane, 1);
    const std::uint64_t enough = 2 * most_live_ + lanes_.size() * kNewAtOnce;
    if (slots_.size() < enough) return add(lane, kNewAtOnce);
    const auto richest = std::max_element(
        lanes_.begin(), lanes_.end(),
        [](const Lane& a, const Lane& b) { return a.freed.size() < b.freed.size(); });
    if (richest->freed.empty()) return add(lane, kNewAtOnce);
    const std::size_t moved = std::clamp<std::size_t>(richest->freed.size() / 2, 1, kMostMoved);
    taken.after_another = true;
    taken.after = slots_[richest->freed[moved - 1]].last;
    const auto end = richest->freed.begin() + static_cast<std::ptrdiff_t>(moved);
    lanes_[lane].reserve.assign(richest->freed.begin(), end);
    richest->freed.erase(richest->freed.begin(), end);
  }

  void add(std::uint32_t lane, std::uint32_t count) {
    const auto first = static_cast<std::uint32_t>(slots_.size());
    slots_.resize(slots_.size() + count);
    for (std::uint32_t i = count; i > 0; --i) lanes_[lane].reserve.push_back(first + i - 1);
  }

  std::vector<Slot> slots_;
  std::vector<Lane> lanes_;
  std::uint64_t live_ = 0;
  std::uint64_t most_live_ = 0;
};

}  // namespace replay
