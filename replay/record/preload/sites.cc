#include "replay/record/preload/sites.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "replay/record/preload/build_id.h"
#include "replay/record/preload/next.h"
#include "replay/record/preload/sink.h"
#include "replay/record/preload/start.h"
#include "replay/record/preload/unwinder.h"

extern "C" __attribute__((visibility("hidden"))) const char __ehdr_start;
extern "C" __attribute__((visibility("hidden"))) const char _end;

namespace replay::preload {

namespace {

using Word = std::uint64_t;

spool::StacksHeader* g_stacks = nullptr;  // the whole file follows
Word g_stacks_words = 0;                  // that it may hold

// As of the image: smaller where a limit forbids the larger.
constexpr std::uint64_t kStacksSizes[] = {std::uint64_t{1} << 30, std::uint64_t{1} << 27};

// Hash to entry.
struct Cell {
  std::atomic<Word> value;    // the upper half is the hash's, the lower the entry's number
  std::atomic<Word> unloads;  // that had been when the entry was last found to be right
};
constexpr std::size_t kTableCells = std::size_t{1} << 20;
constexpr std::size_t kMaxProbes = 64;
Cell* g_table = nullptr;

// Modules that the program has closed: another may come to lie where one was. What the C library
// closes itself (character sets, name services) is not seen.
std::atomic<Word> g_unloads{0};

Unwind g_unwind = nullptr;

struct Module {
  Word load_address;
  Word entry;
};
constexpr std::uint32_t kMaxModules = 4096;
Module g_modules[kMaxModules];
std::atomic<std::uint32_t> g_module_count{0};
std::atomic_flag g_module_lock = ATOMIC_FLAG_INIT;

struct StackBounds {
  Word low;
  Word high;  // 0: not known yet
};
thread_local constinit StackBounds t_bounds{};

Word* words() { return reinterpret_cast<Word*>(g_stacks); }

// Room for an entry, or 0. The pages are asked for here, since a store would say with SIGBUS that
// the disk is full.
Word take_words(Word count) {
  const Word at = g_stacks->words.fetch_add(count);
  if (at + count > g_stacks_words) return 0;
  constexpr Word kPageWords = spool::kHeaderBytes / sizeof(Word);
  const Word first = at / kPageWords * kPageWords;
  const std::size_t bytes = (at + count - first) * sizeof(Word);
  if (madvise(words() + first, bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) return 0;
  return at;
}

struct Place {
  Word address;
  dl_phdr_info module;  // that it lies in
};

int find_place(dl_phdr_info* module, std::size_t, void* data) {
  Place& place = *static_cast<Place*>(data);
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module->dlpi_phdr[i];
    const Word begin = module->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || place.address - begin >= segment.p_memsz) continue;
    place.module = *module;
    return 1;
  }
  return 0;
}

Word write_module(const char* path, const dl_phdr_info& module) {
  char build_id[kMaxBuildIdText];
  const Word id_length = write_build_id(module, build_id);
  const Word path_length = strlen(path) + 1;
  const Word length = path_length + id_length;
  const Word at = take_words(1 + (length + sizeof(Word) - 1) / sizeof(Word));
  if (at == 0) return 0;
  char* const to = reinterpret_cast<char*>(words() + at + 1);
  memcpy(to, path, path_length);
  memcpy(to + path_length, build_id, id_length);
  __atomic_store_n(words() + at, spool::kStacksModule | length << 8, __ATOMIC_RELEASE);
  return at;
}

Word known_module(Word load_address, const char* path) {
  const std::uint32_t count = g_module_count.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Module& module = g_modules[i];
    if (module.load_address == load_address &&
        strcmp(reinterpret_cast<const char*>(words() + module.entry + 1), path) == 0) {
      return module.entry;
    }
  }
  return 0;
}

Word entry_of(const dl_phdr_info& module, const char* path) {
  const Word known = known_module(module.dlpi_addr, path);
  if (known != 0) return known;
  while (g_module_lock.test_and_set(std::memory_order_acquire)) {
  }
  Word entry = known_module(module.dlpi_addr, path);
  const std::uint32_t count = g_module_count.load(std::memory_order_relaxed);
  if (entry == 0 && count < kMaxModules) {
    entry = write_module(path, module);
    g_modules[count] = {module.dlpi_addr, entry};
    if (entry != 0) g_module_count.store(count + 1, std::memory_order_release);
  }
  g_module_lock.clear(std::memory_order_release);
  return entry;
}

