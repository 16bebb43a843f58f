// PageSource: where a heap's pages come from. LinuxPages asks the kernel, SimulatedPages is for
// tests. All sizes are whole pages. A source keeps errno in unmap and discard, which serve free().
#pragma once

#include <concepts>
#include <cstddef>

namespace mem {

// map: `bytes` of zeroed memory, such that result + offset is a multiple of `align` (a power of
//   two; the page size or less asks for nothing); nullptr = refused.
// unmap: gives [p, p + bytes) back; false = refused, and the pages are still held.
// discard: the pages stay mapped and read as zero afterwards; false = refused, contents kept.
// remap: grows or shrinks a whole mapping, moving it if need be; nullptr = refused, unchanged.
template <class S>
concept PageSource = requires(S s, void* p, std::size_t n) {
  { s.map(n, n, n) }
  noexcept->std::same_as<void*>;
  { s.unmap(p, n) }
  noexcept->std::same_as<bool>;
  { s.discard(p, n) }
  noexcept->std::same_as<bool>;
  { s.remap(p, n, n) }
  noexcept->std::same_as<void*>;
};

}  // namespace mem
