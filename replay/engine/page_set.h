// The pages on which objects of a replay have stood: tells whether a block is the first on one of
// its pages. One bit for each page of the address space, in a mapping that costs memory only where
// there are objects (32 KiB for each GiB that they spread over). O(pages of the object); safe from
// several threads. For the worker: no C++ library, no allocation.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace replay {

class PageSet {
 public:
  // Maps the bits. Returns false where the address space is limited; then no page is ever new.
  bool prepare() {
    void* bits = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bits_ = bits == MAP_FAILED ? nullptr : static_cast<std::uint64_t*>(bits);
    return bits_ != nullptr;
  }

  // Adds the pages of [object, object + size); returns whether one of them was not there before.
  bool add(const void* object, std::size_t size) {
    if (bits_ == nullptr || object == nullptr) return false;
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    const std::uint64_t last = (address + (size == 0 ? 0 : size - 1)) >> kPageShift;
    bool is_new = false;
    for (std::uint64_t page = address >> kPageShift; page <= last;) {
      // As many pages as share a word.
      const std::uint64_t in_word = last - page < 63 - page % 64 ? last - page + 1 : 64 - page % 64;
      const std::uint64_t ones =
          in_word == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << in_word) - 1;
      const std::uint64_t mask = ones << (page % 64);
      std::uint64_t& word = bits_[page % kPages / 64];
      if ((__atomic_load_n(&word, __ATOMIC_RELAXED) & mask) != mask) {
        // relaxed: of two threads that come to a page at once, either may be told that it is new.
        is_new = (~__atomic_fetch_or(&word, mask, __ATOMIC_RELAXED) & mask) != 0 || is_new;
      }
      page += in_word;
    }
    return is_new;
  }

 private:
  static constexpr unsigned kPageShift = 12;
  static constexpr unsigned kAddressBits = 47;
  static constexpr std::uint64_t kPages = std::uint64_t{1} << (kAddressBits - kPageShift);
  static constexpr std::size_t kBytes = kPages / 8;

  std::uint64_t* bits_ = nullptr;
};

}  // namespace replay
