// What is behind the library: what each hooked name resolves to after it in search order.
//
// Never allocates. resolve() runs once, in the first call of the process; dlsym may itself ask for
// memory then, which comes from a small static arena whose blocks are never reused.
#pragma once

#include <dlfcn.h>
#include <spawn.h>
#include <unistd.h>

#include <cstddef>

namespace replay::preload {

struct Next {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  void* (*valloc)(std::size_t);
  void* (*pvalloc)(std::size_t);
  std::size_t (*usable_size)(void*);
  decltype(&::dlclose) dlclose;  // for sites.cc
  // For exec.cc; looked up at the start because exec and spawn may be called where dlsym may not.
  decltype(&::execve) execve;
  decltype(&::execvpe) execvpe;
  decltype(&::fexecve) fexecve;
  decltype(&::execveat) execveat;
  decltype(&::posix_spawn) posix_spawn;
  decltype(&::posix_spawnp) posix_spawnp;
};
extern Next g_next;

// Fills g_next. Ends the process, with a message, if there is no allocator behind the library.
void resolve_next();

// The next definition of a C++ allocation function, or nullptr. It is looked for first in search
// order, then in a C++ runtime that was loaded privately (dlopen without RTLD_GLOBAL), which search
// order does not reach though its own calls come here.
void* find_next(const char* mangled_name);

// Memory for calls made while resolve_next() runs. nullptr when spent. Not zeroed twice: a block is
// handed out once, so it is zero.
void* arena_allocate(std::size_t size, std::size_t align);
bool arena_owns(const void* p);
std::size_t arena_size(const void* p);  // pre: arena_owns(p)

}  // namespace replay::preload