// Of a module that was named from the working folder, which may be another when the trace is
// written. Apart, since a thread's stack may be small.
[[gnu::noinline]] Word entry_of_relative(const dl_phdr_info& module) {
  char path[PATH_MAX];
  const char* const name = module.dlpi_name;
  const bool known = getcwd(path, sizeof(path)) != nullptr;
  const std::size_t folder = known ? strlen(path) : 0;
  if (!known || folder + 1 + strlen(name) >= sizeof(path)) return entry_of(module, name);
  path[folder] = '/';
  strcpy(path + folder + 1, name);
  return entry_of(module, path);
}

// The entry of the module that an address lies in, with where it was loaded; 0 if in none. Not by
// dladdr: its lock is held while constructors of a module run, which may wait for this thread.
Word module_of(Word address, Word* load_address) {
  Place place{address, {}};
  // A lock of the loader's is taken and given back in here, before ours is taken.
  if (dl_iterate_phdr(find_place, &place) == 0) return 0;
  *load_address = place.module.dlpi_addr;
  const char* const name = place.module.dlpi_name;
  if (name == nullptr || *name == '\0') return entry_of(place.module, g_image.header->program);
  const bool is_relative = *name != '/' && strchr(name, '/') != nullptr;
  return is_relative ? entry_of_relative(place.module) : entry_of(place.module, name);
}

Word write_stack(Word hash, const Word* frames, Word count) {
  const Word at = take_words(2 + 2 * count);
  if (at == 0) return 0;
  Word* to = words() + at;
  to[1] = hash;
  for (Word i = 0; i < count; ++i) {
    Word load_address = 0;
    to[2 + 2 * i] = module_of(frames[i] - 1, &load_address);
    to[3 + 2 * i] = frames[i] - load_address;
  }
  __atomic_store_n(to, spool::kStacksStack | count << 8, __ATOMIC_RELEASE);
  return at;
}

// Whether what an entry says of a stack of this hash is right of these frames.
bool is_right(Word entry, const Word* frames, Word count) {
  const Word* const stack = words() + entry;
  if (stack[0] >> 8 != count) return false;
  for (Word i = 0; i < count; ++i) {
    Word load_address = 0;
    const Word module = module_of(frames[i] - 1, &load_address);
    if (stack[2 + 2 * i] != module || stack[3 + 2 * i] != frames[i] - load_address) return false;
  }
  return true;
}

// The number of a stack; 0 if there is no room for a new one.
Word number_of_stack(const Word* frames, Word count) {
  Word hash = count;
  for (Word i = 0; i < count; ++i) {
    hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  const Word tag = hash & 0xffffffff00000000u;
  const Word unloads = g_unloads.load(std::memory_order_acquire);
  for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
    Cell& cell = g_table[(hash + probe) % kTableCells];
    Word value = cell.value.load(std::memory_order_acquire);
    if (value == 0) {
      const Word entry = write_stack(hash, frames, count);
      if (entry == 0) return 0;
      if (cell.value.compare_exchange_strong(value, tag | entry)) return entry;
    }
    const Word entry = value & 0xffffffffu;
    if ((value & 0xffffffff00000000u) != tag || words()[entry + 1] != hash) continue;
    if (cell.unloads.load(std::memory_order_relaxed) != unloads) {
      if (!is_right(entry, frames, count)) continue;
      cell.unloads.store(unloads, std::memory_order_relaxed);
    }
    return entry;
  }
  return 0;
}

bool is_own(Word address) {
  return address - reinterpret_cast<Word>(&__ehdr_start) < static_cast<Word>(&_end - &__ehdr_start);
}

