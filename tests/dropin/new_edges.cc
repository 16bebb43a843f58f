// operator new and delete in every form, bad_alloc, and the new handler, served by the malloc that
// this process has.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

#define EXPECT(condition)                                                  \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
      return 1;                                                            \
    }                                                                      \
  } while (0)

namespace {

int handler_calls = 0;

void give_up_on_third_call() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

template <class F>
bool throws_bad_alloc(F f) {
  try {
    f();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

}  // namespace

int main() {
  Dl_info info;
  EXPECT(dladdr(dlsym(RTLD_DEFAULT, "_Znwm"), &info) != 0);
  EXPECT(std::strstr(info.dli_fname, "libmem.so") != nullptr);

  constexpr auto kAlign = std::align_val_t{256};
  const auto is_aligned = [](void* p) { return reinterpret_cast<std::uintptr_t>(p) % 256 == 0; };
  operator delete(operator new(10));
  operator delete[](operator new[](10));
  operator delete (operator new(10), std::size_t{10});
  operator delete[](operator new[](10), std::size_t{10});
  operator delete(operator new(10, std::nothrow), std::nothrow);
  operator delete[](operator new[](10, std::nothrow), std::nothrow);
  void* p = operator new(10, kAlign);
  EXPECT(is_aligned(p));
  operator delete(p, kAlign);
  p = operator new[](10, kAlign);
  EXPECT(is_aligned(p));
  operator delete[](p, std::size_t{10}, kAlign);
  p = operator new(10, kAlign, std::nothrow);
  EXPECT(is_aligned(p));
  operator delete(p, kAlign, std::nothrow);
  p = operator new[](10, kAlign, std::nothrow);
  EXPECT(is_aligned(p));
  operator delete[](p, kAlign, std::nothrow);
  operator delete (operator new(10, kAlign), std::size_t{10}, kAlign);
  operator delete[](operator new[](10, kAlign), kAlign);

  volatile std::size_t huge = SIZE_MAX / 2;
  EXPECT(throws_bad_alloc([&] { operator delete(operator new(huge)); }));
  EXPECT(throws_bad_alloc([&] { operator delete[](operator new[](huge)); }));
  EXPECT(throws_bad_alloc([&] { operator delete(operator new(huge, kAlign), kAlign); }));
  EXPECT(operator new(huge, std::nothrow) == nullptr);
  EXPECT(operator new[](huge, kAlign, std::nothrow) == nullptr);
  std::set_new_handler(give_up_on_third_call);
  EXPECT(throws_bad_alloc([&] { operator delete(operator new(huge)); }));
  EXPECT(handler_calls == 3);
  std::puts("ok");
  return 0;
}
