#include "replay/trace/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/error_of.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::error_of;
using test::read_file;
using test::TempFolder;
using testing::HasSubstr;

TEST(OutputFileTest, AppearsOnCommitWithAllThatWasWritten) {
  const TempFolder folder;
  const std::string big(300000, 'b');
  OutputFile file(folder / "out");
  file.append("head ");
  file.append(big);
  file.overwrite(1, "EAD");
  file.append("end");
  EXPECT_EQ(folder.files(), 0U);
  EXPECT_EQ(file.size(), 5 + big.size() + 3);
  file.commit();
  EXPECT_EQ(read_file(folder / "out"), "hEAD " + big + "end");
  EXPECT_EQ(folder.files(), 1U);
}

TEST(OutputFileTest, ReplacesTheTargetOnlyOnCommit) {
  const TempFolder folder;
  test::write_file(folder / "out", "old");
  { OutputFile(folder / "out").append("new"); }
  EXPECT_EQ(read_file(folder / "out"), "old");
  OutputFile file(folder / "out");
  file.append("new");
  file.commit();
  EXPECT_EQ(read_file(folder / "out"), "new");
  EXPECT_EQ(folder.files(), 1U);
}

TEST(OutputFileTest, GapsMoveWhatFollows) {
  const TempFolder folder;
  std::string body;
  for (int i = 0; i < 400000; ++i) body += std::to_string(i);
  OutputFile file(folder / "out");
  file.append("head" + body);
  file.open_gap(4, 1000);
  file.append("tail");
  file.commit();
  const std::string read = read_file(folder / "out");
  EXPECT_EQ(read.substr(0, 4), "head");
  EXPECT_TRUE(read.substr(1004) == body + "tail");
}

TEST(OutputFileTest, FollowsSymbolicLinks) {
  const TempFolder folder;
  test::write_file(folder / "real", "old");
  std::filesystem::create_symlink(folder / "real", folder / "link");
  OutputFile file(folder / "link");
  file.append("new");
  file.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "real"), "new");
}

TEST(OutputFileTest, DevicesAreWrittenDirectlyAndStay) {
  OutputFile file("/dev/null");
  file.append("x");
  EXPECT_THAT(error_of([&] { file.overwrite(0, "y"); }), HasSubstr("not a regular file"));
  file.commit();
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(OutputFileTest, ErrorsSayWhatToDo) {
  const TempFolder folder;
  EXPECT_THAT(
      error_of([&] { OutputFile(folder / "none/out"); }),
      HasSubstr("none/out: cannot create: No such file or directory; does its folder exist?"));
  EXPECT_THAT(error_of([&] { OutputFile(folder / ""); }), HasSubstr("cannot open: Is a directory"));
  EXPECT_THAT(error_of([&] {
                OutputFile file("/dev/full");
                file.append("x");
                file.commit();
              }),
              HasSubstr("/dev/full: cannot write: No space left on device; free some space"));
}

TEST(OutputFileTest, AKilledProcessLeavesNothing) {
  const TempFolder folder;
  if (OutputFile probe(folder / "probe"); folder.files() != 0) {
    GTEST_SKIP() << "no O_TMPFILE on this file system";
  }
  const pid_t child = fork();
  if (child == 0) {
    OutputFile file(folder / "out");
    file.append(std::string(1 << 20, 'x'));
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(folder.files(), 0U);
}

}  // namespace
}  // namespace replay
