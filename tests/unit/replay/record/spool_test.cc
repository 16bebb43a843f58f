#include "replay/record/spool.h"

#include <gtest/gtest.h>

namespace replay::spool {
namespace {

TEST(SpoolRecord, PacksWhatItIsGiven) {
  const Record r{1, 2, pack(RawOp::kAligned, 21, 123'456'789)};
  EXPECT_EQ(op_of(r), RawOp::kAligned);
  EXPECT_EQ(size_of(r), 123'456'789u);
  EXPECT_EQ(align_log2_of(r), 21);
}

TEST(SpoolRecord, ClipsSizesThatNoAddressSpaceHolds) {
  const Record r{1, 2, pack(RawOp::kThread, 0, ~std::uint64_t{0})};
  EXPECT_EQ(size_of(r), (std::uint64_t{1} << kSizeBits) - 1);
  EXPECT_EQ(op_of(r), RawOp::kThread);
  EXPECT_EQ(align_log2_of(r), 0);
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
