#include "core/os/report.h"

#include <gtest/gtest.h>

namespace mem {
namespace {

const void* address() { return reinterpret_cast<const void*>(0xabc0123456789def); }

TEST(ReportDeathTest, NamesAddressAndReason) {
  EXPECT_DEATH(report_double_free(address()),
               "mem: double free of 0xabc0123456789def: .*free already");
  EXPECT_DEATH(report_foreign_pointer(nullptr), "mem: invalid free of 0x0: it is in no memory");
  EXPECT_DEATH(report_misaligned_pointer(address()), "invalid free of 0xabc.*misaligned");
  EXPECT_DEATH(report_interior_pointer(address(), nullptr), "0xabc.*points into the block at 0x0");
  EXPECT_DEATH(report_corrupted_header(nullptr, address()), "corrupted header at 0xabc");
  EXPECT_DEATH(report_corrupted_free_list(address()), "corrupted free list at 0xabc");
  EXPECT_DEATH(report_move_failed(address()), "out of memory .* block at 0xabc.* were moved");
  EXPECT_DEATH(report_new_failed(), "operator new is out of memory");
}

TEST(ReportDeathTest, Aborts) {
  EXPECT_EXIT(report_double_free(address()), testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace mem
