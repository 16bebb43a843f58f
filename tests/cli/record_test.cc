// `allocreplay record` from outside: programs with known calls, recorded and compared.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "replay/trace/error.h"
#include "replay/trace/reader.h"
#include "replay/trace/validate.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

const std::string kSubject = RECORDED_DIR "/recorded_subject";
constexpr const char* kJemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";

struct Recording {
  int exit_code = -1;
  std::string text;  // what the tool said on stderr
  std::string path;
};

struct Trace {
  TraceHeader header;
  std::vector<Event> events;
  Validation validation;

  std::uint64_t loss(const char* key) const {
    return header.provenance.at("losses").at(key).get<std::uint64_t>();
  }
};

// An event with its object numbered from the first one of interest.
using Call = std::tuple<Op, std::uint64_t, std::uint64_t, int>;  // op, object, size, align log2

class Record : public ::testing::Test {
 protected:
  Recording record(const std::string& command, const std::string& options = "",
                   const std::string& environment = "") {
    Recording result;
    result.path = dir_ / "out.trace";
    const std::string log = dir_ / "log";
    const int status =
        std::system(fmt::format("{} {} record -o {} {} -- {} > /dev/null 2> {}", environment,
                                BIN_DIR "/allocreplay", result.path, options, command, log)
                        .c_str());
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::stringstream text;
    text << std::ifstream(log).rdbuf();
    result.text = text.str();
    fs::remove(log);
    return result;
  }

