// libmem.so as a library, and preloaded into programs of this folder. Programs of the system:
// programs_test.py.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
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

TEST(Dropin, OperatorNewEdgesInWhatACProgramLoads) {
  expect_success(run_preloaded({PLUGIN_HOST, NEW_EDGES_PLUGIN}));
}

// Who may start a program that runs with more rights than his own must not write files with these.
TEST(Dropin, AProgramOfMoreRightsTakesNoSettings) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make such a program";
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0) GTEST_SKIP() << "no program gains rights here";
  struct statvfs mounted {};
  ASSERT_EQ(statvfs(LIBMEM, &mounted), 0);
  if ((mounted.f_flag & (ST_NOSUID | ST_NOEXEC)) != 0) GTEST_SKIP() << "nor on this file system";
  if (support::run({"setpriv", "--reuid", "65534", "--clear-groups", "test", "-r", LIBMEM}, {})
          .exit_code != 0) {
    GTEST_SKIP() << "others than root may not read the build";
  }
  const std::filesystem::path folder =
      std::filesystem::path(LIBMEM).parent_path() / ("dropin_test." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::filesystem::path program = folder / "program";
  const std::filesystem::path stats = folder / "stats.json";
  std::filesystem::copy_file(C_EXAMPLE, program);
  const std::string as_nobody = "setpriv --reuid 65534 --clear-groups " + program.string();
  const auto run = [&](mode_t mode) {
    std::filesystem::permissions(folder, std::filesystem::perms{0777});
    EXPECT_EQ(chmod(program.c_str(), mode), 0);
    return support::run({"sh", "-c", as_nobody + " 2>&1"},
                        {{"MEM_STATS", stats.string()}, {"MEM_UNKNOWN", "1"}});
  };
  const Outcome plain = run(0755);
  EXPECT_EQ(plain.exit_code, 0) << plain.output;
  EXPECT_THAT(plain.output, HasSubstr("unknown setting MEM_UNKNOWN"));
  EXPECT_TRUE(std::filesystem::remove(stats));
  const Outcome raised = run(04755);
  EXPECT_EQ(raised.exit_code, 0) << raised.output;
  EXPECT_THAT(raised.output, Not(HasSubstr("unknown setting")));
  EXPECT_FALSE(std::filesystem::exists(stats));
  std::filesystem::remove_all(folder);
}

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
  // What the kernel must grant in advance where it overcommits nothing.
  const auto data_kib = [](const support::Environment& environment) {
    const Outcome outcome = support::run({"grep", "VmData", "/proc/self/status"}, environment);
    std::size_t kib = 0;
    EXPECT_EQ(sscanf(outcome.output.c_str(), "VmData: %zu kB", &kib), 1) << outcome.output;
    return kib;
  };
  EXPECT_LE(data_kib({{"LD_PRELOAD", LIBMEM}}), data_kib({}) + 8 * 1024);
  // How many of the library's file pages are mapped beside them is up to the kernel, which maps
  // what the page cache holds around a fault in pieces as large as the file system makes them.
}

}  // namespace