// Lines of /proc/self/maps, read without memory, libpthread or a point of cancellation.
class Maps {
 public:
  Maps() : fd_(static_cast<int>(syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", kFlags))) {}
  ~Maps() {
    if (fd_ >= 0) syscall(SYS_close, fd_);
  }
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;

  // The next line, cut where it is longer than any that matters; nullptr at the end.
  const char* next() {
    std::size_t length = 0;
    char c = 0;
    while (get(&c) && c != '\n') {
      if (length + 1 < sizeof(line_)) line_[length++] = c;
    }
    line_[length] = '\0';
    return length == 0 ? nullptr : line_;
  }

 private:
  static constexpr int kFlags = O_RDONLY | O_CLOEXEC;

  bool get(char* to) {
    if (at_ == filled_) {
      at_ = 0;
      do {
        filled_ = syscall(SYS_read, fd_, buffer_, sizeof(buffer_));
      } while (filled_ < 0 && errno == EINTR);
      if (filled_ <= 0) return false;
    }
    *to = buffer_[at_++];
    return true;
  }

  int fd_;
  char buffer_[1024];
  char line_[256];
  long at_ = 0;
  long filled_ = 0;
};

Word hexadecimal(const char** text) {
  Word value = 0;
  for (;; ++*text) {
    const char c = **text;
    if (c >= '0' && c <= '9') {
      value = value << 4 | static_cast<Word>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value << 4 | static_cast<Word>(c - 'a' + 10);
    } else {
      return value;
    }
  }
}

// The first thread's stack grows down to its limit, but never to what lies below it.
Word lowest_of_growing(Word high, Word end_below) {
  rlimit limit{};
  getrlimit(RLIMIT_STACK, &limit);
  return limit.rlim_cur < high ? std::max(end_below, high - limit.rlim_cur) : end_below;
}

StackBounds find_bounds() {
  const bool is_first = syscall(SYS_gettid) == g_image.pid;
  // glibc puts a thread's own data, which this points to, at the top of its stack.
  const auto top = static_cast<Word>(pthread_self());
  Maps maps;
  Word end_below = 0;
  while (const char* line = maps.next()) {
    const Word low = hexadecimal(&line);
    if (*line != '-') break;
    ++line;
    const Word high = hexadecimal(&line);
    if (is_first) {
      if (strstr(line, "[stack]") != nullptr) return {lowest_of_growing(high, end_below), high};
    } else if (top - low < high - low) {
      return {low, top};
    }
    end_below = high;
  }
  return {1, 1};
}

// Not by pthread_getattr_np: it holds a lock while it allocates, and the program may be in it.
const StackBounds& bounds() {
  if (t_bounds.high == 0) t_bounds = find_bounds();
  return t_bounds;
}

// A frame is | caller's frame | return address |. What leaves the thread's stack, or does not lead
// outwards, is no frame.
int walk_frame_pointers(void** to, int most) {
  const StackBounds& stack = bounds();
  auto frame = reinterpret_cast<Word>(__builtin_frame_address(0));
  int count = 0;
  while (count < most && frame >= stack.low && frame + 2 * sizeof(Word) <= stack.high &&
         frame % sizeof(Word) == 0) {
    const Word* const words_of_frame = reinterpret_cast<const Word*>(frame);
    if (words_of_frame[1] == 0) break;
    to[count++] = reinterpret_cast<void*>(words_of_frame[1]);
    if (words_of_frame[0] <= frame) break;
    frame = words_of_frame[0];
  }
  return count;
}

}  // namespace

bool open_stacks(const char* directory, std::uint32_t index) {
  char path[4096];
  if (snprintf(path, sizeof(path), "%s/%s%u", directory, spool::kStacksPrefix, index) >=
      int{sizeof(path)}) {
    return false;
  }
  const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  void* base = MAP_FAILED;
  for (const std::uint64_t size : kStacksSizes) {
    if (!file_may_have(size) || ftruncate(fd, static_cast<off_t>(size)) != 0) continue;
    base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    g_stacks_words = size / sizeof(Word);
    if (base != MAP_FAILED) break;
  }
  close(fd);
  if (base == MAP_FAILED ||
      (madvise(base, spool::kHeaderBytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)) {
    return false;
  }
  g_stacks = static_cast<spool::StacksHeader*>(base);
  g_stacks->words.store(spool::kStacksHeaderWords);
  g_stacks->magic = spool::kStacksMagic;
  return true;
}

bool start_sites() {
  void* table = mmap(nullptr, kTableCells * sizeof(Cell), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (table == MAP_FAILED) return false;
  g_table = static_cast<Cell*>(table);
  if (g_image.control->sites == spool::SitesMode::kFramePointers) {
    g_unwind = walk_frame_pointers;
    return true;
  }
  g_unwind = load_unwinder();
  return g_unwind != nullptr;
}

std::uint64_t* put_site(std::uint64_t* to) {
  const BusyScope busy;
  const int saved_errno = errno;
  constexpr int kOwnFrames = 8;  // more than the library has on a stack
  void* addresses[spool::kMaxSiteDepth + kOwnFrames];
  const auto depth = static_cast<int>(g_image.control->site_depth);
  const int got = g_unwind(addresses, depth + kOwnFrames);
  Word frames[spool::kMaxSiteDepth];
  int count = 0;
  for (int i = 0; i < got && count < depth; ++i) {
    const auto address = reinterpret_cast<Word>(addresses[i]);
    if (address != 0 && !is_own(address)) frames[count++] = address;
  }
  const Word number = number_of_stack(frames, static_cast<Word>(count));
  errno = saved_errno;
  if (number == 0) {
    g_image.header->unknown_sites.fetch_add(1, std::memory_order_relaxed);
    return to;
  }
  return put(to, spool::pack_head(spool::RawOp::kSite, 0, number));
}

}  // namespace replay::preload

extern "C" __attribute__((visibility("default"))) int dlclose(void* handle) noexcept {
  using namespace replay::preload;
  if (g_next.dlclose == nullptr) current_mode();  // before any constructor ran
  const int result = g_next.dlclose(handle);
  g_unloads.fetch_add(1);
  return result;
}
