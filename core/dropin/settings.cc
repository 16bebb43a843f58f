// What libmem.so does with its environment: MEM_STATS=FILE writes the heap's statistics as JSON
// when the process exits, to a temporary name that is renamed. Any other MEM_ variable is named on
// stderr, since a misspelt setting would otherwise be ignored in silence. A program that runs with
// more rights than who started it (setuid; AT_SECURE in getauxval(3)) takes no setting from it.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/allocators/named_heaps.h"
#include "core/dropin/stats_report.h"

namespace {

constexpr char kPrefix[] = "MEM_";
constexpr char kStats[] = "MEM_STATS=";

// The C library is not initialised yet: neither `environ` nor stdio can be relied on.
[[gnu::constructor]] void report_unknown_settings(int /*argc*/, char** /*argv*/, char** envp) {
  if (getauxval(AT_SECURE) != 0) return;
  for (char** entry = envp; entry != nullptr && *entry != nullptr; ++entry) {
    if (strncmp(*entry, kPrefix, sizeof(kPrefix) - 1) != 0) continue;
    if (strncmp(*entry, kStats, sizeof(kStats) - 1) == 0) continue;
    const char before[] = "mem: unknown setting ";
    const char after[] = "; known is MEM_STATS\n";
    const iovec line[] = {{const_cast<char*>(before), sizeof(before) - 1},
                          {*entry, strcspn(*entry, "=")},
                          {const_cast<char*>(after), sizeof(after) - 1}};
    [[maybe_unused]] const ssize_t written = writev(STDERR_FILENO, line, 3);
  }
}

[[gnu::destructor]] void write_stats_at_exit() {
  const char* path = secure_getenv("MEM_STATS");
  if (path == nullptr || *path == '\0') return;
  char temporary[4096];
  const int length =
      snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, static_cast<long>(getpid()));
  if (length < 0 || static_cast<size_t>(length) >= sizeof(temporary)) return;
  const int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  FILE* stream = file >= 0 ? fdopen(file, "w") : nullptr;
  if (stream == nullptr) {
    if (file >= 0) close(file);
    fprintf(stderr, "mem: MEM_STATS: cannot write %s\n", temporary);
    return;
  }
  mem::write_stats_json(stream, mem::default_heap.detailed_stats());
  const bool is_written = ferror(stream) == 0;
  if (fclose(stream) != 0 || !is_written || rename(temporary, path) != 0) {
    fprintf(stderr, "mem: MEM_STATS: cannot write %s\n", path);
    unlink(temporary);
  }
}

}  // namespace
