// One look at a worker's memory. Plain data.
#pragma once

#include <cstdint>

namespace replay {

struct MemorySample {
  // Of the process, by the kernel.
  std::uint64_t anonymous_bytes = 0;   // resident anonymous memory
  std::uint64_t mapped_bytes = 0;      // size of its address space
  std::uint64_t huge_page_bytes = 0;   // of the resident anonymous memory, in huge pages
  std::uint64_t page_table_bytes = 0;  // that map its pages
  // Of the live objects.
  std::uint64_t usable_bytes = 0;
  std::uint64_t occupied_pages = 0;  // on which one has a byte
};

}  // namespace replay
