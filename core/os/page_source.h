// PageSource: where a heap's pages come from. LinuxPages asks the kernel, SimulatedPages is for
// tests. All sizes are whole pages. A source keeps errno in unmap and discard, which serve free().
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

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

enum class Access : unsigned char { kNone, kRead };

// What a run heap needs beyond that: address space apart from memory, and a clock.
// reserve: `bytes` of address space that no memory stands behind, at `hint` if that place is free,
//   else (and for nullptr) anywhere; reads as zero with kRead; nullptr = refused.
// commit: makes reserved pages usable memory, zeroed; false = refused, and they stay reserved.
// move_pages: the pages at `from` appear at `to` instead of those there, without a copy; those at
//   `from` read as zero afterwards. Both are committed. false = refused: those at `from` are as
//   they were, those at `to` may read as zero.
// prefer_huge: huge pages are wanted behind committed [p, p + bytes), or are not, behind what may
//   also be reserved only; a hint.
// populate: memory is wanted behind committed [p, p + bytes) now, as if each page had been touched;
//   a hint.
// first_touch_us: writes a zero to p, the first byte written to its page; microseconds of CPU time
//   that this took.
// address_limit: bytes of address space that the process may have, SIZE_MAX = any.
// now_ms: a monotonic clock, a few milliseconds coarse.
template <class S>
concept AddressSpace = PageSource<S> && requires(S s, void* p, std::size_t n) {
  { s.reserve(p, n, Access::kNone) }
  noexcept->std::same_as<void*>;
  { s.commit(p, n) }
  noexcept->std::same_as<bool>;
  { s.move_pages(p, p, n) }
  noexcept->std::same_as<bool>;
  { s.prefer_huge(p, n, true) }
  noexcept->std::same_as<void>;
  { s.populate(p, n) }
  noexcept->std::same_as<void>;
  { s.first_touch_us(p) }
  noexcept->std::same_as<std::uint64_t>;
  { s.address_limit() }
  noexcept->std::same_as<std::size_t>;
  { s.now_ms() }
  noexcept->std::same_as<std::uint64_t>;
};

}  // namespace mem
