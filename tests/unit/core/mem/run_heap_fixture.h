// A run heap over pages that are watched, for the tests of core/mem/run_heap*.h.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "core/mem/run_heap.h"
#include "core/mem/run_heap_impl.h"
#include "core/mem/tuning.h"
#include "core/os/simulated_pages.h"

namespace mem {

// Simulated pages that also know what is committed and, from the test, what is in use: of that,
// nothing may be discarded or unmapped.
class WatchedPages : public SimulatedPages {
 public:
  WatchedPages() noexcept : arena_(static_cast<std::byte*>(map(kPageBytes, 0, 0))) {
    unmap(arena_, kPageBytes);
  }

  bool unmap(void* p, std::size_t bytes) noexcept {
    note_in_use(p, bytes);
    if (!SimulatedPages::unmap(p, bytes)) return false;
    mark(committed_, p, bytes, false);
    mark(huge_, p, bytes, false);
    mark(never_huge_, p, bytes, false);
    return true;
  }
  bool discard(void* p, std::size_t bytes) noexcept {
    note_in_use(p, bytes);
    if (!are_committed(p, bytes)) ++violations_;
    if (on_discard) on_discard();
    return SimulatedPages::discard(p, bytes);
  }
  void* reserve(void* hint, std::size_t bytes, Access access) noexcept {
    return reserves_to_refuse > 0 && reserves_to_refuse-- > 0
               ? nullptr
               : SimulatedPages::reserve(hint, bytes, access);
  }
  bool commit(void* p, std::size_t bytes) noexcept {
    if (!SimulatedPages::commit(p, bytes)) return false;
    if (commits_to_refuse > 0 && commits_to_refuse-- > 0) return false;
    mark(committed_, p, bytes, true);
    return true;
  }

  void prefer_huge(void* p, std::size_t bytes, bool huge) noexcept {
    SimulatedPages::prefer_huge(p, bytes, huge);
    if (huge && !are_committed(p, bytes)) ++violations_;
    mark(huge_, p, bytes, huge);
    mark(never_huge_, p, bytes, !huge);
  }

  bool is_huge(const void* p) const { return huge_[index(p)]; }
  bool is_never_huge(const void* p) const { return never_huge_[index(p)]; }
  std::size_t huge_pages() const {
    return static_cast<std::size_t>(std::count(huge_.begin(), huge_.end(), true));
  }
  void set_in_use(const void* p, std::size_t bytes, bool in_use) {
    mark(in_use_, p, bytes, in_use);
  }
  void note_in_use(const void* p, std::size_t bytes) {
    for (std::size_t i = index(p); i < index(p) + bytes / kPageBytes; ++i)
      violations_ += in_use_[i];
  }
  bool are_committed(const void* p, std::size_t bytes) const {
    for (std::size_t i = index(p); i < index(p) + bytes / kPageBytes; ++i) {
      if (!committed_[i]) return false;
    }
    return true;
  }
  std::size_t committed_pages() const {
    return static_cast<std::size_t>(std::count(committed_.begin(), committed_.end(), true));
  }
  int violations() const { return violations_; }

  std::function<void()> on_discard;
  int reserves_to_refuse = 0;  // of the next calls
  int commits_to_refuse = 0;

 private:
  std::size_t index(const void* p) const {
    return static_cast<std::size_t>(static_cast<const std::byte*>(p) - arena_) / kPageBytes;
  }
  void mark(std::vector<bool>& pages, const void* p, std::size_t bytes, bool value) {
    std::fill_n(pages.begin() + static_cast<std::ptrdiff_t>(index(p)), bytes / kPageBytes, value);
  }

  std::byte* arena_;
  std::vector<bool> committed_ = std::vector<bool>(kArenaPages);
  std::vector<bool> huge_ = std::vector<bool>(kArenaPages);
  std::vector<bool> never_huge_ = std::vector<bool>(kArenaPages);
  std::vector<bool> in_use_ = std::vector<bool>(kArenaPages);
  int violations_ = 0;
};

class RunHeapTest : public testing::Test {
 protected:
  using Runs = RunHeap<WatchedPages>;
  static constexpr std::size_t kSlotPages = 16384;

  ~RunHeapTest() override {
    EXPECT_EQ(runs().check(), 0);
    EXPECT_EQ(os().violations(), 0);
  }

  Runs& runs() { return *runs_; }
  WatchedPages& os() { return runs_->os(); }
  std::byte* start_of(const Span* span) {
    return reinterpret_cast<std::byte*>(runs().map().address_of(span->first_page));
  }
  std::size_t dirty() { return runs().stats().dirty_pages; }
  std::size_t used() { return runs().stats().used_pages; }
  std::uint64_t calls(PageCall kind) { return os().calls(kind); }

  // A run; nothing else may be where it is, its pages are committed, and zero if it says so.
  Span* take(std::size_t pages, std::size_t align = 0, SpanState state = SpanState::kLarge,
             bool whole = false) {
    Span* span = runs().allocate(pages, align, state, whole);
    if (span == nullptr) return nullptr;
    EXPECT_GE(span->run_pages, pages);
    const bool may_have_waited = state == SpanState::kLarge && align <= kPageBytes;
    EXPECT_LE(span->run_pages, may_have_waited ? tuning::most_pages(pages) : pages);
    EXPECT_EQ(span->state(), state);
    EXPECT_EQ(runs().map().find(start_of(span)), span);
    own(span, 0);
    return span;
  }
  // Ends a run as if `touched` of its pages had been written; some are, among them the last.
  void give(Span* span, std::size_t touched = SIZE_MAX) {
    const std::size_t pages = span->run_pages;
    touched = touched < pages ? touched : pages;
    for (std::size_t i = 0; i < touched; i += i < 32 || touched - i <= 16 ? 1 : 16) {
      start_of(span)[i * kPageBytes + 8] = std::byte{1};
    }
    os().set_in_use(start_of(span), pages * kPageBytes, false);
    runs().free(span, pages, touched);
  }
  bool grow(Span* span, std::size_t pages) {
    const std::size_t old = span->run_pages;
    if (!runs().grow(span, pages)) {
      EXPECT_EQ(span->run_pages, old);
      return false;
    }
    EXPECT_EQ(span->run_pages, pages);
    own(span, old);
    return true;
  }
  void shrink(Span* span, std::size_t pages) {
    const std::size_t old = span->run_pages;
    os().set_in_use(start_of(span) + pages * kPageBytes, (old - pages) * kPageBytes, false);
    runs().shrink(span, pages);
    EXPECT_EQ(span->run_pages, pages);
  }

  // `count` runs of `pages`, with a page in use behind each so that no two can join.
  std::vector<Span*> take_apart(std::size_t count, std::size_t pages) {
    std::vector<Span*> spans;
    for (std::size_t i = 0; i < count; ++i) {
      spans.push_back(take(pages));
      take(1);
    }
    return spans;
  }

 private:
  // Checks and claims the pages of a span from `from` on.
  void own(Span* span, std::size_t from) {
    std::byte* start = start_of(span) + from * kPageBytes;
    const std::size_t bytes = (span->run_pages - from) * kPageBytes;
    os().note_in_use(start, bytes);
    os().set_in_use(start, bytes, true);
    EXPECT_TRUE(os().are_committed(start, bytes));
    if (!span->is_fresh) return;
    for (std::size_t i = 0; i < bytes; i += kPageBytes) {
      if (start[i + 8] != std::byte{0}) FAIL() << "page " << i / kPageBytes << " is not fresh";
    }
  }

  std::unique_ptr<Runs> runs_ = std::make_unique<Runs>();
};

}  // namespace mem
