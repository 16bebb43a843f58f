// The exec and spawn functions: what a program starts keeps the recorder's variables.
//
// A program may start another with an environment of its own making (env -i, sudo's likes, servers
// that reload themselves). Without LD_PRELOAD and the spool's variable that one would not be
// recorded, and the trace would be of the program before. So each function gives its environment on
// with what is missing of the two; where nothing is, the caller's own array goes on untouched. A
// spool's variable that is there stays, whatever its value: a recorder that runs under this one has
// set it.
//
// An exec of the recorded process is counted, so that the recorder finds out when nothing was
// loaded into what it became. Never allocates; callable in a child after fork or vfork; keeps
// errno. What execs by a system call of its own is neither helped nor counted.
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>

#include "replay/record/preload/next.h"
#include "replay/record/preload/sink.h"
#include "replay/record/preload/start.h"

#define ALLOCRECORD_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using replay::preload::g_carried;
using replay::preload::g_image;
using replay::preload::g_next;

constexpr char kPreload[] = "LD_PRELOAD=";
constexpr std::size_t kPreloadLength = sizeof(kPreload) - 1;

// The value of LD_PRELOAD is a list that blanks or colons separate.
bool names_library(const char* list) {
  const std::size_t length = strlen(g_carried.library);
  while (*list != '\0') {
    const std::size_t part = strcspn(list, " :");
    if (part == length && memcmp(list, g_carried.library, length) == 0) return true;
    list += part;
    list += strspn(list, " :");
  }
  return false;
}

// What of an environment concerns the recording.
struct Survey {
  std::size_t variables;
  const char* preload;  // the value that the loader takes, the last one; "" if none
  bool has_directory;
  bool complete;
};

Survey survey(char* const* environment) {
  Survey found{0, "", false, false};
  const std::size_t name =
      static_cast<std::size_t>(strchr(g_carried.directory, '=') + 1 - g_carried.directory);
  for (char* const* p = environment; p != nullptr && *p != nullptr; ++p) {
    ++found.variables;
    if (strncmp(*p, kPreload, kPreloadLength) == 0) found.preload = *p + kPreloadLength;
    if (strncmp(*p, g_carried.directory, name) == 0) found.has_directory = true;
  }
  found.complete = found.has_directory && names_library(found.preload);
  return found;
}

// Writes into `carried` the variables of `environment` but LD_PRELOAD, and the two.
// pre: room for variables + 3 in `carried`, and in `preload` for the list with the library's name.
void fill(char** carried, char* preload, char* const* environment, const Survey& found) {
  for (char* const* p = environment; p != nullptr && *p != nullptr; ++p) {
    if (strncmp(*p, kPreload, kPreloadLength) != 0) *carried++ = *p;
  }
  strcpy(preload, kPreload);
  if (!names_library(found.preload)) {
    strcat(preload, g_carried.library);
    if (*found.preload != '\0') strcat(preload, ":");
  }
  strcat(preload, found.preload);
  *carried++ = preload;
  if (!found.has_directory) *carried++ = g_carried.directory;
  *carried = nullptr;
}

// Calls `start` with the environment that the next program is to have, which lives on the stack:
// that is where it may be made after vfork, and where nobody need give it back.
template <class Start>
int start_with(char* const* environment, Start start) {
  if (g_next.malloc == nullptr) replay::preload::current_mode();  // before any constructor ran
  if (g_carried.directory[0] == '\0') return start(environment);
  const Survey found = survey(environment);
  if (found.complete) return start(environment);
  auto** carried = static_cast<char**>(__builtin_alloca((found.variables + 3) * sizeof(char*)));
  auto* preload = static_cast<char*>(
      __builtin_alloca(kPreloadLength + strlen(g_carried.library) + 1 + strlen(found.preload) + 1));
  fill(carried, preload, environment, found);
  return start(static_cast<char* const*>(carried));
}

// The same for what replaces this program, which returns only if it failed.
template <class Start>
int become_with(char* const* environment, Start start) {
  return start_with(environment, [&start](char* const* carried) {
    const bool counted = g_image.control != nullptr && replay::preload::is_recorded_process();
    if (counted) g_image.control->execs.fetch_add(1);
    const int result = start(carried);
    if (counted) g_image.control->execs.fetch_sub(1);
    return result;
  });
}

