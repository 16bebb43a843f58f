#include "replay/record/preload/start.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "replay/record/preload/next.h"
#include "replay/record/preload/sink.h"
#include "replay/record/preload/sites.h"

namespace replay::preload {

Image g_image;
Carried g_carried;

namespace {

constexpr Gate kShut{};
constexpr std::atomic<spool::Phase> kAlways{spool::Phase::kRecording};

enum Start : int { kUntouched, kResolving, kResolved, kStarted };
std::atomic<int> g_start{kUntouched};
std::atomic<std::uint64_t> g_early_calls{0};  // made before the environment could be read
std::atomic<bool> g_fork_counted{false};
bool g_sites_wanted = false;  // from the constructor on: an unwinder cannot be loaded any earlier

// The spool's file is sparse, so its size is only an upper bound; smaller ones are tried where a
// limit of the address space or of file sizes forbids the largest.
constexpr std::uint64_t kSpoolSizes[] = {std::uint64_t{1} << 38, std::uint64_t{1} << 34,
                                         std::uint64_t{1} << 30, std::uint64_t{1} << 27};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

template <class T>
T* map_shared(int fd, std::size_t size, int protection) {
  void* p = mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  return p == MAP_FAILED ? nullptr : static_cast<T*>(p);
}

spool::Control* open_control(const char* directory) {
  char path[4096];
  if (snprintf(path, sizeof(path), "%s/%s", directory, spool::kControlName) >= int{sizeof(path)}) {
    return nullptr;
  }
  const Descriptor file(open(path, O_RDWR | O_CLOEXEC));
  if (file.get() < 0) return nullptr;
  auto* control =
      map_shared<spool::Control>(file.get(), spool::kHeaderBytes, PROT_READ | PROT_WRITE);
  return control != nullptr && control->magic == spool::kControlMagic ? control : nullptr;
}

// Maps an image file of so many bytes: the header accessible, the chunks not yet.
std::byte* map_image(int fd, std::uint64_t size) {
  if (!file_may_have(size) || ftruncate(fd, static_cast<off_t>(size)) != 0) return nullptr;
  auto* base = map_shared<std::byte>(fd, size, PROT_NONE);
  if (base == nullptr) return nullptr;
  if (mprotect(base, spool::kHeaderBytes, PROT_READ | PROT_WRITE) == 0 &&
      (madvise(base, spool::kHeaderBytes, MADV_POPULATE_WRITE) == 0 || errno == EINVAL)) {
    return base;
  }
  munmap(base, size);
  return nullptr;
}

// Makes image file number `index` and maps it, or leaves none.
bool open_image(const char* directory, std::uint32_t index) {
  char path[4096];
  if (snprintf(path, sizeof(path), "%s/%s%u", directory, spool::kImagePrefix, index) >=
      int{sizeof(path)}) {
    return false;
  }
  const Descriptor file(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return false;
  for (const std::uint64_t size : kSpoolSizes) {
    std::byte* const base = map_image(file.get(), size);
    if (base == nullptr) continue;
    g_image.header = reinterpret_cast<spool::ImageHeader*>(base);
    g_image.chunks = base + spool::kHeaderBytes;
    g_image.max_chunks = (size - spool::kHeaderBytes) / spool::kChunkBytes;
    return true;
  }
  unlink(path);
  return false;
}

void fill_header() {
  spool::ImageHeader& header = *g_image.header;
  header.clock = g_image.control->clock;
  header.pid = g_image.pid;
  header.stop_stamp.store(spool::kNever);
  header.lost_events.store(g_early_calls.load());
  [[maybe_unused]] const ssize_t length =
      readlink("/proc/self/exe", header.program, sizeof(header.program) - 1);
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(g_next.malloc), &info) != 0 && info.dli_fname != nullptr) {
    strncpy(header.allocator, info.dli_fname, sizeof(header.allocator) - 1);
  }
  strncpy(header.libc_version, gnu_get_libc_version(), sizeof(header.libc_version) - 1);
  header.start = spool::calibrate(header.clock);
  __atomic_store_n(&header.magic, spool::kImageMagic, __ATOMIC_RELEASE);
}

// The object that a name of the program's resolves to, if it is not the library; else "". Programs
// at a fixed address list functions that they take the address of, and do not define them.
const char* defined_elsewhere(const char* name) {
  const void* const found = dlsym(RTLD_DEFAULT, name);
  Dl_info self{};
  Dl_info info{};
  ElfW(Sym)* symbol = nullptr;
  if (found == nullptr || dladdr(&g_image, &self) == 0 ||
      dladdr1(found, &info, reinterpret_cast<void**>(&symbol), RTLD_DL_SYMENT) == 0) {
    return "";
  }
  const bool elsewhere = info.dli_fbase != self.dli_fbase && symbol != nullptr &&
                         symbol->st_shndx != SHN_UNDEF && info.dli_fname != nullptr;
  return elsewhere ? info.dli_fname : "";
}

void tell_own_allocator() {
  const char* name = defined_elsewhere("malloc");
  if (*name == '\0') name = defined_elsewhere("free");
  strncpy(g_image.control->own_allocator, name, sizeof(g_image.control->own_allocator) - 1);
}

Gate* make_gate() {
  void* page = mmap(nullptr, spool::kHeaderBytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (madvise(page, spool::kHeaderBytes, MADV_WIPEONFORK) != 0) return nullptr;
  return static_cast<Gate*>(page);
}

// Keeps what exec.cc carries on: the environment may change, and the program may clear it.
void keep_variables(const char* directory) {
  Dl_info self{};
  if (dladdr(&g_carried, &self) == 0 || self.dli_fname == nullptr) return;
  g_carried.library = self.dli_fname;
  const int length = snprintf(g_carried.directory, sizeof(g_carried.directory), "%s=%s",
                              spool::kDirectoryVariable, directory);
  if (length >= int{sizeof(g_carried.directory)}) g_carried.directory[0] = '\0';
}

// Starts recording if this process is the one that the recorder started.
void start_recording() {
  const char* directory = getenv(spool::kDirectoryVariable);
  if (directory == nullptr) return;
  g_image.control = open_control(directory);
  if (g_image.control == nullptr) return;
  keep_variables(directory);
  g_image.pid = getpid();
  if (!is_recorded_process()) {
    g_image.control->child_programs.fetch_add(1);
    return;
  }
  const std::uint32_t index = g_image.control->images.fetch_add(1);
  tell_own_allocator();
  Gate* gate = make_gate();
  if (gate == nullptr || !open_image(directory, index)) {
    g_image.control->failed_starts.fetch_add(1);
    return;
  }
  fill_header();
  g_extras.residency = g_image.control->residency != 0;
  if (g_image.control->sites != spool::SitesMode::kOff) {
    g_sites_wanted = open_stacks(directory, index);
    g_image.header->sites_failed = g_sites_wanted ? 0 : 1;
  }
  g_phase = &g_image.control->phase;
  gate->clock = g_image.header->clock;
  gate->open = 1;
  g_gate = gate;
}

// In a child the gate was wiped; the first call there counts the child.
void count_forked_child() {
  if (g_gate == &kShut || g_fork_counted.exchange(true)) return;
  g_image.header->forked_children.fetch_add(1);
}

__attribute__((constructor)) void start_at_load() {
  current_mode();
  look_up_operators();
  if (!g_sites_wanted) return;
  const BusyScope busy;
  g_extras.sites = start_sites();
  g_image.header->sites_failed = g_extras.sites ? 0 : 1;
}

}  // namespace

bool is_recorded_process() {
  const spool::Control& control = *g_image.control;
  if (getpid() != control.root_pid) return false;
  const std::uint64_t own = spool::own_pid_namespace();
  return own == control.root_namespace || own == 0 || control.root_namespace == 0;
}

bool file_may_have(std::uint64_t bytes) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || bytes <= limit.rlim_cur;
}

const volatile Gate* g_gate = &kShut;
const std::atomic<spool::Phase>* g_phase = &kAlways;

Mode cold_mode() {
  int phase = g_start.load(std::memory_order_acquire);
  if (phase == kStarted) {
    count_forked_child();
    return Mode::kForward;
  }
  if (phase == kUntouched && g_start.compare_exchange_strong(phase, kResolving)) {
    resolve_next();
    g_start.store(phase = kResolved);
  }
  if (phase == kResolving) return Mode::kArena;
  if (environ == nullptr) {
    g_early_calls.fetch_add(1);
    return Mode::kForward;
  }
  if (t_buffer.busy || !g_start.compare_exchange_strong(phase, kStarted)) return Mode::kForward;
  const int saved_errno = errno;
  {
    const BusyScope busy;
    start_recording();
  }
  errno = saved_errno;
  const bool records = g_gate->open != 0 && g_phase->load() == spool::Phase::kRecording;
  return records ? Mode::kRecord : Mode::kForward;
}

}  // namespace replay::preload
