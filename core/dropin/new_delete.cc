// The replaceable operators new and delete, all twenty, on the default heap.
//
// libmem.so serves C programs too, so it links no C++ runtime: what throws std::bad_alloc and holds
// the new handler is looked up weakly, and is there whenever a program could catch the one or set
// the other. A new handler that throws passes through the nothrow forms, which cannot catch.
#include <new>

#include "core/allocators/named_heaps.h"
#include "core/os/report.h"

extern "C" {
[[gnu::weak, noreturn]] void _ZSt17__throw_bad_allocv();
[[gnu::weak]] std::new_handler _ZSt15get_new_handlerv() noexcept;
}

namespace {

using mem::default_heap;

// nullptr only if no handler is set, or none can be.
void* allocate_or_handle(std::size_t size, std::size_t align) {
  for (;;) {
    void* p = default_heap.allocate(size, align);
    if (__builtin_expect(p != nullptr, 1)) return p;
    if (&_ZSt15get_new_handlerv == nullptr) return nullptr;
    const std::new_handler handler = _ZSt15get_new_handlerv();
    if (handler == nullptr) return nullptr;
    handler();
  }
}

void* allocate_or_throw(std::size_t size, std::size_t align) {
  void* p = allocate_or_handle(size, align);
  if (__builtin_expect(p != nullptr, 1)) return p;
  if (&_ZSt17__throw_bad_allocv == nullptr) mem::report_new_failed();
  _ZSt17__throw_bad_allocv();
}

std::size_t bytes(std::align_val_t align) noexcept { return static_cast<std::size_t>(align); }

}  // namespace

[[gnu::aligned(64)]] void* operator new(std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_throw(n, bytes(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate_or_throw(n, bytes(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return allocate_or_handle(n, 0);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return allocate_or_handle(n, 0);
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate_or_handle(n, bytes(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate_or_handle(n, bytes(a));
}

[[gnu::aligned(64)]] void operator delete(void* p) noexcept { default_heap.deallocate(p); }
void operator delete[](void* p) noexcept { default_heap.deallocate(p); }
[[gnu::aligned(64)]] void operator delete(void* p, std::size_t) noexcept {
  default_heap.deallocate(p);
}
void operator delete[](void* p, std::size_t) noexcept { default_heap.deallocate(p); }
void operator delete(void* p, std::align_val_t) noexcept { default_heap.deallocate(p); }
void operator delete[](void* p, std::align_val_t) noexcept { default_heap.deallocate(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  default_heap.deallocate(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  default_heap.deallocate(p);
}
void operator delete(void* p, const std::nothrow_t&) noexcept { default_heap.deallocate(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { default_heap.deallocate(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  default_heap.deallocate(p);
}
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  default_heap.deallocate(p);
}
