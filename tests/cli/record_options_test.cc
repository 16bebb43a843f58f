// What `allocreplay record` leaves out or adds when it is asked to: limits, windows, call sites,
// touched pages.
#include "tests/cli/record_fixture.h"

namespace replay::test {
namespace {

class RecordOptions : public Record {};

TEST_F(RecordOptions, StopsExactlyAtALimitOfEvents) {
  const Recording recording = record(kSubject + " loop 20000", "--limit 9k");
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.event_count, 9000u);
  EXPECT_EQ(trace.header.provenance.at("losses").at("stopped_at_limit"), "events");
  EXPECT_EQ(trace.loss("events_lost"), 0u);
}

TEST_F(RecordOptions, StopsAtALimitOfBytes) {
  const Trace trace = read(record(kSubject + " loop 20000", "--limit 0.2MB"));
  EXPECT_EQ(trace.header.provenance.at("losses").at("stopped_at_limit"), "bytes");
  // Of 64 KiB, three chunks fit; a malloc and a free are a word of eight bytes each.
  EXPECT_GT(trace.header.event_count, 3 * 65536u / 8 - 100);
  EXPECT_LE(trace.header.event_count, 3 * 65536u / 8);
}

// The loop lasts many times the limit; a machine may be too slow for any call before it.
TEST_F(RecordOptions, StopsAtALimitOfTime) {
  const Trace trace = read(record(kSubject + " loop 4000000", "--limit 0.01s"));
  EXPECT_EQ(trace.header.provenance.at("losses").at("stopped_at_limit"), "seconds");
  EXPECT_LT(trace.header.event_count, 8'000'000u);
  for (const Event& event : trace.events) ASSERT_LT(event.time_ns, 10'000'000u);
}

// 200 MB (sh counts blocks of 512 bytes): the largest files of a spool do not fit, and smaller ones
// do.
TEST_F(RecordOptions, FitsALimitOfFileSizes) {
  const Recording recording =
      record(kSubject + " loop 20000", "--sites=fp", "ulimit -f 400000; exec");
  EXPECT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(frees_of(trace, 701), 20'000u) << recording.text;
  EXPECT_GE(trace.header.provenance.at("recorder").at("sites").at("stacks"), 1);
}

// The spool takes most of what the limit leaves, in the program and in the recorder alike.
TEST_F(RecordOptions, FitsALimitOfAddressSpace) {
  if (kSanitized) GTEST_SKIP() << "the tool itself needs more address space than any limit";
  const Recording recording = record(kSubject + " exec " + kSubject + " loop 20000", "--sites=fp",
                                     "ulimit -v 1500000; exec");
  EXPECT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(frees_of(trace, 701), 20'000u) << recording.text;
  EXPECT_EQ(trace.header.provenance.at("losses").at("earlier_images").size(), 1u);
}

// The whole spool and what so many calls leave do not fit together.
TEST_F(RecordOptions, FitsALimitThatTheSpoolAllButFills) {
  if (kSanitized) GTEST_SKIP() << "the tool itself needs more address space than any limit";
  const Recording recording = record(kSubject + " loop 4000000", "", "ulimit -v 1070000; exec");
  ASSERT_EQ(recording.exit_code, 0) << recording.text;
  EXPECT_GT(TraceReader(recording.path).header().event_count, 8'000'000u);
}

// Where nothing fits, the program runs all the same.
TEST_F(RecordOptions, RunsTheProgramWhereALimitOfFileSizesForbidsASpool) {
  const std::string proof = dir_ / "proof";
  const Recording recording = record("touch " + proof, "", "ulimit -f 1000; exec");
  EXPECT_EQ(recording.exit_code, 1) << recording.text;
  EXPECT_NE(recording.text.find("ulimit -f"), std::string::npos) << recording.text;
  EXPECT_TRUE(fs::remove(proof));
  EXPECT_FALSE(left_over());
}

// Not even the control page: nothing runs, and that is said.
TEST_F(RecordOptions, SaysThatNoFileMayBeWritten) {
  const std::string proof = dir_ / "proof";
  const Recording recording = record("touch " + proof, "", "ulimit -f 1; exec");
  EXPECT_EQ(recording.exit_code, 1) << recording.text;
  EXPECT_NE(recording.text.find("control: cannot be made"), std::string::npos) << recording.text;
  EXPECT_FALSE(left_over());
}

// A window: what came before is left out and counted, and the trace makes sense on its own.
TEST_F(RecordOptions, StartsAfterSoManyCalls) {
  const Trace trace = read(record(kSubject + " loop 20000", "--start-after 9k"));
  const auto& window = trace.header.provenance.at("window");
  EXPECT_TRUE(window.at("opened").get<bool>());
  EXPECT_GE(window.at("calls_before"), 9000);
  EXPECT_LT(window.at("calls_before"), 9100);
  EXPECT_GT(trace.header.event_count, 30'000u);
  EXPECT_LE(trace.header.event_count, 31'100u);
  EXPECT_EQ(trace.loss("unmatched_frees"), 0u);
}

TEST_F(RecordOptions, AWindowHasLimits) {
  const Trace trace = read(record(kSubject + " loop 20000", "--start-after 9k --limit 1k"));
  EXPECT_EQ(trace.header.event_count, 1000u);
  EXPECT_EQ(trace.header.provenance.at("window").at("closed_by"), "events");
}

// The program goes on until the trace is there, however long that takes.
TEST_F(RecordOptions, StartsAfterATime) {
  const std::string script = dir_ / "script";
  std::ofstream(script) << "until test -s " << dir_ / "out.trace"
                        << "; do kill -0 $PPID || exit 1; x=$(echo a b); done\n";
  const Recording recording = record("bash " + script, "--start-after 0.001s --limit 100");
  ASSERT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.event_count, 100u);
  EXPECT_TRUE(trace.header.provenance.at("window").at("opened").get<bool>());
  EXPECT_GT(trace.header.provenance.at("window").at("calls_before"), 0);
}

TEST_F(RecordOptions, AWindowMayNeverOpen) {
  const Recording recording = record(kSubject + " loop 10", "--start-after signal");
  EXPECT_EQ(read(recording).header.event_count, 0u);
  EXPECT_NE(recording.text.find("before the recording began"), std::string::npos);
}

// The subject signals its parent, the recorder, and goes on until that has written the trace.
TEST_F(RecordOptions, ASignalOpensAndClosesTheWindow) {
  const std::string script = dir_ / "script";
  const std::string trace_path = dir_ / "out.trace";
  std::ofstream(script) << "kill -USR2 $PPID\n"
                           "until test -s " +
                               trace_path +
                               "; do kill -0 $PPID || exit 1; x=$(echo a b)\n"
                               "kill -USR2 $PPID; done\n";
  const Recording recording = record("bash " + script, "--start-after signal --signal USR2");
  ASSERT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.provenance.at("window").at("closed_by"), "signal");
  EXPECT_EQ(trace.header.provenance.at("ended").at("kind"), "running");
  EXPECT_NE(recording.text.find("runs on unrecorded"), std::string::npos) << recording.text;
}

TEST_F(RecordOptions, KeepsTheLastBytes) {
  const Trace trace = read(record(kSubject + " loop 100000", "--keep-last 0.3MB"));
  const auto& window = trace.header.provenance.at("window");
  EXPECT_GT(window.at("segments_dropped"), 20);
  const auto dropped = window.at("events_dropped").get<std::uint64_t>();
  EXPECT_GT(trace.header.event_count, 15'000u);
  EXPECT_LE(trace.header.event_count, 4 * 65536u / 8);
  // Nothing is missing between what was dropped and what was kept; the end is the program's.
  EXPECT_GE(dropped + trace.header.event_count + 2, 200'000u);
  EXPECT_EQ(trace.events.front().time_ns < trace.events.back().time_ns, true);
  EXPECT_EQ(trace.loss("unmatched_frees"), 0u);
  EXPECT_EQ(trace.loss("synthesised_frees"), 0u);
}

TEST_F(RecordOptions, KeepsTheLastBytesOfManyThreads) {
  const Recording recording =
      record(kSubject + " race", "--keep-last 2MB", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0");
  const Trace trace = read(recording);
  EXPECT_GT(trace.header.provenance.at("window").at("segments_dropped"), 100);
  EXPECT_EQ(trace.loss("unmatched_frees"), 0u);
  EXPECT_EQ(trace.loss("synthesised_frees"), 0u);
}

// Each thread has a chunk, and there are more of them than chunks to keep.
TEST_F(RecordOptions, KeepsTheLastBytesOfMoreThreadsThanItKeepsChunks) {
  const Recording recording = record(kSubject + " company 8", "--keep-last 256KB");
  EXPECT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.provenance.at("losses").at("disk_full"), false);
  EXPECT_EQ(trace.loss("events_lost"), 0u);
  EXPECT_GT(trace.header.event_count, 2 * 8100u);  // half of the four chunks
  EXPECT_LT(trace.header.event_count, 5 * 8192u);
  EXPECT_EQ(frees_of(trace, 424'243), 1u) << "the end is the program's";
}

TEST_F(RecordOptions, NamesTheStackOfEveryAllocation) {
  for (const char* mode : {"unwind", "fp"}) {
    const Recording recording = record(kSubject + " sites 300", std::string("--sites=") + mode);
    TraceReader reader(recording.path);
    std::size_t found = 0;
    std::uint32_t first = 0;
    std::vector<Event> births;
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      for (const Event& e : block) {
        // What was allocated before the library's constructor ran has none.
        if (e.op == Op::kFree || !births.empty()) {
          EXPECT_EQ(e.site == 0, e.op == Op::kFree) << mode;
        }
        if (e.op == Op::kMalloc && e.size == 801) births.push_back(e);
      }
    }
    ASSERT_EQ(births.size(), 300u) << recording.text;
    for (const Event& e : births) {
      if (first == 0) first = e.site;
      found += e.site == first ? 1 : 0;
      const auto stack = reader.sites().stack(e.site);
      ASSERT_GE(stack.size(), 3u) << mode;
      EXPECT_NE(reader.sites().text(stack[0]).find("innermost"), std::string::npos)
          << mode << ' ' << reader.sites().text(stack[0]);
      EXPECT_NE(reader.sites().text(stack[1]).find("outer"), std::string::npos) << mode;
    }
    EXPECT_EQ(found, 300u) << "one stack has one number";
  }
}

// A trace without what was asked for is no success to be silent about.
TEST_F(RecordOptions, SaysThatTheSitesCouldNotBeHad) {
  const Recording recording =
      record("bash -c 'echo x > $ALLOCRECORD_SPOOL/stacks-1; exec " + kSubject + " loop 50'",
             "--sites=fp --quiet");
  EXPECT_EQ(recording.exit_code, 0);
  EXPECT_NE(recording.text.find("LOST: all call sites"), std::string::npos) << recording.text;
  EXPECT_EQ(recording.text.find("nothing was lost"), std::string::npos) << recording.text;
  TraceReader reader(recording.path);
  EXPECT_EQ(reader.header().provenance.at("losses").at("sites_failed"), true);
}

// The script makes the file of the stacks seem full.
TEST_F(RecordOptions, SaysThatSomeSitesFoundNoRoom) {
  const std::string script = dir_ / "script";
  std::ofstream(script)
      << R"(printf '\0\0\0\0\0\001\0\0' | )"
      << "dd of=$ALLOCRECORD_SPOOL/stacks-0 bs=1 seek=8 conv=notrunc status=none\n"
      << "x=({1..200})\n";
  const Recording recording = record("bash " + script, "--sites=fp --quiet");
  EXPECT_EQ(recording.exit_code, 0);
  EXPECT_NE(recording.text.find("LOST: sites_lost = "), std::string::npos) << recording.text;
  EXPECT_GT(read(recording).loss("sites_lost"), 0u);
}

TEST_F(RecordOptions, NamesStacksOnAKernelThatKnowsLess) {
  const Recording recording =
      record("env LD_PRELOAD=" RECORDED_DIR "/librecorded_old_kernel.so " + kSubject + " sites 3",
             "--sites=fp");
  TraceReader reader(recording.path);
  EXPECT_EQ(reader.header().provenance.at("losses").at("sites_failed"), false) << recording.text;
  EXPECT_GE(reader.header().provenance.at("recorder").at("sites").at("stacks"), 1);
}

// What takes a stack must take no lock that the caller may hold.
TEST_F(RecordOptions, NamesStacksOfAThreadThatAsksForItsAttributesFirst) {
  const Recording recording = record(kSubject + " attributes 2", "--sites=fp");
  TraceReader reader(recording.path);
  std::vector<Event> births;
  for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
    for (const Event& e : block) {
      if (e.op == Op::kMalloc && e.size == 801) births.push_back(e);
    }
  }
  ASSERT_EQ(births.size(), 2u) << recording.text;
  for (const Event& e : births) {
    const auto stack = reader.sites().stack(e.site);
    ASSERT_GE(stack.size(), 3u);
    EXPECT_NE(reader.sites().text(stack[2]).find("ask_for_attributes"), std::string::npos)
        << reader.sites().text(stack[2]);
  }
}

// One may lie where the other was: then their return addresses are the same.
TEST_F(RecordOptions, TellsModulesThatTookTurnsApart) {
  const std::string modules[] = {RECORDED_DIR "/librecorded_going_804.so",
                                 RECORDED_DIR "/librecorded_going_805.so"};
  for (const char* mode : {"unwind", "fp"}) {
    const Recording recording =
        record(fmt::format("{0} take-turns {1} {2} {1}", kSubject, modules[0], modules[1]),
               std::string("--sites=") + mode);
    TraceReader reader(recording.path);
    std::vector<std::uint32_t> sites[2];
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      for (const Event& e : block) {
        if (e.op == Op::kMalloc && (e.size == 804 || e.size == 805)) {
          sites[e.size - 804].push_back(e.site);
        }
      }
    }
    ASSERT_EQ(sites[0].size(), 2u) << recording.text;
    ASSERT_EQ(sites[1].size(), 1u);
    EXPECT_EQ(sites[0][0], sites[0][1]) << "one stack has one number";
    for (const int i : {0, 1}) {
      const auto stack = reader.sites().stack(sites[i][0]);
      ASSERT_FALSE(stack.empty());
      EXPECT_EQ(reader.sites().modules.at(stack[0].module - 1).path, modules[i]) << mode;
    }
  }
}

// The program may be elsewhere when the trace is written, and the file gone.
TEST_F(RecordOptions, KnowsModulesByMoreThanAName) {
  const std::string name = "going.so";
  const std::string folder = fs::path(dir_ / name).parent_path();
  fs::copy(RECORDED_DIR "/librecorded_going_804.so", dir_ / name);
  const Recording recording =
      record(fmt::format("bash -c 'cd {} && exec {} remove-module ./{}'", folder, kSubject, name),
             "--sites=fp");
  TraceReader reader(recording.path);
  while (!reader.next_block().empty()) {
  }
  const auto& modules = reader.sites().modules;
  const auto module = std::find_if(modules.begin(), modules.end(),
                                   [&name](const auto& m) { return m.path.ends_with(name); });
  ASSERT_NE(module, modules.end()) << recording.text;
  EXPECT_TRUE(module->path.starts_with('/')) << module->path;
  EXPECT_TRUE(fs::equivalent(fs::path(module->path).parent_path(), folder)) << module->path;
  EXPECT_FALSE(module->build_id.empty());
}

// To take a stack, nothing is read from, written to, or kept of what the program may use.
TEST_F(RecordOptions, NamesStacksWithoutTheProgramsDescriptors) {
  const Recording recording = record(kSubject + " use-descriptors", "--sites");
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.provenance.at("ended").at("kind"), "exited") << recording.text;
  EXPECT_EQ(births_of(trace, 803), 3u);
  const auto lowest = [this](const char* options) {
    return read(record(kSubject + " lowest-descriptor", options)).header.provenance.at("ended");
  };
  EXPECT_EQ(lowest("--sites"), lowest(""));
}

// While a module's constructors run, the loader's lock is held.
TEST_F(RecordOptions, NamesStacksOfAThreadThatIsWaitedForUnderTheLoadersLock) {
  for (const char* mode : {"unwind", "fp"}) {
    const Recording recording = record(kSubject + " load " RECORDED_DIR "/librecorded_waiting.so",
                                       std::string("--sites=") + mode);
    EXPECT_EQ(frees_of(read(recording), 901), 1u) << recording.text;
  }
}

TEST_F(RecordOptions, SaysHowMuchOfABlockWasTouched) {
  const Trace trace = read(record(kSubject + " touch", "--residency"));
  EXPECT_TRUE(trace.header.has_touched);
  std::vector<std::uint64_t> objects;
  for (const Event& e : trace.events) {
    if (is_birth(e.op) && e.size == 900'001) objects.push_back(e.object);
  }
  ASSERT_EQ(objects.size(), 3u);
  std::vector<std::uint32_t> touched;
  for (const Event& e : trace.events) {
    if (e.op == Op::kFree && std::count(objects.begin(), objects.end(), e.object) != 0) {
      touched.push_back(e.touched);
    }
  }
  // The first page holds glibc's head of the block, so it is never untouched; 1 + pages.
  EXPECT_EQ(touched, (std::vector<std::uint32_t>{2, 12, 221}));
}

TEST_F(RecordOptions, WithoutItsOptionsATraceHasNeitherSitesNorTouchedPages) {
  const Trace trace = good("loop 10");
  EXPECT_FALSE(trace.header.has_sites);
  EXPECT_FALSE(trace.header.has_touched);
  EXPECT_TRUE(trace.header.provenance.at("window").is_null());
}

TEST_F(RecordOptions, RefusesANonsensicalLimit) {
  for (const char* limit : {"0", "0s", "x", "5y", "-3", "1e3s"}) {
    EXPECT_EQ(record("true", std::string("--limit=") + limit).exit_code, 2) << limit;
  }
  EXPECT_FALSE(left_over());
}

}  // namespace
}  // namespace replay::test
