// Preloaded behind the recorder: operators that put a head before each block, as those that keep
// account do. libstdc++ makes its other forms of these.
#include <cstdlib>
#include <new>

namespace {
constexpr std::size_t kHeadBytes = 16;
}

void* operator new(std::size_t size) {
  char* const block = static_cast<char*>(malloc(kHeadBytes + size));
  if (block == nullptr) abort();
  return block + kHeadBytes;
}

void operator delete(void* block) noexcept {
  if (block != nullptr) free(static_cast<char*>(block) - kHeadBytes);
}

void operator delete(void* block, std::size_t) noexcept { ::operator delete(block); }
