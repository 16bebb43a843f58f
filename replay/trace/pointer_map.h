// Which live object is at an address: what turns recorded addresses into object ids.
//
// Not thread-safe. All operations are O(1) on average; memory is O(live objects).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace replay {

class PointerMap {
 public:
  // The address belongs to `object` now. Returns the object that had it, if any: its free was not
  // seen.
  std::optional<std::uint64_t> insert(std::uint64_t address, std::uint64_t object);

  // Returns the object at exactly this address, if any.
  std::optional<std::uint64_t> find(std::uint64_t address) const;

  // As find(), and the address is nobody's afterwards.
  std::optional<std::uint64_t> erase(std::uint64_t address);

  std::size_t size() const { return objects_.size(); }

 private:
  // Addresses are multiples of 8 or 16; the standard's identity hash would use few of its buckets.
  struct Hash {
    std::size_t operator()(std::uint64_t address) const noexcept {
      return static_cast<std::size_t>((address >> 3) * 0x9e3779b97f4a7c15);
    }
  };
  std::unordered_map<std::uint64_t, std::uint64_t, Hash> objects_;
};

}  // namespace replay
