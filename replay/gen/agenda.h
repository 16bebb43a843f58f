// What is to happen at which moment: a hierarchical timing wheel (Varghese and Lauck, 1987) of
// eight wheels with 256 slots. Moments are whole numbers that the owner counts up.
//
// Not thread-safe. An item costs O(1) to put in and moves down at most seven wheels; a step of time
// is O(1). Memory is that of the most items ever waiting.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace replay::gen {

template <class Item>
class Agenda {
 public:
  Agenda() {
    for (auto& wheel : wheels_) wheel.fill(kNone);
  }

  // A moment that is over counts as now.
  void put(std::uint64_t moment, const Item& item) {
    const std::uint32_t node = new_node();
    nodes_[node] = {moment < now_ ? now_ : moment, kNone, item};
    hang(node);
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
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kWheels = 8;

  struct Node {
    std::uint64_t moment;
    std::uint32_t next;
    Item item;
  };

  std::uint32_t new_node() {
    if (unused_ == kNone) {
      nodes_.emplace_back();
      return static_cast<std::uint32_t>(nodes_.size() - 1);
    }
    const std::uint32_t node = unused_;
    unused_ = nodes_[node].next;
    return node;
  }

  static std::size_t digit(std::uint64_t moment, std::size_t wheel) {
    return static_cast<std::size_t>((moment >> (8 * wheel)) & 255);
  }

  // The wheel is that of the highest digit in which the moment differs from now.
  void hang(std::uint32_t node) {
    const std::uint64_t moment = nodes_[node].moment;
    const std::uint64_t differs = (moment ^ now_) | 1;
    const auto wheel = static_cast<std::size_t>(std::bit_width(differs) - 1) / 8;
    std::uint32_t& slot = wheels_[wheel][digit(moment, wheel)];
    nodes_[node].next = slot;
    slot = node;
  }

  void cascade() {
    std::size_t wheel = 1;
    while (wheel + 1 < kWheels && digit(now_, wheel) == 0) ++wheel;
    for (; wheel > 0; --wheel) {
      std::uint32_t node = std::exchange(wheels_[wheel][digit(now_, wheel)], kNone);
      while (node != kNone) {
        const std::uint32_t next = nodes_[node].next;
        hang(node);
        node = next;
      }
    }
  }

  template <class Act>
  void drain(Act& act) {
    std::uint32_t& slot = wheels_[0][digit(now_, 0)];
    while (slot != kNone) {
      const std::uint32_t node = slot;
      slot = nodes_[node].next;
      const Item item = nodes_[node].item;
      nodes_[node].next = unused_;
      unused_ = node;
      --size_;
      act(item);
    }
  }

  std::array<std::array<std::uint32_t, 256>, kWheels> wheels_;
  std::vector<Node> nodes_;
  std::uint32_t unused_ = kNone;
  std::uint64_t now_ = 0;
  std::size_t size_ = 0;
};

}  // namespace replay::gen
