// The C and POSIX entry points: each forwards to the allocator behind and records the call.
//
// Whoever releases stamps before the call, whoever is given stamps after it (replay/record/stamp.h
// says why). Calls that the allocator behind makes through these names while it serves a call are
// its own business and are forwarded only. malloc_usable_size is here for the arena's sake alone.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bit>
#include <cstddef>

#include "replay/record/preload/next.h"
#include "replay/record/preload/sink.h"

#define ALLOCRECORD_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using replay::preload::arena_allocate;
using replay::preload::arena_owns;
using replay::preload::arena_size;
using replay::preload::current_mode;
using replay::preload::g_next;
using replay::preload::Mode;
using replay::preload::record_birth;
using replay::preload::record_release;
using replay::preload::t_buffer;
using replay::spool::RawOp;

constexpr std::size_t kPageBytes = 4096;

// Of what is no power of two, of the next one, as glibc aligns it.
unsigned log2_of(std::size_t align) {
  return align == 0 ? 0 : static_cast<unsigned>(std::bit_width(align - 1));
}

// The shape that all calls which give memory share.
template <class Forward>
void* allocate(RawOp op, std::size_t size, std::size_t align, Forward forward) {
  const Mode mode = current_mode();
  if (mode == Mode::kArena) return arena_allocate(size, align);
  if (mode == Mode::kForward) return forward();
  t_buffer.busy = true;  // it was not
  void* const p = forward();
  t_buffer.busy = false;
  record_birth(op, p, size, log2_of(align));
  return p;
}

void release(void* p) {
  if (p == nullptr || arena_owns(p)) return;
  if (current_mode() != Mode::kRecord) return g_next.free(p);
  record_release(RawOp::kFree, p);
  t_buffer.busy = true;  // it was not
  g_next.free(p);
  t_buffer.busy = false;
}

void* leave_arena(const void* old, std::size_t size) {
  void* p = malloc(size);
  const std::size_t kept = arena_size(old) < size ? arena_size(old) : size;
  if (p != nullptr) memcpy(p, old, kept);
  return p;
}

}  // namespace

ALLOCRECORD_EXPORT void* malloc(std::size_t size) noexcept {
  return allocate(RawOp::kMalloc, size, 0, [=] { return g_next.malloc(size); });
}

ALLOCRECORD_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t product = 0;
  // What overflows is forwarded as it is, so that the program gets the answer that it would get.
  if (__builtin_mul_overflow(count, size, &product)) product = ~std::size_t{0};
  return allocate(RawOp::kCalloc, product, 0, [=] { return g_next.calloc(count, size); });
}

ALLOCRECORD_EXPORT void free(void* p) noexcept { release(p); }
ALLOCRECORD_EXPORT void cfree(void* p) noexcept { release(p); }
ALLOCRECORD_EXPORT void free_sized(void* p, std::size_t) noexcept { release(p); }
ALLOCRECORD_EXPORT void free_aligned_sized(void* p, std::size_t, std::size_t) noexcept {
  release(p);
}

ALLOCRECORD_EXPORT void* realloc(void* old, std::size_t size) noexcept {
  if (old != nullptr && arena_owns(old)) return leave_arena(old, size);
  if (old == nullptr) {
    return allocate(RawOp::kMalloc, size, 0, [=] { return g_next.realloc(nullptr, size); });
  }
  if (current_mode() != Mode::kRecord) return g_next.realloc(old, size);
  record_release(RawOp::kReallocRelease, old);
  t_buffer.busy = true;  // it was not
  void* const p = g_next.realloc(old, size);
  t_buffer.busy = false;
  if (p != nullptr) {
    record_birth(RawOp::kReallocBirth, p, size);
  } else if (size == 0) {
    record_release(RawOp::kReallocFreed, old);
  } else {
    record_release(RawOp::kReallocKept, old);
    replay::preload::count_failed_allocation();
  }
  return p;
}

// Not forwarded: every C library makes realloc of it, and here that is recorded once.
ALLOCRECORD_EXPORT void* reallocarray(void* old, std::size_t count, std::size_t size) noexcept {
  std::size_t product = 0;
  if (__builtin_mul_overflow(count, size, &product)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(old, product);
}

ALLOCRECORD_EXPORT int posix_memalign(void** result, std::size_t align, std::size_t size) noexcept {
  int error = 0;
  void* p = allocate(RawOp::kAligned, size, align, [&]() -> void* {
    void* block = nullptr;
    error = g_next.posix_memalign(&block, align, size);
    return error == 0 ? block : nullptr;
  });
  if (error == 0 && p == nullptr) error = ENOMEM;
  if (error == 0) *result = p;
  return error;
}

ALLOCRECORD_EXPORT void* aligned_alloc(std::size_t align, std::size_t size) noexcept {
  return allocate(RawOp::kAligned, size, align, [=] { return g_next.aligned_alloc(align, size); });
}

ALLOCRECORD_EXPORT void* memalign(std::size_t align, std::size_t size) noexcept {
  return allocate(RawOp::kAligned, size, align, [=] { return g_next.memalign(align, size); });
}

ALLOCRECORD_EXPORT void* valloc(std::size_t size) noexcept {
  return allocate(RawOp::kAligned, size, kPageBytes, [=] { return g_next.valloc(size); });
}

ALLOCRECORD_EXPORT void* pvalloc(std::size_t size) noexcept {
  const std::size_t whole = (size + kPageBytes - 1) & ~(kPageBytes - 1);
  return allocate(RawOp::kAligned, whole, kPageBytes, [=] { return g_next.pvalloc(size); });
}

ALLOCRECORD_EXPORT std::size_t malloc_usable_size(void* p) noexcept {
  if (p == nullptr) return 0;
  if (arena_owns(p)) return arena_size(p);
  if (g_next.usable_size == nullptr) current_mode();  // asked before anything was allocated
  return g_next.usable_size == nullptr ? 0 : g_next.usable_size(p);
}
