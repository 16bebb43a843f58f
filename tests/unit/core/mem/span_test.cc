#include "core/mem/span.h"

#include <gtest/gtest.h>

#include <vector>

namespace mem {
namespace {

std::vector<Span*> listed(const SpanList& list) {
  std::vector<Span*> spans;
  const Span* before = nullptr;
  for (Span* span = list.first(); span != nullptr; span = span->next) {
    EXPECT_EQ(span->prev, before);
    before = span;
    spans.push_back(span);
  }
  return spans;
}

using Spans = std::vector<Span*>;

TEST(Span, LiesAsItsDrawingSays) {
  EXPECT_EQ(sizeof(Span), 64u);
  EXPECT_EQ(alignof(Span), 64u);
  const Span span{};
  const auto offset = [&](const auto& member) {
    return reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(&span);
  };
  EXPECT_EQ(offset(span.owner), 0);
  EXPECT_EQ(offset(span.free), 8);
  EXPECT_EQ(offset(span.requested_bytes), 8);
  EXPECT_EQ(offset(span.remote), 16);
  EXPECT_EQ(offset(span.next), 24);
  EXPECT_EQ(offset(span.prev), 32);
  EXPECT_EQ(offset(span.pending), 40);
  EXPECT_EQ(offset(span.need), 48);
  EXPECT_EQ(offset(span.run_pages), 48);
  EXPECT_EQ(offset(span.first_page), 52);
  EXPECT_EQ(offset(span.capacity), 56);
  EXPECT_EQ(offset(span.carved), 58);
  EXPECT_EQ(offset(span.bin), 62);
}

TEST(Span, StartsUnusedAndUnowned) {
  const Span span{};
  EXPECT_EQ(span.state(), SpanState::kUnused);
  EXPECT_FALSE(span.is_owned());
  EXPECT_TRUE(span.is_owned_by(nullptr));
  EXPECT_EQ(span.free, nullptr);
  EXPECT_EQ(span.remote.load(), 0u);
  EXPECT_EQ(span.run_pages, 0u);
  EXPECT_EQ(span.is_fresh, 0);
}

TEST(Span, IsOwnedInTheStatesOfSlabsAndFitSpans) {
  Span span;
  span.set_state(SpanState::kLarge);
  EXPECT_FALSE(span.is_owned());
  for (const SpanState state : {SpanState::kCurrent, SpanState::kFull, SpanState::kAvailable,
                                SpanState::kSparse, SpanState::kOutdated, SpanState::kFit}) {
    span.set_state(state);
    EXPECT_EQ(span.state(), state);
    EXPECT_TRUE(span.is_owned());
  }
}

TEST(Span, KnowsItsOwner) {
  Span span;
  unsigned char heaps[2];  // only their addresses count
  auto* one = reinterpret_cast<ThreadHeap*>(&heaps[0]);
  auto* other = reinterpret_cast<ThreadHeap*>(&heaps[1]);
  span.owner.store(one);
  EXPECT_TRUE(span.is_owned_by(one));
  EXPECT_FALSE(span.is_owned_by(other));
  EXPECT_FALSE(span.is_owned_by(nullptr));
}

TEST(Span, HoldsEveryObjectSizeBesideItsFreshness) {
  Span span;
  for (unsigned units = 1; units <= 2048; ++units) {
    span.object_units = static_cast<std::uint16_t>(units & 0x7fff);
    span.is_fresh = units % 2 == 0;
    ASSERT_EQ(span.object_bytes(), std::size_t{16} * units);
    ASSERT_EQ(span.is_fresh, units % 2 == 0);
  }
}

TEST(SpanList, PushesInFrontAndRemovesAnywhere) {
  SpanList list;
  Span a;
  Span b;
  Span c;
  EXPECT_EQ(list.first(), nullptr);
  for (Span* span : {&a, &b, &c}) list.push(span);
  EXPECT_EQ(listed(list), (Spans{&c, &b, &a}));
  list.remove(&b);
  EXPECT_EQ(listed(list), (Spans{&c, &a}));
  list.push(&b);
  EXPECT_EQ(listed(list), (Spans{&b, &c, &a}));
  list.remove(&a);  // the last
  EXPECT_EQ(listed(list), (Spans{&b, &c}));
  list.remove(&b);  // the first
  EXPECT_EQ(listed(list), (Spans{&c}));
  list.remove(&c);
  EXPECT_EQ(list.first(), nullptr);
}

TEST(SpanList, ASpanThatLeftMayEnterAnother) {
  SpanList from;
  SpanList to;
  Span a;
  Span b;
  from.push(&a);
  from.push(&b);
  from.remove(&a);
  to.push(&a);
  EXPECT_EQ(listed(from), (Spans{&b}));
  EXPECT_EQ(listed(to), (Spans{&a}));
}

}  // namespace
}  // namespace mem
