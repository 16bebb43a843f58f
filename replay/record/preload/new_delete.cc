// The C++ entry points: every replaceable form of operator new and delete.
//
// Each forwards to the next definition, so that an allocator which has its own keeps it. Most next
// definitions call malloc or aligned_alloc and have been recorded when they return: then nothing is
// added. While operator new runs, calls are recorded as ever (a new-handler may free what is the
// program's own); what it throws passes through, for nothing here needs undoing. Operator delete
// cannot throw, and is recorded here, before the block can be given to anyone else. Operators whose
// blocks lie within those of a malloc inside (behind a head, or many in one) say nothing of their
// own: what malloc gave is what the program has of its allocator.
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstddef>
#include <new>

#include "replay/record/preload/next.h"
#include "replay/record/preload/sink.h"

#define ALLOCRECORD_EXPORT __attribute__((visibility("default")))

namespace {

using replay::preload::arena_owns;
using replay::preload::BusyScope;
using replay::preload::current_mode;
using replay::preload::find_in_runtime;
using replay::preload::find_next;
using replay::preload::look_up_operators;
using replay::preload::Mode;
using replay::preload::record_birth;
using replay::preload::record_release;
using replay::preload::t_buffer;
using replay::spool::RawOp;

// The next definition of one name.
class Name {
 public:
  explicit constexpr Name(const char* mangled_name) : name_(mangled_name) {}

  void look_up() { found_.store(find_next(name_), std::memory_order_release); }

 protected:
  // nullptr if there is none.
  void* find() {
    if (void* known = found_.load(std::memory_order_acquire); known != nullptr) return known;
    const BusyScope busy;
    look_up_operators();  // if some constructor comes before the library's
    void* found = found_.load(std::memory_order_acquire);
    if (found == nullptr) found_.store(found = find_in_runtime(name_), std::memory_order_release);
    return found;
  }

