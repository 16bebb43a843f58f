#include "replay/record/recording.h"

#include <gtest/gtest.h>
#include <signal.h>

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

}  // namespace
}  // namespace replay
