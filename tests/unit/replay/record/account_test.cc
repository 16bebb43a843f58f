#include "replay/record/account.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace replay {
namespace {

using spool::StopReason;

class Account : public ::testing::Test {
 protected:
  Account() {
    control_->images = 1;
    control_->window_end = spool::kNever;
    control_->phase = spool::Phase::kRecording;
  }
  nlohmann::ordered_json losses() {
    return losses_of(request_, *control_, *header_, counts_, nlohmann::ordered_json::array());
  }
  nlohmann::ordered_json window(const std::string& closed_by) {
    return window_of(request_, *control_, *header_, StampClock({}, {}), counts_, closed_by);
  }

  RecordRequest request_;
  std::unique_ptr<spool::Control> control_ = std::make_unique<spool::Control>();
  std::unique_ptr<spool::ImageHeader> header_ = std::make_unique<spool::ImageHeader>();
  MergeCounts counts_;
};

TEST_F(Account, NamesWhatStoppedTheRecording) {
  EXPECT_EQ(losses().at("stopped_at_limit"), "none");
  control_->phase = spool::Phase::kStopped;
  EXPECT_EQ(losses().at("stopped_at_limit"), "seconds");
  control_->window_end = 5;
  EXPECT_EQ(losses().at("stopped_at_limit"), "signal");
  header_->stop_reason = static_cast<std::uint32_t>(StopReason::kSpoolLimit);
  EXPECT_EQ(losses().at("stopped_at_limit"), "bytes");
}

TEST_F(Account, ALimitOfEventsMayStopTheMergeAlone) {
  request_.options.limits.events = 10;
  counts_.events = 10;
  EXPECT_EQ(losses().at("stopped_at_limit"), "events");
}

// Beyond a full disk's moment threads may still have had room; that is cut off, and lost.
TEST_F(Account, AFullDiskLosesWhatTheMergeCutsOff) {
  header_->lost_events = 3;
  counts_.cut_events = 4;
  EXPECT_EQ(losses().at("events_lost"), 3);
  header_->stop_reason = static_cast<std::uint32_t>(StopReason::kSpoolFull);
  EXPECT_EQ(losses().at("events_lost"), 7);
  EXPECT_EQ(losses().at("disk_full"), true);
}

TEST_F(Account, CountsExecsThatNoImageFollowed) {
  control_->execs = 2;
  EXPECT_EQ(losses().at("execs_not_followed"), 2);
  control_->images = 3;
  EXPECT_EQ(losses().at("execs_not_followed"), 0);
}

TEST_F(Account, NamesAnAllocatorThatComesBeforeTheLibrary) {
  EXPECT_EQ(losses().at("own_allocator"), "");
  std::strcpy(control_->own_allocator, "/bin/own");
  EXPECT_EQ(losses().at("own_allocator"), "/bin/own");
}

TEST_F(Account, CountsCallsWhoseSiteFoundNoRoom) {
  header_->unknown_sites = 9;
  EXPECT_EQ(losses().at("sites_lost"), 9);
}

TEST_F(Account, AWindowIsToldOfOnlyWhereThereIsOne) {
  EXPECT_TRUE(window("none").is_null());
  EXPECT_EQ(window("events").at("closed_by"), "events");
  request_.options.start.by_signal = true;
  control_->phase = spool::Phase::kWaiting;
  EXPECT_EQ(window("none").at("opened"), false);
}

TEST_F(Account, TellsOfOptionsOnlyWhereTheyWereUsed) {
  header_->chunks = 3;
  header_->dropped_chunks = 1;
  const auto plain = recorder_of(request_, *header_, 0);
  EXPECT_FALSE(plain.contains("sites"));
  EXPECT_FALSE(plain.contains("residency"));
  EXPECT_EQ(plain.at("spool_bytes"), 2 * spool::kChunkBytes);
  request_.options.sites = spool::SitesMode::kFramePointers;
  request_.options.residency = true;
  const auto full = recorder_of(request_, *header_, 7);
  EXPECT_EQ(full.at("sites").at("stacks"), 7);
  EXPECT_EQ(full.at("sites").at("method"), "frame pointers");
  EXPECT_TRUE(full.contains("residency"));
}

TEST_F(Account, AProgramThatRunsOnHasNoFateYet) {
  const auto running = provenance_of(request_, *header_, std::nullopt);
  EXPECT_EQ(running.at("ended").at("kind"), "running");
  EXPECT_TRUE(running.at("usage").is_null());
  Fate fate;
  fate.recorder_ns = 12;
  EXPECT_EQ(provenance_of(request_, *header_, fate).at("usage").at("recorder_ns"), 12);
}

}  // namespace
}  // namespace replay
