// Each misuse must end its process by SIGABRT with one line that names an address and the reason:
// through the C face, and through malloc's own names when libmem.so is preloaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string.h>

#include <string>

#include "core/mem/heap.h"
#include "tests/support/subprocess.h"

namespace {

struct Case {
  const char* name;
  const char* message;
};

class MisuseTest : public testing::TestWithParam<Case> {};

void expect_one_line(const support::Outcome& outcome, const std::string& message) {
  EXPECT_EQ(outcome.signal, SIGABRT) << "exit code " << outcome.exit_code;
  EXPECT_THAT(outcome.output, testing::MatchesRegex(message + "[^\n]*\n"));
}

TEST_P(MisuseTest, EndsTheProcessAndSaysWhy) {
  expect_one_line(support::run({MISUSE_PROGRAM, GetParam().name}), GetParam().message);
}

#ifdef MISUSE_PRELOADED
TEST_P(MisuseTest, EndsAPreloadedProcessToo) {
  expect_one_line(support::run({MISUSE_PRELOADED, GetParam().name}, {{"LD_PRELOAD", LIBMEM}}),
                  GetParam().message);
}
#endif

constexpr char kDouble[] = "mem: double free of 0x[0-9a-f]+: the block is free already";
constexpr char kForeign[] = "mem: invalid free of 0x[0-9a-f]+: it is in no memory of this heap";
constexpr char kInterior[] = "mem: invalid free of 0x[0-9a-f]+: it points into the block at 0x";
// A large block's memory may be gone once it was freed, or stand at the heap's disposal.
constexpr char kEither[] = "mem: (double|invalid) free of 0x[0-9a-f]+: ";

// What every heap here must tell.
constexpr Case kAlways[] = {
    {"double_free_immediate", kDouble},
    {"double_free_large", kEither},
    {"double_free_by_thread_large", kEither},
    {"realloc_after_free_large", kEither},
    {"interior_of_large", kInterior},
    {"end_of_large", kEither},
    {"misaligned_large", "mem: invalid free of 0x[0-9a-f]+1: "},
    {"realloc_of_interior_large", kInterior},
    {"mapped_page", kForeign},
    {"global", kForeign},
    {"code", kForeign},
    {"stack", kForeign},
    {"wild", "mem: invalid free of 0x123456789ab0: it is in no memory of this heap"},
    {"empty_heap", "mem: invalid free of 0x10: it is in no memory of this heap"},
    {"other_malloc", kForeign},
    {"usable_size_of_wild", "mem: invalid free of 0x4000"},
};

// What is told of small blocks as long as their size is not asked for often.
constexpr Case kOfFittedBlocks[] = {
    {"double_free_coalesced", kDouble},
    {"double_free_after_another", kDouble},
    {"realloc_after_free", kDouble},
    {"interior", kInterior},
#if !defined( \
    __SANITIZE_ADDRESS__)  // whose companion for undefined behaviour is the first to see it
    {"misaligned", "mem: invalid free of 0x[0-9a-f]+1: misaligned"},
#endif
};

std::string name_of(const testing::TestParamInfo<Case>& each) { return each.param.name; }
INSTANTIATE_TEST_SUITE_P(Always, MisuseTest, testing::ValuesIn(kAlways), name_of);
INSTANTIATE_TEST_SUITE_P(OfFittedBlocks, MisuseTest, testing::ValuesIn(kOfFittedBlocks), name_of);

// The programs above use the default config; the guards are the same code in the classic one, and
// these ask it in a forked child.
class ClassicMisuseDeathTest : public testing::Test {
 protected:
  static mem::Heap<mem::ClassicConfig> heap_;
};
constinit mem::Heap<mem::ClassicConfig> ClassicMisuseDeathTest::heap_;

TEST_F(ClassicMisuseDeathTest, TellsEachKind) {
  auto* p = static_cast<char*>(heap_.allocate(100, 0));
  auto* q = static_cast<char*>(heap_.allocate(100, 0));
  auto* wall = static_cast<char*>(heap_.allocate(100, 0));
  memset(wall, 0, 100);
  heap_.deallocate(q);
  EXPECT_DEATH(heap_.deallocate(q), "double free");
  EXPECT_DEATH(heap_.deallocate(p + 8), "points into the block");
  EXPECT_DEATH(heap_.deallocate(p + 4), "misaligned");
  EXPECT_DEATH(heap_.deallocate(&p), "in no memory of this heap");
  EXPECT_DEATH((memset(p - 16, 0x41, 16), heap_.deallocate(p)), "corrupted header");
  EXPECT_DEATH(heap_.deallocate(wall + 64), "points into the block");
}

// A reused block cannot be told from its last life; but what is left of it can.
TEST_F(ClassicMisuseDeathTest, DoubleFreeOfASplitBlockIsTold) {
  auto* p = static_cast<char*>(heap_.allocate(400, 0));
  auto* q = static_cast<char*>(heap_.allocate(100, 0));
  heap_.allocate(1, 0);
  heap_.deallocate(q);
  heap_.deallocate(p);
  char* whole = static_cast<char*>(heap_.allocate(490, 0));
  ASSERT_EQ(whole, p);
  memset(whole, 0x5a, 490);
  EXPECT_DEATH(heap_.deallocate(q), "points into the block");
}

}  // namespace
