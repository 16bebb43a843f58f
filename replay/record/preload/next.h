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

// The next definition of a C++ allocation function in search order, or nullptr. Takes the loader's
// lock.
void* find_next(const char* mangled_name);

// That of a C++ runtime that was loaded after the start, perhaps privately (dlopen without
// RTLD_GLOBAL), so that search order does not reach it though its own calls come here; or nullptr.
// By the runtime's own table of symbols: the loader's lock may be held by a thread that waits for
// this one, in a module's constructor.
void* find_in_runtime(const char* mangled_name);

// Finds the next definition of all of them. To be called before main, from the library's
// constructor.
void look_up_operators();

// Memory for calls made while resolve_next() runs. nullptr when spent. Not zeroed twice: a block is
// handed out once, so it is zero.
void* arena_allocate(std::size_t size, std::size_t align);
bool arena_owns(const void* p);
std::size_t arena_size(const void* p);  // pre: arena_owns(p)

}  // namespace replay::preload
