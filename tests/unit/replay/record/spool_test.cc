#include "replay/record/spool.h"

#include <gtest/gtest.h>

namespace replay::spool {
namespace {

TEST(SpoolRecord, PacksWhatItIsGiven) {
  const std::uint64_t head = pack_head(RawOp::kTouched, kMaxTicks, kMaxNumber);
  EXPECT_EQ(op_of(head), RawOp::kTouched);
  EXPECT_EQ(ticks_of(head), kMaxTicks);
  EXPECT_EQ(number_of(head), kMaxNumber);
  EXPECT_EQ(op_of(pack_head(RawOp::kMalloc, kMaxTicks, 0)), RawOp::kMalloc);
  EXPECT_EQ(number_of(pack_head(RawOp::kFree, kMaxTicks, 5)), 5u);
}

// Every address that x86-64 gives to a program fits a head.
TEST(SpoolRecord, AnAddressFitsAHead) { EXPECT_GE(kMaxNumber << kAddressShift, 0x7fff'ffff'fff8u); }

TEST(SpoolRecord, ClipsSizesThatNoAddressSpaceHolds) {
  EXPECT_EQ(pack_size(~std::uint64_t{0}, 0), (std::uint64_t{1} << kSizeBits) - 1);
  EXPECT_EQ(pack_size(~std::uint64_t{0}, 63) >> kSizeBits, 63u);
}

TEST(SpoolRecord, AShortMallocComesBackWhole) {
  constexpr std::uint64_t kAddress = 0x7fff'ffff'fff0;
  constexpr std::uint64_t kSize = 0xffff;
  ASSERT_TRUE(fits_short(kAddress, kSize, upper_of(kAddress)));
  const std::uint64_t head = pack_short(kMaxTicks, kAddress, kSize);
  EXPECT_EQ(op_of(head), RawOp::kMallocShort);
  EXPECT_EQ(words_of(op_of(head)), 1u);
  EXPECT_TRUE(is_event(op_of(head)));
  EXPECT_EQ(ticks_of(head), kMaxTicks);
  EXPECT_EQ(short_address_of(head, upper_of(kAddress)), kAddress);
  EXPECT_EQ(short_size_of(head), kSize);
}

TEST(SpoolRecord, AMallocThatWouldLoseSomethingIsLong) {
  EXPECT_TRUE(fits_short(0x1'0000'0010, 8, 1));
  EXPECT_FALSE(fits_short(0x1'0000'0010, 8, 2));
  EXPECT_FALSE(fits_short(0x1'0000'0018, 8, 1));
  EXPECT_FALSE(fits_short(0x1'0000'0010, 0x10000, 1));
}

TEST(Window, OpensOnce) {
  Control control{};
  control.limit_ticks = 50;
  EXPECT_TRUE(open_window(control, 100));
  EXPECT_EQ(control.phase.load(), Phase::kRecording);
  EXPECT_EQ(control.limit_stamp.load(), 150u);
  EXPECT_FALSE(open_window(control, 200));
  EXPECT_EQ(control.window_stamp.load(), 100u);
  control.phase = Phase::kStopped;
  EXPECT_FALSE(open_window(control, 300));
}

TEST(SpoolRecord, AReallocIsOneEventOfTwoRecords) {
  EXPECT_FALSE(is_event(RawOp::kReallocRelease));
  EXPECT_TRUE(is_event(RawOp::kReallocBirth));
  EXPECT_TRUE(is_event(RawOp::kReallocFreed));
  EXPECT_FALSE(is_event(RawOp::kReallocKept));
  EXPECT_FALSE(is_event(RawOp::kThread));
}

}  // namespace
}  // namespace replay::spool
