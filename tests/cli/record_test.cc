// `allocreplay record` from outside: programs with known calls, recorded and compared. Limits,
// windows and options: record_options_test.cc.
#include "tests/cli/record_fixture.h"

namespace replay::test {
namespace {

constexpr const char* kJemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";

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

TEST_F(Record, KnowsWhatGlibcMakesOfAnOddAlignment) {
  const std::vector<Call> expected = {{Op::kAligned, 1, 806, 5}, {Op::kFree, 1, 0, 0}};
  EXPECT_EQ(calls_of(good("odd-alignment")), expected);
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

// Operators are looked up before main, and those of a runtime loaded later without the loader's
// lock: a thread that is waited for may call them for the first time.
TEST_F(Record, LooksOperatorsUpThoughAThreadIsWaitedForUnderTheLoadersLock) {
  for (const std::string& program :
       {kSubject + " load ", std::string(RECORDED_DIR "/recorded_loading ")}) {
    const Trace trace = read(record(program + RECORDED_DIR "/librecorded_waiting.so"));
    EXPECT_EQ(frees_of(trace, 901), 1u) << program;
    EXPECT_EQ(frees_of(trace, 902), 1u) << program;
    expect_no_losses(trace);
  }
}

// jemalloc has its own operators, which call nothing that is hooked.
TEST_F(Record, KnowsEveryCxxOperatorOfAnAllocatorBehind) {
  if (kSanitized) GTEST_SKIP() << "the tool itself cannot run with an allocator preloaded";
  if (!fs::exists(kJemalloc)) GTEST_SKIP() << "libjemalloc2 is not installed";
  const Trace trace = good("cxx", std::string("LD_PRELOAD=") + kJemalloc);
  EXPECT_EQ(calls_of(trace), kCxxCalls);
  const auto path = trace.header.provenance.at("libraries").at("allocator").at("path");
  EXPECT_NE(path.get<std::string>().find("jemalloc"), std::string::npos);
}

// What such operators give is a part of what they asked malloc for, and no block of its own.
TEST_F(Record, RecordsOnceWhatOperatorsMakeOfMalloc) {
  const Trace trace = read(
      record("env LD_PRELOAD=" RECORDED_DIR "/librecorded_heading_new.so " + kSubject + " cxx"));
  std::vector<Call> expected = kCxxCalls;
  for (std::size_t i = 0; i < 4; ++i) std::get<2>(expected[i]) += 16;
  EXPECT_EQ(calls_of(trace), expected);
  expect_no_losses(trace);
}

TEST_F(Record, ServesCallsThatDlsymMakes) {
  if (kSanitized) GTEST_SKIP() << "the tool itself cannot run with a dlsym preloaded";
  const Trace trace = good("c", "LD_PRELOAD=" RECORDED_DIR "/librecorded_allocating_dlsym.so");
  EXPECT_EQ(calls_of(trace).size(), 16u);
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

// What was recorded before an exec outlives an image that cannot be made after it, of which no file
// is left.
TEST_F(Record, KeepsTheProgramBeforeOneThatCouldNotStart) {
  const std::string script = dir_ / "script";
  const std::string spool = dir_ / "spool";
  std::ofstream(script) << "ulimit -v 100000; exec sh -c 'ls $ALLOCRECORD_SPOOL > " << spool
                        << "'\n";
  const Recording recording = record("bash " + script, "--quiet");
  EXPECT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(trace.loss("failed_starts"), 1u);
  EXPECT_GT(trace.header.event_count, 100u);
  EXPECT_NE(recording.text.find("failed_starts = 1"), std::string::npos) << recording.text;
  std::stringstream files;
  files << std::ifstream(spool).rdbuf();
  EXPECT_NE(files.str().find("image-0"), std::string::npos) << files.str();
  EXPECT_EQ(files.str().find("image-1"), std::string::npos) << files.str();
}

// An image may be there and be none: of a program killed while it started.
TEST_F(Record, SkipsWhatIsNoImage) {
  const Recording recording =
      record("bash -c 'echo x > $ALLOCRECORD_SPOOL/image-1; exec " + kSubject + " loop 50'");
  EXPECT_EQ(recording.exit_code, 0) << recording.text;
  const Trace trace = read(recording);
  EXPECT_EQ(trace.loss("failed_starts"), 1u);
  EXPECT_GT(trace.header.event_count, 100u);
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

// The recorded process is the second of its namespace, and the subject of another.
TEST_F(Record, TellsProcessesOfTheSameNumberApart) {
  if (std::system("unshare -rpf true 2> /dev/null") != 0) GTEST_SKIP() << "no namespaces here";
  const Recording recording =
      record("unshare -pf sh -c '" + kSubject + " loop 50; true'", "", "unshare -rpf");
  const Trace trace = read(recording);
  EXPECT_EQ(births_of(trace, 701), 0u) << recording.text;
  EXPECT_EQ(trace.loss("child_programs_not_recorded"), 2u);
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
                        << "do kill -0 $PPID || exit 1; x=({1..2000}); done\n"
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

TEST_F(Record, EndsThoughItInheritedToIgnoreChildren) {
  const Recording recording =
      record(kSubject + " exit 3", "", R"(bash -c "trap '' CHLD; exec \"\$@\"" bash)");
  EXPECT_EQ(recording.exit_code, 0);
  EXPECT_NE(recording.text.find("exited with code 3"), std::string::npos);
}

// Nobody may be there to read how it went.
TEST_F(Record, SucceedsThoughItCannotSaySo) {
  for (const char* environment :
       {R"(bash -c "exec \"\$@\" 2> /dev/full" bash)",
        R"(bash -c "exec 3> >(:); wait \$!; exec \"\$@\" 2>&3 3>&-" bash)"}) {
    const Recording recording = record(kSubject + " loop 10", "", environment);
    EXPECT_EQ(recording.exit_code, 0) << environment;
    EXPECT_EQ(frees_of(read(recording), 701), 10u) << environment;
    fs::remove(recording.path);
    EXPECT_FALSE(left_over()) << environment;
  }
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

// Its trace is empty, or that of the program before, and neither is what was meant.
TEST_F(Record, SaysThatAProgramHasAnAllocatorOfItsOwn) {
  const std::string program = RECORDED_DIR "/recorded_own_allocator";
  for (const std::string& command : {program, kSubject + " exec " + program}) {
    const Recording recording = record(command, "--quiet");
    EXPECT_EQ(recording.exit_code, 0) << recording.text;
    EXPECT_EQ(read(recording).header.provenance.at("losses").at("own_allocator"), program);
    EXPECT_NE(recording.text.find("LOST: the calls of a program"), std::string::npos)
        << recording.text;
    EXPECT_EQ(recording.text.find("nothing was lost"), std::string::npos) << recording.text;
  }
}

TEST_F(Record, TellsAnAddressOfMallocFromAMalloc) {
  const Recording recording = record(RECORDED_DIR "/recorded_fixed_address", "--quiet");
  EXPECT_EQ(recording.text, "");
  EXPECT_EQ(frees_of(read(recording), 701), 1u);
}

TEST_F(Record, RefusesACommandThatIsNotThere) {
  const Recording recording = record("/no/such/program");
  EXPECT_EQ(recording.exit_code, 1);
  EXPECT_NE(recording.text.find("/no/such/program: cannot be run"), std::string::npos);
  EXPECT_FALSE(left_over());
}

TEST_F(Record, RefusesAnOutputFolderThatIsNotThere) {
  const std::string proof = dir_ / "proof";
  output_ = dir_ / "no/such/x.trace";
  const Recording recording = record("touch " + proof);
  EXPECT_EQ(recording.exit_code, 1);
  EXPECT_NE(recording.text.find("no/such"), std::string::npos) << recording.text;
  EXPECT_FALSE(fs::exists(proof));
  EXPECT_FALSE(left_over());
}

// Not after a run that may have taken hours.
TEST_F(Record, RefusesAFolderAsOutputBeforeTheProgramRuns) {
  fs::create_directory(dir_ / "out.trace");
  const std::string proof = dir_ / "proof";
  const Recording recording = record("touch " + proof);
  EXPECT_EQ(recording.exit_code, 1);
  EXPECT_NE(recording.text.find("out.trace: is a directory"), std::string::npos) << recording.text;
  EXPECT_FALSE(fs::exists(proof));
  fs::remove(recording.path);
  EXPECT_FALSE(left_over());
}

TEST_F(Record, QuietSaysNothingWhereNothingWasLost) {
  EXPECT_EQ(record(kSubject + " loop 10", "--quiet").text, "");
}

}  // namespace
}  // namespace replay::test