 private:
  const char* name_;
  std::atomic<void*> found_{nullptr};
};

template <class Function>
class Forward : public Name {
 public:
  using Name::Name;
  Function get() { return reinterpret_cast<Function>(find()); }
};

// A program that calls operator new has a C++ runtime; only one linked statically and without its
// own operator new can come here, and it cannot be thrown at from a library without a runtime.
[[noreturn]] void cannot_throw() {
  constexpr char kMessage[] = "liballocrecord: out of memory, and no C++ runtime to throw\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
  abort();
}

// True once an operator new gave a part of a block that malloc had given inside it.
std::atomic<bool> g_gives_parts{false};

// Whether an operator's calls are to be recorded here, where those inside are not enough.
bool records_operators() {
  return current_mode() == Mode::kRecord && !g_gives_parts.load(std::memory_order_relaxed);
}

template <class Function, class... Rest>
void* forward_new(Forward<Function>& next, RawOp op, std::size_t size, std::size_t align,
                  Rest... rest) {
  const Function function = next.get();
  if (function == nullptr) {
    return op == RawOp::kMalloc ? malloc(size) : aligned_alloc(align, size);
  }
  if (!records_operators()) return function(size, rest...);
  t_buffer.last_birth = 0;
  t_buffer.last_size = 0;
  void* p = function(size, rest...);
  const std::uint64_t behind = reinterpret_cast<std::uint64_t>(p) - t_buffer.last_birth;
  if (p == nullptr || behind == 0) return p;
  if (behind < t_buffer.last_size) {
    g_gives_parts.store(true, std::memory_order_relaxed);
  } else {
    record_birth(op, p, size, op == RawOp::kAligned ? unsigned(std::countr_zero(align)) : 0);
  }
  return p;
}

template <class Function, class... Rest>
void forward_delete(Forward<Function>& next, void* p, Rest... rest) noexcept {
  if (p == nullptr || arena_owns(p)) return;
  const Function function = next.get();
  if (function == nullptr) return free(p);
  if (!records_operators()) return function(p, rest...);
  record_release(RawOp::kFree, p);
  const BusyScope busy;
  function(p, rest...);
}

using Align = std::align_val_t;
using Nothrow = const std::nothrow_t&;

Forward<void* (*)(std::size_t)> g_new("_Znwm");
Forward<void* (*)(std::size_t)> g_new_array("_Znam");
Forward<void* (*)(std::size_t, Nothrow)> g_new_nothrow("_ZnwmRKSt9nothrow_t");
Forward<void* (*)(std::size_t, Nothrow)> g_new_array_nothrow("_ZnamRKSt9nothrow_t");
Forward<void* (*)(std::size_t, Align)> g_new_align("_ZnwmSt11align_val_t");
Forward<void* (*)(std::size_t, Align)> g_new_array_align("_ZnamSt11align_val_t");
Forward<void* (*)(std::size_t, Align, Nothrow)> g_new_align_nothrow(
    "_ZnwmSt11align_val_tRKSt9nothrow_t");
Forward<void* (*)(std::size_t, Align, Nothrow)> g_new_array_align_nothrow(
    "_ZnamSt11align_val_tRKSt9nothrow_t");
Forward<void (*)(void*)> g_delete("_ZdlPv");
Forward<void (*)(void*)> g_delete_array("_ZdaPv");
Forward<void (*)(void*, std::size_t)> g_delete_sized("_ZdlPvm");
Forward<void (*)(void*, std::size_t)> g_delete_array_sized("_ZdaPvm");
Forward<void (*)(void*, Nothrow)> g_delete_nothrow("_ZdlPvRKSt9nothrow_t");
Forward<void (*)(void*, Nothrow)> g_delete_array_nothrow("_ZdaPvRKSt9nothrow_t");
Forward<void (*)(void*, Align)> g_delete_align("_ZdlPvSt11align_val_t");
Forward<void (*)(void*, Align)> g_delete_array_align("_ZdaPvSt11align_val_t");
Forward<void (*)(void*, std::size_t, Align)> g_delete_sized_align("_ZdlPvmSt11align_val_t");
Forward<void (*)(void*, std::size_t, Align)> g_delete_array_sized_align("_ZdaPvmSt11align_val_t");
Forward<void (*)(void*, Align, Nothrow)> g_delete_align_nothrow(
    "_ZdlPvSt11align_val_tRKSt9nothrow_t");
Forward<void (*)(void*, Align, Nothrow)> g_delete_array_align_nothrow(
    "_ZdaPvSt11align_val_tRKSt9nothrow_t");

void* plain_new(Forward<void* (*)(std::size_t)>& next, std::size_t size) {
  void* p = forward_new(next, RawOp::kMalloc, size, 0);
  if (p == nullptr) cannot_throw();
  return p;
}
void* aligned_new(Forward<void* (*)(std::size_t, Align)>& next, std::size_t size, Align align) {
  void* p = forward_new(next, RawOp::kAligned, size, std::size_t(align), align);
  if (p == nullptr) cannot_throw();
  return p;
}
// References travel as references: a nothrow_t has no value to copy.
void* nothrow_new(Forward<void* (*)(std::size_t, Nothrow)>& next, std::size_t size,
                  Nothrow tag) noexcept {
  return forward_new<void* (*)(std::size_t, Nothrow), Nothrow>(next, RawOp::kMalloc, size, 0, tag);
}
void* aligned_nothrow_new(Forward<void* (*)(std::size_t, Align, Nothrow)>& next, std::size_t size,
                          Align align, Nothrow tag) noexcept {
  return forward_new<void* (*)(std::size_t, Align, Nothrow), Align, Nothrow>(
      next, RawOp::kAligned, size, std::size_t(align), align, tag);
}

}  // namespace

