// Addresses from 0 upwards without end, of which parts are taken and given back: best fit, the
// lowest address among gaps of the same size. Addresses and sizes are in granules (lives.h).
//
// Of a gap that is larger, the low end is taken, or (kBoth) the high end by who is given back
// before its neighbour below: so those that go together lie together.
//
// Not thread-safe. Each call is O(log gaps); memory follows the gaps, and for
// kBoth what is taken.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace replay {

enum class GapEnds { kLow, kBoth };

class Strip {
 public:
  explicit Strip(GapEnds ends) : both_(ends == GapEnds::kBoth) {}

  // Returns the address. `leaves` is when it will be given back, in any unit. Throws Error if the
  // address would be beyond any address space.
  std::uint64_t take(std::uint64_t size, unsigned align_log2, std::uint32_t leaves);
  // pre: taken, and not given back.
  void give_back(std::uint64_t address, std::uint64_t size);
  // Who ends at that address will be given back at another time than was said.
  void reschedule(std::uint64_t end, std::uint32_t leaves);
  // What was taken ended there at most.
  std::uint64_t top() const { return top_; }

 private:
  using Gaps = std::map<std::uint64_t, std::uint64_t>;  // size by address; no two are adjacent

  void insert(std::uint64_t address, std::uint64_t size);
  void erase(Gaps::iterator gap);
  std::uint64_t carve(Gaps::iterator gap, std::uint64_t address, std::uint64_t size);
  bool goes_high(std::uint64_t gap, std::uint32_t leaves) const;
  std::uint64_t find_place(std::uint64_t size, unsigned align_log2, std::uint32_t leaves);
  std::uint64_t take_at_top(std::uint64_t size, unsigned align_log2);

  Gaps gaps_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_size_;  // size, address
  std::unordered_map<std::uint64_t, std::uint32_t> leaves_;    // by where it ends; for kBoth
  std::uint64_t top_ = 0;
  bool both_;
};

}  // namespace replay
