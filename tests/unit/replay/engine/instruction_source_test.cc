#include "replay/engine/instruction_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/error_of.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

using ::testing::HasSubstr;

std::uint64_t counted = 0;
const PerfKernel kCountingKernel = {
    [](perf_event_attr*) { return counted == 0 ? -1 : 100; },
    [](int, void* buffer, std::size_t bytes) -> long {
      const std::uint64_t reading[3] = {counted, 1, 1};
      std::memcpy(buffer, reading, bytes);
      return static_cast<long>(bytes);
    },
    [](int, unsigned long) { return 0; },
    [](int) -> const perf_event_mmap_page* { return nullptr; },
    [](const perf_event_mmap_page*) {},
    [](int) {},
};

class InstructionSourceTest : public ::testing::Test {
 protected:
  InstructionSourceTest() { counted = 0; }

  // A folder with a program called valgrind, and a PATH that leads there.
  std::string path_with_valgrind() {
    const std::filesystem::path program = dir_ / "valgrind";
    std::ofstream(program) << "#!/bin/sh\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return "/nowhere::" + program.parent_path().string();
  }

  test::TempFolder dir_;
};

TEST_F(InstructionSourceTest, TakesHardwareCountersWhereTheyCount) {
  counted = 100'000;
  const InstructionSource source =
      find_instruction_source("auto", path_with_valgrind(), kCountingKernel);
  EXPECT_EQ(source.tool, InstructionTool::kPerf);
  EXPECT_STREQ(source.name(), "perf");
}

TEST_F(InstructionSourceTest, TakesCallgrindElsewhereOrWhenAskedTo) {
  const InstructionSource source =
      find_instruction_source("auto", path_with_valgrind(), kCountingKernel);
  EXPECT_EQ(source.tool, InstructionTool::kCallgrind);
  EXPECT_EQ(source.valgrind, (dir_ / "valgrind"));
  EXPECT_STREQ(source.name(), "callgrind");
  counted = 100'000;
  EXPECT_EQ(find_instruction_source("callgrind", path_with_valgrind(), kCountingKernel).tool,
            InstructionTool::kCallgrind);
}

TEST_F(InstructionSourceTest, SaysWhatIsMissingAndHowToGetIt) {
  EXPECT_THAT(test::error_of([] { find_instruction_source("auto", "/nowhere", kCountingKernel); }),
              ::testing::AllOf(HasSubstr("perf_event_open"), HasSubstr("Debian package valgrind")));
  EXPECT_THAT(test::error_of([] { find_instruction_source("callgrind", "", kCountingKernel); }),
              HasSubstr("Debian package valgrind"));
  EXPECT_THAT(test::error_of(
                  [&] { find_instruction_source("perf", path_with_valgrind(), kCountingKernel); }),
              HasSubstr("perf_event_open counts no instructions here"));
}

}  // namespace
}  // namespace replay
