#include "replay/engine/malloc_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace replay {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(MallocLibraryTest, FindsWhatTheCLibraryBringsBesideItsMalloc) {
  EXPECT_NE(beside_malloc("malloc_usable_size"), nullptr);
  EXPECT_THAT(malloc_library(), ::testing::HasSubstr("libc"));
}
#endif

TEST(MallocLibraryTest, WhatAnotherLibraryBringsIsNotBesideIt) {
  EXPECT_EQ(beside_malloc("_ZSt9terminatev"), nullptr);  // of the C++ library
  EXPECT_EQ(beside_malloc("no_such_function"), nullptr);
}

}  // namespace
}  // namespace replay
