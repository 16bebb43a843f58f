// How much of a block was touched, asked before it is given back: of its pages, those that the
// kernel has memory for. mincore says that of anonymous memory without a descriptor, which programs
// might close; what was swapped out it does not count.
//
// An upper bound where the allocator behind gave memory that it had used before; exact for blocks
// that it maps for themselves. Blocks below kMinBytes are not asked about. A few microseconds a
// block, and some nanoseconds a page. Thread-safe, never allocates, keeps errno.
#include <errno.h>
#include <sys/mman.h>

#include <algorithm>

#include "replay/record/preload/next.h"
#include "replay/record/preload/sink.h"

namespace replay::preload {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMinBytes = 4 * kPage;
constexpr std::size_t kPagesAtOnce = 4096;

// kNone if the kernel does not say.
constexpr std::uint64_t kNone = ~std::uint64_t{0};
std::uint64_t touched_pages(std::uint64_t begin, std::uint64_t end) {
  unsigned char present[kPagesAtOnce];
  std::uint64_t touched = 0;
  while (begin < end) {
    const std::uint64_t pages = std::min<std::uint64_t>((end - begin) / kPage, kPagesAtOnce);
    if (mincore(reinterpret_cast<void*>(begin), pages * kPage, present) != 0) return kNone;
    for (std::uint64_t i = 0; i < pages; ++i) touched += present[i] & 1u;
    begin += pages * kPage;
  }
  return touched;
}

}  // namespace

std::uint64_t* put_touched(std::uint64_t* to, const void* p) {
  if (g_next.usable_size == nullptr) return to;
  const BusyScope busy;
  const std::uint64_t size = g_next.usable_size(const_cast<void*>(p));
  if (size < kMinBytes) return to;
  const int saved_errno = errno;
  const auto address = reinterpret_cast<std::uint64_t>(p);
  const std::uint64_t touched =
      touched_pages(address / kPage * kPage, (address + size + kPage - 1) / kPage * kPage);
  errno = saved_errno;
  if (touched == kNone) return to;
  return put(to, spool::pack_head(spool::RawOp::kTouched, 0, touched + 1));
}

}  // namespace replay::preload
