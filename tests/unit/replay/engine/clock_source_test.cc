#include "replay/engine/clock_source.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(ClockSourceTest, FindsTheCounterAmongTheWordsOfAList) {
  EXPECT_TRUE(names_tsc("tsc kvm-clock acpi_pm \n"));
  EXPECT_TRUE(names_tsc("hpet tsc"));
  EXPECT_FALSE(names_tsc("kvm-clock hpet acpi_pm \n"));
  EXPECT_FALSE(names_tsc("tsc-early hpet"));
  EXPECT_FALSE(names_tsc("xtsc"));
  EXPECT_FALSE(names_tsc(""));
}

}  // namespace
}  // namespace replay
