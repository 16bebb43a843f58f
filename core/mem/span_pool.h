// Where spans live: chunks of pages of their own, never given back, so that a span can be looked at
// whatever became of its run. An unused span is in state kUnused.
//
// take, give: O(1), and a system call for every 1023 spans. for_each: O(spans). Not thread-safe.
#pragma once

#include <cstddef>
#include <new>

#include "core/mem/span.h"

namespace mem {

class SpanPool {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

  constexpr SpanPool() noexcept = default;

  // nullptr = no memory.
  template <class Os>
  Span* take(Os& os) noexcept {
    if (unused_ == nullptr && fresh_ == kSpansPerChunk && !add_chunk(os)) return nullptr;
    if (unused_ != nullptr) {
      Span* span = unused_;
      unused_ = span->next;
      return span;
    }
    return new (&chunks_->spans[fresh_++]) Span;
  }

  // pre: came from take.
  void give(Span* span) noexcept {
    span->set_state(SpanState::kUnused);
    span->next = unused_;
    unused_ = span;
  }

  std::size_t bytes_used() const noexcept {
    return chunk_count_ * kChunkBytes - (kSpansPerChunk - fresh_) * sizeof(Span);
  }

  template <class Visit>
  void for_each(Visit visit) noexcept {
    std::size_t count = fresh_;
    for (Chunk* chunk = chunks_; chunk != nullptr; chunk = chunk->next) {
      for (std::size_t i = 0; i < count; ++i) visit(chunk->spans[i]);
      count = kSpansPerChunk;
    }
  }

 private:
  static constexpr std::size_t kSpansPerChunk = kChunkBytes / sizeof(Span) - 1;
  struct alignas(Span) Chunk {
    Chunk* next;
    Span spans[kSpansPerChunk];
  };
  static_assert(sizeof(Chunk) == kChunkBytes);

  template <class Os>
  bool add_chunk(Os& os) noexcept {
    void* memory = os.map(kChunkBytes, 0, 0);
    if (memory == nullptr) return false;
    auto* chunk = static_cast<Chunk*>(memory);
    chunk->next = chunks_;
    chunks_ = chunk;
    fresh_ = 0;
    ++chunk_count_;
    return true;
  }

  Chunk* chunks_ = nullptr;
  Span* unused_ = nullptr;
  std::size_t chunk_count_ = 0;
  std::size_t fresh_ = kSpansPerChunk;  // spans of the first chunk ever taken
};

}  // namespace mem
