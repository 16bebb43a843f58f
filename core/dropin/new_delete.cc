// The replaceable operators new and delete, all twenty, on the default heap.
//
// libmem.so serves C programs too, so it links no C++ runtime: what throws std::bad_alloc and holds
// the new handler is looked up when it is needed, for a C program may have loaded C++ code since. A
// new handler that throws passes through the nothrow forms, which cannot catch.
#include <dlfcn.h>

#include <new>

#include "core/allocators/named_heaps.h"
#include "core/os/report.h"

extern "C" {
[[gnu::weak, noreturn]] void _ZSt17__throw_bad_allocv();
[[gnu::weak]] std::new_handler _ZSt15get_new_handlerv() noexcept;
}

namespace {

using mem::default_heap;

// A function of the C++ runtime: as the program was linked with it, or loaded it since, though
// maybe not for all to see; nullptr = there is none.
template <class Function>
Function* runtime_function(Function* linked, const char* name) noexcept {
  if (linked != nullptr) return linked;
  void* runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return runtime != nullptr ? reinterpret_cast<Function*>(dlsym(runtime, name)) : nullptr;
}

// nullptr only if no handler is set, or none can be.
[[gnu::noinline]] void* handle_and_allocate(std::size_t size, std::size_t align) {
  auto* get_handler = runtime_function(&_ZSt15get_new_handlerv, "_ZSt15get_new_handlerv");
  if (get_handler == nullptr) return nullptr;
  for (;;) {
    const std::new_handler handler = get_handler();
    if (handler == nullptr) return nullptr;
    handler();
    if (void* p = default_heap.allocate(size, align); p != nullptr) return p;
  }
}

void* allocate_or_handle(std::size_t size, std::size_t align) {
  void* p = default_heap.allocate(size, align);
  return __builtin_expect(p != nullptr, 1) ? p : handle_and_allocate(size, align);
}

[[gnu::noinline]] void* handle_or_throw(std::size_t size, std::size_t align) {
  if (void* p = handle_and_allocate(size, align); p != nullptr) return p;
  auto* throw_bad_alloc = runtime_function(&_ZSt17__throw_bad_allocv, "_ZSt17__throw_bad_allocv");
  if (throw_bad_alloc == nullptr) mem::report_new_failed();
  throw_bad_alloc();
  __builtin_unreachable();
}

void* allocate_or_throw(std::size_t size, std::size_t align) {
  void* p = default_heap.allocate(size, align);
  return __builtin_expect(p != nullptr, 1) ? p : handle_or_throw(size, align);
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
