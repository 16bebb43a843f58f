#include "replay/trace/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/error_of.h"
#include "tests/support/pipe_of.h"
#include "tests/support/random_trace.h"

namespace replay {
namespace {

using test::error_of;
using test::PipeOf;
using test::TempFolder;
using testing::HasSubstr;

std::string read_at(InputFile* file, std::uint64_t offset, std::size_t length) {
  std::vector<unsigned char> bytes(length);
  bytes.resize(file->read(offset, bytes));
  return {bytes.begin(), bytes.end()};
}

TEST(InputFileTest, ARegularFileIsReadAnywhere) {
  const TempFolder folder;
  test::write_file(folder / "in", "0123456789");
  InputFile file(folder / "in");
  EXPECT_EQ(file.size(), 10U);
  EXPECT_EQ(file.name(), folder / "in");
  EXPECT_EQ(read_at(&file, 4, 3), "456");
  EXPECT_EQ(read_at(&file, 0, 2), "01");
  EXPECT_EQ(read_at(&file, 8, 5), "89");
  EXPECT_EQ(read_at(&file, 20, 5), "");
}

TEST(InputFileTest, APipeIsReadForwardsAndSkipped) {
  std::string text;
  for (int i = 0; text.size() < 300000; ++i) text += std::to_string(i) + " ";
  const PipeOf pipe(text);
  InputFile file(pipe.path());
  EXPECT_EQ(file.size(), std::nullopt);
  EXPECT_EQ(read_at(&file, 0, 5), text.substr(0, 5));
  EXPECT_EQ(read_at(&file, 5, 100000), text.substr(5, 100000));  // more than a read_at gives
  EXPECT_EQ(read_at(&file, 250000, 10), text.substr(250000, 10));
  EXPECT_EQ(read_at(&file, 250010, text.size()), text.substr(250010));
  EXPECT_EQ(read_at(&file, text.size(), 1), "");
  EXPECT_EQ(read_at(&file, text.size() + 50, 1), "");
}

TEST(InputFileTest, WhatWasReadOfAPipeBeforeIsGivenBack) {
  const PipeOf pipe("0123456789");
  InputFile first(pipe.path());
  ASSERT_EQ(read_at(&first, 0, 4), "0123");
  InputFile file(pipe.path(), "0123");
  EXPECT_EQ(read_at(&file, 0, 2), "01");
  EXPECT_EQ(read_at(&file, 3, 4), "3456");
  EXPECT_EQ(read_at(&file, 7, 9), "789");
}

TEST(InputFileTest, WhatCannotBeReadIsRefusedClearly) {
  const TempFolder folder;
  EXPECT_THAT(error_of([&] { InputFile(folder / "none"); }),
              HasSubstr("none: cannot open: No such file"));
  EXPECT_THAT(error_of([&] { InputFile(folder / ""); }), HasSubstr("is a directory"));
}

}  // namespace
}  // namespace replay
