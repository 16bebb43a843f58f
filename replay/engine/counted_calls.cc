// Compiled without sibling calls: a function that is left by a jump would not enclose its callee.
#include "replay/engine/counted_calls.h"

#include "replay/engine/hot_loop.h"

namespace {

using mem::AnyAllocator;

}  // namespace

extern "C" {

[[gnu::noinline]] void allocreplay_counted_part(void (*body)(void*), void* context) {
  body(context);
}

[[gnu::noinline]] void* allocreplay_counted_malloc(const AnyAllocator* inner, std::size_t size) {
  return inner->allocate(size, 0);
}

[[gnu::noinline]] void* allocreplay_counted_aligned(const AnyAllocator* inner, std::size_t size,
                                                    std::size_t align) {
  return inner->allocate(size, align);
}

[[gnu::noinline]] void* allocreplay_counted_calloc(const AnyAllocator* inner, std::size_t size) {
  return replay::zeroed(*inner, size);
}

[[gnu::noinline]] void* allocreplay_counted_realloc(const AnyAllocator* inner, void* p,
                                                    std::size_t size) {
  return inner->table().reallocate(inner->self(), p, size);
}

[[gnu::noinline]] void allocreplay_counted_free(const AnyAllocator* inner, void* p) {
  inner->deallocate(p);
}

}  // extern "C"

namespace replay {

void run_counted(void (*body)(void*), void* context) { allocreplay_counted_part(body, context); }

void* CountedCalls::allocate(std::size_t size, std::size_t align) noexcept {
  return align == 0 ? allocreplay_counted_malloc(&inner_, size)
                    : allocreplay_counted_aligned(&inner_, size, align);
}

void CountedCalls::deallocate(void* p) noexcept { allocreplay_counted_free(&inner_, p); }

void* CountedCalls::allocate_zeroed(std::size_t size) noexcept {
  return allocreplay_counted_calloc(&inner_, size);
}

void* CountedResizes::reallocate(void* p, std::size_t size) noexcept {
  return allocreplay_counted_realloc(&inner_, p, size);
}

}  // namespace replay