void replay::preload::look_up_operators() {
  static std::atomic<bool> looked_up{false};
  if (looked_up.exchange(true)) return;
  Name* const all[] = {&g_new,
                       &g_new_array,
                       &g_new_nothrow,
                       &g_new_array_nothrow,
                       &g_new_align,
                       &g_new_array_align,
                       &g_new_align_nothrow,
                       &g_new_array_align_nothrow,
                       &g_delete,
                       &g_delete_array,
                       &g_delete_sized,
                       &g_delete_array_sized,
                       &g_delete_nothrow,
                       &g_delete_array_nothrow,
                       &g_delete_align,
                       &g_delete_array_align,
                       &g_delete_sized_align,
                       &g_delete_array_sized_align,
                       &g_delete_align_nothrow,
                       &g_delete_array_align_nothrow};
  const BusyScope busy;
  for (Name* name : all) name->look_up();
  // Of what was not found there is a message, which the first gives and the second frees. Later it
  // would be freed as the program's own.
  dlerror();
  dlerror();
}

ALLOCRECORD_EXPORT void* operator new(std::size_t n) { return plain_new(g_new, n); }
ALLOCRECORD_EXPORT void* operator new[](std::size_t n) { return plain_new(g_new_array, n); }
ALLOCRECORD_EXPORT void* operator new(std::size_t n, Align a) {
  return aligned_new(g_new_align, n, a);
}
ALLOCRECORD_EXPORT void* operator new[](std::size_t n, Align a) {
  return aligned_new(g_new_array_align, n, a);
}
ALLOCRECORD_EXPORT void* operator new(std::size_t n, Nothrow t) noexcept {
  return nothrow_new(g_new_nothrow, n, t);
}
ALLOCRECORD_EXPORT void* operator new[](std::size_t n, Nothrow t) noexcept {
  return nothrow_new(g_new_array_nothrow, n, t);
}
ALLOCRECORD_EXPORT void* operator new(std::size_t n, Align a, Nothrow t) noexcept {
  return aligned_nothrow_new(g_new_align_nothrow, n, a, t);
}
ALLOCRECORD_EXPORT void* operator new[](std::size_t n, Align a, Nothrow t) noexcept {
  return aligned_nothrow_new(g_new_array_align_nothrow, n, a, t);
}

ALLOCRECORD_EXPORT void operator delete(void* p) noexcept { forward_delete(g_delete, p); }
ALLOCRECORD_EXPORT void operator delete[](void* p) noexcept { forward_delete(g_delete_array, p); }
ALLOCRECORD_EXPORT void operator delete(void* p, std::size_t n) noexcept {
  forward_delete(g_delete_sized, p, n);
}
ALLOCRECORD_EXPORT void operator delete[](void* p, std::size_t n) noexcept {
  forward_delete(g_delete_array_sized, p, n);
}
ALLOCRECORD_EXPORT void operator delete(void* p, Align a) noexcept {
  forward_delete(g_delete_align, p, a);
}
ALLOCRECORD_EXPORT void operator delete[](void* p, Align a) noexcept {
  forward_delete(g_delete_array_align, p, a);
}
ALLOCRECORD_EXPORT void operator delete(void* p, std::size_t n, Align a) noexcept {
  forward_delete(g_delete_sized_align, p, n, a);
}
ALLOCRECORD_EXPORT void operator delete[](void* p, std::size_t n, Align a) noexcept {
  forward_delete(g_delete_array_sized_align, p, n, a);
}
ALLOCRECORD_EXPORT void operator delete(void* p, Nothrow t) noexcept {
  forward_delete<void (*)(void*, Nothrow), Nothrow>(g_delete_nothrow, p, t);
}
ALLOCRECORD_EXPORT void operator delete[](void* p, Nothrow t) noexcept {
  forward_delete<void (*)(void*, Nothrow), Nothrow>(g_delete_array_nothrow, p, t);
}
ALLOCRECORD_EXPORT void operator delete(void* p, Align a, Nothrow t) noexcept {
  forward_delete<void (*)(void*, Align, Nothrow), Align, Nothrow>(g_delete_align_nothrow, p, a, t);
}
ALLOCRECORD_EXPORT void operator delete[](void* p, Align a, Nothrow t) noexcept {
  forward_delete<void (*)(void*, Align, Nothrow), Align, Nothrow>(g_delete_array_align_nothrow, p,
                                                                  a, t);
}
