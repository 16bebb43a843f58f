#include "replay/engine/malloc_library.h"

#include <dlfcn.h>

namespace replay {
namespace {

bool library_of(const void* address, Dl_info& info) {
  return address != nullptr && ::dladdr(address, &info) != 0 && info.dli_fname != nullptr;
}

}  // namespace

void* beside_malloc(const char* name) {
  Dl_info of_malloc;
  Dl_info of_name;
  void* address = ::dlsym(RTLD_DEFAULT, name);
  if (!library_of(::dlsym(RTLD_DEFAULT, "malloc"), of_malloc)) return nullptr;
  if (!library_of(address, of_name)) return nullptr;
  return of_malloc.dli_fbase == of_name.dli_fbase ? address : nullptr;
}

const char* malloc_library() {
  Dl_info info;
  return library_of(::dlsym(RTLD_DEFAULT, "malloc"), info) ? info.dli_fname : nullptr;
}

}  // namespace replay
