#include "replay/record/spool_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

namespace fs = std::filesystem;

TEST(SpoolDirectory, HoldsTheControlPageAndGoesWithAllItHolds) {
  test::TempFolder dir;
  std::string path;
  {
    RecordOptions options;
    options.limits.events = 12;
    SpoolDirectory spool(dir / "x.trace", options);
    path = spool.path();
    EXPECT_TRUE(fs::path(path).is_absolute());
    EXPECT_TRUE(fs::exists(path + "/control"));
    EXPECT_EQ(spool.control().magic, spool::kControlMagic);
    EXPECT_EQ(spool.control().limit_events, 12u);
    EXPECT_EQ(spool.control().limit_stamp.load(), spool::kNever);
    EXPECT_EQ(spool.control().phase.load(), spool::Phase::kRecording);
    EXPECT_EQ(spool.image_path(3), path + "/image-3");
    fs::create_directory(path + "/image-0");
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(SpoolDirectory, ATimeLimitLiesAhead) {
  test::TempFolder dir;
  RecordOptions options;
  options.limits.time_ns = 1'000'000'000;
  SpoolDirectory spool(dir / "x.trace", options);
  EXPECT_LT(spool.control().limit_stamp.load(), spool::kNever);
}

// Then it counts from when that opens.
TEST(SpoolDirectory, ATimeLimitWaitsForTheWindow) {
  test::TempFolder dir;
  RecordOptions options;
  options.limits.time_ns = 1'000'000'000;
  options.start.by_signal = true;
  SpoolDirectory spool(dir / "x.trace", options);
  EXPECT_EQ(spool.control().phase.load(), spool::Phase::kWaiting);
  EXPECT_EQ(spool.control().limit_stamp.load(), spool::kNever);
  EXPECT_LT(spool.control().limit_ticks, spool::kNever);
}

TEST(SpoolDirectory, SaysWhereItCannotBeMade) {
  test::TempFolder dir;
  try {
    SpoolDirectory spool(dir / "no/x.trace", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("No such file"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace replay
