#include "replay/record/recording.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

bool holds(int signal) {
  sigset_t held;
  ::sigprocmask(SIG_SETMASK, nullptr, &held);
  return ::sigismember(&held, signal) == 1;
}

// Whoever reads how to signal the recorder may do so at once, and must not kill it.
TEST(Recording, HoldsItsSignalBeforeItSaysThatItIsReady) {
  const test::TempFolder folder;
  RecordRequest request;
  request.trace_path = folder / "x.trace";
  request.command = {"true"};
  request.signal = SIGUSR2;
  bool held = false;
  const RecordReports reports{.ready = [&] { held = holds(SIGUSR2); },
                              .progress = [](const char*, std::uint64_t) {},
                              .written = [](const RecordOutcome&) {}};
  // Nothing is preloaded, so there is no trace.
  EXPECT_THROW(record_program(request, reports), Error);
  EXPECT_TRUE(held);
  EXPECT_FALSE(holds(SIGUSR2));
  EXPECT_EQ(folder.files(), 0u);
}

// Nothing is preloaded, so the trace of the window cannot be written while the program runs.
TEST(Recording, WaitsForTheProgramThoughItsTraceCannotBeWritten) {
  const test::TempFolder folder;
  const std::string enough = folder / "enough";
  RecordRequest request;
  request.trace_path = folder / "x.trace";
  request.command = {"sh", "-c",
                     "until test -e " + enough + "; do kill -0 " + std::to_string(::getpid()) +
                         " || exit 1; done"};
  request.signal = SIGUSR2;
  int reports_made = 0;
  constexpr int kMoreThanBeforeTheTrace = 4;
  const RecordReports reports{.ready = [] { ::kill(::getpid(), SIGUSR2); },
                              .progress =
                                  [&](const char*, std::uint64_t) {
                                    if (++reports_made == kMoreThanBeforeTheTrace)
                                      std::ofstream(enough).flush();
                                  },
                              .written = [](const RecordOutcome&) {}};
  EXPECT_THROW(record_program(request, reports), Error);
  EXPECT_GE(reports_made, kMoreThanBeforeTheTrace);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "the program runs on";
}

}  // namespace
}  // namespace replay