  static Trace read(const Recording& recording) {
    Trace trace;
    TraceReader reader(recording.path);
    trace.header = reader.header();
    Validator validator;
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) {
      validator.feed(block);
      trace.events.insert(trace.events.end(), block.begin(), block.end());
    }
    validator.expect_counts(trace.header);
    trace.validation = validator.result();
    EXPECT_EQ(trace.validation.violation, "");
    EXPECT_TRUE(trace.header.complete);
    return trace;
  }

  static void expect_no_losses(const Trace& trace) {
    for (const char* key : {"events_lost", "unmatched_frees", "unmatched_reallocs",
                            "synthesised_frees", "unfinished_reallocs"}) {
      EXPECT_EQ(trace.loss(key), 0u) << key;
    }
  }

  // Records the subject, which must succeed and lose nothing.
  Trace good(const std::string& arguments, const std::string& environment = "") {
    const Recording recording = record(kSubject + ' ' + arguments, "", environment);
    EXPECT_EQ(recording.exit_code, 0) << recording.text;
    Trace trace = read(recording);
    expect_no_losses(trace);
    EXPECT_EQ(trace.header.provenance.at("ended").dump(), R"({"kind":"exited","code":0})");
    return trace;
  }

  // The calls between the two marks.
  static std::vector<Call> calls_of(const Trace& trace) {
    const auto size_is = [](std::uint64_t size) {
      return [size](const Event& e) { return e.op == Op::kMalloc && e.size == size; };
    };
    const auto begin = std::find_if(trace.events.begin(), trace.events.end(), size_is(424'242));
    const auto end = std::find_if(begin, trace.events.end(), size_is(424'243));
    std::vector<Call> calls;
    if (begin == trace.events.end()) return calls;
    for (auto event = begin + 2; event < end; ++event) {
      calls.emplace_back(event->op, event->object - begin->object, event->size, event->align_log2);
    }
    return calls;
  }

  bool left_over() const { return !fs::is_empty(fs::path(dir_ / "x").parent_path()); }

  TempFolder dir_;
};

TEST_F(Record, KnowsEveryCFunction) {
  const std::vector<Call> expected = {
      {Op::kMalloc, 1, 101, 0},  {Op::kCalloc, 2, 102, 0},      {Op::kAligned, 3, 103, 6},
      {Op::kAligned, 4, 256, 7}, {Op::kAligned, 5, 105, 5},     {Op::kAligned, 6, 106, 12},
      {Op::kMalloc, 7, 107, 0},  {Op::kRealloc, 1, 100'001, 0}, {Op::kRealloc, 2, 150, 0},
      {Op::kFree, 7, 0, 0},      {Op::kFree, 6, 0, 0},          {Op::kFree, 5, 0, 0},
      {Op::kFree, 4, 0, 0},      {Op::kFree, 3, 0, 0},          {Op::kFree, 2, 0, 0},
      {Op::kFree, 1, 0, 0}};
  EXPECT_EQ(calls_of(good("c")), expected);
}

const std::vector<Call> kCxxCalls = {
    {Op::kMalloc, 1, 201, 0},  {Op::kMalloc, 2, 202, 0},  {Op::kMalloc, 3, 203, 0},
    {Op::kMalloc, 4, 204, 0},  {Op::kAligned, 5, 256, 6}, {Op::kAligned, 6, 320, 6},
    {Op::kAligned, 7, 384, 6}, {Op::kAligned, 8, 448, 6}, {Op::kFree, 1, 0, 0},
    {Op::kFree, 2, 0, 0},      {Op::kFree, 3, 0, 0},      {Op::kFree, 4, 0, 0},
    {Op::kFree, 5, 0, 0},      {Op::kFree, 6, 0, 0},      {Op::kFree, 7, 0, 0},
    {Op::kFree, 8, 0, 0}};

// libstdc++'s operators call malloc, and must not be recorded twice.
TEST_F(Record, KnowsEveryCxxOperator) { EXPECT_EQ(calls_of(good("cxx")), kCxxCalls); }

// jemalloc has its own operators, which call nothing that is hooked.
TEST_F(Record, KnowsEveryCxxOperatorOfAnAllocatorBehind) {
  if (kSanitized) GTEST_SKIP() << "the tool itself cannot run with an allocator preloaded";
  if (!fs::exists(kJemalloc)) GTEST_SKIP() << "libjemalloc2 is not installed";
  const Trace trace = good("cxx", std::string("LD_PRELOAD=") + kJemalloc);
  EXPECT_EQ(calls_of(trace), kCxxCalls);
  const auto path = trace.header.provenance.at("libraries").at("allocator").at("path");
  EXPECT_NE(path.get<std::string>().find("jemalloc"), std::string::npos);
}

TEST_F(Record, ServesCallsThatDlsymMakes) {
  if (kSanitized) GTEST_SKIP() << "the tool itself cannot run with a dlsym preloaded";
  const Trace trace = good("c", "LD_PRELOAD=" RECORDED_DIR "/librecorded_allocating_dlsym.so");
  EXPECT_EQ(calls_of(trace).size(), 16u);
}

std::size_t births_of(const Trace& trace, std::uint64_t size) {
  return static_cast<std::size_t>(
      std::count_if(trace.events.begin(), trace.events.end(),
                    [size](const Event& e) { return is_birth(e.op) && e.size == size; }));
}

std::size_t frees_of(const Trace& trace, std::uint64_t size) {
  std::vector<std::uint64_t> objects;
  for (const Event& e : trace.events) {
    if (is_birth(e.op) && e.size == size) objects.push_back(e.object);
  }
  return static_cast<std::size_t>(
      std::count_if(trace.events.begin(), trace.events.end(), [&objects](const Event& e) {
        return e.op == Op::kFree && std::binary_search(objects.begin(), objects.end(), e.object);
      }));
}

TEST_F(Record, PassesFailuresThroughAndCountsThem) {
  const Trace trace = good("failures");
  EXPECT_EQ(births_of(trace, 301), 1u);
  EXPECT_EQ(frees_of(trace, 301), 1u);
  // malloc, calloc, realloc, new and new(nothrow); reallocarray overflows before it calls anything.
  EXPECT_EQ(trace.loss("failed_allocations"), 5u);
}

TEST_F(Record, RecordsWhatANewHandlerFrees) {
  const Trace trace = good("new-handler");
  EXPECT_EQ(births_of(trace, 302), 1u);
  EXPECT_EQ(frees_of(trace, 302), 1u);
}

TEST_F(Record, FollowsThreadsThatComeAndGo) {
  const Trace trace = good("threads 1000");
  EXPECT_EQ(births_of(trace, 501), 1000u);
  EXPECT_EQ(frees_of(trace, 501), 1000u);
  EXPECT_EQ(trace.header.thread_count, 1001u);
}

// A thousand threads need 63 MB if each keeps a chunk to itself.
TEST_F(Record, GivesWhatADeadThreadLeftToTheNext) {
  const Recording recording = record(kSubject + " threads 1000", "--limit 10MB");
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.provenance.at("losses").at("stopped_at_limit"), "none");
  EXPECT_EQ(frees_of(trace, 501), 1000u);
}

TEST_F(Record, RecordsCallsOfThreadDestructors) {
  const Trace trace = good("destructors 20");
  EXPECT_EQ(births_of(trace, 502), 20u);
  EXPECT_EQ(frees_of(trace, 502), 20u);
}

TEST_F(Record, KeepsTheLivesOfAnAddressApart) {
  const Trace trace = good("race", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0");
  EXPECT_EQ(trace.header.thread_count, 5u);
  EXPECT_GT(trace.header.event_count, 2'000'000u);
}

TEST_F(Record, LeavesForkedChildrenAlone) {
  const Trace trace = good("fork");
  EXPECT_EQ(births_of(trace, 601), 1u);
  EXPECT_EQ(frees_of(trace, 601), 1u);
  EXPECT_EQ(births_of(trace, 602), 0u);
  EXPECT_EQ(trace.loss("children_not_recorded"), 1u);
}

TEST_F(Record, FollowsExecAndSaysSo) {
  const Trace trace = good("exec " + kSubject + " c");
  EXPECT_EQ(calls_of(trace).size(), 16u);
  const auto& earlier = trace.header.provenance.at("losses").at("earlier_images");
  ASSERT_EQ(earlier.size(), 1u);
  EXPECT_GE(earlier[0].at("events").get<int>(), 2);
}

// A program that clears its environment takes the recorder's variables out too.
TEST_F(Record, FollowsExecWithAClearedEnvironment) {
  for (const char* function : {"execv", "execve", "execvp", "execvpe", "execl", "execlp", "execle",
                               "fexecve", "execveat"}) {
    const Trace trace = good(fmt::format("become {} {} kept", function, kSubject));
    EXPECT_EQ(frees_of(trace, 701), 701u) << function;
    EXPECT_EQ(trace.header.provenance.at("losses").at("earlier_images").size(), 1u) << function;
    EXPECT_EQ(trace.loss("execs_not_followed"), 0u) << function;
  }
  EXPECT_EQ(calls_of(read(record("env -i " + kSubject + " c"))).size(), 16u);
}

// Whoever replaces LD_PRELOAD keeps what it put there, and is recorded.
TEST_F(Record, FollowsExecWithAnotherLibraryPreloaded) {
  if (kSanitized || !fs::exists(kJemalloc)) GTEST_SKIP() << "no libjemalloc2, or a sanitizer";
  const Recording recording =
      record(fmt::format("env -i LD_PRELOAD=/no/such.so LD_PRELOAD={} {} c", kJemalloc, kSubject));
  const Trace trace = read(recording);
  EXPECT_EQ(calls_of(trace).size(), 16u);
  const auto path = trace.header.provenance.at("libraries").at("allocator").at("path");
  EXPECT_NE(path.get<std::string>().find("jemalloc"), std::string::npos);
}

// The trace of what ran before is no trace of what was meant, so that is said at any rate.
TEST_F(Record, SaysThatAnExecCouldNotBeFollowed) {
  const std::string static_subject = RECORDED_DIR "/recorded_static_subject";
  const Recording recording = record(kSubject + " exec " + static_subject, "--quiet");
  EXPECT_EQ(read(recording).loss("execs_not_followed"), 1u);
  EXPECT_NE(recording.text.find("execs_not_followed = 1"), std::string::npos) << recording.text;
  EXPECT_EQ(good("exec " + kSubject + " c").loss("execs_not_followed"), 0u);
  EXPECT_EQ(good("fail-to-become").loss("execs_not_followed"), 0u);
}

TEST_F(Record, CountsChildProgramsWithAClearedEnvironment) {
  for (const char* function : {"posix_spawn", "posix_spawnp"}) {
    const Trace trace = good(fmt::format("spawn {} {} kept", function, kSubject));
    EXPECT_EQ(trace.loss("child_programs_not_recorded"), 1u) << function;
    EXPECT_EQ(births_of(trace, 701), 0u) << function;
  }
}

// A recorder under a recorder: what the inner one gives its program is not put aside.
TEST_F(Record, LeavesAnotherRecordersVariablesAlone) {
  if (kSanitized) GTEST_SKIP() << "the tool itself cannot run with the library preloaded";
  const std::string inner = dir_ / "inner.trace";
  const Recording outer =
      record(fmt::format("{} record -o {} -- {} c", BIN_DIR "/allocreplay", inner, kSubject));
  EXPECT_EQ(calls_of(read({0, "", inner})).size(), 16u) << outer.text;
  EXPECT_EQ(read(outer).header.provenance.at("command").at(1), "record");
}

TEST_F(Record, SaysThatChildProgramsAreNotRecorded) {
  const Recording recording = record("sh -c '" + kSubject + " loop 50; true'");
  const Trace trace = read(recording);
  EXPECT_EQ(trace.loss("child_programs_not_recorded"), 1u);
  EXPECT_EQ(births_of(trace, 701), 0u);
}

TEST_F(Record, KeepsWhatWasRecordedBeforeSigkill) {
  const Recording recording = record(kSubject + " killed 10000");
  EXPECT_EQ(recording.exit_code, 0) << recording.text;
  EXPECT_NE(recording.text.find("killed by signal 9"), std::string::npos);
  const Trace trace = read(recording);
  EXPECT_EQ(frees_of(trace, 701), 10'000u);
  EXPECT_EQ(trace.loss("unmatched_frees"), 0u);
  EXPECT_EQ(trace.header.provenance.at("ended").at("signal"), 9);
}

// What the recorder has copied by then, and what it has not.
TEST_F(Record, LosesNothingAfterChunksWereUsedAgain) {
  const std::string script = dir_ / "script";
  std::ofstream(script) << "until test -s " << dir_ / "out.trace"
                        << ".spool.*/drained-0\n"
                        << "do x=({1..2000}); done\n"
                        << "x=({1..20000}); kill -9 $$\n";
  const Recording recording = record("bash " + script);
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.provenance.at("ended").at("signal"), 9);
  expect_no_losses(trace);
  EXPECT_GT(trace.header.event_count, 2 * 8192u);
}

TEST_F(Record, SurvivesProgramsThatCloseAllDescriptors) {
  EXPECT_EQ(frees_of(good("close-all 20000"), 701), 20'000u);
}

TEST_F(Record, TellsTheCommandsFateAndSucceeds) {
  const Recording recording = record(kSubject + " exit 3");
  EXPECT_EQ(recording.exit_code, 0);
  EXPECT_NE(recording.text.find("exited with code 3"), std::string::npos);
  EXPECT_EQ(read(recording).header.provenance.at("ended").at("code"), 3);
}

TEST_F(Record, StopsExactlyAtALimitOfEvents) {
  const Recording recording = record(kSubject + " loop 20000", "--limit 9k");
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.event_count, 9000u);
  EXPECT_EQ(trace.header.provenance.at("losses").at("stopped_at_limit"), "events");
  EXPECT_EQ(trace.loss("events_lost"), 0u);
}

TEST_F(Record, StopsAtALimitOfBytes) {
  const Trace trace = read(record(kSubject + " loop 20000", "--limit 0.2MB"));
  EXPECT_EQ(trace.header.provenance.at("losses").at("stopped_at_limit"), "bytes");
  // Of 64 KiB, three chunks fit; a malloc and a free are a word of eight bytes each.
  EXPECT_GT(trace.header.event_count, 3 * 65536u / 8 - 100);
  EXPECT_LE(trace.header.event_count, 3 * 65536u / 8);
}

TEST_F(Record, StopsAtALimitOfTime) {
  const Trace trace = read(record(kSubject + " loop 400000", "--limit 0.001s"));
  EXPECT_EQ(trace.header.provenance.at("losses").at("stopped_at_limit"), "seconds");
  EXPECT_LT(trace.events.back().time_ns, 1'000'000u);
}

// A window: what came before is left out and counted, and the trace makes sense on its own.
TEST_F(Record, StartsAfterSoManyCalls) {
  const Trace trace = read(record(kSubject + " loop 20000", "--start-after 9k"));
  const auto& window = trace.header.provenance.at("window");
  EXPECT_TRUE(window.at("opened").get<bool>());
  EXPECT_GE(window.at("calls_before"), 9000);
  EXPECT_LT(window.at("calls_before"), 9100);
  EXPECT_GT(trace.header.event_count, 30'000u);
  EXPECT_LE(trace.header.event_count, 31'100u);
  EXPECT_EQ(trace.loss("unmatched_frees"), 0u);
}

TEST_F(Record, AWindowHasLimits) {
  const Trace trace = read(record(kSubject + " loop 20000", "--start-after 9k --limit 1k"));
  EXPECT_EQ(trace.header.event_count, 1000u);
  EXPECT_EQ(trace.header.provenance.at("window").at("closed_by"), "events");
}

TEST_F(Record, AWindowMayNeverOpen) {
  const Recording recording = record(kSubject + " loop 10", "--start-after signal");
  EXPECT_EQ(read(recording).header.event_count, 0u);
  EXPECT_NE(recording.text.find("before the recording began"), std::string::npos);
}

// The subject signals its parent, the recorder, and goes on until that has written the trace.
TEST_F(Record, ASignalOpensAndClosesTheWindow) {
  const std::string script = dir_ / "script";
  const std::string trace_path = dir_ / "out.trace";
  std::ofstream(script) << "kill -USR2 $PPID\n"
                           "until test -s " +
                               trace_path +
                               "; do kill -0 $PPID; x=$(echo a b)\n"
                               "kill -USR2 $PPID; done\n";
  const Recording recording = record("bash " + script, "--start-after signal --signal USR2");
  ASSERT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(trace.header.provenance.at("window").at("closed_by"), "signal");
  EXPECT_EQ(trace.header.provenance.at("ended").at("kind"), "running");
  EXPECT_NE(recording.text.find("runs on unrecorded"), std::string::npos) << recording.text;
}

TEST_F(Record, KeepsTheLastBytes) {
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

TEST_F(Record, KeepsTheLastBytesOfManyThreads) {
  const Recording recording =
      record(kSubject + " race", "--keep-last 2MB", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0");
  const Trace trace = read(recording);
  EXPECT_GT(trace.header.provenance.at("window").at("segments_dropped"), 100);
  EXPECT_EQ(trace.loss("unmatched_frees"), 0u);
  EXPECT_EQ(trace.loss("synthesised_frees"), 0u);
}

TEST_F(Record, NamesTheStackOfEveryAllocation) {
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

TEST_F(Record, SaysHowMuchOfABlockWasTouched) {
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

TEST_F(Record, WithoutItsOptionsATraceHasNeitherSitesNorTouchedPages) {
  const Trace trace = good("loop 10");
  EXPECT_FALSE(trace.header.has_sites);
  EXPECT_FALSE(trace.header.has_touched);
  EXPECT_TRUE(trace.header.provenance.at("window").is_null());
}

TEST_F(Record, SaysWhereTheTraceComesFrom) {
  const Trace trace = good("loop 10");
  const auto& from = trace.header.provenance;
  EXPECT_EQ(from.at("command").dump(), fmt::format(R"(["{}","loop","10"])", kSubject));
  EXPECT_EQ(from.at("libraries").at("program").at("path"), kSubject);
  EXPECT_EQ(from.at("recorder").at("time_unit_ns"), 100);
  EXPECT_EQ(trace.header.time_unit_ns, 100u);
  EXPECT_GT(trace.header.start_unix_ns, 0u);
}

TEST_F(Record, LeavesNothingButTheTrace) {
  const Recording recording = record(kSubject + " loop 10");
  fs::remove(recording.path);
  EXPECT_FALSE(left_over());
}

TEST_F(Record, RefusesWhatCannotBePreloaded) {
  const Recording recording = record(RECORDED_DIR "/recorded_static_subject");
  EXPECT_EQ(recording.exit_code, 1);
  EXPECT_NE(recording.text.find("statically linked"), std::string::npos) << recording.text;
  EXPECT_FALSE(left_over());
}

TEST_F(Record, RefusesACommandThatIsNotThere) {
  const Recording recording = record("/no/such/program");
  EXPECT_EQ(recording.exit_code, 1);
  EXPECT_NE(recording.text.find("/no/such/program: cannot be run"), std::string::npos);
  EXPECT_FALSE(left_over());
}

TEST_F(Record, RefusesAnOutputFolderThatIsNotThere) {
  const Recording recording = record("true", "-o " + dir_ / "no/such/x.trace");
  EXPECT_NE(recording.exit_code, 0);
  EXPECT_FALSE(left_over());
}

TEST_F(Record, RefusesANonsensicalLimit) {
  for (const char* limit : {"0", "0s", "x", "5y", "-3", "1e3s"}) {
    EXPECT_EQ(record("true", std::string("--limit=") + limit).exit_code, 2) << limit;
  }
  EXPECT_FALSE(left_over());
}

TEST_F(Record, QuietSaysNothingWhereNothingWasLost) {
  EXPECT_EQ(record(kSubject + " loop 10", "--quiet").text, "");
}

}  // namespace
}  // namespace replay
