#include "replay/cli/record_limit.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace replay::cli
