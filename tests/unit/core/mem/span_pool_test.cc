#include "core/mem/span_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "core/os/simulated_pages.h"

namespace mem {
namespace {

class SpanPoolTest : public testing::Test {
 protected:
  static constexpr std::size_t kPerChunk = 1023;

  Span* take() { return pool_.take(*pages_); }
  std::multiset<Span*> visited() {
    std::multiset<Span*> spans;
    pool_.for_each([&](Span& span) { spans.insert(&span); });
    return spans;
  }

  std::unique_ptr<SimulatedPages> pages_ = std::make_unique<SimulatedPages>();
  SpanPool pool_;
};

TEST_F(SpanPoolTest, TakesAChunkForEvery1023Spans) {
  EXPECT_EQ(pool_.bytes_used(), 0u);
  EXPECT_TRUE(visited().empty());
  std::multiset<Span*> taken;
  for (std::size_t i = 1; i <= 2 * kPerChunk + 1; ++i) {
    Span* span = take();
    ASSERT_NE(span, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(span) % sizeof(Span), 0u);
    ASSERT_EQ(span->state(), SpanState::kUnused);
    ASSERT_EQ(taken.count(span), 0u);
    taken.insert(span);
    const std::size_t chunks = (i + kPerChunk - 1) / kPerChunk;
    ASSERT_EQ(pages_->calls(PageCall::kMap), chunks);
    ASSERT_EQ(pool_.bytes_used(), (i + chunks) * sizeof(Span));
  }
  EXPECT_EQ(pages_->pages_held() * kPageBytes, 3 * SpanPool::kChunkBytes);
  EXPECT_EQ(visited(), taken);  // each once
}

TEST_F(SpanPoolTest, SpansLieInTheirChunk) {
  Span* first = take();
  Span* last = first;
  for (std::size_t i = 1; i < kPerChunk; ++i) last = take();
  EXPECT_LE(reinterpret_cast<std::byte*>(last + 1) - reinterpret_cast<std::byte*>(first),
            static_cast<std::ptrdiff_t>(SpanPool::kChunkBytes - sizeof(Span)));
}

TEST_F(SpanPoolTest, GivesOutAgainWhatCameBackBeforeAnythingNew) {
  std::vector<Span*> spans;
  for (int i = 0; i < 10; ++i) spans.push_back(take());
  for (Span* span : spans) span->set_state(SpanState::kLarge);
  const std::size_t used = pool_.bytes_used();
  for (const int i : {3, 7, 5}) pool_.give(spans[static_cast<std::size_t>(i)]);
  EXPECT_EQ(spans[3]->state(), SpanState::kUnused);
  EXPECT_EQ(spans[4]->state(), SpanState::kLarge);
  const std::set<Span*> again{take(), take(), take()};
  EXPECT_EQ(again, (std::set<Span*>{spans[3], spans[5], spans[7]}));
  EXPECT_EQ(pool_.bytes_used(), used);
  EXPECT_EQ(again.count(take()), 0u);
  EXPECT_EQ(pool_.bytes_used(), used + sizeof(Span));
}

TEST_F(SpanPoolTest, WithoutMemoryItStaysWhole) {
  pages_->fail_every(PageCall::kMap, 1);
  EXPECT_EQ(take(), nullptr);
  EXPECT_EQ(pool_.bytes_used(), 0u);
  EXPECT_TRUE(visited().empty());
  pages_->fail_every(PageCall::kMap, 0);
  Span* first = take();
  for (std::size_t i = 1; i < kPerChunk; ++i) take();
  pages_->fail_every(PageCall::kMap, 1);
  EXPECT_EQ(take(), nullptr);
  EXPECT_EQ(visited().size(), kPerChunk);
  pool_.give(first);
  EXPECT_EQ(take(), first);
  EXPECT_EQ(take(), nullptr);
}

}  // namespace
}  // namespace mem
