// Loaded while it runs by a subject: its constructor, under the loader's lock, waits for a thread
// that calls operators for the first time.
#include <pthread.h>
#include <stdlib.h>

#include <new>

namespace {

void* call_operators(void*) {
  ::operator delete[](::operator new[](901), std::nothrow);
  ::operator delete (::operator new(902, std::nothrow), std::size_t{902});
  return nullptr;
}

__attribute__((constructor)) void wait_for_a_thread() {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, call_operators, nullptr) != 0) abort();
  if (pthread_join(thread, nullptr) != 0) abort();
}

}  // namespace
