#include "replay/trace/pointer_map.h"

#include <utility>

namespace replay {

std::optional<std::uint64_t> PointerMap::insert(std::uint64_t address, std::uint64_t object) {
  const auto [entry, is_new] = objects_.try_emplace(address, object);
  if (is_new) return std::nullopt;
  return std::exchange(entry->second, object);
}

std::optional<std::uint64_t> PointerMap::find(std::uint64_t address) const {
  const auto entry = objects_.find(address);
  if (entry == objects_.end()) return std::nullopt;
  return entry->second;
}

std::optional<std::uint64_t> PointerMap::erase(std::uint64_t address) {
  const auto entry = objects_.find(address);
  if (entry == objects_.end()) return std::nullopt;
  const std::uint64_t object = entry->second;
  objects_.erase(entry);
  return object;
}

}  // namespace replay
