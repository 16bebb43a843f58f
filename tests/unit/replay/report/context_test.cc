#include "replay/report/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "replay/trace/error.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

TEST(ContextTest, SaysWhatMachineAndBuildThisIs) {
  const auto context = collect_context();
  EXPECT_GE(context["host"]["logical_cpus"].get<int>(), 1);
  EXPECT_THAT(context["host"]["kernel"].get<std::string>(), ::testing::StartsWith("Linux "));
  EXPECT_FALSE(context["build"]["git_revision"].get<std::string>().empty());
  EXPECT_TRUE(context["libraries"].contains("glibc"));
}

TEST(ContextTest, HashesAsSha256sumDoes) {
  test::TempFolder dir;
  std::ofstream(dir / "abc") << "abc";
  EXPECT_EQ(file_sha256(dir / "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THROW(file_sha256(dir / "missing"), Error);
}

}  // namespace
}  // namespace replay
