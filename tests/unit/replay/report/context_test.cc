#include "replay/report/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace replay {
namespace {

TEST(ContextTest, SaysWhatMachineAndBuildThisIs) {
  const auto context = collect_context();
  EXPECT_GE(context["host"]["logical_cpus"].get<int>(), 1);
  EXPECT_THAT(context["host"]["kernel"].get<std::string>(), ::testing::StartsWith("Linux "));
  EXPECT_FALSE(context["build"]["git_revision"].get<std::string>().empty());
  EXPECT_TRUE(context["libraries"].contains("glibc"));
}

}  // namespace
}  // namespace replay
