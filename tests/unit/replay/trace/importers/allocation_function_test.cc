#include "replay/trace/importers/allocation_function.h"

#include <gtest/gtest.h>

namespace replay {
namespace {

using F = AllocationFunction;

TEST(AllocationFunctionTest, KnowsTheFamily) {
  EXPECT_EQ(allocation_function("malloc"), F::kMalloc);
  EXPECT_EQ(allocation_function("calloc"), F::kCalloc);
  EXPECT_EQ(allocation_function("aligned_alloc"), F::kMemalign);
  EXPECT_EQ(allocation_function("posix_memalign"), F::kPosixMemalign);
  EXPECT_EQ(allocation_function("cfree"), F::kFree);
  EXPECT_EQ(allocation_function("malloc_usable_size"), F::kNone);
  EXPECT_EQ(allocation_function("mallocx"), F::kNone);
  EXPECT_EQ(allocation_function(""), F::kNone);
}

TEST(AllocationFunctionTest, KnowsOperators) {
  EXPECT_EQ(allocation_function("_Znwm"), F::kMalloc);
  EXPECT_EQ(allocation_function("_ZnamRKSt9nothrow_t"), F::kMalloc);
  EXPECT_EQ(allocation_function("_ZnwmSt11align_val_tRKSt9nothrow_t"), F::kNewAligned);
  EXPECT_EQ(allocation_function("_ZdlPvmSt11align_val_t"), F::kFree);
  EXPECT_EQ(allocation_function("operator new(unsigned long)"), F::kMalloc);
  EXPECT_EQ(allocation_function("operator new[](unsigned long, std::align_val_t)"), F::kNewAligned);
  EXPECT_EQ(allocation_function("operator delete[](void*)"), F::kFree);
  EXPECT_EQ(allocation_function("operator newer(int)"), F::kNone);
}

}  // namespace
}  // namespace replay
