#include "replay/engine/allocator_books.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace replay {
namespace {

TEST(AllocatorBooksTest, GlibcsHeadersAndCachesFollowFromItsTotals) {
  struct mallinfo2 info {};
  info.uordblks = 10'000;  // chunks in use and those in thread caches
  info.hblkhd = 8'192;     // mapped chunks
  info.hblks = 1;
  info.fsmblks = 300;
  const AllocatorBooks books = books_of_mallinfo(info, {5, 17'000});
  EXPECT_EQ(books.kind, BooksKind::kMallinfo2);
  EXPECT_EQ(books.metadata_bytes, 8U * 6);
  EXPECT_EQ(books.caches_bytes, 300U + 18'192 - 17'000 - 48);
}

TEST(AllocatorBooksTest, MoreLiveThanInUseIsNoCache) {
  struct mallinfo2 info {};
  info.uordblks = 100;
  EXPECT_EQ(books_of_mallinfo(info, {5, 17'000}).caches_bytes, 0U);
}

TEST(AllocatorBooksTest, MemTellsItsOwnPages) {
  const char text[] =
      "mem: total_allocated 5 bytes in 1 blocks, total_pages 30\n"
      "mem: pages: used 20 (large 2), dirty 3, clean 4, own 7, purged 9\n";
  const AllocatorBooks books = books_of_mem(text, 4096);
  EXPECT_TRUE(books.metadata_known);
  EXPECT_EQ(books.metadata_bytes, 7U * 4096);
  EXPECT_FALSE(books.caches_known);
  EXPECT_EQ(books_of_mem("Arena 0:\n", 4096).kind, BooksKind::kNone);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(AllocatorBooksTest, OfThisProcessTheCLibraryTells) {
  void* p = ::malloc(1 << 20);
  const AllocatorBooks books = read_malloc_books({1, 1 << 20});
  EXPECT_EQ(books.kind, BooksKind::kMallinfo2);
  EXPECT_TRUE(books.metadata_known && books.caches_known);
  ::free(p);
}
#endif

}  // namespace
}  // namespace replay
