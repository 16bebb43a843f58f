// Which pages of private memory are resident, in runs. For the worker: no C++ library, no
// allocation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace replay {

struct PageRun {
  std::uint64_t address;
  std::uint64_t pages;
};

// The resident anonymous pages of this process as the kernel's page map has them
// (/proc/self/pagemap, those of files that were never written to left out), ascending. Returns how
// many runs there are, which may be more than `capacity`, of which only so many are written; 0 if
// they cannot be read. O(address space / page).
std::size_t find_resident_pages(PageRun* runs, std::size_t capacity);

}  // namespace replay