int become(const char* path, char* const* arguments, char* const* environment) {
  return become_with(environment,
                     [=](char* const* carried) { return g_next.execve(path, arguments, carried); });
}

int become_named(const char* file, char* const* arguments, char* const* environment) {
  return become_with(
      environment, [=](char* const* carried) { return g_next.execvpe(file, arguments, carried); });
}

// Calls `use` with the array of what execl and its kin are given one by one, and with the list
// behind its null pointer, where execle has the environment.
template <class Use>
int with_arguments(const char* first, va_list list, Use use) {
  va_list counted;
  va_copy(counted, list);
  std::size_t count = 2;  // the first and the null pointer
  while (va_arg(counted, char*) != nullptr) ++count;
  va_end(counted);
  auto** arguments = static_cast<char**>(__builtin_alloca(count * sizeof(char*)));
  arguments[0] = const_cast<char*>(first);
  for (std::size_t i = 1; i < count; ++i) arguments[i] = va_arg(list, char*);
  return use(arguments, list);
}

}  // namespace

ALLOCRECORD_EXPORT int execve(const char* path, char* const arguments[],
                              char* const environment[]) noexcept {
  return become(path, arguments, environment);
}

ALLOCRECORD_EXPORT int execv(const char* path, char* const arguments[]) noexcept {
  return become(path, arguments, environ);
}

ALLOCRECORD_EXPORT int execvp(const char* file, char* const arguments[]) noexcept {
  return become_named(file, arguments, environ);
}

ALLOCRECORD_EXPORT int execvpe(const char* file, char* const arguments[],
                               char* const environment[]) noexcept {
  return become_named(file, arguments, environment);
}

ALLOCRECORD_EXPORT int fexecve(int fd, char* const arguments[],
                               char* const environment[]) noexcept {
  return become_with(environment,
                     [=](char* const* carried) { return g_next.fexecve(fd, arguments, carried); });
}

ALLOCRECORD_EXPORT int execveat(int fd, const char* path, char* const arguments[],
                                char* const environment[], int flags) noexcept {
  if (g_next.malloc == nullptr) replay::preload::current_mode();
  if (g_next.execveat == nullptr) {  // a C library older than the function
    errno = ENOSYS;
    return -1;
  }
  return become_with(environment, [=](char* const* carried) {
    return g_next.execveat(fd, path, arguments, carried, flags);
  });
}

ALLOCRECORD_EXPORT int execl(const char* path, const char* first, ...) noexcept {
  va_list list;
  va_start(list, first);
  const int result = with_arguments(
      first, list, [=](char** arguments, va_list) { return become(path, arguments, environ); });
  va_end(list);
  return result;
}

ALLOCRECORD_EXPORT int execlp(const char* file, const char* first, ...) noexcept {
  va_list list;
  va_start(list, first);
  const int result = with_arguments(first, list, [=](char** arguments, va_list) {
    return become_named(file, arguments, environ);
  });
  va_end(list);
  return result;
}

ALLOCRECORD_EXPORT int execle(const char* path, const char* first, ...) noexcept {
  va_list list;
  va_start(list, first);
  const int result = with_arguments(first, list, [=](char** arguments, va_list rest) {
    return become(path, arguments, va_arg(rest, char* const*));
  });
  va_end(list);
  return result;
}

ALLOCRECORD_EXPORT int posix_spawn(pid_t* pid, const char* path,
                                   const posix_spawn_file_actions_t* actions,
                                   const posix_spawnattr_t* attributes, char* const arguments[],
                                   char* const environment[]) {
  return start_with(environment, [=](char* const* carried) {
    return g_next.posix_spawn(pid, path, actions, attributes, arguments, carried);
  });
}

ALLOCRECORD_EXPORT int posix_spawnp(pid_t* pid, const char* file,
                                    const posix_spawn_file_actions_t* actions,
                                    const posix_spawnattr_t* attributes, char* const arguments[],
                                    char* const environment[]) {
  return start_with(environment, [=](char* const* carried) {
    return g_next.posix_spawnp(pid, file, actions, attributes, arguments, carried);
  });
}
