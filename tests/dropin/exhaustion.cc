// The end of memory, which RLIMIT_AS brings near: nullptr and ENOMEM, blocks that live on, and all
// of it to be had again once it was freed.
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <new>
#include <thread>

#include "tests/dropin/program.h"

namespace {

using dropin::Contents;
using dropin::kGiB;
using dropin::kKiB;
using dropin::kMiB;

constexpr std::size_t kRoom = 192 * kMiB;

void limit_address_space(std::size_t bytes) {
  rlimit limit{};
  EXPECT(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = bytes;
  EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

// From here on the process may map so much more than it needs: the heap is made to give back what
// it has for more than the limit allows.
void limit_to(std::size_t more) {
  limit_address_space(more);
  EXPECT(malloc(64 * kGiB) == nullptr);
  limit_address_space(dropin::address_space_bytes() + more);
}

// Blocks that hold each other, so that to keep them needs no memory of its own.
struct Chain {
  struct Link {
    Link* next;
    std::size_t size;
  };
  Link* first = nullptr;
  std::size_t total_bytes = 0;

  // Until there is no more.
  void fill(std::size_t size) {
    for (;;) {
      errno = 0;
      void* p = malloc(size);
      if (p == nullptr) break;
      add(p, size);
    }
    EXPECT(errno == ENOMEM);
  }
  void add(void* p, std::size_t size) {
    first = new (p) Link{first, size};
    total_bytes += size;
    if (size > sizeof(Link)) bytes_of(first)[size - 1] = 0x5a;
  }
  void free_all() {
    while (first != nullptr) {
      Link* link = first;
      EXPECT(link->size <= sizeof(Link) || bytes_of(link)[link->size - 1] == 0x5a);
      first = link->next;
      free(link);
    }
    total_bytes = 0;
  }
  static unsigned char* bytes_of(Link* link) { return reinterpret_cast<unsigned char*>(link); }
};

// A limit below what the heap has reserved by then, as of a program that limits itself.
void limited_later() {
  free(malloc(kMiB));
  limit_address_space(kGiB);
  EXPECT(dropin::address_space_bytes() > kGiB);
  for (const std::size_t size : {100 * kMiB, 40 * kKiB, std::size_t{1000}}) {
    Chain chain;
    while (chain.total_bytes < 200 * kMiB) {
      void* p = malloc(size);
      EXPECT(p != nullptr);
      chain.add(p, size);
    }
    EXPECT(dropin::address_space_bytes() < kGiB);
    chain.free_all();
  }
  std::thread([] { free(malloc(100)); }).join();
}

// Fills and frees by blocks of each size in turn: what one size held is there for the next.
void refills(std::size_t room) {
  limit_to(room);
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t size : {std::size_t{64}, 100 * kKiB, std::size_t{1000}, 3 * kMiB}) {
      Chain chain;
      chain.fill(size);
      const std::size_t first = chain.total_bytes;
      chain.free_all();
      chain.fill(size);
      const std::size_t second = chain.total_bytes;
      dprintf(STDOUT_FILENO, "%zu bytes: %zu KiB, then %zu KiB\n", size, first / kKiB,
              second / kKiB);
      EXPECT(first > room / 2);
      EXPECT(second + second / 10 >= first);
      chain.free_all();
    }
  }
}

void refills_wide() { refills(kRoom); }
void refills_tight() { refills(24 * kMiB); }

// Every way to ask tells that there is none left, and takes nothing away.
void every_function_says_so() {
  limit_to(kRoom);
  auto* kept = static_cast<unsigned char*>(malloc(10'000));
  EXPECT(kept != nullptr);
  Contents::write(kept, 10'000, 1);
  Chain chain;
  for (const std::size_t size : {kMiB, 64 * kKiB, std::size_t{1024}, std::size_t{16}}) {
    chain.fill(size);
  }
  void* untouched = &untouched;
  void* p = untouched;
  errno = 99;
  EXPECT(posix_memalign(&p, 64, kMiB) == ENOMEM && p == untouched && errno == 99);
  errno = 0;
  EXPECT(calloc(kKiB, kKiB) == nullptr && errno == ENOMEM);
  errno = 0;
  EXPECT(aligned_alloc(4096, kMiB) == nullptr && errno == ENOMEM);
  errno = 0;
  EXPECT(realloc(nullptr, kMiB) == nullptr && errno == ENOMEM);
  errno = 0;
  p = realloc(kept, 8 * kMiB);
  EXPECT(p == nullptr && errno == ENOMEM);
  EXPECT(Contents::are(kept, 10'000, 1));
  EXPECT(operator new(kMiB, std::nothrow) == nullptr);
  bool has_thrown = false;
  try {
    operator delete(operator new(kMiB));
  } catch (const std::bad_alloc&) {
    has_thrown = true;
  }
  EXPECT(has_thrown);
  EXPECT(dropin::check_heap() == 0);
  chain.free_all();
  p = realloc(kept, 8 * kMiB);
  EXPECT(p != nullptr && Contents::are(static_cast<unsigned char*>(p), 10'000, 1));
  free(p);
  EXPECT(posix_memalign(&p, 64, kMiB) == 0);
  free(p);
}

// realloc that shrinks needs nothing, and works when nothing is left.
void shrinking_needs_none() {
  limit_to(kRoom);
  static std::array<void*, 64> blocks;
  for (void*& p : blocks) {
    p = malloc(kMiB);
    EXPECT(p != nullptr);
    Contents::write(static_cast<unsigned char*>(p), kMiB, 3);
  }
  Chain chain;
  for (const std::size_t size : {kMiB, 4 * kKiB, std::size_t{16}}) chain.fill(size);
  for (void*& p : blocks) {
    void* shrunk = realloc(p, 600 * kKiB);
    EXPECT(shrunk != nullptr && Contents::are(static_cast<unsigned char*>(shrunk), 600 * kKiB, 3));
    p = shrunk;
  }
  for (void* p : blocks) free(p);
  chain.free_all();
}

// A block that the process may not have leaves it all that it had.
void too_large_a_block() {
  const rlimit data{kGiB, kGiB};
  EXPECT(setrlimit(RLIMIT_DATA, &data) == 0);
  free(malloc(100));
  const auto data_kib = [] { return dropin::number_in("/proc/self/status", "\nVmData:"); };
  const std::size_t before = data_kib();
  errno = 0;
  EXPECT(malloc(2 * kGiB) == nullptr && errno == ENOMEM);
  void* p = malloc(300 * kMiB);
  EXPECT(p != nullptr);
  EXPECT(realloc(p, 2 * kGiB) == nullptr);
  free(p);
  EXPECT(data_kib() <= before + 320 * kKiB);
  p = mmap(nullptr, 512 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(p != MAP_FAILED);
}

// Where the kernel refuses what the machine cannot have, so does malloc.
void more_than_the_machine() {
  if (dropin::number_in("/proc/sys/vm/overcommit_memory", "") == 1) return;
  const std::size_t machine_kib = dropin::number_in("/proc/meminfo", "MemTotal:") +
                                  dropin::number_in("/proc/meminfo", "\nSwapTotal:");
  EXPECT(malloc(machine_kib * kKiB + kGiB) == nullptr && errno == ENOMEM);
  void* p = malloc(kGiB);
  EXPECT(p != nullptr);
  free(p);
}

constexpr dropin::Case kCases[] = {
    {"limited_later", limited_later},
    {"refills_wide", refills_wide},
    {"refills_tight", refills_tight},
    {"every_function_says_so", every_function_says_so},
    {"shrinking_needs_none", shrinking_needs_none},
    {"too_large_a_block", too_large_a_block},
    {"more_than_the_machine", more_than_the_machine},
};

}  // namespace

int main(int argc, char** argv) { return dropin::run_case(argc, argv, kCases); }
