#include "replay/trace/file_hash.h"

#include <gtest/gtest.h>

#include "replay/trace/error.h"
#include "tests/support/random_trace.h"
#include "tests/support/temp_folder.h"

namespace replay {
namespace {

TEST(FileHashTest, HashesAsSha256sumDoes) {
  const test::TempFolder folder;
  test::write_file(folder / "abc", "abc");
  EXPECT_EQ(file_sha256(folder / "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THROW(file_sha256(folder / "missing"), Error);
}

}  // namespace
}  // namespace replay
