#include "replay/cli/record_limit.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "replay/trace/error.h"

namespace replay::cli {
namespace {

TEST(RecordLimit, IsEventsBytesOrSeconds) {
  EXPECT_EQ(parse_record_limit("2000000").events, 2'000'000u);
  EXPECT_EQ(parse_record_limit("2M").events, 2'000'000u);
  EXPECT_EQ(parse_record_limit("2M").spool_bytes, spool::kNever);
  EXPECT_EQ(parse_record_limit("100MB").spool_bytes, 100'000'000u);
  EXPECT_EQ(parse_record_limit("100MB").events, spool::kNever);
  EXPECT_EQ(parse_record_limit("512B").spool_bytes, 512u);
  EXPECT_EQ(parse_record_limit("0.5s").time_ns, 500'000'000u);
  EXPECT_EQ(parse_record_limit("30s").time_ns, 30'000'000'000u);
}

TEST(RecordLimit, RefusesEverythingElse) {
  for (const char* text :
       {"", "s", "B", "0", "0MB", "0s", "-1", "-1s", "1h", "MB", "1e999s", "nans"}) {
    try {
      parse_record_limit(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage) << text;
    }
  }
}

TEST(RecordStart, IsCallsSecondsOrASignal) {
  EXPECT_EQ(parse_record_start("2M").calls, 2'000'000u);
  EXPECT_EQ(parse_record_start("0.5s").time_ns, 500'000'000u);
  EXPECT_TRUE(parse_record_start("signal").by_signal);
  EXPECT_FALSE(parse_record_start("2M").by_signal);
  for (const char* text : {"", "0", "1MB", "now"}) {
    EXPECT_THROW(parse_record_start(text), Error) << text;
  }
}

TEST(RecordBytes, AreBytes) {
  EXPECT_EQ(parse_record_bytes("2MB"), 2'000'000u);
  for (const char* text : {"", "2M", "1s", "B"}) {
    EXPECT_THROW(parse_record_bytes(text), Error) << text;
  }
}

TEST(Signal, HasANameOrANumber) {
  EXPECT_EQ(parse_signal("USR1"), SIGUSR1);
  EXPECT_EQ(parse_signal("SIGUSR2"), SIGUSR2);
  EXPECT_EQ(parse_signal(std::to_string(SIGWINCH)), SIGWINCH);
  for (const char* text : {"", "KILL", "TERM", "SIGINT", "0", "999", "usr"}) {
    EXPECT_THROW(parse_signal(text), Error) << text;
  }
}

}  // namespace
}  // namespace replay::cli
