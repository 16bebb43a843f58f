// Tables of size classes: to which size an allocator rounds a request up. A size beyond the largest
// class is rounded up to whole pages.
//
// Immutable, and so thread-safe. class_of() is O(1) up to 1 KiB, else O(log classes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace replay {

class ClassTable {
 public:
  // pre: sizes in bytes, ascending, at least one, none of them 0.
  ClassTable(std::string name, std::vector<std::uint64_t> sizes);

  const std::string& name() const { return name_; }
  const std::vector<std::uint64_t>& sizes() const { return sizes_; }
  // The index of the least class that holds so many bytes; sizes().size() if none does.
  std::size_t class_of(std::uint64_t bytes) const;

 private:
  static constexpr std::uint64_t kDirectBytes = 1024;

  std::string name_;
  std::vector<std::uint64_t> sizes_;
  std::vector<std::uint32_t> direct_;  // the class of each size up to kDirectBytes
};

// The tables that have a name: `mem`'s own; powers of two from 16 bytes; jemalloc's, four classes a
// doubling.
std::span<const char* const> class_table_names();

// What `text` stands for: a name; sizes in bytes with commas between; or a file of sizes, one a
// line, in which # begins a comment. Throws Error (usage) if it is none of these.
ClassTable parse_class_table(const std::string& text);

}  // namespace replay
