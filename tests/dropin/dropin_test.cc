// libmem.so as the malloc of whole programs.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"

namespace {

using support::Outcome;
using testing::HasSubstr;
using testing::Not;

Outcome run_preloaded(const std::vector<std::string>& command) {
  return support::run(command, {{"LD_PRELOAD", LIBMEM}, {"PYTHONMALLOC", "malloc"}});
}

// The dynamic linker only warns of what it cannot preload.
void expect_success(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 0) << "signal " << outcome.signal << "\n" << outcome.output;
  EXPECT_THAT(outcome.output, Not(HasSubstr("cannot be preloaded")));
}

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = std::filesystem::temp_directory_path() / "mem-dropin-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ / name; }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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

TEST(Dropin, LimitedAddressSpaceIsOutOfMemoryNotDeath) {
  const Outcome outcome =
      run_preloaded({"/usr/bin/python3", "-c",
                     "import resource\n"
                     "resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))\n"
                     "kept = []\n"
                     "try:\n"
                     "    while True: kept.append(bytearray(1 << 20))\n"
                     "except MemoryError:\n"
                     "    n = len(kept)\n"
                     "    kept = None\n"
                     "    print('ran out after many' if n > 50 else n)\n"
                     "again = [bytearray(1 << 20) for _ in range(50)]\n"});
  expect_success(outcome);
  EXPECT_THAT(outcome.output, HasSubstr("ran out after many"));
}

TEST(Dropin, Bash) {
  const Outcome outcome =
      run_preloaded({"bash", "-c",
                     "for i in $(seq 300); do a[$i]=$(echo \"line $i\" | tr a-z A-Z); done; "
                     "echo ${#a[@]} ${a[300]}; (exec bash -c 'echo nested $((6*7))')"});
  expect_success(outcome);
  EXPECT_EQ(outcome.output, "300 LINE 300\nnested 42\n");
}

TEST(Dropin, Git) {
  if (!support::is_installed("git")) GTEST_SKIP() << "git is not installed";
  const ScratchFolder folder;
  const Outcome outcome = run_preloaded(
      {"bash", "-c",
       "cd \"$0\" && git init -q . && git config user.email a@b.c && git config user.name a && "
       "for i in 1 2 3 4 5; do seq $((i*1000)) > file$i; git add . && git commit -qm \"n $i\"; "
       "done; git gc -q; git fsck --strict; git log --stat | wc -l; git rev-list --count HEAD",
       folder.path()});
  expect_success(outcome);
  EXPECT_THAT(outcome.output, testing::EndsWith("\n5\n"));
}

TEST(Dropin, Python) {
  const Outcome outcome = run_preloaded(
      {"/usr/bin/python3", "-c",
       "import ctypes, json, os, re, subprocess, sys, threading, zlib\n"
       "def work(n):\n"
       "    for _ in range(20):\n"
       "        data = json.dumps({str(i): [i] * (i % 20) for i in range(500)})\n"
       "        assert json.loads(data)['19'] == [19] * 19\n"
       "        assert zlib.decompress(zlib.compress(data.encode())).decode() == data\n"
       "threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n"
       "[t.start() for t in threads]\n"
       "for _ in range(10):\n"
       "    pid = os.fork()\n"
       "    if pid == 0: os._exit(0 if len(re.findall('a', 'a' * 10000)) == 10000 else 1)\n"
       "    assert os.waitpid(pid, 0)[1] == 0\n"
       "[t.join() for t in threads]\n"
       "assert subprocess.check_output(['echo', 'hi']) == b'hi\\n'\n"
       "assert ctypes.CDLL(None).mem_check() == 0\n"  // the heap that served all of it is whole
       "print('done')\n"});
  expect_success(outcome);
  EXPECT_EQ(outcome.output, "done\n");
}

// Answers pings within a bounded number of attempts; each is a process, so no sleep is needed.
bool is_up(const std::string& socket) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    if (support::run({"redis-cli", "-s", socket, "ping"}).output == "PONG\n") return true;
  }
  return false;
}

TEST(Dropin, RedisServer) {
  if (!support::is_installed("redis-server") || !support::is_installed("redis-benchmark")) {
    GTEST_SKIP() << "redis is not installed";
  }
  const ScratchFolder folder;
  const std::string socket = folder / "socket";
  const int log = open((folder / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const pid_t server = support::start({"redis-server", "--port", "0", "--unixsocket", socket,
                                       "--dir", folder.path(), "--save", "", "--appendonly", "no"},
                                      {{"LD_PRELOAD", LIBMEM}}, log);
  close(log);
  ASSERT_GT(server, 0);
  const auto cli = [&](const std::string& words) {
    return support::run({"bash", "-c", "redis-cli -s \"$0\" " + words, socket}).output;
  };
  const bool up = is_up(socket);
  EXPECT_TRUE(up);
  if (up) {
    const Outcome load = support::run({"redis-benchmark", "-s", socket, "-q", "-n", "5000", "-r",
                                       "1000", "-d", "300", "-t", "set,get,lpush,lrange_100,zadd"});
    EXPECT_EQ(load.exit_code, 0) << load.output;
    EXPECT_EQ(cli("set key value"), "OK\n");
    EXPECT_EQ(cli("bgsave"), "Background saving started\n");  // forks while it serves
    EXPECT_EQ(cli("get key"), "value\n");
    EXPECT_EQ(cli("flushall"), "OK\n");
  }
  kill(server, SIGTERM);
  int status = 0;
  ASSERT_EQ(waitpid(server, &status, 0), server);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Dropin, RedisServerTakesItsMallocFromHere) {
  if (!support::is_installed("redis-server")) GTEST_SKIP() << "redis is not installed";
  const Outcome outcome =
      support::run({"redis-server", "--version"},
                   {{"LD_PRELOAD", LIBMEM}, {"LD_DEBUG", "bindings"}, {"LD_BIND_NOW", "1"}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(
      outcome.output,
      testing::ContainsRegex("binding file [^ ]*redis[^ ]* .*libmem.so .*normal symbol `malloc'"));
}

}  // namespace
