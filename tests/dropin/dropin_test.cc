// libmem.so as a library, and preloaded into programs of this folder. Programs of the system:
// programs_test.py.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"

namespace {

using support::Outcome;
using testing::HasSubstr;
using testing::Not;

Outcome run_preloaded(const std::vector<std::string>& command) {
  return support::run(command, {{"LD_PRELOAD", LIBMEM}});
}

// The dynamic linker only warns of what it cannot preload.
void expect_success(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << "signal " << outcome.signal << "\n" << outcome.output;
  EXPECT_THAT(outcome.output, Not(HasSubstr("cannot be preloaded")));
}

TEST(Dropin, ExportsTheWholeFamilyAndNothingElse) {
  void* library = dlopen(LIBMEM, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto is_ours = [&](const std::string& name) {
    void* symbol = dlsym(library, name.c_str());
    Dl_info info;
    return symbol != nullptr && dladdr(symbol, &info) != 0 &&
           std::string(info.dli_fname).find("libmem.so") != std::string::npos;
  };
  for (const char* name : {"malloc",
                           "free",
                           "calloc",
                           "realloc",
                           "aligned_alloc",
                           "posix_memalign",
                           "memalign",
                           "valloc",
                           "pvalloc",
                           "malloc_usable_size",
                           "cfree",
                           "free_sized",
                           "free_aligned_sized",
                           "malloc_trim",
                           "mallinfo",
                           "mallinfo2",
                           "malloc_stats",
                           "malloc_info",
                           "mallopt",
                           "mem_malloc",
                           "mem_free",
                           "mem_calloc",
                           "mem_realloc",
                           "mem_aligned_alloc",
                           "mem_usable_size",
                           "mem_purge",
                           "mem_stats",
                           "mem_check",
                           "_malloc",
                           "_free",
                           "_calloc",
                           "_realloc"}) {
    EXPECT_TRUE(is_ours(name)) << name;
  }
  for (const std::string stem : {"_Znwm", "_Znam"}) {
    for (const char* rest :
         {"", "RKSt9nothrow_t", "St11align_val_t", "St11align_val_tRKSt9nothrow_t"}) {
      EXPECT_TRUE(is_ours(stem + rest)) << stem << rest;
    }
  }
  for (const std::string stem : {"_ZdlPv", "_ZdaPv"}) {
    for (const char* rest : {"", "m", "RKSt9nothrow_t", "St11align_val_t", "mSt11align_val_t",
                             "St11align_val_tRKSt9nothrow_t"}) {
      EXPECT_TRUE(is_ours(stem + rest)) << stem << rest;
    }
  }
  EXPECT_FALSE(is_ours("reallocarray"));
  EXPECT_FALSE(is_ours("_ZN3mem12default_heapE"));
  dlclose(library);
}

TEST(Dropin, LinksOnlyTheCLibraryAndIsNeverUnloaded) {
  void* library = dlopen(LIBMEM, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr);
  link_map* map = nullptr;
  ASSERT_EQ(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
  const char* strings = nullptr;
  for (const ElfW(Dyn)* d = map->l_ld; d->d_tag != DT_NULL; ++d) {
    if (d->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(d->d_un.d_ptr);
  }
  unsigned long flags = 0;
  for (const ElfW(Dyn)* d = map->l_ld; d->d_tag != DT_NULL; ++d) {
    if (d->d_tag == DT_NEEDED) {
      EXPECT_STREQ(strings + d->d_un.d_val, "libc.so.6");
    }
    if (d->d_tag == DT_FLAGS_1) flags = d->d_un.d_val;
  }
  EXPECT_TRUE(flags & DF_1_NOW);
  EXPECT_TRUE(flags & DF_1_NODELETE);
  EXPECT_TRUE(flags & DF_1_INITFIRST);
  dlclose(library);
}

TEST(Dropin, MallocFamilyEdges) { expect_success(run_preloaded({MALLOC_EDGES})); }
TEST(Dropin, OperatorNewEdges) { expect_success(run_preloaded({NEW_EDGES})); }

TEST(Dropin, ThreadsExitAndForkWhileOthersAllocate) {
  expect_success(run_preloaded({THREADS_AND_FORKS}));
}

struct Resident {
  std::size_t all_kib = SIZE_MAX;
  std::size_t own_kib = SIZE_MAX;
};

// The least of many runs: how much of the libraries is resident changes with their addresses.
Resident resident_at_start(const support::Environment& environment) {
  Resident least;
  for (int i = 0; i < 60; ++i) {
    const Outcome outcome = support::run({START_UP}, environment);
    Resident resident;
    EXPECT_EQ(sscanf(outcome.output.c_str(), "%zu %zu\n", &resident.all_kib, &resident.own_kib), 2)
        << outcome.output;
    least.all_kib = std::min(least.all_kib, resident.all_kib);
    least.own_kib = std::min(least.own_kib, resident.own_kib);
  }
  return least;
}

TEST(Dropin, AProgramThatDoesNothingIsLittleLarger) {
  const Resident plain = resident_at_start({});
  const Resident ours = resident_at_start({{"LD_PRELOAD", LIBMEM}});
  printf("%zu KiB, %zu of them its own; preloaded %zu, %zu\n", plain.all_kib, plain.own_kib,
         ours.all_kib, ours.own_kib);
  EXPECT_GT(plain.own_kib, 10u);
  EXPECT_LE(ours.own_kib, plain.own_kib + 100);
  // How many of the library's file pages are mapped beside them is up to the kernel, which maps
  // what the page cache holds around a fault in pieces as large as the file system makes them.
}

}  // namespace
